//! Suspend and resume.

use super::support::bench::{Backend, Bench, SESSION, USER};
use super::{ask, ask_with, given};
use noctule_domain::lifecycle::{Enforcement, Ipv6State, OperationKind as K, OperationOptions, OperationStatus, Refusal};
use noctule_sim::nas::Scripted;

on_both!(a_suspended_subscriber_stops_and_a_resumed_one_routes_again_with_the_same_prefix);
async fn a_suspended_subscriber_stops_and_a_resumed_one_routes_again_with_the_same_prefix(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    assert!(bench.nas.routes(USER));
    let (_, suspended) = ask(&bench, K::Suspend).await.ended();
    assert_eq!((suspended.ipv6.state, suspended.ipv6.enforcement), (Ipv6State::Suspended, Enforcement::Acknowledged));
    assert!(!bench.nas.routes(USER));
    let (_, resumed) = ask(&bench, K::Resume).await.ended();
    assert_eq!((resumed.ipv6.state, resumed.ipv6.prefix), (Ipv6State::Active, suspended.ipv6.prefix));
    assert!(bench.nas.routes(USER));
    assert!(resumed.ipv6.suspended_at.is_some() && resumed.ipv6.resumed_at.is_some());
}

on_both!(a_nas_that_refuses_or_is_silent_leaves_the_subscriber_active_as_it_is);
async fn a_nas_that_refuses_or_is_silent_leaves_the_subscriber_active_as_it_is(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.nas.script(SESSION, [Scripted::Nak(vec![501])]);
    let (operation, subscriber) = ask(&bench, K::Suspend).await.ended();
    assert_eq!(
        (operation.status, subscriber.ipv6.state, subscriber.ipv6.enforcement),
        (OperationStatus::Refused, Ipv6State::Active, Enforcement::Refused)
    );
    assert!(bench.nas.routes(USER), "the screen says active, and so it is");
    // The request is done and every answer is lost: nobody can know, and nobody says so.
    bench.nas.behave(|b| b.drop_out = 1.0);
    let (operation, subscriber) = ask(&bench, K::Suspend).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.enforcement), (OperationStatus::Unanswered, Enforcement::Unanswered));
    bench.nas.behave(|b| b.drop_out = 0.0);
    let (_, subscriber) = ask(&bench, K::Suspend).await.ended();
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Suspended, Enforcement::Acknowledged));
    assert!(!bench.nas.routes(USER));
}

on_both!(a_subscriber_without_a_session_is_suspended_with_the_words_why_nothing_was_acknowledged);
async fn a_subscriber_without_a_session_is_suspended_with_the_words_why_nothing_was_acknowledged(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.nas.remove_session(SESSION).expect("the session");
    let (_, subscriber) = ask(&bench, K::Suspend).await.ended();
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Suspended, Enforcement::None));
    assert!(subscriber.ipv6.enforcement_note.is_some_and(|n| n.as_str().contains("503")));
}

on_both!(resume_from_allocated_is_refused);
async fn resume_from_allocated_is_refused(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    assert!(matches!(ask(&bench, K::Resume).await.refusal(), Refusal::WrongState { state: Ipv6State::Allocated, .. }));
}

on_both!(why_a_subscriber_is_suspended_stands_in_its_row_until_it_is_resumed);
async fn why_a_subscriber_is_suspended_stands_in_its_row_until_it_is_resumed(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    let why = OperationOptions { reason: Some("dunning".into()), ..OperationOptions::default() };
    bench.nas.script(SESSION, [Scripted::Nak(vec![501])]);
    let (_, subscriber) = ask_with(&bench, K::Suspend, why.clone()).await.ended();
    assert_eq!(subscriber.suspend_reason, None, "it was not suspended");
    let (_, subscriber) = ask_with(&bench, K::Suspend, why.clone()).await.ended();
    assert_eq!(subscriber.suspend_reason, Some("dunning".into()));
    let (_, subscriber) = ask(&bench, K::Resume).await.ended();
    assert_eq!(subscriber.suspend_reason, None);
    let (_, subscriber) = ask_with(&bench, K::Suspend, why).await.ended();
    assert_eq!(subscriber.suspend_reason, Some("dunning".into()));
    let (_, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!(subscriber.suspend_reason, None);
}
