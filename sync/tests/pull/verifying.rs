//! Both sides compared: equal sums for whatever a row may hold, and what differs is found and mended.

use super::model::Model;
use super::place::{Place, syncer_config};
use noctule_domain::sync::{Phase, TABLES, Table};
use noctule_sync::run::{centre_state, once};
use noctule_sync::verify::{compare, verify};
use std::sync::Mutex;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_differs_is_found_and_mended_and_nothing_else_is_touched() {
    let place = Place::new().await;
    place.fill(1, 9_000);
    let model = Model::default();
    let (config, sync) = (place.config("nora"), syncer_config(place.config("nora"), model.clone()));
    once(&sync, &|_| ()).await.expect("a copy");
    let phases = Mutex::new(Vec::new());
    let told = |phase: Phase| phases.lock().expect("a lock").push(phase);
    let report = verify(&config, "testhost", &model, &told).await.expect("compared");
    // Hostile texts, extreme numbers and times in every table: the sums of both sides agree.
    assert!(report.same(), "{report:?}");
    for table in &report.tables {
        assert!(table.here > 0 && table.here == table.there, "{table:?}");
    }
    assert!(report.tables.iter().any(|table| table.ranges > 3));
    assert!(phases.lock().expect("a lock").contains(&Phase::Verifying { table: Table::Subscribers, percent: 100 }));

    // By hand: in each table one row altered, one removed, one too many; and the first and last ids of all.
    for table in TABLES {
        model.with(|state| {
            let held = state.tables.get_mut(&table.number()).expect("the table");
            let ids: Vec<_> = held.keys().copied().collect();
            if ids.len() > 3 {
                let row = held.get_mut(&ids[1]).expect("a row");
                let last = row.len() - 1;
                row[last] ^= 1;
                held.remove(&ids[2]);
            }
            for ghost in [uuid::Uuid::nil(), uuid::Uuid::max()] {
                let mut row = held[&ids[0]].clone();
                row[4..20].copy_from_slice(ghost.as_bytes());
                held.insert(ghost, row);
            }
        });
    }
    let only = compare(&config, "testhost", &model, &|_| ()).await.expect("compared");
    assert!(!only.same() && !only.healed);
    let before = model.rows(Table::Nas);
    // What changes meanwhile is no difference: it comes with the increments, in the same snapshot.
    place.sql("UPDATE noctule.subscribers SET notes = 'meanwhile' WHERE number = 'S-4000'");
    let report = verify(&config, "testhost", &model, &|_| ()).await.expect("healed");
    assert_eq!(model.rows(Table::Nas).len() + 1, before.len(), "one came back, two went");
    assert!(report.changed >= 1);
    for table in &report.tables {
        assert!(table.differing >= 1 && table.differing <= 3 && table.removed == 2, "{table:?}");
        assert!(table.fetched <= 4_000, "only what differs is fetched: {table:?}");
    }
    place.must_equal(&model).await;
    assert!(verify(&config, "testhost", &model, &|_| ()).await.expect("compared").same());
    assert_eq!(model.copies(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_centre_says_what_it_holds() {
    let place = Place::new().await;
    place.fill(1, 100);
    let centre = noctule_sync::connect::Centre::new(place.config("nora"));
    let state = centre_state(&centre).await.expect("a state");
    assert_eq!(state.rows.iter().find(|(table, _)| *table == Table::Subscribers).map(|(_, rows)| *rows), Some(100));
    assert!(state.server.as_str().starts_with("PostgreSQL") && !state.standby && state.feed > 300);
    // A technician's numbers are of what he may see.
    let centre = noctule_sync::connect::Centre::new(place.config("tilda"));
    let state = centre_state(&centre).await.expect("a state");
    assert_eq!(state.rows.iter().find(|(table, _)| *table == Table::Tasks).map(|(_, rows)| *rows), Some(25));
}
