//! Nothing goes wrong here: allocate, activate, rest, delete, look up, count, scan; on both versions.

use crate::common::*;
use futures::TryStreamExt;
use noctule_domain::ipam::PrefixStatus;
use noctule_network::netbox::RemotePrefix;
use noctule_network::upstream::{Ipam, IpamError};
use noctule_sim::netbox::{SeedPrefix, Version};

#[tokio::test]
async fn a_prefix_lives_from_allocation_to_deletion_on_both_versions() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = start(version).await;
        let netbox = client(&sim);
        let op = operation();
        let made = netbox.allocate(&ask(op)).await.unwrap();
        assert_eq!((made.prefix, made.status, made.adopted), (net("2001:db8:100::/56"), PrefixStatus::Reserved, false));
        let stored = sim.prefix(made.id).unwrap();
        assert_eq!(stored.operation_id.as_deref(), Some(op.to_string().as_str()));
        assert_eq!(stored.subscriber_id.as_deref(), Some("S-1001"));
        assert_eq!(stored.description, "subscriber S-1001 (alice@example.net)");
        assert_eq!(sim.changelog(made.id), [("create", format!("allocated by noctule operation {op}"))]);

        netbox.set_status(&to(&made, PrefixStatus::Active, op)).await.unwrap();
        assert_eq!(sim.prefix(made.id).unwrap().status, "active");
        assert_eq!(
            netbox.find_by_operation(op).await.unwrap().map(|a| (a.id, a.status, a.adopted)),
            Some((made.id, PrefixStatus::Active, true))
        );
        assert_eq!(netbox.find_by_prefix(made.prefix, None).await.unwrap().map(|a| a.id), Some(made.id));

        let revoke = operation();
        let mut rest = to(&made, PrefixStatus::Deprecated, revoke);
        rest.hold_until = Some("2026-11-24T05:00:00Z".parse().unwrap());
        netbox.set_status(&rest).await.unwrap();
        let resting = sim.prefix(made.id).unwrap();
        assert_eq!((resting.status, resting.hold_until.as_deref()), ("deprecated", Some("2026-11-24T05:00:00Z")));
        assert_eq!(resting.operation_id.as_deref(), Some(op.to_string().as_str()), "the id stays on it");
        // Said again, nothing is written.
        let writes = sim.events().iter().filter(|e| e.method == "PATCH").count();
        netbox.set_status(&rest).await.unwrap();
        assert_eq!(sim.events().iter().filter(|e| e.method == "PATCH").count(), writes);

        let release = operation();
        netbox.delete(made.id, made.prefix, release).await.unwrap();
        assert!(sim.prefix(made.id).is_none());
        netbox.delete(made.id, made.prefix, release).await.unwrap();
        assert_eq!(sim.changelog(made.id).last().unwrap().1, format!("released by noctule operation {release}"));
        assert_eq!(netbox.find_by_operation(op).await.unwrap(), None);
    }
}

#[tokio::test]
async fn asking_again_with_the_same_id_adopts() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = start(version).await;
        let netbox = client(&sim);
        let mut ask = ask(operation());
        let first = netbox.allocate(&ask).await.unwrap();
        for maybe_earlier in [false, true] {
            ask.maybe_earlier = maybe_earlier;
            let again = netbox.allocate(&ask).await.unwrap();
            assert_eq!((again.id, again.prefix, again.adopted), (first.id, first.prefix, true));
        }
        // With other parameters it is no longer the same request.
        ask.prefix_len = Some(60);
        let said = netbox.allocate(&ask).await.unwrap_err();
        assert!(matches!(&said, IpamError::NotAsAsked(words) if words.as_str().contains("ALARM")), "{said:?}");
        assert_eq!(sim.count(), 2);
    }
}

#[tokio::test]
async fn pools_are_counted_in_their_own_vrf_and_read_whole() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = start(version).await;
        for i in 0..1203u128 {
            let prefix = format!("{}/56", std::net::Ipv6Addr::from(u128::from(net(POOL).network()) + (i << 72)));
            sim.add_prefix(&SeedPrefix::delegated(&prefix, "active", &format!("op-{i}"), "x")).unwrap();
        }
        sim.add_prefix(&SeedPrefix { vrf: Some(7), ..SeedPrefix::delegated("2001:db8:100::/56", "active", "other", "x") }).unwrap();
        let netbox = client(&sim);
        let pools = netbox.pools().await.unwrap();
        assert_eq!(pools.iter().map(|p| (p.id, p.used, p.delegated_len)).collect::<Vec<_>>(), [(1, 1203, 56)]);
        let seen: Vec<RemotePrefix> = netbox.scan(net(POOL), None).await.unwrap().try_collect().await.unwrap();
        assert_eq!(seen.len(), 1203);
        assert!(seen.windows(2).all(|w| w[0].id < w[1].id));
        assert_eq!(seen[17].operation_id.as_ref().map(|o| o.as_str()), Some("op-17"));
    }
}

#[tokio::test]
async fn a_pool_with_65536_children_gives_its_last_one_says_full_and_is_counted() {
    let sim = start(Version::V4_6).await;
    sim.fill(1, 56, 65_535).unwrap();
    let netbox = client(&sim);
    let made = netbox.allocate(&ask(operation())).await.unwrap();
    assert_eq!(made.prefix, net("2001:db8:1ff:ff00::/56"), "the last one");
    assert!(matches!(netbox.allocate(&ask(operation())).await, Err(IpamError::Exhausted(_))));
    let pool = netbox.pools().await.unwrap().remove(0);
    assert_eq!((pool.used, pool.utilisation()), (65_536, 100.0));
}
