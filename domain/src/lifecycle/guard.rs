//! Guards: may this operation begin on this subscriber now? By operation, not by target state.

use super::{AssignmentMode, Enforcement, Ipv6State, Operation, OperationKind, OperationOptions, PREFIX_LEN_RANGE, ReconcileWhat};
use crate::permission::{Permission, Role, needed_for};
use crate::subscriber::Subscriber;
use crate::{OperationId, SafeText, Timestamp};
use serde::{Deserialize, Serialize};

/// What the guard looks at.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    pub state: Ipv6State,
    pub mode: AssignmentMode,
    pub enforcement: Enforcement,
    pub hold_until: Option<Timestamp>,
    pub has_prefix: bool,
    pub has_netbox_id: bool,
    pub version: i64,
    /// The operation that runs for this subscriber, and who runs it.
    pub running: Option<(OperationId, OperationKind, SafeText)>,
}

impl Facts {
    /// What stands in the row, and the operation that is open for it.
    pub fn of(subscriber: &Subscriber, running: Option<Operation>) -> Self {
        let record = &subscriber.ipv6;
        Self {
            state: record.state,
            mode: record.mode,
            enforcement: record.enforcement,
            hold_until: record.hold_until,
            has_prefix: record.prefix.is_some(),
            has_netbox_id: record.netbox_prefix_id.is_some(),
            version: subscriber.version,
            running: running.map(|o| (o.id, o.kind, o.actor.name)),
        }
    }
}

/// The guard's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Guard {
    Go,
    /// The subscriber already is where this operation leads: nothing to do, same answer.
    AlreadyThere,
    Refused(Refusal),
}

/// Why an operation does not begin. Sentences for the operator are in `sentence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    NotPermitted {
        role: Role,
        needs: Permission,
    },
    WrongState {
        kind: OperationKind,
        state: Ipv6State,
    },
    WrongMode {
        mode: AssignmentMode,
    },
    OnHold {
        until: Timestamp,
    },
    Busy {
        operation: OperationId,
        kind: OperationKind,
        by: SafeText,
    },
    StaleVersion {
        expected: i64,
        found: i64,
    },
    BadPrefixLength {
        asked: u8,
    },
    /// A used prefix may not be released without a Disconnect, unless forced.
    DisconnectRequired,
    NoPrefix,
    /// Only what holds nothing any more goes back to pending.
    NotReleased,
}

/// Decides whether `kind` may begin.
pub fn guard(
    kind: OperationKind,
    facts: &Facts,
    options: &OperationOptions,
    role: Role,
    expected_version: Option<i64>,
    now: Timestamp,
) -> Guard {
    use Guard::Refused;
    let needs = needed_for(kind);
    for needs in [Some(needs), options.force.then_some(Permission::Ipv6Force)].into_iter().flatten() {
        if !role.allows(needs) {
            return Refused(Refusal::NotPermitted { role, needs });
        }
    }
    if let Some(asked) = options.prefix_len.filter(|len| kind == OperationKind::Allocate && !PREFIX_LEN_RANGE.contains(len)) {
        return Refused(Refusal::BadPrefixLength { asked });
    }
    if let Some((operation, kind, by)) = &facts.running {
        return Refused(Refusal::Busy { operation: *operation, kind: *kind, by: by.clone() });
    }
    // Revoked, but NetBox was to keep the prefix: it is still to be given back, and only a revoke does that.
    let kept = kind == OperationKind::Revoke
        && facts.state == Ipv6State::Revoked
        && options.release_to_netbox
        && facts.has_netbox_id
        && facts.hold_until.is_none();
    if target(kind) == Some(facts.state) && !kept {
        return Guard::AlreadyThere;
    }
    if let Some(expected) = expected_version.filter(|v| *v != facts.version) {
        return Refused(Refusal::StaleVersion { expected, found: facts.version });
    }
    if !kept && !from(kind).contains(&facts.state) {
        return Refused(Refusal::WrongState { kind, state: facts.state });
    }
    if !facts.mode.delegates() && kind == OperationKind::Allocate {
        return Refused(Refusal::WrongMode { mode: facts.mode });
    }
    match kind {
        OperationKind::Allocate => {
            if let Some(until) = facts.hold_until.filter(|until| *until > now) {
                return Refused(Refusal::OnHold { until });
            }
        }
        OperationKind::Release => {
            if let Some(until) = facts.hold_until.filter(|until| *until > now) {
                return Refused(Refusal::OnHold { until });
            }
            if !facts.has_netbox_id {
                return Guard::AlreadyThere;
            }
        }
        OperationKind::Activate | OperationKind::Suspend | OperationKind::Resume => {
            if !facts.has_prefix {
                return Refused(Refusal::NoPrefix);
            }
        }
        OperationKind::Reconcile => {
            let what = options.reconcile_what();
            if !reconciles(what).contains(&facts.state) {
                return Refused(Refusal::WrongState { kind, state: facts.state });
            }
            if what == ReconcileWhat::Pending && facts.has_netbox_id {
                return Refused(Refusal::NotReleased);
            }
            if what == ReconcileWhat::Netbox && !facts.has_prefix {
                return Refused(Refusal::NoPrefix);
            }
            // NetBox was to keep this one, or it has been given back: no status of it is wrong.
            if what == ReconcileWhat::Netbox && facts.state == Ipv6State::Revoked && facts.hold_until.is_none() {
                return Refused(Refusal::WrongState { kind, state: facts.state });
            }
        }
        OperationKind::Revoke => {
            if !options.send_disconnect && !options.force && super::plan::was_used(facts.state, facts.enforcement) {
                return Refused(Refusal::DisconnectRequired);
            }
        }
    }
    Guard::Go
}

/// The state that an operation leads to. Release keeps the state, and so does reconcile, but for its one way back to pending.
pub fn target(kind: OperationKind) -> Option<Ipv6State> {
    match kind {
        OperationKind::Allocate => Some(Ipv6State::Allocated),
        OperationKind::Activate | OperationKind::Resume => Some(Ipv6State::Active),
        OperationKind::Suspend => Some(Ipv6State::Suspended),
        OperationKind::Revoke => Some(Ipv6State::Revoked),
        OperationKind::Release | OperationKind::Reconcile => None,
    }
}

/// The states from which an operation may begin.
fn from(kind: OperationKind) -> &'static [Ipv6State] {
    use Ipv6State::*;
    match kind {
        OperationKind::Allocate => &[Pending, Failed, Revoked],
        OperationKind::Activate => &[Allocated],
        OperationKind::Suspend => &[Active],
        OperationKind::Resume => &[Suspended],
        OperationKind::Revoke => &[Allocated, Active, Suspended, Failed, Revoking],
        OperationKind::Release => &[Revoked],
        OperationKind::Reconcile => Ipv6State::ALL,
    }
}

/// The states that say what it has to be. A session of one that is only allocated is begun by an activate, of one that is revoking ended by
/// a revoke.
fn reconciles(what: ReconcileWhat) -> &'static [Ipv6State] {
    use Ipv6State::*;
    match what {
        ReconcileWhat::Aaa => Ipv6State::ALL,
        ReconcileWhat::Netbox => &[Allocated, Active, Suspended, Revoked],
        ReconcileWhat::Nas => &[Pending, Active, Suspended, Revoked, Failed],
        ReconcileWhat::Pending => &[Revoked],
    }
}
