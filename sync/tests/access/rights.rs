//! Row-level security, tried with the real psql as each kind of login: every table, every verb, two tenants.

use crate::fill::{Filled, PASSWORD, SUBSCRIBER, id};
use crate::support::{Centre, as_login, centre, login_name};
use std::collections::BTreeMap;

const TABLES: &[&str] = &[
    "nas",
    "pools",
    "technicians",
    "subscribers",
    "sessions",
    "tasks",
    "operations",
    "operation_steps",
    "time_entries",
    "assignments",
    "feed",
    "presence",
    "wakes",
    "ops",
    "audit",
    "audit_heads",
    "members",
    "tenants",
    "meta",
    "migrations",
];

/// What a login may read of each table: how many rows, or nothing at all (`None`).
fn seen(centre: &Centre, login: &str, chosen: &str) -> BTreeMap<String, Option<i64>> {
    TABLES
        .iter()
        .map(|table| {
            let told = centre
                .cluster
                .psql(&centre.dsn(login), &format!("SET noctule.tenant = '{chosen}'; SELECT count(*) FROM noctule.{table}"))
                .expect("psql");
            let count = told.is_ok().then(|| told.stdout.trim().parse().expect("a number"));
            assert!(told.is_ok() || told.stderr.contains("permission denied"), "{table}: {}", told.stderr);
            ((*table).to_owned(), count)
        })
        .collect()
}

/// Rows in the tenant, by the superuser.
fn there(centre: &Centre, filled: &Filled, table: &str) -> i64 {
    centre.sql(&format!("SELECT count(*) FROM noctule.{table} WHERE tenant_id = '{}'", filled.tenant)).parse().expect("a number")
}

#[tokio::test]
async fn each_role_reads_what_it_needs_of_its_own_tenant() {
    let centre = centre().await;
    let north = centre.fill("North").await;
    let south = centre.fill("South").await;
    let chosen = north.tenant.to_string();
    let all = |table: &str| Some(there(&centre, &north, table));
    for (login, role) in [(&north.admin, "admin"), (&north.noc, "noc"), (&north.dispatcher, "dispatcher"), (&north.viewer, "viewer")] {
        let network = matches!(role, "admin" | "noc");
        for (table, count) in seen(&centre, login, &chosen) {
            let wanted = match table.as_str() {
                "meta" | "migrations" | "wakes" => None,
                "audit" | "audit_heads" | "ops" if !network => Some(0),
                "members" if role != "admin" => Some(1),
                "tenants" => Some(1),
                table => all(table),
            };
            assert_eq!(count, wanted, "{role} reads {table}");
            assert!(
                matches!(table.as_str(), "meta" | "migrations" | "wakes" | "tenants" | "audit" | "audit_heads" | "ops") || count > Some(0),
                "{table} has rows"
            );
        }
        // The other tenant, chosen by hand, is as empty as one that is not there.
        for (table, count) in seen(&centre, login, &south.tenant.to_string()) {
            assert!(count.unwrap_or(0) == 0, "{role} reads {table} of the other tenant");
        }
    }
    let own = seen(&centre, &north.technician, &chosen);
    for (table, count) in own {
        let wanted = match table.as_str() {
            "meta" | "migrations" | "wakes" => None,
            "technicians" | "subscribers" | "sessions" | "tasks" | "time_entries" | "assignments" | "members" | "tenants" => Some(1),
            "feed" => Some(2 + 3 + 3 + 3 + 2 + 2),
            _ => Some(0),
        };
        assert_eq!(count, wanted, "a technician reads {table}");
    }
    let one = as_login(&centre, &centre.dsn(&north.technician), "SELECT id FROM noctule.subscribers");
    assert_eq!(one, id(north.tenant, SUBSCRIBER, 1).to_string());
}

#[tokio::test]
async fn who_is_no_member_or_no_more_reads_nothing() {
    let centre = centre().await;
    let north = centre.fill("North").await;
    let (stranger, grouped) = (login_name("stranger"), login_name("grouped"));
    centre.sql(&format!(
        "CREATE ROLE {stranger} LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE {grouped} LOGIN PASSWORD '{PASSWORD}' IN ROLE noctule_member"
    ));
    for login in [&north.revoked, &grouped] {
        for chosen in [north.tenant.to_string(), String::new(), "nonsense".to_owned(), "00000000-0000-0000-0000-000000000000".to_owned()] {
            for (table, count) in seen(&centre, login, &chosen) {
                assert!(count.unwrap_or(0) == 0, "{login} reads {table} with {chosen:?}");
            }
        }
    }
    // Not even in the group: no table, no function, no name.
    assert!(seen(&centre, &stranger, &north.tenant.to_string()).values().all(Option::is_none));
    let told = centre.cluster.psql(&centre.dsn(&stranger), "SELECT noctule.tenant()").expect("psql");
    assert!(told.stderr.contains("permission denied"), "{}", told.stderr);
}

#[tokio::test]
async fn nobody_writes_a_table() {
    let centre = centre().await;
    let north = centre.fill("North").await;
    let mut relations: Vec<String> = TABLES.iter().map(|table| (*table).to_owned()).collect();
    relations.extend(
        centre
            .sql("SELECT relname FROM pg_class WHERE relnamespace = 'noctule'::regnamespace AND relkind = 'v'")
            .lines()
            .map(str::to_owned),
    );
    assert!(relations.len() > TABLES.len() + 8);
    for login in [&north.admin, &north.noc, &north.dispatcher, &north.technician, &north.viewer, &north.revoked] {
        // Statements that would change nothing even if they were let through: it is the right that is tried.
        let mut script = format!("SET noctule.tenant = '{}';\n\\set ON_ERROR_STOP off\n", north.tenant);
        for relation in &relations {
            let column = if matches!(relation.as_str(), "meta" | "migrations") { "ctid" } else { "tenant_id" };
            let set = centre.sql(&format!(
                "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = 'noctule.{relation}'::regclass AND attnum = 2"
            ));
            script.push_str(&format!(
                "INSERT INTO noctule.{relation} DEFAULT VALUES;\nUPDATE noctule.{relation} SET {set} = {set} WHERE false;\n\
                 DELETE FROM noctule.{relation} WHERE false AND {column} IS NULL;\nTRUNCATE noctule.{relation};\n"
            ));
        }
        let told = centre.cluster.psql(&centre.dsn(login), &script).expect("psql");
        let (mut denied, mut other) = (0, Vec::new());
        for line in told.stderr.lines().filter(|line| line.contains("ERROR:")) {
            if line.contains("permission denied for") { denied += 1 } else { other.push(line) }
        }
        // A view can not be truncated by anybody.
        other.retain(|line| !line.contains("is not a table"));
        assert!(other.is_empty(), "{other:?}");
        let views = relations.len() - TABLES.len();
        assert_eq!(denied, relations.len() * 4 - views, "{login}: {}", told.stderr);
    }
    // The one that the issue names.
    let state = format!("UPDATE noctule.subscribers SET state = 'revoked' WHERE id = '{}'", id(north.tenant, SUBSCRIBER, 1));
    let told = centre.cluster.psql(&centre.dsn(&north.admin), &state).expect("psql");
    assert!(told.stderr.contains("permission denied for table subscribers"), "{}", told.stderr);
    assert_eq!(centre.sql(&format!("SELECT state FROM noctule.subscribers WHERE id = '{}'", id(north.tenant, SUBSCRIBER, 1))), "active");
    for forbidden in [
        "SET ROLE noctule_owner",
        "SET SESSION AUTHORIZATION postgres",
        "CREATE TABLE noctule.mine ()",
        "ALTER TABLE noctule.tasks DISABLE ROW LEVEL SECURITY",
        "SELECT noctule.audit_append('{}')",
        "SELECT noctule.cleanup('0', 10)",
        "SELECT setval('noctule.wake_x', 1)",
        "SET row_security = off; SELECT * FROM noctule.tasks",
        "CREATE FUNCTION noctule.f() RETURNS int LANGUAGE sql RETURN 1",
        "COMMENT ON TABLE noctule.tasks IS 'x'",
        "LOCK noctule.tasks IN EXCLUSIVE MODE",
        "SELECT id FROM noctule.tasks FOR UPDATE",
    ] {
        let told = centre.cluster.psql(&centre.dsn(&north.admin), forbidden).expect("psql");
        assert!(!told.is_ok() && told.stderr.contains("ERROR"), "{forbidden}: {}", told.stdout);
    }
}

#[tokio::test]
async fn a_definer_function_can_not_reach_another_tenant() {
    let centre = centre().await;
    let (north, south) = (centre.fill("North").await, centre.fill("South").await);
    // As every function of the owner runs: under the policies, with the tenant of the session.
    let told = centre.sql(&format!(
        "SET noctule.tenant = '{}'; SET ROLE noctule_owner; SELECT count(*) FROM noctule.subscribers WHERE tenant_id = '{}'; \
         UPDATE noctule.subscribers SET notes = 'x' WHERE tenant_id = '{1}' RETURNING id",
        north.tenant, south.tenant
    ));
    assert_eq!(told, "0");
    let write = format!(
        "SET noctule.tenant = '{}'; SET ROLE noctule_owner; INSERT INTO noctule.technicians (tenant_id, id, employee_id, name, status, skill_level, \
         time_zone, work_from_min, work_to_min, on_call, available_for_emergency) VALUES ('{}', gen_random_uuid(), 'x', 'x', 'available', 'senior', 'UTC', \
         0, 1, false, false)",
        north.tenant, south.tenant
    );
    let told = centre.cluster.psql(centre.database.dsn(), &write).expect("psql");
    assert!(told.stderr.contains("row-level security"), "{}", told.stderr);
}

/// From the catalogue: what a test of single statements could overlook.
#[tokio::test]
async fn the_catalogue_grants_nothing_more() {
    let centre = centre().await;
    centre.fill("North").await;
    let none = |sql: &str| assert_eq!(centre.sql(sql), "", "{sql}");
    // A table without forced row-level security, or without a policy of its owner.
    none(
        "SELECT relname FROM pg_class AS c WHERE relnamespace = 'noctule'::regnamespace AND relkind IN ('r', 'p') AND (NOT relrowsecurity
            OR NOT relforcerowsecurity OR NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polroles = ARRAY['noctule_owner'::regrole::oid]))",
    );
    // A right of PUBLIC, or of members beyond SELECT on tables and views, or anybody's but ours.
    none(
        "SELECT relname, a.grantee::regrole, a.privilege_type FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a
         WHERE relnamespace = 'noctule'::regnamespace AND a.grantee <> 'noctule_owner'::regrole
            AND NOT (a.grantee = 'noctule_member'::regrole AND a.privilege_type = 'SELECT' AND c.relkind IN ('r', 'v'))",
    );
    none("SELECT a.privilege_type FROM pg_namespace AS n CROSS JOIN aclexplode(n.nspacl) AS a WHERE nspname = 'noctule' AND a.grantee <> 'noctule_owner'::regrole
            AND NOT (a.grantee = 'noctule_member'::regrole AND a.privilege_type = 'USAGE')");
    // A function that PUBLIC may execute (no list of rights means the default, which is that), or anybody but members.
    none(
        "SELECT p.oid::regprocedure FROM pg_proc AS p WHERE pronamespace = 'noctule'::regnamespace AND (proacl IS NULL
            OR EXISTS (SELECT FROM aclexplode(proacl) AS a WHERE a.grantee NOT IN ('noctule_owner'::regrole, 'noctule_member'::regrole)))",
    );
    // A definer function whose search path could be bent, or that belongs to somebody else.
    none(
        "SELECT p.oid::regprocedure FROM pg_proc AS p WHERE pronamespace = 'noctule'::regnamespace
            AND (proowner <> 'noctule_owner'::regrole OR prosecdef AND NOT coalesce('search_path=\"\"' = ANY (proconfig), false))",
    );
    // A function that members may call and that runs with their own rights must only compute: they have none to write.
    none(
        "SELECT p.oid::regprocedure FROM pg_proc AS p CROSS JOIN aclexplode(proacl) AS a WHERE pronamespace = 'noctule'::regnamespace
            AND a.grantee = 'noctule_member'::regrole AND NOT prosecdef AND provolatile = 'v'",
    );
    // A view that reads with its owner's eyes.
    none(
        "SELECT relname FROM pg_class WHERE relnamespace = 'noctule'::regnamespace AND relkind = 'v' AND NOT 'security_invoker=true' = ANY (coalesce(reloptions, '{}'))",
    );
    let counted = centre.sql("SELECT count(*) > 10 FROM pg_proc WHERE pronamespace = 'noctule'::regnamespace AND prosecdef");
    assert_eq!(counted, "t", "there are definer functions to look at");
}
