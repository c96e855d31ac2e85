//! A whole copy: rows into a file of its own without indexes and triggers, those afterwards, then the pointer is moved. What is complete
//! is committed from time to time together with how far it came, under a rollback journal: rows are only added at the end of tables, so
//! the journal holds a handful of pages, and a kill -9 at any moment leaves the last mark. Nothing is synced before the end; a power cut
//! is told by the machine's boot id, and then the unfinished file is thrown away.

use super::cache::{self, TENANT_KEY};
use super::rows::{Trouble, Writer, insert_sql};
use super::search::Search;
use super::side::Copying;
use super::{Side, bad_row, failed};
use crate::error::{OpenError, StoreError};
use crate::{codec, open};
use async_trait::async_trait;
use noctule_domain::SafeText;
use noctule_domain::secret::Secret;
use noctule_domain::sync::{CopyPoint, LocalCopy, Position, ReplicaError, Rows, TABLES, Table};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Rows between two marks.
const MARK: u64 = 10_000;
/// Batches that wait for the writing thread.
const AHEAD: usize = 4;
/// KiB of page cache while rows are added, and while indexes are sorted.
const LOAD_KIB: u32 = 16_000;
const SORT_KIB: u32 = 64_000;

/// How far a copy is, kept in its own file.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    began: Position,
    done: Vec<Table>,
    under_way: Option<(Table, Uuid)>,
    rows: u64,
    /// The boot of the machine in which the file was written.
    boot: String,
}

/// Empty where the machine does not tell.
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn state_of(conn: &Connection) -> Result<Option<State>, StoreError> {
    let text: Option<String> = conn.query_row("SELECT value FROM meta WHERE name = 'copy'", [], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn set_state(conn: &Connection, state: &State) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO meta (name, value) VALUES ('copy', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1")?
        .execute([codec::json(state)?])?;
    Ok(())
}

fn same_world(a: &Position, b: &Position) -> bool {
    (&a.history, a.schema, a.epoch, a.tenant, &a.login) == (&b.history, b.schema, b.epoch, b.tenant, &b.login)
}

/// Opens an unfinished copy for going on.
fn connect(path: &Path, key: Option<&Secret>) -> Result<Connection, StoreError> {
    let conn = cache::connect(path, key).map_err(open_failed)?;
    cache::configure(&conn, LOAD_KIB)?;
    let synchronous = if boot_id().is_empty() { "FULL" } else { "OFF" };
    conn.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
    conn.query_row("PRAGMA journal_mode = TRUNCATE", [], |_| Ok(()))?;
    conn.execute_batch(&format!("PRAGMA synchronous = {synchronous}"))?;
    Ok(conn)
}

fn open_failed(error: OpenError) -> StoreError {
    match error {
        OpenError::Full { .. } => StoreError::Full,
        other => StoreError::Refused(SafeText::new(&other.to_string())),
    }
}

fn io(error: std::io::Error) -> StoreError {
    if error.kind() == std::io::ErrorKind::StorageFull { StoreError::Full } else { StoreError::Io(error) }
}

/// The unfinished copy that fits `like`, with its number; others are deleted.
fn unfinished(side: &Side, like: &Position) -> Result<Option<(u64, Connection, State)>, StoreError> {
    let current = side.files.current().map_err(io)?.unwrap_or(0);
    let mut found = None;
    for number in side.files.numbers().map_err(io)?.into_iter().filter(|n| *n > current) {
        let usable = || -> Result<Option<(Connection, State)>, StoreError> {
            let conn = connect(&side.files.cache(number), side.files.key())?;
            let Some(state) = state_of(&conn)? else { return Ok(None) };
            let sound = same_world(&state.began, like) && state.boot == boot_id();
            Ok(sound.then_some((conn, state)))
        };
        match usable() {
            Ok(Some((conn, state))) if found.is_none() => found = Some((number, conn, state)),
            Err(error @ (StoreError::Full | StoreError::Locked)) => return Err(error),
            _ => side.files.remove(number).map_err(io)?,
        }
    }
    Ok(found)
}

/// `Replica::copy_point`, on a thread that may block.
pub(super) fn point(side: &Arc<Side>, like: &Position) -> Result<Option<CopyPoint>, StoreError> {
    let _alone = side.begin_copying()?;
    Ok(unfinished(side, like)?.map(|(_, _, state)| CopyPoint {
        began: state.began,
        done: state.done,
        under_way: state.under_way,
        rows: state.rows,
    }))
}

/// Makes a new file without indexes and triggers.
fn fresh(side: &Side, began: &Position) -> Result<(u64, Connection, State), StoreError> {
    let number = side.files.next().map_err(io)?;
    let path = side.files.cache(number);
    drop(cache::make(&path, side.files.key(), side.tenant, codec::us(began.at)).map_err(open_failed)?);
    let conn = connect(&path, side.files.key())?;
    let state = State { began: began.clone(), done: Vec::new(), under_way: None, rows: 0, boot: boot_id() };
    conn.execute_batch("BEGIN IMMEDIATE")?;
    for object in cache::objects(&conn)? {
        // From the schema, not from outside.
        conn.execute_batch(&format!("DROP {} \"{}\"", object.kind, object.name))?;
    }
    set_state(&conn, &state)?;
    conn.execute_batch("COMMIT")?;
    Ok((number, conn, state))
}

enum Ask {
    Rows(Rows),
    Done(Table),
    Finish { percent: mpsc::UnboundedSender<u8>, reply: oneshot::Sender<Result<(), ReplicaError>> },
}

/// A copy under way: hands batches to the thread that owns the file.
pub(super) struct Copy {
    asks: mpsc::Sender<Ask>,
    error: Arc<Mutex<Option<ReplicaError>>>,
    ended: Option<oneshot::Receiver<()>>,
}

/// Begins a copy or goes on with one; blocks for milliseconds.
pub(super) fn begin(side: Arc<Side>, began: Position) -> Result<Copy, StoreError> {
    let alone = side.begin_copying()?;
    let (number, conn, state) = match unfinished(&side, &began)? {
        Some(found) => found,
        None => fresh(&side, &began)?,
    };
    let (asks, inbox) = mpsc::channel(AHEAD);
    let error = Arc::new(Mutex::new(None));
    let (tell, ended) = oneshot::channel();
    let slot = error.clone();
    std::thread::Builder::new()
        .name("store-copy".into())
        .spawn(move || {
            let alone: Copying = alone;
            let mut load = Load { side, number, conn, state, writer: Writer::default(), search: None, since_mark: 0, open: false };
            if let Err(trouble) = load.run(inbox)
                && let Ok(mut slot) = slot.lock()
            {
                *slot = Some(match trouble {
                    Trouble::Store(e) => failed(&e),
                    Trouble::Bad(e) => bad_row(&e),
                });
            }
            // The file is closed before somebody else may open it, and both before the caller hears of the end.
            drop(load);
            drop(alone);
            let _ = tell.send(());
        })
        .map_err(StoreError::Io)?;
    Ok(Copy { asks, error, ended: Some(ended) })
}

impl Copy {
    async fn ask(&mut self, ask: Ask) -> Result<(), ReplicaError> {
        if self.asks.send(ask).await.is_ok() {
            return Ok(());
        }
        Err(self.why().await)
    }

    async fn why(&mut self) -> ReplicaError {
        if let Some(ended) = self.ended.take() {
            let _ = ended.await;
        }
        self.error.lock().ok().and_then(|e| e.clone()).unwrap_or_else(|| failed(&StoreError::Closed))
    }
}

#[async_trait]
impl LocalCopy for Copy {
    async fn rows(&mut self, rows: Rows) -> Result<(), ReplicaError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.ask(Ask::Rows(rows)).await
    }

    async fn table_done(&mut self, table: Table) -> Result<(), ReplicaError> {
        self.ask(Ask::Done(table)).await
    }

    async fn finish(mut self: Box<Self>, percent: &(dyn Fn(u8) + Send + Sync)) -> Result<(), ReplicaError> {
        let (tell, mut told) = mpsc::unbounded_channel();
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Finish { percent: tell, reply }).await?;
        while let Some(now) = told.recv().await {
            percent(now);
        }
        match answer.await {
            Ok(result) => result,
            Err(_) => Err(self.why().await),
        }
    }
}

struct Load {
    side: Arc<Side>,
    number: u64,
    conn: Connection,
    state: State,
    writer: Writer,
    /// Built beside, as soon as there are names.
    search: Option<Search>,
    since_mark: u64,
    /// In a transaction.
    open: bool,
}

impl Load {
    fn run(&mut self, mut inbox: mpsc::Receiver<Ask>) -> Result<(), Trouble> {
        self.writer.learn(&self.conn)?;
        while let Some(ask) = inbox.blocking_recv() {
            match ask {
                Ask::Rows(rows) => self.rows(&rows)?,
                Ask::Done(table) => {
                    if !self.state.done.contains(&table) {
                        self.state.done.push(table);
                    }
                    self.state.under_way = None;
                    self.mark()?;
                }
                Ask::Finish { percent, reply } => {
                    let done = self.finish(&percent);
                    drop(percent);
                    drop(reply.send(done.map_err(|e| match e {
                        Trouble::Store(e) => failed(&e),
                        Trouble::Bad(e) => bad_row(&e),
                    })));
                    return Ok(());
                }
            }
        }
        // Given up or cut: what is complete stays for the next try.
        self.mark()
    }

    fn begin(&mut self) -> rusqlite::Result<()> {
        if !self.open {
            self.conn.execute_batch("BEGIN IMMEDIATE")?;
            self.open = true;
        }
        Ok(())
    }

    fn mark(&mut self) -> Result<(), Trouble> {
        self.begin()?;
        set_state(&self.conn, &self.state)?;
        self.conn.execute_batch("COMMIT")?;
        self.open = false;
        self.since_mark = 0;
        self.writer.report();
        Ok(())
    }

    /// The search, with the names of the rows that are there already.
    fn searched(&mut self) -> Result<Search, Trouble> {
        if let Some(search) = self.search.take() {
            return Ok(search);
        }
        let mut search = Search::begin(&self.side.files.cache(self.number), self.side.files.key())?;
        let mut there = self.conn.prepare("SELECT key, search FROM subscribers ORDER BY key")?;
        let mut rows = there.query([])?;
        while let Some(row) = rows.next()? {
            let text = row.get_ref(1)?.as_str().map_err(|e| codec::bad(1, e.to_string()))?;
            search.add(row.get(0)?, text)?;
        }
        Ok(search)
    }

    fn rows(&mut self, rows: &Rows) -> Result<(), Trouble> {
        self.begin()?;
        let mut search = if rows.table == Table::Subscribers { Some(self.searched()?) } else { None };
        let table = rows.table;
        if self.state.done.contains(&table) {
            return Err(StoreError::Refused(format!("rows of {table} came after its end").into()).into());
        }
        let mut last = None;
        let (conn, writer) = (&self.conn, &mut self.writer);
        let mut statement = conn.prepare_cached(&insert_sql(table))?;
        let mut trouble = None;
        let from = self.state.under_way.filter(|(t, _)| *t == table).map(|(_, id)| id);
        let read = rows.read(|row| {
            if trouble.is_some() {
                return Ok(());
            }
            let id = row.id()?;
            // What is there already: the line was cut between two marks and the sender began a little earlier.
            if from.is_some_and(|from| id <= from) {
                return Ok(());
            }
            match writer.insert(conn, &mut statement, row) {
                Err(Trouble::Bad(bad)) => return Err(bad),
                Err(other) => trouble = Some(other),
                Ok(stored) => {
                    last = Some(id);
                    if let Some(search) = search.as_mut().filter(|_| stored)
                        && let Err(error) = search.add(conn.last_insert_rowid(), writer.search())
                    {
                        trouble = Some(error.into());
                    }
                }
            }
            Ok(())
        });
        drop(statement);
        if search.is_some() {
            self.search = search;
        }
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        read?;
        if let Some(id) = last {
            self.state.under_way = Some((table, id));
        }
        self.state.rows += u64::from(rows.len());
        self.since_mark += u64::from(rows.len());
        if self.since_mark >= MARK { self.mark() } else { Ok(()) }
    }

    fn finish(&mut self, percent: &mpsc::UnboundedSender<u8>) -> Result<(), Trouble> {
        if let Some(missing) = TABLES.iter().find(|t| !self.state.done.contains(t)) {
            return Err(StoreError::Refused(format!("the copy has no end of {missing} yet").into()).into());
        }
        self.mark()?;
        if cache::position(&self.conn)?.is_none() {
            self.complete(percent)?;
        }
        let path = self.put_away()?;
        std::fs::File::open(&path).and_then(|f| f.sync_all()).map_err(io)?;
        let _ = percent.send(98);
        self.side.swap_to(self.number)?;
        let _ = percent.send(100);
        Ok(())
    }

    /// Indexes, the search, triggers and what they keep, and then the position: a file that has one is whole.
    fn complete(&mut self, percent: &mpsc::UnboundedSender<u8>) -> Result<(), Trouble> {
        let tell = |done: usize, of: usize| {
            let _ = percent.send(u8::try_from(done * 95 / of.max(1)).unwrap_or(95));
        };
        self.conn.execute_batch(&format!("PRAGMA cache_size = -{SORT_KIB}; PRAGMA threads = 2;"))?;
        let schema = cache::full_schema().map_err(|e| StoreError::Refused(SafeText::new(&e.to_string())))?;
        let there: Vec<String> = cache::objects(&self.conn)?.into_iter().map(|o| o.name).collect();
        let (indexes, triggers): (Vec<_>, Vec<_>) = schema.iter().partition(|o| o.kind == "index");
        // The rest (the search, counters, the disk) weighs about as much as six indexes.
        let of = indexes.len() + 6;
        let _written = Written::begin(&self.side.files.cache(self.number));
        for (n, object) in indexes.iter().enumerate().filter(|(_, o)| !there.contains(&o.name)) {
            // Each in a transaction of its own: a kill costs one of them.
            self.conn.execute_batch(&object.sql)?;
            tell(n + 1, of);
        }
        let search = self.searched()?;
        search.take_over(&self.conn, self.side.files.key())?;
        tell(of - 1, of);
        self.conn.execute_batch("BEGIN IMMEDIATE")?;
        self.open = true;
        for object in triggers.iter().filter(|o| !there.contains(&o.name)) {
            self.conn.execute_batch(&object.sql)?;
        }
        fill_counters(&self.conn)?;
        cache::set_position(&self.conn, &self.state.began)?;
        self.conn.execute_batch("COMMIT")?;
        self.open = false;
        Ok(())
    }

    /// Closes the file as a database with a write-ahead log.
    fn put_away(&mut self) -> Result<PathBuf, StoreError> {
        self.conn.query_row("PRAGMA locking_mode = NORMAL", [], |_| Ok(()))?;
        self.conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        let memory = Connection::open_in_memory()?;
        drop(std::mem::replace(&mut self.conn, memory));
        let path = self.side.files.cache(self.number);
        open::private_file(&path).map_err(io)?;
        Ok(path)
    }
}

/// What triggers would have kept.
fn fill_counters(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(&format!(
        "DELETE FROM counters;
         INSERT INTO counters (tenant, state, delegating, n)
            SELECT tenant, state, mode IN ('pd', 'dual_stack') AS d, count(*) FROM subscribers WHERE tenant = {TENANT_KEY} GROUP BY tenant, state, d;
         UPDATE nas SET
            subscribers = (SELECT count(*) FROM subscribers AS s WHERE s.tenant = nas.tenant AND s.nas = nas.id AND s.nas IS NOT NULL),
            sessions = (SELECT count(*) FROM sessions AS x WHERE x.tenant = nas.tenant AND x.nas = nas.id);"
    ))
}

/// Has the file written to the disk while indexes are built: at the end little is left to wait for.
struct Written(Option<(std::sync::mpsc::Sender<()>, std::thread::JoinHandle<()>)>);

impl Written {
    fn begin(path: &Path) -> Self {
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let path = path.to_owned();
        let write = move || {
            // A descriptor of its own: closing one lets go of this process's locks on the file, so it stays open to the end.
            let Ok(file) = std::fs::File::open(&path) else { return };
            while let Err(std::sync::mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(std::time::Duration::from_millis(500)) {
                // Only to be early: what counts is the sync at the end.
                let _ = file.sync_data();
            }
        };
        Self(std::thread::Builder::new().name("store-sync".into()).spawn(write).ok().map(|thread| (end, thread)))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.0.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}
