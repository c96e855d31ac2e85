//! Allocate.

use super::support::bench::{Backend, Bench};
use super::support::plan::POOL;
use super::{Asked, ask, ask_with, given};
use noctule_domain::lifecycle::{AssignmentMode, Enforcement, Ipv6State, OperationKind as K, OperationOptions, OperationStatus, Refusal};
use noctule_sim::netbox::{Fault, On, Say, SeedPrefix};

on_both!(a_prefix_of_56_is_reserved_in_netbox_under_the_operation_id);
async fn a_prefix_of_56_is_reserved_in_netbox_under_the_operation_id(on: Backend) {
    let bench = Bench::new_on(on).await;
    let (operation, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!(operation.status, OperationStatus::Succeeded);
    let ipv6 = &subscriber.ipv6;
    assert_eq!((ipv6.state, ipv6.enforcement), (Ipv6State::Allocated, Enforcement::None));
    let prefix = ipv6.prefix.expect("a prefix");
    assert_eq!(prefix.prefix_len(), 56);
    let pool: ipnet::Ipv6Net = POOL.parse().expect("pool");
    assert!(pool.contains(&prefix));
    let held = bench.netbox.with_operation(&operation.id.to_string());
    assert_eq!(held.len(), 1);
    assert_eq!((held[0].prefix, held[0].status, Some(held[0].id)), (prefix, "reserved", ipv6.netbox_prefix_id));
    assert!(ipv6.allocated_at.is_some());
}

on_both!(the_length_asked_for_is_the_length_stored_from_48_to_64);
async fn the_length_asked_for_is_the_length_stored_from_48_to_64(on: Backend) {
    for len in [48, 52, 60, 64] {
        let bench = Bench::new_on(on).await;
        let options = OperationOptions { prefix_len: Some(len), ..OperationOptions::default() };
        let (_, subscriber) = ask_with(&bench, K::Allocate, options).await.ended();
        assert_eq!(subscriber.ipv6.prefix.map(|p| p.prefix_len()), Some(len));
    }
    for len in [47, 65] {
        let options = OperationOptions { prefix_len: Some(len), ..OperationOptions::default() };
        let refusal = ask_with(&Bench::new_on(on).await, K::Allocate, options).await.refusal();
        assert_eq!(refusal, Refusal::BadPrefixLength { asked: len });
    }
}

on_both!(asking_again_is_a_no_op_with_the_same_answer);
async fn asking_again_is_a_no_op_with_the_same_answer(on: Backend) {
    let bench = Bench::new_on(on).await;
    let (_, first) = ask(&bench, K::Allocate).await.ended();
    let Asked::AlreadyThere(second) = ask(&bench, K::Allocate).await else { panic!("it ran again") };
    assert_eq!(second.ipv6, first.ipv6);
    assert_eq!(bench.facts().await.netbox.len(), 1);
}

on_both!(an_active_subscriber_and_a_mode_without_delegation_are_refused_before_anything_leaves);
async fn an_active_subscriber_and_a_mode_without_delegation_are_refused_before_anything_leaves(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    let before = bench.netbox.events().len();
    assert!(matches!(ask(&bench, K::Allocate).await.refusal(), Refusal::WrongState { state: Ipv6State::Active, .. }));
    assert_eq!(bench.netbox.events().len(), before);
    for mode in [AssignmentMode::None, AssignmentMode::Slaac, AssignmentMode::Stateful] {
        let bench = Bench::with_on(on, mode, true).await;
        assert_eq!(ask(&bench, K::Allocate).await.refusal(), Refusal::WrongMode { mode });
        assert!(bench.netbox.events().is_empty());
    }
}

on_both!(netbox_refuses_then_the_subscriber_is_failed_with_its_words_and_a_retry_works);
async fn netbox_refuses_then_the_subscriber_is_failed_with_its_words_and_a_retry_works(on: Backend) {
    let bench = Bench::new_on(on).await;
    bench.netbox.script(On::Allocations, [Fault::Say(Say::Forbidden403)]);
    let (operation, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Refused, Ipv6State::Failed));
    assert!(subscriber.ipv6.last_error.is_some_and(|e| e.as_str().contains("permission")), "the words say what to do");
    assert!(bench.facts().await.netbox.is_empty());
    let (_, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.last_error), (Ipv6State::Allocated, None));
    bench.facts().await.check("after the retry");
}

on_both!(a_full_pool_is_said_to_be_full);
async fn a_full_pool_is_said_to_be_full(on: Backend) {
    let bench = Bench::new_on(on).await;
    bench
        .netbox
        .add_prefix(&SeedPrefix { prefix: POOL.replace("/44", "/45"), status: "active".into(), ..SeedPrefix::default() })
        .expect("half");
    bench
        .netbox
        .add_prefix(&SeedPrefix { prefix: "2001:db8:108::/45".into(), status: "active".into(), ..SeedPrefix::default() })
        .expect("half");
    let (operation, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Refused, Ipv6State::Failed));
    let words = operation.error.expect("words");
    assert!(words.as_str().contains("room"), "{words}");
}

on_both!(netbox_down_is_said_in_words_and_the_state_does_not_change);
async fn netbox_down_is_said_in_words_and_the_state_does_not_change(on: Backend) {
    let bench = Bench::new_on(on).await;
    bench.netbox.go_down().await;
    let (operation, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Failed, Ipv6State::Pending));
    assert!(operation.error.is_some());
    bench.netbox.go_up().await;
    let (_, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!(subscriber.ipv6.state, Ipv6State::Allocated);
}

on_both!(a_lost_answer_is_adopted_by_operation_id);
async fn a_lost_answer_is_adopted_by_operation_id(on: Backend) {
    let bench = Bench::new_on(on).await;
    bench.netbox.script(On::Allocations, [Fault::CloseAfter]);
    let (operation, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Succeeded, Ipv6State::Allocated));
    let facts = bench.facts().await;
    assert_eq!(facts.netbox.len(), 1);
    facts.check("after a lost answer");
}

on_both!(a_prefix_that_overlaps_one_that_is_live_here_is_not_given_to_the_subscriber);
async fn a_prefix_that_overlaps_one_that_is_live_here_is_not_given_to_the_subscriber(on: Backend) {
    let bench = Bench::new_on(on).await;
    bench.neighbour("2001:db8:100::/48").await;
    let (operation, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Failed, Ipv6State::Failed));
    let words = operation.error.expect("words");
    assert!(words.as_str().contains("2001:db8:100::/48"), "{words}");
    bench.facts().await.check("the object in NetBox is still known, so that it can be given back");
}

on_both!(a_revoked_subscriber_waits_for_the_end_of_the_rest_and_then_gets_one_prefix_again);
async fn a_revoked_subscriber_waits_for_the_end_of_the_rest_and_then_gets_one_prefix_again(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate, K::Revoke]).await;
    let soon = bench.at_once(K::Allocate).await;
    assert!(matches!(soon, Err(Refusal::OnHold { .. })), "{soon:?}");
    let (operation, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Succeeded, Ipv6State::Allocated));
    assert_eq!((subscriber.ipv6.revoked_at, subscriber.ipv6.hold_until), (None, None));
    bench.facts().await.check("a new life");
}
