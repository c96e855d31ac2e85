//! The rows that are compared, and what can be said of a subscriber's row alone.

use super::{DriftKind, Finding, Repair, Subject, Who};
use crate::ipam::PrefixStatus;
use crate::lifecycle::{AssignmentMode, Enforcement, Ipv6State, OperationKind};
use crate::subscriber::{Session, Username};
use crate::{SafeText, SubscriberId, Timestamp, sentence};
use chrono::Duration;
use ipnet::Ipv6Net;

/// A subscriber, as far as it is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftRow {
    pub id: SubscriberId,
    pub number: SafeText,
    pub username: Username,
    pub state: Ipv6State,
    pub mode: AssignmentMode,
    pub enforcement: Enforcement,
    pub prefix: Option<Ipv6Net>,
    pub vrf: Option<i64>,
    pub netbox_id: Option<i64>,
    pub hold_until: Option<Timestamp>,
    pub since: Timestamp,
    /// Key of the profile of the NAS that it is registered at.
    pub profile: Option<String>,
    pub session: Option<Session>,
    /// An operation is open for it: nothing is said of it until that has ended.
    pub busy: bool,
    pub version: i64,
}

impl DriftRow {
    pub fn who(&self) -> Who {
        Who { id: self.id, number: self.number.clone(), username: self.username.clone(), version: self.version }
    }

    pub(super) fn finding(&self, kind: DriftKind, ours: String, theirs: String, repair: Repair) -> Finding {
        Finding {
            kind,
            subject: Subject::Subscriber(self.id),
            who: Some(self.who()),
            netbox_id: self.netbox_id,
            prefix: self.prefix,
            ours: SafeText::new(&ours),
            theirs: SafeText::new(&theirs),
            repair,
        }
    }

    /// `active 2001:db8::/56`, for the side that is ours.
    pub(super) fn said(&self) -> String {
        match self.prefix {
            Some(prefix) => format!("{} {prefix}", self.state),
            None => format!("{}, no prefix", self.state),
        }
    }
}

/// A prefix in one of our pools, as NetBox has it.
#[derive(Debug, Clone, PartialEq)]
pub struct NetboxRow {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
    /// `None`: a status of that NetBox's own; its word is in `status_word`.
    pub status: Option<PrefixStatus>,
    pub status_word: SafeText,
    pub operation: Option<SafeText>,
    pub subscriber: Option<SafeText>,
    pub hold_until: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
}

impl NetboxRow {
    pub(super) fn said(&self) -> String {
        let vrf = self.vrf.map(|vrf| format!(" in VRF {vrf}")).unwrap_or_default();
        format!("NetBox {}: {} {}{vrf}", self.id, self.prefix, self.status_word)
    }
}

/// For how long something may stand before it is stale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    pub allocated: Duration,
    pub revoking: Duration,
    pub revoked: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { allocated: Duration::hours(24), revoking: Duration::hours(1), revoked: Duration::days(90) }
    }
}

/// What is stale in the row by itself.
pub fn row_alone(row: &DriftRow, limits: &Limits, now: Timestamp) -> Option<Finding> {
    if row.busy {
        return None;
    }
    let (kind, limit, repair) = match row.state {
        Ipv6State::Allocated => (DriftKind::AllocatedTooLong, limits.allocated, Repair::Operation(OperationKind::Revoke)),
        Ipv6State::Revoking => (DriftKind::RevokingTooLong, limits.revoking, Repair::Operation(OperationKind::Revoke)),
        // One that NetBox was to keep, or that still rests, has its prefix yet.
        Ipv6State::Revoked if row.netbox_id.is_none() => (DriftKind::RevokedTooLong, limits.revoked, Repair::Reset),
        _ => return None,
    };
    let age = now - row.since;
    (age > limit).then(|| {
        let theirs = format!("at most {}", sentence::age(limit.num_seconds()));
        row.finding(kind, format!("{} for {}", row.state, sentence::age(age.num_seconds())), theirs, repair)
    })
}
