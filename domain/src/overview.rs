//! What the Overview pane shows, in one piece.

use crate::lifecycle::{Enforcement, Ipv6State};
use crate::page::Total;
use crate::{SafeText, Timestamp, ipam::Pool, task::TaskStatus, technician::TechnicianStatus, words};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Overview {
    /// Subscribers that take part in prefix delegation, per state, in the order of `Ipv6State::ALL`.
    pub states: Vec<(Ipv6State, u64)>,
    pub subscribers: u64,
    /// Those with mode pd or dual_stack: the denominator of the utilisation.
    pub delegating: u64,
    pub pools: Vec<Pool>,
    pub running: u64,
    pub waiting: u64,
    /// Ended badly in the last 24 hours.
    pub failed_today: u64,
    /// Where the network is not known to have done what it was asked for, see [`unproved_filter`].
    #[serde(default)]
    pub unproved: Vec<(Enforcement, Total)>,
    pub technicians: Vec<(TechnicianStatus, u64)>,
    pub tasks: Vec<(TaskStatus, u64)>,
    pub tasks_today: u64,
    pub tasks_overdue: u64,
    pub alerts: Vec<Alert>,
}

impl Overview {
    /// Share of the delegating subscribers that hold a live prefix (allocated, active, suspended, revoking), 0 to 100.
    pub fn utilisation(&self) -> f64 {
        if self.delegating == 0 {
            return 0.0;
        }
        let live: u64 = self.states.iter().filter(|(state, _)| state.holds_prefix()).map(|(_, n)| n).sum();
        live as f64 / self.delegating as f64 * 100.0
    }
}

/// What is listed of what is not proved, in this order.
pub const UNPROVED: [Enforcement; 3] = [Enforcement::Acknowledged, Enforcement::Unanswered, Enforcement::Refused];

/// The rows behind a count of [`Overview::unproved`]. Whoever was acknowledged longer ago is a matter of the check for drift, which knows what
/// each NAS can prove; where nobody reads accounting, everybody is acknowledged for good.
pub fn unproved_filter(enforcement: Enforcement) -> String {
    match enforcement {
        Enforcement::Acknowledged => format!("enforcement:{enforcement} age:<24h"),
        other => format!("enforcement:{other}"),
    }
}

words!(Severity { Info = "info", Warning = "warning", Critical = "critical" });

/// Something that wants a look. `filter` leads to the rows: `state:revoking`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub severity: Severity,
    pub text: SafeText,
    pub since: Option<Timestamp>,
    pub filter: Option<String>,
}
