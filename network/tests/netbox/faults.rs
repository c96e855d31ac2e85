//! Whatever goes wrong on the way: once the faults have stopped and the call has been repeated until its end is clear, an operation has
//! exactly one prefix, and it is the one that the client was told.

use crate::common::*;
use noctule_domain::ipam::PrefixStatus;
use noctule_network::netbox::Netbox;
use noctule_network::upstream::{AllocateAsk, Allocation, Ipam, IpamError};
use noctule_sim::netbox::{Fault, NetboxSim, On, Say, Version};
use std::collections::BTreeSet;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(120);
const LONG: Duration = Duration::from_millis(260);
/// So often a call is repeated before a test says that it never ends.
const TRIES: usize = 200;

/// Everything that can befall a write. (A 4xx after the effect is left out: NetBox rolls back before it says one.)
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
        Fault::Later(SHORT),
    ];
    all.extend(Say::ALL.map(Fault::Say));
    all.extend(
        [
            Say::Timeout408,
            Say::TooMany429,
            Say::Html500,
            Say::BadGateway502,
            Say::Unavailable503,
            Say::GatewayTimeout504,
            Say::PostgresDown,
        ]
        .map(Fault::SayAfter),
    );
    all
}

/// What can befall a read without lying about the facts.
fn read_faults() -> Vec<Fault> {
    vec![
        Fault::CloseBefore,
        Fault::DelayBefore(LONG),
        Fault::CutBody,
        Fault::HalfJson,
        Fault::EmptyBody,
        Fault::HtmlOk,
        Fault::Say(Say::Html500),
        Fault::Say(Say::BadGateway502),
        Fault::Say(Say::TooMany429),
        Fault::Say(Say::PostgresDown),
    ]
}

/// As the executor does: again after every unclear end, looking first.
async fn allocate(netbox: &Netbox, ask: &mut AllocateAsk) -> Result<Allocation, IpamError> {
    for _ in 0..TRIES {
        match netbox.allocate(ask).await {
            Err(IpamError::Unclear(_)) => ask.maybe_earlier = true,
            Err(IpamError::Unreachable(_)) => {}
            clear => return clear,
        }
    }
    panic!("no clear end after {TRIES} tries");
}

async fn repeat<F: Future<Output = Result<(), IpamError>>>(mut call: impl FnMut() -> F) -> Result<(), IpamError> {
    for _ in 0..TRIES {
        match call().await {
            Err(IpamError::Unclear(_) | IpamError::Unreachable(_)) => {}
            clear => return clear,
        }
    }
    panic!("no clear end after {TRIES} tries");
}

/// The one prefix of this operation is the one that the client was told.
fn exactly_one(sim: &NetboxSim, ask: &AllocateAsk, told: &Allocation, context: &str) {
    let stored = sim.with_operation(&ask.operation.to_string());
    let stored: Vec<_> = stored.iter().map(|p| (p.id, p.prefix)).collect();
    assert_eq!(stored, [(told.id, told.prefix)], "{context}");
}

/// Cases run side by side, each on a NetBox of its own: most of their time is waiting.
async fn side_by_side<F: Future<Output = ()>>(cases: impl IntoIterator<Item = F>) {
    futures::StreamExt::for_each_concurrent(futures::stream::iter(cases), 8, |case| case).await;
}

#[tokio::test]
async fn an_allocation_that_meets_a_fault_ends_with_one_prefix() {
    let cases = [Version::V4_4, Version::V4_6]
        .into_iter()
        .flat_map(|version| faults().into_iter().flat_map(move |fault| [1, 3].map(|times| one_allocation(version, fault, times))));
    side_by_side(cases).await;
}

async fn one_allocation(version: Version, fault: Fault, times: usize) {
    let context = format!("{version:?} {times} x {fault:?}");
    let sim = start(version).await;
    let netbox = hasty(&sim, SHORT);
    let mut ask = ask(operation());
    sim.script(On::Allocations, vec![fault; times]);
    match allocate(&netbox, &mut ask).await {
        // A clear no is true: nothing is there, unless an earlier try was unclear.
        Err(_) if !ask.maybe_earlier => assert_eq!(sim.with_operation(&ask.operation.to_string()), [], "{context}"),
        _ => {}
    }
    sim.clear_faults();
    let told = allocate(&client(&sim), &mut ask).await.unwrap();
    sim.settled().await;
    exactly_one(&sim, &ask, &told, &context);
    assert_eq!(sim.count(), 2, "{context}: a prefix without an owner");
}

#[tokio::test]
async fn a_change_and_a_deletion_that_meet_a_fault_are_done_once_they_are_clear() {
    let cases = [Version::V4_4, Version::V4_6]
        .into_iter()
        .flat_map(|version| faults().into_iter().map(move |fault| one_change_and_deletion(version, fault)));
    side_by_side(cases).await;
}

async fn one_change_and_deletion(version: Version, fault: Fault) {
    let context = format!("{version:?} {fault:?}");
    let sim = start(version).await;
    let patient = client(&sim);
    let netbox = hasty(&sim, SHORT);
    let op = operation();
    let made = patient.allocate(&ask(op)).await.unwrap();
    let mut rest = to(&made, PrefixStatus::Deprecated, op);
    rest.hold_until = Some("2026-11-24T05:00:00Z".parse().unwrap());

    sim.script(On::Changes, [fault, fault]);
    if repeat(|| netbox.set_status(&rest)).await.is_ok() {
        assert_eq!(sim.prefix(made.id).unwrap().status, "deprecated", "{context}");
    }
    sim.clear_faults();
    repeat(|| patient.set_status(&rest)).await.unwrap();
    sim.settled().await;
    let stored = sim.prefix(made.id).unwrap();
    assert_eq!((stored.status, stored.prefix), ("deprecated", made.prefix), "{context}");

    sim.script(On::Deletes, [fault, fault]);
    // NetBox's own 404 means gone. One that lies cannot be told from one that does not.
    if repeat(|| netbox.delete(made.id, made.prefix, op)).await.is_ok() && fault != Fault::Say(Say::NotFound404) {
        assert!(sim.prefix(made.id).is_none(), "{context}");
    }
    sim.clear_faults();
    repeat(|| patient.delete(made.id, made.prefix, op)).await.unwrap();
    sim.settled().await;
    assert_eq!(sim.count(), 1, "{context}");
}

#[tokio::test]
async fn forty_seeds_of_random_faults_leave_one_prefix_for_each_operation() {
    side_by_side((0..40).map(one_seed)).await;
}

async fn one_seed(seed: u64) {
    let version = if seed.is_multiple_of(2) { Version::V4_4 } else { Version::V4_6 };
    let writes = seed % 4 < 2;
    let sim = start(version).await;
    let netbox = hasty(&sim, SHORT);
    let trouble = |seed, faults: Vec<Fault>| {
        if writes { sim.random_faults(On::Writes, 0.6, seed, faults) } else { sim.random_faults(On::Any, 0.35, seed, read_faults()) }
    };
    trouble(seed, faults());
    let mut told = Vec::new();
    for _ in 0..4 {
        let mut ask = ask(operation());
        // A clear no while faults are about: asked again, as an operator would.
        let mut made = allocate(&netbox, &mut ask).await;
        for _ in 0..TRIES {
            match made {
                Ok(_) => break,
                Err(_) => made = allocate(&netbox, &mut ask).await,
            }
        }
        told.push((ask, made.unwrap()));
    }
    sim.clear_faults();
    sim.settled().await;
    let mut prefixes = BTreeSet::new();
    for (ask, made) in &told {
        exactly_one(&sim, ask, made, &format!("seed {seed}"));
        prefixes.insert(made.prefix);
    }
    assert_eq!(prefixes.len(), told.len(), "seed {seed}: a prefix given twice");
    assert_eq!(sim.count(), 1 + told.len(), "seed {seed}: a prefix without an owner");

    trouble(seed + 1000, faults().into_iter().filter(|f| *f != Fault::Say(Say::NotFound404)).collect());
    for (ask, made) in &told {
        let rest = to(made, PrefixStatus::Deprecated, ask.operation);
        while repeat(|| netbox.set_status(&rest)).await.is_err() {}
        while repeat(|| netbox.delete(made.id, made.prefix, ask.operation)).await.is_err() {}
    }
    sim.clear_faults();
    sim.settled().await;
    assert_eq!(sim.count(), 1, "seed {seed}: something was left");
}

#[tokio::test]
async fn two_consoles_on_the_same_operations_share_one_prefix_each() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = start(version).await;
        let (one, other) = (hasty(&sim, LONG * 4), hasty(&sim, LONG * 4));
        sim.random_faults(On::Allocations, 0.3, 7, vec![Fault::CloseBefore, Fault::CloseAfter, Fault::Later(SHORT), Fault::HalfJson]);
        let asks: Vec<AllocateAsk> = (0..12).map(|_| ask(operation())).collect();
        let both = asks.iter().map(|a| {
            let (mut mine, mut theirs) = (a.clone(), a.clone());
            let (one, other) = (&one, &other);
            async move { tokio::join!(allocate(one, &mut mine), allocate(other, &mut theirs)) }
        });
        let told = futures::future::join_all(both).await;
        sim.clear_faults();
        sim.settled().await;
        let mut prefixes = BTreeSet::new();
        for (ask, (mine, theirs)) in asks.iter().zip(&told) {
            let (mine, theirs) = (mine.as_ref().unwrap(), theirs.as_ref().unwrap());
            assert_eq!((mine.id, mine.prefix), (theirs.id, theirs.prefix));
            exactly_one(&sim, ask, mine, "two consoles");
            prefixes.insert(mine.prefix);
        }
        assert_eq!(prefixes.len(), asks.len());
        assert_eq!(sim.count(), 1 + asks.len());
    }
}

#[tokio::test]
async fn a_netbox_that_is_down_is_unreachable_and_works_again_after() {
    let sim = start(Version::V4_6).await;
    let netbox = client(&sim);
    let first = netbox.allocate(&ask(operation())).await.unwrap();
    sim.go_down().await;
    let mut ask = ask(operation());
    let said = netbox.allocate(&ask).await.unwrap_err();
    assert!(matches!(&said, IpamError::Unreachable(words) if words.as_str().contains("Nothing was delivered")), "{said:?}");
    sim.go_up().await;
    let second = allocate(&netbox, &mut ask).await.unwrap();
    assert_ne!(first.prefix, second.prefix);
    assert_eq!(sim.count(), 3);
}

#[tokio::test]
async fn a_failed_tls_handshake_and_an_unknown_host_deliver_nothing() {
    let sim = start(Version::V4_6).await;
    for url in [sim.url().replace("http://", "https://"), "https://netbox.invalid".to_owned()] {
        let mut config = config(&sim);
        config.url = url;
        let said = Netbox::new(config).unwrap().allocate(&ask(operation())).await.unwrap_err();
        assert!(matches!(said, IpamError::Unreachable(_)), "{said:?}");
    }
    assert!(sim.events().is_empty());
}

#[tokio::test]
async fn never_more_than_two_allocations_are_in_flight() {
    let sim = start(Version::V4_6).await;
    let netbox = client(&sim);
    netbox.allocate(&ask(operation())).await.unwrap();
    sim.random_faults(On::Allocations, 1.0, 1, vec![Fault::DelayBefore(Duration::from_millis(40))]);
    let asks: Vec<AllocateAsk> = (0..8).map(|_| ask(operation())).collect();
    let made = futures::future::join_all(asks.iter().map(|a| netbox.allocate(a)));
    let mut most = 0;
    tokio::pin!(made);
    loop {
        tokio::select! {
            all = &mut made => { assert!(all.iter().all(Result::is_ok)); break }
            n = sim.busy_changed() => most = most.max(n),
        }
    }
    assert_eq!(most, 2);
}
