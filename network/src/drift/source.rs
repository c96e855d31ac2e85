//! Where the prefixes are read: NetBox, or another IPAM.

use crate::upstream::IpamError;
use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::drift::NetboxRow;
use noctule_domain::{OperationId, Timestamp};

/// A pool to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Parent {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
    /// How many children it has, for the progress.
    pub children: u64,
}

/// Every answer is complete and what was asked for, or an error.
#[async_trait]
pub trait PrefixSource: Send + Sync + 'static {
    /// All configured pools; one that can not be read is an error, as all in it would look gone.
    async fn parents(&self) -> Result<Vec<Parent>, IpamError>;

    /// Objects strictly inside `parent` with an id above `after`, by id, at most `limit`; fewer than that is the end.
    async fn page(&self, parent: &Parent, after: i64, limit: usize) -> Result<Vec<NetboxRow>, IpamError>;

    /// Those of these that there are.
    async fn by_ids(&self, ids: &[i64]) -> Result<Vec<NetboxRow>, IpamError>;

    async fn by_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<Vec<NetboxRow>, IpamError>;

    async fn by_operation(&self, operation: OperationId) -> Result<Vec<NetboxRow>, IpamError>;

    /// Ids of objects that were changed or deleted since; `None` when that is too much to tell.
    async fn changed_since(&self, since: Timestamp) -> Result<Option<Vec<i64>>, IpamError>;
}
