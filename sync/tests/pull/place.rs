//! A centre of a test's own, with rows in every table and operators, and the question whether a copy is what the centre holds.

use super::model::{Held, Model};
use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_domain::sync::{Link, Phase, Replica, SyncStatus, TABLES, Table};
use noctule_domain::{ConsoleId, TechnicianId, TenantId};
use noctule_sync::connect::{CentreConfig, Tls};
use noctule_sync::run::{Syncer, SyncerConfig};
use noctule_sync::schema::{self, NewUser, OwnerConfig};
use noctule_testbed::{Database, Postgres, PostgresOptions};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

pub const PASSWORD: &str = "correct horse battery";
/// No condition of a test takes longer, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Place {
    pub postgres: Postgres,
    pub database: Database,
    pub tenant: TenantId,
    pub owner: OwnerConfig,
    /// Whose tasks the technician's are.
    pub technician: Uuid,
}

/// All that a text may hold.
const TEXTS: &str = r#"(ARRAY['plain', '', 'O''Brien "quoted" \N \x00', E'two\nlines\tand\rmore', 'Hämeentie 3, Åbo', '東京都', E'\u202Ertl\u2066', '🛰️', repeat('long ', 300), E'\\.', 'null'])"#;

impl Place {
    pub async fn new() -> Self {
        Self::with(PostgresOptions::default()).await
    }

    pub async fn with(options: PostgresOptions) -> Self {
        let postgres = Postgres::start_with(options).expect("a cluster");
        let database = postgres.create_database().expect("a database");
        let owner = OwnerConfig::from_url(database.dsn()).expect("the owner's URL");
        let tenant = TenantId(Uuid::now_v7());
        schema::init(&owner, Some((tenant, "North"))).await.expect("the schema is made");
        let place = Self { postgres, database, tenant, owner, technician: Uuid::from_u128(0x7ec) };
        place.sql(&format!(
            "INSERT INTO noctule.technicians (tenant_id, id, employee_id, name, status, skill_level, time_zone, work_from_min, work_to_min, on_call, \
             available_for_emergency) VALUES ('{tenant}', '{}', 'E-7', 'Tilda', 'available', 'senior', 'Europe/Helsinki', 480, 960, false, true)",
            place.technician
        ));
        place.user("nora", Role::Noc, None).await;
        place.user("tilda", Role::Technician, Some(place.technician)).await;
        place
    }

    pub async fn user(&self, login: &str, role: Role, technician: Option<Uuid>) {
        let password = Some(Secret::new(PASSWORD));
        let user = NewUser { login, role, full_name: login, technician: technician.map(TechnicianId), password };
        schema::user_add(&self.owner, self.tenant, user).await.expect("an operator is added");
    }

    /// Statements as the superuser, for whom row-level security does not count.
    pub fn sql(&self, sql: &str) -> String {
        self.postgres.query(self.database.dsn(), sql).unwrap_or_else(|error| panic!("{error}\n{sql}"))
    }

    pub fn addr(&self) -> SocketAddr {
        format!("{}:{}", self.postgres.host(), self.postgres.port()).parse().expect("an address")
    }

    pub fn config(&self, login: &str) -> CentreConfig {
        self.config_at(login, &[self.addr()])
    }

    pub fn config_at(&self, login: &str, hosts: &[SocketAddr]) -> CentreConfig {
        CentreConfig {
            hosts: hosts.iter().map(|addr| (addr.ip().to_string(), addr.port())).collect(),
            database: self.database.name().to_owned(),
            user: login.to_owned(),
            password: Some(Secret::new(PASSWORD)),
            tls: Tls::Off,
            tenant: self.tenant,
            console: ConsoleId(Uuid::now_v7()),
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(10),
            application: "noctule test".to_owned(),
        }
    }

    /// Rows in every table, `many` in the large ones; numbers from `from` on, so that it can be called again.
    pub fn fill(&self, from: u32, many: u32) {
        let (tenant, to) = (self.tenant, from + many - 1);
        let id = |kind: &str| format!("md5('{kind}' || n || '{tenant}')::uuid");
        let (nas, sub, task, tech) = (id("nas"), id("sub"), id("task"), self.technician);
        let text = format!("{TEXTS}[1 + n % 11]");
        let real = "(ARRAY[0, 1.5, -1e300, 1e-300, 0.1::float8, 123456789.123456789])[1 + n % 6]";
        let time =
            "(ARRAY['1970-01-01Z', '0001-01-01Z', '9999-12-31 23:59:59.999999Z', '2026-03-01 12:00:00.000001Z']::timestamptz[])[1 + n % 4]";
        self.sql(&format!(
            "BEGIN;
             INSERT INTO noctule.nas (tenant_id, id, name, profile, address, secret, site, lat, lng, acks, last_answer_at)
               SELECT '{tenant}', {nas}, 'nas ' || n || {text}, {text}, '192.0.2.1:3799', 'env:UNUSED', {text}, {real}, 2.5, n, {time}
               FROM generate_series({from}, {from} + 9) n;
             INSERT INTO noctule.pools (tenant_id, netbox_id, prefix, status, description, delegated_len, used, seen_at)
               SELECT '{tenant}', n, '2001:db8::/32', 'active', {text}, 56, n, {time} FROM generate_series({from}, {from} + 9) n;
             INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, email, status, lat, lng, notes, state, mode, nas, vlan, prefix,
                 vrf, hold_until, download_kbps, balance_flag)
               SELECT '{tenant}', {sub}, 'S-' || n, 'user' || n, {text}, {text}, 'active', {real}, 0, {text}, 'pending', 'pd',
                 CASE WHEN n % 3 = 0 THEN md5('nas{from}{tenant}')::uuid END, n % 4096, ('2001:db8:' || to_hex(n % 65536) || '::/56')::cidr, n, {time},
                 9223372036854775807 - n, n % 2 = 0
               FROM generate_series({from}, {to}) n;
             INSERT INTO noctule.sessions (tenant_id, id, nas, acct_session_id, delegated_prefix, started_at, seen_at, accounting_key,
                 framed_prefix, input_octets, output_octets)
               SELECT '{tenant}', {sub}, md5('nas{from}{tenant}')::uuid, {text}, '2001:db8::/56', {time}, {time},
                 CASE WHEN n % 2 = 0 THEN 'key ' || n END, CASE WHEN n % 2 = 0 THEN '2001:db8:f::/64'::cidr END, n, 9223372036854775807 - n
               FROM generate_series({from}, {to}) n WHERE n % 5 = 0;
             INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority, subscriber, technician, address, notes, depends_on,
                 scheduled_at, estimate_min)
               SELECT '{tenant}', {task}, 'T-' || n, {text}, 'splicing', 'pending', 'normal', {sub}, CASE WHEN n % 4 = 0 THEN '{tech}'::uuid END, {text},
                 {text}, CASE WHEN n % 2 = 0 THEN ARRAY[md5(n::text)::uuid] ELSE '{{}}' END, {time}, n
               FROM generate_series({from}, {to}) n;
             INSERT INTO noctule.operations (tenant_id, id, subscriber, kind, status, actor, role, origin, options, requested_at, plan, progress, before,
                 ended_at, error)
               SELECT '{tenant}', md5('op' || n || '{tenant}')::uuid, {sub}, 'suspend', 'failed', 'nora', 'noc', {text}, to_jsonb({text}), {time}, '[]', '{{}}',
                 '{{}}', {time}, {text} FROM generate_series({from}, {to}) n WHERE n % 7 = 0;
             INSERT INTO noctule.operation_steps (tenant_id, operation, seq, step, attempt, upstream, request, status, answer, started_at, ended_at)
               SELECT '{tenant}', md5('op' || n || '{tenant}')::uuid, s, 'nas_coa', s, 'nas', {text}, 'done', {text}, {time}, {time}
               FROM generate_series({from}, {to}) n, generate_series(1, 3) s WHERE n % 7 = 0;
             INSERT INTO noctule.time_entries (tenant_id, id, technician, kind, started_at, ended_at, start_lat, notes)
               SELECT '{tenant}', md5('time' || n || '{tenant}')::uuid, '{tech}', 'travel', {time}, {time}, {real}, {text}
               FROM generate_series({from}, {to}) n WHERE n % 3 = 0;
             INSERT INTO noctule.assignments (tenant_id, id, task, technician, starts_at, ends_at, status)
               SELECT '{tenant}', md5('as' || n || '{tenant}')::uuid, {task}, '{tech}', '2026-01-01Z', '2026-01-02Z', 'completed'
               FROM generate_series({from}, {to}) n WHERE n % 3 = 0;
             COMMIT;"
        ));
    }

    pub async fn superuser(&self) -> Client {
        superuser(self.database.dsn()).await
    }

    /// What the centre holds of a table, by a way of its own: one query in the binary form, no COPY, no view's rights. `only`: a condition on w.
    pub async fn held(&self, client: &Client, table: Table, only: &str) -> Held {
        let columns: Vec<String> = table.columns().iter().map(|column| format!("w.{}", column.name)).collect();
        let sql = format!("SELECT {} FROM noctule.wire_{table} w WHERE w.tenant_id = '{}' AND {only}", columns.join(", "), self.tenant);
        let mut held = Held::new();
        for row in client.query(&sql, &[]).await.expect("the centre is asked") {
            let mut bytes = Vec::new();
            for at in 0..columns.len() {
                match row.get::<_, Option<Raw>>(at) {
                    None => bytes.extend((-1i32).to_be_bytes()),
                    Some(Raw(value)) => {
                        bytes.extend(i32::try_from(value.len()).expect("short").to_be_bytes());
                        bytes.extend(value);
                    }
                }
            }
            held.insert(row.get(0), bytes);
        }
        held
    }

    /// Fails unless the copy holds exactly what the centre does.
    pub async fn must_equal(&self, model: &Model) {
        let client = self.superuser().await;
        for table in TABLES {
            same(*table, &model.rows(*table), &self.held(&client, *table, "true").await);
        }
    }
}

pub fn same(table: Table, ours: &Held, theirs: &Held) {
    let missing: Vec<_> = theirs.keys().filter(|id| !ours.contains_key(id)).collect();
    let ghosts: Vec<_> = ours.keys().filter(|id| !theirs.contains_key(id)).collect();
    let stale: Vec<_> = ours.iter().filter(|(id, row)| theirs.get(id).is_some_and(|there| there != *row)).map(|(id, _)| id).collect();
    assert!(
        missing.is_empty() && ghosts.is_empty() && stale.is_empty(),
        "{table}: missing {missing:?}, ghosts {ghosts:?}, stale {stale:?}"
    );
}

pub async fn superuser(dsn: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(dsn, NoTls).await.expect("the superuser connects");
    tokio::spawn(connection);
    client
}

struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(raw.to_vec()))
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

pub fn syncer_config(centre: CentreConfig, replica: impl Replica) -> SyncerConfig {
    SyncerConfig {
        centre,
        read: None,
        replica: Arc::new(replica),
        lead: Arc::new(|| true),
        poll: Duration::from_millis(500),
        listen: true,
        host: "testhost".to_owned(),
    }
}

/// Live, with a copy that came whole. (While it comes the link is live already, and the phase tells how far it is.)
pub fn live(status: &SyncStatus) -> bool {
    status.link == Link::Live && status.phase == Phase::Idle && status.fresh_at.is_some()
}

/// Waits for a status.
pub async fn until(syncer: &Syncer, what: &str, fits: impl FnMut(&SyncStatus) -> bool) -> SyncStatus {
    let mut status = syncer.status();
    match tokio::time::timeout(PATIENCE, status.wait_for(fits)).await {
        Ok(found) => found.expect("the syncer runs").clone(),
        Err(_) => panic!("not within {PATIENCE:?}: {what}; it is {:?}", syncer.status().borrow().clone()),
    }
}

/// Waits for a state of the model.
pub async fn until_model(model: &Model, what: &str, mut fits: impl FnMut(&Model) -> bool) {
    let wait = async {
        loop {
            let changed = model.changed.notified();
            if fits(model) {
                return;
            }
            changed.await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"));
}
