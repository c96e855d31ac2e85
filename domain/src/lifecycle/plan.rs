//! The plan of an operation: which steps, in which order. Computed once when the operation begins, stored with it, followed after a crash.

use super::{Enforcement, Ipv6State, OperationKind, OperationOptions, ReconcileWhat};
use crate::nas::Method;
use crate::words;

words!(
    /// One call to an upstream. The last thing of every operation, the commit of its outcome, is not a step: it is local and atomic.
    StepKind {
        /// DELETE of the prefix that has rested.
        NetboxDelete = "netbox_delete",
        /// POST to available-prefixes with the operation id.
        NetboxAllocate = "netbox_allocate",
        /// PATCH status active.
        NetboxActivate = "netbox_activate",
        /// PATCH status deprecated: the rest begins.
        NetboxDeprecate = "netbox_deprecate",
        /// PATCH of value, VRF and status to what the state says.
        NetboxPutBack = "netbox_put_back",
        NasCoa = "nas_coa",
        NasDisconnect = "nas_disconnect",
        /// What a new login gets becomes what the goal of the operation says.
        AaaWrite = "aaa_write",
        /// What a new login gets becomes again what the state says: the operation ended short of its goal. Never in a plan; see `machine`.
        AaaRestore = "aaa_restore",
        /// Nobody is asked: the record goes back to pending when the operation ends. In the plan, so that the journal shows it.
        Reset = "reset",
    }
);

impl StepKind {
    pub const fn is_nas(self) -> bool {
        matches!(self, Self::NasCoa | Self::NasDisconnect)
    }

    pub const fn is_aaa(self) -> bool {
        matches!(self, Self::AaaWrite | Self::AaaRestore)
    }
}

/// What the planner looks at beside the operation.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanInput {
    pub state: Ipv6State,
    pub enforcement: Enforcement,
    pub has_prefix: bool,
    pub has_netbox_id: bool,
    pub has_session: bool,
    /// An AAA system of ours decides what logins of this tenant get.
    pub has_aaa: bool,
    /// Methods of the NAS that owns the session; `None` when the subscriber has no NAS.
    pub methods: Option<Methods>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Methods {
    pub activate: Method,
    pub suspend: Method,
    pub resume: Method,
}

/// True when the network may hold the prefix: then nothing is released before a Disconnect is confirmed.
pub fn was_used(state: Ipv6State, enforcement: Enforcement) -> bool {
    matches!(state, Ipv6State::Active | Ipv6State::Suspended | Ipv6State::Revoking) || enforcement != Enforcement::None
}

/// True for what changes what a new login gets.
const fn changes_login(kind: OperationKind) -> bool {
    matches!(kind, OperationKind::Activate | OperationKind::Suspend | OperationKind::Resume | OperationKind::Revoke)
}

/// The steps of `kind`.
pub fn plan(kind: OperationKind, input: &PlanInput, options: &OperationOptions) -> Vec<StepKind> {
    let nas = |method: Option<Method>| match method {
        None | Some(Method::None) => None,
        Some(Method::DisconnectThenLogin) => Some(StepKind::NasDisconnect),
        Some(Method::CoaPrefix | Method::CoaFilter | Method::CoaService) => Some(StepKind::NasCoa),
    };
    let methods = input.methods;
    let mut steps = Vec::new();
    // Before the NAS is asked: after a Disconnect the subscriber logs in again at once, and gets what stands there then. A revoke writes also
    // where the prefix was only allocated: it is cheap, and a prefix that is given back must be handed out by nobody.
    if input.has_aaa && changes_login(kind) {
        steps.push(StepKind::AaaWrite);
    }
    match kind {
        OperationKind::Allocate => {
            // What an earlier life left in NetBox (rested, or failed half-way) goes first: a subscriber never holds two.
            if input.has_netbox_id {
                steps.push(StepKind::NetboxDelete);
            }
            steps.push(StepKind::NetboxAllocate);
        }
        OperationKind::Activate => {
            if options.send_coa && input.has_session {
                steps.extend(nas(methods.map(|m| m.activate)));
            }
            if input.has_prefix {
                steps.push(StepKind::NetboxActivate);
            }
        }
        // Without a known session the NAS is asked all the same: our knowledge of sessions may be old, and 503 is an answer.
        // Without a registered NAS the step ends in words: a state may not say that somebody stopped when nobody was asked.
        OperationKind::Suspend => steps.extend(methods.map_or(Some(StepKind::NasCoa), |m| nas(Some(m.suspend)))),
        OperationKind::Resume => steps.extend(methods.map_or(Some(StepKind::NasCoa), |m| nas(Some(m.resume)))),
        OperationKind::Revoke => {
            // Without a registered NAS the step ends in words: nobody confirmed that the prefix has left the network, so it is not released.
            if options.send_disconnect && was_used(input.state, input.enforcement) {
                steps.push(StepKind::NasDisconnect);
            }
            if options.release_to_netbox && input.has_prefix {
                steps.push(StepKind::NetboxDeprecate);
            }
        }
        OperationKind::Release => steps.push(StepKind::NetboxDelete),
        OperationKind::Reconcile => match options.reconcile_what() {
            ReconcileWhat::Aaa => steps.push(StepKind::AaaWrite),
            ReconcileWhat::Netbox => steps.push(StepKind::NetboxPutBack),
            // AAA first: after a Disconnect the login decides. A profile that asks nothing for this state leaves the Disconnect, which every
            // NAS knows.
            ReconcileWhat::Nas => {
                let method = match input.state {
                    Ipv6State::Active => methods.map(|m| m.activate),
                    Ipv6State::Suspended => methods.map(|m| m.suspend),
                    _ => None,
                };
                steps.extend(input.has_aaa.then_some(StepKind::AaaWrite));
                steps.push(nas(method).unwrap_or(StepKind::NasDisconnect));
            }
            ReconcileWhat::Pending => {
                steps.extend(input.has_aaa.then_some(StepKind::AaaWrite));
                steps.push(StepKind::Reset);
            }
        },
    }
    steps
}
