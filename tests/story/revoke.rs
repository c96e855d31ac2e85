//! Revoke, and the rest of a released prefix.

use super::support::bench::{Backend, Bench, SESSION, USER};
use super::{Asked, ask, ask_with, given};
use noctule_domain::lifecycle::{Enforcement, Ipv6State, OperationKind as K, OperationOptions, OperationStatus, Refusal};
use noctule_sim::nas::Scripted;
use noctule_sim::netbox::{Fault, On, Say};

on_both!(the_session_ends_the_prefix_rests_and_is_deleted_after_the_rest);
async fn the_session_ends_the_prefix_rests_and_is_deleted_after_the_rest(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    let (_, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Revoked, Enforcement::Acknowledged));
    assert!(bench.nas.sessions_of(USER).is_empty(), "disconnected");
    let facts = bench.facts().await;
    assert_eq!((facts.netbox.len(), facts.netbox[0].status), (1, "deprecated"));
    assert!(facts.hold && facts.netbox[0].hold_until.is_some());
    // The janitor does nothing before the time has come, and everything after it.
    bench.housekeeping(chrono::Duration::hours(1)).await;
    assert_eq!(bench.facts().await.netbox.len(), 1);
    bench.housekeeping(chrono::Duration::hours(25)).await;
    let facts = bench.facts().await;
    assert!(facts.netbox.is_empty() && facts.prefix.is_none());
    facts.check("after the rest");
}

on_both!(revoking_twice_keeps_the_first_timestamp);
async fn revoking_twice_keeps_the_first_timestamp(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    let (_, first) = ask(&bench, K::Revoke).await.ended();
    let Asked::AlreadyThere(second) = ask(&bench, K::Revoke).await else { panic!("it ran again") };
    assert_eq!(second.ipv6.revoked_at, first.ipv6.revoked_at);
    assert!(first.ipv6.revoked_at.is_some());
}

on_both!(from_pending_it_is_refused);
async fn from_pending_it_is_refused(on: Backend) {
    assert!(matches!(ask(&Bench::new_on(on).await, K::Revoke).await.refusal(), Refusal::WrongState { state: Ipv6State::Pending, .. }));
}

on_both!(nothing_is_released_before_the_disconnect_is_confirmed);
async fn nothing_is_released_before_the_disconnect_is_confirmed(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.nas.script(SESSION, [Scripted::Nak(vec![504])]);
    let (operation, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Refused, Ipv6State::Revoking));
    assert_eq!(subscriber.ipv6.enforcement, Enforcement::Refused);
    assert_eq!(bench.facts().await.netbox[0].status, "active", "nothing was released");
    bench.nas.behave(|b| b.down = true);
    let (operation, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Unanswered, Ipv6State::Revoking));
    assert_eq!(bench.facts().await.netbox[0].status, "active");
    bench.nas.behave(|b| b.down = false);
    let (_, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!(subscriber.ipv6.state, Ipv6State::Revoked);
    bench.facts().await.check("a retry finishes it");
}

on_both!(a_session_that_is_not_there_is_as_good_as_disconnected);
async fn a_session_that_is_not_there_is_as_good_as_disconnected(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.nas.remove_session(SESSION);
    let (_, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Revoked, Enforcement::None));
}

on_both!(a_release_that_netbox_refuses_keeps_the_id_and_stays_revoking);
async fn a_release_that_netbox_refuses_keeps_the_id_and_stays_revoking(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.netbox.script(On::Changes, [Fault::Say(Say::Forbidden403)]);
    let (operation, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Refused, Ipv6State::Revoking));
    assert!(subscriber.ipv6.netbox_prefix_id.is_some() && subscriber.ipv6.last_error.is_some());
    let (_, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!(subscriber.ipv6.state, Ipv6State::Revoked);
    bench.facts().await.check("a retry finishes it");
}

on_both!(a_used_prefix_is_released_without_a_disconnect_only_by_force);
async fn a_used_prefix_is_released_without_a_disconnect_only_by_force(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    let quiet = OperationOptions { send_disconnect: false, ..OperationOptions::default() };
    assert_eq!(ask_with(&bench, K::Revoke, quiet.clone()).await.refusal(), Refusal::DisconnectRequired);
    bench.nas.behave(|b| b.down = true);
    let forced = OperationOptions { force: true, ..OperationOptions::default() };
    let (_, subscriber) = ask_with(&bench, K::Revoke, forced).await.ended();
    assert_eq!(subscriber.ipv6.state, Ipv6State::Revoked);
    assert_eq!(subscriber.ipv6.enforcement, Enforcement::Unanswered, "and the row says for good that nobody confirmed");
}

on_both!(a_prefix_that_was_never_used_is_released_without_asking_the_nas);
async fn a_prefix_that_was_never_used_is_released_without_asking_the_nas(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    let (_, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!(subscriber.ipv6.state, Ipv6State::Revoked);
    assert_eq!(bench.nas.counters().received, 0);
}
