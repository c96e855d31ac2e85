//! Many consoles, one truth, under everything that goes wrong: consoles are processes that are killed, links break at any byte, answers get
//! lost, the server restarts, clocks jump, pushes come twice and out of order. In the end all copies are equal, every op was applied once, no
//! update was lost without a record of the conflict, and the other tenant was never touched.
//!
//! `NOCTULE_CHAOS_RUNS` (how many seeds), `NOCTULE_CHAOS_SECONDS` (how long each storm), `NOCTULE_CHAOS_SEED` (one seed again),
//! `NOCTULE_CHAOS_KEEP` (leave the folders of a run that failed).

mod account;
mod audit;
mod compare;
mod console;
mod dice;
mod fleet;
mod judge;
mod model;
mod operator;
mod outbox;
mod place;
mod replay;
mod seat;
mod stories;
mod storm;
mod witness;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Not a test of its own: the process that is a console. Run alone it has no plan, and checks that it does nothing then.
#[test]
fn the_child_is_a_console() {
    if std::env::var_os(console::VARIABLE).is_some() {
        console::main();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime")
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

#[test]
fn all_converge_every_op_is_applied_once_and_nothing_is_lost_in_silence() {
    let runtime = runtime();
    let length = Duration::from_secs(setting("NOCTULE_CHAOS_SECONDS").unwrap_or(4));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis();
    let first = u64::try_from(now).expect("a time") % 1_000_000_000;
    let seeds: Vec<u64> = match setting("NOCTULE_CHAOS_SEED") {
        Some(seed) => vec![seed],
        None => (0..setting("NOCTULE_CHAOS_RUNS").unwrap_or(3)).map(|n| first + n).collect(),
    };
    for seed in seeds {
        match storm::run(&runtime, seed, length) {
            Ok(words) => eprintln!("chaos seed {seed}: {words}"),
            Err(words) => panic!("chaos seed {seed} (NOCTULE_CHAOS_SEED={seed} runs it alone): {words}"),
        }
    }
}
