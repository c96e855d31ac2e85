//! The status in one place: tasks write what they know, readers get at most ten versions a second.

use crate::connect::CentreError;
use chrono::Utc;
use noctule_domain::sync::{Link, Outbox, Phase, SyncStatus};
use noctule_domain::{SafeText, Timestamp};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

const PUBLISH_EVERY: Duration = Duration::from_millis(100);

/// The status being written, and the channel on which it is shown.
#[derive(Debug)]
pub(super) struct Board {
    now: Mutex<Inner>,
    changed: Notify,
    shown: watch::Sender<SyncStatus>,
}

#[derive(Debug, Default)]
struct Inner {
    status: SyncStatus,
    /// When a read last succeeded; `None` while there is no connection.
    read: Option<Instant>,
    /// Why changes do not get through although reading goes well.
    waits: Option<SafeText>,
}

impl Board {
    pub(super) fn new() -> Self {
        Self { now: Mutex::default(), changed: Notify::new(), shown: watch::Sender::new(SyncStatus::default()) }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<SyncStatus> {
        self.shown.subscribe()
    }

    fn with(&self, change: impl FnOnce(&mut Inner)) {
        // No code that may panic runs under the lock; a poisoned one still holds a status.
        let mut inner = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let before = inner.status.clone();
        change(&mut inner);
        if inner.status != before {
            if inner.status.link != before.link {
                inner.status.since = Some(Utc::now());
            }
            self.changed.notify_one();
        }
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut SyncStatus)) {
        self.with(|inner| change(&mut inner.status));
    }

    pub(super) fn phase(&self, phase: Phase) {
        self.update(|status| status.phase = phase);
    }

    pub(super) fn outbox(&self, outbox: Outbox) {
        self.update(|status| status.outbox = outbox);
    }

    /// A read came through, as of the centre's time `at`.
    pub(super) fn read(&self, at: Timestamp, lag_ms: Option<u64>, late: bool, note: Option<&SafeText>) {
        self.with(|inner| {
            inner.read = Some(Instant::now());
            let status = &mut inner.status;
            status.fresh_at = Some(at);
            // A read that brings nothing says that nothing is on its way: what came late once is not late any more.
            status.lag_ms = lag_ms.or(status.lag_ms.filter(|ms| *ms < SyncStatus::NOTABLE_LAG_MS));
            status.link = if late { Link::Delayed } else { Link::Live };
            status.note = inner.waits.clone().or_else(|| note.cloned());
            status.phase = Phase::Idle;
            status.follower = false;
        });
    }

    /// The centre has let us in, and a long read begins: how far it is stands in the phase, how old the copy is in `fresh_at`.
    pub(super) fn connected(&self) {
        self.update(|status| {
            if !matches!(status.link, Link::Live | Link::Delayed) {
                status.link = Link::Live;
                status.note = None;
            }
        });
    }

    /// There is no connection, and why.
    pub(super) fn lost(&self, error: &CentreError) {
        self.with(|inner| {
            inner.read = None;
            let status = &mut inner.status;
            status.link = match error {
                CentreError::Denied(_) | CentreError::BadPassword => Link::Denied,
                CentreError::Upgrade { .. } => Link::Upgrade,
                _ => Link::Offline,
            };
            status.note = Some(SafeText::bounded(&error.to_string(), 300));
            status.phase = Phase::Idle;
            status.consoles = None;
        });
    }

    /// Why changes wait, for as long as they do: reads that come through in between do not wipe it away. `None`: they get through.
    pub(super) fn changes_wait(&self, why: Option<SafeText>) {
        self.with(|inner| {
            let before = std::mem::replace(&mut inner.waits, why);
            // Without a connection the link's own words count.
            if inner.read.is_some() && (inner.waits.is_some() || inner.status.note == before) {
                inner.status.note.clone_from(&inner.waits);
            }
        });
    }

    /// Connected, but the last read that came through is older than `limit`: says so.
    pub(super) fn look_at_age(&self, limit: Duration) {
        self.with(|inner| {
            if inner.status.link == Link::Live && inner.read.is_some_and(|read| read.elapsed() > limit) {
                inner.status.link = Link::Delayed;
            }
        });
    }

    /// Shows what was written, not more often than every 100 ms, until stopped; then once more.
    pub(super) async fn publish(&self, stop: &CancellationToken) {
        loop {
            let ended = tokio::select! {
                () = self.changed.notified() => false,
                () = stop.cancelled() => true,
            };
            let status = self.now.lock().unwrap_or_else(PoisonError::into_inner).status.clone();
            self.shown.send_if_modified(|shown| {
                let differs = *shown != status;
                *shown = status;
                differs
            });
            if ended {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(PUBLISH_EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}
