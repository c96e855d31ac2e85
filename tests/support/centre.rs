//! A real PostgreSQL as the authority: one cluster and one database for all benches of a test program, a tenant for each bench. Its clock is
//! the server's, so what a test means by "two days later" is done the other way round: the times of the tenant's rows are moved back.

use super::desk::Ran;
use super::plan::At;
use noctule_domain::lifecycle::{OperationView, StepRow};
use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{ConsoleId, OperationId, SafeText, SubscriberId, TenantId, Timestamp};
use noctule_sync::authority::{CentralAuthority, MethodsOf};
use noctule_sync::connect::{Centre, CentreConfig, Tls};
use noctule_sync::schema::{OwnerConfig, init};
use noctule_testbed::Postgres;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

const PASSWORD: &str = "a-password-of-the-tests";

/// Where the centre is, and as whom a console comes. A child process gets it with its plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Central {
    host: String,
    port: u16,
    database: String,
    /// How the superuser connects: for what a test does beside the product.
    owner: String,
    pub login: String,
    /// When the bench began: other times are counted from here.
    began: Timestamp,
}

impl Central {
    /// A tenant of its own in the database of this test program.
    pub async fn new(tenant: TenantId, began: Timestamp) -> Self {
        let (postgres, database) = database().await;
        let central = Self {
            host: postgres.host().to_owned(),
            port: postgres.port(),
            database: database.clone(),
            owner: postgres.superuser_dsn(&database),
            login: login(Role::Admin),
            began,
        };
        let owner = central.owner().await;
        tenant_add(&owner, tenant).await;
        central
    }

    pub async fn owner(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.owner, NoTls).await.expect("the owner connects");
        tokio::spawn(connection);
        client
    }

    pub fn open(&self, tenant: TenantId, console: ConsoleId, now: Timestamp, methods: MethodsOf) -> CentralDesk {
        let centre = Centre::new(CentreConfig {
            hosts: vec![(self.host.clone(), self.port)],
            database: self.database.clone(),
            user: self.login.clone(),
            password: Some(Secret::new(PASSWORD)),
            tls: Tls::Off,
            tenant,
            console,
            connect_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(30),
            application: "tests".to_owned(),
        });
        let authority = CentralAuthority::new(centre, methods, Arc::new(Vec::new)).with_clock(Arc::new(At(now)));
        CentralDesk { authority, central: self.clone(), tenant, later: now - self.began, owner: OnceCell::new(), turned: OnceCell::new() }
    }
}

/// The login of a role. The administrator of the benches is called as in the local store.
pub fn login(role: Role) -> String {
    if role == Role::Admin { "fault".to_owned() } else { format!("fault_{role}") }
}

/// A tenant on which every login is what it is called.
pub async fn tenant_add(owner: &Client, tenant: TenantId) {
    owner.execute("INSERT INTO noctule.tenants (tenant_id, name) VALUES ($1, 'a bench')", &[&tenant.0]).await.expect("a tenant");
    for role in Role::ALL {
        let technician = (*role == Role::Technician).then(uuid::Uuid::now_v7);
        let sql = "INSERT INTO noctule.members (tenant_id, login, role, technician) VALUES ($1, $2, $3, $4)";
        owner.execute(sql, &[&tenant.0, &login(*role), &role.word(), &technician]).await.expect("a member");
    }
    owner.execute("INSERT INTO public.benches (tenant_id) VALUES ($1)", &[&tenant.0]).await.expect("a bench");
}

/// The cluster of this test program, and the name of the one database in it.
async fn database() -> (&'static Postgres, String) {
    static NAME: OnceCell<String> = OnceCell::const_new();
    let postgres = Postgres::shared().expect("a cluster");
    let made = NAME.get_or_init(|| async {
        let database = postgres.create_database().expect("a database");
        init(&OwnerConfig::from_url(database.dsn()).expect("an address"), None).await.expect("the schema");
        let roles: String = Role::ALL
            .iter()
            .map(|role| format!("CREATE ROLE {} LOGIN PASSWORD '{PASSWORD}' IN ROLE noctule_member;", login(*role)))
            .collect();
        // How much later than its beginning it is on a bench.
        let benches = "CREATE TABLE public.benches (tenant_id uuid PRIMARY KEY, later interval NOT NULL DEFAULT '0');";
        postgres.query(database.dsn(), &format!("{roles}{benches}")).expect("the logins");
        database.name().to_owned()
    });
    (postgres, made.await.clone())
}

/// A console at the centre.
pub struct CentralDesk {
    pub authority: CentralAuthority,
    central: Central,
    tenant: TenantId,
    later: chrono::Duration,
    owner: OnceCell<Client>,
    turned: OnceCell<()>,
}

impl CentralDesk {
    async fn look(&self) -> &Client {
        self.owner.get_or_init(|| self.central.owner()).await
    }

    /// Once a desk: it is so much later now than when the bench began, for everything that was written before.
    pub async fn turn_the_clock(&self) {
        self.turned.get_or_init(|| self.turn()).await;
    }

    async fn turn(&self) {
        // In one statement, so that two desks turn one after the other.
        let sql = "WITH was AS (SELECT later FROM public.benches WHERE tenant_id = $1 FOR UPDATE),
                by AS (SELECT make_interval(secs => $2) - later AS by FROM was),
                now AS (UPDATE public.benches SET later = make_interval(secs => $2) WHERE tenant_id = $1),
                held AS (UPDATE noctule.subscribers SET hold_until = hold_until - by FROM by WHERE tenant_id = $1 AND by <> '0'
                    AND hold_until IS NOT NULL)
            UPDATE noctule.operations SET ended_at = ended_at - by, retry_at = retry_at - by, lease_until = lease_until - by,
                watch_until = watch_until - by, watch_next = watch_next - by FROM by WHERE tenant_id = $1 AND by <> '0'";
        let seconds = self.later.num_milliseconds() as f64 / 1000.0;
        self.look().await.execute(sql, &[&self.tenant.0, &seconds]).await.expect("the clock is turned");
    }

    pub async fn subscriber(&self, id: SubscriberId) -> Result<Option<Subscriber>, String> {
        let sql = "SELECT noctule.subscriber_json(s) FROM noctule.subscribers AS s WHERE tenant_id = $1 AND id = $2";
        let row = self.look().await.query_opt(sql, &[&self.tenant.0, &id.0]).await.map_err(|e| e.to_string())?;
        row.map(|row| serde_json::from_value(row.get(0)).map_err(|e| e.to_string())).transpose()
    }

    pub async fn find(&self, number: &str) -> Option<SubscriberId> {
        let sql = "SELECT id FROM noctule.subscribers WHERE tenant_id = $1 AND number = $2";
        self.look().await.query_opt(sql, &[&self.tenant.0, &number]).await.expect("centre").map(|row| SubscriberId(row.get(0)))
    }

    pub async fn operation(&self, id: OperationId) -> Result<Option<OperationView>, String> {
        let sql = "SELECT noctule.operation_json(o), noctule.steps_json(o.tenant_id, o.id)
            FROM noctule.operations AS o WHERE tenant_id = $1 AND id = $2";
        let Some(row) = self.look().await.query_opt(sql, &[&self.tenant.0, &id.0]).await.map_err(|e| e.to_string())? else {
            return Ok(None);
        };
        let operation = serde_json::from_value(row.get(0)).map_err(|e| e.to_string())?;
        let steps: Vec<StepRow> = serde_json::from_value(row.get(1)).map_err(|e| e.to_string())?;
        Ok(Some(OperationView { operation, subscriber_name: SafeText::default(), steps }))
    }

    pub async fn operations(&self) -> Vec<Ran> {
        let sql = "SELECT kind, status FROM noctule.operations WHERE tenant_id = $1 ORDER BY requested_at DESC";
        let rows = self.look().await.query(sql, &[&self.tenant.0]).await.expect("centre");
        let word = |row: &tokio_postgres::Row, at: usize| row.get::<_, String>(at);
        rows.iter()
            .map(|row| Ran { kind: word(row, 0).parse().expect("a kind"), status: word(row, 1).parse().expect("a status") })
            .collect()
    }
}
