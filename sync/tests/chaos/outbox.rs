//! The outbox of a console as it lies on the disk: read without the store, done ops too.

use noctule_domain::sync::{Change, Op};
use noctule_domain::{OpId, SafeText, Timestamp};
use rusqlite::{Connection, OpenFlags, Row};
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// An op and where it stands, as a word.
#[derive(Debug, Clone)]
pub struct Kept {
    pub op: Op,
    pub state: String,
    /// What the operator decided about it.
    pub resolution: Option<String>,
}

fn open(folder: &Path) -> Connection {
    let connection = Connection::open_with_flags(folder.join("outbox.db"), OpenFlags::SQLITE_OPEN_READ_WRITE).expect("the outbox opens");
    connection.busy_timeout(Duration::from_secs(10)).expect("a limit");
    connection
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let id: [u8; 16] = row.get(1)?;
    let made_at: i64 = row.get(2)?;
    let change: Change = serde_json::from_str(&row.get::<_, String>(5)?).expect("a change");
    let made_at: Timestamp = chrono::DateTime::from_timestamp_micros(made_at).expect("a time");
    let reason: Option<String> = row.get(4)?;
    Ok(Kept {
        op: Op {
            seq: row.get(0)?,
            id: OpId(Uuid::from_bytes(id)),
            made_at,
            origin: SafeText::new(&row.get::<_, String>(3)?),
            reason: reason.map(|text| SafeText::new(&text)),
            change,
        },
        state: row.get(6)?,
        resolution: row.get(7)?,
    })
}

/// Whether the console came so far as to make it: one that dies while it starts leaves a file without tables.
fn made(connection: &Connection) -> bool {
    connection.query_row("SELECT count(*) FROM sqlite_master WHERE name = 'ops'", [], |row| row.get::<_, i64>(0)).expect("a question") > 0
}

const WHOLE: &str = "SELECT seq, id, made_at, origin, reason, change, state, resolution FROM ops";

/// All of it, in its order.
pub fn all(folder: &Path) -> Vec<Kept> {
    let connection = open(folder);
    if !made(&connection) {
        return Vec::new();
    }
    let mut statement = connection.prepare(&format!("{WHOLE} ORDER BY seq")).expect("a question");
    statement.query_map([], kept).expect("ops").collect::<Result<_, _>>().expect("ops that read")
}

/// The ops of an origin.
pub fn of_origin(folder: &Path, origin: &str) -> Vec<Kept> {
    let connection = open(folder);
    if !made(&connection) {
        return Vec::new();
    }
    let mut statement = connection.prepare(&format!("{WHOLE} WHERE origin = ?1")).expect("a question");
    statement.query_map([origin], kept).expect("ops").collect::<Result<_, _>>().expect("ops that read")
}
