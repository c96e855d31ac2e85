//! The built-in IPAM's book in the centre, and what all consoles know of pools. A call whose answer was lost is made again: what an operation
//! took is found by its id.

use super::answer::{garbled, part};
use super::central::CentralAuthority;
use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::ipam::{BookAsk, BookParent, BookPool, BookPrefix, Changed, Fit, Pool, PrefixBook, PrefixStatus, Sample, Taken};
use noctule_domain::ports::AuthorityError;
use noctule_domain::{OperationId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What the centre keeps of a pool beside its row.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Told {
    pub history: Vec<Sample>,
    pub fits: Vec<Fit>,
}

impl CentralAuthority {
    /// Adds a look at the pools to the history that all consoles share.
    pub async fn pools_seen(&self, pools: &[Pool]) -> Result<(), AuthorityError> {
        let seen: Vec<Value> = pools
            .iter()
            .map(|pool| {
                let sample = pool.sample();
                let capped = |n: u64| n.min(i64::MAX as u64);
                json!({ "id": pool.id, "at": sample.at, "used": capped(sample.used), "capacity": capped(sample.capacity), "fits": pool.fits })
            })
            .collect();
        self.done("pools_seen", &[&Value::Array(seen)]).await
    }

    /// The history of the pools, by their ids.
    pub async fn pools_told(&self) -> Result<HashMap<i64, Told>, AuthorityError> {
        part(self.ask("pools_told", &[]).await?, "pools")
    }
}

#[async_trait]
impl PrefixBook for CentralAuthority {
    async fn parents(&self, parents: Vec<BookParent>) -> Result<Vec<BookPool>, AuthorityError> {
        let parents = serde_json::to_value(parents).map_err(|error| garbled(&error))?;
        part(self.ask("ipam_pools", &[&parents]).await?, "pools")
    }

    async fn take(&self, ask: BookAsk) -> Result<Taken, AuthorityError> {
        let ask = serde_json::to_value(ask).map_err(|error| garbled(&error))?;
        part(self.ask("ipam_take", &[&ask]).await?, "taken")
    }

    async fn by_operation(&self, operation: OperationId) -> Result<Option<BookPrefix>, AuthorityError> {
        part(self.ask("ipam_find", &[&Some(operation.0), &None::<String>, &None::<i64>]).await?, "found")
    }

    async fn by_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<Option<BookPrefix>, AuthorityError> {
        let args = (None::<uuid::Uuid>, Some(prefix.trunc().to_string()), Some(vrf.unwrap_or(0)));
        part(self.ask("ipam_find", &[&args.0, &args.1, &args.2]).await?, "found")
    }

    async fn set_status(
        &self,
        id: i64,
        expect: Ipv6Net,
        status: PrefixStatus,
        hold_until: Option<Timestamp>,
    ) -> Result<Changed, AuthorityError> {
        part(self.ask("ipam_status", &[&id, &expect.to_string(), &status.word(), &hold_until]).await?, "changed")
    }

    async fn release(&self, id: i64, expect: Ipv6Net, operation: OperationId) -> Result<Changed, AuthorityError> {
        part(self.ask("ipam_release", &[&id, &expect.to_string(), &operation.0]).await?, "changed")
    }
}
