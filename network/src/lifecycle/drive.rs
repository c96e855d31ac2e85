//! Driving one operation from wherever it stands to its end: journal, act, journal, decide.

use super::act::Acted;
use super::executor::{Event, Executor, Inner, STARTED_STEP};
use noctule_domain::lifecycle::{Ended, Next, Progress, StepAnswer, StepKind, StepStatus, advance, first};
use noctule_domain::nas::NasSeen;
use noctule_domain::ports::{AuthorityError, Context, Finished, StepEnd, StepStart};
use noctule_domain::retry::backoff;
use noctule_domain::{NasId, OperationId, Retry, SafeText, sentence};
use std::future::Future;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit};

/// A store that is full or locked is asked again for this many times (about a minute) before this process gives the operation up; it then
/// stays open in the store, and whoever takes it over adopts what happened.
const STORE_TRIES: u32 = 12;

/// Between two writes of what the exchanges of a job told of the NASes.
const NOTE_PAUSE: Duration = Duration::from_millis(250);

/// An operation whose first try is in the journal already, and the place that it has.
pub(super) struct Ready {
    pub context: Context,
    pub start: StepStart,
    pub place: Option<OwnedSemaphorePermit>,
}

impl Executor {
    pub(super) async fn drive(
        &self,
        id: OperationId,
        bulk: bool,
        notify: &Notify,
        hints: &mut Hints,
        ready: Option<Ready>,
    ) -> Result<Finished, AuthorityError> {
        let inner = &*self.0;
        let places = if bulk { &inner.bulk.places } else { &inner.places };
        hints.bulk = bulk;
        if let Some(Ready { context, start, place }) = ready {
            let mut progress = start.progress.clone();
            let (next, end) = inner.tried(&context, &mut progress, start, hints).await?;
            drop(place);
            if let Next::End(ended) = next {
                return inner.finish(id, progress, end, *ended).await;
            }
        }
        loop {
            let mut context = inner.authority.context(id).await?;
            if !context.operation.status.is_open() {
                return Ok(Finished { operation: context.operation, subscriber: context.subscriber });
            }
            let mut waited = false;
            if let Some(until) = context.operation.retry_at {
                // No pause is longer than the longest backoff: a time beyond that comes from a clock that was ahead when it was written.
                let wait = (until - inner.config.clock.now()).to_std().unwrap_or_default().min(inner.config.backoff.1);
                if !wait.is_zero() {
                    unless_ended(inner.sleep_leased(id, wait, notify).await)?;
                    waited = true;
                }
            }
            // Places are for work: an operation that waits for its upstream holds none. In a long line the lease is kept, or another
            // console would take over what this one is about to do.
            let place = match places.try_acquire() {
                Ok(place) => Some(place),
                Err(_) => {
                    waited = true;
                    unless_ended(inner.leased(id, places.acquire()).await)?.transpose().ok().flatten()
                }
            };
            if waited {
                // The world may have moved meanwhile: look again, so that the step sees the row as it is.
                context = inner.authority.context(id).await?;
                if !context.operation.status.is_open() {
                    return Ok(Finished { operation: context.operation, subscriber: context.subscriber });
                }
            }
            let mut progress = context.operation.progress.clone();
            let next = first(context.operation.kind, &context.operation.plan, &progress);
            let (next, end) = match next {
                Next::Run(step) => inner.step(&context, &mut progress, step, hints).await?,
                other => (other, None),
            };
            drop(place);
            if let Next::End(ended) = next {
                return inner.finish(id, progress, end, *ended).await;
            }
        }
    }
}

/// What this process knows about the present step beyond the journal; losing it in a crash only costs a repeated, harmless try.
#[derive(Default)]
pub(super) struct Hints {
    /// The NAS did not know the session id: name the session by User-Name alone.
    pub by_username: bool,
    /// Tries that ended in "busy".
    pub busy: u32,
    /// An operation of a job.
    pub bulk: bool,
    /// A try has left, and its end is not in the journal yet.
    pub under_way: bool,
    /// What the last exchange told of a NAS.
    pub seen: Option<(NasId, NasSeen)>,
}

/// An operation that somebody cancelled meanwhile is read anew and seen to have ended.
fn unless_ended<T>(result: Result<T, AuthorityError>) -> Result<Option<T>, AuthorityError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(AuthorityError::Ended { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Inner {
    /// One try of one step, journaled before and after. When it ends the operation, its own end is handed back to be stored with that.
    async fn step(
        &self,
        context: &Context,
        progress: &mut Progress,
        step: StepKind,
        hints: &mut Hints,
    ) -> Result<(Next, Option<StepEnd>), AuthorityError> {
        let start = self.tries.start(context, progress.clone(), step, hints);
        *progress = start.progress.clone();
        self.keep_trying(|| self.authority.step_started(start.clone())).await?;
        self.tried(context, progress, start, hints).await
    }

    /// What follows when a try is in the journal.
    async fn tried(
        &self,
        context: &Context,
        progress: &mut Progress,
        start: StepStart,
        hints: &mut Hints,
    ) -> Result<(Next, Option<StepEnd>), AuthorityError> {
        let operation = &context.operation;
        let (id, step) = (operation.id, start.step);
        let _ = self.events.send(Event::Step { operation: id, step });
        hints.under_way = true;
        let acted = self.leased(id, self.act(context, progress, step, hints)).await?;
        if let Some((nas, seen)) = hints.seen.take() {
            if hints.bulk { self.note(nas, seen).await } else { self.tell(nas, seen).await }
        }
        let (status, answer, words) = match acted {
            Acted::Again { words, after } => {
                let until = self.config.clock.now() + chrono::Duration::from_std(after).unwrap_or_default();
                let wait = (!after.is_zero()).then(|| (until, words.clone()));
                self.ended(id, step, progress, StepStatus::Refused, words, wait).await?;
                hints.under_way = false;
                return Ok((Next::Run(step), None));
            }
            Acted::Answered { answer, words } => (status_of(&answer), answer, words),
        };
        let who = &context.subscriber.subscriber_number;
        tracing::info!(target: "operation", "{} {who}: {step}, try {}: {words}", operation.kind, progress.attempts);
        let next = advance(operation.kind, &operation.plan, progress, operation.options.force, answer);
        let wait = match &next {
            Next::Wait(why) => {
                let (base, cap) = self.config.backoff;
                let pause = backoff(progress.attempts.saturating_sub(1), base, cap, rand::random::<f64>());
                let until = self.config.clock.now() + chrono::Duration::from_std(pause).unwrap_or_default();
                let _ = self.events.send(Event::Waiting { operation: id, until, why: why.clone() });
                Some((until, why.clone()))
            }
            _ => {
                *hints = Hints { under_way: true, bulk: hints.bulk, ..Hints::default() };
                None
            }
        };
        let end = StepEnd { operation: id, step, attempt: start.attempt, status, answer: words, progress: progress.clone(), wait };
        if matches!(next, Next::End(_)) {
            return Ok((next, Some(end)));
        }
        self.keep_trying(|| self.authority.step_ended(end.clone())).await?;
        hints.under_way = false;
        Ok((next, None))
    }

    /// Ends the operation, and with it the try that led to its end.
    async fn finish(&self, id: OperationId, progress: Progress, end: Option<StepEnd>, ended: Ended) -> Result<Finished, AuthorityError> {
        let finished = self.store_end(id, progress, end, ended).await?;
        let (operation, who) = (&finished.operation, &finished.subscriber.subscriber_number);
        tracing::info!(target: "operation", "{}", sentence::ended(operation.kind, who, operation.status, operation.error.as_ref()));
        Ok(finished)
    }

    async fn store_end(&self, id: OperationId, progress: Progress, end: Option<StepEnd>, ended: Ended) -> Result<Finished, AuthorityError> {
        if let Some(end) = end {
            match self.keep_trying(|| self.authority.end_and_finish(end.clone(), ended.clone())).await {
                // An authority that does it in two steps has done the first, and its answer was lost.
                Err(AuthorityError::NotFound { what: STARTED_STEP, .. }) => {}
                other => return other,
            }
        }
        self.keep_trying(|| self.authority.finish(id, progress.clone(), ended.clone())).await
    }

    async fn tell(&self, nas: NasId, seen: NasSeen) {
        if let Err(error) = self.authority.nas_health(nas, seen).await {
            tracing::warn!(%nas, %error, "health of the NAS not stored");
        }
    }

    /// Of a job: what thousands of exchanges tell is added up here, and stored now and then.
    async fn note(&self, nas: NasId, seen: NasSeen) {
        let due = {
            let mut noted = self.bulk.noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.seen.entry(nas).or_default().add(&seen);
            if noted.stored.is_some_and(|at| at.elapsed() < NOTE_PAUSE) {
                return;
            }
            noted.take()
        };
        for (nas, seen) in due {
            self.tell(nas, seen).await;
        }
    }

    /// Stores what was noted and not stored yet.
    pub(super) async fn tell_noted(&self) {
        let due = self.bulk.noted.lock().unwrap_or_else(PoisonError::into_inner).take();
        for (nas, seen) in due {
            self.tell(nas, seen).await;
        }
    }

    async fn ended(
        &self,
        id: OperationId,
        step: StepKind,
        progress: &Progress,
        status: StepStatus,
        answer: SafeText,
        wait: Option<(noctule_domain::Timestamp, SafeText)>,
    ) -> Result<(), AuthorityError> {
        let end = StepEnd { operation: id, step, attempt: progress.attempts, status, answer, progress: progress.clone(), wait };
        self.keep_trying(|| self.authority.step_ended(end.clone())).await
    }

    /// Runs `work` while the lease is kept. When the lease is lost the work is dropped: another console has the operation.
    async fn leased<T>(&self, id: OperationId, work: impl Future<Output = T>) -> Result<T, AuthorityError> {
        tokio::pin!(work);
        loop {
            // The lease first: after a stop longer than it (SIGSTOP, a suspended machine) nothing more leaves before it is known to be ours.
            tokio::select! {
                biased;
                () = tokio::time::sleep(self.config.renew_every) => {
                    match self.authority.renew(id).await {
                        Ok(()) => {}
                        Err(error @ (AuthorityError::LeaseLost { .. } | AuthorityError::Ended { .. })) => return Err(error),
                        // A full disk must not end a request that is under way; the lease may run out, adoption is safe.
                        Err(error) => tracing::warn!(operation = %id, %error, "the lease could not be renewed"),
                    }
                }
                done = &mut work => return Ok(done),
            }
        }
    }

    /// Sleeps, keeping the lease, until the time has come or somebody asks to try now.
    async fn sleep_leased(&self, id: OperationId, wait: Duration, notify: &Notify) -> Result<(), AuthorityError> {
        let rest = async {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = notify.notified() => {}
            }
        };
        self.leased(id, rest).await
    }

    /// Repeats a store call while waiting may help (full disk, locked file): what happened out there must not be forgotten.
    async fn keep_trying<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T, AuthorityError>
    where
        F: Future<Output = Result<T, AuthorityError>>,
    {
        let mut tries = 0;
        loop {
            match call().await {
                Err(AuthorityError::Store { message, retry: Retry::Later }) if tries < STORE_TRIES => {
                    tracing::warn!(%message, tries, "the store did not take it; trying again");
                    tokio::time::sleep(backoff(tries, Duration::from_millis(100), Duration::from_secs(8), rand::random::<f64>())).await;
                    tries += 1;
                }
                result => return result,
            }
        }
    }
}

fn status_of(answer: &StepAnswer) -> StepStatus {
    match answer {
        StepAnswer::Allocated { .. } | StepAnswer::Done | StepAnswer::Acknowledged | StepAnswer::Observed | StepAnswer::NoSession => {
            StepStatus::Done
        }
        StepAnswer::Refused(_) => StepStatus::Refused,
        StepAnswer::Unreachable(_) => StepStatus::Unreachable,
        StepAnswer::Unclear(_) => StepStatus::Unclear,
        StepAnswer::Unanswered(_) => StepStatus::Unanswered,
        StepAnswer::NotSent(_) => StepStatus::Skipped,
    }
}
