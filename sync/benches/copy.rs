//! The first sync of a million subscribers through the real store (all indexes, searchable at the end), against `psql COPY … TO STDOUT` piped to
//! `sqlite3 .import` into one table with the same columns and indexes; in the same run, from the same server. Prints seconds, rows a second,
//! the ratio and the peak of memory of the process that syncs: `NOCTULE_BENCH_ROWS=1000000 cargo bench -p noctule-sync --bench copy`.

use chrono::Utc;
use noctule_domain::permission::Role;
use noctule_domain::ports::Clock;
use noctule_domain::secret::Secret;
use noctule_domain::sync::{Phase, Table};
use noctule_domain::{ConsoleId, TenantId, Timestamp};
use noctule_storage::{OpenOptions, Store};
use noctule_sync::connect::{CentreConfig, Tls};
use noctule_sync::run::{SyncerConfig, once};
use noctule_sync::schema::{self, NewUser, OwnerConfig};
use noctule_testbed::{Postgres, PostgresOptions};
use std::cell::Cell;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const PASSWORD: &str = "a-password-of-the-bench";

/// Those of the store, with the columns that travel. The trigram index over the words that are searched is made by a trigger, as an import does.
const INDEXES: &str = "
CREATE UNIQUE INDEX i01 ON s (id); CREATE INDEX i02 ON s (number COLLATE NOCASE, number); CREATE INDEX i03 ON s (username COLLATE NOCASE, username);
CREATE INDEX i04 ON s (full_name COLLATE NOCASE); CREATE INDEX i05 ON s (state, number COLLATE NOCASE, number);
CREATE INDEX i06 ON s (nas, number COLLATE NOCASE, number); CREATE INDEX i07 ON s (since); CREATE INDEX i08 ON s (prefix);
CREATE INDEX i09 ON s (site COLLATE NOCASE) WHERE site <> ''; CREATE INDEX i10 ON s (vrf, prefix) WHERE state = 'active';
CREATE INDEX i11 ON s (netbox_prefix_id) WHERE netbox_prefix_id <> ''; CREATE INDEX i12 ON s (status) WHERE status <> 'active';
CREATE INDEX i13 ON s (static_ipv4) WHERE static_ipv4 <> ''; CREATE INDEX i14 ON s (nas) WHERE nas <> '';";
const SEARCH: &str = "
CREATE VIRTUAL TABLE f USING fts5 (search, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1');
CREATE TRIGGER t AFTER INSERT ON s BEGIN INSERT INTO f (rowid, search) VALUES (new.rowid,
  lower(new.number || ' ' || new.username || ' ' || new.full_name || ' ' || new.service_address || ' ' || new.prefix)); END;";

struct Now;
impl Clock for Now {
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    match std::env::var("NOCTULE_BENCH_CHILD") {
        Ok(words) => runtime.block_on(child(&words)),
        Err(_) => runtime.block_on(parent()),
    }
}

/// The process that is measured: nothing but the sync.
async fn child(words: &str) {
    let [port, database, tenant, folder] = words.split('|').collect::<Vec<_>>().try_into().expect("four words");
    let (tenant, console) = (TenantId(tenant.parse().expect("an id")), ConsoleId(Uuid::now_v7()));
    let options = OpenOptions::new(console, tenant, Arc::new(Now), Arc::new(|_: &str| None));
    let store = Store::open_replica(Path::new(folder), options).expect("a store");
    assert!(store.lead(), "nobody else syncs this folder");
    let centre = CentreConfig {
        hosts: vec![("127.0.0.1".to_owned(), port.parse().expect("a port"))],
        database: database.to_owned(),
        user: "bench".to_owned(),
        password: Some(Secret::new(PASSWORD)),
        tls: Tls::Off,
        tenant,
        console,
        connect_timeout: Duration::from_secs(10),
        call_timeout: Duration::from_secs(60),
        application: "bench".to_owned(),
    };
    let replica = Arc::new(store.clone());
    let poll = Duration::from_secs(5);
    let config = SyncerConfig { centre, read: None, replica, lead: Arc::new(|| true), poll, listen: false, host: "bench".to_owned() };
    let (began, here) = (Instant::now(), Cell::new(None));
    once(&config, &|status| {
        if matches!(status.phase, Phase::Indexing { .. }) && here.get().is_none() {
            here.set(Some(began.elapsed()));
        }
    })
    .await
    .expect("a copy");
    let (all, rows_here) = (began.elapsed(), here.get().unwrap_or_default());
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let peak: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .expect("a size");
    println!("{} {} {}", all.as_secs_f64(), rows_here.as_secs_f64(), peak);
}

async fn parent() {
    let rows: u32 = std::env::var("NOCTULE_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    if Command::new("sqlite3").arg("-version").stdout(Stdio::null()).status().is_err() {
        eprintln!("the program sqlite3 is not installed, and the comparison needs it. On Debian: apt-get install sqlite3");
        std::process::exit(1);
    }
    let options = PostgresOptions { shared_buffers_mib: 128, ..PostgresOptions::default() }.set("max_wal_size", "4GB");
    let postgres = Postgres::start_with(options).expect("a cluster");
    let database = postgres.create_database().expect("a database");
    let owner = OwnerConfig::from_url(database.dsn()).expect("an address");
    let tenant = TenantId(Uuid::now_v7());
    schema::init(&owner, Some((tenant, "Bench"))).await.expect("the schema");
    let user = NewUser { login: "bench", role: Role::Noc, full_name: "Bench", technician: None, password: Some(Secret::new(PASSWORD)) };
    schema::user_add(&owner, tenant, user).await.expect("an operator");
    fill(&postgres, database.dsn(), tenant, rows).await;

    let folder = tempfile::tempdir().expect("a folder");
    let both = |what: &str, seconds: f64| println!("{what:<58} {seconds:8.1} s  {:>9.0} rows/s", f64::from(rows) / seconds);
    println!("{rows} subscribers of {} columns", Table::Subscribers.columns().len());
    let words = format!("{}|{}|{}|{}", postgres.port(), database.name(), tenant, folder.path().join("store").display());
    let output =
        Command::new(std::env::current_exe().expect("this program")).env("NOCTULE_BENCH_CHILD", words).output().expect("the child runs");
    assert!(output.status.success(), "the sync failed: {}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let told: Vec<f64> = told.split(' ').map(|number| number.parse().expect("a number")).collect();
    let (ours, here, peak) = (told[0], told[1], told[2]);
    let plain = pipe(database.dsn(), folder.path(), "plain.db", INDEXES);
    let search = pipe(database.dsn(), folder.path(), "search.db", &format!("{INDEXES}{SEARCH}"));
    both("sync into the store, indexed and searchable", ours);
    both("  of which until all rows were there", here);
    both("psql COPY csv | sqlite3 .import, indexes, no search", plain);
    both("psql COPY csv | sqlite3 .import, indexes and search", search);
    println!("the same table (indexes and search): {:.2} times as fast; against indexes alone: {:.2}", search / ours, plain / ours);
    let say = |name: &str, value: f64, unit: &str, more: &str| {
        println!("BENCH first_sync_{name} {value:.3} {unit} {more} cmd=cargo bench -p noctule-sync --bench copy");
    };
    say("rows", f64::from(rows), "rows", "");
    say("ours", f64::from(rows) / ours, "rows/s", "vs=first_sync_pipe floor=first_sync_three_pipes");
    say("pipe", f64::from(rows) / search, "rows/s", "");
    say("three_pipes", 3.0 * f64::from(rows) / search, "rows/s", "");
    say("pipe_without_search", f64::from(rows) / plain, "rows/s", "");
    say("memory", peak * 1024.0 / 1e6, "MB", "target=300");
    println!("peak memory of the process that syncs: {:.0} MB", peak * 1024.0 / 1e6);
}

async fn fill(postgres: &Postgres, dsn: &str, tenant: TenantId, rows: u32) {
    let sql = |sql: String| postgres.query(dsn, &sql).unwrap_or_else(|error| panic!("{error}"));
    sql(format!(
        "INSERT INTO noctule.nas (tenant_id, id, name, profile, address, secret)
           SELECT '{tenant}', md5('nas' || n)::uuid, 'bng-' || n, 'mikrotik', '192.0.2.' || n || ':3799', 'env:UNUSED' FROM generate_series(0, 39) n"
    ));
    let step = 20_000;
    for from in (0..rows).step_by(step as usize) {
        let to = (from + step).min(rows) - 1;
        sql(format!(
            "INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, email, phone, status, service_type, download_kbps, upload_kbps,
                service_address, lat, lng, site, nas, vlan, circuit_id, onu_serial, cpe_mac, state, mode, enforcement, prefix, vrf, pd_size,
                netbox_prefix_id, allocated_at, activated_at, since)
             SELECT '{tenant}', md5('s' || n)::uuid, 'C-' || lpad(n::text, 8, '0'), 'user' || n || '@isp.example',
                (ARRAY['Anna','Mikko','Liisa','Jari','Sofia','Åke','Eero','Tuula'])[1 + n % 8] || ' ' ||
                (ARRAY['Virtanen','Korhonen','Nieminen','Mäkinen','Lindström','Heikkinen','Öberg'])[1 + n % 7] || ' ' || n,
                'user' || n || '@mail.example', '+35840' || lpad(n::text, 7, '0'), 'active', 'fiber', 1000000, 500000,
                'Hämeentie ' || n % 400 || ', Helsinki', 60.17 + (n % 1000) * 0.0001, 24.94 + (n % 777) * 0.0001, 'site-' || n % 300,
                md5('nas' || n % 40)::uuid, n % 4096, 'olt-' || n % 40 || ' 0/' || n % 16 || '/' || n % 64, 'HWTC' || to_hex(n), 
                '02:00:' || substr(md5(n::text), 1, 2) || ':' || substr(md5(n::text), 3, 2) || ':00:01', 'active', 'pd', 'acknowledged',
                ('2a00:' || to_hex(n / 65536) || ':' || to_hex(n % 65536) || '::/56')::cidr, 0, 56, n + 1,
                now() - n * interval '1 second', now() - n * interval '1 second', now() - n * interval '1 second'
             FROM generate_series({from}, {to}) n"
        ));
    }
    sql("VACUUM (ANALYZE) noctule.subscribers".to_owned());
}

/// The way that needs no program of ours. Seconds.
fn pipe(dsn: &str, folder: &Path, file: &str, indexes: &str) -> f64 {
    let columns: Vec<&str> = Table::Subscribers.columns().iter().map(|column| column.name).collect();
    let path = folder.join(file);
    let make = format!("PRAGMA journal_mode = WAL; CREATE TABLE s ({}); {indexes}", columns.join(", "));
    let made = Command::new("sqlite3").arg(&path).arg(make).output().expect("sqlite3 runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let began = Instant::now();
    let copy = format!("COPY (SELECT {} FROM noctule.wire_subscribers ORDER BY id) TO STDOUT (FORMAT csv)", columns.join(", "));
    let mut psql = Command::new("psql").args(["-X", "-q", "-d", dsn, "-c", &copy]).stdout(Stdio::piped()).spawn().expect("psql runs");
    let rows = psql.stdout.take().expect("a pipe");
    let import = Command::new("sqlite3")
        .args(["-csv", "-cmd", ".import /dev/stdin s"])
        .arg(&path)
        .arg("SELECT count(*) FROM s")
        .stdin(rows)
        .output();
    let import = import.expect("sqlite3 runs");
    assert!(import.status.success() && psql.wait().expect("psql ends").success(), "{}", String::from_utf8_lossy(&import.stderr));
    began.elapsed().as_secs_f64()
}
