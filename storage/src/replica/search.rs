//! The search of a whole copy, built beside it: a thread of its own puts names into an index in a file of its own while rows are loaded,
//! and at the end its pages are taken over. Neither the file nor its journal outlive the copy: after a cut it is made again from the rows.

use crate::error::StoreError;
use noctule_domain::secret::Secret;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes of names in one parcel, and parcels that may wait.
const PARCEL: usize = 256 * 1024;
const AHEAD: usize = 8;

/// Texts with their keys, one behind the other.
#[derive(Default)]
struct Parcel {
    text: String,
    /// Key, and where its text ends.
    ends: Vec<(i64, usize)>,
}

pub(super) struct Search {
    path: PathBuf,
    parcel: Parcel,
    parcels: Option<SyncSender<Parcel>>,
    thread: Option<JoinHandle<rusqlite::Result<()>>>,
}

fn given_up() -> StoreError {
    StoreError::Refused("the search of the copy could not be built".into())
}

impl Search {
    /// Begins with nothing in it.
    pub(super) fn begin(cache: &Path, key: Option<&Secret>) -> Result<Self, StoreError> {
        let path = cache.with_extension("fts");
        remove(&path);
        crate::open::private_file(&path).map_err(StoreError::Io)?;
        let conn = super::cache::connect(&path, key).map_err(|_| given_up())?;
        conn.query_row("PRAGMA journal_mode = OFF", [], |_| Ok(()))?;
        // Large pieces in memory are merged less often on disk: half the time, for 24 MB that are given back at the end.
        conn.execute_batch(
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -8000;
             CREATE VIRTUAL TABLE subscribers_fts USING fts5 (search, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1');
             INSERT INTO subscribers_fts (subscribers_fts, rank) VALUES ('hashsize', 25165824);
             BEGIN;",
        )?;
        let (parcels, inbox) = sync_channel(AHEAD);
        let thread = std::thread::Builder::new().name("store-search".into()).spawn(move || fill(&conn, &inbox)).map_err(StoreError::Io)?;
        Ok(Self { path, parcel: Parcel::default(), parcels: Some(parcels), thread: Some(thread) })
    }

    pub(super) fn add(&mut self, key: i64, text: &str) -> Result<(), StoreError> {
        self.parcel.text.push_str(text);
        self.parcel.ends.push((key, self.parcel.text.len()));
        if self.parcel.text.len() >= PARCEL { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), StoreError> {
        let parcel = std::mem::take(&mut self.parcel);
        match &self.parcels {
            Some(parcels) if parcels.send(parcel).is_ok() => Ok(()),
            _ => Err(self.end().err().unwrap_or_else(given_up)),
        }
    }

    fn end(&mut self) -> Result<(), StoreError> {
        self.parcels = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(done)) => Ok(done?),
            Some(Err(_)) => Err(given_up()),
            None => Ok(()),
        }
    }

    /// All names are in: waits for the thread, and takes its pages over into `conn`, which must not have used its own index before.
    pub(super) fn take_over(mut self, conn: &Connection, key: Option<&Secret>) -> Result<(), StoreError> {
        self.send()?;
        self.end()?;
        let path = self.path.to_string_lossy();
        match key.map(super::key::raw) {
            // Left out, it would be the key of `conn` with that one's salt, which is another key.
            Some(key) => conn.execute("ATTACH DATABASE ?1 AS side KEY ?2", (path, String::from_utf8_lossy(key.expose())))?,
            None => conn.execute("ATTACH DATABASE ?1 AS side", [path])?,
        };
        // The tables behind the index, page by page: `config` stays as the schema made it.
        conn.execute_batch(
            "BEGIN IMMEDIATE;
             DELETE FROM main.subscribers_fts_data;
             DELETE FROM main.subscribers_fts_idx;
             INSERT INTO main.subscribers_fts_data SELECT * FROM side.subscribers_fts_data ORDER BY id;
             INSERT INTO main.subscribers_fts_idx SELECT * FROM side.subscribers_fts_idx ORDER BY segid, term;
             COMMIT;
             DETACH DATABASE side;",
        )?;
        Ok(())
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.parcels = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "a scratch file of the copy could not be deleted")
        }
        _ => {}
    }
}

fn fill(conn: &Connection, inbox: &Receiver<Parcel>) -> rusqlite::Result<()> {
    let mut insert = conn.prepare("INSERT INTO subscribers_fts (rowid, search) VALUES (?1, ?2)")?;
    for parcel in inbox {
        let mut from = 0;
        for (key, end) in parcel.ends {
            insert.execute(rusqlite::params![key, &parcel.text[from..end]])?;
            from = end;
        }
    }
    conn.execute_batch("COMMIT")
}
