//! Wrappers that kill their own process with SIGKILL at the n-th point: before and after every durable write of the authority, before and
//! after every call to an upstream. Nothing of the product knows of them.

use async_trait::async_trait;
use noctule_domain::aaa::{AaaUser, AccountingSession};
use noctule_domain::ipam::Pool;
use noctule_domain::lifecycle::{Actor, Ended, Progress};
use noctule_domain::nas::{Nas, NasSeen};
use noctule_domain::ports::{Authority, AuthorityError, BeginOperation, Begun, Context, Finished, FirstTry, Opened, StepEnd, StepStart};
use noctule_domain::subscriber::{Subscriber, Username};
use noctule_domain::{NasId, OperationId, SafeText, SubscriberId};
use noctule_network::upstream::{Aaa, AaaError, LoginWrite};
use noctule_network::upstream::{AllocateAsk, Allocation, DynamicAuthorization, Ipam, IpamError, NasAnswer, NasAsk, StatusChange};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts points; at the chosen one the process is gone, as by a power cut of the process: no destructor runs, nothing is flushed.
#[derive(Clone)]
pub struct Fuse {
    passed: Arc<AtomicU32>,
    die_at: u32,
}

impl Fuse {
    pub fn new(die_at: u32) -> Self {
        Self { passed: Arc::default(), die_at }
    }

    fn point(&self) {
        if self.passed.fetch_add(1, Ordering::SeqCst) == self.die_at {
            signal_hook::low_level::raise(signal_hook::consts::SIGKILL).expect("SIGKILL");
            unreachable!("a killed process does not go on");
        }
    }

    async fn around<T>(&self, call: impl Future<Output = T>) -> T {
        self.point();
        let value = call.await;
        self.point();
        value
    }
}

pub struct Dying<T: ?Sized> {
    pub fuse: Fuse,
    pub inner: Arc<T>,
}

#[async_trait]
impl<A: Authority> Authority for Dying<A> {
    async fn begin(&self, request: BeginOperation) -> Result<Begun, AuthorityError> {
        self.fuse.around(self.inner.begin(request)).await
    }
    async fn begin_and_start(&self, request: BeginOperation, first: FirstTry) -> Result<Opened, AuthorityError> {
        self.fuse.around(self.inner.begin_and_start(request, first)).await
    }
    async fn context(&self, operation: OperationId) -> Result<Context, AuthorityError> {
        self.inner.context(operation).await
    }
    async fn step_started(&self, step: StepStart) -> Result<(), AuthorityError> {
        self.fuse.around(self.inner.step_started(step)).await
    }
    async fn step_ended(&self, step: StepEnd) -> Result<(), AuthorityError> {
        self.fuse.around(self.inner.step_ended(step)).await
    }
    async fn finish(&self, operation: OperationId, progress: Progress, ended: Ended) -> Result<Finished, AuthorityError> {
        self.fuse.around(self.inner.finish(operation, progress, ended)).await
    }
    async fn end_and_finish(&self, step: StepEnd, ended: Ended) -> Result<Finished, AuthorityError> {
        self.fuse.around(self.inner.end_and_finish(step, ended)).await
    }
    async fn renew(&self, operation: OperationId) -> Result<(), AuthorityError> {
        self.inner.renew(operation).await
    }
    async fn take_over(&self) -> Result<Vec<OperationId>, AuthorityError> {
        self.inner.take_over().await
    }
    async fn cancel(&self, operation: OperationId, actor: Actor) -> Result<(), AuthorityError> {
        self.inner.cancel(operation, actor).await
    }
    async fn rested(&self, limit: u32) -> Result<Vec<SubscriberId>, AuthorityError> {
        self.inner.rested(limit).await
    }
    async fn watched(&self, limit: u32) -> Result<Vec<OperationId>, AuthorityError> {
        self.inner.watched(limit).await
    }
    async fn unwatch(&self, operation: OperationId, note: SafeText) -> Result<(), AuthorityError> {
        self.inner.unwatch(operation, note).await
    }
    async fn nas_health(&self, nas: NasId, seen: NasSeen) -> Result<(), AuthorityError> {
        self.inner.nas_health(nas, seen).await
    }
}

#[async_trait]
impl<I: Ipam> Ipam for Dying<I> {
    async fn allocate(&self, ask: &AllocateAsk) -> Result<Allocation, IpamError> {
        self.fuse.around(self.inner.allocate(ask)).await
    }
    async fn find_by_operation(&self, operation: OperationId) -> Result<Option<Allocation>, IpamError> {
        self.inner.find_by_operation(operation).await
    }
    async fn find_by_prefix(&self, prefix: ipnet::Ipv6Net, vrf: Option<i64>) -> Result<Option<Allocation>, IpamError> {
        self.inner.find_by_prefix(prefix, vrf).await
    }
    async fn set_status(&self, change: &StatusChange) -> Result<(), IpamError> {
        self.fuse.around(self.inner.set_status(change)).await
    }
    async fn delete(&self, id: i64, expect: ipnet::Ipv6Net, operation: OperationId) -> Result<(), IpamError> {
        self.fuse.around(self.inner.delete(id, expect, operation)).await
    }
    async fn pools(&self) -> Result<Vec<Pool>, IpamError> {
        self.inner.pools().await
    }
}

#[async_trait]
impl<A: Aaa> Aaa for Dying<A> {
    async fn write(&self, ask: &LoginWrite) -> Result<(), AaaError> {
        self.fuse.around(self.inner.write(ask)).await
    }
    async fn user(&self, username: &Username) -> Result<Option<AaaUser>, AaaError> {
        self.inner.user(username).await
    }
    async fn sessions_of(&self, username: &Username) -> Result<Vec<AccountingSession>, AaaError> {
        self.inner.sessions_of(username).await
    }
    async fn users_after(&self, after: Option<&Username>, limit: u32) -> Result<Vec<AaaUser>, AaaError> {
        self.inner.users_after(after, limit).await
    }
}

#[async_trait]
impl<D: DynamicAuthorization> DynamicAuthorization for Dying<D> {
    async fn ask(&self, nas: &Nas, subscriber: &Subscriber, ask: NasAsk) -> NasAnswer {
        self.fuse.around(self.inner.ask(nas, subscriber, ask)).await
    }
}
