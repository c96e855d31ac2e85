//! A local change on its way to the centre: what was wanted, what the operator saw, and how the centre answered. Written to the outbox
//! before the screen shows it; applied by the centre once, however often it is pushed; nothing that was typed is dropped.

use crate::geo::{Fix, LatLng};
use crate::lifecycle::{OperationKind, OperationOptions};
use crate::time_entry::TimeEntryKind;
use crate::{NasId, OpId, OperationId, SafeText, SubscriberId, TaskId, TechnicianId, TimeEntryId, Timestamp, words};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One change waiting to be pushed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Op {
    /// UUID v7; the centre applies it once.
    pub id: OpId,
    /// Order in this outbox.
    pub seq: i64,
    /// By the clock of the device: recorded, never trusted.
    pub made_at: Timestamp,
    /// Host and terminal or command, for the audit. Who acts is the login, not what is written here.
    pub origin: SafeText,
    pub reason: Option<SafeText>,
    pub change: Change,
}

/// What was on the screen, and what was typed. JSON values: texts, numbers, times as RFC 3339 texts, ids as texts, null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    pub was: Value,
    pub new: Value,
}

/// Field name to change. Fields are the columns of the table as in `Table::columns`.
pub type Fields = BTreeMap<String, FieldChange>;

/// What is wanted. `verb` is stable: it stands in the centre's log of ops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Change {
    /// status, technician, blocked_reason, notes, title, priority, address, scheduled_at, estimate_min.
    /// `started_at` and `ended_at` follow from the status, in the centre as in the store.
    TaskEdit {
        task: TaskId,
        seen_version: i64,
        fields: Fields,
    },
    /// notes, phone, email.
    SubscriberEdit {
        subscriber: SubscriberId,
        seen_version: i64,
        fields: Fields,
    },
    /// status, phone, mobile.
    TechnicianEdit {
        technician: TechnicianId,
        seen_version: i64,
        fields: Fields,
    },
    /// Ordered by device time: a late upload never moves anyone backwards. Older than what is known: `already`.
    Position {
        technician: TechnicianId,
        fix: Fix,
    },
    ClockIn(ClockIn),
    ClockOut {
        entry: TimeEntryId,
        technician: TechnicianId,
        at: Timestamp,
        position: Option<LatLng>,
    },
    /// Does not travel as an op: on return the console begins it at the centre, where the guard looks at the world as it is then.
    Lifecycle(LifecycleRequest),
    /// Something that was done while the centre was away, told afterwards.
    Emergency(Box<EmergencyReport>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockIn {
    pub entry: TimeEntryId,
    pub technician: TechnicianId,
    pub kind: TimeEntryKind,
    pub task: Option<TaskId>,
    pub at: Timestamp,
    pub position: Option<LatLng>,
}

/// A lifecycle operation asked for while the centre was away. The op's id is the id of the operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LifecycleRequest {
    pub subscriber: SubscriberId,
    pub kind: OperationKind,
    pub options: OperationOptions,
    /// The version that the operator saw: when the row has changed since, the request is refused in words.
    pub seen_version: i64,
}

/// Rule 11: a Disconnect or CoA that was sent while the centre was away. Written before the packet left (`outcome` empty), completed after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmergencyReport {
    pub operation: OperationId,
    pub subscriber: SubscriberId,
    /// `suspend`, `resume`, … as the packet meant it; `revoke` is a plain Disconnect.
    pub purpose: OperationKind,
    pub nas: NasId,
    pub acct_session_id: Option<SafeText>,
    pub request: SafeText,
    /// What the NAS did, in the words of the enforcement: acknowledged, refused, unanswered. `None`: the console died in between, so it may have happened.
    pub enforcement: Option<crate::lifecycle::Enforcement>,
    pub answer: Option<SafeText>,
    pub began_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// How the centre answered an op. Expected refusals are answers, not errors: one bad op never blocks the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Done. `merged` names fields in which both sides' texts were put together.
    Applied {
        version: Option<i64>,
        #[serde(default)]
        merged: Vec<String>,
    },
    /// It is so already: the same op came before, or somebody else did the same.
    Already { version: Option<i64> },
    /// Fields that somebody else changed since; the others were applied.
    Conflict {
        collisions: Vec<Collision>,
        #[serde(default)]
        applied: Vec<String>,
    },
    /// Not possible from where it stands. In words.
    Refused { why: SafeText },
    /// The role may not.
    Denied { why: SafeText },
    /// The row is not there any more, or not for this operator.
    Gone,
}

/// One field with three values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collision {
    pub field: String,
    pub was: Value,
    pub yours: Value,
    pub theirs: Value,
    /// Who changed it last, as far as is known.
    pub by: Option<SafeText>,
    pub at: Option<Timestamp>,
}

words!(
    /// Where an op of the outbox stands.
    OpState {
        Unsent = "unsent",
        /// The centre has it; the row has not come back yet, so the change is still laid over what is read.
        Answered = "answered",
        Done = "done",
        /// Waits for a decision on the conflict screen.
        Conflict = "conflict",
        /// Refused, denied or gone: kept until the operator has seen it.
        Refused = "refused",
    }
);

/// An op that collided or was refused, as the conflict screen shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    pub op: Op,
    pub answer: Answer,
    pub answered_at: Timestamp,
    /// What it is about, in words: `task T-1042 Splice at Hämeentie 3`.
    pub target: SafeText,
}

words!(
    /// What the operator decides.
    Resolution {
        /// Ask again for mine, over theirs: a new op that has seen theirs.
        Mine = "mine",
        /// Leave theirs; mine stays in the history of the outbox.
        Theirs = "theirs",
        /// Texts: theirs, a line break, mine.
        Both = "both",
    }
);

/// The outbox in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outbox {
    /// Not yet taken by the centre.
    pub unsent: u64,
    pub oldest: Option<Timestamp>,
    /// Conflicts and refusals that wait for a decision.
    pub conflicts: u64,
}

/// Puts two texts together that both grew from the same one: somebody appended, and so did we. `None` where that can not stand.
/// The centre does the same (`noctule.merge_text`); a test holds the two together.
pub fn merge_text(was: &str, yours: &str, theirs: &str) -> Option<String> {
    let (mine, other) = (yours.strip_prefix(was)?, theirs.strip_prefix(was)?);
    if mine.trim().is_empty() || other.trim().is_empty() {
        return None;
    }
    let gap = if theirs.ends_with('\n') || mine.starts_with('\n') { "" } else { "\n" };
    Some(format!("{theirs}{gap}{mine}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_that_added_to_a_text_stand() {
        assert_eq!(
            merge_text("gate code 12", "gate code 12\ndog!", "gate code 12, ring twice").as_deref(),
            Some("gate code 12, ring twice\ndog!")
        );
        assert_eq!(merge_text("", "dog", "ring").as_deref(), Some("ring\ndog"));
        assert_eq!(merge_text("gate 12", "gate 13", "gate 12, ring"), None);
        assert_eq!(merge_text("gate 12", "gate 12 ", "gate 12, ring"), None);
    }

    #[test]
    fn an_op_reads_as_it_was_written() {
        let change = Change::TaskEdit { task: TaskId(uuid::Uuid::from_u128(1)), seen_version: 4, fields: Fields::new() };
        let json = serde_json::to_value(&change).expect("json");
        assert_eq!(json["verb"], "task_edit");
        assert_eq!(serde_json::from_value::<Change>(json).expect("reads"), change);
    }
}
