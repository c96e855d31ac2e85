//! The process that is measured: it reads the three sources once and keeps nothing, then checks. Its peak memory is told by the system.

use crate::fill::{aaa, store};
use crate::{DIFFERS, say};
use noctule::console::SystemClock;
use noctule_domain::drift::{DriftKind, DriftRows};
use noctule_domain::secret::Secret;
use noctule_network::drift::{CheckConfig, Checker, PrefixSource};
use noctule_network::netbox::{Netbox, NetboxConfig, PoolConfig};
use noctule_network::upstream::Aaa;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

pub fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(measure());
}

fn told(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

async fn measure() {
    let rows: u64 = told("DRIFT_ROWS").parse().expect("a number");
    let store = Arc::new(store(std::path::Path::new(&told("DRIFT_STORE"))));
    let config =
        NetboxConfig::new(told("DRIFT_NETBOX"), Secret::new("0123456789012345678901234567890123456789"), vec![PoolConfig::id(1, None, 56)]);
    let netbox = Arc::new(Netbox::new(config).expect("a client"));
    let port = told("DRIFT_PG_PORT").parse().expect("a port");
    let aaa = Arc::new(aaa(&told("DRIFT_PG_HOST"), port, &told("DRIFT_PG_DATABASE"), &told("DRIFT_PG_USER"), &told("DRIFT_PG_PASSWORD")));
    let mut best = f64::MAX;
    for round in 0..2 {
        let read = read_only(&*store, &*netbox, &*aaa, rows).await;
        let config = CheckConfig::new(Arc::new(SystemClock), Arc::new(|_| None));
        let (rows_of, prefixes, logins) = (store.clone(), netbox.clone(), aaa.clone());
        let checker = Checker::new(rows_of, Some(prefixes), Some(logins), config, CancellationToken::new());
        let begun = Instant::now();
        let report = checker.check().await.expect("a check");
        let took = begun.elapsed().as_secs_f64();
        assert!(report.is_whole(), "{:?}", report.sources);
        let count = |kind: DriftKind| report.findings.iter().filter(|f| f.kind == kind).count() as u64;
        let lots = rows.div_ceil(DIFFERS);
        assert_eq!((count(DriftKind::StatusEdited), count(DriftKind::AaaOtherPrefix)), (lots, rows / DIFFERS), "what differs is found");
        assert_eq!(report.findings.len() as u64, lots + rows / DIFFERS, "and nothing else");
        eprintln!("round {round}: read {read:.1} s, check {took:.1} s");
        say("drift_read_three", read, "s");
        say("drift_check", took, "s");
        best = best.min(took / read);
    }
    say("drift_check_to_read", best, "times");
    say("drift_peak_memory", peak_mib(), "MiB");
}

async fn read_only(store: &impl DriftRows, netbox: &impl PrefixSource, aaa: &impl Aaa, rows: u64) -> f64 {
    let begun = Instant::now();
    let parents = netbox.parents().await.expect("pools");
    let (mut prefixes, mut after) = (0, 0);
    loop {
        let page = netbox.page(&parents[0], after, 500).await.expect("a page");
        prefixes += page.len() as u64;
        let Some(last) = page.last() else { break };
        after = last.id;
    }
    let netbox_s = begun.elapsed().as_secs_f64();
    let (mut subscribers, mut after) = (0, None);
    loop {
        let page = store.by_name(after.clone(), 1000).await.expect("a page");
        subscribers += page.len() as u64;
        let Some(last) = page.last() else { break };
        after = Some(last.username.clone());
    }
    let store_s = begun.elapsed().as_secs_f64();
    let (mut users, mut after) = (0, None);
    loop {
        let page = aaa.users_after(after.as_ref(), 1000).await.expect("a page");
        users += page.len() as u64;
        let Some(last) = page.last() else { break };
        after = Some(last.username.clone());
    }
    let all = begun.elapsed().as_secs_f64();
    assert_eq!((prefixes, subscribers, users), (rows, rows, rows));
    eprintln!("read: NetBox {netbox_s:.1} s, store {:.1} s, AAA {:.1} s", store_s - netbox_s, all - store_s);
    all
}

/// The largest resident set of this process.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).expect("a number") / 1024.0
}
