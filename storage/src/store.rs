//! `Store`: the handle that everybody holds. It hands closures to the threads that own the connections; no method blocks its caller.

use crate::codec;
use crate::consoles::Alive;
use crate::error::{OpenError, StoreError};
use crate::open::{self, MethodsOf, OpenOptions};
use crate::pools::PoolSide;
use crate::replica::{self, CacheDesk, DeskJob, Overlay, Side};
use crate::threads::{self, Job, ReadJob, Reader, Readers};
use crate::writer::{self, Change, Work};
use noctule_domain::ports::Clock;
use noctule_domain::{ConsoleId, SafeText, TenantId, Timestamp};
use rusqlite::{Connection, Transaction};
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
    pub(crate) has_aaa: bool,
    pub(crate) consoles: PathBuf,
    pub(crate) immutable: bool,
    /// Where a centre is behind this store.
    pub(crate) replica: Option<Arc<Side>>,
    pub(crate) pools: PoolSide,
    changes: watch::Sender<u64>,
    _alive: Option<Alive>,
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        codec::cut(self.clock.now())
    }

    /// What is laid over what is read. Taken before the first look at the database: what leaves it is in the database by then.
    pub(crate) fn overlay(&self) -> Arc<Overlay> {
        self.replica.as_ref().map(|side| side.overlay()).unwrap_or_default()
    }

    /// A reading connection of its own.
    pub(crate) fn reader(&self) -> Result<Connection, StoreError> {
        match &self.replica {
            Some(side) => Ok(side.reader()?.1),
            None => open::reader(&self.path, self.immutable).map_err(|e| StoreError::Refused(SafeText::new(&e.to_string()))),
        }
    }

    /// Reads the cache that is shown now.
    fn freshen(&self, reader: &mut Reader) -> Result<(), StoreError> {
        if let Some(side) = &self.replica
            && side.generation.load(Relaxed) != reader.generation
        {
            let (generation, conn) = side.reader()?;
            reader.exchange(conn, generation)?;
        }
        Ok(())
    }

    /// Tells those who watch that there is something new.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|n| *n += 1);
    }
}

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) readers: Arc<Readers>,
    writer: Option<mpsc::Sender<Work>>,
    reader: Option<mpsc::Sender<ReadJob>>,
    read_threads: Vec<JoinHandle<()>>,
    write_threads: Vec<JoinHandle<()>>,
    /// Of a copy: the outbox, and the cache as the leader writes it.
    pub(crate) desk: Option<mpsc::Sender<DeskJob>>,
    pub(crate) cache: Option<mpsc::Sender<Job<CacheDesk>>>,
    /// Opened at the first poll: a connection that only asks whether somebody else has written.
    poll: Arc<Mutex<Option<Poll>>>,
}

/// Asks whether somebody else has written.
struct Poll {
    conn: Connection,
    version: i64,
    /// Number of the cache file, and the outbox beside it.
    generation: u64,
    outbox: Option<(Connection, i64)>,
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
        self.cache = None;
        self.desk = None;
        for thread in self.write_threads.drain(..) {
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
            has_aaa: options.has_aaa,
            consoles: opened.consoles,
            immutable: opened.immutable,
            replica: None,
            pools: PoolSide::default(),
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
        let told = shared.clone();
        let start = |conn| writer::start("store-write", conn, move || told.changed());
        let (writer, thread) = opened.writer.map(start).transpose().map_err(io)?.unzip();
        let inner = Inner {
            shared,
            readers,
            writer,
            reader: Some(reader),
            read_threads,
            write_threads: thread.into_iter().collect(),
            desk: None,
            cache: None,
            poll: Arc::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens the folder of a copy of the centre, making it (0700) where needed: the outbox, the cache that is shown, who syncs. Several
    /// processes of one user may have it open at once. A damaged outbox is an error and stays as it is; a damaged cache is begun anew.
    pub fn open_replica(folder: &Path, options: OpenOptions) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: folder.to_owned(), source };
        let changes = watch::Sender::new(0);
        let opened = replica::open(folder, &options, changes.clone())?;
        let side = opened.side;
        let readers = Arc::new(Readers::new());
        let connections = (0..2)
            .map(|_| {
                let (generation, conn) = side.reader().map_err(|e| OpenError::Damaged { path: side.path(), detail: e.sentence() })?;
                let mut reader = Reader::new(conn, readers.clone()).map_err(|e| OpenError::from_sql(folder, e))?;
                reader.generation = generation;
                Ok(reader)
            })
            .collect::<Result<Vec<_>, OpenError>>()?;
        let (reader, read_threads) = threads::start_readers(connections).map_err(io)?;
        let (desk, desk_thread) = threads::start("store-desk", opened.desk).map_err(io)?;
        // Nothing else sets it.
        let _ = side.desk.set(desk.downgrade());
        let (cache, cache_thread) = if options.read_only {
            (None, None)
        } else {
            Some(threads::start("store-cache", CacheDesk::new(side.clone())).map_err(io)?).unzip()
        };
        let shared = Arc::new(Shared {
            path: side.files.outbox(),
            tenant: options.tenant,
            tenant_key: replica::TENANT_KEY,
            console: options.console,
            clock: options.clock,
            hold: options.hold,
            lease: chrono::Duration::seconds(i64::from(options.lease_s)),
            methods: options.methods,
            has_aaa: options.has_aaa,
            consoles: side.consoles.clone(),
            immutable: false,
            replica: Some(side),
            pools: PoolSide::default(),
            changes,
            _alive: opened.alive,
        });
        let inner = Inner {
            shared,
            readers,
            writer: None,
            reader: Some(reader),
            read_threads,
            write_threads: cache_thread.into_iter().chain([desk_thread]).collect(),
            desk: Some(desk),
            cache,
            poll: Arc::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
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
        if self.is_replica() { self.inner.cache.is_none() } else { self.inner.writer.is_none() }
    }

    /// Rises with every commit of this process, and with those of others that [`Store::poll_foreign_changes`] noticed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.shared.changes.subscribe()
    }

    /// Asks whether somebody (another process above all) has written since the last call; if so, tells those who watch. Microseconds.
    pub async fn poll_foreign_changes(&self) -> Result<bool, StoreError> {
        let poll = self.inner.poll.clone();
        let desk = self.inner.desk.clone();
        self.read(move |_, shared| {
            let mut slot = poll.lock().map_err(|_| StoreError::Closed)?;
            let swapped = shared.replica.as_ref().is_some_and(|side| side.look_at_pointer());
            let version = |conn: &Connection| conn.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
            let generation = shared.replica.as_ref().map_or(0, |side| side.generation.load(Relaxed));
            let Some(last) = slot.as_mut() else {
                *slot = Some(Poll::new(shared, generation)?);
                return Ok(false);
            };
            if last.generation != generation {
                *last = Poll::new(shared, generation)?;
                shared.changed();
                return Ok(true);
            }
            let now = version(&last.conn)?;
            let mut changed = swapped | (std::mem::replace(&mut last.version, now) != now);
            if let Some((outbox, last)) = &mut last.outbox {
                let now = version(outbox)?;
                if std::mem::replace(last, now) != now
                    && let (Some(desk), Some(side)) = (&desk, &shared.replica)
                {
                    let side = side.clone();
                    // The desk looks for itself, and tells when somebody else wrote. Full: it is at work and looks before each job.
                    let look: DeskJob = Box::new(move |desk| match desk.refresh(&side) {
                        Ok(true) => side.changed(),
                        Ok(false) => {}
                        Err(error) => tracing::warn!(%error, "the outbox can not be read"),
                    });
                    drop(desk.try_send(look));
                    changed = true;
                }
            }
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
            let conn = shared.reader()?;
            let mut statement = conn.prepare("PRAGMA quick_check(20)")?;
            let found = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            Ok(found.into_iter().filter(|line| line != "ok").map(|line| SafeText::new(&line)).collect())
        };
        std::thread::Builder::new().name("store-check".into()).spawn(move || drop(reply.send(check()))).map_err(StoreError::Io)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Hands something to the writer's thread.
    async fn hand_in(&self, work: Work) -> Result<(), StoreError> {
        if self.is_replica() {
            return Err(StoreError::Refused("the centre keeps this: it can be changed only through it; nothing was changed".into()));
        }
        let writer = self.inner.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        writer.send(work).await.map_err(|_| StoreError::Closed)
    }

    /// Hands the whole connection to a job on the writer's thread.
    pub(crate) async fn with_writer(&self, job: Job<Connection>) -> Result<(), StoreError> {
        self.hand_in(Work::Alone(job)).await
    }

    /// Runs `job` in a durable transaction, which it may share with others that wait at the same time. When this returns, what was written is
    /// on the disk. An error takes back everything that this job wrote.
    pub(crate) async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Transaction<'_>, &Shared) -> Result<T, E> + Send + 'static,
    {
        let shared = self.inner.shared.clone();
        let (change, answer) = Change::new(move |tx: &Transaction<'_>| job(tx, &shared));
        self.hand_in(Work::Grouped(Box::new(change))).await?;
        answer.await.map_err(|_| E::from(StoreError::Closed))?
    }

    /// The same for a job that refuses before it writes anything: it costs less. One that fails half-way all the same undoes those that share
    /// its transaction too; they hear of it as of a disk that refused.
    pub(crate) async fn write_plain<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Transaction<'_>, &Shared) -> Result<T, E> + Send + 'static,
    {
        let shared = self.inner.shared.clone();
        let (change, answer) = Change::plain(move |tx: &Transaction<'_>| job(tx, &shared));
        self.hand_in(Work::Grouped(Box::new(change))).await?;
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
            if let Err(error) = shared.freshen(reader) {
                drop(reply.send(Err(error)));
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

impl Poll {
    fn new(shared: &Shared, generation: u64) -> Result<Self, StoreError> {
        let version = |conn: &Connection| conn.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
        let conn = shared.reader()?;
        let outbox = match &shared.replica {
            Some(side) => {
                let conn = open::reader_of(&side.files.outbox(), false, side.files.key())
                    .map_err(|e| StoreError::Refused(SafeText::new(&e.to_string())))?;
                let now = version(&conn)?;
                Some((conn, now))
            }
            None => None,
        };
        Ok(Self { version: version(&conn)?, conn, generation, outbox })
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
        let limit = move |conn: &Connection| {
            conn.query_row(&format!("PRAGMA max_page_count = {}", pages.unwrap_or(u32::MAX - 1)), [], |_| Ok(())).map_err(StoreError::from)
        };
        if self.is_replica() {
            return self.at_desk(move |desk, _, _| limit(&desk.conn)).await;
        }
        let (reply, answer) = oneshot::channel();
        let run = move |conn: &mut Connection| drop(reply.send(limit(conn)));
        self.with_writer(Box::new(run)).await?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}
