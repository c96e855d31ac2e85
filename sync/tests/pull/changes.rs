//! Increments: nothing is missed, what is gone goes, and where they can not do, a new copy is made.

use super::model::Model;
use super::place::{Place, same, syncer_config};
use noctule_domain::sync::{Replica, TABLES, Table};
use noctule_domain::{OpId, TaskId};
use noctule_sync::run::once;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_small_and_large_arrive_and_deletes_too() {
    let place = Place::new().await;
    place.fill(1, 300);
    let model = Model::default();
    let config = syncer_config(place.config("nora"), model.clone());
    once(&config, &|_| ()).await.expect("a copy");
    // One of each table, then thousands, then deletes, then nothing.
    for sql in [
        "UPDATE noctule.nas SET acks = acks + 1; UPDATE noctule.pools SET used = 5; UPDATE noctule.tasks SET title = 'new' WHERE number = 'T-7';
         UPDATE noctule.operation_steps SET answer = 'late' WHERE seq = 2;
         UPDATE noctule.operations SET error = 'touched'; UPDATE noctule.technicians SET rating = 4.5;",
        "UPDATE noctule.time_entries SET version = version + 1; DELETE FROM noctule.assignments; DELETE FROM noctule.sessions",
        "UPDATE noctule.subscribers SET number = number || 'x'",
        "DELETE FROM noctule.time_entries; DELETE FROM noctule.pools",
    ] {
        place.sql(sql);
        once(&config, &|_| ()).await.expect("changes");
        place.must_equal(&model).await;
    }
    place.fill(1_000, 3_000);
    once(&config, &|_| ()).await.expect("many changes");
    place.must_equal(&model).await;
    let before = model.with(|state| state.applied_rows);
    once(&config, &|_| ()).await.expect("nothing new");
    assert_eq!(model.with(|state| (state.applied_rows, state.copies)), (before, 1), "nothing is sent twice, and nothing is copied again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_commits_late_is_not_missed() {
    let place = std::sync::Arc::new(Place::new().await);
    place.fill(1, 400);
    let model = Model::default();
    let config = syncer_config(place.config("nora"), model.clone());
    once(&config, &|_| ()).await.expect("a copy");
    let seed: u64 = rand::rng().random();
    // Writers hold their transactions for random numbers of round trips of their own and end them in any order; a third rolls back.
    let writers: Vec<_> = (0..8u64)
        .map(|writer| {
            let (place, mut dice) = (std::sync::Arc::clone(&place), StdRng::seed_from_u64(seed ^ writer));
            tokio::spawn(async move {
                let client = place.superuser().await;
                for turn in 0..150 {
                    let number = writer * 50 + dice.random_range(1..50);
                    client.batch_execute("BEGIN").await.expect("begin");
                    client
                        .batch_execute(&format!("UPDATE noctule.tasks SET notes = '{writer}/{turn}' WHERE number = 'T-{number}'"))
                        .await
                        .expect("a change");
                    for _ in 0..dice.random_range(0..60) {
                        client.batch_execute("SELECT 1").await.expect("time passes");
                    }
                    client.batch_execute(if dice.random_range(0..3) == 0 { "ROLLBACK" } else { "COMMIT" }).await.expect("the end");
                }
            })
        })
        .collect();
    let mut reads = 0;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        once(&config, &|_| ()).await.expect("a read");
        reads += 1;
    }
    for writer in writers {
        writer.await.expect("the writer");
    }
    once(&config, &|_| ()).await.expect("the last read");
    assert!(reads > 3, "seed {seed}: the reads were not between the writes");
    place.must_equal(&model).await;
    assert_eq!(model.copies(), 1, "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_technician_gets_own_work_and_loses_what_is_given_to_somebody_else() {
    let place = Place::new().await;
    place.fill(1, 200);
    let model = Model::default();
    let config = syncer_config(place.config("tilda"), model.clone());
    once(&config, &|_| ()).await.expect("a copy");
    let client = place.superuser().await;
    let own = format!("w.technician = '{}'", place.technician);
    let theirs = format!("w.id IN (SELECT subscriber FROM noctule.tasks WHERE technician = '{}')", place.technician);
    let check = async |model: &Model| {
        same(Table::Tasks, &model.rows(Table::Tasks), &place.held(&client, Table::Tasks, &own).await);
        same(Table::Subscribers, &model.rows(Table::Subscribers), &place.held(&client, Table::Subscribers, &theirs).await);
        same(Table::Sessions, &model.rows(Table::Sessions), &place.held(&client, Table::Sessions, &theirs).await);
        assert!(model.rows(Table::Nas).is_empty() && model.rows(Table::Operations).is_empty());
    };
    check(&model).await;
    let before = model.rows(Table::Tasks).len();
    assert_eq!(before, 50);
    place.sql("UPDATE noctule.tasks SET technician = NULL WHERE number IN ('T-4', 'T-8', 'T-12')");
    once(&config, &|_| ()).await.expect("changes");
    check(&model).await;
    assert_eq!(model.rows(Table::Tasks).len(), before - 3);
    place.sql(&format!("UPDATE noctule.tasks SET technician = '{}' WHERE number IN ('T-5', 'T-12')", place.technician));
    once(&config, &|_| ()).await.expect("changes");
    check(&model).await;
    assert_eq!(model.rows(Table::Tasks).len(), before - 1);
    assert_eq!(model.copies(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_rights_and_forgotten_deletes_make_a_new_copy_and_keep_the_outbox() {
    let place = Place::new().await;
    place.fill(1, 100);
    let model = Model::default();
    let config = syncer_config(place.config("nora"), model.clone());
    once(&config, &|_| ()).await.expect("a copy");
    let fields = [("notes".to_owned(), noctule_domain::sync::FieldChange { was: "".into(), new: "kept".into() })].into();
    // Refused by nobody here: it stays unsent, because what is pushed is lost on the way; see below.
    let op = noctule_domain::sync::Op {
        id: OpId(Uuid::now_v7()),
        seq: 1,
        made_at: chrono::Utc::now(),
        origin: "test".into(),
        reason: None,
        change: noctule_domain::sync::Change::TaskEdit { task: TaskId(Uuid::now_v7()), seen_version: 1, fields },
    };
    model.with(|state| state.ops.push(op.clone()));
    place.sql("UPDATE noctule.members SET epoch = epoch + 1, role = 'viewer' WHERE login = 'nora'");
    once(&config, &|_| ()).await.expect("a new copy");
    assert_eq!(model.copies(), 2);
    place.must_equal(&model).await;
    // A viewer may not: the op was answered, in words, and is still there for its operator.
    assert_eq!(model.outbox().await.expect("numbers").conflicts, 1);
    assert_eq!(model.with(|state| state.ops.clone()), vec![op]);

    // Deletes that nobody remembers: the row goes, its tombstone goes, the floor rises.
    place.sql(&format!(
        "DELETE FROM noctule.assignments; DELETE FROM noctule.feed WHERE gone AND tenant_id = '{}';
         UPDATE noctule.meta SET feed_floor = pg_current_xact_id()",
        place.tenant
    ));
    once(&config, &|_| ()).await.expect("a new copy");
    assert_eq!(model.copies(), 3);
    place.must_equal(&model).await;
    assert_eq!(TABLES.iter().map(|table| model.rows(*table).len()).min(), Some(0));
}
