//! Whether a copy is what the centre shows to its operator: sums over all rows of all tables, and the fields that a screen shows one by one.

use super::place::{Login, PASSWORD, Place};
use noctule_domain::sync::{Replica, TABLES, Table};
use noctule_domain::{SafeText, TechnicianId};
use noctule_storage::Store;
use tokio_postgres::{Client, NoTls};

/// A plain connection as an operator, past all links.
pub async fn by_hand(place: &Place, login: &str) -> Result<Client, tokio_postgres::Error> {
    let dsn = format!(
        "{}?options=-c%20noctule.tenant%3D{}%20-c%20TimeZone%3DUTC",
        place.postgres.dsn(login, PASSWORD, &place.database),
        place.tenant
    );
    let (client, connection) = tokio_postgres::connect(&dsn, NoTls).await?;
    tokio::spawn(async move {
        // The client sees what goes wrong here too.
        let _ = connection.await;
    });
    Ok(client)
}

/// Rows and their sum as the centre shows them, by an expression of this test's own.
async fn centre_sum(client: &Client, table: Table) -> (u64, u64) {
    let columns: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
    let sql = format!(
        "SELECT count(*), coalesce(sum(('x' || left(encode(sha256(record_send(ROW({}))), 'hex'), 16))::bit(64)::bigint::numeric), 0)::text
         FROM noctule.wire_{table}",
        columns.join(", ")
    );
    let row = client.query_one(&sql, &[]).await.expect("the centre is read");
    let sum: i128 = row.get::<_, String>(1).parse().expect("a sum");
    let wrapped = sum.rem_euclid(1 << 64);
    (u64::try_from(row.get::<_, i64>(0)).expect("a count"), u64::try_from(wrapped).expect("wrapped"))
}

/// What differs, in words; nothing: the copy is the truth.
pub async fn differences(place: &Place, login: &Login, store: &Store) -> Vec<String> {
    let client = by_hand(place, &login.name).await.expect("the centre lets the operator in");
    let mut found = Vec::new();
    for table in TABLES {
        let here = store.sums(*table, &[]).await.expect("sums");
        let (rows, sum) = here.iter().fold((0, 0u64), |(rows, sum), part| (rows + part.rows, sum.wrapping_add(part.sum)));
        let there = centre_sum(&client, *table).await;
        if (rows, sum) != there {
            found.push(format!("{table}: {rows} rows, sum {sum:x}; in the centre {} rows, sum {:x}", there.0, there.1));
        }
    }
    found.extend(shown(&client, store).await);
    found
}

/// As the screens show it.
async fn shown(client: &Client, store: &Store) -> Vec<String> {
    let word = |text: Option<&SafeText>| text.map(|t| t.as_str().to_owned());
    let safe = |text: Option<String>| text.map(|t| SafeText::new(&t).into_string());
    let mut here: Vec<String> = Vec::new();
    for task in store.tasks().await.expect("tasks") {
        let unsent = if task.unsent { " unsent" } else { "" };
        let who = task.technician.map(|t| t.to_string());
        here.push(format!(
            "task {} {} {who:?} {:?} {:?} v{}{unsent}",
            task.id,
            task.status,
            word(task.notes.as_ref()),
            word(task.blocked_reason.as_ref()),
            task.version
        ));
    }
    let mut entries = Vec::new();
    for one in store.technicians().await.expect("technicians") {
        here.push(format!("technician {} {} {:?} v{}", one.id, one.status, one.fix.map(|fix| fix.device_time), one.version));
        entries.extend(store.time_entries(one.id, 10_000).await.expect("time entries"));
    }
    for entry in entries {
        here.push(format!("time {} {} {} {:?}", entry.id, entry.technician, entry.started_at, entry.ended_at));
    }
    let mut there: Vec<String> = Vec::new();
    for row in client
        .query("SELECT id::text, status, technician::text, notes, blocked_reason, version FROM noctule.wire_tasks", &[])
        .await
        .expect("tasks")
    {
        there.push(format!(
            "task {} {} {:?} {:?} {:?} v{}",
            row.get::<_, String>(0),
            row.get::<_, String>(1),
            row.get::<_, Option<String>>(2),
            safe(row.get(3)),
            safe(row.get(4)),
            row.get::<_, i64>(5)
        ));
    }
    for row in client.query("SELECT id::text, status, fix_at, version FROM noctule.wire_technicians", &[]).await.expect("technicians") {
        let fix: Option<chrono::DateTime<chrono::Utc>> = row.get(2);
        there.push(format!("technician {} {} {fix:?} v{}", row.get::<_, String>(0), row.get::<_, String>(1), row.get::<_, i64>(3)));
    }
    for row in client.query("SELECT id::text, technician, started_at, ended_at FROM noctule.wire_time_entries", &[]).await.expect("time") {
        let (started, ended): (chrono::DateTime<chrono::Utc>, Option<chrono::DateTime<chrono::Utc>>) = (row.get(2), row.get(3));
        there.push(format!("time {} {} {started} {ended:?}", row.get::<_, String>(0), TechnicianId(row.get(1))));
    }
    let only = |list: &[String], other: &[String], whose: &str| -> Vec<String> {
        list.iter().filter(|line| !other.contains(line)).map(|line| format!("only {whose}: {line}")).collect()
    };
    let mut found = only(&here, &there, "on the console");
    found.extend(only(&there, &here, "in the centre"));
    found
}
