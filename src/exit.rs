//! Exit codes, in one table, and the failure that carries one with the operator's sentence. Scripts depend on the numbers: a code is
//! never given another meaning.

use noctule_domain::lifecycle::OperationStatus;
use noctule_domain::ports::AuthorityError;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    Internal = 1,
    Usage = 2,
    NotFound = 3,
    Guard = 4,
    Refused = 5,
    Unanswered = 6,
    Unreachable = 7,
    Waiting = 8,
    Config = 9,
    Store = 10,
    Partly = 11,
    Queued = 12,
    Drift = 13,
}

impl Exit {
    pub const ALL: &'static [Exit] = &[
        Exit::Ok,
        Exit::Internal,
        Exit::Usage,
        Exit::NotFound,
        Exit::Guard,
        Exit::Refused,
        Exit::Unanswered,
        Exit::Unreachable,
        Exit::Waiting,
        Exit::Config,
        Exit::Store,
        Exit::Partly,
        Exit::Queued,
        Exit::Drift,
    ];

    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What the code means, for `--help` and docs/cli.md.
    pub const fn meaning(self) -> &'static str {
        match self {
            Exit::Ok => "done",
            Exit::Internal => "failed inside, or a check of doctor, audit verify or sync verify failed",
            Exit::Usage => "wrong usage: an unknown option, a value out of range, a file with bad rows (then nothing was stored)",
            Exit::NotFound => "there is no such subscriber, operation, NAS, profile, task, technician, login or change",
            Exit::Guard => "refused here: wrong state, busy, on hold, not permitted, read-only; nothing left this machine",
            Exit::Refused => "refused by an upstream: a NAK of the NAS, a 4xx of NetBox",
            Exit::Unanswered => "no answer: it may or may not have happened",
            Exit::Unreachable => "an upstream can not be reached; nothing was asked of it",
            Exit::Waiting => "not ended within --wait; it goes on when a console or `noctule operations resume` runs",
            Exit::Config => "the configuration is wrong or missing",
            Exit::Store => "the store can not be used: damaged, read-only, full, newer than this program",
            Exit::Queued => "kept in the outbox: the centre is away, it is asked on return",
            Exit::Drift => "drift check: something was found",
            Exit::Partly => "partly done: some rows or targets were, some were not; each is named",
        }
    }

    /// The table of `--help`.
    pub fn table() -> String {
        let mut out = String::from("Exit codes:\n");
        for exit in Self::ALL {
            out.push_str(&format!("  {:>2}  {}\n", exit.code(), exit.meaning()));
        }
        out
    }

    /// What the end of an operation means for the caller.
    pub const fn of_status(status: OperationStatus) -> Self {
        match status {
            OperationStatus::Succeeded => Exit::Ok,
            OperationStatus::Running | OperationStatus::Waiting => Exit::Waiting,
            OperationStatus::Refused => Exit::Refused,
            OperationStatus::Unanswered => Exit::Unanswered,
            OperationStatus::Failed => Exit::Refused,
            OperationStatus::Cancelled => Exit::Guard,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// A command that did not do what was asked: the code and one sentence (what happened, what it means, what to do).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    pub exit: Exit,
    pub sentence: String,
}

impl Failure {
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, sentence: sentence.into() }
    }

    /// Adds what was being done, in front.
    pub fn during(self, what: &str) -> Self {
        Self { exit: self.exit, sentence: format!("{what}: {}", self.sentence) }
    }
}

impl From<AuthorityError> for Failure {
    fn from(error: AuthorityError) -> Self {
        let exit = match &error {
            AuthorityError::NotFound { .. } => Exit::NotFound,
            AuthorityError::Store { .. } => Exit::Store,
            AuthorityError::Refused(_)
            | AuthorityError::LeaseLost { .. }
            | AuthorityError::Ended { .. }
            | AuthorityError::NotCancellable { .. } => Exit::Guard,
        };
        Self { exit, sentence: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_their_place_in_the_table_and_every_one_is_explained() {
        for (place, exit) in Exit::ALL.iter().enumerate() {
            assert_eq!(usize::from(exit.code()), place);
            assert!(Exit::table().contains(exit.meaning()));
        }
    }
}
