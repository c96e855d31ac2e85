//! The built-in IPAM's book in the centre, before the centre is known too: until the gate is open every call is answered with "later".

use super::link::Central;
use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::ipam::{BookAsk, BookParent, BookPool, BookPrefix, Changed, PrefixBook, PrefixStatus, Taken};
use noctule_domain::ports::AuthorityError;
use noctule_domain::{OperationId, Retry, Timestamp};
use noctule_sync::authority::CentralAuthority;
use std::sync::Arc;

pub struct CentralBook(pub Arc<Central>);

impl CentralBook {
    fn through(&self) -> Result<CentralAuthority, AuthorityError> {
        self.0.authority().ok_or_else(|| AuthorityError::Store {
            message: "the centre is not connected yet, and it keeps the prefixes of the built-in IPAM; try again in a moment".into(),
            retry: Retry::Later,
        })
    }
}

#[async_trait]
impl PrefixBook for CentralBook {
    async fn parents(&self, parents: Vec<BookParent>) -> Result<Vec<BookPool>, AuthorityError> {
        self.through()?.parents(parents).await
    }
    async fn take(&self, ask: BookAsk) -> Result<Taken, AuthorityError> {
        self.through()?.take(ask).await
    }
    async fn by_operation(&self, operation: OperationId) -> Result<Option<BookPrefix>, AuthorityError> {
        self.through()?.by_operation(operation).await
    }
    async fn by_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<Option<BookPrefix>, AuthorityError> {
        self.through()?.by_prefix(prefix, vrf).await
    }
    async fn set_status(
        &self,
        id: i64,
        expect: Ipv6Net,
        status: PrefixStatus,
        hold_until: Option<Timestamp>,
    ) -> Result<Changed, AuthorityError> {
        self.through()?.set_status(id, expect, status, hold_until).await
    }
    async fn release(&self, id: i64, expect: Ipv6Net, operation: OperationId) -> Result<Changed, AuthorityError> {
        self.through()?.release(id, expect, operation).await
    }
}
