//! Who goes first, how many at once, how fast, and what a cancelled request leaves behind.

use crate::fake_nas::{FakeNas, Reply, SECRET, ack, nak, session_of, until};
use crate::fixtures::{profile, request, target};
use noctule_domain::nas::{NasProfile, Retransmit};
use noctule_network::radius::{Engine, EngineConfig, Exchange, Priority, RequestKind, Target};
use noctule_network::upstream::NasOutcome;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

fn engine() -> Engine {
    Engine::new(EngineConfig::default()).expect("an engine")
}

fn ask(engine: &Engine, to: &Target, session: &str, priority: Priority) -> JoinHandle<Exchange> {
    let (engine, to, request) = (engine.clone(), to.clone(), request(RequestKind::Coa, session));
    tokio::spawn(async move { engine.exchange(&to, &request, priority).await })
}

/// Answers everything, after a while for sessions that begin with `slow`.
async fn obedient() -> FakeNas {
    FakeNas::start(|seen| {
        let slow = session_of(&seen.bytes).starts_with("slow");
        vec![Reply { after: Duration::from_millis(if slow { 150 } else { 0 }), ..ack(&seen.bytes).into() }]
    })
    .await
}

#[tokio::test]
async fn interactive_requests_go_before_bulk() {
    let nas = obedient().await;
    let engine = engine();
    let to = target(nas.address, SECRET, NasProfile { window: 1, ..profile() });
    let mut asked = vec![ask(&engine, &to, "slow-first", Priority::Bulk)];
    until("the first to leave", || nas.seen().len() == 1).await;
    for n in 0..3 {
        asked.push(ask(&engine, &to, &format!("bulk-{n}"), Priority::Bulk));
        until("the bulk request to queue", || engine.stats()[0].queued == n + 1).await;
    }
    asked.push(ask(&engine, &to, "now", Priority::Interactive));
    for exchange in futures::future::join_all(asked).await {
        assert!(matches!(exchange.expect("no panic").outcome, NasOutcome::Ack { .. }));
    }
    assert_eq!(nas.sessions(), ["slow-first", "now", "bulk-0", "bulk-1", "bulk-2"]);
}

#[tokio::test]
async fn one_session_is_asked_one_request_at_a_time_in_order() {
    let nas = obedient().await;
    let engine = engine();
    let to = target(nas.address, SECRET, profile());
    let mut asked = Vec::new();
    for n in 0..4 {
        let (engine, to) = (engine.clone(), to.clone());
        let request = noctule_network::radius::Request { session_key: "alice".into(), ..request(RequestKind::Coa, &format!("slow-{n}")) };
        asked.push(tokio::spawn(async move { engine.exchange(&to, &request, Priority::Interactive).await }));
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    futures::future::join_all(asked).await;
    assert_eq!(nas.sessions(), ["slow-0", "slow-1", "slow-2", "slow-3"]);
    assert!(begun.elapsed() >= Duration::from_millis(590), "they did not wait for each other: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_dropped_request_gives_its_turn_away_and_its_answer_is_late() {
    let nas = obedient().await;
    let engine = engine();
    let to = target(nas.address, SECRET, NasProfile { window: 1, ..profile() });
    let gone = ask(&engine, &to, "slow-gone", Priority::Interactive);
    until("it to leave", || nas.seen().len() == 1).await;
    let waiting = ask(&engine, &to, "waiting", Priority::Interactive);
    let impatient = ask(&engine, &to, "impatient", Priority::Interactive);
    until("two to queue", || engine.stats()[0].queued == 2).await;
    impatient.abort();
    gone.abort();
    assert!(matches!(waiting.await.expect("no panic").outcome, NasOutcome::Ack { .. }));
    until("the late answer", || engine.stats()[0].late == 1).await;
    // The same session can be asked again: nothing of the dropped ones is left.
    assert!(matches!(ask(&engine, &to, "slow-gone", Priority::Bulk).await.expect("no panic").outcome, NasOutcome::Ack { .. }));
    let stats = &engine.stats()[0];
    assert_eq!((stats.cancelled, stats.in_flight, stats.queued), (1, 0, 0));
    assert_eq!(nas.sessions(), ["slow-gone", "waiting", "slow-gone"]);
}

#[tokio::test]
async fn a_rate_limit_spaces_requests() {
    let nas = obedient().await;
    let engine = engine();
    let to = target(nas.address, SECRET, NasProfile { rate_per_s: Some(50), ..profile() });
    let begun = Instant::now();
    futures::future::join_all((0..8).map(|n| ask(&engine, &to, &format!("s-{n}"), Priority::Bulk))).await;
    assert!(begun.elapsed() >= Duration::from_millis(139), "8 requests at 50/s took {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(3), "8 requests at 50/s took {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_busy_nas_is_asked_less_and_more_again_when_it_recovers() {
    let busy = Arc::new(AtomicBool::new(true));
    let says = Arc::clone(&busy);
    let nas =
        FakeNas::start(move |seen| vec![if says.load(Ordering::SeqCst) { nak(&seen.bytes, 506) } else { ack(&seen.bytes) }.into()]).await;
    let engine = engine();
    let to = target(nas.address, SECRET, NasProfile { window: 8, ..profile() });
    ask(&engine, &to, "s-1", Priority::Bulk).await.expect("no panic");
    assert_eq!(engine.stats()[0].window, 4);
    busy.store(false, Ordering::SeqCst);
    for n in 0..60 {
        ask(&engine, &to, &format!("s-{n}"), Priority::Bulk).await.expect("no panic");
    }
    assert_eq!(engine.stats()[0].window, 8);
}

#[tokio::test]
async fn a_nas_that_never_answers_is_asked_one_at_a_time_and_says_so_until_it_lives_again() {
    let dead = Arc::new(AtomicBool::new(true));
    let says = Arc::clone(&dead);
    let nas = FakeNas::start(move |seen| if says.load(Ordering::SeqCst) { vec![] } else { vec![ack(&seen.bytes).into()] }).await;
    let engine = engine();
    let quick = Retransmit { irt_s: 0.1, mrt_s: 0.1, mrc: 1, mrd_s: 0.2 };
    let to = target(nas.address, SECRET, NasProfile { window: 4, retransmit: quick, ..profile() });
    for exchange in futures::future::join_all((0..3).map(|n| ask(&engine, &to, &format!("s-{n}"), Priority::Bulk))).await {
        assert!(matches!(exchange.expect("no panic").outcome, NasOutcome::Silence { .. }));
    }
    assert!(engine.stats()[0].one_at_a_time);
    // Many at once now: one of them is the probe, and those that wait too long are told so without being sent.
    let before = nas.seen().len();
    let exchanges = futures::future::join_all((0..20).map(|n| ask(&engine, &to, &format!("t-{n}"), Priority::Bulk))).await;
    let outcomes: Vec<_> = exchanges.into_iter().map(|exchange| exchange.expect("no panic").outcome).collect();
    let silent = outcomes.iter().filter(|o| matches!(o, NasOutcome::Silence { .. })).count();
    assert_eq!(nas.seen().len() - before, silent, "each was sent once");
    assert!((1..20).contains(&silent), "{silent} of 20 were sent");
    for outcome in &outcomes {
        match outcome {
            NasOutcome::Silence { note: Some(note), .. } => assert!(note.as_str().contains("asked one at a time"), "{note}"),
            NasOutcome::NotSent(why) => assert!(why.as_str().contains("asked one at a time") && why.as_str().contains("not sent"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let times: Vec<_> = nas.seen()[before..].iter().map(|seen| seen.at).collect();
    assert!(times.windows(2).all(|pair| pair[1].duration_since(pair[0]) >= Duration::from_millis(85)), "probes overlap");
    dead.store(false, Ordering::SeqCst);
    assert!(matches!(ask(&engine, &to, "u-1", Priority::Bulk).await.expect("no panic").outcome, NasOutcome::Ack { .. }));
    assert!(!engine.stats()[0].one_at_a_time);
    assert_eq!(engine.stats()[0].in_flight, 0);
}

#[tokio::test]
async fn a_window_over_64_is_spread_over_several_source_ports() {
    let nas = FakeNas::start(|seen| vec![Reply { after: Duration::from_millis(100), ..ack(&seen.bytes).into() }]).await;
    let engine = engine();
    let to = target(nas.address, SECRET, NasProfile { window: 150, ..profile() });
    futures::future::join_all((0..150).map(|n| ask(&engine, &to, &format!("s-{n}"), Priority::Bulk))).await;
    let mut ports: Vec<_> = nas.seen().iter().map(|seen| seen.from).collect();
    ports.sort();
    let most = ports.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap_or(0);
    assert!(most <= 64 && engine.sockets() == 3, "{most} on one port, {} ports", engine.sockets());
}
