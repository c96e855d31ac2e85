//! What the screens ask the outside to do: plain data, carried out by the event loop. An effect never blocks; its outcome comes back as a
//! message.

use crate::query::{Query, RequestId};
use noctule_domain::job::{Course, ItemGroup, Wish};
use noctule_domain::lifecycle::{OperationKind, OperationOptions};
use noctule_domain::page::Sort;
use noctule_domain::sync::Resolution;
use noctule_domain::task::TaskStatus;
use noctule_domain::time_entry::TimeEntryKind;
use noctule_domain::{JobId, NasId, OpId, OperationId, SafeText, SubscriberId, TaskId, TechnicianId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Answered by `Msg::Reply` with the same id, always, if need be with `Reply::Failed`.
    Ask {
        id: RequestId,
        query: Query,
    },
    /// Begins one operation per target. Answered by `Msg::OperationsStarted`; each end comes as `Msg::OperationEnded`.
    StartOperations {
        id: RequestId,
        kind: OperationKind,
        targets: Vec<OperationTarget>,
        options: OperationOptions,
    },
    /// Asks something of a job: pause, go on, cancel.
    JobWish {
        job: JobId,
        wish: Wish,
    },
    /// Fixes the set of a job and says what would happen, beginning nothing. Answered by `Msg::JobPreviewed`, or by a notice why not.
    PreviewJob {
        course: Course,
        set: JobSet,
    },
    /// The same of a job that is there.
    ShowPreview(JobId),
    /// Forgets a job that was looked at and not begun.
    DropPreview(JobId),
    /// The first of those of a job that stand so. Answered by `Msg::JobItems`.
    AskJobItems {
        job: JobId,
        group: ItemGroup,
    },
    /// Every subscriber of a job with its outcome, into a file.
    ExportJob(JobId),
    CancelOperation(OperationId),
    /// Try the present step of a waiting operation now.
    ResumeOperation(OperationId),
    SetTaskStatus {
        task: TaskId,
        expected_version: i64,
        to: TaskStatus,
        reason: Option<SafeText>,
    },
    AssignTask {
        task: TaskId,
        expected_version: i64,
        technician: Option<TechnicianId>,
    },
    /// Notes of a task, whole. `None` empties them.
    SetTaskNotes {
        task: TaskId,
        expected_version: i64,
        notes: Option<SafeText>,
    },
    /// Notes of a subscriber, whole.
    SetSubscriberNotes {
        subscriber: SubscriberId,
        expected_version: i64,
        notes: Option<SafeText>,
    },
    /// Clock a technician in (with what kind of time) or, with `None`, out.
    Clock {
        technician: TechnicianId,
        to: Option<TimeEntryKind>,
    },
    /// Rule 11: with the centre away, send the packet to the NAS of the cached session at once.
    Emergency {
        subscriber: SubscriberId,
        purpose: OperationKind,
    },
    /// What the operator decided about a conflict or refusal of the outbox.
    Resolve {
        op: OpId,
        resolution: Resolution,
    },
    /// Try the centre now, and push.
    SyncNow,
    /// Whom the operator looks at, for the presence of others. `None`: nobody.
    LookAt(Option<SubscriberId>),
    /// Ask the NAS something harmless, to learn its round-trip.
    ProbeNas(NasId),
    /// Compare subscribers, NetBox, AAA and sessions now.
    DriftCheck,
    /// Stop the running check.
    DriftStop,
    /// Repair these findings, by their keys, as each proposes. Each end comes as a notice or as the end of an operation.
    DriftRepair {
        keys: Vec<String>,
    },
    /// Dismiss a finding; without a reason, take that back.
    DriftDismiss {
        key: String,
        why: Option<SafeText>,
    },
    /// Read the pools from NetBox now.
    RefreshPools,
    /// To the clipboard of the operator's terminal (OSC 52).
    Copy(String),
    SavePreferences(Preferences),
    SetMouse(bool),
    /// Stop like any Unix program (SIGTSTP); the terminal is restored before and taken again after.
    Suspend,
    /// Clear the terminal and draw everything anew.
    Redraw,
    Bell,
    Quit,
}

/// One target of an operation: the subscriber and the version that the operator has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationTarget {
    pub subscriber: SubscriberId,
    pub expected_version: Option<i64>,
}

/// Who goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobSet {
    These(Vec<SubscriberId>),
    /// Everybody that matches this filter when the preview is made.
    Filter(String),
    /// Those of a job that were refused, unanswered or failed.
    BadOf(JobId),
}

/// What a console remembers of its operator, kept in a file by the event loop. Unknown fields of a newer version are ignored.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub theme: Option<String>,
    pub ascii: Option<bool>,
    pub mouse: bool,
    /// Columns of the board by name, in their order; empty is the default.
    pub columns: Vec<String>,
    pub sort: Option<Sort>,
    /// Latest first.
    pub filters: Vec<String>,
    /// `braille`, `block` or `ascii`; empty is the default.
    pub map_marker: String,
}

/// Longest history of filters that is kept.
pub const MAX_FILTERS: usize = 50;
