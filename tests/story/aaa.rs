//! What a login gets: written with the state, before the NAS is asked; put back where the operation ends short; gone before a release.

use super::support::bench::{Backend, Bench, By, SESSION, USER};
use super::{ask, ask_with, given};
use noctule_domain::aaa::Login;
use noctule_domain::lifecycle::{Enforcement, Ipv6State, OperationKind as K, OperationOptions, OperationStatus, StepKind};
use noctule_network::lifecycle::Started;
use noctule_sim::aaa::AaaFault;
use noctule_sim::nas::Scripted;
use noctule_sim::netbox::{Fault, On, Say};
use std::time::Duration;

on_both!(a_login_gets_the_prefix_when_active_and_not_when_suspended_or_revoked);
async fn a_login_gets_the_prefix_when_active_and_not_when_suspended_or_revoked(on: Backend) {
    for by in [By::Coa, By::Login] {
        let bench = Bench::with_aaa(on, by).await;
        given(&bench, &[K::Allocate]).await;
        assert_eq!(bench.aaa().hands_out(USER), None, "allocated is not active");
        let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
        assert_eq!(operation.plan[0], StepKind::AaaWrite, "first: the new login is immediate");
        assert_eq!(bench.aaa().hands_out(USER), subscriber.ipv6.prefix);
        bench.nas.wait_until(Duration::from_secs(10), |nas| nas.routes(USER)).await;
        bench.facts().await.check("activated");
        given(&bench, &[K::Suspend]).await;
        assert!(matches!(bench.aaa().login(USER), Some(Login::Suspended { .. })));
        // It dials again, and stays outside.
        bench.nas.log_in(USER);
        assert!(!bench.nas.routes(USER), "{by:?}: traffic stops");
        bench.facts().await.check("suspended");
        given(&bench, &[K::Resume]).await;
        assert_eq!(bench.aaa().hands_out(USER), subscriber.ipv6.prefix);
        bench.nas.log_in(USER);
        assert!(bench.nas.routes(USER), "{by:?}: and goes on");
        given(&bench, &[K::Revoke]).await;
        let facts = bench.facts().await;
        assert_eq!((facts.state, bench.aaa().login(USER)), (Ipv6State::Revoked, Some(Login::WithoutPrefix)));
        assert!(bench.nas.wait_until(Duration::from_secs(10), |nas| !nas.sessions_of(USER).is_empty()).await, "it logs in again");
        assert!(!bench.nas.routes(USER), "{by:?}: after revoke AAA no longer returns the prefix");
        facts.check("revoked");
    }
}

on_both!(when_the_nas_says_no_or_nothing_a_login_gets_again_what_the_state_says);
async fn when_the_nas_says_no_or_nothing_a_login_gets_again_what_the_state_says(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    given(&bench, &[K::Allocate]).await;
    for kind in [K::Activate, K::Suspend, K::Resume] {
        bench.nas.script(SESSION, [Scripted::Nak(vec![501])]);
        // Also where AAA fails meanwhile: it is asked until it is clear.
        bench.aaa().script([AaaFault::LostAfter, AaaFault::LostBefore]);
        let before = bench.aaa().login(USER).unwrap_or(Login::WithoutPrefix);
        let (operation, subscriber) = ask(&bench, kind).await.ended();
        assert_eq!((operation.status, subscriber.ipv6.enforcement), (OperationStatus::Refused, Enforcement::Refused), "{kind}");
        assert!(operation.error.is_some_and(|e| e.as_str().contains("501")), "{kind}: the words are those of the NAS");
        assert_eq!(bench.aaa().login(USER), Some(before), "{kind}");
        bench.facts().await.check("put back after a NAK");
        bench.nas.behave(|b| b.down = true);
        let (operation, _) = ask(&bench, kind).await.ended();
        assert_eq!(operation.status, OperationStatus::Unanswered, "{kind}");
        bench.facts().await.check("put back after silence");
        bench.nas.behave(|b| b.down = false);
        given(&bench, &[kind]).await;
        bench.facts().await.check("done in the end");
    }
}

on_both!(a_netbox_that_refuses_the_activation_leaves_no_login_with_the_prefix);
async fn a_netbox_that_refuses_the_activation_leaves_no_login_with_the_prefix(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    given(&bench, &[K::Allocate]).await;
    bench.netbox.script(On::Changes, [Fault::Say(Say::Forbidden403)]);
    let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Refused, Ipv6State::Allocated));
    assert_eq!(bench.aaa().hands_out(USER), None);
}

on_both!(with_force_it_goes_on_past_the_nas_and_aaa_stays_written);
async fn with_force_it_goes_on_past_the_nas_and_aaa_stays_written(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.nas.behave(|b| b.down = true);
    let forced = OperationOptions { force: true, ..OperationOptions::default() };
    let (_, subscriber) = ask_with(&bench, K::Suspend, forced).await.ended();
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Suspended, Enforcement::Unanswered));
    bench.facts().await.check("forced");
}

on_both!(an_aaa_system_that_refuses_or_is_away_leaves_everything_as_it_was);
async fn an_aaa_system_that_refuses_or_is_away_leaves_everything_as_it_was(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    let asked = bench.nas.counters().received;
    for (fault, status) in [(AaaFault::Refused, OperationStatus::Refused), (AaaFault::Down, OperationStatus::Failed)] {
        bench.aaa().script([fault]);
        let (operation, subscriber) = ask(&bench, K::Suspend).await.ended();
        assert_eq!((operation.status, subscriber.ipv6.state), (status, Ipv6State::Active));
        assert!(operation.error.is_some_and(|e| e.as_str().contains("AAA")));
        assert_eq!(bench.nas.counters().received, asked, "no NAS is asked before AAA is written");
        bench.facts().await.check("as it was");
    }
    // A lost answer is asked about until it is clear.
    bench.aaa().script([AaaFault::LostBefore, AaaFault::LostAfter, AaaFault::Down]);
    given(&bench, &[K::Suspend]).await;
    bench.facts().await.check("clear in the end");
}

on_both!(nothing_is_released_before_aaa_has_confirmed);
async fn nothing_is_released_before_aaa_has_confirmed(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.aaa().script([AaaFault::Refused]);
    let (operation, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Refused, Ipv6State::Revoking));
    assert_eq!((bench.facts().await.netbox[0].status, bench.nas.counters().all_naks()), ("active", 0));
    // Away for long: it waits, revoking, and everything else with it.
    bench.aaa().set_down(true);
    let plan = bench.plan_for(K::Revoke);
    let store = plan.open();
    let executor = plan.executor(&store);
    let Ok(Started::Running(handle)) = executor.start(plan.request()).await else { panic!("it begins") };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while store.operation(handle.id).await.expect("store").expect("there").operation.status != OperationStatus::Waiting {
        assert!(tokio::time::Instant::now() < deadline, "it never waited");
        tokio::task::yield_now().await;
    }
    assert!(bench.nas.routes(USER) && bench.facts().await.netbox[0].status == "active");
    bench.aaa().set_down(false);
    let ended = tokio::time::timeout(Duration::from_secs(30), handle.ended()).await.expect("in time").expect("it ends");
    assert_eq!(ended.subscriber.ipv6.state, Ipv6State::Revoked);
    bench.facts().await.check("revoked");
}

on_both!(a_prefix_that_was_only_allocated_is_taken_out_of_aaa_too);
async fn a_prefix_that_was_only_allocated_is_taken_out_of_aaa_too(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    given(&bench, &[K::Allocate]).await;
    // Written by somebody's hand, or by an operation of long ago.
    let prefix = bench.facts().await.prefix;
    let name = noctule_domain::subscriber::Username::new(USER).expect("a name");
    bench.aaa().seed([(name, Login::Normal { delegated: prefix, framed: None })]);
    given(&bench, &[K::Revoke]).await;
    assert_eq!(bench.aaa().login(USER), Some(Login::WithoutPrefix));
    assert_eq!(bench.nas.counters().received, 0, "no NAS was asked");
    bench.facts().await.check("revoked");
}

on_both!(a_console_without_access_to_aaa_says_so_and_does_nothing);
async fn a_console_without_access_to_aaa_says_so_and_does_nothing(on: Backend) {
    let mut bench = Bench::with_aaa(on, By::Coa).await;
    given(&bench, &[K::Allocate]).await;
    bench.plan.aaa_access = false;
    let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Failed, Ipv6State::Allocated));
    assert!(operation.error.is_some_and(|e| e.as_str().contains("[aaa]")));
    assert_eq!(operation.plan[0], StepKind::AaaWrite, "the plan is the tenant's, not the console's");
    assert_eq!(bench.nas.counters().received, 0);
}

// The NAS does it and every answer is lost: accounting has the Stop, and that is an answer too.
on_both!(a_stop_in_accounting_stands_for_an_answer_that_was_lost);
async fn a_stop_in_accounting_stands_for_an_answer_that_was_lost(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.nas.behave(|b| b.drop_out = 1.0);
    let (operation, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Succeeded, Ipv6State::Revoked), "{:?}", operation.error);
    assert_eq!(subscriber.ipv6.enforcement, Enforcement::Observed);
    let store = bench.plan.open();
    let steps = store.operation(operation.id).await.expect("store").expect("there").steps;
    assert!(steps.iter().any(|s| s.answer.as_ref().is_some_and(|a| a.as_str().contains("Stop of"))), "{steps:?}");
    bench.facts().await.check("observed");
}

// No Stop, no answer: nobody says that it happened, and nothing is released.
on_both!(without_a_stop_silence_is_silence);
async fn without_a_stop_silence_is_silence(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.nas.behave(|b| b.down = true);
    let (operation, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Unanswered, Ipv6State::Revoking));
    assert_eq!(bench.facts().await.netbox[0].status, "active", "nothing is released");
}
