//! One console's way to the authority, whichever it is, and a way to look at what it holds that goes beside it.

use super::centre::CentralDesk;
use async_trait::async_trait;
use noctule_domain::audit::{AuditRecord, AuditVerdict};
use noctule_domain::lifecycle::{Actor, Ended, OperationKind, OperationStatus, OperationView, Progress};
use noctule_domain::nas::NasSeen;
use noctule_domain::ports::{Authority, AuthorityError, BeginOperation, Begun, Context, Finished, FirstTry, Opened, StepEnd, StepStart};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{NasId, OperationId, SafeText, SubscriberId};
use noctule_storage::{OperationFilter, Store};
use std::sync::Arc;

#[derive(Clone)]
pub enum Desk {
    Local(Store),
    Central(Arc<CentralDesk>),
}

/// An operation as a list shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ran {
    pub kind: OperationKind,
    pub status: OperationStatus,
}

impl Desk {
    pub async fn subscriber(&self, id: SubscriberId) -> Result<Option<Subscriber>, String> {
        match self {
            Self::Local(store) => store.subscriber(id).await.map_err(|e| e.to_string()),
            Self::Central(desk) => desk.subscriber(id).await,
        }
    }

    /// By its number.
    pub async fn find(&self, number: &str) -> Option<SubscriberId> {
        match self {
            Self::Local(store) => store.find_subscriber(number).await.expect("store").first().map(|row| row.id),
            Self::Central(desk) => desk.find(number).await,
        }
    }

    pub async fn operation(&self, id: OperationId) -> Result<Option<OperationView>, String> {
        match self {
            Self::Local(store) => store.operation(id).await.map_err(|e| e.to_string()),
            Self::Central(desk) => desk.operation(id).await,
        }
    }

    pub async fn operations(&self) -> Vec<Ran> {
        match self {
            Self::Local(store) => {
                let filter = OperationFilter { open_only: false, status: None, limit: 100 };
                let rows = store.operations(filter).await.expect("operations");
                rows.into_iter().map(|row| Ran { kind: row.kind, status: row.status }).collect()
            }
            Self::Central(desk) => desk.operations().await,
        }
    }

    pub async fn audit_page(&self, after: i64, limit: u32) -> Result<Vec<AuditRecord>, String> {
        match self {
            Self::Local(store) => store.audit_page(after, limit).await.map_err(|e| e.to_string()),
            Self::Central(desk) => {
                noctule_sync::authority::audit_page(desk.authority.centre(), after, limit).await.map_err(|e| e.to_string())
            }
        }
    }

    pub async fn audit_verify(&self) -> Result<AuditVerdict, String> {
        match self {
            Self::Local(store) => store.audit_verify().await.map_err(|e| e.to_string()),
            Self::Central(desk) => noctule_sync::authority::audit_verify(desk.authority.centre()).await.map_err(|e| e.to_string()),
        }
    }

    /// The authority at this desk's time.
    async fn at_its_time(&self) -> &dyn Authority {
        match self {
            Self::Local(store) => store,
            Self::Central(desk) => {
                desk.turn_the_clock().await;
                &desk.authority
            }
        }
    }
}

#[async_trait]
impl Authority for Desk {
    async fn begin(&self, request: BeginOperation) -> Result<Begun, AuthorityError> {
        self.at_its_time().await.begin(request).await
    }
    async fn begin_and_start(&self, request: BeginOperation, first: FirstTry) -> Result<Opened, AuthorityError> {
        self.at_its_time().await.begin_and_start(request, first).await
    }
    async fn context(&self, operation: OperationId) -> Result<Context, AuthorityError> {
        self.at_its_time().await.context(operation).await
    }
    async fn step_started(&self, step: StepStart) -> Result<(), AuthorityError> {
        self.at_its_time().await.step_started(step).await
    }
    async fn step_ended(&self, step: StepEnd) -> Result<(), AuthorityError> {
        self.at_its_time().await.step_ended(step).await
    }
    async fn finish(&self, operation: OperationId, progress: Progress, ended: Ended) -> Result<Finished, AuthorityError> {
        self.at_its_time().await.finish(operation, progress, ended).await
    }
    async fn end_and_finish(&self, step: StepEnd, ended: Ended) -> Result<Finished, AuthorityError> {
        self.at_its_time().await.end_and_finish(step, ended).await
    }
    async fn renew(&self, operation: OperationId) -> Result<(), AuthorityError> {
        self.at_its_time().await.renew(operation).await
    }
    async fn take_over(&self) -> Result<Vec<OperationId>, AuthorityError> {
        self.at_its_time().await.take_over().await
    }
    async fn cancel(&self, operation: OperationId, actor: Actor) -> Result<(), AuthorityError> {
        self.at_its_time().await.cancel(operation, actor).await
    }
    async fn rested(&self, limit: u32) -> Result<Vec<SubscriberId>, AuthorityError> {
        self.at_its_time().await.rested(limit).await
    }
    async fn watched(&self, limit: u32) -> Result<Vec<OperationId>, AuthorityError> {
        self.at_its_time().await.watched(limit).await
    }
    async fn unwatch(&self, operation: OperationId, note: SafeText) -> Result<(), AuthorityError> {
        self.at_its_time().await.unwatch(operation, note).await
    }
    async fn nas_health(&self, nas: NasId, seen: NasSeen) -> Result<(), AuthorityError> {
        self.at_its_time().await.nas_health(nas, seen).await
    }
}
