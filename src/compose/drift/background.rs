//! Checks that nobody asked for: a whole one at its interval, and in between what NetBox says has changed. One console of this machine at
//! a time checks; with a centre only while the copy is fresh, as an old copy differs from everything.

use super::desk::Pace;
use crate::compose::Services;
use crate::exit::Exit;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A start has other things to do first.
const AFTER_START: Duration = Duration::from_secs(20);
/// Between two looks at whether a check is due.
const LOOK: Duration = Duration::from_secs(60);
/// Clocks differ, and a copy is behind: a poll looks back so much further than the last.
const OVERLAP: chrono::Duration = chrono::Duration::minutes(6);
/// A poll after a long pause is a whole check.
const LONGEST: chrono::Duration = chrono::Duration::hours(24);

/// Until cancelled.
pub async fn background(services: Arc<Services>, cancel: CancellationToken) {
    let config = services.drift.config.clone();
    let (every, poll) = (chrono::Duration::hours(config.every_hours.into()), Duration::from_secs(config.poll_s.into()));
    if every.is_zero() && poll.is_zero() {
        return;
    }
    let look = if poll.is_zero() { LOOK } else { LOOK.min(poll) };
    let mut polled = chrono::Utc::now();
    let mut wait = AFTER_START;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = cancel.cancelled() => {
                services.drift.stop();
                return;
            }
        }
        wait = look;
        if !ready(&services) {
            continue;
        }
        let now = chrono::Utc::now();
        let mut whole = !every.is_zero() && due(&services, every).await;
        if !whole && !poll.is_zero() && services.has_netbox() {
            let since = (polled - OVERLAP).max(now - LONGEST);
            match services.drift.poll(&services, since).await {
                Ok(true) => polled = now,
                Ok(false) => whole = !every.is_zero(),
                Err(failure) => tracing::debug!(target: "drift", %failure, "NetBox was not asked for changes"),
            }
        }
        if whole {
            let check = services.drift.check(&services, Vec::new(), Pace::Gentle);
            let ended = tokio::select! {
                ended = check => ended,
                () = cancel.cancelled() => return,
            };
            match ended {
                Ok(report) => {
                    polled = report.started_at;
                    tracing::info!(target: "drift", found = report.findings.len(), whole = report.is_whole(), "a check has ended");
                    super::repair::delete_rested(&services, &report.findings).await;
                }
                // Another process is at it.
                Err(failure) if failure.exit == Exit::Guard => {}
                Err(failure) => tracing::warn!(target: "drift", %failure, "a check did not come to its end"),
            }
        }
    }
}

/// The rows are as they are now.
fn ready(services: &Services) -> bool {
    services.central.as_ref().is_none_or(|central| central.is_live())
}

async fn due(services: &Services, every: chrono::Duration) -> bool {
    match services.drift.view().await {
        Ok(view) => view.last.is_none_or(|last| chrono::Utc::now() - last.started_at >= every),
        Err(failure) => {
            tracing::warn!(target: "drift", %failure, "what was found before can not be read");
            false
        }
    }
}
