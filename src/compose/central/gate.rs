//! The authority before the centre is known: the password may come from a program that takes its time, and the screen does not wait for
//! it. Until the gate is opened every request is answered with "later" in words; after that all goes through.

use async_trait::async_trait;
use noctule_domain::lifecycle::{Actor, Ended, Progress};
use noctule_domain::nas::NasSeen;
use noctule_domain::ports::{Authority, AuthorityError, BeginOperation, Begun, Context, Finished, FirstTry, Opened, StepEnd, StepStart};
use noctule_domain::{NasId, OperationId, Retry, SafeText, SubscriberId};
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Default)]
pub struct Gate(RwLock<Option<Arc<dyn Authority>>>);

impl Gate {
    /// From here on requests go to `authority`; an earlier one is replaced.
    pub fn open(&self, authority: Arc<dyn Authority>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(authority);
    }

    fn through(&self) -> Result<Arc<dyn Authority>, AuthorityError> {
        let inside = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        inside.ok_or_else(|| AuthorityError::Store {
            message: "the centre is not connected yet, so nothing can be begun there; try again in a moment".into(),
            retry: Retry::Later,
        })
    }
}

#[async_trait]
impl Authority for Gate {
    async fn begin(&self, request: BeginOperation) -> Result<Begun, AuthorityError> {
        self.through()?.begin(request).await
    }
    async fn begin_and_start(&self, request: BeginOperation, first: FirstTry) -> Result<Opened, AuthorityError> {
        self.through()?.begin_and_start(request, first).await
    }
    async fn context(&self, operation: OperationId) -> Result<Context, AuthorityError> {
        self.through()?.context(operation).await
    }
    async fn step_started(&self, step: StepStart) -> Result<(), AuthorityError> {
        self.through()?.step_started(step).await
    }
    async fn step_ended(&self, step: StepEnd) -> Result<(), AuthorityError> {
        self.through()?.step_ended(step).await
    }
    async fn finish(&self, operation: OperationId, progress: Progress, ended: Ended) -> Result<Finished, AuthorityError> {
        self.through()?.finish(operation, progress, ended).await
    }
    async fn end_and_finish(&self, step: StepEnd, ended: Ended) -> Result<Finished, AuthorityError> {
        self.through()?.end_and_finish(step, ended).await
    }
    async fn renew(&self, operation: OperationId) -> Result<(), AuthorityError> {
        self.through()?.renew(operation).await
    }
    async fn take_over(&self) -> Result<Vec<OperationId>, AuthorityError> {
        self.through()?.take_over().await
    }
    async fn cancel(&self, operation: OperationId, actor: Actor) -> Result<(), AuthorityError> {
        self.through()?.cancel(operation, actor).await
    }
    async fn rested(&self, limit: u32) -> Result<Vec<SubscriberId>, AuthorityError> {
        self.through()?.rested(limit).await
    }
    async fn watched(&self, limit: u32) -> Result<Vec<OperationId>, AuthorityError> {
        self.through()?.watched(limit).await
    }
    async fn unwatch(&self, operation: OperationId, note: SafeText) -> Result<(), AuthorityError> {
        self.through()?.unwatch(operation, note).await
    }
    async fn nas_health(&self, nas: NasId, seen: NasSeen) -> Result<(), AuthorityError> {
        self.through()?.nas_health(nas, seen).await
    }
}
