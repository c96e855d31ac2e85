//! An operation: one lifecycle request with its journal.

use super::{Ipv6State, Progress, StepKind};
use crate::{ConsoleId, OperationId, SafeText, SubscriberId, TenantId, Timestamp, permission::Role, words};
use serde::{Deserialize, Serialize};

words!(
    OperationKind {
        Allocate = "allocate",
        Activate = "activate",
        Suspend = "suspend",
        Resume = "resume",
        Revoke = "revoke",
        /// Deletes the prefix in NetBox when its rest is over. Begun by the system, not by a key.
        Release = "release",
        /// Sets AAA, NetBox or the NAS to what the state says, after somebody else changed it. The state moves in one case only: what was
        /// revoked long ago goes back to pending.
        Reconcile = "reconcile",
    }
);

words!(
    /// What a reconcile sets right.
    ReconcileWhat {
        /// What a login gets.
        Aaa = "aaa",
        /// Value, VRF and status of the object in NetBox.
        Netbox = "netbox",
        /// The session: the NAS is asked for what the state says, by the method of its profile.
        Nas = "nas",
        /// The record itself, revoked and with nothing held any more: back to pending.
        Pending = "pending",
    }
);

words!(
    /// How an operation stands. Only `succeeded` is success: a NAK ends as `refused`, silence as `unanswered`.
    OperationStatus {
        Running = "running",
        /// An upstream is away or its last answer unclear: the same step is tried again at `retry_at`.
        Waiting = "waiting",
        Succeeded = "succeeded",
        Refused = "refused",
        Unanswered = "unanswered",
        Failed = "failed",
        Cancelled = "cancelled",
    }
);

impl OperationKind {
    /// What a NAS is asked for: a reconcile asks for what the state says, so what proves it is what proves that. Nothing of ours is in use in
    /// the states that are not in service.
    pub const fn at_nas(self, state: Ipv6State) -> Self {
        match (self, state) {
            (Self::Reconcile, Ipv6State::Active) => Self::Activate,
            (Self::Reconcile, Ipv6State::Suspended) => Self::Suspend,
            (Self::Reconcile, _) => Self::Revoke,
            (kind, _) => kind,
        }
    }
}

impl OperationStatus {
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

words!(StepStatus { Started = "started", Done = "done", Refused = "refused", Unclear = "unclear", Unreachable = "unreachable", Unanswered = "unanswered", Skipped = "skipped" });

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub name: SafeText,
    pub role: Role,
    /// Host and terminal or command, for the audit.
    pub origin: SafeText,
}

/// What was asked beside the kind. The defaults are what a key press means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperationOptions {
    /// Allocate: delegated length, 48 to 64; `None` is the subscriber's pd size, then /56.
    pub prefix_len: Option<u8>,
    /// Allocate: NetBox id of the pool; `None` is the first configured one with room.
    pub pool: Option<i64>,
    /// Activate: tell the NAS of a live session.
    pub send_coa: bool,
    /// Revoke: send a Disconnect. Without it a used prefix is released only with `force`.
    pub send_disconnect: bool,
    /// Revoke: give the prefix back to NetBox.
    pub release_to_netbox: bool,
    /// Go on although the NAS refused or did not answer (permission `ipv6.force`).
    pub force: bool,
    /// Reconcile: what is set right; `None` is AAA. Left out where nobody set it, so that what other kinds store stays as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconcile: Option<ReconcileWhat>,
    /// Why: kept in the operation and the audit.
    pub reason: Option<SafeText>,
}

impl Default for OperationOptions {
    fn default() -> Self {
        Self {
            prefix_len: None,
            pool: None,
            send_coa: true,
            send_disconnect: true,
            release_to_netbox: true,
            force: false,
            reconcile: None,
            reason: None,
        }
    }
}

impl OperationOptions {
    pub fn reconcile_what(&self) -> ReconcileWhat {
        self.reconcile.unwrap_or(ReconcileWhat::Aaa)
    }
}

/// An operation as stored: enough to go on with it in another process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    pub id: OperationId,
    pub tenant: TenantId,
    pub subscriber: SubscriberId,
    pub kind: OperationKind,
    pub actor: Actor,
    pub options: OperationOptions,
    pub expected_version: Option<i64>,
    pub requested_at: Timestamp,
    pub status: OperationStatus,
    /// Fixed when the operation begins; a restart follows the same plan.
    pub plan: Vec<StepKind>,
    pub progress: Progress,
    pub retry_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// The operator's sentence of the last trouble.
    pub error: Option<SafeText>,
    pub lease_owner: Option<ConsoleId>,
    pub lease_until: Option<Timestamp>,
}

/// A row of the Operations pane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationRow {
    pub id: OperationId,
    pub subscriber: SubscriberId,
    #[serde(default)]
    pub subscriber_number: SafeText,
    pub subscriber_name: SafeText,
    pub kind: OperationKind,
    pub status: OperationStatus,
    pub actor: SafeText,
    pub step: Option<StepKind>,
    pub step_index: usize,
    pub steps: usize,
    pub attempts: u32,
    pub requested_at: Timestamp,
    pub retry_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub error: Option<SafeText>,
}

/// One try of one step, from the journal. `answer` is what the upstream said, in words; never a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    pub step: StepKind,
    pub attempt: u32,
    pub upstream: SafeText,
    pub request: SafeText,
    pub status: StepStatus,
    pub answer: Option<SafeText>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// An operation with its journal: the timeline of the detail pane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationView {
    pub operation: Operation,
    pub subscriber_name: SafeText,
    pub steps: Vec<StepRow>,
}
