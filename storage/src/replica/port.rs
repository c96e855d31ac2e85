//! The port that the sync uses, and the way of a job to the desk and to the thread that writes the cache.

use super::side::CacheDesk;
use super::{Desk, DeskJob, Side, apply, cache, copy, desk, failed, heal};
use crate::error::StoreError;
use crate::store::Store;
use async_trait::async_trait;
use noctule_domain::sync::{Answered, Checksum, CopyPoint, Increment, LocalCopy, Op, Outbox, Position, Replica, ReplicaError, Table};
use noctule_domain::{SafeText, Timestamp};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::oneshot;
use uuid::Uuid;

/// How often the outbox is looked at for what another process put in.
const LOOK: Duration = Duration::from_millis(500);

impl Store {
    pub(crate) fn side(&self) -> Result<Arc<Side>, StoreError> {
        self.inner.shared.replica.clone().ok_or_else(|| StoreError::Refused("this store has no centre".into()))
    }

    /// Runs a job on the desk's thread.
    pub(crate) async fn at_desk<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk, &Arc<Side>, Timestamp) -> Result<T, StoreError> + Send + 'static,
    {
        let side = self.side()?;
        let desk = self.inner.desk.as_ref().ok_or(StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let run: DeskJob = Box::new(move |desk| {
            let now = side.now();
            drop(reply.send(job(desk, &side, now)));
        });
        desk.send(run).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs a job on a thread of its own that may take long.
    async fn aside<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(Arc<Side>) -> Result<T, StoreError> + Send + 'static,
    {
        let side = self.side()?;
        let (reply, answer) = oneshot::channel();
        std::thread::Builder::new().name("store-aside".into()).spawn(move || drop(reply.send(job(side)))).map_err(StoreError::Io)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    fn leading(&self) -> Result<Arc<Side>, ReplicaError> {
        let side = self.side().map_err(|e| failed(&e))?;
        if side.lead() { Ok(side) } else { Err(ReplicaError::NotLeader) }
    }

    /// True when a centre is behind this store.
    pub fn is_replica(&self) -> bool {
        self.inner.shared.replica.is_some()
    }

    /// True while this process is the one that syncs. Asked again it tries again: a follower takes over when the leader has gone.
    pub fn lead(&self) -> bool {
        self.inner.shared.replica.as_ref().is_some_and(|side| side.lead())
    }
}

fn said(error: StoreError) -> ReplicaError {
    failed(&error)
}

fn ours(side: &Side, began: &Position) -> Result<(), ReplicaError> {
    if began.tenant != side.tenant.0 || (!side.login.is_empty() && began.login != side.login) {
        return Err(ReplicaError::DoesNotFit(SafeText::new(&format!(
            "it is for tenant {} and login {}, this store for tenant {} and login {}",
            began.tenant, began.login, side.tenant, side.login
        ))));
    }
    Ok(())
}

#[async_trait]
impl Replica for Store {
    async fn position(&self) -> Result<Option<Position>, ReplicaError> {
        self.read(|conn, _| cache::position(conn)).await.map_err(said)
    }

    async fn copy_point(&self, like: &Position) -> Result<Option<CopyPoint>, ReplicaError> {
        self.leading()?;
        let like = like.clone();
        self.aside(move |side| copy::point(&side, &like)).await.map_err(said)
    }

    async fn copy(&self, began: &Position) -> Result<Box<dyn LocalCopy>, ReplicaError> {
        let side = self.leading()?;
        ours(&side, began)?;
        let began = began.clone();
        let copy = self.aside(move |side| copy::begin(side, began)).await.map_err(said)?;
        Ok(Box::new(copy))
    }

    async fn apply(&self, increment: Increment) -> Result<(), ReplicaError> {
        let side = self.leading()?;
        if let Some(position) = &increment.position {
            ours(&side, position)?;
        }
        let cache = self.inner.cache.as_ref().ok_or_else(|| failed(&StoreError::ReadOnly))?;
        let (reply, answer) = oneshot::channel();
        let job: Box<dyn FnOnce(&mut CacheDesk) + Send> = Box::new(move |desk| drop(reply.send(apply::apply(desk, &increment))));
        cache.send(job).await.map_err(|_| failed(&StoreError::Closed))?;
        answer.await.map_err(|_| failed(&StoreError::Closed))?
    }

    async fn sums(&self, table: Table, bounds: &[Uuid]) -> Result<Vec<Checksum>, ReplicaError> {
        let bounds = bounds.to_vec();
        self.aside(move |side| heal::sums(&side, table, &bounds)).await.map_err(said)
    }

    async fn ids(&self, table: Table, from: Option<Uuid>, to: Option<Uuid>) -> Result<Vec<Uuid>, ReplicaError> {
        self.aside(move |side| heal::ids(&side, table, from, to)).await.map_err(said)
    }

    async fn unsent(&self, limit: u32) -> Result<Vec<Op>, ReplicaError> {
        self.at_desk(move |desk, side, _| {
            desk.refresh(side)?;
            side.handed.store(*side.outbox.borrow(), Relaxed);
            desk::unsent(&desk.conn, side, limit)
        })
        .await
        .map_err(said)
    }

    async fn answered(&self, answers: Vec<Answered>) -> Result<(), ReplicaError> {
        self.at_desk(move |desk, side, now| desk.urgent(side, now, |conn, seen| desk::answered(conn, seen, &answers))).await.map_err(said)
    }

    async fn outbox(&self) -> Result<Outbox, ReplicaError> {
        self.at_desk(|desk, side, _| desk::outbox(&desk.conn, side)).await.map_err(said)
    }

    /// Ready at once when something was written since ops were handed out last, by this process or another.
    async fn wait_unsent(&self) {
        let Ok(side) = self.side() else { return std::future::pending().await };
        let mut rises = side.outbox.subscribe();
        loop {
            if *rises.borrow_and_update() != side.handed.load(Relaxed) {
                return;
            }
            match tokio::time::timeout(LOOK, rises.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => {
                    if let Err(error) = self.at_desk(|desk, side, _| desk.refresh(side)).await {
                        tracing::debug!(%error, "the outbox could not be looked at");
                    }
                }
            }
        }
    }
}
