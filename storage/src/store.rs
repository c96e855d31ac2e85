//! `Store`: the handle that everybody holds. It hands closures to the threads that own the connections; no method blocks its caller.

use crate::codec;
use crate::consoles::Alive;
use crate::error::{OpenError, StoreError};
use crate::open::{self, MethodsOf, OpenOptions};
use crate::threads::{self, ReadJob, Reader, Readers, WriteJob};
use noctule_domain::ports::Clock;
use noctule_domain::{ConsoleId, SafeText, TenantId, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// The local store. Clones share the same connections; the last one dropped closes them and says that this console is gone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

/// What every job may look at.
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) tenant: TenantId,
    pub(crate) tenant_key: i64,
    pub(crate) console: ConsoleId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hold: chrono::Duration,
    pub(crate) lease: chrono::Duration,
    pub(crate) methods: MethodsOf,
    pub(crate) consoles: PathBuf,
    pub(crate) immutable: bool,
    changes: watch::Sender<u64>,
    _alive: Option<Alive>,
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        codec::cut(self.clock.now())
    }

    /// Tells those who watch that there is something new.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|n| *n += 1);
    }
}

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) readers: Arc<Readers>,
    writer: Option<mpsc::Sender<WriteJob>>,
    reader: Option<mpsc::Sender<ReadJob>>,
    read_threads: Vec<JoinHandle<()>>,
    write_thread: Option<JoinHandle<()>>,
    /// Opened at the first poll: a connection that only asks whether somebody else has written.
    poll: Arc<Mutex<Option<(Connection, i64)>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The readers first: only a connection that can write empties the log into the file, and only the last one does.
        self.readers.closing.store(true, Relaxed);
        self.reader = None;
        for thread in self.read_threads.drain(..) {
            let _ = thread.join();
        }
        if let Ok(mut poll) = self.poll.lock() {
            *poll = None;
        }
        self.writer = None;
        if let Some(thread) = self.write_thread.take() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.shared.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store at `path`, making it (folder 0700, file 0600) and bringing it up to date where needed. Blocks for milliseconds.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, OpenError> {
        let opened = open::open(path, &options)?;
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            tenant: options.tenant,
            tenant_key: opened.tenant_key,
            console: options.console,
            clock: options.clock,
            hold: options.hold,
            lease: chrono::Duration::seconds(i64::from(options.lease_s)),
            methods: options.methods,
            consoles: opened.consoles,
            immutable: opened.immutable,
            changes: watch::Sender::new(0),
            _alive: opened.alive,
        });
        let readers = Arc::new(Readers::new());
        let connections = opened
            .readers
            .into_iter()
            .map(|conn| Reader::new(conn, readers.clone()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| OpenError::from_sql(path, e))?;
        let (reader, read_threads) = threads::start_readers(connections).map_err(io)?;
        let (writer, write_thread) = opened.writer.map(threads::start_writer).transpose().map_err(io)?.unzip();
        Ok(Self {
            inner: Arc::new(Inner { shared, readers, writer, reader: Some(reader), read_threads, write_thread, poll: Arc::default() }),
        })
    }

    pub fn path(&self) -> &Path {
        &self.inner.shared.path
    }

    pub fn tenant(&self) -> TenantId {
        self.inner.shared.tenant
    }

    pub fn console(&self) -> ConsoleId {
        self.inner.shared.console
    }

    /// True when nothing can be changed: asked for, or the file can not be written.
    pub fn is_read_only(&self) -> bool {
        self.inner.writer.is_none()
    }

    /// Rises with every commit of this process, and with those of others that [`Store::poll_foreign_changes`] noticed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.shared.changes.subscribe()
    }

    /// Asks whether somebody (another process above all) has written since the last call; if so, tells those who watch. Microseconds.
    pub async fn poll_foreign_changes(&self) -> Result<bool, StoreError> {
        let poll = self.inner.poll.clone();
        self.read(move |_, shared| {
            let mut slot = poll.lock().map_err(|_| StoreError::Closed)?;
            let version = |conn: &Connection| conn.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
            let Some((conn, last)) = slot.as_mut() else {
                let conn = open::reader(&shared.path, shared.immutable).map_err(|e| StoreError::Refused(SafeText::new(&e.to_string())))?;
                let now = version(&conn)?;
                *slot = Some((conn, now));
                return Ok(false);
            };
            let now = version(conn)?;
            let changed = std::mem::replace(last, now) != now;
            if changed {
                shared.changed();
            }
            Ok(changed)
        })
        .await
    }

    /// Reads the whole store and says what is wrong with it; an empty list is a sound store. Seconds for a million rows, in the background.
    pub async fn check_integrity(&self) -> Result<Vec<SafeText>, StoreError> {
        let shared = self.inner.shared.clone();
        let (reply, answer) = oneshot::channel();
        let check = move || -> Result<Vec<SafeText>, StoreError> {
            let conn = open::reader(&shared.path, shared.immutable).map_err(|e| StoreError::Refused(SafeText::new(&e.to_string())))?;
            let mut statement = conn.prepare("PRAGMA quick_check(20)")?;
            let found = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            Ok(found.into_iter().filter(|line| line != "ok").map(|line| SafeText::new(&line)).collect())
        };
        std::thread::Builder::new().name("store-check".into()).spawn(move || drop(reply.send(check()))).map_err(StoreError::Io)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Hands the whole connection to a job on the writer's thread.
    pub(crate) async fn with_writer(&self, job: WriteJob) -> Result<(), StoreError> {
        let writer = self.inner.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        writer.send(job).await.map_err(|_| StoreError::Closed)
    }

    /// Runs `job` in one durable transaction. An error rolls everything back.
    pub(crate) async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Transaction<'_>, &Shared) -> Result<T, E> + Send + 'static,
    {
        let shared = self.inner.shared.clone();
        let (reply, answer) = oneshot::channel();
        let run = move |conn: &mut Connection| {
            let result = in_transaction(conn, &shared, job);
            if result.is_ok() {
                shared.changed();
            }
            // A caller that has gone away does not undo what is stored.
            drop(reply.send(result));
        };
        self.with_writer(Box::new(run)).await?;
        answer.await.map_err(|_| E::from(StoreError::Closed))?
    }

    /// Runs `job` on a reader, within one snapshot.
    pub(crate) async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Shared) -> Result<T, StoreError> + Send + 'static,
    {
        self.read_with(0, move |reader, shared| job(&reader.conn, shared)).await
    }

    /// As `read`, for a page with the number of its request (0: never gives way).
    pub(crate) async fn read_with<T, F>(&self, page: u64, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reader, &Shared) -> Result<T, StoreError> + Send + 'static,
    {
        let (shared, readers) = (self.inner.shared.clone(), self.inner.readers.clone());
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting::new(self.inner.readers.clone());
        let run = move |reader: &mut Reader| {
            drop(waiting);
            if reply.is_closed() {
                return;
            }
            if readers.gives_way(page) {
                drop(reply.send(Err(StoreError::Superseded)));
                return;
            }
            reader.set_page(page);
            let result = snapshot(reader, &shared, job);
            reader.set_page(0);
            drop(reply.send(result));
        };
        let sender = self.inner.reader.as_ref().ok_or(StoreError::Closed)?;
        sender.send(Box::new(run)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// Counts as waiting for a reader, until it runs or nobody wants it any more.
struct Waiting(Arc<Readers>);

impl Waiting {
    fn new(readers: Arc<Readers>) -> Self {
        readers.queued.fetch_add(1, Relaxed);
        Self(readers)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Relaxed);
    }
}

fn in_transaction<T, E: From<StoreError>>(
    conn: &mut Connection,
    shared: &Shared,
    job: impl FnOnce(&Transaction<'_>, &Shared) -> Result<T, E>,
) -> Result<T, E> {
    let sql = |e: rusqlite::Error| E::from(StoreError::from(e));
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
    let value = job(&tx, shared)?;
    tx.commit().map_err(sql)?;
    Ok(value)
}

fn snapshot<T>(reader: &Reader, shared: &Shared, job: impl FnOnce(&Reader, &Shared) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let tx = reader.conn.unchecked_transaction()?;
    let value = job(reader, shared)?;
    tx.finish()?;
    Ok(value)
}

/// For tests of a full disk.
#[doc(hidden)]
impl Store {
    /// Lets the file have no more than this many pages (or what it has, if that is more); `None` lifts it.
    pub async fn limit_pages(&self, pages: Option<u32>) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let run = move |conn: &mut Connection| {
            let set = conn.query_row(&format!("PRAGMA max_page_count = {}", pages.unwrap_or(u32::MAX - 1)), [], |_| Ok(()));
            drop(reply.send(set.map_err(StoreError::from)));
        };
        self.with_writer(Box::new(run)).await?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}
