//! Many allocations at once go in lists. A list changes the speed, nothing else: whatever befalls it, each operation ends with one prefix.

use crate::common::*;
use noctule_network::netbox::{Netbox, PoolConfig};
use noctule_network::upstream::{AllocateAsk, Allocation, Ipam, IpamError};
use noctule_sim::netbox::{self as sim, Fault, NetboxSim, On, Say, SeedPrefix, Version};
use std::collections::BTreeSet;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_millis(320);
const TRIES: usize = 200;

fn asks(n: usize) -> Vec<AllocateAsk> {
    (0..n).map(|_| ask(operation())).collect()
}

fn posts(sim: &NetboxSim) -> usize {
    sim.events().iter().filter(|e| e.method == "POST").count()
}

/// As the executor does: again after every unclear end, looking first.
async fn until_clear(netbox: &Netbox, ask: &AllocateAsk) -> Result<Allocation, IpamError> {
    let mut ask = ask.clone();
    for _ in 0..TRIES {
        match netbox.allocate(&ask).await {
            Err(IpamError::Unclear(_)) => ask.maybe_earlier = true,
            Err(IpamError::Unreachable(_)) => {}
            clear => return clear,
        }
    }
    panic!("no clear end after {TRIES} tries");
}

/// A clear no while faults are about (a proxy's 403) is asked again, as an operator would.
async fn in_the_end(netbox: &Netbox, ask: &AllocateAsk) -> Allocation {
    let mut ask = ask.clone();
    for _ in 0..TRIES {
        match until_clear(netbox, &ask).await {
            Ok(made) => return made,
            Err(_) => ask.maybe_earlier = true,
        }
    }
    panic!("refused {TRIES} times");
}

fn each_has_one(sim: &NetboxSim, asks: &[AllocateAsk], told: &[Allocation], parents: usize, context: &str) {
    let mut prefixes = BTreeSet::new();
    for (ask, told) in asks.iter().zip(told) {
        let stored: Vec<_> = sim.with_operation(&ask.operation.to_string()).iter().map(|p| (p.id, p.prefix)).collect();
        assert_eq!(stored, [(told.id, told.prefix)], "{context}");
        prefixes.insert(told.prefix);
    }
    assert_eq!(prefixes.len(), asks.len(), "{context}: a prefix given twice");
    assert_eq!(sim.count(), parents + asks.len(), "{context}: a prefix without an owner");
}

#[tokio::test]
async fn those_that_wait_go_in_lists_and_one_alone_goes_alone() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = start(version).await;
        let netbox = client(&sim);
        netbox.allocate(&ask(operation())).await.unwrap();
        assert_eq!(posts(&sim), 1);
        // Two at once have a turn each; 248 wait behind them.
        sim.script(On::Allocations, [Fault::DelayBefore(Duration::from_millis(30)); 2]);
        let asks = asks(250);
        let made = futures::future::join_all(asks.iter().map(|a| netbox.allocate(a)));
        let mut most = 0;
        tokio::pin!(made);
        let made = loop {
            tokio::select! {
                all = &mut made => break all,
                n = sim.busy_changed() => most = most.max(n),
            }
        };
        let told: Vec<Allocation> = made.into_iter().map(|m| m.unwrap()).collect();
        assert!(told.iter().all(|t| !t.adopted));
        assert!(most <= 2, "{most} in flight");
        assert_eq!(posts(&sim), 1 + 2 + 3, "two alone, 248 in lists of at most 100");
        assert_eq!(sim.count(), 1 + 1 + 250);
        for (ask, told) in asks.iter().zip(&told) {
            assert_eq!(sim.with_operation(&ask.operation.to_string())[0].id, told.id);
        }
    }
}

#[tokio::test]
async fn a_list_for_which_there_is_not_enough_room_fills_the_pool_and_goes_on_with_the_next() {
    let prefixes = ["2001:db8:1::/50", "2001:db8:2::/50"].map(SeedPrefix::container).to_vec();
    let sim = start_with(sim::NetboxConfig { prefixes, ..Default::default() }).await;
    sim.fill(1, 56, 60).unwrap();
    sim.fill(2, 56, 58).unwrap();
    let mut config = config(&sim);
    config.pools = vec![PoolConfig::id(1, None, 56), PoolConfig::id(2, None, 56)];
    let netbox = Netbox::new(config).unwrap();
    let asks: Vec<AllocateAsk> = (0..12).map(|_| AllocateAsk { pools: vec![], ..ask(operation()) }).collect();
    let made = futures::future::join_all(asks.iter().map(|a| netbox.allocate(a))).await;
    let got: Vec<_> = made.iter().filter_map(|m| m.as_ref().ok()).map(|m| net("2001:db8:1::/50").contains(&m.prefix)).collect();
    assert_eq!((got.iter().filter(|first| **first).count(), got.len()), (4, 10), "{made:?}");
    let full = made.iter().filter(|m| matches!(m, Err(IpamError::Exhausted(_)))).count();
    assert_eq!(full, 2, "{made:?}");
    assert_eq!(sim.count(), 2 + 64 + 64);
    assert!(posts(&sim) < 30, "{} requests", posts(&sim));
}

#[tokio::test]
async fn one_that_was_stored_before_is_adopted_and_does_not_spoil_the_list() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = start(version).await;
        let asks = asks(20);
        let before = client(&sim).allocate(&asks[7]).await.unwrap();
        let netbox = client(&sim);
        let made = futures::future::join_all(asks.iter().map(|a| netbox.allocate(a))).await;
        let told: Vec<Allocation> = made.into_iter().map(|m| m.unwrap()).collect();
        assert_eq!((told[7].id, told[7].adopted), (before.id, true));
        each_has_one(&sim, &asks, &told, 1, &format!("{version:?}"));
    }
}

#[tokio::test]
async fn one_id_asked_many_times_at_once_gets_one_prefix() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = start(version).await;
        let netbox = client(&sim);
        let one = ask(operation());
        let made = futures::future::join_all((0..10).map(|_| netbox.allocate(&one))).await;
        let ids: BTreeSet<i64> = made.into_iter().map(|m| m.unwrap().id).collect();
        assert_eq!((ids.len(), sim.count()), (1, 2));
    }
}

#[tokio::test]
async fn a_refusal_of_one_is_told_to_that_one() {
    let sim = start(Version::V4_6).await;
    let netbox = client(&sim);
    let mut asks = asks(10);
    // 4.6 keeps 200 characters of a description; ours are cut, so the length is what one of them gets wrong here.
    asks[3].prefix_len = Some(48);
    asks[4].pools = vec![4711];
    let made = futures::future::join_all(asks.iter().map(|a| netbox.allocate(a))).await;
    for (at, made) in made.iter().enumerate() {
        match at {
            3 => assert_eq!(made.as_ref().unwrap().prefix.prefix_len(), 48),
            4 => assert!(matches!(made, Err(IpamError::Refused(w)) if w.as_str().contains("pool 4711")), "{made:?}"),
            _ => assert_eq!(made.as_ref().unwrap().prefix.prefix_len(), 56),
        }
    }
    assert_eq!(sim.count(), 1 + 9);
}

fn faults() -> Vec<Fault> {
    let mut all = vec![
        Fault::CloseBefore,
        Fault::CloseAfter,
        Fault::DelayBefore(LONG),
        Fault::DelayAfter(LONG),
        Fault::CutBody,
        Fault::HalfJson,
        Fault::EmptyBody,
        Fault::HtmlOk,
        Fault::WrongPrefix,
        Fault::ListForObject,
        Fault::ShortList,
        Fault::Later(SHORT),
    ];
    all.extend(Say::ALL.map(Fault::Say));
    all.extend([Say::Html500, Say::BadGateway502, Say::GatewayTimeout504, Say::PostgresDown].map(Fault::SayAfter));
    all
}

async fn side_by_side<F: Future<Output = ()>>(cases: impl IntoIterator<Item = F>) {
    futures::StreamExt::for_each_concurrent(futures::stream::iter(cases), 8, |case| case).await;
}

#[tokio::test]
async fn a_list_that_meets_a_fault_ends_with_one_prefix_for_each() {
    let cases = faults().into_iter().enumerate().flat_map(|(at, fault)| {
        let (one, other) = if at % 2 == 0 { (Version::V4_4, Version::V4_6) } else { (Version::V4_6, Version::V4_4) };
        [one_list(one, fault, 1), one_list(other, fault, 3)]
    });
    side_by_side(cases).await;
}

async fn one_list(version: Version, fault: Fault, times: usize) {
    let context = format!("{version:?} {times} x {fault:?}");
    let sim = start(version).await;
    let netbox = hasty(&sim, SHORT);
    let asks = asks(12);
    sim.script(On::Allocations, vec![fault; times]);
    futures::future::join_all(asks.iter().map(|a| async { until_clear(&netbox, a).await.ok() })).await;
    sim.clear_faults();
    let patient = client(&sim);
    let told = futures::future::join_all(asks.iter().map(|a| {
        let again = AllocateAsk { maybe_earlier: true, ..a.clone() };
        let patient = &patient;
        async move { in_the_end(patient, &again).await }
    }))
    .await;
    sim.settled().await;
    each_has_one(&sim, &asks, &told, 1, &context);
}

#[tokio::test]
async fn forty_seeds_of_random_faults_on_lists_leave_one_prefix_for_each_operation() {
    side_by_side((0..40).map(one_seed)).await;
}

async fn one_seed(seed: u64) {
    let version = if seed.is_multiple_of(2) { Version::V4_4 } else { Version::V4_6 };
    let sim = start(version).await;
    // Two consoles on the same operations: both lists hold the same ids.
    let (one, other) = (hasty(&sim, SHORT), hasty(&sim, SHORT));
    sim.random_faults(On::Writes, 0.5, seed, faults());
    let asks = asks(10);
    let both = asks.iter().map(|a| {
        let (one, other) = (&one, &other);
        async move { tokio::join!(in_the_end(one, a), async { if seed % 4 < 2 { Some(in_the_end(other, a).await) } else { None } }) }
    });
    let told = futures::future::join_all(both).await;
    sim.clear_faults();
    sim.settled().await;
    for (mine, theirs) in &told {
        assert!(theirs.as_ref().is_none_or(|t| (t.id, t.prefix) == (mine.id, mine.prefix)), "seed {seed}");
    }
    let told: Vec<Allocation> = told.into_iter().map(|(mine, _)| mine).collect();
    each_has_one(&sim, &asks, &told, 1, &format!("seed {seed}"));
}

#[tokio::test]
async fn when_the_caller_that_carries_a_list_leaves_the_others_look_and_take_what_was_stored() {
    let sim = start(Version::V4_6).await;
    let netbox = client(&sim);
    let asks = asks(9);
    let (one, two) = (ask(operation()), ask(operation()));
    let wait = Duration::from_millis(60);
    sim.script(On::Allocations, [Fault::DelayBefore(wait), Fault::DelayBefore(wait), Fault::DelayAfter(LONG)]);
    {
        // Both turns are taken; the carrier is the next in line, so the list is its to carry.
        let mut first = Box::pin(async { tokio::join!(netbox.allocate(&one), netbox.allocate(&two)) });
        let mut carrier = Box::pin(netbox.allocate(&asks[0]));
        let mut others = Box::pin(futures::future::join_all(asks[1..].iter().map(|a| netbox.allocate(a))));
        let all = async { tokio::join!(&mut first, &mut carrier, &mut others) };
        assert!(tokio::time::timeout(Duration::from_millis(1), all).await.is_err());
        let (a, b) = first.await;
        assert!(a.is_ok() && b.is_ok());
        while sim.count() < 3 + asks.len() {
            tokio::select! {
                biased;
                _ = &mut carrier => panic!("it was to be dropped before"),
                _ = &mut others => panic!("they wait for the carrier"),
                () = tokio::time::sleep(Duration::from_millis(2)) => {}
            }
        }
        drop(carrier);
        let left = others.await;
        assert!(left.iter().all(|l| matches!(l, Err(IpamError::Unclear(_)))), "{left:?}");
    }
    let told = futures::future::join_all(asks.iter().map(|a| {
        let again = AllocateAsk { maybe_earlier: true, ..a.clone() };
        let netbox = &netbox;
        async move { until_clear(netbox, &again).await.unwrap() }
    }))
    .await;
    sim.settled().await;
    assert!(told.iter().all(|t| t.adopted));
    each_has_one(&sim, &asks, &told, 3, "after the carrier has left");
}
