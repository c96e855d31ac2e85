//! What only the built-in IPAM must do: leave alone what subscribers have already, survive a reopening, stay quick when a pool is crowded.

use crate::place::{ask, built_in, net, open_store, pool};
use noctule_domain::ipam::{BookAsk, BookParent, PoolPolicy, PoolRule, PrefixBook, Taken};
use noctule_domain::lifecycle::Ipv6State;
use noctule_domain::{OperationId, TenantId};
use noctule_storage::Store;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PARENT: &str = "2001:db8:4000::/36";

async fn take(store: &Store, n: usize) -> Duration {
    let began = Instant::now();
    for _ in 0..n {
        let parent = BookParent { prefix: net(PARENT), vrf: None };
        let operation = OperationId::from_uuid(uuid::Uuid::now_v7());
        let taken = store.take(BookAsk { operation, parent, len: 56, subscriber: "S-1".into() }).await.unwrap();
        assert!(matches!(taken, Taken::New(_)));
    }
    began.elapsed()
}

/// Wherever the free place is (behind a hundred thousand children, or in one of ten thousand holes), it is found by a few looks in an index.
#[tokio::test]
async fn a_crowded_pool_gives_as_quickly_as_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noctule.db");
    let tenant = TenantId(uuid::Uuid::now_v7());
    let store = open_store(&path, tenant);
    take(&store, 20).await;
    let empty = take(&store, 200).await;
    drop(store);
    // 100,000 children, every tenth place free: as the program would have left them.
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("BEGIN; DELETE FROM ipam_prefixes; DELETE FROM ipam_free").unwrap();
    {
        let (tenant, parent): (i64, i64) =
            conn.query_row("SELECT tenant, id FROM ipam_parents", [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
        let mut child = conn
            .prepare("INSERT INTO ipam_prefixes (tenant, parent, vrf, prefix, first, last, status, subscriber, made_at) VALUES (?1, ?2, 0, ?3, ?4, ?5, 'active', 'S', 0)")
            .unwrap();
        let mut free = conn.prepare("INSERT INTO ipam_free (parent, len, first) VALUES (?1, ?2, ?3)").unwrap();
        let base = u128::from(net(PARENT).network());
        let place = |n: u128| ipnet::Ipv6Net::new((base + (n << 72)).into(), 56).unwrap();
        for n in 0..1u128 << 17 {
            let net = place(n);
            if n % 10 == 9 || n >= 111_111 {
                free.execute(rusqlite::params![parent, 56, net.network().octets()]).unwrap();
            } else {
                child
                    .execute(rusqlite::params![tenant, parent, net.to_string(), net.network().octets(), net.broadcast().octets()])
                    .unwrap();
            }
        }
        for len in 37..=39 {
            let half = ipnet::Ipv6Net::new((base + (1u128 << (128 - len))).into(), len).unwrap();
            free.execute(rusqlite::params![parent, len, half.network().octets()]).unwrap();
        }
    }
    conn.execute_batch("COMMIT").unwrap();
    let children: i64 = conn.query_row("SELECT count(*) FROM ipam_prefixes", [], |r| r.get(0)).unwrap();
    assert_eq!(children, 100_000);
    drop(conn);
    let store = open_store(&path, tenant);
    take(&store, 20).await;
    let crowded = take(&store, 200).await;
    println!("200 from an empty pool: {empty:?}; from one with 100,000 children: {crowded:?}");
    assert!(crowded < empty * 4 + Duration::from_millis(200), "{crowded:?} against {empty:?}: it looks at the children");
}

#[tokio::test]
async fn what_subscribers_hold_is_not_given_and_comes_back_when_it_is_released() {
    let bench = crate::support::bench::Bench::new_on(crate::support::bench::Backend::Sqlite).await;
    let plan = bench.plan_for(noctule_domain::lifecycle::OperationKind::Allocate);
    let crate::support::plan::Place::Store(path) = &plan.place else { panic!("a local store") };
    let store = open_store(path, plan.tenant);
    let subscriber = store.subscriber(plan.subscriber).await.unwrap().unwrap();
    assert_eq!(subscriber.ipv6.state, Ipv6State::Pending);
    // Before the parent is begun one holds the first place; after it another comes by import and holds the third.
    let conn = rusqlite::Connection::open(path).unwrap();
    let hold = |prefix: &str, number: &str| {
        let p = net(prefix);
        conn.execute(
            "UPDATE subscribers SET state = 'active', prefix = ?1, prefix_start = ?2, prefix_end = ?3 WHERE number = ?4",
            rusqlite::params![prefix, p.network().octets(), p.broadcast().octets(), number],
        )
        .unwrap()
    };
    assert_eq!(hold("2001:db8:300::/56", subscriber.subscriber_number.as_str()), 1);
    let ipam = built_in(Arc::new(store.clone()), &[pool("2001:db8:300::/48", PoolPolicy::open(56))], PoolRule::InOrder);
    assert_eq!(ipam.allocate(&ask()).await.unwrap().prefix, net("2001:db8:300:100::/56"));
    assert_eq!(ipam.find_by_prefix(net("2001:db8:300::/56"), None).await.unwrap().map(|a| a.prefix), Some(net("2001:db8:300::/56")));
    assert_eq!(hold("2001:db8:300:200::/56", subscriber.subscriber_number.as_str()), 1, "moved by hand: now it holds the third");
    assert_eq!(ipam.allocate(&ask()).await.unwrap().prefix, net("2001:db8:300:300::/56"));
    // A larger one around it blocks what is left of the block.
    assert_eq!(hold("2001:db8:300:400::/54", subscriber.subscriber_number.as_str()), 1);
    assert_eq!(ipam.allocate(&ask()).await.unwrap().prefix, net("2001:db8:300:800::/56"));
    assert_eq!(ipam.pools().await.unwrap()[0].used, 6);
}
