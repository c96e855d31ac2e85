//! What can go wrong between us and the AAA database, sorted by whether something may have been stored. The words are the operator's.

use crate::upstream::AaaError;
use noctule_domain::SafeText;
use std::error::Error as _;
use std::io;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// An error while a connection was being made: nothing was asked.
pub(super) fn at_connect(error: &Error, place: &str) -> AaaError {
    if let Some(db) = error.as_db_error() {
        let words = SafeText::bounded(db.message(), 300);
        return match *db.code() {
            SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                refused(format!("the AAA database {place} does not let us in: {words}; check user and password in [aaa]"))
            }
            SqlState::INVALID_CATALOG_NAME => refused(format!("the AAA database {place}: {words}; check the name in aaa.dsn")),
            _ => unreachable(format!("the AAA database {place} takes no connection: {words}")),
        };
    }
    if let Some(rustls) = find::<rustls::Error>(error).or_else(|| find::<io::Error>(error)?.get_ref()?.downcast_ref()) {
        let words = noctule_tls::words(rustls).unwrap_or_else(|| rustls.to_string());
        return refused(format!("the line to the AAA database {place} is not safe, so nothing was sent: {words}"));
    }
    if chain(error).contains("password missing") {
        return refused(format!("the AAA database {place} asks for a password: set aaa.password"));
    }
    unreachable(format!("the AAA database {place} can not be reached: {}", chain(error)))
}

/// An error of a question on a connection that stood. `committing`: the answer to a COMMIT was under way, so it may be stored.
pub(super) fn of_question(error: &Error, committing: bool) -> AaaError {
    match error.as_db_error() {
        Some(db) => from_db(db, committing),
        None if error.is_closed() || find::<io::Error>(error).is_some() => lost(&chain(error), committing),
        None => refused(format!("the AAA database gave an answer that can not be read: {}", chain(error))),
    }
}

/// The connection broke, or there was no answer in time.
pub(super) fn lost(why: &str, committing: bool) -> AaaError {
    match committing {
        true => AaaError::Unclear(words(&format!("the connection to the AAA database was lost while it was storing: {why}"))),
        false => unreachable(format!("the connection to the AAA database was lost before anything was stored: {why}")),
    }
}

fn from_db(db: &DbError, committing: bool) -> AaaError {
    let said = SafeText::bounded(db.message(), 300);
    match *db.code() {
        // It collided, or had no room or time: nothing was stored, the same may succeed later.
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED | SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED => {
            unreachable(format!("the AAA database was busy with the same rows: {said}; nothing was changed"))
        }
        SqlState::DISK_FULL => unreachable(format!("the disk of the AAA database is full: {said}; nothing was changed")),
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            unreachable("the AAA database can only be read just now (a standby, or a primary on its way back)".to_owned())
        }
        SqlState::INSUFFICIENT_PRIVILEGE => {
            refused(format!("the AAA database does not allow this: {said}; `noctule aaa check` lists the rights that are needed"))
        }
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN => {
            refused(format!("the tables of the AAA database are not as expected: {said}; run `noctule aaa check`"))
        }
        _ => match db.code().code() {
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => lost(said.as_str(), committing),
            code if code.starts_with("08") => lost(said.as_str(), committing),
            code if code.starts_with("53") => unreachable(format!("the AAA database is short of resources: {said}")),
            code => refused(format!("the AAA database answered with an error: {said} ({code})")),
        },
    }
}

pub(super) fn refused(text: String) -> AaaError {
    AaaError::Refused(words(&text))
}

pub(super) fn unreachable(text: String) -> AaaError {
    AaaError::Unreachable(words(&text))
}

fn words(text: &str) -> SafeText {
    SafeText::bounded(text, 700)
}

/// The error and its causes in one line. tokio-postgres puts the first cause into its own text already.
fn chain(error: &Error) -> String {
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

fn find<E: std::error::Error + 'static>(error: &Error) -> Option<&E> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
