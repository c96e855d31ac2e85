//! Which parent an allocation comes from, against a NetBox: sites, NASes, lengths, VRFs, tenants, the rule; and that a retried allocation
//! takes what an earlier try got from another parent.

use crate::common::*;
use noctule_domain::SafeText;
use noctule_domain::ipam::{PoolPolicy, PoolRule};
use noctule_network::netbox::{Netbox, PoolConfig, PoolRef, TenantRef};
use noctule_network::upstream::{AllocateAsk, Ipam, IpamError};
use noctule_sim::netbox::{self as sim, Fault, NetboxSim, On, SeedPrefix, SeedVrf, Version};

const SITE_A: &str = "2001:db8:a00::/40";
const SITE_B: &str = "2001:db8:b00::/40";
const EVERYBODY: &str = "2001:db8:c00::/40";

fn policy(sites: &[&str], lengths: &[u8]) -> PoolPolicy {
    let delegated_len = lengths.first().copied().unwrap_or(56);
    PoolPolicy { sites: sites.iter().map(|s| SafeText::new(s)).collect(), lengths: lengths.to_vec(), ..PoolPolicy::open(delegated_len) }
}

fn pool(id: i64, policy: PoolPolicy) -> PoolConfig {
    PoolConfig::new(PoolRef::Id(id), None, policy)
}

async fn three(version: Version) -> NetboxSim {
    let prefixes = [SITE_A, SITE_B, EVERYBODY].map(SeedPrefix::container).to_vec();
    let tenants = vec![("Example Fibre".to_owned(), "example-fibre".to_owned()), ("Other".to_owned(), "other".to_owned())];
    start_with(sim::NetboxConfig { version, prefixes, tenants, ..Default::default() }).await
}

fn with(sim: &NetboxSim, pools: Vec<PoolConfig>, rule: PoolRule) -> Netbox {
    let mut config = config(sim);
    config.pools = pools;
    config.rule = rule;
    Netbox::new(config).unwrap()
}

fn at(site: &str, len: Option<u8>) -> AllocateAsk {
    AllocateAsk { pools: Vec::new(), prefix_len: len, site: Some(SafeText::new(site)), ..ask(operation()) }
}

fn inside(pool: &str, prefix: ipnet::Ipv6Net) -> bool {
    net(pool).contains(&prefix)
}

#[tokio::test]
async fn a_subscriber_gets_from_the_pool_of_the_site_then_from_the_one_for_everybody() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = three(version).await;
        let pools = vec![pool(3, policy(&[], &[])), pool(1, policy(&["turku"], &[])), pool(2, policy(&["oulu"], &[60]))];
        let netbox = with(&sim, pools, PoolRule::InOrder);
        assert!(inside(SITE_A, netbox.allocate(&at("Turku", Some(56))).await.unwrap().prefix));
        assert!(inside(EVERYBODY, netbox.allocate(&at("vaasa", Some(56))).await.unwrap().prefix));
        let oulu = netbox.allocate(&at("oulu", None)).await.unwrap().prefix;
        assert!(inside(SITE_B, oulu) && oulu.prefix_len() == 60, "{oulu}: the pool's own length");
        assert!(inside(EVERYBODY, netbox.allocate(&at("oulu", Some(56))).await.unwrap().prefix), "the site's pool gives no /56");
        // Full: the next one serves.
        sim.fill(1, 48, 256 - 1).unwrap();
        assert!(inside(EVERYBODY, netbox.allocate(&at("turku", Some(48))).await.unwrap().prefix));
    }
}

#[tokio::test]
async fn when_none_serves_every_pool_says_why_and_nothing_is_asked() {
    let sim = three(Version::V4_6).await;
    let netbox = with(&sim, vec![pool(1, policy(&["oulu"], &[])), pool(2, policy(&["turku"], &[56]))], PoolRule::InOrder);
    let said = netbox.allocate(&at("turku", Some(60))).await.unwrap_err();
    let IpamError::Refused(words) = &said else { panic!("{said:?}") };
    assert!(
        words
            .as_str()
            .starts_with(&format!("no pool serves site turku with /60: {SITE_A} is for other sites or NASes; {SITE_B} gives /56 only")),
        "{words}"
    );
    assert!(!sim.events().iter().any(|e| e.method == "POST"));
}

#[tokio::test]
async fn the_emptiest_or_the_fullest_pool_is_asked_as_the_rule_says() {
    let sim = three(Version::V4_6).await;
    sim.fill(1, 56, 30).unwrap();
    sim.fill(2, 56, 10).unwrap();
    let pools = || (1..=3).map(|id| pool(id, policy(&[], &[]))).collect::<Vec<_>>();
    let spread = with(&sim, pools(), PoolRule::LeastUsed);
    for n in 0..15 {
        // Counted once, then by what this client made itself: the third fills up to the second, then they take turns.
        let made = spread.allocate(&at("x", None)).await.unwrap().prefix;
        assert!(inside(if n < 10 { EVERYBODY } else { made_in(made) }, made), "{n}: {made}");
        assert!(!inside(SITE_A, made));
    }
    assert_eq!(sim.events().iter().filter(|e| e.target.contains("within=")).count(), 3, "each pool is counted once");
    let fill = with(&sim, pools(), PoolRule::Fill);
    assert!(inside(SITE_A, fill.allocate(&at("x", None)).await.unwrap().prefix));
}

fn made_in(prefix: ipnet::Ipv6Net) -> &'static str {
    if inside(SITE_B, prefix) { SITE_B } else { EVERYBODY }
}

#[tokio::test]
async fn a_pool_named_by_the_operation_wins_over_the_site_but_not_over_lengths_and_vrf() {
    let vrf = SeedVrf { name: "cust-a".into(), rd: "65000:1".into(), enforce_unique: true };
    let mut foreign = SeedPrefix::container(EVERYBODY);
    foreign.vrf = Some(1);
    let prefixes = vec![SeedPrefix::container(SITE_A), SeedPrefix::container(SITE_B), foreign];
    let sim = start_with(sim::NetboxConfig { prefixes, vrfs: vec![vrf], ..Default::default() }).await;
    let netbox = with(&sim, vec![pool(1, policy(&["oulu"], &[56]))], PoolRule::InOrder);
    let named = |id, len| AllocateAsk { pools: vec![id], ..at("turku", Some(len)) };
    assert!(inside(SITE_A, netbox.allocate(&named(1, 56)).await.unwrap().prefix));
    assert!(inside(SITE_B, netbox.allocate(&named(2, 56)).await.unwrap().prefix), "not configured, same table");
    let said = netbox.allocate(&named(1, 60)).await.unwrap_err();
    assert!(matches!(&said, IpamError::Refused(w) if w.as_str().contains("gives /56 only")), "{said:?}");
    let said = netbox.allocate(&named(3, 56)).await.unwrap_err();
    assert!(matches!(&said, IpamError::Refused(w) if w.as_str().contains("is in VRF 1")), "{said:?}");
    assert_eq!(sim.count(), 5);
}

#[tokio::test]
async fn a_retry_adopts_what_an_earlier_try_got_from_another_parent() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = three(version).await;
        let pools = || vec![pool(1, policy(&[], &[])), pool(2, policy(&[], &[]))];
        let mut ask = at("x", None);
        sim.script(On::Allocations, [Fault::CloseAfter]);
        assert!(matches!(with(&sim, pools(), PoolRule::InOrder).allocate(&ask).await, Err(IpamError::Unclear(_))));
        let stored = sim.with_operation(&ask.operation.to_string()).remove(0);
        assert!(inside(SITE_A, stored.prefix));
        // Meanwhile the first pool is the fuller one: the rule would ask the second now.
        let other = with(&sim, pools(), PoolRule::LeastUsed);
        ask.maybe_earlier = true;
        let told = other.allocate(&ask).await.unwrap();
        assert_eq!((told.id, told.adopted), (stored.id, true));
        // The same when nobody remembers the first try: the unique field says so, for all parents.
        ask.maybe_earlier = false;
        assert_eq!(other.allocate(&ask).await.unwrap().id, stored.id);
        assert_eq!(sim.count(), 4);
    }
}

#[tokio::test]
async fn prefixes_belong_to_the_tenant_of_the_pool_and_one_of_another_is_not_adopted() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = three(version).await;
        let of = |tenant: TenantRef| {
            let mut one = pool(1, policy(&[], &[]));
            one.tenant = Some(tenant);
            with(&sim, vec![one], PoolRule::InOrder)
        };
        for tenant in ["example-fibre", "1"] {
            let made = of(TenantRef::parse(tenant)).allocate(&at("x", None)).await.unwrap();
            assert_eq!(sim.prefix(made.id).unwrap().tenant, Some(1));
        }
        let ask = at("x", None);
        of(TenantRef::Id(2)).allocate(&ask).await.unwrap();
        let said = of(TenantRef::Id(1)).allocate(&ask).await.unwrap_err();
        assert!(matches!(&said, IpamError::NotAsAsked(w) if w.as_str().contains("the NetBox tenant other (2), not to 1")), "{said:?}");
        // One that NetBox does not have: refused by NetBox, named by the check.
        let wrong = of(TenantRef::parse("nobody"));
        assert!(matches!(wrong.allocate(&at("x", None)).await, Err(IpamError::Refused(_))));
        let problems = wrong.check().await.unwrap().pool_problems;
        assert!(problems.len() == 1 && problems[0].as_str().contains("tenant nobody is not in NetBox"), "{problems:?}");
        assert!(of(TenantRef::Id(1)).check().await.unwrap().is_well());
    }
}

#[tokio::test]
async fn the_check_names_overlapping_parents_and_lengths_that_do_not_fit() {
    let prefixes = vec![SeedPrefix::container("2001:db8:a00::/40"), SeedPrefix::container("2001:db8:a00::/50")];
    let sim = start_with(sim::NetboxConfig { prefixes, ..Default::default() }).await;
    let netbox = with(&sim, vec![pool(1, policy(&[], &[])), pool(2, policy(&[], &[56, 48]))], PoolRule::InOrder);
    let problems: Vec<String> = netbox.check().await.unwrap().pool_problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("no /48 can be delegated from pool 2"), "{problems:?}");
    assert!(problems[1].contains("pool 1 (2001:db8:a00::/40) and pool 2 (2001:db8:a00::/50) overlap"), "{problems:?}");
}
