//! Lifecycle operations of the command line: the same executor as the console's, awaited for as long as the caller wants. With a centre
//! they begin and end there; what the command shows is the journal as it came back.

use super::central::{self, Emergency, acting, fresh};
use super::{Central, Services};
use crate::commands::{Context, Outcome, Progress};
use crate::exit::{Exit, Failure};
use noctule_domain::lifecycle::{OperationKind, OperationOptions, OperationView};
use noctule_domain::ports::{AuthorityError, BeginOperation, Finished};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::sync::LifecycleRequest;
use noctule_domain::{OperationId, Retry, SafeText, SubscriberId};
use noctule_network::lifecycle::Started;
use std::time::Duration;

/// What became of a request.
pub enum Operated {
    /// It began; its end, or where it stood when the time was over.
    Ended(Box<Outcome>),
    /// The centre is away: it is kept in the outbox.
    Queued { operation: OperationId, why: SafeText },
}

/// One lifecycle operation from the command line, to its end or until `wait` is over. A refusal of the guard is a `Failure`
/// (`Failure::from(AuthorityError)`); everything that began is an `Outcome`, whatever its end.
pub async fn operate(
    context: &Context,
    subscriber: &Subscriber,
    kind: OperationKind,
    options: OperationOptions,
    if_version: Option<i64>,
    wait: Duration,
    queue: bool,
) -> Result<Operated, Failure> {
    let services = acting(context).await?;
    // What a console left behind for this subscriber when it died comes first: it would only be in the way.
    if subscriber.running.is_some() {
        match services.executor.recover().await {
            Ok(handles) => {
                for handle in handles {
                    if Some(handle.id) == subscriber.running {
                        let _ = tokio::time::timeout(wait, handle.ended()).await;
                    }
                }
            }
            // The centre is away: then there is nothing to clear away either, and the request below says so.
            Err(AuthorityError::Store { retry: Retry::Later, .. }) if services.central.is_some() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let request = BeginOperation {
        id: OperationId::from_uuid(uuid::Uuid::now_v7()),
        subscriber: subscriber.id,
        kind,
        actor: services.actor(),
        options,
        expected_version: if_version,
    };
    let progress = Progress::new();
    progress.say("asking the centre");
    match services.start(request.clone()).await {
        Ok(started) => Ok(Operated::Ended(Box::new(outcome(context, &services, started, wait).await?))),
        Err(AuthorityError::Store { message, retry: Retry::Later }) if services.central.is_some() => {
            if !queue {
                let sentence =
                    format!("{message}. Nothing is kept: say --queue to keep the request in the outbox until the centre is back");
                return Err(Failure::new(Exit::Unreachable, sentence));
            }
            let seen_version = if_version.unwrap_or(subscriber.version);
            let wanted = LifecycleRequest { subscriber: subscriber.id, kind, options: request.options, seen_version };
            // Under the id that was asked with: should it have begun all the same, it is the same operation.
            context.store.queue_lifecycle(request.id, wanted, request.actor).await?;
            Ok(Operated::Queued { operation: request.id, why: message })
        }
        Err(error) => Err(error.into()),
    }
}

/// Goes on with an open operation, or begins an ended one anew, to its end or until `wait` is over.
pub async fn resume(context: &Context, id: OperationId, wait: Duration) -> Result<Outcome, Failure> {
    let services = acting(context).await?;
    let started = services.resume(id).await?;
    outcome(context, &services, started, wait).await
}

/// Takes over everything that nobody runs and drives it at once, each to its end or until `wait` is over. Those that another console runs
/// are not among the answers.
pub async fn resume_all(context: &Context, wait: Duration) -> Result<Vec<(OperationId, Result<Outcome, Failure>)>, Failure> {
    let services = acting(context).await?;
    let taken = services.executor.recover().await?;
    let services = &services;
    let driven =
        taken.into_iter().map(|handle| async move { (handle.id, outcome(context, services, Started::Running(handle), wait).await) });
    Ok(futures::future::join_all(driven).await)
}

/// Ends an open operation that has had no effect yet.
pub async fn cancel(context: &Context, id: OperationId) -> Result<(), Failure> {
    let services = acting(context).await?;
    services.executor.cancel(id, services.actor()).await?;
    Ok(())
}

/// Rule of emergencies for a command: the centre is asked first, and only where it does not answer the packet leaves.
pub async fn emergency_now(context: &Context, subscriber: SubscriberId, kind: OperationKind) -> Result<Emergency, Failure> {
    let services = acting(context).await?;
    if let Some(central) = &services.central {
        central.try_once().await;
    }
    central::emergency(&services, subscriber, kind).await.map_err(|why| Failure::new(Exit::Guard, why))
}

async fn outcome(context: &Context, services: &Services, started: Started, wait: Duration) -> Result<Outcome, Failure> {
    let handle = match started {
        Started::AlreadyThere(subscriber) => return Ok(Outcome { already_there: true, operation: None, subscriber: *subscriber }),
        Started::Running(handle) => handle,
    };
    let id = handle.id;
    // Not ended in time: the operation stays open and durable; a console or `operations resume` goes on with it.
    let finished = match tokio::time::timeout(wait, handle.ended()).await {
        Ok(Err(error)) => return Err(error.into()),
        Ok(Ok(finished)) => Some(finished),
        Err(_) => None,
    };
    if let Some(central) = &services.central {
        return from_centre(context, services, central, id, finished).await;
    }
    let gone = || Failure::new(Exit::Store, format!("operation {id} is not in the store any more"));
    let operation = context.store.operation(id).await?.ok_or_else(gone)?;
    let subscriber = context.store.subscriber(operation.operation.subscriber).await?.ok_or_else(gone)?;
    Ok(Outcome { already_there: false, operation: Some(operation), subscriber })
}

/// The operation with its journal as the copy has it by now; where that could not be brought up to date, as the centre told it last.
async fn from_centre(
    context: &Context,
    services: &Services,
    central: &Central,
    id: OperationId,
    finished: Option<Finished>,
) -> Result<Outcome, Failure> {
    let told = match finished {
        Some(finished) => finished,
        None => {
            let now = services.authority.context(id).await?;
            Finished { operation: now.operation, subscriber: now.subscriber }
        }
    };
    if let Err(failure) = fresh(context, central).await {
        tracing::debug!(%failure, "the copy could not be brought up to date");
    }
    let name = match told.subscriber.full_name.is_empty() {
        true => told.subscriber.subscriber_number.clone(),
        false => told.subscriber.full_name.clone(),
    };
    let steps = context.store.operation(id).await?.map(|view| view.steps).unwrap_or_default();
    let operation = OperationView { operation: told.operation, subscriber_name: name, steps };
    Ok(Outcome { already_there: false, operation: Some(operation), subscriber: told.subscriber })
}
