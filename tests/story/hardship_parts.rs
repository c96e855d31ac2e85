//! Parts between the executor and the real ones, for what a fault out there can not bring about: a store that does not take an end down, an
//! IPAM that stored something else, a lease that is watched.

use super::support::desk::Desk;
use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::ipam::Pool;
use noctule_domain::lifecycle::{Actor, Ended, Progress};
use noctule_domain::nas::{Nas, NasSeen};
use noctule_domain::ports::{Authority, AuthorityError, BeginOperation, Begun, Context, Finished, FirstTry, Opened, StepEnd, StepStart};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{NasId, OperationId, Retry, SafeText, SubscriberId};
use noctule_network::netbox::Netbox;
use noctule_network::upstream::{
    AllocateAsk, Allocation, DynamicAuthorization, Ipam, IpamError, NasAnswer, NasAsk, NasOutcome, StatusChange,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// The store, with its renewals noted; `lose_an_end` lets it fail once to take the end of a step down.
pub struct Watched {
    pub store: Desk,
    pub renewed: Arc<Mutex<Vec<OperationId>>>,
    pub lose_an_end: Arc<AtomicBool>,
    /// Told when an end was lost; the store answers when told to go on.
    pub lost: Arc<Notify>,
    pub go_on: Arc<Notify>,
}

impl Watched {
    pub fn new(store: &Desk) -> Self {
        Self { store: store.clone(), renewed: Arc::default(), lose_an_end: Arc::default(), lost: Arc::default(), go_on: Arc::default() }
    }
}

#[async_trait]
impl Authority for Watched {
    async fn begin(&self, request: BeginOperation) -> Result<Begun, AuthorityError> {
        self.store.begin(request).await
    }
    async fn begin_and_start(&self, request: BeginOperation, first: FirstTry) -> Result<Opened, AuthorityError> {
        self.store.begin_and_start(request, first).await
    }
    async fn context(&self, operation: OperationId) -> Result<Context, AuthorityError> {
        self.store.context(operation).await
    }
    async fn step_started(&self, step: StepStart) -> Result<(), AuthorityError> {
        self.store.step_started(step).await
    }
    async fn step_ended(&self, step: StepEnd) -> Result<(), AuthorityError> {
        if self.lose_an_end.swap(false, Ordering::SeqCst) {
            self.lost.notify_one();
            self.go_on.notified().await;
            return Err(AuthorityError::Store { message: SafeText::from("the disk is full"), retry: Retry::AfterFix });
        }
        self.store.step_ended(step).await
    }
    async fn finish(&self, operation: OperationId, progress: Progress, ended: Ended) -> Result<Finished, AuthorityError> {
        self.store.finish(operation, progress, ended).await
    }
    async fn renew(&self, operation: OperationId) -> Result<(), AuthorityError> {
        self.renewed.lock().expect("lock").push(operation);
        self.store.renew(operation).await
    }
    async fn take_over(&self) -> Result<Vec<OperationId>, AuthorityError> {
        self.store.take_over().await
    }
    async fn cancel(&self, operation: OperationId, actor: Actor) -> Result<(), AuthorityError> {
        self.store.cancel(operation, actor).await
    }
    async fn rested(&self, limit: u32) -> Result<Vec<SubscriberId>, AuthorityError> {
        self.store.rested(limit).await
    }
    async fn watched(&self, limit: u32) -> Result<Vec<OperationId>, AuthorityError> {
        self.store.watched(limit).await
    }
    async fn unwatch(&self, operation: OperationId, note: SafeText) -> Result<(), AuthorityError> {
        self.store.unwatch(operation, note).await
    }
    async fn nas_health(&self, nas: NasId, seen: NasSeen) -> Result<(), AuthorityError> {
        self.store.nas_health(nas, seen).await
    }
}

/// A NAS client whose process is stopped when it is about to send, as by SIGSTOP: nothing of it runs until the test says so.
pub struct Stopped {
    pub about_to_send: Arc<Notify>,
    pub go_on: Mutex<std::sync::mpsc::Receiver<()>>,
    pub sent: Arc<AtomicBool>,
}

#[async_trait]
impl DynamicAuthorization for Stopped {
    async fn ask(&self, _: &Nas, _: &Subscriber, _: NasAsk) -> NasAnswer {
        self.about_to_send.notify_one();
        self.go_on.lock().expect("lock").recv().expect("the test lives");
        tokio::task::yield_now().await;
        self.sent.store(true, Ordering::SeqCst);
        let outcome = NasOutcome::Ack { causes: Vec::new() };
        NasAnswer { outcome, sends: 1, round_trip: None, request: SafeText::default(), seen: NasSeen::default() }
    }
}

/// NetBox, in which every allocation is stored with another length than the one asked for.
pub struct Longer(pub Netbox);

#[async_trait]
impl Ipam for Longer {
    async fn allocate(&self, ask: &AllocateAsk) -> Result<Allocation, IpamError> {
        let other = AllocateAsk { prefix_len: Some(ask.prefix_len.unwrap_or(56) + 4), ..ask.clone() };
        self.0.allocate(&other).await?;
        self.0.allocate(ask).await
    }
    async fn find_by_operation(&self, operation: OperationId) -> Result<Option<Allocation>, IpamError> {
        self.0.find_by_operation(operation).await
    }
    async fn find_by_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<Option<Allocation>, IpamError> {
        self.0.find_by_prefix(prefix, vrf).await
    }
    async fn set_status(&self, change: &StatusChange) -> Result<(), IpamError> {
        self.0.set_status(change).await
    }
    async fn delete(&self, id: i64, expect: Ipv6Net, operation: OperationId) -> Result<(), IpamError> {
        self.0.delete(id, expect, operation).await
    }
    async fn pools(&self) -> Result<Vec<Pool>, IpamError> {
        self.0.pools().await
    }
}
