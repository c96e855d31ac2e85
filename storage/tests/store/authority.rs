//! The authority: idempotence, one running operation, leases and take-over, overlap, cancel, the jobs.

use crate::support::*;
use chrono::Duration;
use noctule_domain::audit::AuditVerdict;
use noctule_domain::lifecycle::{
    Ended, Enforcement, Ipv6State, Next, Operation, OperationKind, OperationStatus, Progress, Refusal, StepAnswer, StepKind, StepStatus,
    advance, first,
};
use noctule_domain::nas::{NasReach, NasSeen};
use noctule_domain::permission::Role;
use noctule_domain::ports::{Authority, AuthorityError, Begun, Context, FirstTry, Opened, StepEnd, StepStart};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{OperationId, Retry, SubscriberId};
use noctule_storage::{NewSession, OperationFilter, Store};
use std::sync::Arc;

pub fn start_of(operation: OperationId, step: StepKind, progress: &Progress) -> StepStart {
    StepStart { operation, step, attempt: 1, upstream: "netbox".into(), request: "ask".into(), progress: progress.clone() }
}

fn end_of(operation: OperationId, step: StepKind, status: StepStatus, progress: &Progress) -> StepEnd {
    StepEnd { operation, step, attempt: 1, status, answer: "answer".into(), progress: progress.clone(), wait: None }
}

fn allocated(prefix: &str, id: i64) -> StepAnswer {
    StepAnswer::Allocated { prefix: prefix.parse().unwrap(), netbox_prefix_id: id, vrf: None }
}

/// Runs an operation to its end as the executor does, with `answer` for every step.
async fn run(store: &Store, subscriber: SubscriberId, kind: OperationKind, answer: StepAnswer) -> noctule_domain::ports::Finished {
    let Begun::Started(operation) = store.begin(ask(subscriber, kind)).await.unwrap() else { panic!("{kind} did not begin") };
    let mut progress = operation.progress.clone();
    let mut next = first(kind, &operation.plan, &progress);
    loop {
        match next {
            Next::Run(step) => {
                store.step_started(start_of(operation.id, step, &progress)).await.unwrap();
                next = advance(kind, &operation.plan, &mut progress, false, answer.clone());
                store.step_ended(end_of(operation.id, step, StepStatus::Done, &progress)).await.unwrap();
            }
            Next::End(ended) => {
                let finished = store.finish(operation.id, progress, *ended).await.unwrap();
                assert_eq!(store.subscriber(subscriber).await.unwrap().unwrap(), finished.subscriber, "what is told is what is stored");
                assert_eq!(store.operation(operation.id).await.unwrap().unwrap().operation, finished.operation);
                return finished;
            }
            Next::Wait(why) => panic!("waits: {why}"),
        }
    }
}

async fn one(place: &Place) -> (Store, SubscriberId) {
    let store = place.open();
    let mut new = pending(1);
    new.nas = Some("bng-1".into());
    fill(&store, vec![new]).await;
    let id = named(&store, "S00001").await.id;
    (store, id)
}

#[tokio::test]
async fn the_whole_life_of_a_prefix_is_stored_with_its_journal_and_audit() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    let done = run(&store, id, OperationKind::Allocate, allocated("2001:db8:1::/56", 11)).await;
    assert_eq!(done.operation.status, OperationStatus::Succeeded);
    assert_eq!((done.subscriber.ipv6.state, done.subscriber.ipv6.netbox_prefix_id), (Ipv6State::Allocated, Some(11)));
    assert_eq!(done.subscriber.ipv6.prefix, Some("2001:db8:1::/56".parse().unwrap()));
    assert_eq!(done.operation.lease_owner, None);
    run(&store, id, OperationKind::Activate, StepAnswer::Done).await;
    let suspended = run(&store, id, OperationKind::Suspend, StepAnswer::Acknowledged).await;
    assert_eq!(suspended.subscriber.ipv6.enforcement, Enforcement::Acknowledged);
    run(&store, id, OperationKind::Resume, StepAnswer::Acknowledged).await;
    let revoked = run(&store, id, OperationKind::Revoke, StepAnswer::Acknowledged).await.subscriber;
    assert_eq!(revoked.ipv6.state, Ipv6State::Revoked);
    assert_eq!(revoked.ipv6.hold_until, Some(start() + Duration::hours(24)));

    assert_eq!(store.rested(10).await.unwrap(), []);
    place.clock.forward(Duration::hours(25));
    assert_eq!(store.rested(10).await.unwrap(), [id]);
    let released = run(&store, id, OperationKind::Release, StepAnswer::Done).await.subscriber;
    assert_eq!((released.ipv6.prefix, released.ipv6.netbox_prefix_id), (None, None));
    assert_eq!(store.rested(10).await.unwrap(), []);

    let timeline = store.subscriber_timeline(id, 100).await.unwrap();
    assert_eq!(timeline.len(), 6);
    assert_eq!(timeline[0].operation.kind, OperationKind::Release);
    assert!(timeline.iter().flat_map(|v| &v.steps).all(|s| s.status == StepStatus::Done && s.ended_at.is_some()));
    let actions: Vec<String> = store.audit_page(0, 100).await.unwrap().into_iter().map(|r| r.entry.action).collect();
    assert_eq!(actions[1..5], ["ipv6-allocate-begin", "ipv6-allocate", "ipv6-activate-begin", "ipv6-activate"]);
    assert_eq!(actions.len(), 13);
    assert_eq!(store.subscriber(id).await.unwrap().unwrap(), released);
}

#[tokio::test]
async fn the_same_id_twice_is_the_same_operation_and_another_is_busy() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    let request = ask(id, OperationKind::Allocate);
    let Begun::Started(first) = store.begin(request.clone()).await.unwrap() else { panic!() };
    let Begun::Started(again) = store.begin(request.clone()).await.unwrap() else { panic!() };
    assert_eq!(first, again);
    let mut other = request.clone();
    other.kind = OperationKind::Suspend;
    assert!(store.begin(other).await.unwrap_err().to_string().contains("another request"), "an id says the same thing for ever");
    let busy = store.begin(ask(id, OperationKind::Allocate)).await.unwrap_err();
    assert!(matches!(&busy, AuthorityError::Refused(Refusal::Busy { operation, .. }) if *operation == request.id));
    assert_eq!(busy.retry(), Retry::Later);
    assert_eq!(named(&store, "S00001").await.running, Some(request.id));
    assert!(matches!(
        store.begin(ask(SubscriberId(uuid::Uuid::nil()), OperationKind::Allocate)).await,
        Err(AuthorityError::NotFound { .. })
    ));
    let open = store.operations(OperationFilter { open_only: true, status: None, limit: 10 }).await.unwrap();
    assert_eq!((open.len(), open[0].step), (1, Some(StepKind::NetboxAllocate)));
}

/// The intent and the first try in one transaction: both are there when it returns, and the context is that before the try.
#[tokio::test]
async fn begun_with_its_first_try_it_is_as_if_both_had_been_written_one_after_the_other() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    run(&store, id, OperationKind::Allocate, allocated("2001:db8:1::/56", 11)).await;
    run(&store, id, OperationKind::Activate, StepAnswer::Done).await;
    let request = ask(id, OperationKind::Suspend);
    let first_try: FirstTry = Arc::new(|context: &Context| {
        let mut progress = context.operation.progress.clone();
        progress.attempts = 1;
        Some(start_of(context.operation.id, StepKind::NasCoa, &progress))
    });
    let before = store.subscriber(id).await.unwrap().unwrap();
    let Opened::Started(started) = store.begin_and_start(request.clone(), first_try.clone()).await.unwrap() else { panic!("it starts") };
    let (context, start) = *started;
    assert_eq!(context.subscriber, Subscriber { running: Some(request.id), ..before.clone() });
    let seen = store.context(request.id).await.unwrap();
    assert_eq!(seen.nas, context.nas);
    assert_eq!(seen.operation, Operation { progress: start.progress.clone(), ..context.operation.clone() });
    assert_eq!((seen.subscriber.ipv6.enforcement, seen.subscriber.version), (Enforcement::Requested, before.version + 1));
    let steps = store.operation(request.id).await.unwrap().unwrap().steps;
    assert_eq!(steps.iter().map(|s| (s.step, s.attempt, s.status)).collect::<Vec<_>>(), [(StepKind::NasCoa, 1, StepStatus::Started)]);
    // Again, it is the same operation, and nothing is started by that.
    let Opened::Begun(Begun::Started(again)) = store.begin_and_start(request.clone(), first_try).await.unwrap() else {
        panic!("it is there")
    };
    assert_eq!(*again, seen.operation);
    let mut progress = start.progress;
    let Next::End(ended) = advance(OperationKind::Suspend, &context.operation.plan, &mut progress, false, StepAnswer::Acknowledged) else {
        panic!("one step")
    };
    let end = end_of(request.id, StepKind::NasCoa, StepStatus::Done, &progress);
    let finished = store.end_and_finish(end, *ended).await.unwrap();
    assert_eq!(finished.subscriber.ipv6.state, Ipv6State::Suspended);
    assert_eq!(store.subscriber(id).await.unwrap().unwrap(), finished.subscriber);
    assert_eq!(store.operation(request.id).await.unwrap().unwrap().steps.len(), 1);
    assert!(matches!(store.audit_verify().await.unwrap(), AuditVerdict::Intact { .. }));
}

#[tokio::test]
async fn reaching_the_goal_twice_makes_no_operation() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    run(&store, id, OperationKind::Allocate, allocated("2001:db8:1::/56", 11)).await;
    assert!(matches!(store.begin(ask(id, OperationKind::Allocate)).await.unwrap(), Begun::AlreadyThere(_)));
    assert_eq!(store.subscriber_timeline(id, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_overlap_turns_success_into_a_failure_that_keeps_the_netbox_id() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    for (n, prefix) in [(2, "2001:db8:1::/56"), (3, "2001:db8:2:3400::/60")] {
        fill(&store, vec![holding(n, Ipv6State::Active, prefix)]).await;
    }
    // The same, inside, around.
    for (n, prefix) in ["2001:db8:1::/56", "2001:db8:1:40::/60", "2001:db8:2::/48", "2001:db8:2:3400::/56"].into_iter().enumerate() {
        let done = run(&store, id, OperationKind::Allocate, allocated(prefix, 50 + n as i64)).await;
        assert_eq!((done.operation.status, done.subscriber.ipv6.state), (OperationStatus::Failed, Ipv6State::Failed), "{prefix}");
        assert_eq!(done.subscriber.ipv6.netbox_prefix_id, Some(50 + n as i64));
        let error = done.operation.error.unwrap();
        assert!(error.as_str().contains("Person") && error.as_str().contains(prefix), "{error}");
    }
    // The retry deletes the old one first (that is in its plan) and gets a free one.
    let Begun::Started(retry) = store.begin(ask(id, OperationKind::Allocate)).await.unwrap() else { panic!() };
    assert_eq!(retry.plan, [StepKind::NetboxDelete, StepKind::NetboxAllocate]);
}

#[tokio::test]
async fn without_the_overlap_trigger_two_would_hold_one_prefix() {
    let place = Place::new();
    let (store, _) = one(&place).await;
    let doubled = || vec![holding(2, Ipv6State::Active, "2001:db8:1::/56"), holding(3, Ipv6State::Active, "2001:db8:1::/60")];
    let errors = try_fill(&store, doubled()).await;
    assert_eq!(errors.len(), 1, "the schema refuses the second");
    place.raw().execute_batch("DROP TRIGGER subscribers_overlap_insert").unwrap();
    assert_eq!(try_fill(&store, doubled()).await, [], "and it is the trigger that does");
}

#[tokio::test]
async fn a_netbox_prefix_that_is_somebody_elses_is_not_taken_over() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    fill(&store, vec![holding(2, Ipv6State::Active, "2001:db8:1::/56")]).await;
    let done = run(&store, id, OperationKind::Allocate, allocated("2001:db8:9::/56", 1002)).await;
    assert_eq!((done.subscriber.ipv6.state, done.subscriber.ipv6.netbox_prefix_id), (Ipv6State::Failed, None));
}

#[tokio::test]
async fn a_lease_that_ended_is_taken_over_and_the_loser_is_told() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    let request = ask(id, OperationKind::Allocate);
    store.begin(request.clone()).await.unwrap();
    store.step_started(start_of(request.id, StepKind::NetboxAllocate, &Progress::default())).await.unwrap();
    let other = place.open();
    assert_eq!(other.take_over().await.unwrap(), [], "its console lives and its lease holds");
    assert!(matches!(other.renew(request.id).await, Err(AuthorityError::LeaseLost { .. })));
    place.clock.forward(Duration::seconds(31));
    assert_eq!(store.take_over().await.unwrap(), [], "a console does not take over from itself");
    assert_eq!(other.take_over().await.unwrap(), [request.id]);
    let view = other.operation(request.id).await.unwrap().unwrap();
    assert!(view.operation.progress.unclear);
    assert_eq!((view.steps[0].status, view.steps[0].answer.as_ref().unwrap().as_str()), (StepStatus::Unclear, "console ended in between"));
    let lost = store.step_ended(end_of(request.id, StepKind::NetboxAllocate, StepStatus::Done, &Progress::default())).await;
    assert!(matches!(lost, Err(AuthorityError::LeaseLost { .. })));
    assert!(matches!(store.renew(request.id).await, Err(AuthorityError::LeaseLost { .. })));
    other.renew(request.id).await.unwrap();
}

#[tokio::test]
async fn a_dead_console_is_taken_over_at_once() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    let request = ask(id, OperationKind::Allocate);
    store.begin(request.clone()).await.unwrap();
    drop(store);
    let next = place.open();
    assert_eq!(next.take_over().await.unwrap(), [request.id]);
    let view = next.operation(request.id).await.unwrap().unwrap();
    assert!(!view.operation.progress.unclear, "no step had left");
    assert_eq!(next.take_over().await.unwrap(), []);
}

#[tokio::test]
async fn a_lock_file_left_by_kill_9_is_no_sign_of_life() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    let request = ask(id, OperationKind::Allocate);
    store.begin(request.clone()).await.unwrap();
    let lock = place.path().with_file_name("consoles").join(format!("{}.lock", store.console()));
    assert!(lock.exists());
    drop(store);
    std::fs::write(&lock, "").unwrap();
    assert_eq!(place.open().take_over().await.unwrap(), [request.id]);
}

#[tokio::test]
async fn cancel_takes_back_what_the_beginning_wrote_unless_something_left() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    run(&store, id, OperationKind::Allocate, allocated("2001:db8:1::/56", 11)).await;
    let before = store.subscriber(id).await.unwrap().unwrap();
    let revoke = ask(id, OperationKind::Revoke);
    place.clock.forward(Duration::minutes(5));
    store.begin(revoke.clone()).await.unwrap();
    assert_eq!(store.subscriber(id).await.unwrap().unwrap().ipv6.state, Ipv6State::Revoking);
    let refused = store.cancel(revoke.id, actor(Role::Viewer)).await;
    assert!(matches!(refused, Err(AuthorityError::Refused(Refusal::NotPermitted { .. }))));
    store.cancel(revoke.id, actor(Role::Noc)).await.unwrap();
    assert_eq!(store.subscriber(id).await.unwrap().unwrap().ipv6, before.ipv6);
    let again = store.cancel(revoke.id, actor(Role::Noc)).await;
    assert!(matches!(again, Err(AuthorityError::Ended { status: OperationStatus::Cancelled, .. })));

    let revoke = ask(id, OperationKind::Revoke);
    store.begin(revoke.clone()).await.unwrap();
    store.step_started(start_of(revoke.id, StepKind::NetboxDeprecate, &Progress::default())).await.unwrap();
    assert!(matches!(store.cancel(revoke.id, actor(Role::Noc)).await, Err(AuthorityError::NotCancellable { .. })));
    store.step_ended(end_of(revoke.id, StepKind::NetboxDeprecate, StepStatus::Unclear, &Progress::default())).await.unwrap();
    assert!(matches!(store.cancel(revoke.id, actor(Role::Noc)).await, Err(AuthorityError::NotCancellable { .. })));
}

#[tokio::test]
async fn waiting_is_stored_with_its_time_and_words() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    let request = ask(id, OperationKind::Allocate);
    store.begin(request.clone()).await.unwrap();
    let progress = Progress { unclear: true, ..Progress::default() };
    store.step_started(start_of(request.id, StepKind::NetboxAllocate, &progress)).await.unwrap();
    let until = start() + Duration::seconds(9);
    let mut end = end_of(request.id, StepKind::NetboxAllocate, StepStatus::Unclear, &progress);
    end.wait = Some((until, "NetBox answered 502".into()));
    store.step_ended(end).await.unwrap();
    let operation = store.context(request.id).await.unwrap().operation;
    assert_eq!((operation.status, operation.retry_at), (OperationStatus::Waiting, Some(until)));
    assert_eq!(operation.error.unwrap().as_str(), "NetBox answered 502");
    assert!(operation.progress.unclear);
    let alerts = store.overview(start()).await.unwrap().alerts;
    assert!(alerts.iter().any(|a| a.filter.as_deref() == Some("running:yes")));
}

#[tokio::test]
async fn the_nas_of_the_session_is_asked_and_an_unknown_profile_stops_in_words() {
    let place = Place::new();
    let store = place.open();
    let mut new = holding(1, Ipv6State::Active, "2001:db8:1::/56");
    new.nas = Some("bng-1".into());
    new.session = Some(NewSession {
        nas: Some("bng-2".into()),
        acct_session_id: "abc".into(),
        framed_ipv4: None,
        delegated_prefix: None,
        started_at: start(),
        seen_at: start(),
    });
    fill(&store, vec![new]).await;
    let id = named(&store, "S00001").await.id;
    let Begun::Started(suspend) = store.begin(ask(id, OperationKind::Suspend)).await.unwrap() else { panic!() };
    assert_eq!(suspend.plan, [StepKind::NasCoa]);
    assert_eq!(store.context(suspend.id).await.unwrap().nas.unwrap().name.as_str(), "bng-2");
    store.step_started(start_of(suspend.id, StepKind::NasCoa, &Progress::default())).await.unwrap();
    assert_eq!(store.subscriber(id).await.unwrap().unwrap().ipv6.enforcement, Enforcement::Requested);
    store.cancel(suspend.id, actor(Role::Noc)).await.unwrap_err();
    let ended = Ended {
        status: OperationStatus::Unanswered,
        state: None,
        enforcement: Some(Enforcement::Unanswered),
        enforcement_note: None,
        error: Some("silence".into()),
        begin_hold: false,
        forget_prefix: false,
    };
    store.finish(suspend.id, Progress::default(), ended).await.unwrap();
    place.raw().execute("UPDATE nas SET profile = 'odd'", []).unwrap();
    let error = store.begin(ask(id, OperationKind::Revoke)).await.unwrap_err();
    assert!(error.to_string().contains("'odd'") && error.retry() == Retry::AfterFix);
    assert_eq!(store.subscriber(id).await.unwrap().unwrap().ipv6.state, Ipv6State::Active, "nothing was begun");
}

#[tokio::test]
async fn a_late_prefix_is_watched_a_minute_apart_until_somebody_says_that_nothing_came() {
    let place = Place::new();
    let (store, id) = one(&place).await;
    let request = ask(id, OperationKind::Allocate);
    let Begun::Started(operation) = store.begin(request.clone()).await.unwrap() else { panic!() };
    let mut progress = Progress { unclear: true, ..Progress::default() };
    let Next::End(ended) = advance(OperationKind::Allocate, &operation.plan, &mut progress, false, StepAnswer::Refused("no".into())) else {
        panic!()
    };
    store.finish(request.id, progress, *ended).await.unwrap();
    assert_eq!(store.watched(10).await.unwrap(), [request.id]);
    assert_eq!(store.watched(10).await.unwrap(), []);
    place.clock.forward(Duration::seconds(61));
    assert_eq!(store.watched(10).await.unwrap(), [request.id]);
    place.clock.forward(Duration::hours(3));
    assert_eq!(store.watched(10).await.unwrap(), [request.id], "nobody has had an answer yet");
    store.unwatch(request.id, "nothing came".into()).await.unwrap();
    assert!(!store.operation(request.id).await.unwrap().unwrap().operation.progress.watch);
    place.clock.forward(Duration::hours(3));
    assert_eq!(store.watched(10).await.unwrap(), []);
}

#[tokio::test]
async fn nas_health_is_kept() {
    let place = Place::new();
    let (store, _) = one(&place).await;
    let nas = store.nas_by_name("BNG-1").await.unwrap().unwrap();
    let seen = NasSeen { reach: NasReach::Up, round_trip: Some(std::time::Duration::from_millis(3)), acks: 5, ..NasSeen::default() };
    store.nas_health(nas.id, seen.clone()).await.unwrap();
    store.nas_health(nas.id, seen.clone()).await.unwrap();
    let health = store.nas(nas.id).await.unwrap().unwrap().health;
    assert_eq!(health, nas.health.after(&seen).after(&seen));
    assert_eq!((health.acks, health.reach), (10, NasReach::Up), "counts are added, not put in place");
    assert_eq!(store.nas_rows().await.unwrap()[0].subscribers, 1);
}
