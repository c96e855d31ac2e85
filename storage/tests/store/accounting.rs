//! Sessions as accounting tells of them, and the proof of what was asked of a NAS.

use crate::support::*;
use chrono::Duration;
use noctule_domain::aaa::AccountingSession;
use noctule_domain::audit::AuditVerdict;
use noctule_domain::lifecycle::{Enforcement, Ipv6State, Next, OperationKind, Proofs, StepAnswer, StepStatus, Told, advance, first};
use noctule_domain::nas::Verification;
use noctule_domain::ports::{Authority, Begun, SessionBook, StepEnd};
use noctule_domain::subscriber::Username;
use noctule_domain::{SubscriberId, Timestamp};
use noctule_storage::Store;
use std::collections::BTreeMap;
use std::sync::Arc;

const PREFIX: &str = "2001:db8:1::/56";

fn session(started: Timestamp, updated: Timestamp, nas: &str) -> AccountingSession {
    AccountingSession {
        key: "unique-1".into(),
        acct_session_id: "s-1".into(),
        username: Username::new("user1@example.net").unwrap(),
        nas_address: nas.parse().unwrap(),
        framed_ipv4: "100.64.0.1".parse().ok(),
        framed_prefix: "2001:db8:f::/64".parse().ok(),
        delegated_prefix: PREFIX.parse().ok(),
        started_at: started,
        updated_at: updated,
        stopped_at: None,
        input_octets: 5_000_000_000,
        output_octets: 7,
        terminate_cause: None,
    }
}

fn told(open: &[AccountingSession], stopped: &[AccountingSession]) -> Vec<Told> {
    vec![Told { username: Username::new("user1@example.net").unwrap(), open: open.to_vec(), stopped: stopped.to_vec() }]
}

fn proofs() -> Arc<BTreeMap<String, Proofs>> {
    let by = Proofs {
        activate: Verification::Interim,
        suspend: Verification::Stop,
        resume: Verification::Interim,
        revoke: Verification::Stop,
        deadline_s: 900,
    };
    Arc::new([("generic".to_owned(), by)].into())
}

async fn active(place: &Place) -> (Store, SubscriberId) {
    let store = place.open();
    let mut new = holding(1, Ipv6State::Allocated, PREFIX);
    new.nas = Some("bng-1".into());
    fill(&store, vec![new]).await;
    let id = named(&store, "S00001").await.id;
    (store, id)
}

/// An operation whose NAS acknowledges.
async fn run(store: &Store, id: SubscriberId, kind: OperationKind) {
    let Begun::Started(operation) = store.begin(ask(id, kind)).await.unwrap() else { panic!("{kind} did not begin") };
    let mut progress = operation.progress.clone();
    let mut next = first(kind, &operation.plan, &progress);
    loop {
        match next {
            Next::Run(step) => {
                store.step_started(crate::authority::start_of(operation.id, step, &progress)).await.unwrap();
                let answer = if step.is_nas() { StepAnswer::Acknowledged } else { StepAnswer::Done };
                next = advance(kind, &operation.plan, &mut progress, false, answer);
                let end = StepEnd {
                    operation: operation.id,
                    step,
                    attempt: 1,
                    status: StepStatus::Done,
                    answer: "ok".into(),
                    progress: progress.clone(),
                    wait: None,
                };
                store.step_ended(end).await.unwrap();
            }
            Next::End(ended) => {
                store.finish(operation.id, progress, *ended).await.unwrap();
                return;
            }
            Next::Wait(why) => panic!("waits: {why}"),
        }
    }
}

async fn enforcement(store: &Store, id: SubscriberId) -> (Enforcement, String) {
    let found = store.subscriber(id).await.unwrap().unwrap();
    (found.ipv6.enforcement, found.ipv6.enforcement_note.map(|note| note.into_string()).unwrap_or_default())
}

#[tokio::test]
async fn a_session_comes_with_all_that_accounting_tells_and_goes_with_it() {
    let place = Place::new();
    let (store, id) = active(&place).await;
    let now = start();
    let one = session(now - Duration::hours(1), now - Duration::minutes(5), "192.0.2.1");
    let heard = store.told(told(std::slice::from_ref(&one), &[]), proofs()).await.unwrap();
    assert_eq!((heard.put, heard.ended), (1, 0));
    let found = store.subscriber(id).await.unwrap().unwrap().session.unwrap();
    let accounting = found.accounting.clone().unwrap();
    assert_eq!((accounting.input_octets, accounting.framed_prefix), (5_000_000_000, one.framed_prefix));
    assert_eq!((found.seen_at, found.delegated_prefix, found.is_stale(now)), (one.updated_at, PREFIX.parse().ok(), false));
    assert!(found.is_stale(now + Duration::hours(3)));
    assert_eq!(store.told(told(std::slice::from_ref(&one), &[]), proofs()).await.unwrap().put, 0, "the same again");
    assert_eq!(store.known(None, 10).await.unwrap().len(), 1);
    // The newest whose NAS is registered counts.
    let elsewhere = session(now, now, "203.0.113.1");
    let heard = store.told(told(&[elsewhere, one], &[]), proofs()).await.unwrap();
    assert_eq!((heard.put, heard.unknown_nas), (0, vec!["203.0.113.1".parse().unwrap()]));
    let heard = store.told(told(&[], &[]), proofs()).await.unwrap();
    assert_eq!((heard.put, heard.ended), (0, 1));
    assert!(store.subscriber(id).await.unwrap().unwrap().session.is_none());
    assert_eq!(store.told(told(&[], &[]), proofs()).await.unwrap(), Default::default());
}

#[tokio::test]
async fn what_accounting_shows_after_an_ack_is_observed_with_its_audit_record() {
    let place = Place::new();
    let (store, id) = active(&place).await;
    let now = start();
    store.told(told(&[session(now, now, "192.0.2.1")], &[]), proofs()).await.unwrap();
    place.clock.forward(Duration::seconds(60));
    run(&store, id, OperationKind::Activate).await;
    assert_eq!(enforcement(&store, id).await.0, Enforcement::Acknowledged);
    assert_eq!(store.awaiting(now, 10).await.unwrap().len(), 1);

    // An Interim-Update of before the request proves nothing; one of after it does.
    assert_eq!(store.told(told(&[session(now, now + Duration::seconds(59), "192.0.2.1")], &[]), proofs()).await.unwrap().observed, 0);
    let overdue = store.unproved(proofs(), now + Duration::hours(1), 10).await.unwrap();
    assert_eq!(overdue.iter().map(|one| (one.subscriber, one.kind)).collect::<Vec<_>>(), [(id, OperationKind::Activate)]);
    assert_eq!(store.unproved(proofs(), now + Duration::minutes(10), 10).await.unwrap(), []);
    let version = store.subscriber(id).await.unwrap().unwrap().version;
    let heard = store.told(told(&[session(now, now + Duration::seconds(61), "192.0.2.1")], &[]), proofs()).await.unwrap();
    assert_eq!(heard.observed, 1);
    assert_eq!(enforcement(&store, id).await, (Enforcement::Observed, "seen in accounting 12:01:01 UTC, session s-1".to_owned()));
    assert_eq!(store.subscriber(id).await.unwrap().unwrap().version, version + 1);
    assert_eq!(store.told(told(&[session(now, now + Duration::seconds(62), "192.0.2.1")], &[]), proofs()).await.unwrap().observed, 0);
    assert_eq!(
        (store.awaiting(now, 10).await.unwrap(), store.unproved(proofs(), now + Duration::hours(1), 10).await.unwrap()),
        (vec![], vec![])
    );

    let records =
        place.raw().query_row("SELECT count(*) FROM audit WHERE body LIKE '%ipv6-observed%'", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(records, 1);
    assert!(matches!(store.audit_verify().await.unwrap(), AuditVerdict::Intact { .. }));
}

#[tokio::test]
async fn the_end_of_a_session_proves_a_disconnect_also_after_its_row_has_gone() {
    let place = Place::new();
    let (store, id) = active(&place).await;
    let now = start();
    run(&store, id, OperationKind::Activate).await;
    store.told(told(&[session(now, now, "192.0.2.1")], &[]), proofs()).await.unwrap();
    place.clock.forward(Duration::seconds(60));
    run(&store, id, OperationKind::Revoke).await;
    assert_eq!(enforcement(&store, id).await.0, Enforcement::Acknowledged);
    let mut ended = session(now, now + Duration::seconds(60), "192.0.2.1");
    ended.stopped_at = Some(ended.updated_at);
    // The session goes first, the proof is asked for later.
    assert_eq!(store.told(told(&[], &[]), proofs()).await.unwrap().ended, 1);
    assert_eq!(store.told(told(&[], &[ended]), proofs()).await.unwrap().observed, 1);
    assert!(enforcement(&store, id).await.1.starts_with("ended in accounting 12:01:00 UTC"));
}
