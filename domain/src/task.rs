//! Field tasks: types, statuses and their guarded transitions.

use crate::{SafeText, SubscriberId, TaskId, TechnicianId, TenantId, Timestamp, geo::LatLng, words};
use serde::{Deserialize, Serialize};

words!(TaskType {
    SiteSurvey = "site_survey", Planning = "planning", FiberRouting = "fiber_routing", Trenching = "trenching",
    ConduitInstallation = "conduit_installation", CablePulling = "cable_pulling", Splicing = "splicing", Termination = "termination",
    OntInstallation = "ont_installation", CpeInstallation = "cpe_installation", Testing = "testing", Documentation = "documentation",
    CustomerTraining = "customer_training", Closeout = "closeout", Inspection = "inspection", Troubleshooting = "troubleshooting",
    Custom = "custom",
});
words!(TaskStatus {
    Pending = "pending", Ready = "ready", Assigned = "assigned", InProgress = "in_progress", Blocked = "blocked", Paused = "paused",
    Completed = "completed", Failed = "failed", Cancelled = "cancelled", Skipped = "skipped",
});
words!(Priority { Low = "low", Normal = "normal", High = "high", Critical = "critical", Emergency = "emergency" });

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    pub tenant: TenantId,
    pub number: SafeText,
    pub title: SafeText,
    pub task_type: TaskType,
    pub status: TaskStatus,
    pub priority: Priority,
    pub subscriber: Option<SubscriberId>,
    pub subscriber_name: Option<SafeText>,
    pub technician: Option<TechnicianId>,
    pub technician_name: Option<SafeText>,
    pub address: Option<SafeText>,
    pub position: Option<LatLng>,
    pub scheduled_at: Option<Timestamp>,
    pub estimate_min: Option<u32>,
    pub sla_due_at: Option<Timestamp>,
    /// Numbers of the tasks that must end first. `ready` is computed from them.
    pub depends_on: Vec<TaskId>,
    pub notes: Option<SafeText>,
    pub blocked_reason: Option<SafeText>,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub version: i64,
    pub updated_at: Timestamp,
    /// Holds changes that the centre has not taken yet.
    #[serde(default)]
    pub unsent: bool,
}

impl Task {
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        !self.status.is_ended() && self.sla_due_at.is_some_and(|due| due < now)
    }
}

/// Why a task may not go from one status to another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskRefusal {
    #[error("a task that is {from} can not become {to}")]
    Transition { from: TaskStatus, to: TaskStatus },
    #[error("a task that is {to} needs a technician: assign one first")]
    NoTechnician { to: TaskStatus },
    #[error("{open} task(s) that this one depends on are not ended yet")]
    DependenciesOpen { open: usize },
    #[error("blocking a task needs a reason")]
    NoReason,
}

impl TaskStatus {
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped)
    }

    /// The statuses that may follow, in the order in which a menu offers them.
    pub fn next(self) -> &'static [TaskStatus] {
        use TaskStatus::*;
        match self {
            Pending => &[Ready, Assigned, Blocked, Cancelled, Skipped],
            Ready => &[Assigned, Blocked, Cancelled, Skipped],
            Assigned => &[InProgress, Ready, Blocked, Cancelled, Skipped],
            InProgress => &[Completed, Paused, Blocked, Failed, Cancelled],
            Paused => &[InProgress, Blocked, Failed, Cancelled],
            Blocked => &[Pending, Ready, Assigned, InProgress, Cancelled],
            Failed => &[Ready],
            Completed | Cancelled | Skipped => &[],
        }
    }

    /// Checks one change. `open_dependencies` counts tasks that this one depends on and that are not ended.
    pub fn change(self, to: Self, has_technician: bool, open_dependencies: usize, reason: Option<&str>) -> Result<(), TaskRefusal> {
        if self == to {
            return Ok(());
        }
        if !self.next().contains(&to) {
            return Err(TaskRefusal::Transition { from: self, to });
        }
        if matches!(to, Self::Assigned | Self::InProgress) && !has_technician {
            return Err(TaskRefusal::NoTechnician { to });
        }
        if matches!(to, Self::Ready | Self::InProgress) && open_dependencies > 0 {
            return Err(TaskRefusal::DependenciesOpen { open: open_dependencies });
        }
        if to == Self::Blocked && reason.is_none_or(|r| r.trim().is_empty()) {
            return Err(TaskRefusal::NoReason);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The model: written as forbidden pairs, apart from the table above.
    fn forbidden(from: TaskStatus, to: TaskStatus) -> bool {
        use TaskStatus::*;
        let never_leaves = matches!(from, Completed | Cancelled | Skipped);
        let work_needs_a_start = matches!(to, Completed | Paused) && from != InProgress;
        let fails_only_at_work = to == Failed && !matches!(from, InProgress | Paused);
        let starts_only_from = to == InProgress && !matches!(from, Assigned | Paused | Blocked);
        let skip_only_before_work = to == Skipped && !matches!(from, Pending | Ready | Assigned);
        let failed_only_to_ready = from == Failed && to != Ready;
        let back_to_pending = to == Pending && from != Blocked;
        let back_to_ready = to == Ready && matches!(from, InProgress | Paused);
        let reassigned_at_work = to == Assigned && matches!(from, InProgress | Paused);
        never_leaves
            || work_needs_a_start
            || fails_only_at_work
            || starts_only_from
            || skip_only_before_work
            || failed_only_to_ready
            || back_to_pending
            || back_to_ready
            || reassigned_at_work
    }

    #[test]
    fn table_agrees_with_the_model() {
        for &from in TaskStatus::ALL {
            for &to in TaskStatus::ALL {
                if from != to {
                    let allowed = from.change(to, true, 0, Some("rain")).is_ok();
                    assert_eq!(allowed, !forbidden(from, to), "{from} -> {to}");
                }
            }
        }
    }

    #[test]
    fn guards_need_a_technician_dependencies_and_a_reason() {
        use TaskStatus::*;
        assert_eq!(Ready.change(Assigned, false, 0, None), Err(TaskRefusal::NoTechnician { to: Assigned }));
        assert_eq!(Pending.change(Ready, true, 2, None), Err(TaskRefusal::DependenciesOpen { open: 2 }));
        assert_eq!(Assigned.change(Blocked, true, 0, Some("  ")), Err(TaskRefusal::NoReason));
    }
}
