//! A drift check of a million subscribers against a million prefixes of NetBox and a million users of a real PostgreSQL: how long it takes
//! against reading the three, in one run, and what it needs of memory. NetBox is a stand-in on HTTP that makes its pages as it is asked, in
//! another process than the check. `NOCTULE_BENCH_ROWS` makes it smaller. Ratios count, not times.

mod child;
mod fill;
mod netbox;

use std::process::Command;

/// Every so many rows one differs, in each source another one.
pub const DIFFERS: u64 = 5_000;

fn main() {
    let mut arguments = std::env::args();
    if arguments.any(|argument| argument == "child") {
        return child::main();
    }
    // `cargo test --benches` runs this too: then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let rows = std::env::var("NOCTULE_BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let place = runtime.block_on(fill::place(rows));
    let address = runtime.block_on(netbox::serve(rows));
    let ended = Command::new(std::env::current_exe().expect("this program"))
        .arg("child")
        .env("DRIFT_ROWS", rows.to_string())
        .env("DRIFT_STORE", place.folder.path().join("noctule.db"))
        .env("DRIFT_NETBOX", format!("http://{address}"))
        .env("DRIFT_PG_HOST", place.postgres.host())
        .env("DRIFT_PG_PORT", place.postgres.port().to_string())
        .env("DRIFT_PG_DATABASE", place.database.name())
        .env("DRIFT_PG_USER", place.postgres.superuser())
        .env("DRIFT_PG_PASSWORD", place.postgres.superuser_password())
        .status()
        .expect("the check runs");
    assert!(ended.success(), "the check failed");
}

/// One line for `cargo xtask bench-report`.
pub fn say(name: &str, value: f64, unit: &str) {
    println!("BENCH {name} {value:.4} {unit}  cmd=cargo bench --bench drift");
}
