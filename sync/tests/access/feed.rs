//! The feed: every change is stamped, what leaves a technician's view too; the wake-up; hello; nothing on a standby that writes.

use crate::fill::{Filled, PASSWORD, SUBSCRIBER, TASK, TECHNICIAN, id};
use crate::support::{Centre, as_login, centre};
use noctule_domain::TenantId;
use noctule_domain::sync::{Cursor, TABLES};
use noctule_testbed::Postgres;
use serde_json::Value;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::time::{Duration, Instant};
use tokio_postgres::{AsyncMessage, NoTls};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);

/// Rows of the feed that a read under `seen` did not see, as a login sees them: `table id visible`.
fn unseen(centre: &Centre, login: &str, tenant: TenantId, seen: &str) -> BTreeSet<(i16, Uuid, bool)> {
    let visible: String = TABLES
        .iter()
        .map(|table| {
            format!(
                " WHEN {} THEN EXISTS (SELECT FROM noctule.wire_{table} AS w WHERE w.tenant_id = f.tenant_id AND w.id = f.id)",
                table.number()
            )
        })
        .collect();
    let sql = format!(
        "SET noctule.tenant = '{tenant}'; SELECT tab, id, CASE tab{visible} END FROM noctule.feed AS f WHERE tenant_id = (SELECT noctule.tenant())
             AND xid >= pg_snapshot_xmin('{seen}') AND NOT pg_visible_in_snapshot(xid, '{seen}')"
    );
    let dsn = if login == "postgres" { centre.database.dsn().to_owned() } else { centre.dsn(login) };
    as_login(centre, &dsn, &sql)
        .lines()
        .map(|line| {
            let mut parts = line.split('|');
            let mut next = || parts.next().expect("three columns");
            (next().parse().expect("a number"), next().parse().expect("an id"), next() == "t")
        })
        .collect()
}

fn snapshot(centre: &Centre) -> String {
    centre.sql("SELECT pg_current_snapshot()")
}

fn set(rows: &[(i16, Uuid, bool)]) -> BTreeSet<(i16, Uuid, bool)> {
    rows.iter().copied().collect()
}

#[tokio::test]
async fn every_table_is_stamped_by_every_verb() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    let tenant = filled.tenant;
    for table in TABLES.iter().rev() {
        let name = table.word();
        let before = snapshot(&centre);
        let ids = centre.sql(&format!("SELECT id FROM noctule.{name} WHERE tenant_id = '{tenant}'"));
        let ids: Vec<Uuid> = ids.lines().map(|id| id.parse().expect("an id")).collect();
        assert!(!ids.is_empty(), "{name}");
        assert!(unseen(&centre, "postgres", tenant, &before).is_empty());
        let other = centre
            .sql(&format!("SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = 'noctule.{name}'::regclass AND attnum = 3"));
        centre.sql(&format!("UPDATE noctule.{name} SET {other} = {other} WHERE tenant_id = '{tenant}'"));
        let stamped = unseen(&centre, "postgres", tenant, &before);
        assert_eq!(stamped, ids.iter().map(|id| (table.number(), *id, true)).collect(), "{name} updated");
        let before = snapshot(&centre);
        centre.sql(&format!("CREATE TABLE public.kept AS SELECT * FROM noctule.{name}"));
        centre.sql(&format!(
            "BEGIN; {}DELETE FROM noctule.{name} WHERE tenant_id = '{tenant}'; COMMIT",
            if name == "operations" { "DELETE FROM noctule.operation_steps;" } else { "" }
        ));
        let gone: BTreeSet<_> =
            unseen(&centre, "postgres", tenant, &before).into_iter().filter(|(tab, ..)| *tab == table.number()).collect();
        assert_eq!(gone, ids.iter().map(|id| (table.number(), *id, false)).collect(), "{name} deleted");
        assert_eq!(
            centre.sql(&format!("SELECT count(*) FROM noctule.feed WHERE gone AND tab = {}", table.number())),
            ids.len().to_string()
        );
        // Made again: no tombstone stays. Tables that others refer to are filled again last, so their rows stay away.
        centre.sql(&format!("INSERT INTO noctule.{name} SELECT * FROM public.kept"));
        assert_eq!(
            centre.sql(&format!("SELECT count(*) FROM noctule.feed WHERE gone AND tab = {}", table.number())),
            "0",
            "{name} inserted"
        );
        centre.sql(&format!("DELETE FROM noctule.{name}; DROP TABLE public.kept"));
    }
}

#[tokio::test]
async fn the_journal_stamps_its_operation() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    let operation = id(filled.tenant, crate::fill::OPERATION, 1);
    for change in [
        "UPDATE noctule.operation_steps SET answer = 'x' WHERE seq = 1",
        "INSERT INTO noctule.operation_steps (tenant_id, operation, seq, step, attempt, upstream, request, status, started_at)
            SELECT tenant_id, operation, 9, step, 3, upstream, request, 'started', now() FROM noctule.operation_steps WHERE seq = 1",
        "DELETE FROM noctule.operation_steps WHERE seq = 9",
    ] {
        let before = snapshot(&centre);
        centre.sql(change);
        assert_eq!(unseen(&centre, "postgres", filled.tenant, &before), set(&[(7, operation, true)]), "{change}");
    }
}

/// Technician 1 and subscriber 2: what enters and leaves his view is told, with the sessions.
#[tokio::test]
async fn what_enters_or_leaves_a_technicians_view_is_told() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    let tenant = filled.tenant;
    let look = |seen: &str| unseen(&centre, &filled.technician, tenant, seen);
    let (task2, task3, one) = (id(tenant, TASK, 2), id(tenant, TASK, 3), id(tenant, TECHNICIAN, 1));
    let (sub1, sub2, sub3) = (id(tenant, SUBSCRIBER, 1), id(tenant, SUBSCRIBER, 2), id(tenant, SUBSCRIBER, 3));
    let change = |sql: String| {
        let before = snapshot(&centre);
        centre.sql(&sql);
        look(&before)
    };
    // Given to him, taken from him, meant for somebody else, made, deleted.
    let told = change(format!("UPDATE noctule.tasks SET technician = '{one}' WHERE id = '{task2}'"));
    assert_eq!(told, set(&[(6, task2, true), (4, sub2, true), (5, sub2, true)]));
    let told = change(format!("UPDATE noctule.tasks SET subscriber = '{sub3}' WHERE id = '{task2}'"));
    assert_eq!(told, set(&[(6, task2, true), (4, sub2, false), (5, sub2, false), (4, sub3, true), (5, sub3, true)]));
    let told = change(format!("UPDATE noctule.tasks SET technician = NULL WHERE id = '{task2}'"));
    assert_eq!(told, set(&[(6, task2, false), (4, sub3, false), (5, sub3, false)]));
    // Nothing that decides about a view changed: only the task itself.
    let told = change(format!("UPDATE noctule.tasks SET notes = 'x', technician = technician WHERE id = '{task3}'"));
    assert_eq!(told, set(&[(6, task3, false)]));
    let made = Uuid::now_v7();
    let told = change(format!(
        "INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority, subscriber, technician)
         VALUES ('{tenant}', '{made}', 'T-9', 'x', 'splicing', 'pending', 'normal', '{sub3}', '{one}')"
    ));
    assert_eq!(told, set(&[(6, made, true), (4, sub3, true), (5, sub3, true)]));
    let told = change(format!("DELETE FROM noctule.tasks WHERE id = '{made}'"));
    assert_eq!(told, set(&[(6, made, false), (4, sub3, false), (5, sub3, false)]));
    // A subscriber that goes with its task in one transaction is gone, not merely out of view.
    let told = change(format!(
        "BEGIN; DELETE FROM noctule.operation_steps; DELETE FROM noctule.operations; DELETE FROM noctule.assignments; DELETE FROM noctule.time_entries;
         DELETE FROM noctule.tasks WHERE subscriber = '{sub1}'; DELETE FROM noctule.subscribers WHERE id = '{sub1}'; COMMIT"
    ));
    assert!(told.is_superset(&set(&[(4, sub1, false), (5, sub1, false)])), "{told:?}");
    assert_eq!(centre.sql(&format!("SELECT count(*) FROM noctule.feed WHERE id = '{sub1}' AND gone")), "2");
}

#[tokio::test]
async fn what_the_feed_could_not_tell_is_refused() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    for table in TABLES {
        for sql in [format!("TRUNCATE noctule.{table} CASCADE"), format!("UPDATE noctule.{table} SET id = gen_random_uuid()")] {
            let told = centre.cluster.psql(centre.database.dsn(), &sql).expect("psql");
            assert!(told.stderr.contains("consoles would not be told"), "{sql}: {}", told.stderr);
        }
    }
    assert_eq!(centre.sql(&format!("SELECT count(*) FROM noctule.subscribers WHERE tenant_id = '{}'", filled.tenant)), "3");
}

#[tokio::test]
async fn rights_that_change_raise_the_epoch_and_nothing_else_does() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    let epoch = || hello(&centre, &filled, &filled.noc)["epoch"].as_i64().expect("a number");
    let first = epoch();
    let write = |set: &str| centre.sql(&format!("UPDATE noctule.members SET {set} WHERE login = '{}'", filled.noc));
    write("full_name = 'Another Name'");
    assert_eq!(epoch(), first);
    write("role = 'viewer'");
    assert_eq!(epoch(), first + 1);
    write(&format!("technician = '{}'", id(filled.tenant, TECHNICIAN, 1)));
    assert_eq!(epoch(), first + 2);
    write("role = 'viewer'");
    assert_eq!(epoch(), first + 2);
}

fn hello(centre: &Centre, filled: &Filled, login: &str) -> Value {
    let told = as_login(
        centre,
        &centre.dsn(login),
        &format!("SET noctule.tenant = '{}'; SELECT noctule.hello(2, gen_random_uuid(), 'host')", filled.tenant),
    );
    serde_json::from_str(&told).expect("JSON")
}

#[tokio::test]
async fn hello_tells_who_and_what() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    let told = hello(&centre, &filled, &filled.technician);
    assert_eq!((&told["role"], &told["standby"], &told["listen"]), (&Value::from("technician"), &Value::from(false), &Value::from(true)));
    assert_eq!(told["technician"], id(filled.tenant, TECHNICIAN, 1).to_string());
    assert_eq!((&told["consoles"], &told["floor"], &told["min_protocol"]), (&Value::from(1), &Value::from("0"), &Value::from(2)));
    assert_eq!(told["schema"], noctule_sync::schema::SCHEMA);
    let now: noctule_domain::Timestamp = serde_json::from_value(told["now"].clone()).expect("a time");
    assert!(now.timestamp() > 1_700_000_000);
    assert_eq!(told["history"].as_str().map(|text| text.split('/').count()), Some(4));
    assert_eq!(told["history"], hello(&centre, &filled, &filled.admin)["history"]);
    // Three hundred consoles listen, more poll.
    centre.sql(&format!(
        "INSERT INTO noctule.presence (tenant_id, console, login) SELECT '{}', gen_random_uuid(), 'x' FROM generate_series(1, 299)",
        filled.tenant
    ));
    assert_eq!(hello(&centre, &filled, &filled.noc)["listen"], true);
    centre.sql(&format!("INSERT INTO noctule.presence (tenant_id, console, login) VALUES ('{}', gen_random_uuid(), 'x')", filled.tenant));
    let told = hello(&centre, &filled, &filled.noc);
    assert_eq!((&told["listen"], &told["consoles"]), (&Value::from(false), &Value::from(301)));
    // Seen more than a minute ago: gone.
    centre.sql("UPDATE noctule.presence SET seen_at = now() - interval '61 seconds'");
    assert_eq!(hello(&centre, &filled, &filled.noc)["consoles"], 0);
    centre.sql("SET ROLE noctule_owner; UPDATE noctule.meta SET min_protocol = 3");
    let told = hello(&centre, &filled, &filled.noc);
    assert!(
        told["min_protocol"] == 3
            && told["upgrade"].as_str().is_some_and(|words| words.contains("update noctule"))
            && told.get("history").is_none()
    );
    let denied = as_login(
        &centre,
        &centre.dsn(&filled.noc),
        "SET noctule.tenant = 'nonsense'; SELECT noctule.hello(3, gen_random_uuid(), '')->>'denied'",
    );
    assert!(denied.contains("is not an operator of this tenant"), "{denied}");
    let denied = as_login(&centre, &centre.dsn(&filled.revoked), "SELECT noctule.hello(3, gen_random_uuid(), '')->>'denied'");
    assert!(denied.contains("was revoked on"), "{denied}");
}

#[tokio::test]
async fn consoles_are_woken_at_most_eight_times_a_second_and_only_their_own() {
    let centre = centre().await;
    let (north, south) = (centre.fill("North").await, centre.fill("South").await);
    let (client, mut connection) = tokio_postgres::connect(&centre.dsn(&north.noc), NoTls).await.expect("login");
    let (say, mut heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(note) = message {
                let _ = say.send((note.channel().to_owned(), note.payload().to_owned()));
            }
        }
    });
    let channel = format!("noctule_{}", north.tenant.uuid().simple());
    client.batch_execute(&format!("LISTEN {channel}; LISTEN noctule_test_end")).await.expect("LISTEN");
    // Writers: many short transactions of both tenants for some while.
    let (writer, connection) = tokio_postgres::connect(centre.database.dsn(), NoTls).await.expect("login");
    tokio::spawn(connection);
    let began = Instant::now();
    let mut commits = 0;
    while began.elapsed() < Duration::from_millis(1500) {
        for tenant in [north.tenant, south.tenant] {
            let sql = format!("UPDATE noctule.subscribers SET notes = 'x' WHERE tenant_id = '{tenant}'");
            writer.batch_execute(&sql).await.expect("an update");
        }
        commits += 2;
    }
    let took = began.elapsed();
    writer.batch_execute("NOTIFY noctule_test_end").await.expect("NOTIFY");
    let mut woken = 0;
    loop {
        let (from, payload) = tokio::time::timeout(PATIENCE, heard.recv()).await.expect("in time").expect("heard");
        if from == "noctule_test_end" {
            break;
        }
        assert_eq!((from.as_str(), payload.as_str()), (channel.as_str(), ""));
        woken += 1;
    }
    let most = took.as_millis() / 125 + 2;
    println!("{commits} commits in {took:?}: woken {woken} times, at most {most}");
    assert!(woken >= 4 && woken <= most, "{woken} of at most {most}");
    // A clock that was far ahead when it was written does not silence the tenant.
    centre.sql(&format!(
        "SELECT setval('noctule.wake_{}', 9000000000000); UPDATE noctule.subscribers SET notes = 'y' WHERE tenant_id = '{}'",
        north.tenant.uuid().simple(),
        north.tenant
    ));
    tokio::time::timeout(PATIENCE, heard.recv()).await.expect("woken").expect("heard");
}

/// What a wake-up stands for may come long after it was stamped, or be tried twice: it is decided at commit.
#[tokio::test]
async fn a_late_commit_and_a_second_try_wake_too() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    let tenant = filled.tenant;
    let sequence = format!("noctule.wake_{}", tenant.uuid().simple());
    let (listener, mut connection) = tokio_postgres::connect(&centre.dsn(&filled.noc), NoTls).await.expect("login");
    let (say, mut heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(_) = message {
                let _ = say.send(());
            }
        }
    });
    listener.batch_execute(&format!("LISTEN noctule_{}", tenant.uuid().simple())).await.expect("LISTEN");
    let (writer, connection) = tokio_postgres::connect(centre.database.dsn(), NoTls).await.expect("login");
    tokio::spawn(connection);
    let update = format!("UPDATE noctule.technicians SET name = name WHERE tenant_id = '{tenant}'");
    // The throttle's time has passed, by its own clock.
    let free = async || {
        let question = format!("SELECT extract(epoch FROM clock_timestamp()) * 1000 - last_value > 130 FROM {sequence}");
        let deadline = Instant::now() + PATIENCE;
        while centre.sql(&question) != "t" {
            assert!(Instant::now() < deadline, "the clock stands still");
        }
    };
    let mut woken = async |what: &str| {
        tokio::time::timeout(PATIENCE, heard.recv()).await.unwrap_or_else(|_| panic!("not woken: {what}")).expect("connected");
        assert!(heard.try_recv().is_err(), "woken once: {what}");
    };
    free().await;
    writer.batch_execute(&format!("BEGIN; {update}")).await.expect("stamped");
    let other = format!("UPDATE noctule.subscribers SET notes = 'x' WHERE tenant_id = '{tenant}'");
    centre.sql(&other);
    woken("by the one that committed first").await;
    free().await;
    writer.batch_execute("COMMIT").await.expect("committed");
    woken("by the one that came late").await;
    free().await;
    writer.batch_execute(&format!("BEGIN; SAVEPOINT s; {update}; ROLLBACK TO SAVEPOINT s; {update}; COMMIT")).await.expect("committed");
    woken("after a first try that was rolled back").await;
    // Nothing stays of it, and a rollback wakes nobody and takes nobody's turn.
    assert_eq!(centre.sql("SELECT count(*) FROM noctule.wakes"), "0");
    free().await;
    writer.batch_execute(&format!("BEGIN; {update}; ROLLBACK; {update}")).await.expect("committed");
    woken("after a rollback").await;
}

#[tokio::test]
async fn a_standby_says_the_same_history_until_it_is_promoted() {
    let mut primary = Postgres::start().expect("a cluster");
    let database = primary.create_database().expect("a database");
    let owner = noctule_sync::schema::OwnerConfig::from_url(database.dsn()).expect("a URL");
    let tenant = TenantId(Uuid::now_v7());
    noctule_sync::schema::init(&owner, Some((tenant, "North"))).await.expect("init");
    let new = noctule_sync::schema::NewUser {
        login: "nora",
        role: noctule_domain::permission::Role::Noc,
        full_name: "",
        technician: None,
        password: Some(noctule_domain::secret::Secret::new(PASSWORD)),
    };
    noctule_sync::schema::user_add(&owner, tenant, new).await.expect("added");
    let mut standby = primary.standby().expect("a standby");
    let ask = |server: &Postgres| -> Value {
        let told = server
            .query(
                &server.dsn("nora", PASSWORD, database.name()),
                &format!("SET noctule.tenant = '{tenant}'; SELECT noctule.hello(2, gen_random_uuid(), 'h')"),
            )
            .expect("hello");
        serde_json::from_str(&told).expect("JSON")
    };
    primary.wait_caught_up(&standby).expect("caught up");
    let (there, here) = (ask(&primary), ask(&standby));
    assert_eq!((&here["standby"], &here["listen"], &here["consoles"]), (&Value::from(true), &Value::from(false), &Value::Null));
    assert_eq!(here["history"], there["history"]);
    let status =
        noctule_sync::schema::status(&noctule_sync::schema::OwnerConfig::from_url(&standby.superuser_dsn(database.name())).expect("a URL"))
            .await
            .expect("status of a standby");
    assert!(status.standby && status.tenants[0].consoles.is_none());
    primary.stop_immediate().expect("stopped");
    standby.promote().expect("promoted");
    let promoted = ask(&standby);
    assert_eq!(promoted["standby"], false);
    let parts = |told: &Value| told["history"].as_str().expect("text").split('/').map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (parts(&there), parts(&promoted));
    assert_ne!(before[1], after[1], "another timeline");
    assert_eq!((&before[0], &before[2..]), (&after[0], &after[2..]));
}

/// The domain's cursor sees what PostgreSQL's snapshot sees.
#[tokio::test]
async fn a_cursor_of_the_domain_reads_a_snapshot_of_the_server() {
    let centre = centre().await;
    for text in ["100:200:100,150,199", "7:7:", "10:20:10,14"] {
        let cursor: Cursor = text.parse().expect("a snapshot");
        let told = centre.sql(&format!("SELECT n, pg_visible_in_snapshot(n::text::xid8, '{text}') FROM generate_series(1, 210) AS n"));
        for line in told.lines() {
            let (xid, seen) = line.split_once('|').expect("two columns");
            assert_eq!(cursor.sees(xid.parse().expect("a number")), seen == "t", "{xid} in {text}");
        }
    }
}
