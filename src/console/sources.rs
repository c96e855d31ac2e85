//! What feeds the loop beside the keyboard: the clock, the store's changes, the executor's events, signals.

use super::upstreams;
use crate::compose::Services;
use noctule_domain::job::{ItemFilter, JobJournal};
use noctule_domain::sync::{Link, SyncStatus};
use noctule_network::lifecycle::Event;
use noctule_ui::msg::{JobBrief, OperationEnded};
use noctule_ui::{Msg, Notice};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Between two "changed" messages at least this long: ten a second are plenty.
const COALESCE: Duration = Duration::from_millis(100);
/// Jobs that the screen lists.
const JOBS_SHOWN: u32 = 20;

/// Starts them all; they end with `cancel`.
pub fn spawn(services: &Arc<Services>, to: &mpsc::Sender<Msg>, refresh: Duration, cancel: &CancellationToken) {
    let until = |work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
        let cancel = cancel.clone();
        tokio::spawn(async move {
            tokio::select! { () = work => {}, () = cancel.cancelled() => {} }
        });
    };
    until(Box::pin(tick(to.clone())));
    until(Box::pin(changes(services.clone(), to.clone())));
    until(Box::pin(foreign(services.clone(), refresh)));
    until(Box::pin(ended(services.clone(), to.clone())));
    until(Box::pin(jobs(services.clone(), to.clone())));
    until(Box::pin(logged(to.clone())));
    until(Box::pin(drift(services.clone(), to.clone())));
    until(Box::pin(upstreams::watch(services.clone(), to.clone())));
    if let Some(central) = &services.central {
        until(Box::pin(sync_status(services.clone(), central.status(), to.clone())));
    }
}

/// How the sync stands, and with it the centre among the upstreams of the header.
async fn sync_status(services: Arc<Services>, mut status: watch::Receiver<SyncStatus>, to: mpsc::Sender<Msg>) {
    let mut link = None;
    loop {
        let now = status.borrow_and_update().clone();
        let before = link.replace(now.link);
        if to.send(Msg::Sync(Box::new(now.clone()))).await.is_err() {
            return;
        }
        if before != link && to.send(Msg::Upstreams(upstreams::all(&services).await)).await.is_err() {
            return;
        }
        if before.is_some() && before != link && now.link == Link::Denied {
            let words = "The centre does not let this operator in any more. Unsent work is kept; `noctule wipe` removes the copy.";
            let _ = to.send(Msg::Notice(Notice::critical(words))).await;
        }
        if status.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(COALESCE).await;
    }
}

/// The time, once a second. A full queue loses a tick, not a key.
async fn tick(to: mpsc::Sender<Msg>) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        every.tick().await;
        let _ = to.try_send(Msg::Tick(chrono::Utc::now()));
    }
}

/// The store changed, here or in another console.
async fn changes(services: Arc<Services>, to: mpsc::Sender<Msg>) {
    let mut changes = services.store.changes();
    loop {
        // What is under way is shown in the header of every pane.
        if let Ok((running, waiting)) = services.work().await
            && to.send(Msg::Work { running, waiting }).await.is_err()
        {
            return;
        }
        if changes.changed().await.is_err() || to.send(Msg::Changed).await.is_err() {
            return;
        }
        tokio::time::sleep(COALESCE).await;
    }
}

/// Asks whether another process has written.
async fn foreign(services: Arc<Services>, refresh: Duration) {
    loop {
        tokio::time::sleep(refresh).await;
        if let Err(error) = services.store.poll_foreign_changes().await {
            tracing::debug!(%error, "the store could not be asked for changes of others");
        }
    }
}

/// Ends of operations become sentences on the screen.
async fn ended(services: Arc<Services>, to: mpsc::Sender<Msg>) {
    let mut events = services.executor.events();
    loop {
        match events.recv().await {
            Ok(Event::Ended { finished, bulk: false }) => {
                let operation = &finished.operation;
                let msg = Msg::OperationEnded(OperationEnded {
                    operation: operation.id,
                    subscriber: operation.subscriber,
                    who: finished.subscriber.subscriber_number.clone(),
                    kind: operation.kind,
                    status: operation.status,
                    error: operation.error.clone(),
                });
                if to.send(msg).await.is_err() {
                    return;
                }
            }
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// How the newest jobs stand, with the first of each that went wrong. Those that another process runs are looked at once a second.
async fn jobs(services: Arc<Services>, to: mpsc::Sender<Msg>) {
    let mut changes = services.jobs.changes();
    let mut sent = Vec::new();
    loop {
        let mut now = Vec::new();
        for view in services.jobs.jobs(JOBS_SHOWN).await.unwrap_or_default() {
            let wrong = ItemFilter { bad: true, group: None };
            let first = if view.tally.bad() == 0 {
                Vec::new()
            } else {
                services.jobs.items(view.head.id, wrong, None, 5).await.unwrap_or_default()
            };
            now.push(JobBrief { view, first });
        }
        if now != sent {
            sent.clone_from(&now);
            if to.send(Msg::Jobs(now)).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(COALESCE * 2).await;
        let _ = tokio::time::timeout(Duration::from_secs(1), changes.changed()).await;
    }
}

/// Where a check for drift is, and how much of what it found is critical.
async fn drift(services: Arc<Services>, to: mpsc::Sender<Msg>) {
    let mut progress = services.drift.progress();
    loop {
        let now = progress.borrow_and_update().clone();
        if to.send(Msg::Drift { progress: now, critical: services.drift.critical().await }).await.is_err() {
            return;
        }
        tokio::time::sleep(COALESCE * 2).await;
        tokio::select! {
            changed = progress.changed() => if changed.is_err() { return },
            () = services.drift.changed(), if !services.read_only() => if to.send(Msg::Changed).await.is_err() { return },
        }
    }
}

/// The log has new lines.
async fn logged(to: mpsc::Sender<Msg>) {
    loop {
        super::log::logs().notified().await;
        super::log::take_in();
        let _ = to.try_send(Msg::Logged);
        tokio::time::sleep(COALESCE * 2).await;
    }
}

/// SIGTERM, SIGHUP and SIGINT: give the terminal back and go. What is under way is durable and goes on with the next start.
pub struct Signals {
    term: Signal,
    hup: Signal,
    int: Signal,
}

impl Signals {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, hup: signal(SignalKind::hangup())?, int: signal(SignalKind::interrupt())? })
    }

    pub async fn terminated(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.hup.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}
