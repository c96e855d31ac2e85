//! The file of jobs: opened for writing by the process that may, for reading by the others; and the lock of the one that runs them.

use crate::error::{OpenError, StoreError};
use crate::open::{OpenOptions, private_file, private_folder, reader_of};
use crate::threads::{self, Job};
use crate::writer::{self, Change, Work};
use crate::{codec, migrate};
use noctule_domain::{SafeText, TenantId};
use rusqlite::{Connection, OpenFlags, Transaction};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// The jobs of one user. Clones share the connections.
#[derive(Clone)]
pub struct Jobs {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    shared: Arc<Shared>,
    writer: Option<mpsc::Sender<Work>>,
    /// `None` where there is no file yet and none may be made.
    reader: Option<mpsc::Sender<Job<Connection>>>,
    lead: Mutex<Option<File>>,
    threads: Vec<JoinHandle<()>>,
}

/// What every job of the threads may look at.
pub(super) struct Shared {
    pub(super) tenant: TenantId,
    pub(super) login: String,
    /// What kept the last record of a job from being stored. Not in the file, which can not be written just then.
    trouble: Mutex<Option<SafeText>>,
    changes: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn trouble(&self) -> Option<SafeText> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells those who watch when it came or went.
    pub(super) fn set_trouble(&self, trouble: Option<SafeText>) {
        let mut kept = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if *kept != trouble {
            *kept = trouble;
            self.changes.send_modify(|n| *n += 1);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.reader = None;
        self.writer = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Jobs {
    /// Opens `jobs.db` in the folder of the store or of the copy, making it where it may. Blocks for milliseconds.
    pub fn open(folder: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let path = folder.join("jobs.db");
        let io = |source| OpenError::Io { path: path.clone(), source };
        let key = options.key.as_ref();
        let shared = Arc::new(Shared {
            tenant: options.tenant,
            login: options.login.clone().unwrap_or_default(),
            trouble: Mutex::default(),
            changes: watch::Sender::new(0),
        });
        let mut threads = Vec::new();
        let writer = if options.read_only {
            None
        } else {
            private_folder(folder).map_err(io)?;
            private_file(&path).map_err(io)?;
            let conn = writing(&path, options)?;
            let told = shared.clone();
            let (sender, thread) = writer::start("jobs-write", conn, move || told.changes.send_modify(|n| *n += 1)).map_err(io)?;
            threads.push(thread);
            Some(sender)
        };
        let reader = if writer.is_some() || path.exists() {
            let conn = reader_of(&path, false, key)?;
            // Made by another process that has not got as far yet: then there is nothing to see.
            if migrate::check(&migrate::JOBS, &conn, &path)? {
                let (sender, thread) = threads::start("jobs-read", conn).map_err(io)?;
                threads.push(thread);
                Some(sender)
            } else {
                None
            }
        } else {
            None
        };
        Ok(Self { inner: Arc::new(Inner { path, shared, writer, reader, lead: Mutex::default(), threads }) })
    }

    /// True while this process is the one that runs jobs; tries to become it.
    pub fn lead(&self) -> bool {
        if self.inner.writer.is_none() {
            return false;
        }
        let Ok(mut slot) = self.inner.lead.lock() else { return false };
        if slot.is_some() {
            return true;
        }
        let taken = private_file(&self.inner.path.with_extension("lock")).map_err(TryLockError::Error).and_then(|file| {
            file.try_lock()?;
            Ok(file)
        });
        match taken {
            Ok(file) => {
                *slot = Some(file);
                true
            }
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => {
                tracing::warn!(%error, "the lock of the jobs could not be taken");
                false
            }
        }
    }

    /// Lets another process run them.
    pub fn resign(&self) {
        if let Ok(mut slot) = self.inner.lead.lock() {
            *slot = None;
        }
    }

    /// Rises with every commit of this process.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.shared.changes.subscribe()
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>, &Shared) -> Result<T, StoreError> + Send + 'static,
    {
        let shared = self.inner.shared.clone();
        let writer = self.inner.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let (change, answer) = Change::new(move |tx: &Transaction<'_>| job(tx, &shared));
        writer.send(Work::Grouped(Box::new(change))).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// `None` where there are no jobs at all.
    pub(super) async fn read<T, F>(&self, job: F) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Shared) -> Result<T, StoreError> + Send + 'static,
    {
        let Some(reader) = &self.inner.reader else { return Ok(None) };
        let shared = self.inner.shared.clone();
        let (reply, answer) = oneshot::channel();
        let run: Job<Connection> = Box::new(move |conn| {
            let result = (|| {
                let tx = conn.transaction()?;
                job(&tx, &shared)
            })();
            drop(reply.send(result));
        });
        reader.send(run).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?.map(Some)
    }
}

fn writing(path: &Path, options: &OpenOptions) -> Result<Connection, OpenError> {
    let sql = |e| OpenError::from_sql(path, e);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(sql)?;
    crate::replica::unlock(&conn, options.key.as_ref())
        .and_then(|()| conn.busy_timeout(std::time::Duration::from_secs(5)))
        .and_then(|()| conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)))
        .and_then(|_| {
            conn.execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY;",
            )
        })
        .map_err(sql)?;
    conn.set_prepared_statement_cache_capacity(32);
    if !migrate::check(&migrate::JOBS, &conn, path)? {
        migrate::upgrade(&migrate::JOBS, &mut conn, path, codec::us(options.clock.now()))?;
    }
    Ok(conn)
}
