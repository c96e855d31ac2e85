//! kill -9 at every point of every operation. A child process runs one operation and is killed by SIGKILL before or after its n-th durable
//! write or its n-th call to an upstream; then another process opens the same store, takes over, and everything must be as if nothing had
//! happened: no prefix leaked, none twice, every operation ended, the network as the screen says.

mod aaa;
mod bulk;
mod child;
mod dying;
mod lost_answers;
#[path = "../support/mod.rs"]
mod support;

use noctule_domain::lifecycle::{Ipv6State, OperationKind, OperationStatus};
use noctule_sim::netbox::{Fault, On};
use support::bench::{Backend, Bench, Facts};

/// Not a test of its own: the process that is killed. Run alone it has no plan, and checks that it does nothing then.
#[test]
fn the_child_runs_one_operation_and_dies_where_it_is_told() {
    if let Some(child) = child::Child::from_environment() {
        child.run();
    } else {
        assert!(std::env::var_os(child::VARIABLE).is_none());
    }
}

/// What each operation needs first, and what must be true after it, whoever was killed on the way.
fn every_point(kind: OperationKind, before: &[OperationKind], expect: impl Fn(&Facts)) {
    every_point_on(Backend::Sqlite, kind, before, |_| {}, expect);
}

/// `trouble` is what else happens while the child runs.
fn every_point_on(on: Backend, kind: OperationKind, before: &[OperationKind], trouble: impl Fn(&Bench), expect: impl Fn(&Facts)) {
    every_point_of(async || Bench::new_on(on).await, kind, before, trouble, expect);
}

/// On benches that `make` makes.
fn every_point_of(
    make: impl AsyncFn() -> Bench,
    kind: OperationKind,
    before: &[OperationKind],
    trouble: impl Fn(&Bench),
    expect: impl Fn(&Facts),
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    runtime.block_on(async {
        for point in 0..60 {
            let bench = make().await;
            for step in before {
                bench.operate(*step).await;
            }
            trouble(&bench);
            let killed = child::spawn(&bench, kind, point).await;
            bench.recover().await;
            let facts = bench.facts().await;
            // The intent may never have become durable: then nothing left the machine, and the same key does it now.
            let earlier = before.iter().filter(|k| **k == kind).count();
            let facts = if facts.operations.iter().filter(|o| o.kind == kind).count() == earlier {
                assert!(killed, "an operation that was not killed left no record");
                bench.operate(kind).await;
                bench.facts().await
            } else {
                facts
            };
            facts.check(&format!("{kind} killed at point {point}"));
            expect(&facts);
            if !killed {
                assert!(point >= 4, "only {point} kills: the fuse is not in the way of {kind}");
                return;
            }
        }
        panic!("{kind} has more than 60 points: it never ends");
    });
}

#[test]
fn allocate_survives_a_kill_at_every_point() {
    every_point(OperationKind::Allocate, &[], |facts| {
        assert_eq!(facts.state, Ipv6State::Allocated);
        assert_eq!(facts.netbox.len(), 1, "one prefix in NetBox, no more: {:?}", facts.netbox);
        assert_eq!(facts.netbox[0].status, "reserved");
    });
}

#[test]
fn activate_survives_a_kill_at_every_point() {
    every_point(OperationKind::Activate, &[OperationKind::Allocate], |facts| {
        assert_eq!(facts.state, Ipv6State::Active);
        assert_eq!(facts.netbox[0].status, "active");
        assert_eq!(facts.session_prefixes, vec![facts.prefix.expect("a prefix")], "the NAS delegates it");
        assert!(facts.routes);
    });
}

#[test]
fn suspend_survives_a_kill_at_every_point() {
    every_point(OperationKind::Suspend, &[OperationKind::Allocate, OperationKind::Activate], |facts| {
        assert_eq!(facts.state, Ipv6State::Suspended);
        assert!(!facts.routes, "the subscriber stopped");
    });
}

#[test]
fn resume_survives_a_kill_at_every_point() {
    every_point(OperationKind::Resume, &[OperationKind::Allocate, OperationKind::Activate, OperationKind::Suspend], |facts| {
        assert_eq!(facts.state, Ipv6State::Active);
        assert!(facts.routes, "the subscriber routes again");
    });
}

#[test]
fn revoke_survives_a_kill_at_every_point() {
    every_point(OperationKind::Revoke, &[OperationKind::Allocate, OperationKind::Activate], |facts| {
        assert_eq!(facts.state, Ipv6State::Revoked);
        assert!(!facts.routes);
        assert_eq!(facts.netbox.len(), 1, "it rests");
        assert_eq!(facts.netbox[0].status, "deprecated");
        assert!(facts.hold, "and the row says until when");
    });
}

#[test]
fn release_after_the_rest_survives_a_kill_at_every_point() {
    let before = [OperationKind::Allocate, OperationKind::Activate, OperationKind::Revoke];
    every_point(OperationKind::Release, &before, |facts| {
        assert_eq!(facts.state, Ipv6State::Revoked);
        assert!(facts.netbox.is_empty(), "deleted: {:?}", facts.netbox);
        assert!(facts.prefix.is_none() && !facts.hold);
    });
}

#[test]
fn allocate_again_after_the_rest_survives_a_kill_at_every_point() {
    let before = [OperationKind::Allocate, OperationKind::Activate, OperationKind::Revoke];
    every_point(OperationKind::Allocate, &before, |facts| {
        assert_eq!(facts.state, Ipv6State::Allocated);
        assert_eq!(facts.netbox.len(), 1, "the old one is gone, the new one is one: {:?}", facts.netbox);
        assert_eq!(facts.operations.iter().filter(|o| o.status == OperationStatus::Succeeded).count(), facts.operations.len());
    });
}

#[test]
fn allocate_at_the_centre_survives_a_kill_at_every_point() {
    every_point_on(Backend::Centre, OperationKind::Allocate, &[], |_| {}, one_prefix);
}

/// The console dies, and what it asked of NetBox last was answered to nobody: whoever takes over when the lease is over adopts it.
#[test]
fn allocate_at_the_centre_with_a_lost_answer_of_netbox_survives_a_kill_at_every_point() {
    let trouble = |bench: &Bench| bench.netbox.script(On::Allocations, [Fault::CloseAfter]);
    every_point_on(Backend::Centre, OperationKind::Allocate, &[], trouble, one_prefix);
}

fn one_prefix(facts: &Facts) {
    assert_eq!(facts.state, Ipv6State::Allocated);
    assert_eq!(facts.netbox.len(), 1, "one prefix in NetBox, no more: {:?}", facts.netbox);
    assert_eq!(facts.netbox[0].status, "reserved");
    assert_eq!(facts.operations.len(), 1, "taken over, not begun anew, once it was durable: {:?}", facts.operations);
}

#[test]
fn revoke_at_the_centre_survives_a_kill_at_every_point() {
    let before = [OperationKind::Allocate, OperationKind::Activate];
    every_point_on(
        Backend::Centre,
        OperationKind::Revoke,
        &before,
        |_| {},
        |facts| {
            assert_eq!(facts.state, Ipv6State::Revoked);
            assert!(!facts.routes);
            assert_eq!((facts.netbox.len(), facts.netbox[0].status), (1, "deprecated"), "it rests");
            assert!(facts.hold, "and the row says until when");
        },
    );
}
