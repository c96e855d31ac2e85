//! The port itself, and what its parts share: the error inside a transaction, and the look-ups that every part makes.

use super::{begin, finish, jobs, lease, steps};
use crate::error::StoreError;
use crate::operations;
use crate::store::{Shared, Store};
use crate::subscribers::row;
use async_trait::async_trait;
use noctule_domain::lifecycle::{Actor, Ended, Operation, Progress};
use noctule_domain::nas::NasSeen;
use noctule_domain::ports::{Authority, AuthorityError, BeginOperation, Begun, Context, Finished, FirstTry, Opened, StepEnd, StepStart};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{NasId, OperationId, SafeText, SubscriberId};
use rusqlite::Connection;

/// What goes wrong inside a transaction: the authority's no, or the store's trouble.
pub(crate) enum Fail {
    Authority(AuthorityError),
    Store(StoreError),
}

impl From<AuthorityError> for Fail {
    fn from(error: AuthorityError) -> Self {
        Self::Authority(error)
    }
}

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Fail {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Fail> for AuthorityError {
    fn from(fail: Fail) -> Self {
        match fail {
            Fail::Authority(error) => error,
            Fail::Store(error) => error.into(),
        }
    }
}

pub(super) fn not_found(what: &'static str, id: impl ToString) -> Fail {
    AuthorityError::NotFound { what, id: SafeText::new(&id.to_string()) }.into()
}

/// The operation, open or ended.
pub(super) fn operation_of(conn: &Connection, shared: &Shared, id: OperationId) -> Result<Operation, Fail> {
    operations::load(conn, shared, id)?.ok_or_else(|| not_found("operation", id))
}

pub(crate) fn subscriber_of(conn: &Connection, shared: &Shared, id: SubscriberId) -> Result<Subscriber, Fail> {
    row::load(conn, shared.tenant_key, shared.tenant, id)?.ok_or_else(|| not_found("subscriber", id))
}

/// The operation, if it is open and this console's.
pub(super) fn held(conn: &Connection, shared: &Shared, id: OperationId) -> Result<Operation, Fail> {
    let operation = operation_of(conn, shared, id)?;
    if !operation.status.is_open() {
        return Err(AuthorityError::Ended { operation: id, status: operation.status }.into());
    }
    if operation.lease_owner != Some(shared.console) {
        return Err(AuthorityError::LeaseLost { operation: id }.into());
    }
    Ok(operation)
}

#[async_trait]
impl Authority for Store {
    async fn begin(&self, request: BeginOperation) -> Result<Begun, AuthorityError> {
        Ok(self.write_plain(move |tx, shared| begin::begin(tx, shared, request)).await?)
    }

    async fn begin_and_start(&self, request: BeginOperation, first: FirstTry) -> Result<Opened, AuthorityError> {
        Ok(self.write_plain(move |tx, shared| begin::begin_and_start(tx, shared, request, &*first)).await?)
    }

    async fn context(&self, operation: OperationId) -> Result<Context, AuthorityError> {
        self.read(move |conn, shared| match begin::context(conn, shared, operation) {
            Ok(context) => Ok(Ok(context)),
            Err(Fail::Authority(error)) => Ok(Err(error)),
            Err(Fail::Store(error)) => Err(error),
        })
        .await?
    }

    async fn step_started(&self, step: StepStart) -> Result<(), AuthorityError> {
        Ok(self.write_plain(move |tx, shared| steps::started(tx, shared, step)).await?)
    }

    async fn step_ended(&self, step: StepEnd) -> Result<(), AuthorityError> {
        Ok(self.write_plain(move |tx, shared| steps::ended(tx, shared, step)).await?)
    }

    async fn finish(&self, operation: OperationId, progress: Progress, ended: Ended) -> Result<Finished, AuthorityError> {
        Ok(self.write_plain(move |tx, shared| finish::finish(tx, shared, operation, progress, ended)).await?)
    }

    async fn end_and_finish(&self, step: StepEnd, ended: Ended) -> Result<Finished, AuthorityError> {
        Ok(self.write_plain(move |tx, shared| finish::end_and_finish(tx, shared, step, ended)).await?)
    }

    async fn renew(&self, operation: OperationId) -> Result<(), AuthorityError> {
        Ok(self.write(move |tx, shared| lease::renew(tx, shared, operation)).await?)
    }

    async fn take_over(&self) -> Result<Vec<OperationId>, AuthorityError> {
        Ok(self.write(lease::take_over).await?)
    }

    async fn cancel(&self, operation: OperationId, actor: Actor) -> Result<(), AuthorityError> {
        Ok(self.write(move |tx, shared| finish::cancel(tx, shared, operation, &actor)).await?)
    }

    async fn rested(&self, limit: u32) -> Result<Vec<SubscriberId>, AuthorityError> {
        Ok(self.read(move |conn, shared| jobs::rested(conn, shared, limit)).await?)
    }

    async fn watched(&self, limit: u32) -> Result<Vec<OperationId>, AuthorityError> {
        Ok(self.write(move |tx, shared| jobs::watched(tx, shared, limit)).await?)
    }

    async fn unwatch(&self, operation: OperationId, note: SafeText) -> Result<(), AuthorityError> {
        Ok(self.write(move |tx, shared| jobs::unwatch(tx, shared, operation, note)).await?)
    }

    async fn nas_health(&self, nas: NasId, seen: NasSeen) -> Result<(), AuthorityError> {
        Ok(self.write(move |tx, shared| jobs::nas_health(tx, shared, nas, &seen)).await?)
    }
}
