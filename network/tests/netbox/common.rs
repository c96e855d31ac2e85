//! A simulated NetBox with a client, and short forms for asking it.

use ipnet::Ipv6Net;
use noctule_domain::ipam::PrefixStatus;
use noctule_domain::secret::Secret;
use noctule_domain::{OperationId, SafeText};
use noctule_network::netbox::{Netbox, NetboxConfig, PoolConfig, Timeouts};
use noctule_network::upstream::{AllocateAsk, Allocation, StatusChange};
use noctule_sim::netbox::{self as sim, DEFAULT_TOKEN, NetboxSim, SeedPrefix, Version};
use std::time::Duration;

pub const POOL: &str = "2001:db8:100::/40";

pub fn net(text: &str) -> Ipv6Net {
    text.parse().unwrap()
}

pub fn operation() -> OperationId {
    OperationId::from_uuid(uuid::Uuid::now_v7())
}

pub async fn start(version: Version) -> NetboxSim {
    start_with(sim::NetboxConfig { version, prefixes: vec![SeedPrefix::container(POOL)], ..Default::default() }).await
}

pub async fn start_with(config: sim::NetboxConfig) -> NetboxSim {
    NetboxSim::start(config).await.unwrap()
}

pub fn config(sim: &NetboxSim) -> NetboxConfig {
    let mut config = NetboxConfig::new(sim.url(), Secret::new(DEFAULT_TOKEN), vec![PoolConfig::id(1, None, 56)]);
    config.tag = Some("noctule".to_owned());
    config.timeouts = Timeouts { connect: Duration::from_secs(5), read: Duration::from_secs(30), allocate: Duration::from_secs(30) };
    config
}

pub fn client(sim: &NetboxSim) -> Netbox {
    Netbox::new(config(sim)).unwrap()
}

/// A client that gives up soon, for faults that delay.
pub fn hasty(sim: &NetboxSim, patience: Duration) -> Netbox {
    let mut config = config(sim);
    config.timeouts = Timeouts { connect: Duration::from_secs(2), read: patience, allocate: patience };
    Netbox::new(config).unwrap()
}

pub fn ask(operation: OperationId) -> AllocateAsk {
    AllocateAsk {
        operation,
        pools: vec![1],
        prefix_len: Some(56),
        site: None,
        nas: None,
        subscriber_number: SafeText::new("S-1001"),
        username: SafeText::new("alice@example.net"),
        maybe_earlier: false,
    }
}

pub fn to(allocation: &Allocation, status: PrefixStatus, operation: OperationId) -> StatusChange {
    StatusChange { id: allocation.id, expect: allocation.prefix, status, hold_until: None, operation }
}
