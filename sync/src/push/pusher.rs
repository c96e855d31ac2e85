//! Takes what the outbox holds and pushes it, batch by batch, until nothing is left. Whatever is lost on the way is pushed again: the centre
//! applies an op once. A batch that the centre can not read is halved until the op at fault is alone; it is answered as refused and kept.

use super::Backoff;
use super::batch::{self, MAX_BATCH_BYTES, MAX_BATCH_OPS, Packed};
use crate::connect::{Centre, CentreError};
use noctule_domain::sync::{Answer, Answered, Change, LifecycleRequest, Op, Replica};
use noctule_domain::{OpId, Retry};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Lifecycle requests that are looked past to find something to push.
const MOST_LOOKED_PAST: u32 = 1 << 16;
/// Tries of a batch that met others' locks, before it is left for the next round.
const BUSY_TRIES: u32 = 4;

/// Between rounds that found nothing to push.
const IDLE: Duration = Duration::from_millis(250);

/// What one round did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pushed {
    /// Ops that have their answer now.
    pub answered: u64,
    /// Of these: collisions, and what was refused, denied or gone.
    pub conflicts: u64,
    pub refused: u64,
    /// Calls of the centre that came back.
    pub batches: u64,
    /// Requests for lifecycle operations that wait in the outbox, oldest first (as far as they were met). They are not pushed: whoever composes
    /// the console begins them at the centre and stores the outcome by `Replica::answered`.
    pub lifecycle: Vec<(Op, LifecycleRequest)>,
}

/// The way of one outbox to one centre. Only the process that leads the cache runs it.
#[derive(Clone)]
pub struct Pusher {
    centre: Centre,
    replica: Arc<dyn Replica>,
}

impl std::fmt::Debug for Pusher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pusher").field("centre", &self.centre).finish_non_exhaustive()
    }
}

impl Pusher {
    pub fn new(centre: Centre, replica: Arc<dyn Replica>) -> Self {
        Self { centre, replica }
    }

    /// Pushes until the outbox holds nothing but lifecycle requests. Each answer is stored before more is pushed. On an error all that was
    /// stored stands; calling again goes on, and what may have been applied keeps its answer.
    pub async fn push_all(&self) -> Result<Pushed, CentreError> {
        let mut pushed = Pushed::default();
        let mut answered: HashSet<OpId> = HashSet::new();
        loop {
            let (ops, lifecycle) = self.next().await?;
            pushed.lifecycle = lifecycle;
            if ops.is_empty() {
                return Ok(pushed);
            }
            if ops.iter().any(|op| !answered.insert(op.id)) {
                return Err(CentreError::Local("the outbox gives changes again that were answered already".into(), Retry::Later));
            }
            let packed = ops.iter().map(Packed::new).collect::<Result<Vec<_>, _>>()?;
            self.push_packed(&packed, &mut pushed).await?;
        }
    }

    /// The oldest ops that travel, and the lifecycle requests met before and between them, which hold up nobody.
    async fn next(&self) -> Result<(Vec<Op>, Vec<(Op, LifecycleRequest)>), CentreError> {
        let mut limit = MAX_BATCH_OPS as u32;
        loop {
            let unsent = self.replica.unsent(limit).await?;
            let all = (unsent.len() as u32) < limit;
            let (mut ops, mut lifecycle) = (Vec::new(), Vec::new());
            for op in unsent {
                match &op.change {
                    Change::Lifecycle(request) => {
                        let request = request.clone();
                        lifecycle.push((op, request));
                    }
                    _ => ops.push(op),
                }
            }
            if !ops.is_empty() || all || limit >= MOST_LOOKED_PAST {
                return Ok((ops, lifecycle));
            }
            limit *= 4;
        }
    }

    async fn push_packed(&self, ops: &[Packed], pushed: &mut Pushed) -> Result<(), CentreError> {
        // Ranges still to be pushed, the next one last.
        let mut left = vec![(0, ops.len())];
        while let Some((from, to)) = left.pop() {
            let count = batch::fit(&ops[from..to]);
            if count == 0 {
                continue;
            }
            let part = &ops[from..from + count];
            if from + count < to {
                left.push((from + count, to));
            }
            if let [one] = part
                && one.json.len() > MAX_BATCH_BYTES
            {
                let why = format!("it is too large to be sent: {} bytes, {MAX_BATCH_BYTES} at most", one.json.len());
                self.store(vec![batch::refused_here(one.id, &why, chrono::Utc::now())], pushed).await?;
                continue;
            }
            match self.push_patiently(part).await {
                Ok(answers) => {
                    pushed.batches += 1;
                    self.store(answers, pushed).await?;
                }
                Err(error) if batch::is_poison(&error) => match part {
                    [one] => {
                        tracing::warn!(op = %one.id, %error, "a change that the centre can not read is kept in the outbox as refused");
                        let why = format!("the centre can not read it: {error}");
                        self.store(vec![batch::refused_here(one.id, &why, chrono::Utc::now())], pushed).await?;
                    }
                    _ => {
                        let middle = from + count / 2;
                        left.push((middle, from + count));
                        left.push((from, middle));
                    }
                },
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What met others' locks changed nothing and may succeed at once.
    async fn push_patiently(&self, part: &[Packed]) -> Result<Vec<Answered>, CentreError> {
        let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(300));
        for _ in 1..BUSY_TRIES {
            match batch::push(&self.centre, part).await {
                Err(CentreError::Busy(_)) => tokio::time::sleep(backoff.wait()).await,
                other => return other,
            }
        }
        batch::push(&self.centre, part).await
    }

    async fn store(&self, answers: Vec<Answered>, pushed: &mut Pushed) -> Result<(), CentreError> {
        let (mut conflicts, mut refused) = (0, 0);
        for answer in &answers {
            match answer.answer {
                Answer::Applied { .. } | Answer::Already { .. } => {}
                Answer::Conflict { .. } => conflicts += 1,
                Answer::Refused { .. } | Answer::Denied { .. } | Answer::Gone => refused += 1,
            }
        }
        let count = answers.len() as u64;
        self.replica.answered(answers).await?;
        pushed.answered += count;
        pushed.conflicts += conflicts;
        pushed.refused += refused;
        Ok(())
    }

    /// Pushes whenever something is unsent, until stopped; after a failure it waits (doubling, at most a minute). `told` hears of every round
    /// that did something or failed. An error that only a person can mend is told too, and tried again at the longest interval.
    pub async fn run(&self, stop: &CancellationToken, told: &(dyn Fn(Result<&Pushed, &CentreError>) + Send + Sync)) {
        let mut backoff = Backoff::default();
        loop {
            let round = tokio::select! {
                () = stop.cancelled() => return,
                round = self.push_all() => round,
            };
            let pause = match &round {
                Ok(pushed) => {
                    backoff.reset();
                    if pushed.answered > 0 || !pushed.lifecycle.is_empty() {
                        told(Ok(pushed));
                    }
                    // A lifecycle request that waits for its turn is unsent too: without a pause this would spin.
                    (pushed.answered == 0).then_some(IDLE)
                }
                Err(error) => {
                    told(Err(error));
                    Some(if error.retry() == Retry::Later { backoff.wait() } else { Duration::from_secs(60) })
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = async {
                    if let Some(pause) = pause {
                        tokio::time::sleep(pause).await;
                    }
                    if round.is_ok() {
                        self.replica.wait_unsent().await;
                    }
                } => {}
            }
        }
    }
}
