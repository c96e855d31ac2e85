//! What jobs ask of the centre: prefixes that have rested, late prefixes, health of NASes, pools.

use super::place::{Place, begun, request};
use chrono::Utc;
use noctule_domain::NasId;
use noctule_domain::ipam::{Pool, PrefixStatus};
use noctule_domain::lifecycle::*;
use noctule_domain::nas::{NasReach, NasSeen};
use noctule_domain::permission::Role;
use noctule_domain::ports::{Authority, AuthorityError, StepEnd, StepStart};
use std::time::Duration;

#[tokio::test]
async fn what_has_rested_is_named_to_who_may_release_it() {
    let place = Place::new().await;
    let console = place.noc();
    let rested = place.subscriber(&[
        ("state", "'revoked'"),
        ("prefix", "'2001:db8:1::/56'"),
        ("netbox_prefix_id", "1"),
        ("hold_until", "now() - interval '1 second'"),
    ]);
    place.subscriber(&[
        ("state", "'revoked'"),
        ("prefix", "'2001:db8:2::/56'"),
        ("netbox_prefix_id", "2"),
        ("hold_until", "now() + interval '1 hour'"),
    ]);
    assert_eq!(console.rested(10).await.expect("a list"), [rested]);
    assert_eq!(place.console(&place.login(Role::Dispatcher)).rested(10).await.expect("a list"), []);
    begun(&console, request(rested, OperationKind::Release)).await;
    assert_eq!(console.rested(10).await.expect("a list"), [], "it is under way");
}

#[tokio::test]
async fn an_allocation_in_doubt_is_watched_once_a_minute_until_somebody_says_it_is_over() {
    let place = Place::new().await;
    let console = place.noc();
    let operation = begun(&console, request(place.subscriber(&[]), OperationKind::Allocate)).await;
    let mut progress = operation.progress.clone();
    for (attempt, answer, status) in
        [(1, StepAnswer::Unclear("timed out".into()), StepStatus::Unclear), (2, StepAnswer::Refused("403".into()), StepStatus::Refused)]
    {
        progress.attempts = attempt;
        let step = StepKind::NetboxAllocate;
        let start = StepStart {
            operation: operation.id,
            step,
            attempt,
            upstream: "NetBox".into(),
            request: "next".into(),
            progress: progress.clone(),
        };
        console.step_started(start).await.expect("starts");
        let next = advance(operation.kind, &operation.plan, &mut progress, false, answer);
        let wait = matches!(next, Next::Wait(_)).then(|| (Utc::now(), "later".into()));
        let end = StepEnd { operation: operation.id, step, attempt, status, answer: "so".into(), progress: progress.clone(), wait };
        console.step_ended(end).await.expect("ends");
        if let Next::End(ended) = next {
            console.finish(operation.id, progress.clone(), *ended).await.expect("it ends");
        }
    }
    assert_eq!(console.watched(10).await.expect("a list"), [operation.id]);
    assert_eq!(place.noc().watched(10).await.expect("a list"), [], "once a minute, whoever looks");
    place.sql("UPDATE noctule.operations SET watch_next = now() - interval '1 second', watch_until = now() - interval '1 hour'");
    assert_eq!(console.watched(10).await.expect("a list"), [operation.id], "nobody has had an answer yet");
    for _ in 0..2 {
        console.unwatch(operation.id, "nothing came".into()).await.expect("over");
    }
    place.sql("UPDATE noctule.operations SET watch_next = now() - interval '1 second'");
    assert_eq!(console.watched(10).await.expect("a list"), []);
    assert!(!console.context(operation.id).await.expect("a context").operation.progress.watch);
    assert_eq!(place.sql("SELECT count(*) FROM noctule.audit WHERE body LIKE '%ipv6-allocate-watch-end%'"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_exchanges_lose_no_count() {
    let place = Place::new().await;
    let nas = NasId(place.nas());
    let consoles = [place.noc(), place.noc(), place.noc(), place.noc()];
    let now = Utc::now();
    let ack = NasSeen {
        reach: NasReach::Up,
        round_trip: Some(Duration::from_micros(3_456)),
        answered_at: Some(now),
        asked_at: Some(now),
        acks: 1,
        ..NasSeen::default()
    };
    let all = (0..100).map(|n| {
        let (console, seen) = (consoles[n % 4].clone(), ack.clone());
        tokio::spawn(async move { console.nas_health(nas, seen).await })
    });
    for one in futures::future::join_all(all).await {
        one.expect("no panic").expect("stored");
    }
    let silence = NasSeen { reach: NasReach::Silent, asked_at: Some(now), timeouts: 1, ..NasSeen::default() };
    consoles[0].nas_health(nas, silence).await.expect("stored");
    let row = place.sql("SELECT reach, round_trip_us, acks, naks, timeouts, last_answer_at > now() - interval '1 minute' FROM noctule.nas");
    assert_eq!(row, "silent|3456|100|0|1|t");
    let unknown = consoles[0].nas_health(NasId(uuid::Uuid::now_v7()), ack.clone()).await;
    assert!(matches!(unknown, Err(AuthorityError::NotFound { what: "NAS", .. })));
    let viewer = place.console(&place.login(Role::Viewer)).nas_health(nas, ack).await;
    assert!(matches!(viewer, Err(AuthorityError::Refused(Refusal::NotPermitted { .. }))));
}

/// What the centre says of a NAS is what the domain reads, round trip included.
#[tokio::test]
async fn a_context_has_the_nas_that_is_asked_with_its_health() {
    let place = Place::new().await;
    let console = place.noc();
    let subscriber = place.in_service(1);
    place.sql(
        "UPDATE noctule.nas SET reach = 'busy', round_trip_us = 2003004, acks = 5, last_answer_at = now(), nas_ip = '192.0.2.9',
            nas_identifier = 'bng', lat = 60.17, lng = 24.94, site = 'Kallio'",
    );
    let operation = begun(&console, request(subscriber, OperationKind::Suspend)).await;
    let context = console.context(operation.id).await.expect("a context");
    let nas = context.nas.expect("a NAS");
    assert_eq!((nas.health.reach, nas.health.acks, nas.health.round_trip), (NasReach::Busy, 5, Some(Duration::from_micros(2_003_004))));
    assert_eq!(nas.position.map(|p| (p.lat, p.lng)), Some((60.17, 24.94)));
    assert_eq!(context.subscriber.running, Some(operation.id));
    assert_eq!(context.subscriber.session.map(|s| s.acct_session_id.into_string()).as_deref(), Some("s-1"));
    // The store's own words for a profile that nobody knows.
    let other = place.in_service(2);
    place.sql(&format!("UPDATE noctule.nas SET profile = 'colour' WHERE id = (SELECT nas FROM noctule.subscribers WHERE id = '{other}')"));
    let refused = console.begin(request(other, OperationKind::Suspend)).await.expect_err("unknown profile");
    assert!(refused.to_string().contains("'colour'") && refused.to_string().contains("nothing was begun"), "{refused}");
}

#[tokio::test]
async fn pools_are_told_once_in_a_while_and_forgotten_when_netbox_has_them_no_more() {
    let place = Place::new().await;
    let console = place.noc();
    let pool = |id: i64, used: u64| Pool {
        id,
        prefix: format!("2001:db8:{id:x}00::/40").parse().expect("a prefix"),
        vrf: None,
        status: PrefixStatus::Active,
        description: "of the north".into(),
        delegated_len: 56,
        used,
        seen_at: Utc::now(),
        fits: Vec::new(),
        history: Vec::new(),
        thresholds: Default::default(),
    };
    assert!(console.pools_replace(&[pool(1, 3), pool(2, 0)]).await.expect("stored"));
    assert!(!console.pools_replace(&[pool(1, 3), pool(2, 0)]).await.expect("known"), "the same within seconds");
    assert!(console.pools_replace(&[pool(2, 1)]).await.expect("stored"));
    assert_eq!(place.sql("SELECT netbox_id, used FROM noctule.pools"), "2|1");
    place.sql("UPDATE noctule.pools SET seen_at = now() - interval '21 seconds'");
    assert!(console.pools_replace(&[pool(2, 1)]).await.expect("stored"), "seen again");
    let viewer = place.console(&place.login(Role::Viewer)).pools_replace(&[]).await;
    assert!(matches!(viewer, Err(AuthorityError::Refused(Refusal::NotPermitted { .. }))));
    assert_eq!(place.sql("SELECT count(*) FROM noctule.pools"), "1");
}
