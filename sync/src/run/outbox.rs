//! The outbox on its way out, as soon as there is a connection: pushes what is unsent, hands lifecycle requests to whoever begins them.

use super::syncer::Shared;
use crate::connect::CentreError;
use crate::push::{Backoff, Pusher};
use noctule_domain::sync::{LifecycleRequest, Op};
use noctule_domain::{OpId, Retry, SafeText};
use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// A round that pushed nothing is not followed by the next at once: lifecycle requests stay unsent until they are answered, and wake us.
const QUIET: Duration = Duration::from_millis(300);
const FIX: Duration = Duration::from_secs(60);

pub(super) async fn run(shared: Arc<Shared>) {
    let pusher = Pusher::new(shared.centre.clone(), Arc::clone(&shared.config.replica));
    let mut live = shared.live.subscribe();
    let mut backoff = Backoff::default();
    let mut handed: HashSet<OpId> = HashSet::new();
    loop {
        let stopped = tokio::select! {
            () = shared.stop.cancelled() => true,
            live = live.wait_for(|live| *live) => live.is_err(),
        };
        if stopped {
            return;
        }
        if live.has_changed().unwrap_or(false) {
            // Another connection: whatever was handed out before may have been lost with the executor's own.
            live.mark_unchanged();
            handed.clear();
        }
        let round = tokio::select! {
            () = shared.stop.cancelled() => return,
            round = pusher.push_all() => round,
        };
        let failed = round.is_err();
        let pause = match round {
            Ok(pushed) => {
                backoff.reset();
                shared.board.changes_wait(None);
                hand_out(&shared, &mut handed, pushed.lifecycle);
                if pushed.answered > 0 {
                    shared.answered.notify_one();
                    shared.refresh_outbox().await;
                    None
                } else {
                    Some(QUIET)
                }
            }
            Err(error) => {
                told(&shared, &error);
                // Batches before the one that failed have their answers.
                shared.answered.notify_one();
                Some(if error.retry() == Retry::Later { backoff.wait() } else { FIX })
            }
        };
        if let Some(pause) = pause {
            tokio::select! {
                () = shared.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = shared.push.notified() => backoff.reset(),
                changed = live.changed() => if changed.is_err() { return } else { handed.clear() },
            }
        }
        if failed {
            // The ops of this round were handed out: `wait_unsent` would wait for newer ones.
            continue;
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.config.replica.wait_unsent() => {}
            changed = live.changed() => if changed.is_err() { return } else { handed.clear() },
        }
    }
}

fn hand_out(shared: &Shared, handed: &mut HashSet<OpId>, requests: Vec<(Op, LifecycleRequest)>) {
    let Some(to) = shared.lifecycle.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
    for (op, request) in requests {
        let id = op.id;
        // Full: the rest goes with the next round.
        if !handed.contains(&id) && to.try_send((op, request)).is_ok() {
            handed.insert(id);
        }
    }
}

/// The link's own state is told by the one that reads; here only what it can not know: that changes do not get through.
fn told(shared: &Shared, error: &CentreError) {
    tracing::warn!(%error, "changes wait in the outbox");
    shared.board.changes_wait(Some(SafeText::bounded(&format!("changes wait: {error}"), 300)));
}
