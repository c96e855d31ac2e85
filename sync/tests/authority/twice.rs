//! What is asked twice is done once: an answer that was lost costs nothing but the asking.

use super::machine::allocated;
use super::place::{Place, begun, request};
use noctule_domain::lifecycle::*;
use noctule_domain::permission::Role;
use noctule_domain::ports::{Authority, AuthorityError, Begun, Context, FirstTry, Opened, StepEnd, StepStart};
use noctule_domain::{ConsoleId, Retry};
use noctule_sync::connect::Centre;
use noctule_testbed::Link;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn every_call_of_an_operation_may_be_made_again() {
    let place = Place::new().await;
    let console = place.noc();
    let subscriber = place.in_service(1);
    let wanted = request(subscriber, OperationKind::Suspend);
    let operation = begun(&console, wanted.clone()).await;
    let Ok(Begun::Started(again)) = console.begin(wanted.clone()).await else { panic!("it is the same operation") };
    assert_eq!(*again, operation);
    let mut other = wanted.clone();
    other.kind = OperationKind::Revoke;
    let refused = console.begin(other).await.expect_err("another request under the same id");
    assert!(refused.to_string().contains("another request"), "{refused}");

    let mut progress = operation.progress.clone();
    progress.attempts = 1;
    progress.before = Some((Enforcement::Acknowledged, None));
    let start = StepStart {
        operation: operation.id,
        step: StepKind::NasCoa,
        attempt: 1,
        upstream: "bng".into(),
        request: "CoA-Request".into(),
        progress: progress.clone(),
    };
    for _ in 0..3 {
        console.step_started(start.clone()).await.expect("once or again");
    }
    let next = advance(operation.kind, &operation.plan, &mut progress, false, StepAnswer::Acknowledged);
    let Next::End(ended) = next else { panic!("one step") };
    let end = StepEnd {
        operation: operation.id,
        step: StepKind::NasCoa,
        attempt: 1,
        status: StepStatus::Done,
        answer: "ACK".into(),
        progress: progress.clone(),
        wait: None,
    };
    for _ in 0..3 {
        console.step_ended(end.clone()).await.expect("once or again");
    }
    // Something else about the same try is not a repetition.
    let other = StepEnd { answer: "NAK".into(), status: StepStatus::Refused, ..end };
    assert!(matches!(console.step_ended(other).await, Err(AuthorityError::NotFound { what: "started step", .. })));
    // The beginning of a try that has ended, arriving late, opens nothing.
    console.step_started(start).await.expect("it stands there already");
    let finished = console.finish(operation.id, progress.clone(), (*ended).clone()).await.expect("it ends");
    let again = console.finish(operation.id, progress.clone(), (*ended).clone()).await.expect("the same answer");
    assert_eq!(again.operation, finished.operation);
    assert_eq!(again.subscriber, finished.subscriber);
    let stranger = place.noc();
    assert!(matches!(stranger.finish(operation.id, progress, *ended).await, Err(AuthorityError::Ended { .. })));
    let counts = place.sql(
        "SELECT (SELECT count(*) FROM noctule.operation_steps), (SELECT count(*) FROM noctule.operations), (SELECT count(*) FROM noctule.audit)",
    );
    assert_eq!(counts, "1|1|2");
}

/// The two calls that do two things in one round trip, each told again after a lost answer.
#[tokio::test]
async fn what_is_begun_and_ended_in_one_round_trip_may_be_asked_again() {
    let place = Place::new().await;
    let console = place.noc();
    let subscriber = place.in_service(1);
    let wanted = request(subscriber, OperationKind::Suspend);
    let first: FirstTry = Arc::new(|context: &Context| {
        let mut progress = context.operation.progress.clone();
        progress.attempts = 1;
        progress.before = Some((context.subscriber.ipv6.enforcement, None));
        Some(StepStart {
            operation: context.operation.id,
            step: StepKind::NasCoa,
            attempt: 1,
            upstream: "bng".into(),
            request: "CoA-Request".into(),
            progress,
        })
    });
    let Ok(Opened::Started(started)) = console.begin_and_start(wanted.clone(), first.clone()).await else { panic!("it starts") };
    let (context, start) = *started;
    assert_eq!(context.subscriber.running, Some(wanted.id));
    assert!(context.nas.is_some());
    let again = console.begin_and_start(wanted.clone(), first).await.expect("it is there");
    let Opened::Begun(Begun::Started(again)) = again else { panic!("it was there already, and starts nothing") };
    assert_eq!(again.id, wanted.id);

    let mut progress = start.progress;
    let next = advance(context.operation.kind, &context.operation.plan, &mut progress, false, StepAnswer::Acknowledged);
    let Next::End(ended) = next else { panic!("one step") };
    let end = StepEnd {
        operation: wanted.id,
        step: StepKind::NasCoa,
        attempt: 1,
        status: StepStatus::Done,
        answer: "ACK".into(),
        progress,
        wait: None,
    };
    let stranger = place.noc();
    let taken = stranger.end_and_finish(end.clone(), (*ended).clone()).await;
    assert!(matches!(taken, Err(AuthorityError::LeaseLost { .. })), "{taken:?}");
    let finished = console.end_and_finish(end.clone(), (*ended).clone()).await.expect("it ends");
    assert_eq!(finished.operation.status, OperationStatus::Succeeded);
    let again = console.end_and_finish(end.clone(), (*ended).clone()).await.expect("the same answer");
    assert_eq!((again.operation, again.subscriber), (finished.operation, finished.subscriber));
    assert!(matches!(stranger.end_and_finish(end, *ended).await, Err(AuthorityError::Ended { .. })));
    let counts = place.sql(
        "SELECT (SELECT count(*) FROM noctule.operation_steps), (SELECT count(*) FROM noctule.operations), (SELECT count(*) FROM noctule.audit)",
    );
    assert_eq!(counts, "1|1|2");
}

/// Many at once share the connection: none waits for the answer to the one before it, and each gets its own.
#[tokio::test]
async fn many_operations_at_once_go_over_one_connection_and_each_gets_its_own_answer() {
    let place = Place::new().await;
    let console = place.noc();
    let all: Vec<_> = (1..=100).map(|n| request(place.in_service(n), OperationKind::Suspend)).collect();
    let begun = futures::future::join_all(all.iter().map(|wanted| console.begin(wanted.clone()))).await;
    for (wanted, begun) in all.iter().zip(begun) {
        let Ok(Begun::Started(operation)) = begun else { panic!("it begins: {begun:?}") };
        assert_eq!((operation.id, operation.subscriber), (wanted.id, wanted.subscriber));
    }
    let contexts = futures::future::join_all(all.iter().map(|wanted| console.context(wanted.id))).await;
    for (wanted, context) in all.iter().zip(contexts) {
        assert_eq!(context.expect("a context").subscriber.id, wanted.subscriber);
    }
}

#[tokio::test]
async fn a_cancel_told_again_is_done_and_takes_back_what_the_beginning_wrote() {
    let place = Place::new().await;
    let console = place.noc();
    let subscriber = place.in_service(1);
    let operation = begun(&console, request(subscriber, OperationKind::Revoke)).await;
    let actor = request(subscriber, OperationKind::Revoke).actor;
    assert_eq!(place.sql(&format!("SELECT state FROM noctule.subscribers WHERE id = '{subscriber}'")), "revoking");
    console.cancel(operation.id, actor.clone()).await.expect("cancelled");
    console.cancel(operation.id, actor.clone()).await.expect("again");
    assert!(matches!(place.noc().cancel(operation.id, actor).await, Err(AuthorityError::Ended { status: OperationStatus::Cancelled, .. })));
    assert_eq!(place.sql(&format!("SELECT state, enforcement FROM noctule.subscribers WHERE id = '{subscriber}'")), "active|acknowledged");
    let context = console.context(operation.id).await.expect("a context");
    assert_eq!(context.subscriber.running, None);
    assert!(context.operation.error.is_some_and(|e| e.as_str().starts_with("cancelled by noc_")));
}

#[tokio::test]
async fn what_had_an_effect_is_not_cancelled() {
    let place = Place::new().await;
    let console = place.noc();
    let subscriber = place.subscriber(&[]);
    let operation = begun(&console, request(subscriber, OperationKind::Allocate)).await;
    let (progress, ended) = allocated(&console, &operation, "2001:db8:1::/56", 5).await;
    let actor = request(subscriber, OperationKind::Allocate).actor;
    let refused = console.cancel(operation.id, actor.clone()).await.expect_err("it had an effect");
    assert!(matches!(&refused, AuthorityError::NotCancellable { why, .. } if why.as_str().contains("is done")), "{refused}");
    let viewer = place.console(&place.login(Role::Viewer));
    assert!(matches!(viewer.cancel(operation.id, actor).await, Err(AuthorityError::Refused(Refusal::NotPermitted { .. }))));
    console.finish(operation.id, progress, ended).await.expect("it ends");
}

/// Two logins at once, many times: one wins, the other is told who.
#[tokio::test(flavor = "multi_thread")]
async fn two_operators_begin_at_once_and_one_is_told_who_was_first() {
    let place = Place::new().await;
    let (anna, bertil) = (place.login_named("anna", Role::Noc), place.login_named("bertil", Role::Noc));
    let (one, two) = (place.console(&anna), place.console(&bertil));
    let mut wins = [0, 0];
    for _ in 0..30 {
        let subscriber = place.subscriber(&[]);
        let (a, b) =
            tokio::join!(one.begin(request(subscriber, OperationKind::Allocate)), two.begin(request(subscriber, OperationKind::Allocate)));
        let (winner, loser) = match (a, b) {
            (Ok(Begun::Started(_)), Err(error)) => (0, error),
            (Err(error), Ok(Begun::Started(_))) => (1, error),
            (a, b) => panic!("one of two must win: {a:?} {b:?}"),
        };
        wins[winner] += 1;
        let AuthorityError::Refused(Refusal::Busy { by, kind, .. }) = loser else { panic!("{loser}") };
        assert_eq!((by.as_str(), kind), ([&anna, &bertil][winner].as_str(), OperationKind::Allocate));
    }
    assert_eq!(wins[0] + wins[1], 30);
}

/// The same request from a hundred tasks is one operation.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_beginning_over_many_connections_is_one() {
    let place = Place::new().await;
    let login = place.login(Role::Noc);
    let console = ConsoleId(Uuid::now_v7());
    let wanted = request(place.subscriber(&[]), OperationKind::Allocate);
    let tries = (0..20).map(|_| {
        let (console, wanted) = (place.console_known(&login, console), wanted.clone());
        tokio::spawn(async move { begun(&console, wanted).await.id })
    });
    for one in futures::future::join_all(tries).await {
        assert_eq!(one.expect("no panic"), wanted.id);
    }
    assert_eq!(place.sql("SELECT count(*) FROM noctule.operations"), "1");
}

/// Every single answer of a whole allocation is lost once, those of the login too: it is asked again, and it is done once.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_anywhere_costs_nothing_but_the_asking() {
    let place = Place::new().await;
    let login = place.login(Role::Noc);
    for after in 0..40u64 {
        let link = Link::to((place.postgres.host().parse::<IpAddr>().expect("an address"), place.postgres.port()).into()).expect("a link");
        let mut config = place.config(&login, ConsoleId(Uuid::now_v7()));
        config.hosts = vec![(link.addr().ip().to_string(), link.addr().port())];
        let console = place.over(Centre::new(config));
        let subscriber = place.subscriber(&[]);
        let wanted = request(subscriber, OperationKind::Allocate);
        // A login that is cut off is told at once, as nothing was asked: the operator presses the key again.
        link.lose_answer_after(after);
        let operation = loop {
            match console.begin(wanted.clone()).await {
                Ok(Begun::Started(operation)) => break operation,
                Err(AuthorityError::Store { message, retry: Retry::Later }) => {
                    assert!(message.as_str().contains("can not be reached"), "{message}");
                }
                other => panic!("after {after} answers: {other:?}"),
            }
        };
        let (progress, ended) = allocated(&console, &operation, &format!("2001:db8:{after:x}::/56"), after.cast_signed() + 1).await;
        let finished = console.finish(operation.id, progress, ended).await.expect("it ends");
        assert_eq!((finished.operation.status, finished.subscriber.ipv6.state), (OperationStatus::Succeeded, Ipv6State::Allocated));
        let counts = place.sql(&format!(
            "SELECT (SELECT count(*) FROM noctule.operations WHERE subscriber = '{subscriber}'),
                (SELECT count(*) FROM noctule.operation_steps WHERE operation = '{id}'),
                (SELECT count(*) FROM noctule.audit WHERE body::jsonb->'entry'->>'operation' = '{id}')",
            id = operation.id
        ));
        assert_eq!(counts, "1|1|2", "after {after} answers");
        if link.is_armed() {
            assert!(after >= 8, "only {after} answers could be lost: the link is not in the way");
            return;
        }
    }
    panic!("an allocation has more than 40 answers");
}

#[tokio::test]
async fn a_centre_that_is_away_is_said_to_be_away_and_waiting_may_help() {
    let place = Place::new().await;
    let link = Link::to((place.postgres.host().parse::<IpAddr>().expect("an address"), place.postgres.port()).into()).expect("a link");
    let mut config = place.config(&place.login(Role::Noc), ConsoleId(Uuid::now_v7()));
    config.hosts = vec![(link.addr().ip().to_string(), link.addr().port())];
    config.call_timeout = Duration::from_millis(300);
    config.connect_timeout = Duration::from_millis(300);
    let console = place.over(Centre::new(config.clone()));
    let wanted = request(place.subscriber(&[]), OperationKind::Allocate);
    link.refuse();
    let said = console.begin(wanted.clone()).await.expect_err("nobody listens");
    assert_eq!(said.retry(), Retry::Later);
    assert!(said.to_string().starts_with("the centre can not be reached: "), "{said}");
    link.pass();
    let operation = begun(&console, wanted).await;
    // Packets are dropped, not refused: bounded by the time-outs.
    link.blackhole();
    let began = std::time::Instant::now();
    let said = console.renew(operation.id).await.expect_err("no answer");
    assert_eq!(said.retry(), Retry::Later);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    link.pass();
    console.renew(operation.id).await.expect("it is there again");
    // A login that was taken away is no matter of waiting.
    config.password = Some(noctule_domain::secret::Secret::new("another password"));
    let said = place.over(Centre::new(config)).renew(operation.id).await.expect_err("a wrong password");
    assert_eq!(said.retry(), Retry::AfterFix);
}
