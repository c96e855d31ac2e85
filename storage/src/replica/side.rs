//! What the threads of a copy share: which cache file is current, what is laid over it, who syncs.

use super::files::Files;
use super::overlay::Overlay;
use super::rows::Writer;
use super::{DeskJob, cache, desk};
use crate::consoles::is_dead;
use crate::error::StoreError;
use crate::open;
use noctule_domain::ports::Clock;
use noctule_domain::sync::{BadRow, ReplicaError};
use noctule_domain::{ConsoleId, SafeText, TenantId, Timestamp};
use rusqlite::Connection;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, OnceLock, RwLock};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

pub(crate) struct Side {
    pub(crate) files: Files,
    pub(crate) tenant: TenantId,
    pub(crate) login: String,
    pub(crate) console: ConsoleId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) consoles: PathBuf,
    /// Number of the cache that is shown.
    pub(crate) generation: AtomicU64,
    overlay: RwLock<Arc<Overlay>>,
    lead: Mutex<Option<File>>,
    /// Rises when there may be something new to push.
    pub(crate) outbox: watch::Sender<u64>,
    /// What `outbox` was when ops were handed out last.
    pub(crate) handed: AtomicU64,
    changes: watch::Sender<u64>,
    /// A copy is under way in this process.
    copying: (Mutex<bool>, Condvar),
    /// Weak, because the desk's thread holds this.
    pub(crate) desk: OnceLock<mpsc::WeakSender<DeskJob>>,
}

pub(crate) struct Parts {
    pub(crate) files: Files,
    pub(crate) tenant: TenantId,
    pub(crate) login: String,
    pub(crate) console: ConsoleId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) consoles: PathBuf,
    pub(crate) generation: u64,
    pub(crate) changes: watch::Sender<u64>,
}

impl Side {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            files: parts.files,
            tenant: parts.tenant,
            login: parts.login,
            console: parts.console,
            clock: parts.clock,
            consoles: parts.consoles,
            generation: AtomicU64::new(parts.generation),
            overlay: RwLock::default(),
            lead: Mutex::new(None),
            outbox: watch::Sender::new(1),
            handed: AtomicU64::new(0),
            changes: parts.changes,
            copying: Default::default(),
            desk: OnceLock::new(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        crate::codec::cut(self.clock.now())
    }

    pub(crate) fn overlay(&self) -> Arc<Overlay> {
        self.overlay.read().map(|o| o.clone()).unwrap_or_default()
    }

    pub(crate) fn set_overlay(&self, overlay: Arc<Overlay>) {
        if let Ok(mut slot) = self.overlay.write() {
            *slot = overlay;
        }
    }

    pub(crate) fn rose(&self) {
        self.outbox.send_modify(|n| *n += 1);
    }

    pub(crate) fn changed(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    pub(crate) fn is_dead(&self, console: uuid::Uuid) -> bool {
        console != self.console.0 && is_dead(&self.consoles, ConsoleId(console))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.files.cache(self.generation.load(Relaxed))
    }

    /// Looks at the pointer; `true` when another process has exchanged the cache.
    pub(crate) fn look_at_pointer(&self) -> bool {
        let Ok(Some(now)) = self.files.current() else { return false };
        self.generation.swap(now, Relaxed) != now
    }

    /// A reading connection to the current cache, with its number. A file that went in the moment of opening is looked for again.
    pub(crate) fn reader(&self) -> Result<(u64, Connection), StoreError> {
        let mut last = None;
        for _ in 0..5 {
            let number = self.generation.load(Relaxed);
            match open::reader_of(&self.files.cache(number), false, self.files.key()) {
                Ok(conn) => return Ok((number, conn)),
                Err(error) => last = Some(error),
            }
            self.look_at_pointer();
        }
        let words = last.map(|e| SafeText::new(&e.to_string())).unwrap_or_default();
        Err(StoreError::Refused(words))
    }

    /// True while this process is the one that syncs; tries to become it.
    pub(crate) fn lead(&self) -> bool {
        let Ok(mut slot) = self.lead.lock() else { return false };
        if slot.is_some() {
            return true;
        }
        match self.files.lead() {
            Ok(Some(lock)) => {
                *slot = Some(lock);
                if let Err(error) = self.files.sweep() {
                    tracing::warn!(%error, "old caches could not be deleted");
                }
                self.files.lay_ballast();
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(%error, "the lock of the sync could not be taken");
                false
            }
        }
    }

    /// The right to have the file of an unfinished copy open. A copy that was dropped a moment ago is waited for.
    pub(crate) fn begin_copying(self: &Arc<Self>) -> Result<Copying, StoreError> {
        let busy = || StoreError::Refused("a copy is under way already".into());
        let slot = self.copying.0.lock().map_err(|_| StoreError::Closed)?;
        let (mut slot, late) =
            self.copying.1.wait_timeout_while(slot, Duration::from_secs(10), |busy| *busy).map_err(|_| StoreError::Closed)?;
        if late.timed_out() {
            return Err(busy());
        }
        *slot = true;
        Ok(Copying(self.clone()))
    }

    /// Shows cache `number` from now on, in this process and (when they look) in the others.
    pub(crate) fn swap_to(self: &Arc<Self>, number: u64) -> Result<(), StoreError> {
        {
            let _held = self.files.hold().map_err(StoreError::Io)?;
            self.files.point_at(number).map_err(StoreError::Io)?;
        }
        self.generation.store(number, Relaxed);
        self.settle();
        self.changed();
        if let Err(error) = self.files.sweep() {
            tracing::warn!(%error, "the old cache could not be deleted");
        }
        Ok(())
    }

    /// Lifts answered ops that the cache has seen; on the desk's thread, and waits for it. Not from an async task.
    pub(crate) fn settle(self: &Arc<Self>) {
        let Some(desk) = self.desk.get().and_then(mpsc::WeakSender::upgrade) else { return };
        let Ok((_, cache)) = self.reader() else { return };
        let position = match cache::position(&cache) {
            Ok(Some(position)) => position,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "the position of the copy can not be read"),
        };
        let (done, wait) = std::sync::mpsc::sync_channel::<()>(1);
        let now = self.now();
        let side = self.clone();
        let job: DeskJob = Box::new(move |desk| {
            let another = desk.history.as_deref() != Some(position.history.as_str());
            let settled = match desk::anything_to_settle(&desk.conn) {
                Ok(false) if !another => Ok(()),
                Ok(_) => desk.urgent(&side, now, |conn, _| {
                    if another {
                        desk::doubt(conn, &side, &position)?;
                    }
                    desk::settle(conn, &position)?;
                    Ok(desk::prune(conn, now).map(drop)?)
                }),
                Err(error) => Err(error.into()),
            };
            match settled {
                Ok(()) => desk.history = Some(position.history),
                // Tried again with the next read: what stays laid over says what the centre says too.
                Err(error) => tracing::warn!(%error, "the outbox could not be settled"),
            }
            let _ = done.send(());
        });
        if desk.blocking_send(job).is_ok() {
            let _ = wait.recv();
        }
    }
}

/// Held while the file of an unfinished copy is open.
pub(crate) struct Copying(pub(crate) Arc<Side>);

impl Drop for Copying {
    fn drop(&mut self) {
        if let Ok(mut busy) = self.0.copying.0.lock() {
            *busy = false;
        }
        self.0.copying.1.notify_all();
    }
}

/// The connection that writes the current cache, and what it remembers.
pub(crate) struct CacheDesk {
    pub(crate) side: Arc<Side>,
    open: Option<(u64, Connection)>,
    writer: Writer,
}

impl CacheDesk {
    pub(crate) fn new(side: Arc<Side>) -> Self {
        Self { side, open: None, writer: Writer::default() }
    }

    /// The connection and the memory that belongs to it.
    pub(crate) fn current(&mut self) -> Result<(&Connection, &mut Writer), StoreError> {
        let now = self.side.generation.load(Relaxed);
        if self.open.as_ref().is_none_or(|(number, _)| *number != now) {
            let conn = cache::writer(&self.side.files.cache(now), self.side.files.key())
                .map_err(|e| StoreError::Refused(SafeText::new(&e.to_string())))?;
            self.writer = Writer::default();
            self.writer.learn(&conn)?;
            self.open = Some((now, conn));
        }
        match &self.open {
            Some((_, conn)) => Ok((conn, &mut self.writer)),
            None => Err(StoreError::Closed),
        }
    }

    /// After an error: what was remembered may not be stored.
    pub(crate) fn forget(&mut self) {
        self.open = None;
    }
}

pub(crate) fn failed(error: &StoreError) -> ReplicaError {
    ReplicaError::Store { message: error.sentence(), retry: error.retry() }
}

pub(crate) fn bad_row(bad: &BadRow) -> ReplicaError {
    ReplicaError::DoesNotFit(SafeText::new(&bad.to_string()))
}
