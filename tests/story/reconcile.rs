//! Somebody changes something behind our back, and a reconcile sets it to what the state says: an operation like the others, with its journal
//! and its audit record, on both authorities. The state moves in one case only.

use super::support::bench::{Backend, Bench, By, USER};
use super::{Asked, ask_with, given};
use noctule_domain::aaa::Login;
use noctule_domain::lifecycle::{
    Enforcement, Ipv6State, Operation, OperationKind as K, OperationOptions, OperationStatus, ReconcileWhat, Refusal, StepKind,
};
use noctule_domain::permission::Role;
use noctule_domain::ports::{Authority, AuthorityError};
use noctule_domain::subscriber::{Subscriber, Username};
use noctule_sim::nas::Scripted;
use noctule_sim::netbox::{DEFAULT_TOKEN, Fault, On, Say};
use serde_json::{Value, json};
use std::time::Duration;

async fn reconcile(bench: &Bench, what: ReconcileWhat) -> Asked {
    let options = OperationOptions { reconcile: Some(what), reason: Some("seen by hand".into()), ..OperationOptions::default() };
    ask_with(bench, K::Reconcile, options).await
}

async fn reconciled(bench: &Bench, what: ReconcileWhat) -> (Operation, Subscriber) {
    let (operation, subscriber) = reconcile(bench, what).await.ended();
    assert_eq!(operation.status, OperationStatus::Succeeded, "{:?}", operation.error);
    (operation, subscriber)
}

/// As somebody in the web pages of NetBox.
async fn patch(bench: &Bench, id: i64, body: Value) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = format!("{}/api/ipam/prefixes/{id}/", bench.netbox.url());
    let answer =
        client.patch(url).header("Authorization", format!("Token {DEFAULT_TOKEN}")).json(&body).send().await.expect("NetBox answers");
    assert!(answer.status().is_success(), "{}", answer.status());
}

fn by_hand(bench: &Bench, login: Login) {
    bench.aaa().seed([(Username::new(USER).expect("a name"), login)]);
}

/// The session ends and the subscriber dials in again: it gets what AAA says now.
fn dials_in(bench: &Bench) {
    for session in bench.nas.sessions_of(USER) {
        bench.nas.remove_session(&session.acct_session_id);
    }
    bench.nas.log_in(USER);
}

/// The audit records of an operation: actions, who, and what stood before and after.
async fn told(bench: &Bench, operation: &Operation) -> Vec<(String, String, Value, Value)> {
    let records = bench.plan.open().audit_page(0, 500).await.expect("the audit log");
    let of_it = records.into_iter().filter(|r| r.entry.operation == Some(operation.id));
    of_it
        .map(|r| {
            assert_eq!(r.entry.reason.as_ref().map(|why| why.as_str()), Some("seen by hand"));
            (r.entry.action, r.entry.actor.into_string(), r.entry.before, r.entry.after)
        })
        .collect()
}

on_both!(what_was_edited_in_netbox_is_put_back);
async fn what_was_edited_in_netbox_is_put_back(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    let before = bench.plan.open().subscriber(bench.plan.subscriber).await.expect("store").expect("there");
    let (id, prefix) = (before.ipv6.netbox_prefix_id.expect("id"), before.ipv6.prefix.expect("prefix"));
    let asked = bench.nas.counters().received;
    for change in [json!({ "status": "deprecated" }), json!({ "prefix": "2001:db8:fff:100::/56" })] {
        patch(&bench, id, change).await;
        // The first answer is lost: asked again, until it is clear.
        bench.netbox.script(On::Changes, [Fault::Say(Say::Html500)]);
        let (operation, subscriber) = reconciled(&bench, ReconcileWhat::Netbox).await;
        assert_eq!(operation.plan, [StepKind::NetboxPutBack]);
        let now = bench.netbox.prefix(id).expect("there");
        assert_eq!((now.prefix, now.status), (prefix, "active"));
        assert_eq!(subscriber.ipv6, before.ipv6, "nothing of the record moved");
        let records = told(&bench, &operation).await;
        let actions: Vec<&str> = records.iter().map(|(action, ..)| action.as_str()).collect();
        assert_eq!(actions, ["ipv6-reconcile-begin", "ipv6-reconcile"]);
        assert!(records.iter().all(|(_, who, before, after)| !who.is_empty() && before == after), "{records:?}");
        let steps = bench.plan.open().operation(operation.id).await.expect("store").expect("there").steps;
        assert!(steps.len() > 1 && steps.iter().all(|s| s.ended_at.is_some()), "{steps:?}");
    }
    assert_eq!(bench.nas.counters().received, asked, "no session is touched");
    bench.facts().await.check("put back");
}

on_both!(what_was_written_into_aaa_is_written_by_the_state);
async fn what_was_written_into_aaa_is_written_by_the_state(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    let other = Login::Normal { delegated: Some("2001:db8:eeee::/56".parse().expect("a prefix")), framed: None };
    // From every state that an operation leads to; pending first.
    let course: [&[K]; 5] = [&[], &[K::Allocate], &[K::Activate], &[K::Suspend], &[K::Revoke]];
    for kinds in course {
        given(&bench, kinds).await;
        let before = bench.plan.open().subscriber(bench.plan.subscriber).await.expect("store").expect("there").ipv6;
        by_hand(&bench, other.clone());
        let (operation, subscriber) = reconciled(&bench, ReconcileWhat::Aaa).await;
        assert_eq!(operation.plan, [StepKind::AaaWrite]);
        assert_eq!(subscriber.ipv6, before, "{kinds:?}");
        bench.facts().await.check("written by the state");
    }
    // AAA that is away or refuses ends it in words, and it can be asked for again.
    use noctule_sim::aaa::AaaFault;
    for (fault, status) in [(AaaFault::Refused, OperationStatus::Refused), (AaaFault::Down, OperationStatus::Failed)] {
        by_hand(&bench, other.clone());
        bench.aaa().script([fault]);
        let (operation, _) = reconcile(&bench, ReconcileWhat::Aaa).await.ended();
        assert_eq!(operation.status, status);
    }
    reconciled(&bench, ReconcileWhat::Aaa).await;
    bench.facts().await.check("in the end");
}

on_both!(a_session_is_brought_to_what_the_state_says);
async fn a_session_is_brought_to_what_the_state_says(on: Backend) {
    let bench = Bench::with_aaa(on, By::Login).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.nas.wait_until(Duration::from_secs(10), |nas| nas.routes(USER)).await;
    let stranger: ipnet::Ipv6Net = "2001:db8:eeee::/56".parse().expect("a prefix");
    let routed = |bench: &Bench| bench.nas.sessions_of(USER).into_iter().flat_map(|s| s.delegated_prefixes).collect::<Vec<_>>();
    by_hand(&bench, Login::Normal { delegated: Some(stranger), framed: None });
    dials_in(&bench);
    assert_eq!(routed(&bench), [stranger]);
    let (operation, subscriber) = reconciled(&bench, ReconcileWhat::Nas).await;
    assert_eq!(operation.plan, [StepKind::AaaWrite, StepKind::NasDisconnect], "the login first");
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Active, Enforcement::Acknowledged));
    let own = subscriber.ipv6.prefix.expect("prefix");
    assert!(bench.nas.wait_until(Duration::from_secs(10), |nas| nas.sessions_of(USER).iter().any(|s| s.delegated_prefixes == [own])).await);
    bench.facts().await.check("the session has its own");
    // Suspended, and somebody let it in again.
    given(&bench, &[K::Suspend]).await;
    by_hand(&bench, Login::Normal { delegated: Some(own), framed: None });
    dials_in(&bench);
    assert!(bench.nas.routes(USER));
    reconciled(&bench, ReconcileWhat::Nas).await;
    assert!(!bench.nas.routes(USER), "it is out again");
    // A NAS that says no: the state stays, what it said is shown, and AAA says what the state says.
    bench.nas.script(USER, [Scripted::Nak(vec![501])]);
    let (operation, subscriber) = reconcile(&bench, ReconcileWhat::Nas).await.ended();
    assert_eq!(operation.status, OperationStatus::Refused, "{:?}", operation.error);
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.enforcement), (Ipv6State::Suspended, Enforcement::Refused));
    bench.facts().await.check("refused");
}

on_both!(only_what_is_revoked_and_given_back_goes_back_to_pending);
async fn only_what_is_revoked_and_given_back_goes_back_to_pending(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    let state = |state| Refusal::WrongState { kind: K::Reconcile, state };
    assert_eq!(reconcile(&bench, ReconcileWhat::Pending).await.refusal(), state(Ipv6State::Pending));
    given(&bench, &[K::Allocate, K::Activate]).await;
    assert_eq!(reconcile(&bench, ReconcileWhat::Pending).await.refusal(), state(Ipv6State::Active));
    given(&bench, &[K::Revoke]).await;
    assert_eq!(reconcile(&bench, ReconcileWhat::Pending).await.refusal(), Refusal::NotReleased, "it rests");
    bench.housekeeping(chrono::Duration::days(2)).await;
    let (operation, subscriber) = reconciled(&bench, ReconcileWhat::Pending).await;
    assert_eq!(operation.plan, [StepKind::AaaWrite, StepKind::Reset]);
    let record = &subscriber.ipv6;
    assert_eq!((record.state, record.prefix, record.netbox_prefix_id), (Ipv6State::Pending, None, None));
    assert_eq!((record.revoked_at, record.activated_at, record.enforcement), (None, None, Enforcement::None));
    let records = told(&bench, &operation).await;
    let last = records.last().expect("its record");
    assert_eq!((&last.2["state"], &last.3["state"]), (&json!("revoked"), &json!("pending")));
    bench.facts().await.check("pending");
    given(&bench, &[K::Allocate]).await;
    bench.facts().await.check("a new life");
}

on_both!(a_reconcile_needs_force_and_stands_in_line_like_the_others);
async fn a_reconcile_needs_force_and_stands_in_line_like_the_others(on: Backend) {
    let bench = Bench::with_aaa(on, By::Coa).await;
    for role in [Role::Dispatcher, Role::Technician, Role::Viewer] {
        let (desk, mut request) = bench.as_role(role);
        request.kind = K::Reconcile;
        let refused = desk.begin(request).await;
        let needs = noctule_domain::permission::Permission::Ipv6Force;
        assert!(matches!(refused, Err(AuthorityError::Refused(Refusal::NotPermitted { needs: n, .. })) if n == needs), "{refused:?}");
    }
    // One subscriber, one operation.
    let plan = bench.plan_for(K::Reconcile);
    let desk = plan.open();
    desk.begin(plan.request()).await.expect("it begins");
    assert!(matches!(bench.at_once(K::Allocate).await, Err(Refusal::Busy { kind: K::Reconcile, .. })));
    // Its console dies: another one ends it.
    drop(desk);
    bench.recover().await;
    bench.facts().await.check("taken over");
}
