//! kill -9 at every point where AAA is written too: before and after its write, and between it and everything else. Whoever takes over, a
//! login gets what the state says (`Facts::check`), and nothing that was given back.

use super::every_point_of;
use super::support::bench::{Backend, Bench, By, Facts};
use noctule_domain::lifecycle::{Ipv6State, OperationKind as K};
use noctule_sim::aaa::AaaFault;

fn killed(on: Backend, by: By, kind: K, before: &[K], trouble: impl Fn(&Bench), expect: impl Fn(&Facts)) {
    every_point_of(
        async || Bench::with_aaa(on, by).await,
        kind,
        before,
        trouble,
        |facts| {
            assert!(facts.login.is_some(), "AAA is the tenant's");
            expect(facts);
        },
    );
}

fn active(facts: &Facts) {
    assert_eq!(facts.state, Ipv6State::Active);
    assert_eq!(facts.session_prefixes, facts.prefix.into_iter().collect::<Vec<_>>(), "the NAS delegates it");
    assert!(facts.routes);
}

fn suspended(facts: &Facts) {
    assert_eq!(facts.state, Ipv6State::Suspended);
    assert!(!facts.routes, "the subscriber stopped");
}

fn revoked(facts: &Facts) {
    assert_eq!(facts.state, Ipv6State::Revoked);
    assert!(!facts.routes && facts.hold);
    assert_eq!(facts.netbox[0].status, "deprecated");
}

#[test]
fn activate_by_a_new_login_survives_a_kill_at_every_point() {
    killed(Backend::Sqlite, By::Login, K::Activate, &[K::Allocate], |_| {}, active);
}

#[test]
fn suspend_by_a_disconnect_survives_a_kill_at_every_point() {
    killed(Backend::Sqlite, By::Login, K::Suspend, &[K::Allocate, K::Activate], |_| {}, suspended);
}

#[test]
fn resume_survives_a_kill_at_every_point() {
    killed(Backend::Sqlite, By::Coa, K::Resume, &[K::Allocate, K::Activate, K::Suspend], |_| {}, active);
}

#[test]
fn revoke_survives_a_kill_at_every_point() {
    killed(Backend::Sqlite, By::Login, K::Revoke, &[K::Allocate, K::Activate], |_| {}, revoked);
}

/// AAA stores it and its answer is lost, then it is not reached, then it is: asked again until it is clear.
#[test]
fn revoke_with_lost_answers_of_aaa_survives_a_kill_at_every_point() {
    let trouble = |bench: &Bench| bench.aaa().script([AaaFault::LostAfter, AaaFault::Down, AaaFault::LostBefore]);
    killed(Backend::Sqlite, By::Coa, K::Revoke, &[K::Allocate, K::Activate], trouble, revoked);
}

#[test]
fn suspend_at_the_centre_survives_a_kill_at_every_point() {
    killed(Backend::Centre, By::Login, K::Suspend, &[K::Allocate, K::Activate], |_| {}, suspended);
}

#[test]
fn revoke_at_the_centre_survives_a_kill_at_every_point() {
    killed(Backend::Centre, By::Coa, K::Revoke, &[K::Allocate, K::Activate], |_| {}, revoked);
}
