//! kill -9 in the middle of a bulk: the next process goes on, and the simulators' own logs say that nobody was asked twice.

use crate::world::*;
use noctule_domain::job::{JobJournal, JobState, Terms, Wish};
use noctule_sim::nas::{Delay, What};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const VARIABLE: &str = "NOCTULE_JOBS_OF";
const LONG: Duration = Duration::from_secs(90);

/// Not a test of its own: the process that is killed. Run alone it has no folder, and does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_runs_jobs_until_it_is_killed() {
    let Some(folder) = std::env::var_os(VARIABLE) else { return };
    let console = console_at(&PathBuf::from(folder), WINDOW);
    console.runner.run(CancellationToken::new()).await;
}

const WINDOW: u16 = 8;
const UNDER_WAY: u16 = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_survives_kills_and_everybody_is_suspended_exactly_once() {
    let world = World::new(3, 200, WINDOW, |_, behaviour| behaviour.answer_delay = Delay::Fixed(Duration::from_millis(10))).await;
    let console = world.console();
    let job = console.preview(suspend(), Terms { per_nas: UNDER_WAY, ..Terms::default() }).await.head.id;
    console.jobs.wish(job, Wish::Go).await.unwrap();
    // Killed in the canaries, a little later, and in the middle.
    for at in [1, 40, 150, 300] {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::the_child_runs_jobs_until_it_is_killed", "--nocapture"])
            .env(VARIABLE, world.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        console.wait(job, LONG, |job| job.tally.succeeded >= at).await;
        child.kill().await.unwrap();
        let left = console.jobs.job(job).await.unwrap().unwrap();
        assert!(!left.head.state.is_over(), "it was killed in the middle: {:?}", left.tally);
    }
    let (runner, cancel) = (console.runner.clone(), CancellationToken::new());
    let until = cancel.clone();
    let running = tokio::spawn(async move { runner.run(until).await });
    let done = console.wait(job, LONG, |job| job.head.state.is_over()).await;
    assert_eq!((done.head.state, done.tally.succeeded), (JobState::Done, 600), "{:?}", done.tally);
    cancel.cancel();
    running.await.unwrap();
    // A request that had left when the process died is asked again, which changes nothing a second time.
    let mut changed = BTreeMap::<String, u32>::new();
    for nas in &world.nases {
        for event in nas.events() {
            if let What::SessionChanged { username, different: true, .. } = event.what {
                *changed.entry(username).or_default() += 1;
            }
        }
    }
    assert_eq!(changed.len(), 600);
    assert!(changed.values().all(|n| *n == 1), "by the log of the NASes everybody was changed once: {changed:?}");
    let again = world.changes() - 600;
    assert!(again <= 4 * 3 * usize::from(UNDER_WAY), "only what was under way was asked again: {again}");
    let ended = console.store.subscriber_timeline(console.store.find_subscriber("N0-000000").await.unwrap()[0].id, 10).await.unwrap();
    assert_eq!(ended.len(), 1, "and there is one operation of it");
}
