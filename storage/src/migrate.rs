//! Migrations: numbered SQL files in the program, applied in order, each recorded with its checksum. A released one is never edited:
//! a store whose record differs is refused.

use crate::error::OpenError;
use noctule_domain::SafeText;
use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use std::path::Path;

pub(crate) struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

/// The migrations of one kind of file.
pub(crate) struct Set {
    migrations: &'static [Migration],
    /// Tells our files from other people's SQLite files, and a store from an outbox.
    application_id: i64,
}

/// The store of a machine that works alone, and the cache of one that has a centre: "NOCT".
pub(crate) const STORE: Set = Set {
    migrations: &[
        Migration { version: 1, name: "base", sql: include_str!("../migrations/0001_base.sql") },
        Migration { version: 2, name: "field", sql: include_str!("../migrations/0002_field.sql") },
        Migration { version: 3, name: "aaa", sql: include_str!("../migrations/0003_aaa.sql") },
        Migration { version: 4, name: "sessions", sql: include_str!("../migrations/0004_sessions.sql") },
        Migration { version: 5, name: "pools", sql: include_str!("../migrations/0005_pools.sql") },
        Migration { version: 6, name: "ipam", sql: include_str!("../migrations/0006_ipam.sql") },
        Migration { version: 7, name: "reconcile", sql: include_str!("../migrations/0007_reconcile.sql") },
    ],
    application_id: 0x4e4f_4354,
};

/// What waits to be pushed: "NOCO".
pub(crate) const OUTBOX: Set = Set {
    migrations: &[Migration { version: 1, name: "outbox", sql: include_str!("../migrations/outbox/0001_outbox.sql") }],
    application_id: 0x4e4f_434f,
};

/// Jobs and their items: "NOCJ".
pub(crate) const JOBS: Set = Set {
    migrations: &[Migration { version: 1, name: "jobs", sql: include_str!("../migrations/jobs/0001_jobs.sql") }],
    application_id: 0x4e4f_434a,
};

/// What checks found: "NOCD".
pub(crate) const DRIFT: Set = Set {
    migrations: &[Migration { version: 1, name: "findings", sql: include_str!("../migrations/drift/0001_findings.sql") }],
    application_id: 0x4e4f_4344,
};

impl Set {
    pub(crate) fn known(&self) -> i64 {
        self.migrations.last().map_or(0, |m| m.version)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn checksum(sql: &str) -> String {
    // Line ends as checked out must not matter.
    hex(&Sha256::digest(sql.replace("\r\n", "\n").as_bytes()))
}

/// Looks without writing. `Ok(true)`: nothing to do.
pub(crate) fn check(set: &Set, conn: &Connection, path: &Path) -> Result<bool, OpenError> {
    let sql = |e| OpenError::from_sql(path, e);
    let pragma = |name: &str| conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let objects: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(sql)?;
    let (id, version) = (pragma("application_id").map_err(sql)?, pragma("user_version").map_err(sql)?);
    if objects == 0 && version == 0 {
        return Ok(false);
    }
    if id != set.application_id {
        return Err(OpenError::NotADatabase { path: path.to_owned(), detail: "an SQLite file of another program".into() });
    }
    if version > set.known() {
        return Err(OpenError::Newer { found: version, known: set.known() });
    }
    let mut recorded = conn.prepare("SELECT version, checksum FROM migrations ORDER BY version").map_err(|e| match e.sqlite_error() {
        Some(error) if error.code == rusqlite::ErrorCode::Unknown => damaged(path, "its table of migrations is missing"),
        _ => sql(e),
    })?;
    let recorded = recorded
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .and_then(|rows| rows.collect::<Result<Vec<_>, _>>())
        .map_err(sql)?;
    let expected = set.migrations.iter().filter(|m| m.version <= version);
    if recorded.len() != expected.clone().count() {
        return Err(damaged(path, "its record of migrations does not fit its version"));
    }
    for (migration, (version, sum)) in expected.zip(&recorded) {
        if migration.version != *version || checksum(migration.sql) != *sum {
            return Err(damaged(path, &format!("migration {} ({}) is not the one this program knows", migration.version, migration.name)));
        }
    }
    Ok(version == set.known())
}

fn damaged(path: &Path, detail: &str) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), detail: SafeText::new(detail) }
}

/// Brings the store to the version that this program knows, in one transaction. Two programs that start at once do it once.
pub(crate) fn upgrade(set: &Set, conn: &mut Connection, path: &Path, now_us: i64) -> Result<(), OpenError> {
    let sql = |e| OpenError::from_sql(path, e);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
    if check(set, &tx, path)? {
        return Ok(());
    }
    let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(sql)?;
    tx.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL)",
    )
    .map_err(sql)?;
    for migration in set.migrations.iter().filter(|m| m.version > version) {
        tx.execute_batch(migration.sql).map_err(sql)?;
        tx.execute(
            "INSERT INTO migrations VALUES (?1, ?2, ?3, ?4)",
            params![migration.version, migration.name, checksum(migration.sql), now_us],
        )
        .map_err(sql)?;
    }
    tx.pragma_update(None, "application_id", set.application_id).map_err(sql)?;
    tx.pragma_update(None, "user_version", set.known()).map_err(sql)?;
    tx.commit().map_err(sql)
}
