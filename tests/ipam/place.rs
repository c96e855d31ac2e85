//! An IPAM with two consoles at it.

use crate::support::centre::Central;
use crate::support::plan::At;
use futures::future::BoxFuture;
use ipnet::Ipv6Net;
use noctule_domain::ipam::{PoolPolicy, PoolRule, PrefixBook};
use noctule_domain::secret::Secret;
use noctule_domain::{ConsoleId, OperationId, SafeText, TenantId};
use noctule_network::ipam::{BuiltIn, BuiltInPool};
use noctule_network::netbox::{Netbox, NetboxConfig, PoolConfig, PoolRef};
use noctule_network::upstream::{AllocateAsk, Ipam};
use noctule_sim::netbox::{self as sim, DEFAULT_TOKEN, NetboxSim, SeedPrefix};
use noctule_storage::{OpenOptions, Store};
use std::sync::Arc;

pub struct Pool {
    pub prefix: &'static str,
    pub policy: PoolPolicy,
}

pub fn pool(prefix: &'static str, policy: PoolPolicy) -> Pool {
    Pool { prefix, policy }
}

pub fn net(text: &str) -> Ipv6Net {
    text.parse().unwrap()
}

pub fn operation() -> OperationId {
    OperationId::from_uuid(uuid::Uuid::now_v7())
}

pub fn ask() -> AllocateAsk {
    AllocateAsk {
        operation: operation(),
        pools: Vec::new(),
        prefix_len: Some(56),
        site: None,
        nas: None,
        subscriber_number: SafeText::new("S-1001"),
        username: SafeText::new("alice@example.net"),
        maybe_earlier: false,
    }
}

/// How a test comes to its place: pools and the rule.
pub type Make = fn(Vec<Pool>, PoolRule) -> BoxFuture<'static, Place>;

pub struct Place {
    /// Two consoles.
    pub one: Arc<dyn Ipam>,
    pub other: Arc<dyn Ipam>,
    _kept: Box<dyn std::any::Any + Send + Sync>,
}

pub fn open_store(path: &std::path::Path, tenant: TenantId) -> Store {
    let console = ConsoleId::from_uuid(uuid::Uuid::now_v7());
    Store::open(path, OpenOptions::new(console, tenant, Arc::new(At(chrono::Utc::now())), Arc::new(|_| None))).unwrap()
}

pub fn built_in(book: Arc<dyn PrefixBook>, pools: &[Pool], rule: PoolRule) -> Arc<dyn Ipam> {
    let pools = pools.iter().map(|p| BuiltInPool { prefix: net(p.prefix), vrf: None, description: "".into(), policy: p.policy.clone() });
    Arc::new(BuiltIn::new(book, pools.collect(), rule))
}

impl Place {
    pub fn netbox(pools: Vec<Pool>, rule: PoolRule) -> BoxFuture<'static, Place> {
        Box::pin(async move {
            let prefixes = pools.iter().map(|p| SeedPrefix::container(p.prefix)).collect();
            let sim = NetboxSim::start(sim::NetboxConfig { prefixes, ..Default::default() }).await.unwrap();
            let client = || {
                let parents = pools.iter().map(|p| PoolConfig::new(PoolRef::Prefix(net(p.prefix)), None, p.policy.clone())).collect();
                let mut config = NetboxConfig::new(sim.url(), Secret::new(DEFAULT_TOKEN), parents);
                config.rule = rule;
                Arc::new(Netbox::new(config).unwrap())
            };
            Place { one: client(), other: client(), _kept: Box::new(sim) }
        })
    }

    pub fn store(pools: Vec<Pool>, rule: PoolRule) -> BoxFuture<'static, Place> {
        Box::pin(async move {
            let folder = tempfile::tempdir().unwrap();
            let tenant = TenantId(uuid::Uuid::now_v7());
            let open = || open_store(&folder.path().join("noctule.db"), tenant);
            let (one, other) = (open(), open());
            Place { one: built_in(Arc::new(one), &pools, rule), other: built_in(Arc::new(other), &pools, rule), _kept: Box::new(folder) }
        })
    }

    pub fn centre(pools: Vec<Pool>, rule: PoolRule) -> BoxFuture<'static, Place> {
        Box::pin(async move {
            let tenant = TenantId(uuid::Uuid::now_v7());
            let now = chrono::Utc::now();
            let central = Central::new(tenant, now).await;
            let open = || {
                let desk = central.open(tenant, ConsoleId::from_uuid(uuid::Uuid::now_v7()), now, Arc::new(|_: &str| None));
                Arc::new(desk.authority)
            };
            let (one, other) = (open(), open());
            Place { one: built_in(one, &pools, rule), other: built_in(other, &pools, rule), _kept: Box::new(central.clone()) }
        })
    }
}
