//! A centre of a test's own: a database with the schema in a cluster that the tests of this process share, one tenant, operators by role.

use noctule_domain::lifecycle::{Actor, Methods, OperationKind, OperationOptions};
use noctule_domain::nas::Method;
use noctule_domain::permission::Role;
use noctule_domain::ports::{Authority, BeginOperation, Begun};
use noctule_domain::secret::Secret;
use noctule_domain::{ConsoleId, OperationId, SubscriberId, TenantId};
use noctule_sync::authority::CentralAuthority;
use noctule_sync::connect::{Centre, CentreConfig, Tls};
use noctule_sync::schema::{OwnerConfig, init};
use noctule_testbed::{Database, Postgres};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

pub const PROFILE: &str = "plain";

pub struct Place {
    pub postgres: &'static Postgres,
    pub database: Database,
    pub tenant: TenantId,
    /// The last part of the names of this place's logins, which a cluster has only once.
    mark: String,
    /// What this machine says of consoles that are gone.
    pub dead: Arc<Mutex<Vec<ConsoleId>>>,
}

impl Place {
    pub async fn new() -> Self {
        let postgres = Postgres::shared().expect("a cluster");
        let database = postgres.create_database().expect("a database");
        let owner = OwnerConfig::from_url(database.dsn()).expect("an address");
        init(&owner, None).await.expect("the schema");
        let mark = Uuid::new_v4().simple().to_string()[..12].to_owned();
        let place = Self { postgres, database, tenant: TenantId(Uuid::now_v7()), mark, dead: Arc::default() };
        place.tenant_add(place.tenant).await;
        place
    }

    pub async fn tenant_add(&self, tenant: TenantId) {
        self.sql(&format!("INSERT INTO noctule.tenants (tenant_id, name) VALUES ('{tenant}', 'Tenant {tenant}')"));
    }

    /// Statements as the superuser, for whom row-level security does not count.
    pub fn sql(&self, sql: &str) -> String {
        self.postgres.query(self.database.dsn(), sql).unwrap_or_else(|e| panic!("{e}\n{sql}"))
    }

    /// The login of an operator of this role, made when first asked for.
    pub fn login(&self, role: Role) -> String {
        self.login_named(role.word(), role)
    }

    pub fn login_named(&self, name: &str, role: Role) -> String {
        let login = format!("{name}_{}", self.mark);
        let technician = if role == Role::Technician { "gen_random_uuid()" } else { "NULL" };
        self.sql(&format!(
            "DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}') THEN
                    CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' IN ROLE noctule_member;
                END IF;
            END $$;
            INSERT INTO noctule.members (tenant_id, login, role, technician) VALUES ('{}', '{login}', '{role}', {technician})
                ON CONFLICT DO NOTHING",
            self.tenant
        ));
        login
    }

    pub fn centre(&self, login: &str, console: ConsoleId) -> Centre {
        Centre::new(self.config(login, console))
    }

    pub fn config(&self, login: &str, console: ConsoleId) -> CentreConfig {
        CentreConfig {
            hosts: vec![(self.postgres.host().to_owned(), self.postgres.port())],
            database: self.database.name().to_owned(),
            user: login.to_owned(),
            password: Some(Secret::new(PASSWORD)),
            tls: Tls::Off,
            tenant: self.tenant,
            console,
            connect_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(30),
            application: "tests".to_owned(),
        }
    }

    /// A console of an operator.
    pub fn console(&self, login: &str) -> CentralAuthority {
        self.console_known(login, ConsoleId(Uuid::now_v7()))
    }

    pub fn console_known(&self, login: &str, console: ConsoleId) -> CentralAuthority {
        self.over(self.centre(login, console))
    }

    pub fn over(&self, centre: Centre) -> CentralAuthority {
        let dead = self.dead.clone();
        CentralAuthority::new(centre, Arc::new(methods), Arc::new(move || dead.lock().expect("lock").clone()))
    }

    /// The console of an operator who may do all of the lifecycle.
    pub fn noc(&self) -> CentralAuthority {
        self.console(&self.login(Role::Noc))
    }

    /// A client made by hand: a plain connection as an operator, on this tenant.
    pub async fn by_hand(&self, login: &str) -> Client {
        let dsn = format!("{}?options=-c%20noctule.tenant%3D{}", self.postgres.dsn(login, PASSWORD, self.database.name()), self.tenant);
        connect(&dsn).await
    }

    /// The superuser, with the tenant set.
    pub async fn owner(&self) -> Client {
        let client = connect(self.database.dsn()).await;
        client.execute("SELECT set_config('noctule.tenant', $1, false)", &[&self.tenant.to_string()]).await.expect("the tenant is set");
        client
    }

    /// Whether AAA is ours, from the next operation on.
    pub fn aaa(&self, on: bool) {
        self.sql(&format!("UPDATE noctule.tenants SET aaa = {on} WHERE tenant_id = '{}'", self.tenant));
    }

    /// A NAS of the profile that consoles know.
    pub fn nas(&self) -> Uuid {
        let id = Uuid::now_v7();
        self.sql(&format!(
            "INSERT INTO noctule.nas (tenant_id, id, name, profile, address, secret)
             VALUES ('{}', '{id}', 'bng-{id}', '{PROFILE}', '192.0.2.1:3799', 'env:UNUSED')",
            self.tenant
        ));
        id
    }

    /// A pending subscriber of mode pd; `more` are further columns and their values.
    pub fn subscriber(&self, more: &[(&str, &str)]) -> SubscriberId {
        let id = Uuid::now_v7();
        let mut columns = vec![("number", format!("'N-{id}'")), ("username", format!("'u-{id}'")), ("full_name", "'Anna'".to_owned())];
        columns.extend([("status", "'active'".to_owned()), ("state", "'pending'".to_owned()), ("mode", "'pd'".to_owned())]);
        for (name, value) in more {
            columns.retain(|(column, _)| column != name);
            columns.push((name, (*value).to_owned()));
        }
        let (names, values): (Vec<&str>, Vec<String>) = columns.into_iter().unzip();
        self.sql(&format!(
            "INSERT INTO noctule.subscribers (tenant_id, id, {}) VALUES ('{}', '{id}', {})",
            names.join(", "),
            self.tenant,
            values.join(", ")
        ));
        SubscriberId(id)
    }

    /// A subscriber in service: active, acknowledged, with a prefix that NetBox knows, a NAS and a session on it.
    pub fn in_service(&self, number: u16) -> SubscriberId {
        let nas = self.nas();
        let subscriber = self.subscriber(&[
            ("state", "'active'"),
            ("enforcement", "'acknowledged'"),
            ("prefix", &format!("'2001:db8:{number:x}::/56'")),
            ("netbox_prefix_id", &number.to_string()),
            ("nas", &format!("'{nas}'")),
        ]);
        self.session(subscriber, nas);
        subscriber
    }

    pub fn session(&self, subscriber: SubscriberId, nas: Uuid) {
        self.sql(&format!(
            "INSERT INTO noctule.sessions (tenant_id, id, nas, acct_session_id, started_at, seen_at)
             VALUES ('{}', '{subscriber}', '{nas}', 's-1', now(), now())",
            self.tenant
        ));
    }
}

pub const PASSWORD: &str = "a-password-of-the-tests";

fn methods(profile: &str) -> Option<Methods> {
    let all = Methods { activate: Method::CoaPrefix, suspend: Method::CoaFilter, resume: Method::DisconnectThenLogin };
    (profile == PROFILE).then_some(all)
}

async fn connect(dsn: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(dsn, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

pub fn request(subscriber: SubscriberId, kind: OperationKind) -> BeginOperation {
    BeginOperation {
        id: OperationId(Uuid::now_v7()),
        subscriber,
        kind,
        // Both are ignored: the login counts.
        actor: Actor { name: "nobody".into(), role: Role::Admin, origin: "tests".into() },
        options: OperationOptions::default(),
        expected_version: None,
    }
}

/// Begins, and expects it to begin.
pub async fn begun(console: &CentralAuthority, request: BeginOperation) -> noctule_domain::lifecycle::Operation {
    match console.begin(request).await.unwrap_or_else(|e| panic!("it does not begin: {e}")) {
        Begun::Started(operation) => *operation,
        Begun::AlreadyThere(subscriber) => panic!("already there: {:?}", subscriber.ipv6),
    }
}
