//! The loop of one job, and the one that looks for jobs. A start is stored with its operation id before it is begun, an end before anything
//! follows from it: so whoever goes on after a kill -9 begins the same operations under the same ids.

use super::stage::{self, Ended, Work};
use crate::lifecycle::Executor;
use futures::FutureExt;
use noctule_domain::job::{Change, JobError, JobHead, JobJournal, JobState, Machine, Proofs, Wish};
use noctule_domain::ports::Clock;
use noctule_domain::{JobId, OperationId, Retry};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often the wish of an operator in another process is looked for, and jobs that another process has left.
const LOOK: Duration = Duration::from_millis(250);
/// Between two tries to store what happened.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Between two looks for operations of dead processes.
const RECOVER_PAUSE: Duration = Duration::from_secs(1);

/// Whether this process is the one that runs jobs; asked again and again, so that it can become it.
pub type Lead = Arc<dyn Fn() -> bool + Send + Sync>;

#[derive(Clone)]
pub struct JobRunner {
    pub(super) executor: Executor,
    pub(super) jobs: Arc<dyn JobJournal>,
    pub(super) proofs: Arc<dyn Proofs>,
    pub(super) clock: Arc<dyn Clock>,
    lead: Lead,
    poke: Arc<Notify>,
    /// When operations of dead processes were last taken over.
    recovered: Arc<Mutex<Option<Instant>>>,
}

impl JobRunner {
    pub fn new(executor: Executor, jobs: Arc<dyn JobJournal>, proofs: Arc<dyn Proofs>, clock: Arc<dyn Clock>, lead: Lead) -> Self {
        Self { executor, jobs, proofs, clock, lead, poke: Arc::default(), recovered: Arc::default() }
    }

    /// Something was asked for in this process: look at once.
    pub fn poke(&self) {
        self.poke.notify_waiters();
    }

    /// Runs whatever there is to run, until cancelled.
    pub async fn run(&self, cancel: CancellationToken) {
        let mut driven: JoinSet<JobId> = JoinSet::new();
        let mut at_work: HashSet<JobId> = HashSet::new();
        let mut seen: HashSet<JobId> = HashSet::new();
        loop {
            while let Some(done) = driven.try_join_next() {
                match done {
                    Ok(id) => drop(at_work.remove(&id)),
                    // Which of them is not known: all are looked at again, and those that are driven keep their place below.
                    Err(error) => tracing::error!(%error, "the driver of a job broke off"),
                }
            }
            if (self.lead)() {
                match self.jobs.unfinished().await {
                    Ok(heads) => {
                        for head in heads {
                            let new = seen.insert(head.id);
                            if at_work.contains(&head.id) || !(new || asks(&head)) {
                                continue;
                            }
                            at_work.insert(head.id);
                            let (this, cancel) = (self.clone(), cancel.clone());
                            driven.spawn(async move {
                                if let Err(error) = this.drive(head.id, &cancel).await {
                                    tracing::error!(job = %head.id, %error, "a job stands still");
                                    tokio::time::sleep(STORE_PAUSE).await;
                                }
                                head.id
                            });
                        }
                    }
                    Err(error) => tracing::warn!(%error, "the jobs could not be read"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.poke.notified() => {}
                () = cancel.cancelled() => {
                    while driven.join_next().await.is_some() {}
                    return;
                }
            }
        }
    }

    /// Takes over operations whose process is gone, at most once in a while: many items may ask for it at once.
    pub(super) async fn recover(&self) {
        let mut last = self.recovered.lock().await;
        if last.is_some_and(|at| at.elapsed() < RECOVER_PAUSE) {
            return;
        }
        if let Err(error) = self.executor.recover().await {
            tracing::debug!(%error, "operations of dead processes could not be taken over now");
        }
        *last = Some(Instant::now());
    }

    /// Drives one job until it is over, or stands with nothing under way.
    pub async fn drive(&self, id: JobId, cancel: &CancellationToken) -> Result<JobState, JobError> {
        let (head, slots) = self.jobs.load(id).await?;
        let mut machine = Machine::new(head, slots);
        let mut running: JoinSet<Ended> = JoinSet::new();
        let (cancelling, cancelled) = watch::channel(false);
        for start in machine.under_way() {
            if let Some(work) = Work::of(&machine, &start) {
                running.spawn(stage::run(self.clone(), work, cancelled.clone()));
            }
        }
        let mut ends = Vec::new();
        loop {
            // The wish first, as it was left with the last turn: a stop that the ends bring about takes back the wish to go on, once stored.
            let mut changes = self.obey(&mut machine, &cancelling).await?;
            let now = self.clock.now();
            // Ends are stored together with what they make room for: one transaction a turn. Lost before that, they are found again under
            // the ids that are stored.
            for ended in ends.drain(..) {
                match ended {
                    Ok(Ended { seq, end, note }) => changes.extend(machine.ended(seq, end, note, now)),
                    Err(error) => tracing::error!(job = %id, %error, "an item broke off"),
                }
            }
            let (begun, starts) = machine.due(now, || OperationId::from_uuid(uuid::Uuid::now_v7()));
            changes.extend(begun);
            self.store(&machine, changes).await?;
            for start in starts {
                if let Some(work) = Work::of(&machine, &start) {
                    running.spawn(stage::run(self.clone(), work, cancelled.clone()));
                }
            }
            let state = machine.state();
            if state.is_over() || (running.is_empty() && !state.goes() && state != JobState::Cancelling) {
                self.executor.settle_health().await;
                return Ok(state);
            }
            let wait = machine.wakes_at().map_or(LOOK, |at| (at - self.clock.now()).to_std().unwrap_or_default().min(LOOK));
            let first = tokio::select! {
                Some(ended) = running.join_next() => Some(ended),
                () = tokio::time::sleep(wait) => None,
                () = self.poke.notified() => None,
                // What is under way is durable: the next process goes on with it.
                () = cancel.cancelled() => {
                    // Not broken off: an operation that was begun and is driven by nobody would wait for its lease to end.
                    running.detach_all();
                    return Ok(machine.state());
                }
            };
            let mut next = first;
            while let Some(ended) = next {
                ends.push(ended);
                next = running.join_next().now_or_never().flatten();
            }
        }
    }

    /// What the operator asked for meanwhile.
    async fn obey(&self, machine: &mut Machine, cancelling: &watch::Sender<bool>) -> Result<Vec<Change>, JobError> {
        let id = machine.head().id;
        let Some(view) = self.jobs.job(id).await? else { return Err(JobError::NotFound(id.to_string().as_str().into())) };
        let now = self.clock.now();
        match view.head.wish {
            Wish::Preview => {}
            Wish::Go => machine.go(now),
            Wish::Pause => machine.pause(),
            Wish::Cancel => {
                let changes = machine.cancel(now);
                if !*cancelling.borrow() {
                    cancelling.send_replace(true);
                    for start in machine.under_way() {
                        // One that has had an effect says no, and goes to its end.
                        let _ = self.executor.cancel(start.operation, machine.head().actor.clone()).await;
                    }
                }
                return Ok(changes);
            }
        }
        Ok(Vec::new())
    }

    /// Stores what happened. A full or locked disk is waited for: nothing follows from what is not stored.
    async fn store(&self, machine: &Machine, changes: Vec<Change>) -> Result<(), JobError> {
        loop {
            let state = machine.state_change(self.clock.now());
            match self.jobs.record(machine.head().id, changes.clone(), state).await {
                Err(JobError::Store { message, retry: Retry::Later }) => {
                    tracing::warn!(%message, "what happened in a job is not stored yet; trying again");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
                other => return other,
            }
        }
    }
}

/// There is something to do for a job that was looked at before.
fn asks(head: &JobHead) -> bool {
    match head.wish {
        Wish::Preview => false,
        Wish::Go | Wish::Cancel => true,
        Wish::Pause => head.state.goes() || head.state == JobState::Cancelling,
    }
}
