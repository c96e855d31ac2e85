//! The console with a million subscribers, measured from outside: the real program on a pseudo-terminal, from the key that goes in to the
//! bytes that come out. Compare within one run only. `NOCTULE_BENCH_ROWS` makes it smaller, `NOCTULE_BENCH_DIR` says where stores are kept,
//! `NOCTULE_BENCH_PROGRAM` measures another program than the one just built, `NOCTULE_BENCH_VERBOSE` names what is slow. The arguments
//! `results`, `centre` and `bulk` measure only the searches, the screen while rows arrive from a centre, or the screen while a bulk runs.

mod arriving;
mod bulk;
mod centre;
mod hands;
mod inside;
mod outside;
mod pty;
mod screen;
mod store;

use std::path::{Path, PathBuf};

fn main() {
    // `cargo test --benches` runs this too: then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    say("load_of_the_machine_before", load(), "processes", "");
    let rows = std::env::var("NOCTULE_BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = std::env::var_os("NOCTULE_BENCH_DIR").map_or_else(beside_the_build, PathBuf::from);
    if std::env::args().any(|argument| argument == "centre") {
        arriving::measure(&folder, rows);
        return;
    }
    if std::env::args().any(|argument| argument == "bulk") {
        bulk::measure(&folder);
        return;
    }
    let part = if std::env::args().any(|argument| argument == "results") { outside::Part::Results } else { outside::Part::All };
    if part == outside::Part::All {
        inside::keystroke();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let home = runtime.block_on(store::home(&folder, rows));
    let samples = runtime.block_on(async { store::samples(&home.open(), rows, 24).await });
    drop(runtime);
    say("subscribers", rows as f64, "rows", "");
    store::warm(&home);
    if part == outside::Part::All {
        outside::start(&home);
    }
    outside::work(&home, &samples, part);
    if part == outside::Part::All {
        arriving::measure(&folder, rows);
        bulk::measure(&folder);
    }
}

/// Processes that want a processor, over the last minute.
fn load() -> f64 {
    std::fs::read_to_string("/proc/loadavg").ok().and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

/// `target/bench`, wherever the target folder is.
fn beside_the_build() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_noctule")).ancestors().nth(2).expect("a target folder");
    target.join("bench")
}

/// One line for `cargo xtask bench-report`.
fn say(name: &str, value: f64, unit: &str, more: &str) {
    println!("BENCH {name} {value:.4} {unit} {more} cmd=cargo bench --bench console");
}

/// The value below which this share of all lies.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted[at.clamp(1, sorted.len()) - 1]
}
