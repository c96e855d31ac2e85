//! Provision and deprovision through a simulated NetBox and NAS: compensation, proof, where a subscriber enters.

use crate::world::*;
use noctule_domain::job::{Course, ItemFilter, ItemGroup, JobJournal, JobState, JobView, Terms, Threshold, Wish};
use noctule_domain::lifecycle::{Ipv6State, OperationOptions};
use noctule_sim::nas::AttrKey;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LONG: Duration = Duration::from_secs(60);

fn provision(proof_s: u32, undo: bool) -> Course {
    Course::Provision { options: OperationOptions::default(), proof_s, undo }
}

/// Nothing stops it: here each end is looked at.
fn terms() -> Terms {
    Terms { canary_percent: 100, threshold: Threshold { percent: 100, of_last: None, absolute: None }, ..Terms::default() }
}

async fn through(console: &Console, course: Course) -> JobView {
    let job = console.preview(course, terms()).await.head.id;
    let (runner, cancel) = (console.runner.clone(), CancellationToken::new());
    let until = cancel.clone();
    let running = tokio::spawn(async move { runner.run(until).await });
    console.jobs.wish(job, Wish::Go).await.unwrap();
    let done = console.wait(job, LONG, |job| job.head.state.is_over()).await;
    cancel.cancel();
    running.await.unwrap();
    assert_eq!(done.head.state, JobState::Done);
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_provisioned_and_deprovisioned_again() {
    let world = World::pending(2, 10).await;
    let console = world.console();
    let done = through(&console, provision(0, false)).await;
    assert_eq!(done.tally.succeeded, 20, "{:?}", done.tally);
    let row = console.store.find_subscriber("N1-000003").await.unwrap().remove(0);
    assert_eq!(row.state, Ipv6State::Active);
    assert!(row.prefix.is_some());
    let again = console.preview(provision(0, false), terms()).await;
    assert_eq!(again.tally.left_out, 20, "there is nothing to do a second time");

    let done = through(&console, Course::Deprovision { options: OperationOptions::default() }).await;
    assert_eq!(done.tally.succeeded, 20, "{:?}", done.tally);
    let row = console.store.find_subscriber("N1-000003").await.unwrap().remove(0);
    assert_eq!(row.state, Ipv6State::Revoked);
    assert!(row.hold_until.is_some(), "the prefix rests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_activation_keeps_the_prefix_and_says_so_or_gives_it_back() {
    for undo in [false, true] {
        let world = World::pending(1, 4).await;
        let console = world.console();
        // The prefix is refused in a CoA; a Disconnect is not.
        world.nases[0].behave(|behaviour| {
            behaviour.refuses.insert(AttrKey::standard(123));
        });
        let done = through(&console, provision(0, undo)).await;
        let items = console.jobs.items(done.head.id, ItemFilter::default(), None, 10).await.unwrap();
        let row = console.store.find_subscriber("N0-000001").await.unwrap().remove(0);
        if undo {
            assert_eq!(done.tally.refused, 4, "{:?} {items:?}", done.tally);
            assert_eq!(row.state, Ipv6State::Revoked, "what this course allocated is given back");
            assert!(items.iter().all(|item| item.note.as_ref().unwrap().as_str().contains("given back")), "{items:?}");
        } else {
            assert_eq!(done.tally.refused, 4, "{:?} {items:?}", done.tally);
            assert_eq!(row.state, Ipv6State::Allocated, "the prefix is kept as allocated");
            let note = items[0].note.as_ref().unwrap().as_str();
            assert!(note.contains("allocated and kept"), "{note}");
            // The NAS is mended: the same flow goes on from there.
            world.nases[0].behave(|behaviour| behaviour.refuses.clear());
            let done = through(&console, provision(0, false)).await;
            assert_eq!(done.tally.succeeded, 4, "{:?}", done.tally);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_accounting_does_not_show_in_time_is_unproven_and_no_success() {
    let world = World::pending(1, 2).await;
    let console = world.console();
    let done = through(&console, provision(1, false)).await;
    assert_eq!(done.tally.unproven, 2, "{:?}", done.tally);
    let items = console.jobs.items(done.head.id, ItemFilter { group: Some(ItemGroup::Unproven), bad: false }, None, 10).await.unwrap();
    assert!(items[0].note.as_ref().unwrap().as_str().contains("accounting has not shown it"));
}
