//! The shape of the schema: keys and indices begin with the tenant, constraints hold, migrations are what they were.

use crate::support::{Centre, centre, cluster};
use noctule_domain::TenantId;
use noctule_sync::schema::{self, MIGRATIONS, OwnerConfig, SCHEMA, SchemaError};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn the_tenant_comes_first_in_every_key_and_index() {
    let centre = centre().await;
    let odd = centre.sql(
        "SELECT t.relname, i.relname FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS t ON t.oid = x.indrelid
             LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
         WHERE t.relnamespace = 'noctule'::regnamespace AND t.relkind IN ('r', 'p') AND t.relname NOT IN ('meta', 'migrations')
             AND a.attname IS DISTINCT FROM 'tenant_id'",
    );
    assert_eq!(odd, "", "table, index");
    // Every table has a primary key, every foreign key carries the tenant, and the indices were found at all.
    let bare = centre.sql(
        "SELECT relname FROM pg_class AS c WHERE relnamespace = 'noctule'::regnamespace AND relkind IN ('r', 'p')
             AND NOT EXISTS (SELECT FROM pg_index AS x WHERE x.indrelid = c.oid AND x.indisprimary)",
    );
    assert_eq!(bare, "", "tables without a primary key");
    let foreign = centre.sql(
        "SELECT conrelid::regclass, conname FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         WHERE c.connamespace = 'noctule'::regnamespace AND contype = 'f' AND a.attname <> 'tenant_id'",
    );
    assert_eq!(foreign, "", "foreign keys across tenants");
    let count: i32 = centre.sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'noctule'").parse().expect("a number");
    assert!(count > 30, "{count} indices");
    // That the question finds what it looks for.
    centre.sql("SET ROLE noctule_owner; CREATE INDEX wrong ON noctule.subscribers (number)");
    assert_ne!(
        centre.sql(
            "SELECT count(*) FROM pg_index AS x JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
        WHERE x.indrelid = 'noctule.subscribers'::regclass AND a.attname <> 'tenant_id'"
        ),
        "0"
    );
}

fn holder(tenant: TenantId, number: u32, prefix: &str, vrf: u32, state: &str) -> String {
    format!(
        "INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, status, state, mode, prefix, vrf)
         VALUES ('{tenant}', gen_random_uuid(), 'S-{number}', 'u{number}', 'x', 'active', '{state}', 'pd', '{prefix}', {vrf})"
    )
}

fn refused(centre: &Centre, sql: &str, constraint: &str) {
    let told = centre.cluster.psql(centre.database.dsn(), sql).expect("psql");
    assert!(!told.is_ok() && told.stderr.contains(constraint), "{sql}: {}", told.stderr);
}

#[tokio::test]
async fn live_prefixes_do_not_overlap_in_one_tenant_and_vrf() {
    let centre = centre().await;
    let (north, south) = (centre.tenant("North").await, centre.tenant("South").await);
    centre.sql(&holder(north, 1, "2001:db8:1::/48", 0, "active"));
    for (state, prefix) in [
        ("active", "2001:db8:1::/48"),
        ("allocated", "2001:db8:1:2::/64"),
        ("suspended", "2001:db8::/32"),
        ("revoking", "2001:db8:1:ff00::/56"),
    ] {
        refused(&centre, &holder(north, 2, prefix, 0, state), "subscribers_no_overlap");
    }
    centre.sql(&holder(north, 3, "2001:db8:1::/48", 0, "revoked"));
    centre.sql(&holder(north, 4, "2001:db8:1::/48", 7, "active"));
    centre.sql(&holder(south, 1, "2001:db8:1::/48", 0, "active"));
    centre.sql(&holder(north, 5, "2001:db8:2::/48", 0, "active"));
    refused(
        &centre,
        &format!("UPDATE noctule.subscribers SET state = 'active' WHERE tenant_id = '{north}' AND number = 'S-3'"),
        "subscribers_no_overlap",
    );
}

#[tokio::test]
async fn nobody_is_in_two_places_or_clocked_in_twice() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    let (tenant, technician) = (filled.tenant, crate::fill::id(filled.tenant, crate::fill::TECHNICIAN, 1));
    let task = crate::fill::id(tenant, crate::fill::TASK, 2);
    let assign = |from: &str, to: &str, status: &str| {
        format!(
            "INSERT INTO noctule.assignments (tenant_id, id, task, technician, starts_at, ends_at, status)
             SELECT '{tenant}', gen_random_uuid(), '{task}', '{technician}', a.starts_at + interval '{from}', a.starts_at + interval '{to}', '{status}'
             FROM noctule.assignments AS a WHERE a.technician = '{technician}' ORDER BY a.starts_at LIMIT 1"
        )
    };
    refused(&centre, &assign("30 minutes", "90 minutes", "scheduled"), "assignments_no_overlap");
    centre.sql(&assign("30 minutes", "90 minutes", "cancelled"));
    // The end is not included.
    centre.sql(&assign("1 hour", "2 hours", "scheduled"));
    let clock_in = format!(
        "INSERT INTO noctule.time_entries (tenant_id, id, technician, kind, started_at) VALUES ('{tenant}', gen_random_uuid(), '{technician}', 'travel', now())"
    );
    refused(&centre, &clock_in, "time_entries_open");
    centre.sql(&format!("UPDATE noctule.time_entries SET ended_at = now() WHERE tenant_id = '{tenant}' AND technician = '{technician}'"));
    centre.sql(&clock_in);
    let second = "INSERT INTO noctule.operations (tenant_id, id, subscriber, kind, status, actor, role, origin, options, requested_at, plan, progress, before)
        SELECT tenant_id, gen_random_uuid(), subscriber, 'revoke', 'running', 'x', 'noc', '', '{}', now(), '[]', '{}', '{}' FROM noctule.operations";
    refused(&centre, second, "operations_open");
}

#[tokio::test]
async fn an_edited_migration_is_refused_and_a_newer_database_too() {
    let centre = centre().await;
    centre.sql("SET ROLE noctule_owner; UPDATE noctule.migrations SET checksum = repeat('0', 64) WHERE version = 3");
    for told in [schema::upgrade(&centre.owner).await.map(drop), schema::init(&centre.owner, None).await.map(drop)] {
        assert!(matches!(told, Err(SchemaError::Edited { version: 3, .. })), "{told:?}");
    }
    let status = schema::status(&centre.owner).await.expect("status");
    assert!(status.trouble.as_ref().is_some_and(|words| words.as_str().contains("migration 3 (0003_authority)")), "{:?}", status.trouble);
    centre.sql(&format!(
        "SET ROLE noctule_owner; UPDATE noctule.migrations SET checksum = '{}' WHERE version = 3;
         INSERT INTO noctule.migrations (version, name, checksum) VALUES (99, '0099_later', '')",
        MIGRATIONS[2].checksum()
    ));
    let told = schema::upgrade(&centre.owner).await;
    assert_eq!(told, Err(SchemaError::Newer { found: 99, known: SCHEMA }));
    let told = schema::user_list(&centre.owner, TenantId(Uuid::now_v7())).await;
    assert_eq!(told, Err(SchemaError::Newer { found: 99, known: SCHEMA }));
}

#[tokio::test]
async fn what_is_missing_is_applied_and_what_fails_leaves_nothing() {
    let database = cluster().create_database().expect("a database");
    let owner = OwnerConfig::from_url(database.dsn()).expect("a URL");
    assert_eq!(schema::upgrade(&owner).await, Err(SchemaError::NoSchema));
    let status = schema::status(&owner).await.expect("status of an empty database");
    assert_eq!((status.schema, status.pending.len()), (None, MIGRATIONS.len()));
    schema::init(&owner, None).await.expect("init");
    let (last, before) = MIGRATIONS.split_last().expect("migrations");
    let query = |sql: &str| cluster().query(database.dsn(), sql).expect("SQL");
    let shape = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'noctule'::regnamespace";
    let functions = query(shape);
    query(&format!("DELETE FROM noctule.migrations WHERE version = {}", last.version));
    let told = schema::user_list(&owner, TenantId(Uuid::now_v7())).await;
    assert_eq!(told, Err(SchemaError::Older { found: last.version - 1, needed: last.version }));
    // What it makes is still there, so it fails; nothing of it stays, and the words say where.
    match schema::upgrade(&owner).await {
        Err(SchemaError::Failed { version, .. }) => assert_eq!(version, last.version),
        other => panic!("{other:?}"),
    }
    assert_eq!((query("SELECT max(version) FROM noctule.migrations"), query(shape)), ((last.version - 1).to_string(), functions));
    // As an older program left it: all but the last.
    let database = cluster().create_database().expect("a database");
    let owner = OwnerConfig::from_url(database.dsn()).expect("a URL");
    let mut older = "CREATE SCHEMA noctule_extensions AUTHORIZATION noctule_owner; CREATE EXTENSION btree_gist SCHEMA noctule_extensions;
        CREATE SCHEMA noctule AUTHORIZATION noctule_owner; SET ROLE noctule_owner;
        CREATE TABLE noctule.migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now());"
        .to_owned();
    for migration in before {
        let (version, name, sum) = (migration.version, migration.name, migration.checksum());
        older.push_str(&format!("{}\nINSERT INTO noctule.migrations VALUES ({version}, '{name}', '{sum}');\n", migration.sql));
    }
    cluster().query(database.dsn(), &older).expect("an older schema");
    let report = schema::upgrade(&owner).await.expect("upgrade");
    assert_eq!((report.applied, report.schema), (vec![last.name], SCHEMA));
}

#[tokio::test]
async fn status_tells_what_is_there() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    let status = schema::status(&centre.owner).await.expect("status");
    assert_eq!((status.schema, status.standby, status.pending.len(), status.trouble), (Some(SCHEMA), false, 0, None));
    assert!(status.server.as_str().starts_with("PostgreSQL ") && status.history.is_some_and(|text| text.as_str().split('/').count() == 4));
    assert!(status.tables.iter().any(|table| table.name.as_str() == "subscribers" && table.bytes > 0));
    let tenant = &status.tenants[0];
    assert_eq!((tenant.id, tenant.members, tenant.revoked, tenant.consoles), (filled.tenant, 5, 1, Some(1)));
    assert_eq!((tenant.tombstones, tenant.ops, tenant.hold), (0, 1, Duration::from_secs(86_400)));
    assert!(tenant.feed >= 15);
}

#[tokio::test]
async fn a_tenant_is_named_again_and_never_made_twice() {
    let centre = centre().await;
    let (id, new) = schema::tenant_add(&centre.owner, None, " North ", Some(Duration::from_secs(90))).await.expect("added");
    assert!(new);
    let again = schema::tenant_add(&centre.owner, Some(id), "North Ltd", None).await.expect("again");
    assert_eq!(again, (id, false));
    assert_eq!(centre.sql("SELECT name, hold FROM noctule.tenants"), "North Ltd|00:01:30");
    for bad in ["", "  ", "a\u{202e}b", &"x".repeat(201)] {
        assert!(matches!(schema::tenant_add(&centre.owner, None, bad, None).await, Err(SchemaError::Refused(_))), "{bad:?}");
    }
}

#[tokio::test]
async fn cleaning_removes_what_is_old_and_raises_the_floor() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    let tenant = filled.tenant;
    centre.sql(&format!(
        "DELETE FROM noctule.time_entries WHERE tenant_id = '{tenant}'; DELETE FROM noctule.assignments WHERE tenant_id = '{tenant}';
         UPDATE noctule.feed SET changed_at = now() - interval '40 days' WHERE tab = 8 AND gone;
         INSERT INTO noctule.ops (tenant_id, id, console, seq, login, verb, change, made_at, received_at, answer)
             SELECT '{tenant}', gen_random_uuid(), gen_random_uuid(), n, 'x', 'task_edit', '{{}}', now(), now() - n * interval '10 days', '{{}}'
             FROM generate_series(1, 6) AS n;
         UPDATE noctule.presence SET seen_at = now() - interval '2 days'"
    ));
    let highest: u64 = centre.sql("SELECT max(xid) FROM noctule.feed WHERE tab = 8 AND gone").parse().expect("a number");
    let short = schema::cleanup(&centre.owner, Duration::from_secs(60)).await.expect_err("too short");
    assert!(short.to_string().contains("nothing was removed"), "{short}");
    let cleaned = schema::cleanup(&centre.owner, Duration::from_secs(30 * 86_400)).await.expect("cleaned");
    assert_eq!((cleaned.tombstones, cleaned.ops, cleaned.presence, cleaned.floor), (2, 4, 1, highest));
    // The younger tombstones, and the op that has no answer, stay.
    assert_eq!(centre.sql("SELECT count(*) FROM noctule.feed WHERE gone"), "2");
    assert_eq!(centre.sql("SELECT count(*) FROM noctule.ops"), "3");
    let hello = centre.sql(&format!("SET noctule.tenant = '{tenant}'; SELECT noctule.hello(2, gen_random_uuid(), 'h')->>'floor'"));
    assert_eq!(hello, highest.to_string());
    // In small batches, each with "more" as long as there is more.
    let batch = |most: u32| {
        centre.sql(&format!(
            "SET noctule.tenant = '{tenant}'; SELECT x->>'tombstones', x->>'ops', x->>'more' FROM noctule.cleanup('0', {most}) AS x"
        ))
    };
    assert_eq!(batch(1), "1|1|true");
    assert_eq!(batch(10), "1|1|false");
    let again = schema::cleanup(&centre.owner, Duration::from_secs(30 * 86_400)).await.expect("cleaned");
    assert_eq!((again.tombstones, again.ops), (0, 0));
    assert!(again.floor > highest);
}

#[tokio::test]
async fn whether_a_tenant_has_aaa_is_the_owners_to_say_and_is_audited() {
    let centre = centre().await;
    let tenant = centre.tenant("North").await;
    let has = || centre.sql("SELECT aaa FROM noctule.tenants");
    assert_eq!(has(), "f");
    assert_eq!(schema::tenant_aaa(&centre.owner, tenant, true).await, Ok(true));
    assert_eq!(schema::tenant_aaa(&centre.owner, tenant, true).await, Ok(false));
    assert_eq!((has(), centre.sql("SELECT count(*) FROM noctule.audit WHERE body LIKE '%tenant-aaa%'")), ("t".to_owned(), "1".to_owned()));
    assert!(schema::tenant_aaa(&centre.owner, TenantId(Uuid::now_v7()), true).await.is_err(), "no such tenant");
}
