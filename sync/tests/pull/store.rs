//! The same against the real store: what it holds has the sums of the centre, whatever is cut, and what is spoilt by hand is mended.

use super::place::{PATIENCE, Place, syncer_config};
use chrono::Utc;
use noctule_domain::ports::Clock;
use noctule_domain::sync::{Replica, Table};
use noctule_domain::{ConsoleId, Timestamp};
use noctule_storage::{OpenOptions, Store};
use noctule_sync::connect::CentreConfig;
use noctule_sync::run::once;
use noctule_sync::verify::{compare, verify};
use noctule_testbed::Link as Network;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

struct Now;
impl Clock for Now {
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}

fn open(folder: &Path, config: &CentreConfig) -> Store {
    let options = OpenOptions::new(ConsoleId(Uuid::now_v7()), config.tenant, Arc::new(Now), Arc::new(|_: &str| None));
    let store = Store::open_replica(folder, options).expect("a store");
    // A thread of the store before may still be on its way out with the lock.
    let deadline = Instant::now() + PATIENCE;
    while !store.lead() {
        assert!(Instant::now() < deadline, "nobody else syncs this folder");
        std::thread::yield_now();
    }
    store
}

/// The file that holds the copy: a pointer names its number.
fn cache(folder: &Path) -> PathBuf {
    let number = std::fs::read_to_string(folder.join("cache.current")).expect("a pointer");
    folder.join(format!("cache-{}.db", number.trim()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_holds_what_the_centre_holds_and_is_mended() {
    let place = Place::new().await;
    place.fill(1, 6_000);
    let folder = tempfile::tempdir().expect("a folder");
    let config = place.config("nora");
    let store = open(folder.path(), &config);
    let sync = syncer_config(config.clone(), store.clone());
    once(&sync, &|_| ()).await.expect("a copy");
    let report = compare(&config, "testhost", &store, &|_| ()).await.expect("compared");
    assert!(report.same(), "hostile values come out of the store as they came from the centre: {report:?}");
    assert!(report.tables.iter().all(|table| table.here > 0 && table.here == table.there), "{report:?}");

    place.sql("UPDATE noctule.subscribers SET notes = 'changed' WHERE number < 'S-2'; DELETE FROM noctule.assignments WHERE id < 'a0000000-0000-0000-0000-000000000000'");
    place.fill(100_000, 1_500);
    once(&sync, &|_| ()).await.expect("changes");
    assert!(compare(&config, "testhost", &store, &|_| ()).await.expect("compared").same());

    // By hand, in the file.
    let conn = rusqlite::Connection::open(cache(folder.path())).expect("the cache");
    conn.busy_timeout(std::time::Duration::from_secs(10)).expect("a time-out");
    conn.pragma_update(None, "foreign_keys", false).expect("no rules");
    let altered = conn
        .execute("UPDATE time_entries SET notes = 'Mallory was here' WHERE id = (SELECT max(id) FROM time_entries)", [])
        .expect("altered");
    let removed = conn.execute("DELETE FROM tasks WHERE number IN ('T-5', 'T-5000')", []).expect("removed");
    assert_eq!((altered, removed), (1, 2));
    drop(conn);
    let report = verify(&config, "testhost", &store, &|_| ()).await.expect("healed");
    let of = |wanted: Table| *report.tables.iter().find(|table| table.table == wanted).expect("the table");
    assert_eq!((of(Table::TimeEntries).differing, of(Table::Nas).differing), (1, 0), "{report:?}");
    assert!((1..=2).contains(&of(Table::Tasks).differing), "{report:?}");
    assert!(compare(&config, "testhost", &store, &|_| ()).await.expect("compared").same());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_into_the_store_goes_on_after_cuts_and_restarts() {
    let place = Place::new().await;
    place.fill(1, 12_000);
    let network = Network::to(place.addr()).expect("a link");
    let seed = rand::rng().random();
    let mut dice = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let config = place.config_at("nora", &[network.addr()]);
    let mut cuts = 0;
    loop {
        // Each time as a new process would: what was made durable is all that is left.
        let store = open(folder.path(), &config);
        network.cut_after_bytes(None, Some(dice.random_range(0..6_000_000)));
        if once(&syncer_config(config.clone(), store.clone()), &|_| ()).await.is_ok() {
            break;
        }
        cuts += 1;
        place.sql(&format!("UPDATE noctule.tasks SET title = 'cut {cuts}' WHERE number = 'T-{}'", dice.random_range(1..12_000)));
        assert!(cuts < 200, "seed {seed}: it never comes to its end");
    }
    network.cut_after_bytes(None, None);
    let store = open(folder.path(), &config);
    once(&syncer_config(config.clone(), store.clone()), &|_| ()).await.expect("the last changes");
    assert!(cuts >= 2, "seed {seed}: only {cuts} cuts");
    let report = compare(&config, "testhost", &store, &|_| ()).await.expect("compared");
    assert!(report.same(), "seed {seed}: {report:?}");
    assert!(store.position().await.expect("a position").is_some());
}
