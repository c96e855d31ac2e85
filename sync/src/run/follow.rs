//! A process that does not sync itself: it watches the local store that another one keeps up to date, and stands by to take over. And the
//! slow tick that both need: the age of what is shown, the depth of the outbox.

use super::link::{BEAT, LEAVE};
use super::syncer::Shared;
use crate::push;
use chrono::Utc;
use noctule_domain::SafeText;
use noctule_domain::sync::{Link, Phase};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_secs(1);

pub(super) async fn watch_age(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
        shared.board.look_at_age(shared.config.poll.saturating_mul(3));
        shared.refresh_outbox().await;
    }
}

/// Returns when this process leads or is stopped.
pub(super) async fn until_lead(shared: &Shared) {
    let mut beat = Instant::now();
    while !shared.stop.is_cancelled() && !(shared.config.lead)() {
        // The leader keeps the position durable every half minute even when nothing changes.
        let at = shared.config.replica.position().await.ok().flatten().map(|position| position.at);
        let fresh = at.is_some_and(|at| (Utc::now() - at).num_seconds() < 60 + shared.config.poll.as_secs().cast_signed() * 3);
        shared.board.update(|status| {
            status.follower = true;
            status.link = if fresh { Link::Live } else { Link::Delayed };
            status.fresh_at = at;
            status.phase = Phase::Idle;
            status.note = Some(SafeText::new("another noctule on this machine keeps this copy up to date"));
        });
        let looked = async {
            let mut look = shared.look.subscribe();
            if look.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        if beat <= Instant::now() {
            beat = Instant::now() + BEAT;
            let looks_at = *shared.look.borrow();
            // Presence only: when it fails, the leader's status is still what counts.
            if let Ok(beat) = push::beat(&shared.centre, looks_at).await {
                shared.set_others(beat.others);
                shared.board.update(|status| status.consoles = Some(beat.consoles));
            }
        }
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = shared.now.notified() => {}
            () = looked => beat = Instant::now(),
            () = tokio::time::sleep(TICK) => {}
        }
    }
    if shared.stop.is_cancelled() {
        // Best effort: who is not heard of is not shown for long.
        let _ = tokio::time::timeout(LEAVE, push::leave(&shared.centre)).await;
    }
}
