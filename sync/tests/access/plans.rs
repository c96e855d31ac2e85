//! How polls are carried out: index conditions also under row-level security, whoever asks; what they cost.

use crate::fill::Filled;
use crate::support::{Centre, centre};
use noctule_domain::TenantId;
use noctule_domain::sync::Table;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

const MANY: u32 = 60_000;
const CHANGED: u32 = 10_000;

fn poll(table: Table, seen: &str) -> String {
    format!(
        "SELECT f.id, w.* FROM noctule.feed AS f LEFT JOIN noctule.wire_{table} AS w ON w.tenant_id = f.tenant_id AND w.id = f.id
         WHERE f.tenant_id = (SELECT noctule.tenant()) AND f.tab = {} AND f.xid >= pg_snapshot_xmin('{seen}')
             AND NOT pg_visible_in_snapshot(f.xid, '{seen}')",
        table.number()
    )
}

/// The form of a prepared poll: rows are looked up one by one, so that also a generic plan, which knows no snapshot and guesses that a third of
/// the feed is new, reads no table from end to end (a join it would hash).
fn poll_one_by_one(table: Table, seen: &str) -> String {
    format!(
        "SELECT f.id, (SELECT record_send(ROW(w.*)) FROM noctule.wire_{table} AS w WHERE w.tenant_id = f.tenant_id AND w.id = f.id)
         FROM (SELECT f.tenant_id, f.id FROM noctule.feed AS f WHERE f.tenant_id = (SELECT noctule.tenant()) AND f.tab = {}
             AND f.xid >= pg_snapshot_xmin({seen}) AND NOT pg_visible_in_snapshot(f.xid, {seen}) LIMIT 5001) AS f",
        table.number()
    )
}

async fn prepare(centre: &Centre) -> (Filled, Filled) {
    let (north, south) = (centre.fill("North").await, centre.fill("South").await);
    let rows = |tenant: TenantId| {
        format!(
            "INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, status, state, mode)
                 SELECT '{tenant}', gen_random_uuid(), 'P-' || n, 'p' || n, 'x', 'active', 'pending', 'pd' FROM generate_series(1, {MANY}) AS n;
             INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority, subscriber)
                 SELECT '{tenant}', gen_random_uuid(), 'P-' || s.number, 'x', 'splicing', 'pending', 'normal', s.id
                 FROM noctule.subscribers AS s WHERE tenant_id = '{tenant}' AND number LIKE 'P-%' LIMIT {CHANGED};
             INSERT INTO noctule.sessions (tenant_id, id, nas, acct_session_id, started_at, seen_at)
                 SELECT s.tenant_id, s.id, n.id, 's', now(), now() FROM noctule.subscribers AS s JOIN noctule.nas AS n USING (tenant_id)
                 WHERE s.tenant_id = '{tenant}' AND s.number LIKE 'P-%' LIMIT {CHANGED};"
        )
    };
    centre.sql(&format!("{}{}ANALYZE", rows(north.tenant), rows(south.tenant)));
    (north, south)
}

async fn login(centre: &Centre, login: &str, tenant: TenantId) -> Client {
    let (client, connection) = tokio_postgres::connect(&centre.dsn(login), NoTls).await.expect("login");
    tokio::spawn(connection);
    client.batch_execute(&format!("SET noctule.tenant = '{tenant}'")).await.expect("the tenant");
    client
}

/// The best of a few, so that a busy machine does not count.
async fn best(client: &Client, sql: &str) -> (usize, Duration) {
    let statement = client.prepare(sql).await.expect("prepared");
    let mut best = (0, Duration::MAX);
    for _ in 0..7 {
        let began = Instant::now();
        let rows = client.query(&statement, &[]).await.expect("rows").len();
        best = (rows, best.1.min(began.elapsed()));
    }
    best
}

#[tokio::test]
async fn a_poll_uses_the_indices_whoever_asks() {
    let centre = centre().await;
    let (north, _south) = prepare(&centre).await;
    for (who, role) in [(&north.noc, "noc"), (&north.technician, "technician")] {
        let client = login(&centre, who, north.tenant).await;
        let seen: String = client.query_one("SELECT pg_current_snapshot()::text", &[]).await.expect("a snapshot").get(0);
        // Also for a generic plan, as prepared statements get after a while.
        for mode in ["force_custom_plan", "force_generic_plan"] {
            client.batch_execute(&format!("SET plan_cache_mode = {mode}")).await.expect("a setting");
            for table in [Table::Subscribers, Table::Tasks, Table::Sessions] {
                let sql = if mode == "force_custom_plan" {
                    format!("EXPLAIN {}", poll(table, &seen))
                } else {
                    // As SQL: the driver can not explain what it prepared.
                    let one = poll_one_by_one(table, "$1::text::pg_snapshot");
                    client.batch_execute(&format!("PREPARE {table} (text) AS {one}")).await.expect("prepared");
                    format!("EXPLAIN EXECUTE {table} ('{seen}')")
                };
                let plan: Vec<String> = client.query(&sql, &[]).await.expect("a plan").iter().map(|row| row.get(0)).collect();
                let plan = plan.join("\n");
                if table == Table::Subscribers && mode == "force_custom_plan" {
                    println!("{role}:\n{plan}");
                }
                assert!(
                    plan.contains("Index Scan using feed_xid") || plan.contains("Bitmap Index Scan on feed_xid"),
                    "{role} {table}:\n{plan}"
                );
                let cond =
                    plan.lines().any(|line| line.contains("Index Cond") && line.contains("tenant_id = ") && line.contains("xid >= "));
                assert!(cond, "{role} {table}: the transaction is no index condition\n{plan}");
                let by_key = plan.lines().any(|line| line.contains("Index Cond") && line.contains("id = f.id"));
                assert!(by_key, "{role} {table}: the row is not found by its key\n{plan}");
                assert!(!plan.contains(&format!("Seq Scan on {table}")), "{role} {table}:\n{plan}");
            }
        }
        client.batch_execute("RESET plan_cache_mode").await.expect("a setting");
        let empty = best(&client, &poll(Table::Subscribers, &seen)).await;
        centre.sql(&format!(
            "UPDATE noctule.subscribers SET notes = now()::text WHERE (tenant_id, id) IN
                 (SELECT tenant_id, id FROM noctule.subscribers WHERE tenant_id = '{}' AND number LIKE 'P-%' LIMIT {CHANGED}); ANALYZE noctule.feed",
            north.tenant
        ));
        let full = best(&client, &poll(Table::Subscribers, &seen)).await;
        let after: String = client.query_one("SELECT pg_current_snapshot()::text", &[]).await.expect("a snapshot").get(0);
        let again = best(&client, &poll(Table::Subscribers, &after)).await;
        println!("{role}: {} rows {:?}; {} rows {:?}; afterwards {} rows {:?}", empty.0, empty.1, full.0, full.1, again.0, again.1);
        assert_eq!((empty.0, full.0, again.0), (0, CHANGED as usize, 0));
        // Nothing new costs nothing, whatever the tables hold: two orders of magnitude below the changes.
        assert!(again.1 * 10 < full.1, "{role}: an empty poll took {:?}, {CHANGED} changes {:?}", again.1, full.1);
    }
}

/// The feed's own column is indexed, those of the domain tables that change all the time are not: their updates stay on the page (HOT).
#[tokio::test]
async fn domain_tables_stay_hot() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    centre.sql("ALTER TABLE noctule.subscribers SET (fillfactor = 70); VACUUM FULL noctule.subscribers");
    for n in 0..20 {
        centre.sql(&format!("UPDATE noctule.subscribers SET notes = '{n}', version = version + 1 WHERE tenant_id = '{}'", filled.tenant));
    }
    // Each statement was a session of its own, which tells its counts when it ends: a moment later than its answer.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let (updated, hot) = loop {
        let told = centre.sql("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'noctule.subscribers'::regclass");
        let (updated, hot) = told.trim().split_once('|').expect("two columns");
        let (updated, hot): (u32, u32) = (updated.parse().expect("a number"), hot.parse().expect("a number"));
        if updated >= 60 || std::time::Instant::now() > deadline {
            break (updated, hot);
        }
    };
    assert_eq!(updated, 60);
    assert!(hot >= 55, "{hot} of {updated} updates stayed in place");
}
