//! What can go wrong between a console and its centre, sorted by what it means for the operator and for the next try.

use noctule_domain::{Retry, SafeText};
use std::error::Error as _;
use std::io;
use std::time::Duration;
use tokio_postgres::error::{DbError, SqlState};

/// One sentence each: what happened, what it means now, what to do. Clone, so that a status can carry it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CentreError {
    /// No connection was made: nothing was asked.
    #[error("the centre can not be reached: {0}; local work goes on and is sent later")]
    Unreachable(SafeText),
    /// No answer in time. The line is given up.
    #[error("the centre did not answer within {} ms ({what}); whether it was done shows when it answers again", .limit.as_millis())]
    Timeout { what: SafeText, limit: Duration },
    /// The connection died while a request was under way: it may have been carried out.
    #[error("the connection to the centre was lost: {0}; whether the last request was done shows when it is back")]
    Lost(SafeText),
    /// The login was refused: revoked, not a member of the tenant, a client certificate missing.
    #[error("the centre does not let this operator in: {0}; unsent work is kept; ask an administrator")]
    Denied(SafeText),
    #[error("the centre does not know this login with this password; check both (`noctule login`); unsent work is kept")]
    BadPassword,
    /// TLS: the server's certificate, its name, or our own files.
    #[error("the line to the centre is not safe, so nothing was sent: {0}")]
    Untrusted(SafeText),
    #[error("the centre speaks protocol {needed} and this program {ours}: update noctule; unsent work is kept")]
    Upgrade { ours: i32, needed: i32 },
    /// 53100.
    #[error("the centre's disk is full: {0}; nothing was changed; local work is kept and sent when there is room again")]
    Full(SafeText),
    /// 25006, or only standbys could be reached.
    #[error("the centre can only be read just now (a standby, or a primary on its way back); changes wait in the outbox")]
    ReadOnly,
    /// The centre's functions, rights or schema say no, in words. Nothing was changed.
    #[error("{0}")]
    Refused(SafeText),
    /// It collided with others' work (deadlock, serialization, lock): nothing was changed, the same may succeed at once.
    #[error("the centre was busy with the same rows: {0}; nothing was changed, it is tried again")]
    Busy(SafeText),
    /// Anything else from the server, with its SQLSTATE. Nothing was changed.
    #[error("the centre answered with an error: {0}")]
    Sql(SafeText),
    /// The local side failed (disk, shape): not the centre's fault.
    #[error("{0}")]
    Local(SafeText, LocalRetry),
}

/// `Retry` of a local failure, kept beside its words.
pub type LocalRetry = Retry;

impl CentreError {
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unreachable(_) | Self::Timeout { .. } | Self::Lost(_) | Self::Full(_) | Self::ReadOnly | Self::Busy(_) => Retry::Later,
            Self::Denied(_) | Self::BadPassword | Self::Untrusted(_) | Self::Upgrade { .. } | Self::Refused(_) => Retry::AfterFix,
            Self::Sql(_) => Retry::Never,
            Self::Local(_, retry) => *retry,
        }
    }

    /// True when a request that was under way may have been carried out all the same: ask again under the same id, never assume.
    pub fn maybe_done(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Timeout { .. })
    }

    /// The line can not be used any more.
    pub(crate) fn ends_line(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Timeout { .. } | Self::Unreachable(_) | Self::ReadOnly | Self::Denied(_))
    }

    /// An error while a connection was being made.
    pub(crate) fn at_connect(error: &tokio_postgres::Error, place: &str) -> Self {
        if let Some(db) = error.as_db_error() {
            return match Self::from_db(db) {
                // The server is there and has no room or no time for us.
                Self::Lost(words) | Self::Sql(words) | Self::Busy(words) => Self::Unreachable(format!("{place}: {words}").into()),
                other => other,
            };
        }
        let words = chain(error);
        if is_tls(error) {
            return Self::Untrusted(format!("{place}: {}", tls_words(error).unwrap_or(words)).into());
        }
        // Authentication that failed on our side: no password given, or the server could not prove that it knows it.
        if words.contains("password missing") {
            return Self::BadPassword;
        }
        Self::Unreachable(format!("{place}: {words}").into())
    }

    /// An error of a request on a connection that stood.
    pub(crate) fn from_pg(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(db) => Self::from_db(db),
            None if error.is_closed() || find::<io::Error>(error).is_some() => Self::Lost(chain(error).into()),
            // Wrong types, messages out of order: a mistake of ours or of something in between, and the line's state is unknown.
            None => Self::Sql(chain(error).into()),
        }
    }

    fn from_db(db: &DbError) -> Self {
        let code = db.code();
        let words = SafeText::bounded(db.message(), 500);
        match code {
            &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Self::Denied(words),
            &SqlState::INVALID_PASSWORD => Self::BadPassword,
            &SqlState::DISK_FULL => Self::Full(words),
            &SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly,
            &SqlState::TOO_MANY_CONNECTIONS => Self::Unreachable(format!("it has too many connections ({words})").into()),
            &SqlState::QUERY_CANCELED => Self::Busy(words),
            &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED | &SqlState::LOCK_NOT_AVAILABLE => Self::Busy(words),
            &SqlState::INSUFFICIENT_PRIVILEGE => Self::Refused(format!("the centre does not allow this: {words}").into()),
            &SqlState::RAISE_EXCEPTION => Self::Refused(words),
            &SqlState::UNDEFINED_FUNCTION | &SqlState::UNDEFINED_TABLE | &SqlState::UNDEFINED_COLUMN | &SqlState::INVALID_SCHEMA_NAME => {
                Self::Refused(
                    format!(
                        "the centre's schema is not what this program needs ({words}); an administrator runs `noctule central upgrade`"
                    )
                    .into(),
                )
            }
            &SqlState::INVALID_CATALOG_NAME => Self::Refused(format!("{words}; check the database's name").into()),
            code => match code.code() {
                "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Self::Lost(words),
                code if code.starts_with("08") => Self::Lost(words),
                code if code.starts_with("53") => Self::Unreachable(format!("it is short of resources ({words})").into()),
                code => Self::Sql(format!("{words} ({code})").into()),
            },
        }
    }
}

impl From<noctule_domain::sync::ReplicaError> for CentreError {
    fn from(error: noctule_domain::sync::ReplicaError) -> Self {
        let retry = error.retry();
        Self::Local(error.to_string().into(), retry)
    }
}

/// The error and its causes in one line. tokio-postgres puts the first cause into its own text already.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        cause = error.source();
    }
    words
}

fn find<E: std::error::Error + 'static>(error: &tokio_postgres::Error) -> Option<&E> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

fn rustls_error(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    find::<rustls::Error>(error).or_else(|| find::<io::Error>(error)?.get_ref()?.downcast_ref())
}

fn is_tls(error: &tokio_postgres::Error) -> bool {
    rustls_error(error).is_some() || error.to_string().contains("TLS")
}

/// The usual mistakes in words; `None`: as rustls puts it.
fn tls_words(error: &tokio_postgres::Error) -> Option<String> {
    if error.to_string().contains("TLS handshake") && rustls_error(error).is_none() && chain(error).contains("does not support TLS") {
        return Some("the server does not offer TLS".to_owned());
    }
    noctule_tls::words(rustls_error(error)?)
}
