//! What can fail in the store, in the operator's terms. SQLite's codes are translated here and nowhere else.

use noctule_domain::task::TaskRefusal;
use noctule_domain::{Retry, SafeText};
use rusqlite::ErrorCode;
use std::path::PathBuf;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{} is not a Noctule store ({detail}); name another file, or set it aside and start anew", path.display())]
    NotADatabase { path: PathBuf, detail: SafeText },
    #[error("the store {} is damaged ({detail}); it is set aside (renamed, never deleted) and a new one begun when the console is started, `noctule`; restore a backup instead if there is one", path.display())]
    Damaged { path: PathBuf, detail: SafeText },
    #[error(
        "the store was written by a newer Noctule (schema {found}, this program knows {known}); update the program, the store was not touched"
    )]
    Newer { found: i64, known: i64 },
    #[error("the store {} can only be read, and it does not exist yet or needs an upgrade; make it writable once", path.display())]
    ReadOnly { path: PathBuf },
    #[error("the store {} is held by another program for longer than it should; close that program, then try again", path.display())]
    Locked { path: PathBuf },
    #[error("the disk is full: the store {} could not be made ready; free some space, nothing was lost", path.display())]
    Full { path: PathBuf },
    #[error("the local copy {} was not opened: {why}; nothing was touched", path.display())]
    Key { path: PathBuf, why: &'static str },
    #[error("the store {} could not be opened", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the store {} could not be opened", path.display())]
    Sql {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
}

impl OpenError {
    pub fn retry(&self) -> Retry {
        match self {
            Self::Locked { .. } => Retry::Later,
            _ => Retry::AfterFix,
        }
    }

    /// Sorts what SQLite said while the store was being opened.
    pub(crate) fn from_sql(path: &std::path::Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let detail = SafeText::bounded(&source.to_string(), 200);
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path, detail },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, detail },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            _ => Self::Sql { path, source },
        }
    }
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store is open for reading only; nothing was changed")]
    ReadOnly,
    #[error("the disk is full: the change was not stored, everything stored before is there; free some space, then try again")]
    Full,
    #[error("another program is writing to the store; try again")]
    Locked,
    /// The disk refused what was being stored in the same moment, and everything of that moment with it.
    #[error("the disk refused a change that was being stored at the same time, and this one was undone with it; try again")]
    Undone,
    #[error("the store is damaged ({detail}); run `noctule doctor`")]
    Damaged { detail: SafeText },
    /// A newer request for a page came while this one ran or waited. Nobody waits for this answer any more.
    #[error("superseded by a newer request")]
    Superseded,
    #[error("the store is closed")]
    Closed,
    #[error("there is no {what} {id}")]
    NotFound { what: &'static str, id: SafeText },
    #[error("it has changed since you looked (version {found}, you saw {expected}); look again, then decide")]
    StaleVersion { expected: i64, found: i64 },
    #[error(transparent)]
    Task(#[from] TaskRefusal),
    #[error("{0}")]
    Refused(SafeText),
    #[error("the store's disk or file system failed")]
    Io(#[source] std::io::Error),
    #[error("the store could not do it")]
    Sql(#[source] rusqlite::Error),
}

impl StoreError {
    pub fn retry(&self) -> Retry {
        match self {
            Self::Full | Self::Locked | Self::Undone | Self::Superseded | Self::StaleVersion { .. } => Retry::Later,
            Self::ReadOnly | Self::Damaged { .. } | Self::Task(_) | Self::Refused(_) | Self::Io(_) => Retry::AfterFix,
            Self::Closed | Self::NotFound { .. } | Self::Sql(_) => Retry::Never,
        }
    }

    /// The whole sentence with its cause, for places that keep only text.
    pub(crate) fn sentence(&self) -> SafeText {
        match std::error::Error::source(self) {
            Some(cause) => SafeText::new(&format!("{self}: {cause}")),
            None => SafeText::new(&self.to_string()),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::OperationInterrupted) => Self::Superseded,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { detail: SafeText::bounded(&source.to_string(), 200) }
            }
            _ => match source {
                // A value that none of our types knows: written by somebody else, or rotten.
                rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
                    Self::Damaged { detail: SafeText::bounded(&source.to_string(), 200) }
                }
                source => Self::Sql(source),
            },
        }
    }
}

impl From<StoreError> for noctule_domain::ports::AuthorityError {
    fn from(error: StoreError) -> Self {
        Self::Store { message: error.sentence(), retry: error.retry() }
    }
}
