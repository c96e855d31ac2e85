//! How one subscriber of a job stands.

use crate::lifecycle::OperationStatus;
use crate::words;

words!(
    /// Where an item is. It ends once.
    ItemState { Waiting = "waiting", Running = "running", Ended = "ended" }
);

words!(
    /// How an item ended: exactly one of these.
    Outcome {
        Succeeded = "succeeded",
        /// It was there already: nothing was done.
        AlreadyThere = "already_there",
        /// Everything was done and acknowledged; accounting did not show it before the deadline.
        Unproven = "unproven",
        /// By the guard, NetBox or the NAS.
        Refused = "refused",
        Unanswered = "unanswered",
        Failed = "failed",
        /// The job or its operation was cancelled before it had an effect.
        Cancelled = "cancelled",
        /// Refused in the preview: it never was to go.
        LeftOut = "left_out",
    }
);

impl Outcome {
    /// Counts for the threshold, and is what a retry takes up.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Refused | Self::Unanswered | Self::Failed)
    }

    /// Of an operation that has ended.
    pub const fn of(status: OperationStatus) -> Self {
        match status {
            OperationStatus::Succeeded => Self::Succeeded,
            OperationStatus::Refused => Self::Refused,
            OperationStatus::Unanswered => Self::Unanswered,
            OperationStatus::Cancelled => Self::Cancelled,
            // An open one has not ended; whoever asks for its outcome all the same hears that it went wrong.
            OperationStatus::Failed | OperationStatus::Running | OperationStatus::Waiting => Self::Failed,
        }
    }
}
