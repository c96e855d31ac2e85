//! The tasks of the sync, started and stopped together. Nothing here is waited for by a screen: the status is a channel, requests are flags.

use super::board::Board;
use super::{follow, link, outbox};
use crate::connect::{Centre, CentreConfig};
use noctule_domain::SubscriberId;
use noctule_domain::sync::{LifecycleRequest, Op, Other, Replica, SyncStatus};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// True when this process is the one that syncs the cache; asked again and again, so that a follower takes over when the leader has died.
pub type Lead = Arc<dyn Fn() -> bool + Send + Sync>;

/// Requests handed out and not yet taken.
const LIFECYCLE_AHEAD: usize = 64;
/// How long `stop` waits for tasks before it ends them.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// What the sync works with.
#[derive(Clone)]
pub struct SyncerConfig {
    pub centre: CentreConfig,
    /// A standby to read from; calls and pushes go to `centre`. When it can not be reached, reads go to `centre` too.
    pub read: Option<CentreConfig>,
    pub replica: Arc<dyn Replica>,
    pub lead: Lead,
    /// How often to ask; wake-ups only make it sooner.
    pub poll: Duration,
    pub listen: bool,
    /// This machine's name.
    pub host: String,
}

impl fmt::Debug for SyncerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncerConfig")
            .field("centre", &self.centre)
            .field("read", &self.read)
            .field("poll", &self.poll)
            .finish_non_exhaustive()
    }
}

/// What the tasks share.
pub(super) struct Shared {
    pub config: SyncerConfig,
    pub board: Board,
    pub centre: Centre,
    pub stop: CancellationToken,
    /// The operator asked: now.
    pub now: Notify,
    /// The operator asked: push now, however often it has failed.
    pub push: Notify,
    /// The outbox got answers: read at once, so that what lies over the rows can go.
    pub answered: Notify,
    /// Whether there is a connection.
    pub live: watch::Sender<bool>,
    /// What the operator looks at.
    pub look: watch::Sender<Option<SubscriberId>>,
    pub others: Mutex<Vec<Other>>,
    pub lifecycle: Mutex<Option<mpsc::Sender<(Op, LifecycleRequest)>>>,
}

impl Shared {
    pub(super) fn set_others(&self, others: Vec<Other>) {
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) = others;
    }

    pub(super) async fn refresh_outbox(&self) {
        match self.config.replica.outbox().await {
            Ok(outbox) => self.board.outbox(outbox),
            Err(error) => tracing::warn!(%error, "the outbox can not be counted"),
        }
    }
}

/// The sync of one console. Dropped: it ends; what was under way is taken up again by the next.
pub struct Syncer {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Syncer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Syncer").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Syncer {
    /// Starts. Must be called on a tokio runtime; returns at once.
    pub fn start(config: SyncerConfig) -> Self {
        let shared = Arc::new(Shared {
            board: Board::new(),
            centre: Centre::new(config.centre.clone()),
            config,
            stop: CancellationToken::new(),
            now: Notify::new(),
            push: Notify::new(),
            answered: Notify::new(),
            live: watch::Sender::new(false),
            look: watch::Sender::new(None),
            others: Mutex::default(),
            lifecycle: Mutex::default(),
        });
        let tasks = vec![
            tokio::spawn({
                let shared = Arc::clone(&shared);
                async move { shared.board.publish(&shared.stop).await }
            }),
            tokio::spawn(link::run(Arc::clone(&shared))),
            tokio::spawn(outbox::run(Arc::clone(&shared))),
            tokio::spawn(follow::watch_age(Arc::clone(&shared))),
        ];
        Self { shared, tasks }
    }

    /// The status as it changes, at most ten times a second.
    pub fn status(&self) -> watch::Receiver<SyncStatus> {
        self.shared.board.subscribe()
    }

    /// What the operator looks at now; colleagues are told.
    pub fn look_at(&self, subscriber: Option<SubscriberId>) {
        self.shared.look.send_if_modified(|look| std::mem::replace(look, subscriber) != subscriber);
    }

    /// The other consoles, as of the last beat.
    pub fn others(&self) -> Vec<Other> {
        self.shared.others.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connects, pushes and asks now, whatever was being waited for.
    pub fn sync_now(&self) {
        self.shared.now.notify_one();
        self.shared.push.notify_one();
        self.shared.answered.notify_one();
    }

    /// Lifecycle requests of the outbox, each once per connection until it is answered. A second call replaces the first.
    pub fn lifecycle(&self) -> mpsc::Receiver<(Op, LifecycleRequest)> {
        let (send, receive) = mpsc::channel(LIFECYCLE_AHEAD);
        *self.shared.lifecycle.lock().unwrap_or_else(PoisonError::into_inner) = Some(send);
        receive
    }

    /// Ends all tasks and closes the connections, within two seconds.
    pub async fn stop(mut self) {
        self.shared.stop.cancel();
        let mut tasks = std::mem::take(&mut self.tasks);
        let all = async {
            for task in &mut tasks {
                // A task that panicked has ended too.
                let _ = task.await;
            }
        };
        if tokio::time::timeout(STOP_WITHIN, all).await.is_err() {
            tasks.iter().for_each(JoinHandle::abort);
        }
        let _ = tokio::time::timeout(STOP_WITHIN, self.shared.centre.close()).await;
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
