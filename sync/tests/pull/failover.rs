//! A standby to read from, and one to go on with when the primary is lost.

use super::model::Model;
use super::place::{Place, live, syncer_config, until, until_model};
use noctule_domain::sync::{Link, Table};
use noctule_sync::run::{Syncer, once};
use noctule_testbed::PostgresOptions;
use std::net::SocketAddr;
use std::time::Duration;

fn has(model: &Model, text: &str) -> bool {
    model.rows(Table::Tasks).values().any(|row| row.windows(text.len()).any(|part| part == text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_is_read_and_late_committers_are_not_missed() {
    let place = Place::new().await;
    place.fill(1, 200);
    let standby = place.postgres.standby().expect("a standby");
    let there: SocketAddr = format!("{}:{}", standby.host(), standby.port()).parse().expect("an address");
    place.postgres.wait_caught_up(&standby).expect("caught up");
    let model = Model::default();
    let mut config = syncer_config(place.config("nora"), model.clone());
    config.read = Some(place.config_at("nora", &[there]));
    once(&config, &|_| ()).await.expect("a copy from the standby");
    assert!(model.with(|state| state.position.as_ref().is_some_and(|position| position.cursor.running.is_empty())));
    place.must_equal(&model).await;

    // Writers on the primary end in another order than they began, while the standby is read in between.
    let (one, two, three) = (place.superuser().await, place.superuser().await, place.superuser().await);
    let write = async |client: &tokio_postgres::Client, number: u32| {
        let sql = format!("BEGIN; UPDATE noctule.tasks SET notes = 'late {number}' WHERE number = 'T-{number}'");
        client.batch_execute(&sql).await.expect("a change");
    };
    write(&one, 1).await;
    write(&two, 2).await;
    write(&three, 3).await;
    for (client, number) in [(&three, 3), (&one, 1), (&two, 2)] {
        client.batch_execute("COMMIT").await.expect("committed");
        // Something later that is complete at once, so that the snapshot moves on past what is still running.
        place.sql("UPDATE noctule.nas SET acks = acks + 1");
        place.postgres.wait_caught_up(&standby).expect("caught up");
        once(&config, &|_| ()).await.expect("changes");
        assert!(has(&model, &format!("late {number}")), "{number}");
    }
    place.must_equal(&model).await;
    assert_eq!(model.copies(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failover_it_goes_on_and_what_was_lost_goes() {
    let mut place = Place::new().await;
    place.fill(1, 3_000);
    let mut standby = place.postgres.standby().expect("a standby");
    let there: SocketAddr = format!("{}:{}", standby.host(), standby.port()).parse().expect("an address");
    let model = Model::default();
    let mut config = syncer_config(place.config_at("nora", &[place.addr(), there]), model.clone());
    config.poll = Duration::from_millis(300);
    let syncer = Syncer::start(config);
    until(&syncer, "live", live).await;
    place.postgres.wait_caught_up(&standby).expect("caught up");

    // The standby is cut off, and the primary goes on for a while: that will be lost.
    standby.stop_fast().expect("the standby is away");
    place.sql(&format!(
        "INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority) VALUES
           ('{}', gen_random_uuid(), 'LOST-1', 'lost with the primary', 'splicing', 'pending', 'normal');
         UPDATE noctule.tasks SET title = 'lost edit' WHERE number = 'T-5'; DELETE FROM noctule.sessions",
        place.tenant
    ));
    until_model(&model, "what will be lost is here", |model| has(model, "lost with the primary") && model.rows(Table::Sessions).is_empty())
        .await;
    place.postgres.kill9().expect("the primary is lost");
    until(&syncer, "offline", |status| status.link == Link::Offline).await;
    standby.start_again().expect("the standby is back");
    standby.promote().expect("promoted");
    syncer.sync_now();
    until(&syncer, "live on the new primary", live).await;
    until_model(&model, "the ghost has gone", |model| !has(model, "lost with the primary")).await;
    assert!(!has(&model, "lost edit") && !model.rows(Table::Sessions).is_empty());
    assert_eq!(model.copies(), 1, "compared and healed, not copied anew");

    // And life goes on there.
    std::mem::swap(&mut place.postgres, &mut standby);
    let dsn = place.postgres.superuser_dsn(place.database.name());
    place.postgres.query(&dsn, "UPDATE noctule.tasks SET title = 'on the new primary' WHERE number = 'T-6'").expect("a change");
    until_model(&model, "a change there", |model| has(model, "on the new primary")).await;
    let client = super::place::superuser(&dsn).await;
    for table in noctule_domain::sync::TABLES {
        super::place::same(*table, &model.rows(*table), &place.held(&client, *table, "true").await);
    }
    syncer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_a_crash_gives_out_again_hide_nothing() {
    // The log is written out late, so that what needs no flush is not on the disk when the server dies.
    let mut place = Place::with(PostgresOptions::default().set("wal_writer_delay", "5000ms")).await;
    place.fill(1, 50);
    let model = Model::default();
    let config = syncer_config(place.config("nora"), model.clone());
    once(&config, &|_| ()).await.expect("a copy");
    let client = place.superuser().await;
    let mut last = String::new();
    for _ in 0..20 {
        client.batch_execute("BEGIN").await.expect("begin");
        last = client.query_one("SELECT pg_current_xact_id()::text", &[]).await.expect("a number").get(0);
        client.batch_execute("ROLLBACK").await.expect("rolled back");
    }
    once(&config, &|_| ()).await.expect("a read that has seen these numbers");
    drop(client);
    place.postgres.kill9().expect("killed");
    place.postgres.start_again().expect("started");
    let next: u64 = place.sql("SELECT pg_snapshot_xmax(pg_current_snapshot())").parse().expect("a number");
    assert!(next <= last.parse().expect("a number"), "the server has kept its numbers ({next} after {last}): the test shows nothing");
    place.sql("UPDATE noctule.tasks SET title = 'under an old number' WHERE number = 'T-9'");
    once(&config, &|_| ()).await.expect("changes");
    assert!(has(&model, "under an old number"));
    place.must_equal(&model).await;
    assert_eq!(model.copies(), 1);
}
