//! The traits through which rooms reach each other. The store implements them, the executor uses them; a central PostgreSQL will
//! implement the same.

use crate::lifecycle::{
    Actor, Ended, Operation, OperationKind, OperationOptions, OperationStatus, Progress, Proofs, Refusal, StepKind, StepStatus, Told,
};
use crate::nas::{Nas, NasSeen};
use crate::subscriber::{Subscriber, Username};
use crate::{ConsoleId, NasId, OperationId, Retry, SafeText, SubscriberId, Timestamp};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Where lifecycle operations begin and end: the local store, or the centre.
///
/// Every method is one durable transaction: when it returns, its effect survives a kill -9 (and, with synchronous=FULL, a power cut).
#[async_trait]
pub trait Authority: Send + Sync + 'static {
    /// Guards, writes the intent, takes the lease, opens the audit trail. Nothing has left the machine when this returns.
    async fn begin(&self, request: BeginOperation) -> Result<Begun, AuthorityError>;

    /// `begin`, and `step_started` of the first try, in one transaction if the authority can: then that try may leave at once. An operation
    /// that was there already is not touched. `first` may run on any thread and must not ask the authority.
    async fn begin_and_start(&self, request: BeginOperation, first: FirstTry) -> Result<Opened, AuthorityError> {
        drop(first);
        self.begin(request).await.map(Opened::Begun)
    }

    /// The subscriber, its NAS (that of the session, else the registered one) and the operation: read anew before each step.
    async fn context(&self, operation: OperationId) -> Result<Context, AuthorityError>;

    /// Journal: a try of a step is about to leave. Counts the attempt, sets enforcement to `requested` for a NAS step, renews the lease.
    async fn step_started(&self, step: StepStart) -> Result<(), AuthorityError>;

    /// Journal: the try ended. Stores the progress and, when the operation is to wait, status and time of the next try.
    async fn step_ended(&self, step: StepEnd) -> Result<(), AuthorityError>;

    /// Ends the operation: subscriber row, operation, audit record in one transaction; gives the lease back.
    /// The outcome may be turned into a failure by a constraint (overlap): what is returned is what was stored.
    async fn finish(&self, operation: OperationId, progress: Progress, ended: Ended) -> Result<Finished, AuthorityError>;

    /// `step_ended` and `finish` where nothing comes between them: in one transaction, if the authority can.
    async fn end_and_finish(&self, step: StepEnd, ended: Ended) -> Result<Finished, AuthorityError> {
        let (operation, progress) = (step.operation, step.progress.clone());
        self.step_ended(step).await?;
        self.finish(operation, progress, ended).await
    }

    /// Keeps the lease of a running or waiting operation; `LeaseLost` when another console has it.
    async fn renew(&self, operation: OperationId) -> Result<(), AuthorityError>;

    /// Open operations whose console is gone (lease over, or its process known to be dead); the lease is taken over for this console.
    async fn take_over(&self) -> Result<Vec<OperationId>, AuthorityError>;

    /// Ends an open operation that has had no effect yet (no step started, or only ones that are known to have done nothing).
    async fn cancel(&self, operation: OperationId, actor: Actor) -> Result<(), AuthorityError>;

    /// Revoked subscribers whose hold is over and whose prefix NetBox still has, at most `limit`.
    async fn rested(&self, limit: u32) -> Result<Vec<SubscriberId>, AuthorityError>;

    /// Ended allocations for which a late prefix may still land (`progress.watch`), each at most once a minute, until `unwatch`.
    async fn watched(&self, limit: u32) -> Result<Vec<OperationId>, AuthorityError>;

    /// The late prefix of a watched operation was found and put to rest, or the watch is over.
    async fn unwatch(&self, operation: OperationId, note: SafeText) -> Result<(), AuthorityError>;

    /// Adds what an exchange told of a NAS to its health (`NasHealth::after`). Not repeated after a lost answer: a count may be missing,
    /// none is doubled.
    async fn nas_health(&self, nas: NasId, seen: NasSeen) -> Result<(), AuthorityError>;
}

/// Where sessions are kept as accounting tells of them: the local store, or the centre. What is told proves what was asked of the network
/// (`lifecycle::observe`) in the same transaction as the session's row.
#[async_trait]
pub trait SessionBook: Send + Sync + 'static {
    /// Users whose NAS was asked and whose proof is awaited, by the end of their last operation, after `after`; at most `limit`.
    async fn awaiting(&self, after: Timestamp, limit: u32) -> Result<Vec<Awaiting>, AuthorityError>;

    /// Users whose session came from accounting, by the subscriber's id, after `after`; at most `limit`. An empty page is the end.
    async fn known(&self, after: Option<SubscriberId>, limit: u32) -> Result<Vec<(SubscriberId, Username)>, AuthorityError>;

    /// All that accounting has of some users now. The same again changes nothing. `proofs` by the key of the NAS profile.
    async fn told(&self, told: Vec<Told>, proofs: Arc<BTreeMap<String, Proofs>>) -> Result<Heard, AuthorityError>;
}

/// A user whose proof is awaited.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaiting {
    pub username: Username,
    /// The end of the operation.
    pub ended_at: Timestamp,
}

/// What came of what was told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heard {
    /// Sessions that were written, and those that ended.
    pub put: u32,
    pub ended: u32,
    /// Subscribers whose enforcement became `observed`.
    pub observed: u32,
    /// Users that are no subscribers here.
    pub strangers: u32,
    /// Addresses of NASes that are not registered, a few of them.
    pub unknown_nas: Vec<IpAddr>,
}

impl Heard {
    pub fn add(&mut self, other: Self) {
        self.put += other.put;
        self.ended += other.ended;
        self.observed += other.observed;
        self.strangers += other.strangers;
        for address in other.unknown_nas {
            if self.unknown_nas.len() < 20 && !self.unknown_nas.contains(&address) {
                self.unknown_nas.push(address);
            }
        }
    }
}

#[derive(Debug, Clone)]
pub struct BeginOperation {
    /// UUID v7 made by the caller; the same value twice is the same operation.
    pub id: OperationId,
    pub subscriber: SubscriberId,
    pub kind: OperationKind,
    pub actor: Actor,
    pub options: OperationOptions,
    pub expected_version: Option<i64>,
}

#[derive(Debug, Clone)]
pub enum Begun {
    Started(Box<Operation>),
    /// The subscriber is already there: no operation was made.
    AlreadyThere(Box<Subscriber>),
}

/// The first try of an operation that is just being begun; `None` leaves it to the caller.
pub type FirstTry = Arc<dyn Fn(&Context) -> Option<StepStart> + Send + Sync>;

/// The answer to `begin_and_start`.
#[derive(Debug, Clone)]
pub enum Opened {
    /// As `begin` answers: no try is in the journal.
    Begun(Begun),
    /// Begun, and this try is in the journal. The context is as it was before the try.
    Started(Box<(Context, StepStart)>),
}

#[derive(Debug, Clone)]
pub struct Context {
    pub operation: Operation,
    pub subscriber: Subscriber,
    pub nas: Option<Nas>,
}

#[derive(Debug, Clone)]
pub struct StepStart {
    pub operation: OperationId,
    pub step: StepKind,
    pub attempt: u32,
    pub upstream: SafeText,
    /// What is asked, in words; never a secret.
    pub request: SafeText,
    pub progress: Progress,
}

#[derive(Debug, Clone)]
pub struct StepEnd {
    pub operation: OperationId,
    pub step: StepKind,
    pub attempt: u32,
    pub status: StepStatus,
    pub answer: SafeText,
    pub progress: Progress,
    /// `Some` puts the operation to `waiting` until then, with the words why.
    pub wait: Option<(Timestamp, SafeText)>,
}

#[derive(Debug, Clone)]
pub struct Finished {
    pub operation: Operation,
    pub subscriber: Subscriber,
}

/// Why the authority did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthorityError {
    #[error("{}", crate::sentence::refusal(.0))]
    Refused(Refusal),
    #[error("there is no {what} {id}")]
    NotFound { what: &'static str, id: SafeText },
    #[error("operation {operation} is run by another console now")]
    LeaseLost { operation: OperationId },
    #[error("operation {operation} has ended already: {status}")]
    Ended { operation: OperationId, status: OperationStatus },
    #[error("operation {operation} can not be cancelled: {why}")]
    NotCancellable { operation: OperationId, why: SafeText },
    /// The store itself failed: full disk, read-only, damaged. `retry` says whether waiting may help.
    #[error("{message}")]
    Store { message: SafeText, retry: Retry },
}

impl AuthorityError {
    pub fn retry(&self) -> Retry {
        match self {
            Self::Refused(Refusal::Busy { .. } | Refusal::StaleVersion { .. } | Refusal::OnHold { .. }) => Retry::Later,
            Self::Refused(_) => Retry::AfterFix,
            Self::Store { retry, .. } => *retry,
            _ => Retry::Never,
        }
    }
}

/// Where time and identifiers come from; a test gives its own.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

/// Only to name the console in leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub owner: ConsoleId,
    pub seconds: u32,
}
