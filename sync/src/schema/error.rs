//! What can go wrong with the schema and its people, in the words of whoever looks after the centre.

use crate::connect::CentreError;
use noctule_domain::{Retry, SafeText};
use tokio_postgres::error::SqlState;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    #[error("{}", to_owner(.0))]
    Centre(#[from] CentreError),
    #[error("the address of the centre can not be used: {0}")]
    BadAddress(SafeText),
    /// A migration that was applied is not the one in this program.
    #[error(
        "migration {version} ({name}) was applied to this database in another form than this program has: nothing was changed; use the \
         program that made this database, or restore a database that this one made"
    )]
    Edited { version: i32, name: SafeText },
    /// The database is ahead of this program.
    #[error("this database has schema {found} and this program knows up to {known}: nothing was changed; update noctule")]
    Newer { found: i32, known: i32 },
    #[error("there is no schema of Noctule in this database; run `noctule central init`")]
    NoSchema,
    /// There is one, older than this program.
    #[error("this database has schema {found} and this program needs {needed}; run `noctule central upgrade`")]
    Older { found: i32, needed: i32 },
    #[error("migration {version} ({name}) failed, nothing was changed: {why}")]
    Failed { version: i32, name: SafeText, why: SafeText },
    /// The owner's login lacks a right.
    #[error("the login {login} may not do this: {why}; nothing was changed")]
    Rights { login: SafeText, why: SafeText },
    /// What was asked can not be done as it was asked. A whole sentence.
    #[error("{0}")]
    Refused(SafeText),
}

impl SchemaError {
    pub fn retry(&self) -> Retry {
        match self {
            Self::Centre(error) => error.retry(),
            Self::BadAddress(_) | Self::NoSchema | Self::Older { .. } | Self::Newer { .. } | Self::Rights { .. } | Self::Refused(_) => {
                Retry::AfterFix
            }
            Self::Edited { .. } | Self::Failed { .. } => Retry::Never,
        }
    }

    pub(super) fn refused(words: impl Into<String>) -> Self {
        Self::Refused(words.into().into())
    }
}

/// What an operator is told of unsent work means nothing to the owner, who has none.
fn to_owner(error: &CentreError) -> String {
    match error {
        CentreError::Unreachable(why) => format!("the centre can not be reached: {why}; nothing was changed"),
        CentreError::Denied(why) if why.as_str().contains("no encryption") => {
            format!("the centre takes this login over TLS alone: {why}; put ?sslmode=verify-full into the address; nothing was changed")
        }
        CentreError::Denied(why) => format!("the centre does not let this login in: {why}; nothing was changed"),
        CentreError::BadPassword => {
            "the centre does not know this login with this password: give it when asked, or in PGPASSWORD; nothing was changed".to_owned()
        }
        other => other.to_string(),
    }
}

/// The SQLSTATE of an error from the server.
pub(super) fn code(error: &tokio_postgres::Error) -> Option<&SqlState> {
    error.as_db_error().map(tokio_postgres::error::DbError::code)
}

/// What the server said, where it said something.
pub(super) fn words(error: &tokio_postgres::Error) -> SafeText {
    error.as_db_error().map_or_else(
        || SafeText::bounded(&error.to_string(), 500),
        |db| {
            let place = db.where_().map(|place| format!(" ({})", place.lines().next().unwrap_or_default())).unwrap_or_default();
            SafeText::bounded(&format!("{}{place}", db.message()), 500)
        },
    )
}
