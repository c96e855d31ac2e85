//! The key of an encrypted copy (feature `sqlcipher`): 32 bytes, given to each connection before anything else. The raw form: no rounds of
//! derivation, so opening costs no more than without.

use noctule_domain::secret::Secret;
use rusqlite::Connection;

/// Bytes of a key.
pub(crate) const LENGTH: usize = 32;

/// Why a key can not be used; `None` when it can.
pub(crate) fn trouble(key: Option<&Secret>) -> Option<&'static str> {
    let key = key?;
    if !cfg!(feature = "sqlcipher") {
        return Some("a key was given, but this program was built without encryption of the local copy");
    }
    (key.expose().len() != LENGTH).then_some("the key of the local copy must have 32 bytes")
}

/// The raw form, as SQLCipher reads it.
pub(crate) fn raw(key: &Secret) -> Secret {
    Secret::new(format!("x'{}'", crate::migrate::hex(key.expose())))
}

/// Unlocks a connection that was just opened. What goes wrong is told without the statement, which holds the key.
pub(crate) fn unlock(conn: &Connection, key: Option<&Secret>) -> rusqlite::Result<()> {
    let Some(key) = key else { return Ok(()) };
    let raw = raw(key);
    let text = std::str::from_utf8(raw.expose()).map_err(|_| refused())?;
    conn.pragma_update(None, "key", text).map_err(|_| refused())
}

fn refused() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_AUTH), Some("the key was not taken".into()))
}
