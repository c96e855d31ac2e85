//! Lifecycle operations of the command line: the same executor as the console's, awaited for as long as the caller wants.

use super::services;
use crate::commands::{Context, Outcome};
use crate::exit::{Exit, Failure};
use noctule_domain::OperationId;
use noctule_domain::lifecycle::{OperationKind, OperationOptions};
use noctule_domain::ports::BeginOperation;
use noctule_domain::subscriber::Subscriber;
use noctule_network::lifecycle::Started;
use std::time::Duration;

/// One lifecycle operation from the command line, to its end or until `wait` is over. A refusal of the guard is a `Failure`
/// (`Failure::from(AuthorityError)`); everything that began is an `Outcome`, whatever its end.
pub async fn operate(
    context: &Context,
    subscriber: &Subscriber,
    kind: OperationKind,
    options: OperationOptions,
    if_version: Option<i64>,
    wait: Duration,
) -> Result<Outcome, Failure> {
    let services = services(&context.loaded, context.store.clone(), context.secrets.clone(), context.actor.clone(), None)?;
    // What a console left behind for this subscriber when it died comes first: it would only be in the way.
    if subscriber.running.is_some() {
        for handle in services.executor.recover().await? {
            if Some(handle.id) == subscriber.running {
                let _ = tokio::time::timeout(wait, handle.ended()).await;
            }
        }
    }
    let request = BeginOperation {
        id: OperationId::from_uuid(uuid::Uuid::now_v7()),
        subscriber: subscriber.id,
        kind,
        actor: context.actor.clone(),
        options,
        expected_version: if_version,
    };
    let started = services.start(request).await?;
    outcome(context, started, wait).await
}

/// Goes on with an open operation, or begins an ended one anew, to its end or until `wait` is over.
pub async fn resume(context: &Context, id: OperationId, wait: Duration) -> Result<Outcome, Failure> {
    let services = services(&context.loaded, context.store.clone(), context.secrets.clone(), context.actor.clone(), None)?;
    let started = services.resume(id).await?;
    outcome(context, started, wait).await
}

/// Takes over everything that nobody runs and drives it at once, each to its end or until `wait` is over. Those that another console runs
/// are not among the answers.
pub async fn resume_all(context: &Context, wait: Duration) -> Result<Vec<(OperationId, Result<Outcome, Failure>)>, Failure> {
    let services = services(&context.loaded, context.store.clone(), context.secrets.clone(), context.actor.clone(), None)?;
    let taken = services.executor.recover().await?;
    let driven = taken.into_iter().map(|handle| async move { (handle.id, outcome(context, Started::Running(handle), wait).await) });
    Ok(futures::future::join_all(driven).await)
}

async fn outcome(context: &Context, started: Started, wait: Duration) -> Result<Outcome, Failure> {
    let handle = match started {
        Started::AlreadyThere(subscriber) => return Ok(Outcome { already_there: true, operation: None, subscriber: *subscriber }),
        Started::Running(handle) => handle,
    };
    let id = handle.id;
    // Not ended in time: the operation stays open and durable; a console or `operations resume` goes on with it.
    if let Ok(Err(error)) = tokio::time::timeout(wait, handle.ended()).await {
        return Err(error.into());
    }
    let gone = || Failure::new(Exit::Store, format!("operation {id} is not in the store any more"));
    let operation = context.store.operation(id).await?.ok_or_else(gone)?;
    let subscriber = context.store.subscriber(operation.operation.subscriber).await?.ok_or_else(gone)?;
    Ok(Outcome { already_there: false, operation: Some(operation), subscriber })
}
