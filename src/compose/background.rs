//! Background work that needs no screen: the console and the headless server do the same. Nothing of it runs where nothing may be changed.

use super::Services;
use noctule_domain::permission::Permission;
use noctule_domain::sync::Link;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often housekeeping looks for work of dead consoles and for prefixes that have rested.
const HOUSEKEEPING: Duration = Duration::from_secs(15);

/// What was started. It ends with `cancel`.
pub struct Background {
    link: Option<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
}

impl Background {
    pub fn start(services: &Arc<Services>, cancel: &CancellationToken) -> Self {
        if services.read_only() {
            return Self { link: None, others: Vec::new() };
        }
        let link = services.central.clone().map(|central| tokio::spawn(central.run(services.clone(), cancel.clone())));
        let (runner, until) = (services.runner.clone(), cancel.clone());
        let others = vec![
            tokio::spawn(housekeeping(services.clone(), cancel.clone())),
            tokio::spawn(async move { runner.run(until).await }),
            tokio::spawn(super::aaa::read(services.clone(), cancel.clone())),
            tokio::spawn(super::drift_background(services.clone(), cancel.clone())),
        ];
        Self { link, others }
    }

    /// After `cancel`: what was typed last has a moment to be pushed. It is durable either way, as is what the others were doing.
    pub async fn ended(self, within: Duration) {
        if let Some(link) = self.link {
            let _ = tokio::time::timeout(within, link).await;
        }
        self.others.iter().for_each(JoinHandle::abort);
    }
}

/// With a centre only while it is there: nothing of it could be done, and every try would wait for a time-out.
async fn housekeeping(services: Arc<Services>, cancel: CancellationToken) {
    let Some(central) = &services.central else { return services.executor.janitor(HOUSEKEEPING, cancel).await };
    let mut status = central.status();
    loop {
        if central.is_live()
            && services.actor().role.allows(Permission::Ipv6Revoke)
            && let Err(error) = services.executor.tidy_up().await
        {
            tracing::warn!(%error, "a round of housekeeping did not end well");
        }
        tokio::select! {
            () = tokio::time::sleep(HOUSEKEEPING) => {}
            () = cancel.cancelled() => return,
        }
        // A link that is down is waited for, not asked every round.
        tokio::select! {
            live = status.wait_for(|status| matches!(status.link, Link::Live | Link::Delayed)) => if live.is_err() { return },
            () = cancel.cancelled() => return,
        }
    }
}
