//! Activate.

use super::support::bench::{Backend, Bench, SESSION, USER};
use super::{ask, ask_with, given};
use noctule_domain::lifecycle::{AssignmentMode, Enforcement, Ipv6State, OperationKind as K, OperationOptions, OperationStatus, Refusal};
use noctule_sim::nas::{NasSession, Scripted};

on_both!(with_a_session_the_nas_takes_the_prefix_and_the_screen_says_acknowledged_not_more);
async fn with_a_session_the_nas_takes_the_prefix_and_the_screen_says_acknowledged_not_more(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!(operation.status, OperationStatus::Succeeded);
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Active, Enforcement::Acknowledged));
    let facts = bench.facts().await;
    assert_eq!(facts.session_prefixes, vec![subscriber.ipv6.prefix.expect("prefix")]);
    assert_eq!(facts.netbox[0].status, "active");
}

on_both!(without_a_session_nothing_is_asked_of_the_network_and_enforcement_says_none);
async fn without_a_session_nothing_is_asked_of_the_network_and_enforcement_says_none(on: Backend) {
    let bench = Bench::with_on(on, AssignmentMode::DualStack, false).await;
    given(&bench, &[K::Allocate]).await;
    let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!(operation.status, OperationStatus::Succeeded);
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Active, Enforcement::None));
    assert_eq!(bench.nas.counters().received, 0);
}

on_both!(a_nak_is_never_success_its_cause_is_shown_in_words_and_the_same_key_tries_again);
async fn a_nak_is_never_success_its_cause_is_shown_in_words_and_the_same_key_tries_again(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    for cause in [401, 404, 407, 501] {
        bench.nas.script(SESSION, [Scripted::Nak(vec![cause])]);
        let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
        assert_eq!(operation.status, OperationStatus::Refused);
        assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Allocated, Enforcement::Refused));
        let words = subscriber.ipv6.enforcement_note.expect("words");
        assert!(words.as_str().contains(&cause.to_string()), "{words}");
        assert_eq!(bench.facts().await.netbox[0].status, "reserved", "nothing went on after the NAK");
    }
    let (_, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Active, Enforcement::Acknowledged));
}

on_both!(a_nak_without_a_cause_is_a_refusal_too);
async fn a_nak_without_a_cause_is_a_refusal_too(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    bench.nas.script(SESSION, [Scripted::Nak(vec![])]);
    let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.enforcement), (OperationStatus::Refused, Enforcement::Refused));
}

on_both!(a_busy_nas_is_asked_again_before_that_counts);
async fn a_busy_nas_is_asked_again_before_that_counts(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    bench.nas.script(SESSION, [Scripted::Nak(vec![506]), Scripted::Nak(vec![506])]);
    let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.enforcement), (OperationStatus::Succeeded, Enforcement::Acknowledged));
}

on_both!(silence_is_unanswered_never_success_and_never_no);
async fn silence_is_unanswered_never_success_and_never_no(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    bench.nas.behave(|b| b.down = true);
    let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!(operation.status, OperationStatus::Unanswered);
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Allocated, Enforcement::Unanswered));
    assert!(operation.error.is_some_and(|e| e.as_str().contains("wrong secret")), "the words name what looks alike");
}

on_both!(a_wrong_secret_is_silence);
async fn a_wrong_secret_is_silence(on: Backend) {
    let mut bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    bench.plan.nas_secret = Some("not the secret at all".to_owned());
    let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.enforcement), (OperationStatus::Unanswered, Enforcement::Unanswered));
    assert!(bench.facts().await.session_prefixes.is_empty());
}

on_both!(a_secret_that_can_not_be_read_sends_nothing_and_changes_nothing);
async fn a_secret_that_can_not_be_read_sends_nothing_and_changes_nothing(on: Backend) {
    let mut bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    bench.plan.nas_secret = None;
    let (operation, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!(operation.status, OperationStatus::Failed);
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Allocated, Enforcement::None));
    assert_eq!(bench.nas.counters().received, 0);
}

on_both!(an_old_session_id_is_not_believed_the_user_name_is_asked_for);
async fn an_old_session_id_is_not_believed_the_user_name_is_asked_for(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    // The subscriber has logged in again since we heard of the session.
    bench.nas.remove_session(SESSION).expect("the session");
    bench.nas.insert_session(NasSession::new("8a3f9999", USER, bench.plan.now));
    let (_, subscriber) = ask(&bench, K::Activate).await.ended();
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Active, Enforcement::Acknowledged));
    assert!(bench.nas.routes(USER));
}

on_both!(without_coa_nothing_is_asked_and_from_suspended_it_is_refused);
async fn without_coa_nothing_is_asked_and_from_suspended_it_is_refused(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    let quiet = OperationOptions { send_coa: false, ..OperationOptions::default() };
    let (_, subscriber) = ask_with(&bench, K::Activate, quiet).await.ended();
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Active, Enforcement::None));
    assert_eq!(bench.nas.counters().received, 0);
    given(&bench, &[K::Suspend]).await;
    let refusal = ask(&bench, K::Activate).await.refusal();
    assert!(matches!(refusal, Refusal::WrongState { state: Ipv6State::Suspended, .. }));
}
