//! What NetBox holds of this world: the container, the pools, and one prefix for each subscriber that has one.

use super::World;
use super::layout::{DELEGATED, PARENTS};
use super::subscribers::subscriber_number;
use ipnet::Ipv6Net;
use noctule_domain::ipam::{Pool, PrefixStatus};
use noctule_domain::lifecycle::Ipv6State;
use noctule_domain::{OperationId, SafeText, Timestamp};
use std::net::Ipv6Addr;

/// A prefix as NetBox has to hold it.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldPrefix {
    /// NetBox id; ids run from 1 without a gap, in the order of `netbox_seed`.
    pub id: i64,
    pub prefix: Ipv6Net,
    pub status: PrefixStatus,
    pub description: SafeText,
    pub is_pool: bool,
    /// `None` for the container and the pools.
    pub owner: Option<PrefixOwner>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PrefixOwner {
    pub operation: OperationId,
    pub subscriber_number: SafeText,
    pub hold_until: Option<Timestamp>,
}

impl World {
    /// The parents from which prefixes are delegated, in the order in which they are tried: the one with room comes last.
    pub fn pools(&self) -> Vec<Pool> {
        let plans = self.layout.pools.iter().enumerate();
        plans
            .map(|(i, plan)| Pool {
                id: i as i64 + 2,
                prefix: plan.prefix,
                vrf: None,
                status: PrefixStatus::Container,
                description: SafeText::new(plan.title),
                delegated_len: DELEGATED,
                used: plan.used,
                seen_at: self.config.now,
                fits: Vec::new(),
                history: Vec::new(),
                thresholds: Default::default(),
            })
            .collect()
    }

    /// The parents as they may have been so many days ago: each grows at a rate of its own.
    pub fn pools_before(&self, days: u32) -> Vec<Pool> {
        let mut pools = self.pools();
        for (place, pool) in pools.iter_mut().enumerate() {
            let rate = pool.capacity() / (350 + 200 * place as u64) + 1;
            let wobble = u64::from(days * 7 % 5) * rate / 7;
            pool.used = pool.used.saturating_sub(rate * u64::from(days)).saturating_sub(if days == 0 { 0 } else { wobble });
            pool.seen_at -= chrono::Duration::days(days.into());
        }
        pools
    }

    /// Every prefix that NetBox has to hold, by id: the container, the pools, the delegations. Made one by one.
    pub fn netbox_seed(&self) -> impl Iterator<Item = WorldPrefix> + '_ {
        let container = WorldPrefix {
            id: 1,
            prefix: Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
            status: PrefixStatus::Container,
            description: "Noctule demo provider".into(),
            is_pool: false,
            owner: None,
        };
        let pools = self.pools().into_iter().map(|pool| WorldPrefix {
            id: pool.id,
            prefix: pool.prefix,
            status: PrefixStatus::Container,
            description: pool.description,
            is_pool: true,
            owner: None,
        });
        std::iter::once(container).chain(pools).chain((0..self.layout.holding).filter_map(|rank| self.delegation(rank)))
    }

    pub fn netbox_count(&self) -> u64 {
        PARENTS + self.layout.holding
    }

    fn delegation(&self, rank: u64) -> Option<WorldPrefix> {
        let index = self.layout.index_of_rank(rank);
        let subscriber = self.subscriber(index)?;
        let ipv6 = &subscriber.ipv6;
        let status = match ipv6.state {
            Ipv6State::Allocated => PrefixStatus::Reserved,
            Ipv6State::Revoked => PrefixStatus::Deprecated,
            _ => PrefixStatus::Active,
        };
        Some(WorldPrefix {
            id: ipv6.netbox_prefix_id?,
            prefix: ipv6.prefix?,
            status,
            description: SafeText::new(&format!("{} {}", subscriber_number(index + 1), subscriber.username)),
            is_pool: false,
            owner: Some(PrefixOwner {
                operation: self.common().operation(index, ipv6.allocated_at.unwrap_or(subscriber.created_at)),
                subscriber_number: subscriber.subscriber_number,
                hold_until: ipv6.hold_until,
            }),
        })
    }
}

impl From<WorldPrefix> for crate::netbox::SeedPrefix {
    /// Seeded in the order of `netbox_seed`, an empty simulated NetBox gives each the id that it has here.
    fn from(p: WorldPrefix) -> Self {
        let (operation_id, subscriber_id, hold_until) = match p.owner {
            None => (None, None, None),
            Some(owner) => (
                Some(owner.operation.to_string()),
                Some(owner.subscriber_number.into_string()),
                owner.hold_until.map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            ),
        };
        Self {
            prefix: p.prefix.to_string(),
            status: p.status.word().to_owned(),
            description: p.description.into_string(),
            tags: vec!["noctule".to_owned()],
            operation_id,
            subscriber_id,
            hold_until,
            is_pool: p.is_pool,
            ..Self::default()
        }
    }
}
