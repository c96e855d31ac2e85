//! Bulks: all of it, stopped by the threshold, paused, cancelled, taken over.

use crate::world::*;
use noctule_domain::job::{ItemFilter, ItemGroup, JobError, JobJournal, JobState, Outcome, Terms, Threshold, Wish};
use noctule_domain::lifecycle::{Enforcement, Ipv6State, OperationKind, OperationOptions};
use noctule_network::lifecycle::Started;
use noctule_sim::nas::Delay;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const LONG: Duration = Duration::from_secs(60);

/// Runs jobs in the background until the token is cancelled.
fn run(console: &Console) -> (CancellationToken, JoinHandle<()>) {
    let (runner, cancel) = (console.runner.clone(), CancellationToken::new());
    let until = cancel.clone();
    (cancel, tokio::spawn(async move { runner.run(until).await }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_suspends_everybody_once_and_says_so() {
    let world = World::new(3, 100, 16, |_, _| {}).await;
    let console = world.console();
    let job = console.preview(suspend(), Terms::default()).await;
    assert_eq!((job.tally.waiting, job.tally.left_out, job.head.state), (300, 0, JobState::Previewed));
    assert_eq!(console.jobs.per_nas(job.head.id).await.unwrap().len(), 3);
    assert_eq!(console.jobs.unfinished().await.unwrap(), [], "a preview is not begun by itself");
    let _running = run(&console);
    console.jobs.wish(job.head.id, Wish::Go).await.unwrap();
    let done = console.wait(job.head.id, LONG, |job| job.head.state.is_over()).await;
    assert_eq!((done.head.state, done.tally.succeeded, done.tally.ended()), (JobState::Done, 300, 300));
    assert!(done.head.started_at.is_some() && done.head.ended_at.is_some());
    assert_eq!(world.changes(), 300, "each NAS was asked once for each");
    let row = console.store.find_subscriber("N1-000042").await.unwrap().remove(0);
    assert_eq!((row.state, row.enforcement), (Ipv6State::Suspended, Enforcement::Acknowledged));
    let items = console.jobs.items(job.head.id, ItemFilter::default(), None, 1000).await.unwrap();
    assert!(items.iter().all(|item| item.outcome == Some(Outcome::Succeeded) && item.operation.is_some()));
    assert_eq!(items.iter().filter(|item| item.canary).count(), 3, "one in a hundred, one of each NAS");
    let over = console.jobs.wish(job.head.id, Wish::Cancel).await.unwrap_err();
    assert!(matches!(over, JobError::Refused(_)));

    // Again: there is nothing to do, and the preview says so of each.
    let again = console.preview(suspend(), Terms::default()).await;
    assert_eq!((again.tally.total(), again.tally.left_out), (0, 300));
    let items = console.jobs.items(again.head.id, ItemFilter { group: Some(ItemGroup::LeftOut), bad: false }, None, 10).await.unwrap();
    assert_eq!(items[0].note.as_ref().unwrap().as_str(), "already suspended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nas_that_begins_to_refuse_stops_the_rest_untouched_and_it_goes_on_when_told() {
    let world = World::new(4, 500, 8, |_, behaviour| behaviour.answer_delay = Delay::Fixed(Duration::from_millis(3))).await;
    let console = world.console();
    let terms = Terms { per_nas: 16, threshold: Threshold { percent: 5, of_last: Some(100), absolute: None }, ..Terms::default() };
    let job = console.preview(suspend(), terms).await.head.id;
    let _running = run(&console);
    console.jobs.wish(job, Wish::Go).await.unwrap();
    console.wait(job, LONG, |job| job.tally.succeeded >= 200).await;
    world.nases[2].behave(|behaviour| behaviour.nak_probability = 1.0);
    let stopped = console.wait(job, LONG, |job| job.head.state == JobState::Stopped && job.tally.running == 0).await;
    assert!(stopped.tally.refused > 5, "{:?}", stopped.tally);
    assert!(stopped.tally.refused <= 6 + 16 + 16, "what was under way, no more: {:?}", stopped.tally);
    assert!(stopped.tally.waiting > 300, "the rest is untouched: {:?}", stopped.tally);
    assert!(stopped.head.why.as_ref().unwrap().as_str().contains("refused"), "{:?}", stopped.head.why);
    let asked: u64 = world.nases.iter().map(|nas| nas.counters().received).sum();
    let untouched = console.jobs.items(job, ItemFilter::default(), None, 10_000).await.unwrap();
    let untouched: Vec<_> = untouched.into_iter().filter(|item| item.outcome.is_none()).collect();
    assert_eq!(untouched.len() as u32, stopped.tally.waiting);
    assert!(untouched.iter().all(|item| item.operation.is_none()));
    let one = console.store.find_subscriber(untouched[0].subscriber_number.as_str()).await.unwrap().remove(0);
    assert_eq!(one.state, Ipv6State::Active);
    assert_eq!(world.nases.iter().map(|nas| nas.counters().received).sum::<u64>(), asked, "it stands");

    world.nases[2].behave(|behaviour| behaviour.nak_probability = 0.0);
    console.jobs.wish(job, Wish::Go).await.unwrap();
    let done = console.wait(job, LONG, |job| job.head.state.is_over()).await;
    assert_eq!(done.head.state, JobState::Done);
    assert_eq!(done.tally.succeeded + done.tally.refused, 2000, "{:?}", done.tally);
    assert_eq!(done.tally.refused, stopped.tally.refused, "nobody else was refused");
    assert_eq!(world.changes() as u32, done.tally.succeeded);
    let bad = console.jobs.items(job, ItemFilter { bad: true, group: None }, None, 100).await.unwrap();
    assert_eq!(bad.len() as u32, done.tally.refused);
    assert!(bad.iter().all(|item| item.nas.as_str() == "bng-2" && item.note.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_nothing_begins_and_cancelled_the_rest_never_does() {
    let world = World::new(2, 150, 4, |_, behaviour| behaviour.answer_delay = Delay::Fixed(Duration::from_millis(5))).await;
    let console = world.console();
    let job = console.preview(suspend(), Terms { per_nas: 8, ..Terms::default() }).await.head.id;
    let _running = run(&console);
    assert!(matches!(console.jobs.wish(job, Wish::Pause).await, Err(JobError::Refused(_))), "it has not begun");
    console.jobs.wish(job, Wish::Go).await.unwrap();
    console.wait(job, LONG, |job| job.tally.succeeded >= 20).await;
    console.jobs.wish(job, Wish::Pause).await.unwrap();
    let paused = console.wait(job, LONG, |job| job.head.state == JobState::Paused && job.tally.running == 0).await;
    let asked: u64 = world.nases.iter().map(|nas| nas.counters().received).sum();
    // An interactive operation goes on as ever.
    let other = console.store.find_subscriber("N1-000149").await.unwrap().remove(0);
    let request = noctule_domain::ports::BeginOperation {
        id: noctule_domain::OperationId(uuid::Uuid::now_v7()),
        subscriber: other.id,
        kind: OperationKind::Suspend,
        actor: actor(),
        options: OperationOptions::default(),
        expected_version: None,
    };
    let Started::Running(handle) = console.executor.start(request).await.unwrap() else { panic!("it begins") };
    handle.ended().await.unwrap();
    assert_eq!(world.nases.iter().map(|nas| nas.counters().received).sum::<u64>(), asked + 1, "and the job stands still");
    assert_eq!(console.jobs.job(job).await.unwrap().unwrap().tally, paused.tally);

    console.jobs.wish(job, Wish::Go).await.unwrap();
    console.wait(job, LONG, |job| job.tally.succeeded >= 60).await;
    console.jobs.wish(job, Wish::Cancel).await.unwrap();
    let over = console.wait(job, LONG, |job| job.head.state.is_over()).await;
    assert_eq!(over.head.state, JobState::Cancelled);
    assert!(over.tally.cancelled > 100, "{:?}", over.tally);
    assert_eq!(over.tally.total(), 300);
    assert_eq!(world.changes() as u32, over.tally.succeeded + 1);
    console.jobs.wish(job, Wish::Go).await.unwrap_err();
    // Each is in the group that the tally counts it in, and nobody else is.
    for group in ItemGroup::ALL {
        let items = console.jobs.items(job, ItemFilter { group: Some(*group), bad: false }, None, 1000).await.unwrap();
        assert_eq!(items.len() as u32, over.tally.group(*group), "{group}");
        assert!(items.iter().all(|item| group.holds().contains(&item.outcome.map_or(item.state.word(), Outcome::word))), "{group}");
    }
    assert_eq!(over.tally.group(ItemGroup::NotTried), over.tally.cancelled);
    // What was begun is not forgotten, a preview is.
    console.jobs.discard(job).await.unwrap();
    assert!(console.jobs.job(job).await.unwrap().is_some());
    let preview = console.preview(suspend(), Terms::default()).await.head.id;
    console.jobs.discard(preview).await.unwrap();
    assert!(console.jobs.job(preview).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rate_of_a_nas_is_kept() {
    let world = World::new(2, 30, 16, |_, _| {}).await;
    let console = world.console();
    let job = console.preview(suspend(), Terms { rate_per_nas: Some(20), canary_percent: 0, ..Terms::default() }).await.head.id;
    let _running = run(&console);
    console.jobs.wish(job, Wish::Go).await.unwrap();
    let done = console.wait(job, LONG, |job| job.head.state.is_over()).await;
    let took = (done.head.ended_at.unwrap() - done.head.started_at.unwrap()).as_seconds_f64();
    assert!(took >= 1.3, "thirty on each at twenty a second took {took} s");
    assert_eq!(done.tally.succeeded, 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_runs_jobs_and_another_takes_over_without_asking_anybody_twice() {
    let world = World::new(2, 200, 4, |_, behaviour| behaviour.answer_delay = Delay::Fixed(Duration::from_millis(4))).await;
    let first = world.console();
    let job = first.preview(suspend(), Terms::default()).await.head.id;
    let (cancel, running) = run(&first);
    first.jobs.wish(job, Wish::Go).await.unwrap();
    first.wait(job, LONG, |job| job.tally.succeeded >= 50).await;
    let second = world.console();
    assert!(!second.jobs.lead(), "the first has the lock");
    let _second_runs = run(&second);
    // What is under way in the first goes to its end there; the second knows it by its id.
    cancel.cancel();
    running.await.unwrap();
    first.jobs.resign();
    let done = second.wait(job, LONG, |job| job.head.state.is_over()).await;
    assert_eq!((done.head.state, done.tally.succeeded), (JobState::Done, 400), "{:?}", done.tally);
    let mut twice = BTreeMap::new();
    for (n, nas) in world.nases.iter().enumerate() {
        for i in 0..200 {
            let changes = nas.changes_of(&user(n, i));
            if changes != 1 {
                twice.insert(user(n, i), changes);
            }
        }
    }
    assert!(twice.is_empty(), "{twice:?}");
}
