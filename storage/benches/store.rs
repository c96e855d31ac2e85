//! The store with a million subscribers (`NOCTULE_BENCH_ROWS` for fewer): opening, pages, searches, the overview. `NOCTULE_BENCH_DIR`
//! keeps the built store for the next run.

use chrono::{Duration, Utc};
use criterion::{Criterion, criterion_group, criterion_main};
use noctule_domain::audit::AuditEntry;
use noctule_domain::filter::parse;
use noctule_domain::lifecycle::{AssignmentMode, Enforcement, Ipv6State, Methods};
use noctule_domain::nas::Method;
use noctule_domain::page::{From, PageRequest, Sort, SortColumn};
use noctule_domain::ports::Clock;
use noctule_domain::subscriber::{Ipv6Record, Username};
use noctule_domain::{ConsoleId, TenantId, Timestamp};
use noctule_storage::{NewNas, NewSession, NewSubscriber, OpenOptions, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}

const FIRST: [&str; 20] = [
    "Anna", "Ben", "Carla", "David", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Katja", "Liam", "Mara", "Nils", "Olga", "Paul",
    "Rosa", "Samir", "Tessa", "Uwe",
];
const LAST: [&str; 25] = [
    "Schneider",
    "Fischer",
    "Weber",
    "Wagner",
    "Becker",
    "Hoffmann",
    "Koch",
    "Richter",
    "Klein",
    "Wolf",
    "Neumann",
    "Schwarz",
    "Zimmermann",
    "Braun",
    "Hofmann",
    "Hartmann",
    "Lange",
    "Krause",
    "Lehmann",
    "Köhler",
    "Maier",
    "Huber",
    "Mayer",
    "Kaiser",
    "Fuchs",
];

fn options() -> OpenOptions {
    let methods = |_: &str| Some(Methods { activate: Method::CoaPrefix, suspend: Method::CoaFilter, resume: Method::CoaFilter });
    OpenOptions::new(ConsoleId(Uuid::now_v7()), TenantId(Uuid::from_u128(1)), Arc::new(SystemClock), Arc::new(methods))
}

/// Row `n`: scattered as real ones are, the same in each run.
fn subscriber(n: u32, now: Timestamp) -> NewSubscriber {
    let mixed = n.wrapping_mul(2_654_435_761);
    let (first, last) = (FIRST[mixed as usize % 20], LAST[(mixed >> 8) as usize % 25]);
    let rare = if n % 50_000 == 49_999 { " Quaxelhuber" } else { "" };
    let state = match mixed % 1000 {
        0..700 => Ipv6State::Active,
        700..760 => Ipv6State::Allocated,
        760..800 => Ipv6State::Suspended,
        800..802 => Ipv6State::Failed,
        802 => Ipv6State::Revoked,
        _ => Ipv6State::Pending,
    };
    let since = now - Duration::minutes(i64::from((mixed >> 4) % 500_000));
    let mut ipv6 = Ipv6Record::pending(if mixed.is_multiple_of(17) { AssignmentMode::DualStack } else { AssignmentMode::Pd }, since);
    ipv6.state = state;
    if state.holds_prefix() {
        let address = (0x2001_0db8_u128 << 96) + (u128::from(n) << 72);
        ipv6.prefix = ipnet::Ipv6Net::new(address.into(), 56).ok();
        ipv6.netbox_prefix_id = Some(i64::from(n) + 1);
        ipv6.allocated_at = Some(since);
    }
    if state == Ipv6State::Active {
        ipv6.enforcement = Enforcement::Observed;
        ipv6.activated_at = Some(since);
    }
    if state == Ipv6State::Failed {
        ipv6.last_error = Some("NetBox refused: no room in the pool".into());
    }
    let user = format!("{}.{}{}@isp{}.example", first.to_lowercase(), last.to_lowercase(), n, mixed % 7);
    let mut new = NewSubscriber::new(
        format!("N{n:07}").into(),
        Username::new(&user).expect("a user name"),
        format!("{first} {last}{rare}").into(),
        ipv6,
    );
    new.nas = Some(format!("bng-{}", mixed % 40).into());
    new.site = Some(format!("Site {}", mixed % 200).into());
    new.service_address = Some(format!("{last} street {}", mixed % 300).into());
    new.download_kbps = Some(100_000);
    if state == Ipv6State::Active && mixed.is_multiple_of(2) {
        new.session = Some(NewSession {
            nas: None,
            acct_session_id: format!("{mixed:08x}").into(),
            framed_ipv4: None,
            delegated_prefix: new.ipv6.prefix,
            started_at: since,
            seen_at: now,
        });
    }
    new
}

async fn build(path: &Path, rows: u32) -> Store {
    let store = Store::open(path, options()).expect("opens");
    let now = Utc::now();
    let begun = Instant::now();
    let mut importer = store.importer().await.expect("an importer");
    let nas = |n: u32| NewNas {
        id: None,
        name: format!("bng-{n}").into(),
        profile: "generic".into(),
        address: "192.0.2.1:3799".parse().expect("an address"),
        nas_ip: None,
        nas_identifier: None,
        secret: "env:X".parse().expect("a reference"),
        position: None,
        site: None,
        enabled: true,
    };
    importer.push_nas((0..40).map(nas).collect()).await.expect("NASes");
    for start in (0..rows).step_by(1000) {
        let batch = (start..(start + 1000).min(rows)).map(|n| subscriber(n, now)).collect();
        let errors = importer.push_subscribers(batch).await.expect("a batch");
        assert!(errors.is_empty(), "{errors:?}");
    }
    let entry = AuditEntry {
        tenant: store.tenant(),
        at: now,
        actor: "bench".into(),
        origin: "bench".into(),
        action: "import-subscribers".into(),
        target: "store".into(),
        operation: None,
        reason: None,
        before: serde_json::Value::Null,
        after: serde_json::Value::Null,
        answers: serde_json::Value::Null,
    };
    importer.commit(entry).await.expect("commits");
    println!("loaded {rows} rows in {:.1} s", begun.elapsed().as_secs_f64());
    store
}

fn request(filter: &str, column: SortColumn, from: From) -> PageRequest {
    PageRequest { filter: parse(filter).expect("a filter"), sort: Sort { column, descending: false }, from, limit: 50 }
}

const SEARCHES: &[(&str, &str, SortColumn)] = &[
    ("first page", "", SortColumn::Number),
    ("first page by since", "", SortColumn::Since),
    ("state, one", "state:failed", SortColumn::Number),
    ("state, one, by name", "state:failed", SortColumn::Name),
    ("state, common, by name", "state:active", SortColumn::Name),
    ("prefix", "prefix:2001:db8:1:2300::/48", SortColumn::Number),
    ("prefix, wide", "prefix:2001:db8::/36", SortColumn::Number),
    ("address", "2001:db8:12:3456:1::7", SortColumn::Number),
    ("user, one letter", "user:a", SortColumn::Number),
    ("user, beginning", "user:anna.sch", SortColumn::Number),
    ("user, whole", "user:anna.schneider7", SortColumn::Username),
    ("part, rare", "quaxel", SortColumn::Number),
    ("part, common", "schneider", SortColumn::Number),
    ("part, common, by since", "schneider", SortColumn::Since),
    ("part, most common", "example", SortColumn::Name),
    ("part, one letter", "x", SortColumn::Number),
    ("part, two letters, rare", "qu", SortColumn::Number),
    ("part, none", "zzzzqqq", SortColumn::Number),
    ("name and state", "state:pending name:hofmann", SortColumn::Name),
    ("nas and state", "nas:bng-3 state:suspended", SortColumn::Number),
    ("site and age", "site:\"Site 7\" age:<1h", SortColumn::Since),
    ("digits in the middle", "77777", SortColumn::Number),
    ("digits, common", "123", SortColumn::Number),
];

fn store_bench(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let rows: u32 = std::env::var("NOCTULE_BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = std::env::var_os("NOCTULE_BENCH_DIR").map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    let path = folder.join(format!("store-{rows}.db"));
    // A build that was broken off leaves a store without its rows.
    let whole = |path: &Path| {
        let store = Store::open(path, options()).ok()?;
        (runtime.block_on(store.overview(Utc::now())).ok()?.subscribers == u64::from(rows)).then_some(())
    };
    if path.exists() && whole(&path).is_none() {
        for suffix in ["", "-wal", "-shm"] {
            let mut file = path.clone().into_os_string();
            file.push(suffix);
            let _ = std::fs::remove_file(file);
        }
    }
    if !path.exists() {
        drop(runtime.block_on(build(&path, rows)));
    }
    let first = || request("", SortColumn::Number, From::First);

    let mut group = c.benchmark_group("store");
    group.sample_size(20).warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_secs(2));
    group.bench_function("open and first page", |b| {
        b.iter(|| {
            let store = Store::open(&path, options()).expect("opens");
            runtime.block_on(store.subscriber_page(first())).expect("a page")
        });
    });
    let store = Store::open(&path, options()).expect("opens");
    let page = |request: PageRequest| runtime.block_on(store.subscriber_page(request)).expect("a page");
    for (title, filter, column) in SEARCHES {
        let mut times: Vec<f64> = Vec::new();
        for _ in 0..40 {
            let begun = Instant::now();
            page(request(filter, *column, From::First));
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        let found = page(request(filter, *column, From::First));
        println!("{title:28} p50 {:7.2} ms  p95 {:7.2} ms  {} rows, {:?}", times[20], times[37], found.rows.len(), found.total);
        group.bench_function(*title, |b| b.iter(|| page(request(filter, *column, From::First))));
    }
    let middle = page(request(&format!("number:N{:07}", rows / 2), SortColumn::Number, From::First)).rows.first().map(|r| r.id);
    if let Some(middle) = middle {
        group.bench_function("keyset page", |b| b.iter(|| page(request("", SortColumn::Number, From::After(middle)))));
        group.bench_function("keyset page backwards", |b| b.iter(|| page(request("", SortColumn::Name, From::Before(middle)))));
    }
    group.bench_function("overview", |b| b.iter(|| runtime.block_on(store.overview(Utc::now())).expect("an overview")));
    group.finish();
}

criterion_group!(benches, store_bench);
criterion_main!(benches);
