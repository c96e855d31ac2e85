//! What an error of the centre means for a command: its exit code beside its sentence.

use crate::exit::{Exit, Failure};
use noctule_domain::Retry;
use noctule_sync::connect::CentreError;

impl From<CentreError> for Failure {
    fn from(error: CentreError) -> Self {
        let exit = match &error {
            CentreError::Unreachable(_) | CentreError::Untrusted(_) => Exit::Unreachable,
            CentreError::Timeout { .. } | CentreError::Lost(_) => Exit::Unanswered,
            CentreError::Denied(_) | CentreError::BadPassword => Exit::Guard,
            CentreError::Local(_, Retry::AfterFix | Retry::Never) => Exit::Store,
            CentreError::Local(_, Retry::Later) => Exit::Guard,
            _ => Exit::Refused,
        };
        Failure::new(exit, error.to_string())
    }
}
