//! A NetBox that is configured and can not be used: no token, a file that others can read, a bad URL. Every call says why, and that nothing
//! left this machine: operations stop in words or wait, and nothing is taken for done that NetBox was not asked.

use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::ipam::Pool;
use noctule_domain::{OperationId, SafeText};
use noctule_network::upstream::{AllocateAsk, Allocation, Ipam, IpamError, StatusChange};

pub(super) struct Unusable(pub SafeText);

impl Unusable {
    fn said<T>(&self) -> Result<T, IpamError> {
        Err(IpamError::Unreachable(self.0.clone()))
    }
}

#[async_trait]
impl Ipam for Unusable {
    async fn allocate(&self, _: &AllocateAsk) -> Result<Allocation, IpamError> {
        self.said()
    }

    async fn find_by_operation(&self, _: OperationId) -> Result<Option<Allocation>, IpamError> {
        self.said()
    }

    async fn find_by_prefix(&self, _: Ipv6Net, _: Option<i64>) -> Result<Option<Allocation>, IpamError> {
        self.said()
    }

    async fn set_status(&self, _: &StatusChange) -> Result<(), IpamError> {
        self.said()
    }

    async fn delete(&self, _: i64, _: Ipv6Net, _: OperationId) -> Result<(), IpamError> {
        self.said()
    }

    async fn pools(&self) -> Result<Vec<Pool>, IpamError> {
        self.said()
    }
}
