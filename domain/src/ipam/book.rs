//! The built-in IPAM's memory: which prefixes are given out of which parents. The local store keeps it, or the centre for all consoles; each
//! call is one transaction. An operation id has one prefix by construction.

use super::PrefixStatus;
use crate::ports::AuthorityError;
use crate::{OperationId, SafeText, Timestamp};
use async_trait::async_trait;
use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};

#[async_trait]
pub trait PrefixBook: Send + Sync + 'static {
    /// These parents, in this order, with what is used and free of them. One that is new is begun: live prefixes of subscribers in it are
    /// taken from the start.
    async fn parents(&self, parents: Vec<BookParent>) -> Result<Vec<BookPool>, AuthorityError>;

    /// The lowest free place in `ask.parent`; what the operation has already, when it has one.
    async fn take(&self, ask: BookAsk) -> Result<Taken, AuthorityError>;

    async fn by_operation(&self, operation: OperationId) -> Result<Option<BookPrefix>, AuthorityError>;

    async fn by_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<Option<BookPrefix>, AuthorityError>;

    /// Already so is `Done`.
    async fn set_status(
        &self,
        id: i64,
        expect: Ipv6Net,
        status: PrefixStatus,
        hold_until: Option<Timestamp>,
    ) -> Result<Changed, AuthorityError>;

    /// Frees what is deprecated, or was taken by this operation.
    async fn release(&self, id: i64, expect: Ipv6Net, operation: OperationId) -> Result<Changed, AuthorityError>;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookParent {
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookPool {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
    pub used: u64,
    /// Free blocks: length and how many.
    pub blocks: Vec<(u8, u64)>,
    /// Why nothing is given from it: it overlaps another parent.
    #[serde(default)]
    pub trouble: Option<SafeText>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookAsk {
    pub operation: OperationId,
    pub parent: BookParent,
    pub len: u8,
    pub subscriber: SafeText,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookPrefix {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
    pub status: PrefixStatus,
    pub operation: Option<OperationId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    New(BookPrefix),
    /// An earlier try of the operation had taken it.
    Earlier(BookPrefix),
    NoRoom,
    /// Nothing is given from this parent.
    Refused(SafeText),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    Done,
    Gone,
    /// The id is another prefix's.
    Other(Ipv6Net),
    /// In use, and not by this operation.
    InUse(PrefixStatus),
}
