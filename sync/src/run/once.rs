//! One round for the command line: whatever is due, the outbox, what changed; then the end.

use super::syncer::SyncerConfig;
use crate::connect::{Centre, CentreError};
use crate::pull::{Plan, Puller};
use crate::push::Pusher;
use crate::verify;
use chrono::Utc;
use noctule_domain::SafeText;
use noctule_domain::sync::{Link, Phase, Position, ReplicaError, SyncStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a command waits for the server's log, which it writes out by itself after some tenths of a second.
const OWED: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);

/// Brings the copy up to date and the outbox out. A whole copy when there is none. `progress` is told while it goes on.
pub async fn once(config: &SyncerConfig, progress: &dyn Fn(&SyncStatus)) -> Result<Position, CentreError> {
    let (told, mut hears) = watch::channel(SyncStatus::default());
    let work = round(config, &told);
    tokio::pin!(work);
    loop {
        tokio::select! {
            ended = &mut work => {
                progress(&hears.borrow_and_update());
                return ended;
            }
            changed = hears.changed() => if changed.is_ok() {
                progress(&hears.borrow_and_update());
            }
        }
    }
}

async fn round(config: &SyncerConfig, told: &watch::Sender<SyncStatus>) -> Result<Position, CentreError> {
    if !(config.lead)() {
        return Err(ReplicaError::NotLeader.into());
    }
    let replica = config.replica.as_ref();
    let phase = |phase: Phase| told.send_modify(|status| status.phase = phase);
    let mut puller = Puller::connect(config.read.as_ref().unwrap_or(&config.centre), &config.host).await?;
    told.send_modify(|status| {
        status.link = Link::Live;
        status.since = Some(Utc::now());
        status.login = Some(SafeText::new(&config.centre.user));
        status.role = Some(puller.hello().role);
        status.consoles = puller.hello().consoles;
    });
    let due = puller.plan(replica).await?;
    match due {
        Plan::Increments => {}
        Plan::Copy(_) => puller.copy(replica, &phase).await?,
        Plan::Heal => {
            verify::with(&mut puller, due, replica, true, &phase).await?;
        }
    }
    if replica.outbox().await?.unsent > 0 {
        Pusher::new(Centre::new(config.centre.clone()), Arc::clone(&config.replica)).push_all().await?;
    }
    let mut pulled = puller.poll(replica, true, true, &phase).await?;
    // What was answered stays laid over the copy until a position behind it is kept, and that waits for the server's log: not long. Each of
    // these reads owes nothing of its own.
    let limit = Instant::now() + OWED;
    while puller.owes() && Instant::now() < limit {
        tokio::time::sleep(LOOK).await;
        pulled = puller.poll(replica, false, false, &phase).await?;
    }
    let outbox = replica.outbox().await?;
    told.send_modify(|status| {
        status.phase = Phase::Idle;
        status.fresh_at = Some(pulled.now);
        status.lag_ms = pulled.lag_ms;
        status.outbox = outbox;
    });
    puller.position().cloned().ok_or_else(|| CentreError::Sql("there is no copy after all".into()))
}
