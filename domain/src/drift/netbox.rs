//! A subscriber's row against the object in NetBox, and objects that no row names.

use super::{DriftKind, DriftRow, Finding, NetboxRow, Repair, Subject};
use crate::ipam::PrefixStatus;
use crate::lifecycle::{Ipv6State, OperationKind};
use crate::{SafeText, Timestamp};
use ipnet::Ipv6Net;

/// The parents of our pools, each in its VRF.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parents(pub Vec<(Ipv6Net, Option<i64>)>);

impl Parents {
    pub fn hold(&self, prefix: Ipv6Net, vrf: Option<i64>) -> bool {
        self.0.iter().any(|(parent, of)| *of == vrf && parent.contains(&prefix))
    }
}

/// The status in NetBox that a state stands for; `None` where several are right (on the way, or kept on purpose).
pub fn wanted_status(state: Ipv6State, resting: bool) -> Option<PrefixStatus> {
    match state {
        Ipv6State::Allocated => Some(PrefixStatus::Reserved),
        Ipv6State::Active | Ipv6State::Suspended => Some(PrefixStatus::Active),
        Ipv6State::Revoked if resting => Some(PrefixStatus::Deprecated),
        Ipv6State::Pending | Ipv6State::Revoking | Ipv6State::Revoked | Ipv6State::Failed => None,
    }
}

/// A row with a NetBox id, and the object of that id (`None`: there is none).
pub fn netbox_pair(row: &DriftRow, theirs: Option<&NetboxRow>, parents: &Parents) -> Option<Finding> {
    if row.busy {
        return None;
    }
    let (id, prefix) = (row.netbox_id?, row.prefix?);
    let resting = row.state == Ipv6State::Revoked && row.hold_until.is_some();
    // A retry of an allocation clears away what failed, and a prefix that NetBox was to keep is not ours to judge.
    if !row.state.holds_prefix() && !resting {
        return None;
    }
    // A revoke that has not come to its end is ended by a revoke.
    let repair = match row.state {
        Ipv6State::Revoking => Repair::Operation(OperationKind::Revoke),
        _ => Repair::Reconcile { nas: false },
    };
    let Some(theirs) = theirs else {
        // It may be handed out by now, so it is not entered again: the subscriber gets another one.
        let repair = if resting { Repair::ByHand } else { Repair::Operation(OperationKind::Revoke) };
        return Some(row.finding(DriftKind::PrefixGone, row.said(), format!("NetBox {id} is not there"), repair));
    };
    if theirs.prefix != prefix {
        return Some(row.finding(DriftKind::PrefixChanged, row.said(), theirs.said(), repair));
    }
    if theirs.vrf != row.vrf {
        let ours = row.vrf.map_or_else(|| "in the global table".to_owned(), |vrf| format!("in VRF {vrf}"));
        return Some(row.finding(DriftKind::PrefixMoved, format!("{} {ours}", row.said()), theirs.said(), repair));
    }
    if !parents.0.is_empty() && !parents.hold(prefix, row.vrf) {
        let theirs = format!("{}, in none of the configured pools", theirs.said());
        return Some(row.finding(DriftKind::PrefixMoved, row.said(), theirs, Repair::ByHand));
    }
    let wanted = wanted_status(row.state, resting)?;
    (theirs.status != Some(wanted))
        .then(|| row.finding(DriftKind::StatusEdited, format!("{}: {wanted} in NetBox", row.said()), theirs.said(), repair))
}

/// A live row that names no object (it was imported), for which NetBox has none of its value either. Only what lies in our pools was read.
pub fn netbox_missing(row: &DriftRow, parents: &Parents) -> Option<Finding> {
    let prefix = row.prefix?;
    if row.busy || row.netbox_id.is_some() || !row.state.holds_prefix() || !parents.hold(prefix, row.vrf) {
        return None;
    }
    // NetBox is only ever asked for the next free one, so it is not entered from here.
    Some(row.finding(DriftKind::PrefixGone, row.said(), format!("NetBox has no {prefix}"), Repair::ByHand))
}

/// An object inside a pool that no row names.
pub fn netbox_alone(theirs: &NetboxRow, now: Timestamp) -> Option<Finding> {
    let ours_once = theirs.operation.is_some();
    // A container inside a pool is how operators divide it.
    if theirs.status == Some(PrefixStatus::Container) && !ours_once {
        return None;
    }
    // It was put to rest, and rests.
    if theirs.status == Some(PrefixStatus::Deprecated) && theirs.hold_until.is_some_and(|until| until > now) {
        return None;
    }
    let (kind, ours, repair) = if ours_once {
        let who = theirs.subscriber.as_ref().map(|s| format!(", made for {s}")).unwrap_or_default();
        let ours = format!("nobody holds it{who}");
        (DriftKind::PrefixLeaked, ours, Repair::Retire { rested: rested(theirs, now) })
    } else {
        (DriftKind::PrefixStranger, "not ours: it has no operation id".to_owned(), Repair::ByHand)
    };
    Some(Finding {
        kind,
        subject: Subject::Prefix(theirs.id),
        who: None,
        netbox_id: Some(theirs.id),
        prefix: Some(theirs.prefix),
        ours: SafeText::new(&ours),
        theirs: SafeText::new(&theirs.said()),
        repair,
    })
}

/// True when an ownerless prefix has had its rest.
fn rested(theirs: &NetboxRow, now: Timestamp) -> bool {
    theirs.status == Some(PrefixStatus::Deprecated) && theirs.hold_until.is_some_and(|until| until <= now)
}
