//! A bulk of 10,000 suspends over six simulated NASes, 20 ms each, window 16: measured time against the physical bound, which is the number
//! of requests over window times NASes, times the round trip. Journal, audit and the file of jobs are synced as in the product.

// The tests use more of it than this bench does.
#[allow(dead_code)]
#[path = "../tests/jobs/world.rs"]
mod world;

use noctule_domain::job::{JobJournal, Terms, Wish};
use noctule_sim::nas::Delay;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const NASES: usize = 6;
const WINDOW: u16 = 16;
const TRIP: Duration = Duration::from_millis(20);

fn main() {
    // `cargo test --benches` runs this too: then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let total: u32 = std::env::var("BULK").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let each = total.div_ceil(NASES as u32);
    let total = each * NASES as u32;
    let (took, preview) = runtime.block_on(async {
        let world = world::World::new(NASES, each, WINDOW, |_, behaviour| behaviour.answer_delay = Delay::Fixed(TRIP)).await;
        let console = world.console();
        let begun = Instant::now();
        let job = console.preview(world::suspend(), Terms::default()).await.head.id;
        let preview = begun.elapsed();
        let (runner, cancel) = (console.runner.clone(), CancellationToken::new());
        let until = cancel.clone();
        let running = tokio::spawn(async move { runner.run(until).await });
        let begun = Instant::now();
        console.jobs.wish(job, Wish::Go).await.expect("it begins");
        console.runner.poke();
        let done = console.wait(job, Duration::from_secs(600), |job| job.head.state.is_over()).await;
        let took = begun.elapsed();
        assert_eq!(done.tally.succeeded, total, "{:?}", done.tally);
        assert_eq!(world.changes() as u32, total);
        cancel.cancel();
        let _ = running.await;
        (took, preview)
    });
    let bound = f64::from(total) / (f64::from(WINDOW) * NASES as f64) * TRIP.as_secs_f64();
    let took = took.as_secs_f64();
    println!("{total} suspends over {NASES} NASes, {} ms each, window {WINDOW}:", TRIP.as_millis());
    println!("  preview            {:>7.2} s", preview.as_secs_f64());
    println!("  physical bound     {bound:>7.2} s");
    println!("  measured           {took:>7.2} s, {:.2} times the bound, {:.0}/s", took / bound, f64::from(total) / took);
    println!("BENCH bulk_suspend {took:.3} s bound={bound:.3} ratio={:.3} cmd=cargo bench -p noctule-network --bench bulk", took / bound);
}
