//! One stage of one item, from its start to its end.

use super::runner::JobRunner;
use crate::lifecycle::Started;
use noctule_domain::job::{Machine, Outcome, Stage, StageEnd, Start};
use noctule_domain::lifecycle::{Actor, Enforcement, Refusal};
use noctule_domain::ports::{AuthorityError, BeginOperation, Finished};
use noctule_domain::retry::backoff;
use noctule_domain::{OperationId, Retry, SafeText, SubscriberId, Timestamp};
use std::time::Duration;
use tokio::sync::watch;

/// How often a proof is looked for.
const PROOF_LOOK: Duration = Duration::from_secs(1);

/// What is to be done.
pub(super) struct Work {
    seq: u32,
    operation: OperationId,
    subscriber: SubscriberId,
    stage: Stage,
    actor: Actor,
    expected_version: Option<i64>,
    since: Option<Timestamp>,
}

/// How it ended.
pub(super) struct Ended {
    pub(super) seq: u32,
    pub(super) end: StageEnd,
    pub(super) note: Option<SafeText>,
}

impl Work {
    pub(super) fn of(machine: &Machine, start: &Start) -> Option<Self> {
        let slot = machine.slot(start.seq)?;
        Some(Self {
            seq: start.seq,
            operation: start.operation,
            subscriber: slot.subscriber,
            stage: machine.course().stage(start.stage)?,
            actor: machine.head().actor.clone(),
            // What the operator saw; after a stage of our own it is another.
            expected_version: slot.seen_version.filter(|_| !slot.did && slot.bad.is_none()),
            since: slot.since,
        })
    }
}

pub(super) async fn run(runner: JobRunner, work: Work, cancelled: watch::Receiver<bool>) -> Ended {
    let seq = work.seq;
    let (end, note) = match work.stage.clone() {
        Stage::Operation { .. } => operate(&runner, work).await,
        Stage::Proof { within_s } => (proof(&runner, &work, within_s, cancelled).await, None),
    };
    Ended { seq, end, note }
}

async fn operate(runner: &JobRunner, work: Work) -> (StageEnd, Option<SafeText>) {
    let Stage::Operation { kind, options, skippable } = work.stage else { return (StageEnd::Bad(Outcome::Failed), None) };
    let request = BeginOperation {
        id: work.operation,
        subscriber: work.subscriber,
        kind,
        actor: work.actor,
        options,
        expected_version: work.expected_version,
    };
    let mut tries = 0;
    loop {
        match runner.executor.start_bulk(request.clone()).await {
            Ok(Started::AlreadyThere(_)) => return (StageEnd::AlreadyThere, None),
            Ok(Started::Running(handle)) => match handle.ended().await {
                Ok(finished) => return of(&finished),
                // Another console has it, or the store is away: begun again under its id, it is the same operation.
                Err(error) => {
                    tracing::info!(operation = %work.operation, %error, "an operation of a job is looked for again");
                    runner.recover().await;
                }
            },
            Err(AuthorityError::Refused(Refusal::WrongState { .. } | Refusal::NoPrefix)) if skippable => {
                return (StageEnd::AlreadyThere, None);
            }
            Err(error @ AuthorityError::Refused(_)) => return (StageEnd::Bad(Outcome::Refused), Some(words(&error))),
            // The centre or the disk is away: nothing was begun, and it is asked again.
            Err(AuthorityError::Store { message, retry: Retry::Later }) => {
                tracing::debug!(operation = %work.operation, %message, "an operation of a job has not begun yet");
            }
            Err(error) => return (StageEnd::Bad(Outcome::Failed), Some(words(&error))),
        }
        tokio::time::sleep(backoff(tries, Duration::from_millis(200), Duration::from_secs(10), rand::random::<f64>())).await;
        tries += 1;
    }
}

fn of(finished: &Finished) -> (StageEnd, Option<SafeText>) {
    let operation = &finished.operation;
    match Outcome::of(operation.status) {
        Outcome::Succeeded => (StageEnd::Done, None),
        other => (StageEnd::Bad(other), operation.error.clone()),
    }
}

fn words(error: &AuthorityError) -> SafeText {
    SafeText::new(&error.to_string())
}

/// Waits until accounting has shown it. The deadline counts from the first start of this stage, whoever began it.
async fn proof(runner: &JobRunner, work: &Work, within_s: u32, mut cancelled: watch::Receiver<bool>) -> StageEnd {
    let from = work.since.unwrap_or_else(|| runner.clock.now());
    let until = from + chrono::Duration::seconds(within_s.into());
    loop {
        match runner.proofs.enforcement(work.subscriber).await {
            Some(Enforcement::Observed) => return StageEnd::Done,
            // It was taken away again, or refused: there is nothing left to wait for.
            None => return StageEnd::NoProof,
            Some(_) => {}
        }
        let left = (until - runner.clock.now()).to_std().unwrap_or_default();
        if left.is_zero() || *cancelled.borrow() {
            return StageEnd::NoProof;
        }
        tokio::select! {
            () = tokio::time::sleep(PROOF_LOOK.min(left)) => {}
            _ = cancelled.changed() => {}
        }
    }
}
