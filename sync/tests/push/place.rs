//! A centre of a test's own, operators by role, rows to change, and short ways to make ops and push them.

use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_domain::sync::{Answer, Change, FieldChange, Op};
use noctule_domain::{ConsoleId, OpId, SubscriberId, TaskId, TechnicianId, TenantId, Timestamp};
use noctule_sync::connect::{Centre, CentreConfig, CentreError, Tls};
use noctule_sync::schema;
use noctule_testbed::{Database, Postgres};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio_postgres::types::Json;
use uuid::Uuid;

pub const PASSWORD: &str = "a-password-of-the-tests";
static SEQ: AtomicI64 = AtomicI64::new(1);

pub struct Place {
    pub postgres: &'static Postgres,
    pub database: Database,
    pub tenant: TenantId,
    mark: String,
}

impl Place {
    pub async fn new() -> Self {
        let postgres = Postgres::shared().expect("a cluster");
        let database = postgres.create_database().expect("a database");
        let admin = "DO $$ BEGIN CREATE ROLE noctule_owner NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
            DO $$ BEGIN CREATE ROLE noctule_member NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
            CREATE EXTENSION btree_gist; CREATE SCHEMA noctule AUTHORIZATION noctule_owner;";
        postgres.query(database.dsn(), admin).expect("the roles");
        let all: Vec<&str> =
            std::iter::once("SET ROLE noctule_owner;").chain(schema::MIGRATIONS.iter().map(|migration| migration.sql)).collect();
        postgres.query(database.dsn(), &all.join("\n")).expect("the schema");
        let mark = Uuid::new_v4().simple().to_string()[..12].to_owned();
        let place = Self { postgres, database, tenant: TenantId(Uuid::now_v7()), mark };
        place.sql(&format!("INSERT INTO noctule.tenants (tenant_id, name) VALUES ('{}', 'Tests')", place.tenant));
        place
    }

    /// Statements as the superuser, for whom row-level security does not count.
    pub fn sql(&self, sql: &str) -> String {
        self.postgres.query(self.database.dsn(), sql).unwrap_or_else(|e| panic!("{e}\n{sql}"))
    }

    /// One value of the tenant's rows as JSON.
    pub fn row(&self, table: &str, id: Uuid) -> Value {
        let text = self.sql(&format!("SELECT to_jsonb(t) FROM noctule.{table} AS t WHERE tenant_id = '{}' AND id = '{id}'", self.tenant));
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("a row") }
    }

    pub fn count(&self, what: &str) -> i64 {
        self.sql(&format!("SELECT count(*) FROM noctule.{what}")).parse().expect("a number")
    }

    pub fn login(&self, name: &str, role: Role, technician: Option<TechnicianId>) -> String {
        let login = format!("{name}_{}", self.mark);
        let technician = technician.map_or("NULL".to_owned(), |id| format!("'{id}'"));
        self.sql(&format!(
            "CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' IN ROLE noctule_member;
             INSERT INTO noctule.members (tenant_id, login, role, technician) VALUES ('{}', '{login}', '{role}', {technician})",
            self.tenant
        ));
        login
    }

    pub fn config(&self, login: &str) -> CentreConfig {
        CentreConfig {
            hosts: vec![(self.postgres.host().to_owned(), self.postgres.port())],
            database: self.database.name().to_owned(),
            user: login.to_owned(),
            password: Some(Secret::new(PASSWORD)),
            tls: Tls::Off,
            tenant: self.tenant,
            console: ConsoleId(Uuid::now_v7()),
            connect_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(60),
            application: "tests".to_owned(),
        }
    }

    /// A console of a new operator.
    pub fn console(&self, name: &str, role: Role) -> Centre {
        Centre::new(self.config(&self.login(name, role, None)))
    }

    /// The superuser, who counts as an owner of the schema.
    pub fn owner(&self) -> Centre {
        let mut config = self.config(self.postgres.superuser());
        config.password = Some(Secret::new(self.postgres.superuser_password()));
        Centre::new(config)
    }

    pub fn task(&self, more: &[(&str, &str)]) -> TaskId {
        let id = Uuid::now_v7();
        self.insert(
            "tasks",
            id,
            &[
                ("number", &format!("'T-{id}'")),
                ("title", "'Splice'"),
                ("task_type", "'splicing'"),
                ("status", "'pending'"),
                ("priority", "'normal'"),
            ],
            more,
        );
        TaskId(id)
    }

    pub fn technician(&self) -> TechnicianId {
        let id = Uuid::now_v7();
        let columns = [
            ("employee_id", format!("'E-{id}'")),
            ("name", "'Mikko'".into()),
            ("status", "'available'".into()),
            ("skill_level", "'senior'".into()),
            ("time_zone", "'Europe/Helsinki'".into()),
            ("work_from_min", "480".into()),
            ("work_to_min", "960".into()),
            ("on_call", "false".into()),
            ("available_for_emergency", "false".into()),
        ];
        let columns: Vec<(&str, &str)> = columns.iter().map(|(n, v): &(&str, String)| (*n, v.as_str())).collect();
        self.insert("technicians", id, &columns, &[]);
        TechnicianId(id)
    }

    pub fn subscriber(&self, more: &[(&str, &str)]) -> SubscriberId {
        let id = Uuid::now_v7();
        let (number, username) = (format!("'N-{id}'"), format!("'u-{id}'"));
        let columns = [
            ("number", number.as_str()),
            ("username", &username),
            ("full_name", "'Anna'"),
            ("status", "'active'"),
            ("state", "'pending'"),
            ("mode", "'pd'"),
        ];
        self.insert("subscribers", id, &columns, more);
        SubscriberId(id)
    }

    fn insert(&self, table: &str, id: Uuid, columns: &[(&str, &str)], more: &[(&str, &str)]) {
        let kept: Vec<&(&str, &str)> = columns.iter().filter(|(name, _)| !more.iter().any(|(m, _)| m == name)).chain(more).collect();
        let names: Vec<&str> = kept.iter().map(|(name, _)| *name).collect();
        let values: Vec<&str> = kept.iter().map(|(_, value)| *value).collect();
        self.sql(&format!(
            "INSERT INTO noctule.{table} (tenant_id, id, {}) VALUES ('{}', '{id}', {})",
            names.join(", "),
            self.tenant,
            values.join(", ")
        ));
    }
}

pub fn op(change: Change) -> Op {
    Op {
        id: OpId(Uuid::now_v7()),
        seq: SEQ.fetch_add(1, Ordering::Relaxed),
        made_at: now(),
        origin: "laptop pts/3".into(),
        reason: None,
        change,
    }
}

pub fn now() -> Timestamp {
    use chrono::SubsecRound;
    chrono::Utc::now().trunc_subsecs(6)
}

pub fn fields(changes: &[(&str, Value, Value)]) -> std::collections::BTreeMap<String, FieldChange> {
    changes.iter().map(|(name, was, new)| ((*name).to_owned(), FieldChange { was: was.clone(), new: new.clone() })).collect()
}

pub fn task_edit(task: TaskId, changes: &[(&str, Value, Value)]) -> Op {
    op(Change::TaskEdit { task, seen_version: 1, fields: fields(changes) })
}

pub fn subscriber_edit(subscriber: SubscriberId, changes: &[(&str, Value, Value)]) -> Op {
    op(Change::SubscriberEdit { subscriber, seen_version: 1, fields: fields(changes) })
}

/// Pushes raw JSON; answers by op id.
pub async fn push_json(centre: &Centre, ops: &Value) -> Result<HashMap<String, (Answer, Option<u64>)>, CentreError> {
    let answers = centre.call("push", &[&centre.config().console.0, &Json(ops)]).await?;
    let rows = answers.as_array().expect("an array of answers");
    let read: HashMap<String, (Answer, Option<u64>)> = rows
        .iter()
        .map(|row| {
            let answer = serde_json::from_value(row["answer"].clone()).unwrap_or_else(|e| panic!("{e}: {row}"));
            let _: Timestamp = serde_json::from_value(row["at"].clone()).expect("a time");
            (
                row["op"].as_str().map_or(row["op"].to_string(), str::to_owned),
                (answer, row["xid"].as_str().map(|x| x.parse().expect("an xid"))),
            )
        })
        .collect();
    assert_eq!(read.len(), rows.len(), "one answer an op: {answers}");
    Ok(read)
}

/// Pushes ops; their answers in the same order.
pub async fn push(centre: &Centre, ops: &[Op]) -> Vec<Answer> {
    let answers = push_json(centre, &json!(ops)).await.unwrap_or_else(|e| panic!("push: {e}"));
    ops.iter().map(|op| answers.get(&op.id.to_string()).unwrap_or_else(|| panic!("no answer to {op:?}")).0.clone()).collect()
}

pub async fn push_one(centre: &Centre, op: &Op) -> Answer {
    push(centre, std::slice::from_ref(op)).await.remove(0)
}

pub fn applied(answer: &Answer) -> bool {
    matches!(answer, Answer::Applied { .. })
}

pub fn refused(answer: &Answer) -> &str {
    match answer {
        Answer::Refused { why } => why.as_str(),
        other => panic!("not refused: {other:?}"),
    }
}
