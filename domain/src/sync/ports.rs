//! What the sync asks of the local side. The store implements it; the sync never knows SQLite.

use super::{Answer, Checksum, Op, Outbox, Position, Rows, Table};
use crate::{OpId, Retry, SafeText, Timestamp};
use async_trait::async_trait;
use uuid::Uuid;

/// What changed in the centre since the last read, all tables, as one read saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Increment {
    /// Rows as they are now, packed; tables in the order of `TABLES`. Bounded batches: the caller splits what is large.
    pub rows: Vec<Rows>,
    /// Rows that are gone, or not for this operator any more.
    pub gone: Vec<(Table, Vec<Uuid>)>,
    /// Where the copy stands when this is applied. `None` for all but the last batch of a large increment: applied again after a crash it does no harm.
    pub position: Option<Position>,
}

/// An op with the centre's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    pub op: OpId,
    pub answer: Answer,
    /// The centre's transaction in which it was applied: the change stays laid over what is read until a read has seen that transaction.
    pub xid: Option<u64>,
    pub at: Timestamp,
}

/// How far a whole copy under way has come: what was copied durably before the program or the line was cut.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyPoint {
    /// Where the copy began: the feed is read from here when all tables are there.
    pub began: Position,
    /// Tables that are complete, and the last id of the one under way (rows travel in the order of their ids).
    pub done: Vec<Table>,
    pub under_way: Option<(Table, Uuid)>,
    pub rows: u64,
}

/// The local cache and its outbox.
#[async_trait]
pub trait Replica: Send + Sync + 'static {
    /// Where the copy stands; `None` when there is none.
    async fn position(&self) -> Result<Option<Position>, ReplicaError>;

    /// A copy that was cut short, if its history and rights are those of `like`; an unusable one is thrown away.
    async fn copy_point(&self, like: &Position) -> Result<Option<CopyPoint>, ReplicaError>;

    /// Begins a copy in a file of its own (or goes on with the one at its `copy_point`). What is shown now stays until it is complete.
    async fn copy(&self, began: &Position) -> Result<Box<dyn LocalCopy>, ReplicaError>;

    /// Applies changes in one transaction, or in several small ones of which the last holds the position.
    async fn apply(&self, increment: Increment) -> Result<(), ReplicaError>;

    /// Sums over the ranges between `bounds` (ascending, the last one included in none): below the first, between two, from the last on.
    async fn sums(&self, table: Table, bounds: &[Uuid]) -> Result<Vec<Checksum>, ReplicaError>;

    /// Ids of `table` in `from..to` (`None`: open end), for healing a range that differs.
    async fn ids(&self, table: Table, from: Option<Uuid>, to: Option<Uuid>) -> Result<Vec<Uuid>, ReplicaError>;

    /// The oldest ops that the centre has not taken, in their order.
    async fn unsent(&self, limit: u32) -> Result<Vec<Op>, ReplicaError>;

    /// Stores answers; durable when it returns. Collisions and refusals become visible as conflicts.
    async fn answered(&self, answers: Vec<Answered>) -> Result<(), ReplicaError>;

    async fn outbox(&self) -> Result<Outbox, ReplicaError>;

    /// Waits until there may be something unsent.
    async fn wait_unsent(&self);
}

/// A copy under way. Dropped: what was made durable stays for the next try.
#[async_trait]
pub trait LocalCopy: Send {
    /// Rows of one table, in the order of their ids. Bounded work ahead: waits while the disk is behind.
    async fn rows(&mut self, rows: Rows) -> Result<(), ReplicaError>;

    /// The table is complete.
    async fn table_done(&mut self, table: Table) -> Result<(), ReplicaError>;

    /// All tables are there: builds indexes (telling how far, 0 to 100), makes it durable, puts it in the place of the old cache.
    async fn finish(self: Box<Self>, percent: &(dyn Fn(u8) + Send + Sync)) -> Result<(), ReplicaError>;
}

/// What can fail on the local side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaError {
    #[error("{message}")]
    Store { message: SafeText, retry: Retry },
    /// What came does not fit the local schema: a row of another shape, a value out of range.
    #[error("the centre sent something that does not fit here: {0}")]
    DoesNotFit(SafeText),
    /// Another process of this machine syncs this cache now.
    #[error("another console on this machine syncs this cache")]
    NotLeader,
}

impl ReplicaError {
    pub fn retry(&self) -> Retry {
        match self {
            Self::Store { retry, .. } => *retry,
            Self::DoesNotFit(_) => Retry::AfterFix,
            Self::NotLeader => Retry::Later,
        }
    }
}
