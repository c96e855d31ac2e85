//! NetBox behind the `Ipam` port: what the executor sees.

use super::client::Netbox;
use super::error::{Doing, NetboxError};
use super::remote::RemotePrefix;
use crate::upstream::{AllocateAsk, Allocation, Ipam, IpamError, PutBack, StatusChange};
use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::ipam::Pool;
use noctule_domain::{OperationId, SafeText};

#[async_trait]
impl Ipam for Netbox {
    async fn allocate(&self, ask: &AllocateAsk) -> Result<Allocation, IpamError> {
        Ok(self.allocate_once(ask).await?)
    }

    async fn find_by_operation(&self, operation: OperationId) -> Result<Option<Allocation>, IpamError> {
        Ok(self.look_up(operation).await?.map(found).transpose()?)
    }

    async fn find_by_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<Option<Allocation>, IpamError> {
        Ok(self.look_up_prefix(Doing::LookUp, prefix.trunc(), vrf).await?.map(found).transpose()?)
    }

    async fn set_status(&self, change: &StatusChange) -> Result<(), IpamError> {
        Ok(self.change_status(change).await?)
    }

    async fn put_back(&self, back: &PutBack) -> Result<(), IpamError> {
        Ok(self.put_it_back(back).await?)
    }

    async fn delete(&self, id: i64, expect: Ipv6Net, operation: OperationId) -> Result<(), IpamError> {
        Ok(self.delete_rested(id, expect, operation).await?)
    }

    async fn pools(&self) -> Result<Vec<Pool>, IpamError> {
        Ok(self.all_pools().await?)
    }
}

fn found(prefix: RemotePrefix) -> Result<Allocation, NetboxError> {
    prefix.allocation(true).ok_or_else(|| {
        let what = SafeText::bounded(&format!("has the status {}, which Noctule does not know", prefix.status_word), 200);
        NetboxError::NotAsAsked { id: prefix.id, prefix: prefix.prefix, what }
    })
}
