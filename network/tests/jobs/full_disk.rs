//! A full disk under the file of jobs: the job stands, says why, and nothing leaves that is not written down; with room it goes on by itself.

use crate::world::*;
use noctule_domain::job::{ItemFilter, ItemRow, JobJournal, JobState, Outcome, Terms, Wish};
use noctule_sim::nas::Delay;
use noctule_testbed::SmallDisk;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LONG: Duration = Duration::from_secs(60);
const NASES: usize = 2;
const EACH: u32 = 400;

async fn items(console: &Console, job: noctule_domain::JobId) -> Vec<ItemRow> {
    console.jobs.items(job, ItemFilter::default(), None, 10_000).await.unwrap()
}

/// How often the NASes were asked to suspend this subscriber, by their own log.
fn changes(world: &World, item: &ItemRow) -> usize {
    let (nas, place) = item.subscriber_number.as_str()[1..].split_once('-').unwrap();
    let n: usize = nas.parse().unwrap();
    world.nases[n].changes_of(&user(n, place.parse().unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_lets_a_job_stand_in_words_and_nothing_leaves_that_is_not_written_down() {
    let world = World::new(NASES, EACH, 4, |_, behaviour| behaviour.answer_delay = Delay::Fixed(Duration::from_millis(5))).await;
    let disk = SmallDisk::new(16).unwrap();
    let console = world.console_with_jobs_in(disk.path());
    let job = console.preview(suspend(), Terms { per_nas: 8, ..Terms::default() }).await.head.id;
    let (runner, cancel) = (console.runner.clone(), CancellationToken::new());
    let until = cancel.clone();
    let running = tokio::spawn(async move { runner.run(until).await });
    console.jobs.wish(job, Wish::Go).await.unwrap();
    console.wait(job, LONG, |job| job.tally.succeeded >= 20).await;
    disk.fill(0).unwrap();
    let held = console.wait(job, LONG, |job| job.head.why.is_some()).await;
    assert_eq!(held.head.state, JobState::Running, "nobody paused it");
    let why = held.head.why.unwrap();
    assert!(why.as_str().starts_with("nothing more begins") && why.as_str().contains("the disk is full"), "{why}");
    assert!(held.tally.waiting > 0, "it is held in its middle: {:?}", held.tally);

    // What was under way goes to its end; of each the item was there before anything left.
    let began = items(&console, job).await.iter().filter(|item| item.operation.is_some()).count();
    console.wait(job, LONG, |_| world.changes() == began).await;
    for item in items(&console, job).await {
        let asked = changes(&world, &item);
        match item.operation {
            None => assert_eq!(asked, 0, "{item:?} left without being written down"),
            Some(operation) => {
                assert_eq!(asked, 1, "{item:?}");
                assert_eq!(console.store.operation(operation).await.unwrap().unwrap().operation.subscriber, item.subscriber);
            }
        }
    }
    let refused = console.jobs.wish(job, Wish::Pause).await.unwrap_err();
    assert!(refused.to_string().contains("the disk is full"), "{refused}");

    disk.free().unwrap();
    let done = console.wait(job, LONG, |job| job.head.state.is_over()).await;
    assert_eq!((done.tally.succeeded, done.head.why), (NASES as u32 * EACH, None), "{:?}", done.tally);
    for item in items(&console, job).await {
        assert_eq!((item.outcome, changes(&world, &item)), (Some(Outcome::Succeeded), 1), "{item:?}");
    }
    cancel.cancel();
    running.await.unwrap();
}
