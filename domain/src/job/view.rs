//! A job as stored and shown.

use super::{Course, ItemState, Outcome, Terms, Wish};
use crate::lifecycle::Actor;
use crate::{JobId, OperationId, SafeText, SubscriberId, Timestamp, words};
use serde::{Deserialize, Serialize};

words!(
    /// How a job stands. `stopped` is by its threshold: it goes on when somebody says so.
    JobState {
        Previewed = "previewed",
        /// The first few go, and nothing else.
        Canary = "canary",
        Running = "running",
        Paused = "paused",
        Stopped = "stopped",
        /// Nothing new begins; what is under way goes to its end.
        Cancelling = "cancelling",
        Cancelled = "cancelled",
        Done = "done",
    }
);

impl JobState {
    /// It will not change any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Done)
    }

    /// New items are begun.
    pub const fn goes(self) -> bool {
        matches!(self, Self::Canary | Self::Running)
    }
}

/// What is stored of a job beside its items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobHead {
    pub id: JobId,
    pub course: Course,
    pub terms: Terms,
    pub actor: Actor,
    /// Where the set came from: the filter, or how many were marked.
    pub source: SafeText,
    /// The job whose refused are tried again.
    pub retry_of: Option<JobId>,
    /// Names of the NASes; an item says which by its place here.
    pub nases: Vec<SafeText>,
    pub made_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub state: JobState,
    /// What the operator asked for last; the process that runs jobs does it.
    pub wish: Wish,
    /// Why it stopped, in words.
    pub why: Option<SafeText>,
    /// Ends up to this number do not count for the threshold: somebody saw them and said go on.
    pub forgiven: u32,
}

/// Items by how they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub waiting: u32,
    pub running: u32,
    pub succeeded: u32,
    pub already_there: u32,
    pub unproven: u32,
    pub refused: u32,
    pub unanswered: u32,
    pub failed: u32,
    pub cancelled: u32,
    pub left_out: u32,
}

impl Tally {
    pub fn of(&self, outcome: Outcome) -> u32 {
        match outcome {
            Outcome::Succeeded => self.succeeded,
            Outcome::AlreadyThere => self.already_there,
            Outcome::Unproven => self.unproven,
            Outcome::Refused => self.refused,
            Outcome::Unanswered => self.unanswered,
            Outcome::Failed => self.failed,
            Outcome::Cancelled => self.cancelled,
            Outcome::LeftOut => self.left_out,
        }
    }

    pub fn of_mut(&mut self, outcome: Outcome) -> &mut u32 {
        match outcome {
            Outcome::Succeeded => &mut self.succeeded,
            Outcome::AlreadyThere => &mut self.already_there,
            Outcome::Unproven => &mut self.unproven,
            Outcome::Refused => &mut self.refused,
            Outcome::Unanswered => &mut self.unanswered,
            Outcome::Failed => &mut self.failed,
            Outcome::Cancelled => &mut self.cancelled,
            Outcome::LeftOut => &mut self.left_out,
        }
    }

    pub fn bad(&self) -> u32 {
        self.refused + self.unanswered + self.failed
    }

    /// Ended, of those that were to go.
    pub fn ended(&self) -> u32 {
        self.succeeded + self.already_there + self.unproven + self.bad() + self.cancelled
    }

    /// Those that were to go.
    pub fn total(&self) -> u32 {
        self.ended() + self.waiting + self.running
    }
}

/// A job as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    #[serde(flatten)]
    pub head: JobHead,
    pub tally: Tally,
    /// Items per second lately, and the seconds left at that rate.
    pub per_s: Option<f32>,
    pub eta_s: Option<u32>,
}

/// One item as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemRow {
    pub seq: u32,
    pub subscriber: SubscriberId,
    pub subscriber_number: SafeText,
    pub name: SafeText,
    pub nas: SafeText,
    pub canary: bool,
    pub state: ItemState,
    /// The stage that it is in, or ended in.
    pub stage: u8,
    pub outcome: Option<Outcome>,
    /// The operator's sentence.
    pub note: Option<SafeText>,
    pub operation: Option<OperationId>,
    pub ended_at: Option<Timestamp>,
}
