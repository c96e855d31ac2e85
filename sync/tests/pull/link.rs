//! The sync as it runs: live, and whatever breaks it. A status never says more than is so.

use super::model::Model;
use super::place::{PATIENCE, Place, live, syncer_config, until, until_model};
use noctule_domain::lifecycle::{OperationKind, OperationOptions};
use noctule_domain::sync::{Change, FieldChange, LifecycleRequest, Link, Op, Position, Replica, Table};
use noctule_domain::{OpId, SubscriberId, TaskId};
use noctule_sync::run::Syncer;
use noctule_testbed::Link as Network;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

fn op(change: Change) -> Op {
    Op { id: OpId(Uuid::now_v7()), seq: 1, made_at: chrono::Utc::now(), origin: "test".into(), reason: None, change }
}

fn noted(model: &Model, text: &str) -> bool {
    model.rows(Table::Tasks).values().any(|row| row.windows(text.len()).any(|part| part == text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consoles_see_each_others_changes_and_each_other() {
    let place = Place::new().await;
    place.fill(1, 50);
    let (here, there) = (Model::default(), Model::default());
    let mut slow = syncer_config(place.config("nora"), here.clone());
    // So slow that only a wake-up can bring the change within the patience of this test.
    slow.poll = Duration::from_secs(600);
    let (one, two) = (Syncer::start(slow), Syncer::start(syncer_config(place.config("tilda"), there.clone())));
    let status = until(&one, "live", live).await;
    assert!(status.note.is_none() && status.fresh_at.is_some() && status.login.as_ref().is_some_and(|login| login.as_str() == "nora"));
    until(&two, "live", live).await;

    // An edit of the technician: pushed, and then in both copies.
    let task = Uuid::parse_str(&place.sql("SELECT id FROM noctule.tasks WHERE number = 'T-8'")).expect("an id");
    let was = serde_json::from_str(&place.sql("SELECT to_json(notes) FROM noctule.tasks WHERE number = 'T-8'")).expect("a text");
    let fields = [("notes".to_owned(), FieldChange { was, new: "gate code 4711".into() })].into();
    there.with(|state| state.ops.push(op(Change::TaskEdit { task: TaskId(task), seen_version: 1, fields })));
    there.unsent.notify_one();
    until_model(&here, "the edit arrives here", |model| noted(model, "gate code 4711")).await;
    until_model(&there, "the edit comes back there", |model| noted(model, "gate code 4711")).await;
    let answered = there.with(|state| state.answers.clone());
    assert_eq!(answered.len(), 1, "{answered:?}");
    let xid = answered[0].xid.expect("applied");
    let sees = |position: &Position| position.cursor.sees(xid);
    until_model(&there, "the overlay can go", |model| model.with(|state| state.position.as_ref().is_some_and(sees))).await;
    let status = until(&one, "how late it was", |status| status.lag_ms.is_some()).await;
    assert!(status.lag_ms.is_some_and(|lag| lag < 60_000));

    // Presence.
    let subscriber = SubscriberId(Uuid::parse_str(&place.sql("SELECT id FROM noctule.subscribers WHERE number = 'S-8'")).expect("an id"));
    two.look_at(Some(subscriber));
    one.look_at(Some(subscriber));
    let deadline = Instant::now() + PATIENCE;
    while !one.others().iter().any(|other| other.login.as_str() == "tilda" && other.subscriber == Some(subscriber)) {
        assert!(Instant::now() < deadline, "nora does not hear of tilda: {:?}", one.others());
        one.look_at(None);
        one.look_at(Some(subscriber));
        let mut status = one.status();
        let _ = tokio::time::timeout(Duration::from_millis(500), status.changed()).await;
    }
    let ends = Instant::now();
    one.stop().await;
    // Who ends is not shown any more.
    assert_eq!(place.sql("SELECT string_agg(login, ' ') FROM noctule.presence"), "tilda");
    two.stop().await;
    assert!(ends.elapsed() < Duration::from_secs(3), "stopping took {:?}", ends.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_while_the_console_was_away_is_no_lag_of_the_line() {
    let place = Place::new().await;
    place.fill(1, 50);
    let model = Model::default();
    let first = Syncer::start(syncer_config(place.config("nora"), model.clone()));
    until(&first, "live", live).await;
    first.stop().await;
    place.sql("UPDATE noctule.subscribers SET notes = 'while away' WHERE number = 'S-8'");
    place.sql("UPDATE noctule.feed SET changed_at = changed_at - interval '1 hour'");
    let again = Syncer::start(syncer_config(place.config("nora"), model.clone()));
    let status = until(&again, "live again", live).await;
    assert_eq!((model.copies(), status.lag_ms), (1, None));
    // What is late from now on is told, until a read finds that nothing is on its way.
    place.sql("UPDATE noctule.subscribers SET notes = 'now' WHERE number = 'S-8'");
    until(&again, "how late it was", |status| status.lag_ms.is_some_and(|lag| lag < 60_000)).await;
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_and_comes_back_is_offline_and_live_again() {
    let mut place = Place::new().await;
    place.fill(1, 50);
    let model = Model::default();
    let syncer = Syncer::start(syncer_config(place.config("nora"), model.clone()));
    until(&syncer, "live", live).await;
    place.postgres.kill9().expect("killed");
    let status = until(&syncer, "offline", |status| status.link == Link::Offline).await;
    assert!(status.note.is_some() && status.since.is_some() && status.fresh_at.is_some(), "{status:?}");
    place.postgres.start_again().expect("started");
    place.sql("UPDATE noctule.tasks SET notes = 'after the crash' WHERE number = 'T-1'");
    until(&syncer, "live again", live).await;
    until_model(&model, "what changed", |model| noted(model, "after the crash")).await;
    assert_eq!(model.copies(), 1, "a crash is no new history");
    place.must_equal(&model).await;
    syncer.stop().await;
    // Started while nobody answers, it still says how old the copy is.
    place.postgres.kill9().expect("killed");
    let kept = model.with(|state| state.position.as_ref().map(|position| position.at));
    let syncer = Syncer::start(syncer_config(place.config("nora"), model.clone()));
    let status = until(&syncer, "offline from its start", |status| status.link == Link::Offline).await;
    assert!(kept.is_some() && status.fresh_at == kept, "{status:?}");
    syncer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_hole_is_noticed_within_the_time_of_a_call() {
    let place = Place::new().await;
    place.fill(1, 50);
    let network = Network::to(place.addr()).expect("a link");
    let model = Model::default();
    let mut centre = place.config_at("nora", &[network.addr()]);
    (centre.call_timeout, centre.connect_timeout) = (Duration::from_secs(3), Duration::from_secs(3));
    let syncer = Syncer::start(syncer_config(centre, model.clone()));
    until(&syncer, "live", live).await;
    network.blackhole();
    let began = Instant::now();
    // First it is known that nothing comes, then that the line is dead.
    let status = until(&syncer, "not live", |status| status.link != Link::Live).await;
    assert!(matches!(status.link, Link::Delayed | Link::Offline), "{status:?}");
    until(&syncer, "offline", |status| status.link == Link::Offline).await;
    // One poll (half a second and its jitter), one call of 3 s, and a busy machine.
    assert!(began.elapsed() < Duration::from_secs(8), "it took {:?}", began.elapsed());
    let stays = until(&syncer, "still offline after a try to connect", |status| {
        status.link == Link::Offline && status.note.as_ref().is_some_and(|note| note.as_str().contains("can not be reached"))
    })
    .await;
    assert_eq!(stays.link, Link::Offline);
    network.pass();
    syncer.sync_now();
    until(&syncer, "live again", live).await;
    assert_eq!(model.copies(), 1);
    syncer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_revoked_or_too_old_is_told_so_and_keeps_unsent_work() {
    let place = Place::new().await;
    place.fill(1, 20);
    let (revoked, old) = (Model::default(), Model::default());
    let one = Syncer::start(syncer_config(place.config("tilda"), revoked.clone()));
    until(&one, "live", live).await;
    noctule_sync::schema::user_revoke(&place.owner, place.tenant, "tilda").await.expect("revoked");
    let status = until(&one, "denied", |status| status.link == Link::Denied).await;
    assert!(status.note.is_some_and(|note| note.as_str().contains("unsent work is kept")), "it says what it means");
    let change = Change::TaskEdit { task: TaskId(Uuid::nil()), seen_version: 1, fields: Default::default() };
    revoked.with(|state| state.ops.push(op(change)));
    revoked.unsent.notify_one();
    until(&one, "the unsent is counted", |status| status.outbox.unsent == 1 && status.link == Link::Denied).await;
    one.sync_now();
    // Another try does not change it: neither the rows nor the op are lost.
    let asked = place.postgres.log().expect("a log").matches("not permitted to log in").count();
    let deadline = Instant::now() + PATIENCE;
    while place.postgres.log().expect("a log").matches("not permitted to log in").count() <= asked {
        assert!(Instant::now() < deadline, "it does not try again");
        one.sync_now();
        tokio::task::yield_now().await;
    }
    assert_eq!(revoked.unsent(10).await.expect("ops").len(), 1);
    assert!(!revoked.rows(Table::Tasks).is_empty());
    one.stop().await;

    let two = Syncer::start(syncer_config(place.config("nora"), old.clone()));
    until(&two, "live", live).await;
    place.sql("UPDATE noctule.meta SET min_protocol = 999; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'nora'");
    let status = until(&two, "upgrade", |status| status.link == Link::Upgrade).await;
    assert!(status.note.is_some_and(|note| note.as_str().contains("update noctule")));
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_takes_over_when_the_leader_is_gone() {
    let place = Place::new().await;
    place.fill(1, 20);
    let model = Model::default();
    let leads = Arc::new(AtomicBool::new(false));
    let mut config = syncer_config(place.config("nora"), model.clone());
    config.lead = {
        let leads = Arc::clone(&leads);
        Arc::new(move || leads.load(Ordering::Relaxed))
    };
    let syncer = Syncer::start(config);
    until(&syncer, "a follower", |status| status.follower).await;
    assert_eq!(model.copies(), 0, "a follower syncs nothing");
    leads.store(true, Ordering::Relaxed);
    let status = until(&syncer, "leads", |status| !status.follower && status.link == Link::Live).await;
    assert!(!status.follower);
    assert_eq!(model.copies(), 1);
    leads.store(false, Ordering::Relaxed);
    until(&syncer, "a follower again", |status| status.follower).await;
    syncer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lifecycle_requests_are_handed_out_once_a_connection() {
    let place = Place::new().await;
    place.fill(1, 20);
    let model = Model::default();
    let options = OperationOptions::default();
    let request = LifecycleRequest { subscriber: SubscriberId(Uuid::nil()), kind: OperationKind::Suspend, options, seen_version: 1 };
    let waiting = op(Change::Lifecycle(request.clone()));
    model.with(|state| state.ops.push(waiting.clone()));
    let syncer = Syncer::start(syncer_config(place.config("nora"), model.clone()));
    let mut requests = syncer.lifecycle();
    let got = tokio::time::timeout(PATIENCE, requests.recv()).await.expect("in time").expect("a request");
    assert_eq!(got, (waiting.clone(), request.clone()));
    // Another op passes it by; the request is not handed out again.
    let change = Change::TaskEdit { task: TaskId(Uuid::nil()), seen_version: 1, fields: Default::default() };
    model.with(|state| state.ops.push(op(change)));
    model.unsent.notify_one();
    until(&syncer, "the other op is answered", |status| status.outbox.unsent == 1 && status.outbox.conflicts == 1).await;
    assert!(requests.try_recv().is_err(), "not twice on one connection");
    place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'nora'");
    let again = tokio::time::timeout(PATIENCE, requests.recv()).await.expect("in time").expect("a request");
    assert_eq!(again.0.id, waiting.id, "a new connection, and still unanswered");
    syncer.stop().await;
}
