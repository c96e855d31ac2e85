//! The importer: one transaction on the writer's thread, fed in batches.

use super::types::{ImportCount, NewNas, NewSubscriber, NewTask, NewTechnician, RowError};
use super::{bulk, field};
use crate::error::StoreError;
use crate::store::{Shared, Store};
use noctule_domain::NasId;
use noctule_domain::audit::AuditEntry;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Rows in one push: more are refused, so that memory stays bounded.
pub const MAX_BATCH: usize = 10_000;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

enum Ask {
    Subscribers(Vec<NewSubscriber>, Reply<Vec<RowError>>),
    Nas(Vec<NewNas>, Reply<Vec<RowError>>),
    Technicians(Vec<NewTechnician>, Reply<Vec<RowError>>),
    Tasks(Vec<NewTask>, Reply<Vec<RowError>>),
    Commit(Box<AuditEntry>, Reply<ImportCount>),
}

/// An import under way. Dropping it stores nothing.
#[derive(Debug)]
pub struct Importer {
    asks: mpsc::Sender<Ask>,
    /// Keeps the store open until the import has ended.
    _store: Store,
}

impl Store {
    /// Begins an import; other writes of this process wait until it ends.
    pub async fn importer(&self) -> Result<Importer, StoreError> {
        let shared = self.inner.shared.clone();
        let (asks, inbox) = mpsc::channel(2);
        let (reply, begun) = oneshot::channel();
        self.with_writer(Box::new(move |conn| run(conn, &shared, inbox, reply))).await?;
        begun.await.map_err(|_| StoreError::Closed)??;
        Ok(Importer { asks, _store: self.clone() })
    }
}

impl Importer {
    /// Upserts by subscriber number. An existing row keeps its IPv6 state, prefix and enforcement, whatever the import says.
    pub async fn push_subscribers(&mut self, rows: Vec<NewSubscriber>) -> Result<Vec<RowError>, StoreError> {
        bounded(rows.len())?;
        self.ask(|reply| Ask::Subscribers(rows, reply)).await
    }

    /// Upserts by name. An existing row keeps its health.
    pub async fn push_nas(&mut self, rows: Vec<NewNas>) -> Result<Vec<RowError>, StoreError> {
        bounded(rows.len())?;
        self.ask(|reply| Ask::Nas(rows, reply)).await
    }

    /// Upserts by employee id. An existing row keeps its status, and its position unless the new one is newer.
    pub async fn push_technicians(&mut self, rows: Vec<NewTechnician>) -> Result<Vec<RowError>, StoreError> {
        bounded(rows.len())?;
        self.ask(|reply| Ask::Technicians(rows, reply)).await
    }

    /// Upserts by task number. An existing row keeps its status and technician. Tasks that others depend on come first.
    pub async fn push_tasks(&mut self, rows: Vec<NewTask>) -> Result<Vec<RowError>, StoreError> {
        bounded(rows.len())?;
        self.ask(|reply| Ask::Tasks(rows, reply)).await
    }

    /// Stores everything that was pushed, and the audit record with it (the counts are put into its `after`).
    pub async fn commit(self, entry: AuditEntry) -> Result<ImportCount, StoreError> {
        self.ask(|reply| Ask::Commit(Box::new(entry), reply)).await
    }

    /// Stores nothing. Dropping the importer does the same.
    pub async fn rollback(self) {}

    async fn ask<T>(&self, make: impl FnOnce(Reply<T>) -> Ask) -> Result<T, StoreError> {
        let given_up = || StoreError::Refused("the import was given up after an earlier error; nothing of it was stored".into());
        let (reply, answer) = oneshot::channel();
        self.asks.send(make(reply)).await.map_err(|_| given_up())?;
        answer.await.map_err(|_| given_up())?
    }
}

fn bounded(rows: usize) -> Result<(), StoreError> {
    if rows > MAX_BATCH {
        return Err(StoreError::Refused(format!("a batch has at most {MAX_BATCH} rows, this one has {rows}").into()));
    }
    Ok(())
}

/// What one import remembers between batches.
pub(super) struct Session<'c> {
    pub(super) tx: Transaction<'c>,
    pub(super) shared: Arc<Shared>,
    pub(super) count: ImportCount,
    pub(super) bulk: Option<bulk::Bulk>,
    /// NASes by name in small letters.
    pub(super) nas: HashMap<String, Option<(NasId, String)>>,
}

fn run(conn: &mut Connection, shared: &Arc<Shared>, inbox: mpsc::Receiver<Ask>, begun: Reply<()>) {
    let cache = |conn: &Connection, importing| {
        if let Err(error) = bulk::set_cache(conn, importing) {
            tracing::warn!(%error, "the cache of the store could not be resized");
        }
    };
    cache(conn, true);
    import(conn, shared, inbox, begun);
    cache(conn, false);
}

fn import(conn: &mut Connection, shared: &Arc<Shared>, mut inbox: mpsc::Receiver<Ask>, begun: Reply<()>) {
    let tx = match conn.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(tx) => tx,
        Err(e) => return drop(begun.send(Err(e.into()))),
    };
    let mut session = Session { tx, shared: shared.clone(), count: ImportCount::default(), bulk: None, nas: HashMap::new() };
    match bulk::Bulk::begin(&session.tx) {
        Ok(bulk) => session.bulk = bulk,
        Err(e) => return drop(begun.send(Err(e.into()))),
    }
    if begun.send(Ok(())).is_err() {
        return;
    }
    // Any error but that of a row ends the import: the transaction is rolled back when the session is dropped.
    while let Some(ask) = inbox.blocking_recv() {
        let fine = match ask {
            Ask::Subscribers(rows, reply) => answer(reply, session.subscribers(rows)),
            Ask::Nas(rows, reply) => answer(reply, session.each(rows, field::nas)),
            Ask::Technicians(rows, reply) => answer(reply, session.each(rows, field::technician)),
            Ask::Tasks(rows, reply) => answer(reply, session.each(rows, field::task)),
            Ask::Commit(entry, reply) => {
                let done = session.commit(*entry);
                if done.is_ok() {
                    shared.changed();
                }
                drop(reply.send(done));
                return;
            }
        };
        if !fine {
            return;
        }
    }
}

fn answer<T>(reply: Reply<T>, result: Result<T, StoreError>) -> bool {
    let fine = result.is_ok();
    // Nobody waits for the answer: the import was dropped.
    reply.send(result).is_ok() && fine
}

/// What became of one row.
pub(super) enum Put {
    New,
    Changed,
    Same,
}

/// Why one row was not taken: the row's fault, in words, or the store's.
pub(super) enum Bad {
    Row(String),
    Store(StoreError),
}

impl From<rusqlite::Error> for Bad {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Session<'_> {
    /// Puts rows one by one, each in a savepoint: a row that fails half-way leaves nothing.
    fn each<T>(&mut self, rows: Vec<T>, put: fn(&mut Session<'_>, &T) -> Result<Put, Bad>) -> Result<Vec<RowError>, StoreError> {
        let mut errors = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            self.tx.execute_batch("SAVEPOINT row")?;
            let result = put(self, row);
            if result.is_err() {
                self.tx.execute_batch("ROLLBACK TO row")?;
            }
            self.tx.execute_batch("RELEASE row")?;
            self.note(index, result, &mut errors)?;
        }
        Ok(errors)
    }

    pub(super) fn note(&mut self, index: usize, result: Result<Put, Bad>, errors: &mut Vec<RowError>) -> Result<(), StoreError> {
        match result {
            Ok(Put::New) => self.count.new += 1,
            Ok(Put::Changed) => self.count.changed += 1,
            Ok(Put::Same) => self.count.unchanged += 1,
            Err(Bad::Row(words)) => errors.push(RowError { index, words: words.into() }),
            Err(Bad::Store(StoreError::Sql(error))) if is_constraint(&error) => {
                errors.push(RowError { index, words: format!("the store does not take it: {error}").into() });
            }
            Err(Bad::Store(error)) => return Err(error),
        }
        Ok(())
    }

    /// A NAS by its name; `None` when there is none.
    pub(super) fn nas_named(&mut self, name: &str) -> rusqlite::Result<Option<(NasId, String)>> {
        use rusqlite::OptionalExtension;
        let folded = name.to_ascii_lowercase();
        if let Some(known) = self.nas.get(&folded) {
            return Ok(known.clone());
        }
        let found = self
            .tx
            .prepare_cached("SELECT id, name FROM nas WHERE tenant = ?1 AND name COLLATE NOCASE = ?2")?
            .query_row(rusqlite::params![self.shared.tenant_key, name], |row| {
                Ok((NasId(uuid::Uuid::from_bytes(row.get(0)?)), row.get::<_, String>(1)?))
            })
            .optional()?;
        if self.nas.len() < 10_000 {
            self.nas.insert(folded, found.clone());
        }
        Ok(found)
    }

    fn commit(self, mut entry: AuditEntry) -> Result<ImportCount, StoreError> {
        let Self { tx, shared, count, bulk, .. } = self;
        if let Some(bulk) = bulk {
            bulk.end(&tx)?;
        }
        if let serde_json::Value::Object(after) = &mut entry.after {
            after.insert("new".into(), count.new.into());
            after.insert("changed".into(), count.changed.into());
            after.insert("unchanged".into(), count.unchanged.into());
        } else if entry.after.is_null() {
            entry.after = serde_json::json!({ "new": count.new, "changed": count.changed, "unchanged": count.unchanged });
        }
        crate::audit::append(&tx, &shared, entry)?;
        tx.commit()?;
        Ok(count)
    }
}

pub(crate) fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}
