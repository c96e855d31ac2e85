//! Operators from the first login to the last: SCRAM, passwords, roles, revocation, and owners who are no superusers.

use crate::support::{Centre, as_login, centre, cluster, login_name};
use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_domain::{TechnicianId, TenantId};
use noctule_sync::schema::{self, NewUser, OwnerConfig, SchemaError};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

fn text(secret: &Secret) -> String {
    String::from_utf8(secret.expose().to_vec()).expect("text")
}

fn user(login: &str, role: Role) -> NewUser<'_> {
    NewUser { login, role, full_name: "A. N. Other", technician: None, password: None }
}

async fn connect(centre: &Centre, login: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(&centre.cluster.dsn(login, password, centre.database.name()), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn a_user_logs_in_by_scram_and_sees_the_tenant_by_default() {
    let centre = centre().await;
    let tenant = centre.tenant("North").await;
    let login = login_name("Öljy \"quoted\" %I'");
    let added = schema::user_add(&centre.owner, tenant, user(&login, Role::Noc)).await.expect("added");
    assert!(!added.known && added.note.is_none());
    let password = text(added.password.as_ref().expect("made"));

    let client = connect(&centre, &login, &password).await.expect("login");
    let row = client.query_one("SELECT noctule.tenant(), noctule.role(), noctule.login()", &[]).await.expect("asked");
    assert_eq!((row.get::<_, Uuid>(0), row.get::<_, &str>(1), row.get::<_, &str>(2)), (tenant.uuid(), "noc", login.as_str()));
    let wrong = connect(&centre, &login, "not the password").await.expect_err("wrong password");
    assert_eq!(wrong.code().map(|code| code.code()), Some("28P01"));

    // Stored as SCRAM, in clear nowhere: not in the catalogue, not in the log of a server that logs all statements.
    let stored =
        centre.sql(&format!("SELECT count(*) FROM pg_authid WHERE rolname = $q${login}$q$ AND rolpassword LIKE 'SCRAM-SHA-256$%'"));
    assert_eq!(stored, "1");
    assert!(!centre.cluster.log().expect("the log").contains(&password));

    let new = schema::user_passwd(&centre.owner, tenant, &login, Some(Secret::new("another good one"))).await.expect("passwd");
    assert!(new.is_none());
    assert!(connect(&centre, &login, &password).await.is_err());
    connect(&centre, &login, "another good one").await.expect("login with the new one");
    let made = schema::user_passwd(&centre.owner, tenant, &login, None).await.expect("passwd").expect("made");
    connect(&centre, &login, &text(&made)).await.expect("login with the made one");
    let weak = schema::user_passwd(&centre.owner, tenant, &login, Some(Secret::new("short"))).await.expect_err("too short");
    assert!(weak.to_string().contains("10 to 200 bytes"), "{weak}");
}

#[tokio::test]
async fn no_password_reaches_a_log_that_holds_every_statement() {
    let cluster =
        noctule_testbed::Postgres::start_with(noctule_testbed::PostgresOptions::default().set("log_statement", "all")).expect("a cluster");
    let database = cluster.create_database().expect("a database");
    let owner = OwnerConfig::from_url(database.dsn()).expect("a URL");
    let tenant = TenantId(Uuid::now_v7());
    schema::init(&owner, Some((tenant, "North"))).await.expect("init");
    let new = NewUser { password: Some(Secret::new("sésame ouvre-toi 1")), ..user("aino", Role::Noc) };
    schema::user_add(&owner, tenant, new).await.expect("added");
    schema::user_passwd(&owner, tenant, "aino", Some(Secret::new("sésame ouvre-toi 2"))).await.expect("passwd");
    let log = cluster.log().expect("the log");
    assert!(log.contains("ALTER ROLE aino PASSWORD"), "the log holds statements at all");
    assert!(!log.contains("ouvre-toi"));
    assert!(cluster.psql(&cluster.dsn("aino", "sésame ouvre-toi 2", database.name()), "SELECT 1").expect("psql").is_ok());
}

#[tokio::test]
async fn a_revoked_login_is_out_at_once_and_can_come_back() {
    let centre = centre().await;
    let tenant = centre.tenant("North").await;
    let login = login_name("veikko");
    let password = text(&schema::user_add(&centre.owner, tenant, user(&login, Role::Noc)).await.expect("added").password.expect("made"));
    let client = connect(&centre, &login, &password).await.expect("login");
    client.query_one("SELECT 1", &[]).await.expect("alive");
    // Leads an operation.
    let (subscriber, operation) = (Uuid::now_v7(), Uuid::now_v7());
    centre.sql(&format!(
        "INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, status, state, mode)
             VALUES ('{tenant}', '{subscriber}', 'N-1', 'u1', 'Anna', 'active', 'active', 'pd');
         INSERT INTO noctule.operations (tenant_id, id, subscriber, kind, status, actor, role, origin, options, requested_at, plan, progress, before,
             lease_owner, lease_login, lease_until)
             VALUES ('{tenant}', '{operation}', '{subscriber}', 'suspend', 'running', $q${login}$q$, 'noc', '', '{{}}', now(), '[]', '{{}}', '{{}}',
                 gen_random_uuid(), $q${login}$q$, now() + interval '1 hour')"
    ));
    let epoch = |centre: &Centre| {
        centre.sql(&format!("SELECT epoch FROM noctule.members WHERE login = $q${login}$q$")).parse::<i64>().expect("epoch")
    };
    let before = epoch(&centre);

    let revoked = schema::user_revoke(&centre.owner, tenant, &login).await.expect("revoked");
    assert_eq!((revoked.sessions, revoked.leases, revoked.login_ended, revoked.note), (1, 1, true, None));
    assert!(client.query_one("SELECT 1", &[]).await.is_err(), "the session has ended");
    let out = connect(&centre, &login, &password).await.expect_err("no login");
    assert_eq!(out.code().map(|code| code.code()), Some("28000"));
    assert!(epoch(&centre) > before);
    assert_eq!(centre.sql(&format!("SELECT lease_until <= now() FROM noctule.operations WHERE id = '{operation}'")), "t");
    let again = schema::user_revoke(&centre.owner, tenant, &login).await.expect_err("revoked already");
    assert!(again.to_string().contains("was revoked"), "{again}");

    let back = schema::user_add(&centre.owner, tenant, user(&login, Role::Viewer)).await.expect("back");
    assert!(back.known);
    assert!(connect(&centre, &login, &password).await.is_err(), "the old password is gone");
    let client = connect(&centre, &login, &text(&back.password.expect("a new one"))).await.expect("login");
    assert_eq!(client.query_one("SELECT noctule.role()", &[]).await.expect("asked").get::<_, &str>(0), "viewer");
    assert!(epoch(&centre) > before + 1);
}

#[tokio::test]
async fn who_was_revoked_and_still_holds_a_connection_sees_nothing() {
    let centre = centre().await;
    let tenant = centre.tenant("North").await;
    let login = login_name("kuisma");
    let password = text(&schema::user_add(&centre.owner, tenant, user(&login, Role::Admin)).await.expect("added").password.expect("made"));
    let client = connect(&centre, &login, &password).await.expect("login");
    let rows = "SELECT count(*) FROM noctule.members";
    assert_eq!(client.query_one(rows, &[]).await.expect("asked").get::<_, i64>(0), 1);
    // Only the row: the session lives on, as behind a pooler.
    centre.sql(&format!("UPDATE noctule.members SET revoked_at = now() WHERE login = $q${login}$q$"));
    assert_eq!(client.query_one(rows, &[]).await.expect("asked").get::<_, i64>(0), 0);
    let hello: serde_json::Value = client.query_one("SELECT noctule.hello(2, gen_random_uuid(), 'h')", &[]).await.expect("asked").get(0);
    assert!(hello["denied"].as_str().is_some_and(|words| words.contains("was revoked on")), "{hello}");
}

#[tokio::test]
async fn names_that_are_not_for_operators_are_refused() {
    let centre = centre().await;
    let tenant = centre.tenant("North").await;
    for login in ["postgres", "POSTGRES", "pg_monitor", "noctule_owner", "Noctule_x", "public", "none", "", " x", "a\nb", &"x".repeat(64)] {
        let refused = schema::user_add(&centre.owner, tenant, user(login, Role::Noc)).await.expect_err(login);
        assert!(matches!(&refused, SchemaError::Refused(words) if words.as_str().contains("nothing was changed")), "{login}: {refused}");
    }
    // A login of somebody else's is left alone.
    let theirs = login_name("billing");
    centre.sql(&format!("CREATE ROLE {theirs} LOGIN PASSWORD 'x'"));
    let refused = schema::user_add(&centre.owner, tenant, user(&theirs, Role::Noc)).await.expect_err("theirs");
    assert!(refused.to_string().contains("not an operator of ours"), "{refused}");
    let nobody = schema::user_add(&centre.owner, TenantId(Uuid::now_v7()), user("tuomo", Role::Noc)).await.expect_err("no tenant");
    assert!(nobody.to_string().contains("no tenant"), "{nobody}");
    let lost = schema::user_add(&centre.owner, tenant, user("tuomo", Role::Technician)).await.expect_err("whose tasks?");
    assert!(lost.to_string().contains("needs the technician"), "{lost}");
    let unknown = NewUser { technician: Some(TechnicianId(Uuid::now_v7())), ..user("tuomo", Role::Technician) };
    assert!(schema::user_add(&centre.owner, tenant, unknown).await.expect_err("unknown").to_string().contains("no technician"));
    assert_eq!(centre.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'tuomo'"), "0");
}

#[tokio::test]
async fn one_login_for_two_tenants_is_revoked_from_one() {
    let centre = centre().await;
    let (north, south) = (centre.tenant("North").await, centre.tenant("South").await);
    let login = login_name("liisa");
    let password = text(&schema::user_add(&centre.owner, north, user(&login, Role::Admin)).await.expect("added").password.expect("made"));
    let second = schema::user_add(&centre.owner, south, user(&login, Role::Viewer)).await.expect("added");
    assert!(second.known && second.password.is_none());
    let twice = schema::user_add(&centre.owner, south, user(&login, Role::Viewer)).await.expect_err("twice");
    assert!(twice.to_string().contains("already"), "{twice}");
    let revoked = schema::user_revoke(&centre.owner, north, &login).await.expect("revoked");
    assert!(!revoked.login_ended);
    let dsn = centre.cluster.dsn(&login, &password, centre.database.name());
    let seen =
        |tenant: TenantId| as_login(&centre, &dsn, &format!("SET noctule.tenant = '{tenant}'; SELECT coalesce(noctule.role(), 'none')"));
    assert_eq!((seen(north), seen(south)), ("none".to_owned(), "viewer".to_owned()));

    schema::user_set_role(&centre.owner, south, &login, Role::Dispatcher, None).await.expect("role");
    assert_eq!(seen(south), "dispatcher");
    let list = schema::user_list(&centre.owner, south).await.expect("list");
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].login.as_str(), list[0].role, list[0].revoked_at), (login.as_str(), Role::Dispatcher, None));
    assert!(schema::user_list(&centre.owner, north).await.expect("list")[0].revoked_at.is_some());
    // What was done to people stands in the tenant's audit log.
    let told = centre.sql(&format!(
        "SELECT string_agg((body::jsonb)->'entry'->>'action', ' ' ORDER BY seq) FROM noctule.audit WHERE tenant_id = '{south}'"
    ));
    assert_eq!(told, "user-add user-role");
}

#[tokio::test]
async fn an_owner_without_superuser_does_all_of_it() {
    let owner_name = login_name("keeper");
    // A cluster of its own: in the shared one a superuser has made the roles, and on 16 and later only he could then hand them on.
    let cluster = noctule_testbed::Postgres::start().expect("a cluster");
    let database = cluster.create_database().expect("a database");
    cluster
        .query(
            database.dsn(),
            &format!(
                "CREATE ROLE {owner_name} LOGIN CREATEROLE PASSWORD 'keeper-password'; GRANT CREATE ON DATABASE {} TO {owner_name}",
                database.name()
            ),
        )
        .expect("the keeper");
    let owner = OwnerConfig::from_url(&cluster.dsn(&owner_name, "keeper-password", database.name())).expect("a URL");
    let tenant = TenantId(Uuid::now_v7());
    schema::init(&owner, Some((tenant, "North"))).await.expect("init");
    schema::init(&owner, Some((tenant, "North"))).await.expect("init twice");
    let added = schema::user_add(&owner, tenant, user("aune", Role::Noc)).await.expect("added");
    assert!(added.note.as_ref().is_some_and(|note| note.as_str().contains("only a superuser")), "{:?}", added.note);
    let dsn = cluster.dsn("aune", &text(&added.password.expect("made")), database.name());
    let seen = cluster.query(&dsn, &format!("SET noctule.tenant = '{tenant}'; SELECT noctule.role()")).expect("asked");
    assert_eq!(seen, "noc");
    let (client, connection) = tokio_postgres::connect(&dsn, NoTls).await.expect("login");
    let connection = tokio::spawn(connection);
    client.query_one("SELECT 1", &[]).await.expect("alive");
    let revoked = schema::user_revoke(&owner, tenant, "aune").await.expect("revoked");
    assert_eq!((revoked.sessions, revoked.note), (1, None));
    tokio::time::timeout(Duration::from_secs(10), connection).await.expect("ends").expect("runs").expect_err("was ended");
    // The right to end it was borrowed.
    let left = cluster.query(
        database.dsn(),
        &format!("SELECT count(*) FROM pg_auth_members WHERE roleid = 'aune'::regrole AND member = '{owner_name}'::regrole"),
    );
    assert_eq!(left.expect("asked"), "0");
    schema::status(&owner).await.expect("status");
    schema::cleanup(&owner, Duration::from_secs(7 * 86_400)).await.expect("cleanup");

    // Somebody without these rights is told so.
    cluster.query(database.dsn(), "CREATE ROLE mere LOGIN PASSWORD 'mere-password'").expect("a login");
    let mere = OwnerConfig::from_url(&cluster.dsn("mere", "mere-password", database.name())).expect("a URL");
    for told in [
        schema::init(&mere, None).await.map(drop),
        schema::upgrade(&mere).await.map(drop),
        schema::user_list(&mere, tenant).await.map(drop),
    ] {
        let told = told.expect_err("no rights").to_string();
        assert!(told.contains("noctule_owner"), "{told}");
    }
}

#[tokio::test]
async fn members_are_not_deleted() {
    let centre = centre().await;
    let tenant = centre.tenant("North").await;
    let login = login_name("eetu");
    schema::user_add(&centre.owner, tenant, user(&login, Role::Noc)).await.expect("added");
    let told = cluster().psql(centre.database.dsn(), "DELETE FROM noctule.members").expect("psql");
    assert!(told.stderr.contains("revoked, not deleted"), "{}", told.stderr);
}
