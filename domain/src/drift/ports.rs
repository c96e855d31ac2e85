//! The subscriber rows as a check reads them: page after page, each page a snapshot of its own, so that a check of hours holds nothing.

use super::DriftRow;
use crate::subscriber::Username;
use crate::{OperationId, Retry, SafeText, SubscriberId};
use async_trait::async_trait;
use ipnet::Ipv6Net;

#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct RowsError {
    pub message: SafeText,
    pub retry: Retry,
}

#[async_trait]
pub trait DriftRows: Send + Sync + 'static {
    /// Rows that name an object of NetBox, by its id. Without sessions and profiles.
    async fn by_netbox(&self, after: i64, limit: u32) -> Result<Vec<DriftRow>, RowsError>;

    /// All rows in the order of user names (`join::name_order`).
    async fn by_name(&self, after: Option<Username>, limit: u32) -> Result<Vec<DriftRow>, RowsError>;

    /// The row as it is now.
    async fn row(&self, id: SubscriberId) -> Result<Option<DriftRow>, RowsError>;

    /// The row of exactly this user name.
    async fn named(&self, username: Username) -> Result<Option<DriftRow>, RowsError>;

    /// Which rows hold one of these: the object by its id, or (rows without one) the live prefix by its value. At most a page of them.
    async fn holders(&self, objects: Vec<(i64, Ipv6Net, Option<i64>)>) -> Result<Vec<(i64, DriftRow)>, RowsError>;

    /// True while the operation is open, or a late answer to it is still waited for: what carries its id has no owner yet.
    async fn at_work(&self, operation: OperationId) -> Result<bool, RowsError>;

    /// How many rows there are, for the progress.
    async fn count(&self) -> Result<u64, RowsError>;
}
