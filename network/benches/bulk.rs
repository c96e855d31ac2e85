//! A bulk of 10,000 suspends over six simulated NASes, 20 ms each, window 16: measured time against the physical bound, which is the number
//! of requests over window times NASes, times the round trip. Journal, audit and the file of jobs are synced as in the product. Beside it
//! somebody looks: a page of subscribers and the job are asked for sixty times a second, as a screen does that is drawn at every tick.

// The tests use more of it than this bench does.
#[allow(dead_code)]
#[path = "../tests/jobs/world.rs"]
mod world;

use noctule_domain::JobId;
use noctule_domain::filter::Filter;
use noctule_domain::job::{JobJournal, Terms, Wish};
use noctule_domain::page::{From as Place, PageRequest, Sort};
use noctule_sim::nas::Delay;
use noctule_storage::{Jobs, Store};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const NASES: usize = 6;
const WINDOW: u16 = 16;
const TRIP: Duration = Duration::from_millis(20);
const TICK: Duration = Duration::from_micros(16_667);

/// Asks for what a screen shows at every tick, until told to stop; how long each answer took, sorted.
async fn look(store: Store, jobs: Jobs, job: JobId, stop: CancellationToken) -> Vec<Duration> {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut took = Vec::new();
    while !stop.is_cancelled() {
        ticks.tick().await;
        let begun = Instant::now();
        let page = PageRequest { filter: Filter::default(), sort: Sort::default(), from: Place::First, limit: 50 };
        store.subscriber_page(page).await.expect("a page");
        jobs.job(job).await.expect("read").expect("there");
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    took
}

/// What this process has used of the processors, the simulated NASes included.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the figures of this process");
    let fields: Vec<&str> = stat[stat.rfind(')').expect("a name") + 2..].split(' ').collect();
    // In hundredths of a second, on every Linux.
    (fields[11].parse::<f64>().expect("user time") + fields[12].parse::<f64>().expect("system time")) / 100.0
}

fn main() {
    // `cargo test --benches` runs this too: then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let total: u32 = std::env::var("BULK").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let each = total.div_ceil(NASES as u32);
    let total = each * NASES as u32;
    let (took, preview, used, looks) = runtime.block_on(async {
        let world = world::World::new(NASES, each, WINDOW, |_, behaviour| behaviour.answer_delay = Delay::Fixed(TRIP)).await;
        let console = world.console();
        let begun = Instant::now();
        let job = console.preview(world::suspend(), Terms::default()).await.head.id;
        let preview = begun.elapsed();
        let (runner, cancel) = (console.runner.clone(), CancellationToken::new());
        let until = cancel.clone();
        let running = tokio::spawn(async move { runner.run(until).await });
        let stop = CancellationToken::new();
        let looking = tokio::spawn(look(console.store.clone(), console.jobs.clone(), job, stop.clone()));
        let (begun, before) = (Instant::now(), cpu());
        console.jobs.wish(job, Wish::Go).await.expect("it begins");
        console.runner.poke();
        let done = console.wait(job, Duration::from_secs(600), |job| job.head.state.is_over()).await;
        let (took, used) = (begun.elapsed(), cpu() - before);
        stop.cancel();
        let looks = looking.await.expect("somebody looked");
        assert_eq!(done.tally.succeeded, total, "{:?}", done.tally);
        assert_eq!(world.changes() as u32, total);
        cancel.cancel();
        let _ = running.await;
        (took, preview, used, looks)
    });
    let bound = f64::from(total) / (f64::from(WINDOW) * NASES as f64) * TRIP.as_secs_f64();
    let took = took.as_secs_f64();
    println!("{total} suspends over {NASES} NASes, {} ms each, window {WINDOW}:", TRIP.as_millis());
    println!("  preview            {:>7.2} s", preview.as_secs_f64());
    println!("  physical bound     {bound:>7.2} s");
    println!("  measured           {took:>7.2} s, {:.2} times the bound, {:.0}/s", took / bound, f64::from(total) / took);
    println!("  processor          {used:>7.2} s, {:.0} us each", used / f64::from(total) * 1e6);
    let p99 = looks[(looks.len() * 99 / 100).min(looks.len() - 1)].as_secs_f64() * 1e3;
    println!("  looks              {:>7} in that time, p99 {p99:.1} ms", looks.len());
    println!("BENCH bulk_suspend {took:.3} s bound={bound:.3} ratio={:.3} cmd=cargo bench -p noctule-network --bench bulk", took / bound);
    println!("BENCH bulk_look_p99 {p99:.3} ms cmd=cargo bench -p noctule-network --bench bulk");
}
