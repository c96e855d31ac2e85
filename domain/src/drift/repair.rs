//! The repair that is proposed for a finding, and what it will do in the operator's words.

use super::{DriftKind, Finding};
use crate::lifecycle::{OperationKind, OperationOptions, ReconcileWhat};
use crate::permission::{Permission, needed_for};
use crate::sentence;
use chrono::Duration;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// A lifecycle operation as from a key.
    Operation(OperationKind),
    /// NetBox and AAA are set to what the state says; with `nas` the NAS is asked too.
    Reconcile { nas: bool },
    /// Back to pending.
    Reset,
    /// An ownerless prefix: deprecated, rested, deleted. `rested`: the deletion is due.
    Retire { rested: bool },
    /// Nothing here can know what is right.
    ByHand,
}

impl Repair {
    /// A few words for a column.
    pub fn title(self) -> &'static str {
        match self {
            Self::Operation(OperationKind::Revoke) => "revoke",
            Self::Operation(kind) => kind.word(),
            Self::Reconcile { nas: false } => "reconcile",
            Self::Reconcile { nas: true } => "reconcile, ask the NAS",
            Self::Reset => "back to pending",
            Self::Retire { rested: false } => "put to rest",
            Self::Retire { rested: true } => "delete",
            Self::ByHand => "by hand",
        }
    }

    pub const fn is_possible(self) -> bool {
        !matches!(self, Self::ByHand)
    }

    /// Asks for confirmation: it may take somebody's service, or delete something.
    pub const fn is_dangerous(self) -> bool {
        match self {
            Self::Operation(kind) => matches!(kind, OperationKind::Revoke),
            Self::Reconcile { nas } => nas,
            Self::Retire { .. } => true,
            Self::Reset | Self::ByHand => false,
        }
    }

    /// What the operator must be allowed to.
    pub const fn needs(self) -> Permission {
        match self {
            Self::Operation(kind) => needed_for(kind),
            Self::Reconcile { .. } | Self::Reset => needed_for(OperationKind::Reconcile),
            Self::Retire { .. } => Permission::Ipv6Revoke,
            Self::ByHand => Permission::Read,
        }
    }
}

impl Finding {
    /// The operation that repairs it; `None` where no subscriber is concerned, or nothing here can know what is right.
    pub fn operation(&self) -> Option<(OperationKind, OperationOptions)> {
        let reconcile = |what| (OperationKind::Reconcile, OperationOptions { reconcile: Some(what), ..OperationOptions::default() });
        self.who.as_ref()?;
        match self.repair {
            Repair::Operation(kind) => Some((kind, OperationOptions::default())),
            Repair::Reconcile { nas: true } => Some(reconcile(ReconcileWhat::Nas)),
            Repair::Reconcile { nas: false } if self.kind.source() == super::DriftSource::Aaa => Some(reconcile(ReconcileWhat::Aaa)),
            Repair::Reconcile { nas: false } => Some(reconcile(ReconcileWhat::Netbox)),
            Repair::Reset => Some(reconcile(ReconcileWhat::Pending)),
            Repair::Retire { .. } | Repair::ByHand => None,
        }
    }

    /// What the repair will do, one sentence each. `hold`: how long a released prefix rests.
    pub fn preview(&self, hold: Duration) -> Vec<String> {
        let prefix = self.prefix.map(|p| p.to_string()).unwrap_or_else(|| "its prefix".to_owned());
        let object = self.netbox_id.map_or_else(|| "NetBox".to_owned(), |id| format!("NetBox {id}"));
        let who = self.about();
        let rest = sentence::age(hold.num_seconds());
        match self.repair {
            Repair::Operation(OperationKind::Revoke) if self.kind == DriftKind::PrefixGone => vec![
                format!("Will revoke {prefix} of {who}: AAA stops handing it out, a session is ended by Disconnect."),
                "NetBox may give it to somebody else any moment; allocate again after that.".to_owned(),
            ],
            Repair::Operation(OperationKind::Revoke) => vec![
                format!("Will revoke {prefix} of {who}: AAA stops handing it out, and a session is ended by Disconnect."),
                format!("Then {object} is set to deprecated, and deleted after {rest}."),
            ],
            Repair::Operation(kind) => vec![format!("Will {kind} {who}, as by its key.")],
            Repair::Reconcile { nas } => {
                let mut lines = match self.kind {
                    DriftKind::PrefixChanged | DriftKind::PrefixMoved => {
                        vec![format!("Will put {object} back to {prefix}, as the state of {who} says.")]
                    }
                    DriftKind::StatusEdited => vec![format!("Will set the status of {object} ({prefix}) to what the state of {who} says.")],
                    kind if kind.source() == super::DriftSource::Aaa => {
                        vec![format!("Will write what the state of {who} says into AAA; it is in force from the next login.")]
                    }
                    _ => vec![format!("Will write what the state of {who} says into AAA, where that is ours.")],
                };
                lines.push(match nas {
                    true => "Then the NAS is asked for it, by the method of its profile: a session may be ended.".to_owned(),
                    false => "The state does not move, and no session is touched.".to_owned(),
                });
                lines
            }
            Repair::Reset => {
                vec![format!("Will set {who} from revoked to pending. NetBox holds nothing of it any more; AAA is told once more.")]
            }
            Repair::Retire { rested: false } => {
                vec![format!("Will set {object} ({prefix}) to deprecated, then delete it after {rest}: routes may still lead there.")]
            }
            Repair::Retire { rested: true } => vec![format!("Will delete {object} ({prefix}): it has rested.")],
            Repair::ByHand if self.kind == DriftKind::PrefixGone && self.netbox_id.is_none() => vec![format!(
                "No repair from here: enter {prefix} in NetBox, with the status active (reserved for one that is only allocated); then check again."
            )],
            Repair::ByHand => vec![by_hand(self.kind).to_owned()],
        }
    }
}

fn by_hand(kind: DriftKind) -> &'static str {
    match kind {
        DriftKind::PrefixStranger => {
            "No repair from here: ask who made it. Delete or move it in NetBox, or import its subscriber; or dismiss this with the reason."
        }
        DriftKind::PrefixMoved => "No repair from here: add its parent to [[netbox.pools]], or revoke the subscriber.",
        DriftKind::PrefixTwice | DriftKind::PrefixOverlap => {
            "No repair from here: see in NetBox which of them is in use, and delete the other; then check again."
        }
        DriftKind::OperationTwice => {
            "No repair from here: keep the one that the subscriber holds, and take the operation id off the other; then check again."
        }
        DriftKind::PrefixGone => "Nothing is left to do in NetBox: the record forgets the prefix when its rest is over.",
        DriftKind::AaaUserUnknown => "No repair from here: import the subscriber, or take the user out of AAA.",
        _ => "No repair from here.",
    }
}
