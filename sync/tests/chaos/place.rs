//! A centre of a run's own: a cluster, a database with the schema, two tenants, operators, a small provider, and an observer in the database
//! that writes down every change of a row in the order in which it was made. The observer knows nothing of ops: it is the other witness.

use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_domain::{ConsoleId, TechnicianId, TenantId};
use noctule_sync::connect::{CentreConfig, Tls};
use noctule_sync::schema::{self, NewUser, OwnerConfig};
use noctule_testbed::{Postgres, PostgresOptions};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;
use uuid::Uuid;

pub const PASSWORD: &str = "chaos is a ladder";
pub const TASKS: u128 = 10;
pub const SUBSCRIBERS: u128 = 5;
pub const TECHNICIANS: u128 = 3;

/// Ids that say what they are: easy to find in a failure.
pub fn technician(n: u128) -> Uuid {
    Uuid::from_u128(0xe000_0000_0000_4000_8000_0000_0000_0000 + n)
}

pub fn subscriber(n: u128) -> Uuid {
    Uuid::from_u128(0x5000_0000_0000_4000_8000_0000_0000_0000 + n)
}

pub fn task(n: u128) -> Uuid {
    Uuid::from_u128(0x7000_0000_0000_4000_8000_0000_0000_0000 + n)
}

/// An operator of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub name: String,
    pub role: Role,
    /// Whose work is own.
    pub technician: Option<Uuid>,
}

pub struct Place {
    pub postgres: Postgres,
    /// Its name: the server may become another one.
    pub database: String,
    pub tenant: TenantId,
    pub foreign: TenantId,
    pub logins: Vec<Login>,
}

impl Place {
    pub async fn new(options: PostgresOptions) -> Self {
        let postgres = Postgres::start_with(options).expect("a cluster");
        let database = postgres.create_database().expect("a database");
        let owner = OwnerConfig::from_url(database.dsn()).expect("the owner's URL");
        let (tenant, foreign) = (TenantId(Uuid::from_u128(0xa1)), TenantId(Uuid::from_u128(0xb2)));
        schema::init(&owner, Some((tenant, "North"))).await.expect("the schema is made");
        schema::tenant_add(&owner, Some(foreign), "South", None).await.expect("the other tenant is made");
        let mut place = Self { postgres, database: database.name().to_owned(), tenant, foreign, logins: Vec::new() };
        place.sql(&people_and_work(tenant));
        place.sql(&people_and_work(foreign));
        for (name, role, own) in [
            ("ada", Role::Dispatcher, None),
            ("tilda", Role::Technician, Some(technician(0))),
            ("berit", Role::Dispatcher, None),
            ("nora", Role::Noc, None),
        ] {
            let user =
                NewUser { login: name, role, full_name: name, technician: own.map(TechnicianId), password: Some(Secret::new(PASSWORD)) };
            schema::user_add(&owner, tenant, user).await.expect("an operator is added");
            place.logins.push(Login { name: name.to_owned(), role, technician: own });
        }
        place.sql(OBSERVER);
        place
    }

    /// Statements as the superuser, for whom row-level security does not count.
    pub fn sql(&self, sql: &str) -> String {
        let sql = format!("SET TIME ZONE 'UTC';\n{sql}");
        self.postgres.query(&self.postgres.superuser_dsn(&self.database), &sql).unwrap_or_else(|error| panic!("{error}\n{sql}"))
    }

    pub fn json(&self, sql: &str) -> serde_json::Value {
        let text = self.sql(sql);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{sql}"))
    }

    pub fn addr(&self) -> SocketAddr {
        format!("{}:{}", self.postgres.host(), self.postgres.port()).parse().expect("an address")
    }

    /// The way of one operator, over `through`.
    pub fn config(&self, login: &Login, through: &[SocketAddr]) -> CentreConfig {
        config(&self.database, self.tenant, &login.name, through)
    }

    /// Everything that the other tenant has, as one number: nothing of what happens here may move it.
    pub fn foreign_mark(&self) -> String {
        let foreign = self.foreign;
        let of =
            |table: &str| format!("SELECT '{table}' || to_jsonb(t)::text AS line FROM noctule.{table} AS t WHERE tenant_id = '{foreign}'");
        let all: Vec<String> = [
            "nas",
            "technicians",
            "subscribers",
            "sessions",
            "tasks",
            "operations",
            "time_entries",
            "assignments",
            "ops",
            "audit",
            "feed",
            "presence",
        ]
        .iter()
        .map(|table| of(table))
        .collect();
        self.sql(&format!("SELECT count(*) || ' ' || md5(string_agg(line, E'\\n' ORDER BY line)) FROM ({}) AS x", all.join(" UNION ALL ")))
    }
}

pub fn config(database: &str, tenant: TenantId, login: &str, hosts: &[SocketAddr]) -> CentreConfig {
    CentreConfig {
        hosts: hosts.iter().map(|addr| (addr.ip().to_string(), addr.port())).collect(),
        database: database.to_owned(),
        user: login.to_owned(),
        password: Some(Secret::new(PASSWORD)),
        tls: Tls::Off,
        tenant,
        console: ConsoleId(Uuid::now_v7()),
        connect_timeout: Duration::from_millis(1500),
        call_timeout: Duration::from_millis(2500),
        application: "chaos".to_owned(),
    }
}

/// The last two tasks wait for the two first; the three before them have nobody.
fn people_and_work(tenant: TenantId) -> String {
    let mut sql = String::from("BEGIN;");
    for n in 0..TECHNICIANS {
        sql += &format!(
            "INSERT INTO noctule.technicians (tenant_id, id, employee_id, name, status, skill_level, time_zone, work_from_min, work_to_min, on_call,
                available_for_emergency) VALUES ('{tenant}', '{}', 'E-{n}', 'Technician {n}', 'available', 'senior', 'UTC', 480, 960, false, true);",
            technician(n)
        );
    }
    for n in 0..SUBSCRIBERS {
        sql += &format!(
            "INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, status, state, mode, notes)
                VALUES ('{tenant}', '{}', 'S-{n}', 'user{n}', 'Subscriber {n}', 'active', 'pending', 'pd', {});",
            subscriber(n),
            if n % 2 == 0 { "'gate code 12'" } else { "NULL" }
        );
    }
    for n in 0..TASKS {
        let (status, who) = match n {
            0 | 1 => ("in_progress", Some(0)),
            2..=4 => ("assigned", Some(n % TECHNICIANS)),
            5..=7 => ("ready", None),
            _ => ("pending", None),
        };
        let who = who.map_or("NULL".to_owned(), |who| format!("'{}'", technician(who)));
        let before = if n >= 8 { format!("'{{{},{}}}'", task(0), task(1)) } else { "'{}'".to_owned() };
        sql += &format!(
            "INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority, subscriber, technician, depends_on, started_at)
                VALUES ('{tenant}', '{}', 'T-{n}', 'Splice {n}', 'splicing', '{status}', 'normal', '{}', {who}, {before}, {});",
            task(n),
            subscriber(n % SUBSCRIBERS),
            if status == "in_progress" { "now()" } else { "NULL" }
        );
    }
    sql + "COMMIT;"
}

const OBSERVER: &str = "
    CREATE SCHEMA observer;
    CREATE TABLE observer.history (n bigserial PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), tenant uuid, tab text NOT NULL,
        id uuid NOT NULL, old jsonb, new jsonb);
    CREATE FUNCTION observer.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET timezone = 'UTC' AS $$
    BEGIN
        INSERT INTO observer.history (tenant, tab, id, old, new)
        VALUES (coalesce(NEW.tenant_id, OLD.tenant_id), TG_TABLE_NAME, coalesce(NEW.id, OLD.id), to_jsonb(OLD), to_jsonb(NEW));
        RETURN NULL;
    END $$;
    DO $$ DECLARE relation text; BEGIN
        FOREACH relation IN ARRAY '{technicians,subscribers,tasks,time_entries,ops,operations,assignments,nas,sessions}'::text[] LOOP
            EXECUTE format('CREATE TRIGGER observer AFTER INSERT OR UPDATE OR DELETE ON noctule.%I FOR EACH ROW EXECUTE FUNCTION observer.note()', relation);
        END LOOP;
    END $$;
    CREATE TABLE observer.beginning AS
        SELECT 'tasks' AS tab, id, to_jsonb(t) AS row FROM noctule.tasks AS t
        UNION ALL SELECT 'subscribers', id, to_jsonb(t) FROM noctule.subscribers AS t
        UNION ALL SELECT 'technicians', id, to_jsonb(t) FROM noctule.technicians AS t;
";
