//! The executor as others see it: start, watch, resume, retry, cancel. One per process; cheap to clone.

use super::drive::{Hints, Ready};
use super::tries::Tries;
use crate::radius::Profiles;
use crate::upstream::{Aaa, DynamicAuthorization, Ipam};
use noctule_domain::lifecycle::{Actor, OperationStatus, StepKind};
use noctule_domain::nas::NasSeen;
use noctule_domain::ports::{Authority, AuthorityError, BeginOperation, Begun, Clock, Finished, FirstTry, Opened};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{NasId, OperationId, SafeText, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore, broadcast, oneshot};

/// Between two tries of an operation that the store held up.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// What the authority calls a try whose journal row is not open any more.
pub(super) const STARTED_STEP: &str = "started step";

/// What the executor needs to know beside its upstreams.
#[derive(Clone)]
pub struct ExecutorConfig {
    pub clock: Arc<dyn Clock>,
    /// First and longest wait between two tries of a step whose upstream is away or unclear.
    pub backoff: (Duration, Duration),
    /// How often a lease is renewed; well below its length.
    pub renew_every: Duration,
    /// Operations driven at once by this process; more wait in line.
    pub parallel: usize,
    /// The same for operations of jobs, beside the others: however many there are, a single one never waits behind them.
    pub parallel_bulk: usize,
    /// How long a released prefix rests before it is deleted; written into NetBox beside the status.
    pub hold: chrono::Duration,
}

impl ExecutorConfig {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            backoff: (Duration::from_secs(1), Duration::from_secs(60)),
            renew_every: Duration::from_secs(10),
            parallel: 64,
            parallel_bulk: 512,
            hold: chrono::Duration::hours(24),
        }
    }
}

/// Whom the executor asks.
#[derive(Clone)]
pub struct Upstreams {
    /// `None` where no NetBox is configured: allocations then end in words.
    pub ipam: Option<Arc<dyn Ipam>>,
    /// `None` where this console has no access to AAA. Whether a plan asks it is not decided here.
    pub aaa: Option<Arc<dyn Aaa>>,
    pub nas: Arc<dyn DynamicAuthorization>,
    /// How logins on a NAS are written, and what proves that it obeyed.
    pub profiles: Arc<Profiles>,
}

/// What happens to operations, for whoever looks. Missing one is harmless: the store has it all.
#[derive(Debug, Clone)]
pub enum Event {
    Step {
        operation: OperationId,
        step: StepKind,
    },
    Waiting {
        operation: OperationId,
        until: Timestamp,
        why: SafeText,
    },
    Ended {
        finished: Box<Finished>,
        /// One of a job: told by the job, not by itself.
        bulk: bool,
    },
    /// The operation could not be driven on by this process.
    Stopped {
        operation: OperationId,
        why: SafeText,
    },
}

/// How a start ended.
pub enum Started {
    Running(Handle),
    /// The subscriber was already there; nothing was done.
    AlreadyThere(Box<Subscriber>),
}

/// A running operation.
pub struct Handle {
    pub id: OperationId,
    pub(super) done: oneshot::Receiver<Result<Finished, AuthorityError>>,
}

impl Handle {
    /// Waits for the end. Dropping the future does not stop the operation.
    pub async fn ended(self) -> Result<Finished, AuthorityError> {
        let gone = AuthorityError::LeaseLost { operation: self.id };
        self.done.await.unwrap_or(Err(gone))
    }
}

/// What operations of jobs have for themselves, so that the others go first.
pub(super) struct Bulk {
    pub nas: Arc<dyn DynamicAuthorization>,
    pub places: Arc<Semaphore>,
    pub noted: Mutex<Noted>,
}

/// What exchanges told of NASes and is not stored yet.
#[derive(Default)]
pub(super) struct Noted {
    pub seen: HashMap<NasId, NasSeen>,
    pub stored: Option<Instant>,
}

impl Noted {
    pub fn take(&mut self) -> HashMap<NasId, NasSeen> {
        self.stored = Some(Instant::now());
        std::mem::take(&mut self.seen)
    }
}

#[derive(Clone)]
pub struct Executor(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub authority: Arc<dyn Authority>,
    pub upstreams: Upstreams,
    pub tries: Tries,
    pub config: ExecutorConfig,
    pub events: broadcast::Sender<Event>,
    pub places: Arc<Semaphore>,
    pub bulk: Bulk,
    /// Operations that this process drives; the notify cuts a wait short.
    driven: Mutex<HashMap<OperationId, Arc<Notify>>>,
    /// Operations that are being begun here, one caller at a time for each.
    opening: Mutex<HashMap<OperationId, Turn>>,
}

type Turn = Arc<tokio::sync::Mutex<()>>;

/// A caller's part in `Inner::opening`: the last one takes the entry away.
struct Opening<'a> {
    inner: &'a Inner,
    id: OperationId,
    turn: Option<Turn>,
}

impl<'a> Opening<'a> {
    fn new(inner: &'a Inner, id: OperationId) -> (Self, Turn) {
        let turn = inner.opening.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().clone();
        (Self { inner, id, turn: Some(turn.clone()) }, turn)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut opening = self.inner.opening.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.turn.take());
        // The map's own is the last.
        if opening.get(&self.id).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            opening.remove(&self.id);
        }
    }
}

impl Executor {
    pub fn new(authority: Arc<dyn Authority>, upstreams: Upstreams, config: ExecutorConfig) -> Self {
        let (events, _) = broadcast::channel(1024);
        let places = Arc::new(Semaphore::new(config.parallel.max(1)));
        let bulk = Bulk {
            nas: upstreams.nas.for_bulk().unwrap_or_else(|| upstreams.nas.clone()),
            places: Arc::new(Semaphore::new(config.parallel_bulk.max(1))),
            noted: Mutex::default(),
        };
        let ipam = upstreams.ipam.as_ref().map_or("NetBox", |ipam| ipam.name());
        let tries = Tries { ipam, profiles: upstreams.profiles.clone() };
        Self(Arc::new(Inner {
            authority,
            upstreams,
            tries,
            config,
            events,
            places,
            bulk,
            driven: Mutex::default(),
            opening: Mutex::default(),
        }))
    }

    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Begins an operation and drives it in the background. When this returns, the intent is durable and no packet has left before it was.
    pub async fn start(&self, request: BeginOperation) -> Result<Started, AuthorityError> {
        self.open(request, false).await
    }

    /// The same for an operation of a job: interactive ones go first, in this process and at the NAS.
    pub async fn start_bulk(&self, request: BeginOperation) -> Result<Started, AuthorityError> {
        self.open(request, true).await
    }

    async fn open(&self, request: BeginOperation, bulk: bool) -> Result<Started, AuthorityError> {
        // Asked for twice at once it is driven by the first, who may have its first try in the journal; the second follows.
        let (_opening, turn) = Opening::new(&self.0, request.id);
        let turn = turn.lock_owned().await;
        let started = self.open_in_turn(request, bulk).await;
        // Before the entry is looked at: it holds the turn too.
        drop(turn);
        started
    }

    async fn open_in_turn(&self, request: BeginOperation, bulk: bool) -> Result<Started, AuthorityError> {
        let places = if bulk { &self.0.bulk.places } else { &self.0.places };
        let opened = match places.clone().try_acquire_owned() {
            // Its first try may leave at once, so both are written down together. The authority runs this where it may be the last to hold
            // it: it must not hold the authority.
            Ok(place) => {
                let tries = self.0.tries.clone();
                let first: FirstTry = Arc::new(move |context| tries.first(context));
                (self.0.authority.begin_and_start(request, first).await?, Some(place))
            }
            // Begun all the same; its first step waits in line.
            Err(_) => (Opened::Begun(self.0.authority.begin(request).await?), None),
        };
        match opened {
            (Opened::Begun(Begun::AlreadyThere(subscriber)), _) => Ok(Started::AlreadyThere(subscriber)),
            (Opened::Begun(Begun::Started(operation)), place) => {
                drop(place);
                Ok(Started::Running(self.spawn(operation.id, bulk, None)))
            }
            (Opened::Started(started), place) => {
                let (context, start) = *started;
                Ok(Started::Running(self.spawn(context.operation.id, bulk, Some(Ready { context, start, place }))))
            }
        }
    }

    /// Stores what the exchanges of jobs told of NASes; called when a job stands.
    pub async fn settle_health(&self) {
        self.0.tell_noted().await;
    }

    /// Takes over what other consoles left behind and drives it. Called at start and from time to time.
    pub async fn recover(&self) -> Result<Vec<Handle>, AuthorityError> {
        let orphans = self.0.authority.take_over().await?;
        Ok(orphans.into_iter().filter(|id| !self.drives(*id)).map(|id| self.spawn(id, false, None)).collect())
    }

    /// Goes on with an operation: an open one is tried now instead of at its time, an ended one that did not succeed is begun anew.
    pub async fn resume(&self, id: OperationId, new_id: OperationId, actor: Actor) -> Result<Started, AuthorityError> {
        let follower = self.follow(id);
        if let Some(notify) = self.notify_of(id) {
            notify.notify_one();
            return Ok(Started::Running(follower));
        }
        let operation = self.0.authority.context(id).await?.operation;
        if operation.status.is_open() {
            // Taking over is all or nothing: what comes along is driven too, or nobody would.
            let ours = self.recover().await?.into_iter().find(|handle| handle.id == id);
            if let Some(handle) = ours {
                return Ok(Started::Running(handle));
            }
            // Ours, but its driver has gone: the lease can be renewed, and then it is driven anew.
            self.0.authority.renew(id).await?;
            return Ok(Started::Running(self.spawn(id, false, None)));
        }
        if operation.status == OperationStatus::Succeeded {
            return Err(AuthorityError::Ended { operation: id, status: operation.status });
        }
        self.start(BeginOperation {
            id: new_id,
            subscriber: operation.subscriber,
            kind: operation.kind,
            actor,
            options: operation.options,
            expected_version: None,
        })
        .await
    }

    /// Ends an operation that has had no effect yet.
    pub async fn cancel(&self, id: OperationId, actor: Actor) -> Result<(), AuthorityError> {
        self.0.authority.cancel(id, actor).await?;
        if let Some(notify) = self.notify_of(id) {
            notify.notify_one();
        }
        Ok(())
    }

    /// True while this process drives the operation.
    pub fn drives(&self, id: OperationId) -> bool {
        self.notify_of(id).is_some()
    }

    fn notify_of(&self, id: OperationId) -> Option<Arc<Notify>> {
        self.0.driven.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// A handle on an operation that is driven already. It listens from now on.
    fn follow(&self, id: OperationId) -> Handle {
        let (send, done) = oneshot::channel();
        let mut events = self.events();
        let authority = self.0.authority.clone();
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(Event::Ended { finished, .. }) if finished.operation.id == id => {
                        let _ = send.send(Ok(*finished));
                        return;
                    }
                    // Another console has it now: dropping the sender says so.
                    Ok(Event::Stopped { operation, .. }) if operation == id => return,
                    // The end may be among what was missed.
                    Err(broadcast::error::RecvError::Lagged(_)) if !send.is_closed() => {
                        if let Ok(context) = authority.context(id).await
                            && !context.operation.status.is_open()
                        {
                            let _ = send.send(Ok(Finished { operation: context.operation, subscriber: context.subscriber }));
                            return;
                        }
                    }
                    Ok(_) if !send.is_closed() => {}
                    _ => return,
                }
            }
        });
        Handle { id, done }
    }

    /// Drives an operation in the background. One driver each: asked again while one is at it, this only listens.
    fn spawn(&self, id: OperationId, bulk: bool, mut ready: Option<Ready>) -> Handle {
        let (send, done) = oneshot::channel();
        let notify = Arc::new(Notify::new());
        {
            let mut driven = self.0.driven.lock().unwrap_or_else(PoisonError::into_inner);
            if driven.contains_key(&id) {
                // Its end is told after it has left the map, so a listener that begins here hears of it.
                return self.follow(id);
            }
            driven.insert(id, notify.clone());
        }
        let this = self.clone();
        tokio::spawn(async move {
            let mut hints = Hints::default();
            let result = loop {
                match this.drive(id, bulk, &notify, &mut hints, ready.take()).await {
                    // The store is full, locked or gone for now. The operation is ours as long as this process lives, so it is not let go.
                    Err(error @ AuthorityError::Store { .. }) => {
                        tracing::error!(operation = %id, %error, "operation held up by the store");
                        tokio::time::sleep(STORE_PAUSE).await;
                    }
                    // Another console had it in between and closed the journal of this try. If it is ours again, it goes on; if not, the
                    // next write says so.
                    Err(AuthorityError::NotFound { what: STARTED_STEP, .. }) => tokio::time::sleep(STORE_PAUSE).await,
                    other => break other,
                }
            };
            this.0.driven.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            let event = match &result {
                Ok(finished) => Event::Ended { finished: Box::new(finished.clone()), bulk },
                Err(error) => {
                    tracing::warn!(operation = %id, %error, "operation stopped here");
                    Event::Stopped { operation: id, why: SafeText::new(&error.to_string()) }
                }
            };
            // Nobody listening is no error.
            let _ = this.0.events.send(event);
            let _ = send.send(result);
        });
        Handle { id, done }
    }
}
