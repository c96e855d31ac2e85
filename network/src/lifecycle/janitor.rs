//! The janitor: what must happen without anybody pressing a key. Operations of dead consoles are taken over, prefixes that have rested
//! are deleted, allocations that ended in doubt are looked for.

use super::executor::{Event, Executor, Started};
use noctule_domain::lifecycle::{Actor, OperationKind, OperationOptions, OperationStatus, Refusal};
use noctule_domain::permission::Role;
use noctule_domain::ports::{AuthorityError, BeginOperation};
use noctule_domain::{OperationId, SafeText, ipam::PrefixStatus};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// How many of a kind are done in one round.
const ROUND: u32 = 50;
/// For so long after its end an allocation in doubt is looked for.
const LATE: chrono::Duration = chrono::Duration::hours(1);

impl Executor {
    /// One round. Every part is tried even when another fails; the first failure is returned.
    pub async fn tidy_up(&self) -> Result<(), AuthorityError> {
        let recovered = self.recover().await.map(drop);
        let released = self.release_rested().await;
        let watched = self.look_for_late().await;
        recovered.and(released).and(watched)
    }

    /// Rounds until cancelled.
    pub async fn janitor(&self, every: Duration, cancel: CancellationToken) {
        loop {
            if let Err(error) = self.tidy_up().await {
                tracing::warn!(%error, "a round of housekeeping did not end well");
            }
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = cancel.cancelled() => return,
            }
        }
    }

    async fn release_rested(&self) -> Result<(), AuthorityError> {
        if self.0.upstreams.ipam.is_none() {
            return Ok(());
        }
        for subscriber in self.0.authority.rested(ROUND).await? {
            let request = BeginOperation {
                id: OperationId::from_uuid(uuid::Uuid::now_v7()),
                subscriber,
                kind: OperationKind::Release,
                actor: system(),
                options: OperationOptions::default(),
                expected_version: None,
            };
            let mut events = self.events();
            match self.start(request).await {
                // One after the other: nobody waits for this, and NetBox has other work.
                Ok(Started::Running(handle)) => {
                    let id = handle.id;
                    let ended = tokio::select! {
                        ended = handle.ended() => ended.ok(),
                        () = waits(&mut events, id) => None,
                    };
                    // NetBox is away: it goes on trying this one by itself, and the others have time until the next round.
                    if ended.is_none_or(|ended| ended.operation.status == OperationStatus::Failed) {
                        break;
                    }
                }
                Ok(Started::AlreadyThere(_)) => {}
                // Another console's housekeeping is at it.
                Err(AuthorityError::Refused(refusal @ Refusal::Busy { .. })) => tracing::debug!(%subscriber, ?refusal, "not released here"),
                Err(error) => tracing::warn!(%subscriber, %error, "a rested prefix was not released"),
            }
        }
        Ok(())
    }

    /// A request that timed out may be stored long after the operation ended in a refusal. Its id finds it; it is put to rest and deleted.
    async fn look_for_late(&self) -> Result<(), AuthorityError> {
        let Some(ipam) = &self.0.upstreams.ipam else { return Ok(()) };
        for operation in self.0.authority.watched(ROUND).await? {
            match ipam.find_by_operation(operation).await {
                Ok(None) => self.end_watch(operation).await?,
                Ok(Some(late)) => {
                    let change = crate::upstream::StatusChange {
                        id: late.id,
                        expect: late.prefix,
                        status: PrefixStatus::Deprecated,
                        hold_until: None,
                        operation,
                    };
                    let put_back = match ipam.set_status(&change).await {
                        Ok(()) => ipam.delete(late.id, late.prefix, operation).await,
                        Err(error) => Err(error),
                    };
                    match put_back {
                        Ok(()) => {
                            let note = format!("a late answer of NetBox had stored {}: it was deleted", late.prefix);
                            self.0.authority.unwatch(operation, SafeText::new(&note)).await?;
                        }
                        Err(error) => tracing::warn!(%operation, %error, "a late prefix could not be put back yet"),
                    }
                }
                Err(error) => tracing::debug!(%operation, %error, "no look-up now"),
            }
        }
        Ok(())
    }

    /// NetBox was asked and has nothing. When the time for late answers is over that was the last look; a look that failed is none.
    async fn end_watch(&self, operation: OperationId) -> Result<(), AuthorityError> {
        let ended_at = self.0.authority.context(operation).await?.operation.ended_at;
        if ended_at.is_none_or(|at| self.0.config.clock.now() > at + LATE) {
            self.0.authority.unwatch(operation, "no late prefix came".into()).await?;
        }
        Ok(())
    }
}

/// Returns when the operation was put to wait for its upstream.
async fn waits(events: &mut broadcast::Receiver<Event>, id: OperationId) {
    loop {
        match events.recv().await {
            Ok(Event::Waiting { operation, .. }) if operation == id => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
        }
    }
}

fn system() -> Actor {
    Actor { name: "system".into(), role: Role::Admin, origin: "housekeeping".into() }
}
