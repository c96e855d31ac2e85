//! What an operation does to the subscriber's IPv6 record: when it begins, when the NAS is asked, when it ends. The store calls these
//! inside its transaction and writes what they leave.

use super::{Ended, Enforcement, Ipv6State, OperationKind, OperationStatus, Progress};
use crate::{SafeText, Timestamp, subscriber::Ipv6Record};
use chrono::Duration;
use ipnet::Ipv6Net;

/// A revoke is `revoking` from its first moment; the others change nothing before their end.
pub fn record_begin(record: &mut Ipv6Record, kind: OperationKind, now: Timestamp) {
    if kind == OperationKind::Revoke {
        set_state(record, Ipv6State::Revoking, now);
    }
}

/// A request to the NAS is about to leave.
pub fn record_nas_asked(record: &mut Ipv6Record) {
    record.enforcement = Enforcement::Requested;
    record.enforcement_note = None;
}

/// Applies an outcome. `hold` is how long a released prefix rests before it is deleted.
pub fn record_end(record: &mut Ipv6Record, kind: OperationKind, ended: &Ended, progress: &Progress, now: Timestamp, hold: Duration) {
    if ended.forget_prefix {
        record.prefix = None;
        record.netbox_prefix_id = None;
        record.vrf = None;
        record.hold_until = None;
    }
    if let (OperationKind::Allocate, Some(id)) = (kind, progress.netbox_prefix_id) {
        record.prefix = progress.prefix;
        record.netbox_prefix_id = Some(id);
        record.vrf = progress.vrf;
        record.hold_until = None;
    } else if record.netbox_prefix_id.is_none() && !ended.forget_prefix {
        // An imported prefix whose NetBox object was found on the way.
        record.netbox_prefix_id = progress.netbox_prefix_id;
    }
    if let Some(enforcement) = ended.enforcement {
        record.enforcement = enforcement;
        record.enforcement_note = ended.enforcement_note.clone();
    }
    // The session of one that is not in service has ended: the network holds nothing of it.
    let settled = kind == OperationKind::Reconcile && ended.status == OperationStatus::Succeeded && ended.enforcement.is_some();
    if settled && matches!(record.state, Ipv6State::Pending | Ipv6State::Failed) {
        record.enforcement = Enforcement::None;
    }
    if ended.begin_hold {
        record.hold_until = Some(now + hold);
    }
    // What set something else right says nothing of why the last operation failed.
    if kind != OperationKind::Reconcile || ended.error.is_some() || ended.state.is_some() {
        record.last_error = ended.error.clone();
    }
    let before = record.state;
    if let Some(state) = ended.state {
        set_state(record, state, now);
    }
    if ended.status == OperationStatus::Succeeded && before != record.state {
        let stamp = match kind {
            OperationKind::Allocate => {
                // A new life of the prefix: the stamps of the last one would only mislead.
                record.activated_at = None;
                record.suspended_at = None;
                record.resumed_at = None;
                record.revoked_at = None;
                record.failed_at = None;
                &mut record.allocated_at
            }
            OperationKind::Activate => &mut record.activated_at,
            OperationKind::Suspend => &mut record.suspended_at,
            OperationKind::Resume => &mut record.resumed_at,
            OperationKind::Revoke => &mut record.revoked_at,
            OperationKind::Reconcile => {
                // As if it had never had a prefix; the audit log knows.
                record.allocated_at = None;
                record.activated_at = None;
                record.suspended_at = None;
                record.resumed_at = None;
                record.revoked_at = None;
                record.failed_at = None;
                return;
            }
            OperationKind::Release => return,
        };
        *stamp = Some(now);
    }
    if record.state == Ipv6State::Failed && ended.state == Some(Ipv6State::Failed) {
        record.failed_at = Some(now);
    }
}

/// Why the subscriber is suspended, after an operation that ended well: a suspend that names a reason writes it, a resume or a revoke ends it.
/// Without one, what billing wrote stays.
pub fn suspend_reason_after(kind: OperationKind, reason: Option<SafeText>, before: Option<SafeText>) -> Option<SafeText> {
    match kind {
        OperationKind::Suspend => reason.or(before),
        OperationKind::Resume | OperationKind::Revoke => None,
        OperationKind::Allocate | OperationKind::Activate | OperationKind::Release | OperationKind::Reconcile => before,
    }
}

fn set_state(record: &mut Ipv6Record, state: Ipv6State, now: Timestamp) {
    if record.state != state {
        record.state = state;
        record.since = now;
    }
}

/// NetBox handed out a prefix that overlaps one which is live here: the outcome is turned into a failure. The NetBox id stays in the
/// record, so that nothing leaks: a retry deletes it first.
pub fn overlap(progress: &Progress, theirs: Ipv6Net, holder: &SafeText) -> Ended {
    let ours = progress.prefix.map(|p| p.to_string()).unwrap_or_default();
    Ended {
        status: OperationStatus::Failed,
        state: Some(Ipv6State::Failed),
        enforcement: Some(Enforcement::None),
        enforcement_note: None,
        error: Some(SafeText::new(&format!(
            "NetBox handed out {ours}, but {holder} holds {theirs} here: nothing was given to the subscriber. If that is right, enter {theirs} in NetBox, otherwise mend it here; then allocate again."
        ))),
        begin_hold: false,
        forget_prefix: false,
    }
}
