//! The store that everything is measured on: a made-up provider of a million subscribers (`NOCTULE_BENCH_ROWS` for fewer), brought in by
//! the importer. It is kept beside the build and used again while its number of rows fits.

use noctule::config::{Environment, Loaded};
use noctule_domain::filter::parse;
use noctule_domain::page::{From, PageRequest, Sort, SortColumn};
use noctule_domain::subscriber::{Subscriber, SubscriberRow};
use noctule_sim::world::{World, WorldConfig};
use noctule_storage::Store;
use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A home folder with a configuration and the store.
pub struct Home {
    pub folder: PathBuf,
    pub rows: u64,
    /// Those that take part in prefix delegation: the number that the overview shows.
    pub delegating: u64,
}

/// The configuration without a NetBox, and the one with a NetBox that does not answer.
pub const PLAIN: &str = "config.toml";
pub const WITH_NETBOX: &str = "netbox.toml";

impl Home {
    fn config(&self) -> PathBuf {
        self.folder.join(PLAIN)
    }

    pub fn open(&self) -> Store {
        let loaded = self.loaded();
        let options = noctule::commands::store_options(&loaded).expect("the configuration names a tenant");
        Store::open(&loaded.store_path(), options).expect("the store opens")
    }

    fn loaded(&self) -> Loaded {
        let flags = noctule::cli::GlobalArgs { config: Some(self.config()), ..Default::default() };
        noctule::config::load(&flags, &Environment::of_process()).expect("the configuration is right")
    }
}

/// Reads the whole store once, so that it is in the cache of the system.
pub fn warm(home: &Home) {
    let mut file = fs::File::open(home.folder.join("noctule.db")).expect("a store");
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer).expect("it can be read") > 0 {}
}

/// How much of the store the system holds in memory, in per cent: where that is little, searches measure the disk.
pub fn in_cache(home: &Home) -> Option<f64> {
    let file = home.folder.join("noctule.db");
    let out = std::process::Command::new("fincore").args(["--noheadings", "--bytes", "--output", "RES"]).arg(&file).output().ok()?;
    let resident: f64 = String::from_utf8_lossy(&out.stdout).trim().parse().ok()?;
    Some(resident / fs::metadata(file).ok()?.len() as f64 * 100.0)
}

/// Makes it, or takes the one of an earlier run.
pub async fn home(folder: &Path, rows: u64) -> Home {
    let mut home = Home { folder: folder.join(format!("console-{rows}")), rows, delegating: 0 };
    // Another number when stores are made in another way.
    let whole = home.folder.join("whole-2");
    if !whole.exists() {
        let _ = fs::remove_dir_all(&home.folder);
        fs::create_dir_all(&home.folder).expect("a folder");
        let (rate, size) = build(&home).await;
        fs::write(&whole, format!("{rate} {size}")).expect("a mark");
    }
    // Measured when the store was made, this time or an earlier one.
    let made = fs::read_to_string(&whole).expect("a mark");
    let mut values = made.split_whitespace().filter_map(|value| value.parse::<f64>().ok());
    super::say("import_when_the_store_was_made", values.next().unwrap_or_default(), "rows/s", "");
    super::say("store_size", values.next().unwrap_or_default(), "MiB", "");
    let store = home.open();
    let overview = store.overview(chrono::Utc::now()).await.expect("an overview");
    home.delegating = overview.delegating;
    assert_eq!(overview.subscribers, rows, "the store in {} has another number of rows: remove it", home.folder.display());
    home
}

/// Gives rows per second and MiB.
async fn build(home: &Home) -> (f64, f64) {
    let mut config = WorldConfig::new(1, chrono::Utc::now());
    config.subscribers = home.rows;
    config.secrets = home.folder.join("nas-secrets");
    let world = World::generate(config);
    let text = format!("[tenant]\nid = \"{}\"\nname = \"Bench\"\n\n[store]\npath = \"noctule.db\"\n", world.tenant);
    fs::write(home.config(), &text).expect("a configuration");
    let netbox = "\n[netbox]\nurl = \"https://127.0.0.1:9\"\ntoken = \"file:token\"\npools = [{ id = 1 }]\n";
    fs::write(home.folder.join(WITH_NETBOX), text + netbox).expect("a configuration");
    let token = home.folder.join("token");
    fs::write(&token, "0123456789abcdef0123456789abcdef01234567").expect("a token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("for us alone");
    let store = home.open();
    // Nobody listens there: nothing of this is about answers.
    let addresses: Vec<SocketAddr> = world.nases.iter().map(|_| SocketAddr::from(([127, 0, 0, 1], 9))).collect();
    let seen = AtomicU64::new(0);
    let count = |_: &Subscriber| {
        let n = seen.fetch_add(1, Ordering::Relaxed) + 1;
        if n.is_multiple_of(100_000) {
            eprintln!("  {n} subscribers");
        }
    };
    let begun = Instant::now();
    noctule::compose::fill_store(&store, &world, &addresses, &count).await.map_err(|f| f.sentence).expect("the rows are good");
    let seconds = begun.elapsed().as_secs_f64();
    drop(store);
    // Prefixes that have rested would be deleted while we measure: here none is due.
    let conn = rusqlite::Connection::open(home.folder.join("noctule.db")).expect("opens");
    let ten_years = 10 * 365 * 86_400 * 1_000_000_i64;
    conn.execute("UPDATE subscribers SET hold_until = hold_until + ?1 WHERE hold_until IS NOT NULL", [ten_years]).expect("postponed");
    conn.close().expect("closes");
    let bytes = fs::metadata(home.folder.join("noctule.db")).expect("a store").len();
    (home.rows as f64 / seconds, bytes as f64 / 1048576.0)
}

/// Subscribers from all over the store that hold a prefix.
pub async fn samples(store: &Store, rows: u64, wanted: u64) -> Vec<SubscriberRow> {
    let mut found = Vec::new();
    for n in 0..wanted {
        let number = n * (rows / wanted) + rows / wanted / 2;
        let filter = parse(&format!("number:N-{number:07}")).expect("a filter");
        let request =
            |filter| PageRequest { filter, sort: Sort { column: SortColumn::Number, descending: false }, from: From::First, limit: 1 };
        let first = store.subscriber_page(request(filter)).await.expect("a page").rows.into_iter().next();
        if let Some(row) = first {
            if row.prefix.is_some() {
                found.push(row);
                continue;
            }
            // The next one that holds a prefix.
            let mut next = request(parse("mode:pd state:active").expect("a filter"));
            next.from = From::After(row.id);
            found.extend(store.subscriber_page(next).await.expect("a page").rows);
        }
    }
    assert!(!found.is_empty(), "nobody holds a prefix");
    found
}
