//! What the functions of the centre answer, as the domain's types and errors.

use crate::connect::CentreError;
use noctule_domain::lifecycle::{OperationStatus, Refusal};
use noctule_domain::ports::AuthorityError;
use noctule_domain::{OperationId, Retry, SafeText};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why the centre did not do it, as it answers: expected, so no error of its own.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum No {
    Refused(Refusal),
    NotFound {
        what: String,
        id: SafeText,
    },
    LeaseLost {
        operation: OperationId,
    },
    Ended {
        operation: OperationId,
        status: OperationStatus,
    },
    NotCancellable {
        operation: OperationId,
        why: SafeText,
    },
    /// Somebody has the prefix by now that was to be given back.
    Held(SafeText),
}

impl From<No> for AuthorityError {
    fn from(no: No) -> Self {
        match no {
            No::Refused(refusal) => Self::Refused(refusal),
            No::NotFound { what, id } => Self::NotFound { what: noun(&what), id },
            No::LeaseLost { operation } => Self::LeaseLost { operation },
            No::Ended { operation, status } => Self::Ended { operation, status },
            No::NotCancellable { operation, why } => Self::NotCancellable { operation, why },
            No::Held(by) => {
                let message = format!("{by} holds this prefix by now: nothing was done; check again");
                Self::Store { message: SafeText::new(&message), retry: Retry::Never }
            }
        }
    }
}

/// What can be missing, in the words of the local store.
fn noun(what: &str) -> &'static str {
    ["operation", "subscriber", "NAS", "started step"].into_iter().find(|noun| *noun == what).unwrap_or("row")
}

/// The part of an answer named `part`, or the centre's no.
pub(super) fn part<T: DeserializeOwned>(mut answer: Value, part: &str) -> Result<T, AuthorityError> {
    match answer.get_mut(part) {
        Some(value) => serde_json::from_value(value.take()).map_err(|error| garbled(&error)),
        None => Err(no(answer)),
    }
}

/// The answer is the centre's no.
pub(super) fn no(answer: Value) -> AuthorityError {
    serde_json::from_value::<No>(answer).map_or_else(|error| garbled(&error), Into::into)
}

pub(super) fn garbled(error: &serde_json::Error) -> AuthorityError {
    AuthorityError::Store {
        message: SafeText::bounded(&format!("the centre's answer can not be read ({error}): is one side older than the other?"), 400),
        retry: Retry::AfterFix,
    }
}

/// The operator's sentence is the connection's own; what it means for the next try too.
pub(super) fn trouble(error: &CentreError) -> AuthorityError {
    AuthorityError::Store { message: SafeText::new(&error.to_string()), retry: error.retry() }
}
