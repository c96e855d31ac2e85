//! 10,000 queued ops pushed by the real way (outbox in memory, JSON, batches, conflict detection, answers, audit) against ONE statement that does
//! the same work on the same tables with their triggers: dedup, log of ops, update, feed; all arrays sent at once, nothing weighed. Both in the
//! same run, turn by turn, on rows of their own. Prints times and their ratio: `cargo bench -p noctule-sync --bench push`.

use async_trait::async_trait;
use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_domain::sync::*;
use noctule_domain::{ConsoleId, OpId, TaskId, TenantId};
use noctule_sync::connect::{Centre, CentreConfig, Tls};
use noctule_sync::push::Pusher;
use noctule_sync::push::import::{Entry, Kind, import_rows};
use noctule_sync::schema;
use noctule_testbed::{Database, Postgres, PostgresOptions};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;
use tokio_postgres::types::Json;
use uuid::Uuid;

const OPS: usize = 10_000;
const ROUNDS: usize = 7;
const PASSWORD: &str = "a-password-of-the-bench";

/// The one statement. $1 tenant, $2 console; then ids, seqs, tasks, changes, times, new notes.
const BASELINE: &str = "WITH n AS (
    INSERT INTO noctule.ops (tenant_id, id, console, seq, login, verb, target, change, origin, made_at, answer)
    SELECT $1, u.id, $2, u.seq, session_user, 'task_edit', u.task, u.change, 'bench', u.at, '{\"answer\": \"applied\", \"version\": 2, \"merged\": []}'
    FROM unnest($3::uuid[], $4::bigint[], $5::uuid[], $6::jsonb[], $7::timestamptz[]) AS u(id, seq, task, change, at)
    ON CONFLICT DO NOTHING RETURNING id)
UPDATE noctule.tasks AS t SET notes = u.new, version = t.version + 1, updated_at = now(), updated_by = session_user
FROM unnest($3::uuid[], $5::uuid[], $8::text[]) AS u(id, task, new) JOIN n ON n.id = u.id
WHERE t.tenant_id = $1 AND t.id = u.task";

/// An outbox in memory: what the disk costs is measured elsewhere.
struct Memory(Mutex<(Vec<Op>, Vec<Answered>)>);

#[async_trait]
impl Replica for Memory {
    async fn unsent(&self, limit: u32) -> Result<Vec<Op>, ReplicaError> {
        let held = self.0.lock().expect("lock");
        Ok(held.0.iter().take(limit as usize).cloned().collect())
    }
    async fn answered(&self, answers: Vec<Answered>) -> Result<(), ReplicaError> {
        let mut held = self.0.lock().expect("lock");
        // They are answered in the order of the batch or not; all of the batch at once.
        let count = answers.len();
        held.0.drain(..count);
        held.1.extend(answers);
        Ok(())
    }
    async fn wait_unsent(&self) {}
    async fn outbox(&self) -> Result<Outbox, ReplicaError> {
        Ok(Outbox::default())
    }
    async fn position(&self) -> Result<Option<Position>, ReplicaError> {
        Ok(None)
    }
    async fn copy_point(&self, _: &Position) -> Result<Option<CopyPoint>, ReplicaError> {
        Ok(None)
    }
    async fn copy(&self, _: &Position) -> Result<Box<dyn LocalCopy>, ReplicaError> {
        Err(ReplicaError::NotLeader)
    }
    async fn apply(&self, _: Increment) -> Result<(), ReplicaError> {
        Err(ReplicaError::NotLeader)
    }
    async fn sums(&self, _: Table, _: &[Uuid]) -> Result<Vec<Checksum>, ReplicaError> {
        Ok(Vec::new())
    }
    async fn ids(&self, _: Table, _: Option<Uuid>, _: Option<Uuid>) -> Result<Vec<Uuid>, ReplicaError> {
        Ok(Vec::new())
    }
}

fn schema(postgres: &Postgres, database: &Database) {
    let admin = "CREATE ROLE noctule_owner NOLOGIN; CREATE ROLE noctule_member NOLOGIN; CREATE EXTENSION btree_gist;
        CREATE SCHEMA noctule AUTHORIZATION noctule_owner;";
    postgres.query(database.dsn(), admin).expect("the roles");
    let all: Vec<&str> =
        std::iter::once("SET ROLE noctule_owner;").chain(schema::MIGRATIONS.iter().map(|migration| migration.sql)).collect();
    postgres.query(database.dsn(), &all.join("\n")).expect("the schema");
}

fn edits(tasks: &[TaskId], round: usize) -> Vec<Op> {
    let note = |round: usize| format!("gate code 1234, ring twice, the dog is friendly; seen {round}");
    let edit = |(n, task): (usize, &TaskId)| Op {
        id: OpId(Uuid::now_v7()),
        seq: (round * OPS + n) as i64,
        made_at: chrono::Utc::now(),
        origin: "bench".into(),
        reason: None,
        change: Change::TaskEdit {
            task: *task,
            seen_version: round as i64 + 1,
            fields: BTreeMap::from([(
                "notes".to_owned(),
                FieldChange { was: round.checked_sub(1).map_or(Value::Null, |before| json!(note(before))), new: json!(note(round)) },
            )]),
        },
    };
    tasks.iter().enumerate().map(edit).collect()
}

struct Bench {
    postgres: Postgres,
    database: Database,
    tenant: TenantId,
}

impl Bench {
    fn tasks(&self, count: usize) -> Vec<TaskId> {
        let mark = Uuid::new_v4().simple().to_string();
        self.postgres
            .query(
                self.database.dsn(),
                &format!(
                    "INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority)
                     SELECT '{}', gen_random_uuid(), 'T-{mark}-' || n, 'Splice ' || n, 'splicing', 'pending', 'normal' FROM generate_series(1, {count}) AS n
                     RETURNING id",
                    self.tenant
                ),
            )
            .expect("tasks")
            .lines()
            .map(|id| id.parse().expect("an id"))
            .collect()
    }

    fn settle(&self) {
        self.postgres
            .query(self.database.dsn(), "CHECKPOINT; VACUUM ANALYZE noctule.tasks; VACUUM ANALYZE noctule.ops; VACUUM ANALYZE noctule.feed")
            .expect("settled");
    }

    fn config(&self, user: &str, password: &str) -> CentreConfig {
        CentreConfig {
            hosts: vec![(self.postgres.host().to_owned(), self.postgres.port())],
            database: self.database.name().to_owned(),
            user: user.to_owned(),
            password: Some(Secret::new(password)),
            tls: Tls::Off,
            tenant: self.tenant,
            console: ConsoleId(Uuid::now_v7()),
            connect_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(60),
            application: "bench".to_owned(),
        }
    }

    fn centre(&self, login: &str, role: Role) -> Centre {
        self.postgres
            .query(
                self.database.dsn(),
                &format!(
                    "CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' IN ROLE noctule_member;
                     INSERT INTO noctule.members (tenant_id, login, role) VALUES ('{}', '{login}', '{role}')",
                    self.tenant
                ),
            )
            .expect("an operator");
        Centre::new(self.config(login, PASSWORD))
    }

    async fn pushes(&self, centre: &Centre, ops: Vec<Op>) -> Duration {
        let count = ops.len();
        let memory = Arc::new(Memory(Mutex::new((ops, Vec::new()))));
        let begun = Instant::now();
        let pushed = Pusher::new(centre.clone(), memory.clone()).push_all().await.expect("pushed");
        let took = begun.elapsed();
        assert_eq!((pushed.answered, pushed.conflicts, pushed.refused), (count as u64, 0, 0));
        let held = memory.0.lock().expect("lock");
        assert!(held.1.iter().all(|a| matches!(a.answer, Answer::Applied { .. })));
        took
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main]
async fn main() {
    let options = PostgresOptions { durable: true, shared_buffers_mib: 256, ..PostgresOptions::default() };
    let postgres = Postgres::start_with(options).expect("a cluster");
    let database = postgres.create_database().expect("a database");
    schema(&postgres, &database);
    let bench = Bench { postgres, database, tenant: TenantId(Uuid::now_v7()) };
    bench
        .postgres
        .query(bench.database.dsn(), &format!("INSERT INTO noctule.tenants VALUES ('{}', 'Bench')", bench.tenant))
        .expect("a tenant");
    let centre = bench.centre("anna", Role::Dispatcher);
    let (owner, connection) = tokio_postgres::connect(bench.database.dsn(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    owner.batch_execute(&format!("SET noctule.tenant = '{}'; SET ROLE noctule_owner", bench.tenant)).await.expect("as the owner");
    let one = owner.prepare(BASELINE).await.expect("prepared");

    let (theirs, ours) = (bench.tasks(OPS), bench.tasks(OPS));
    let (mut ratios, mut baselines, mut pushes) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bench.settle();
        let ops = edits(&theirs, round);
        let begun = Instant::now();
        let ids: Vec<Uuid> = ops.iter().map(|op| op.id.0).collect();
        let seqs: Vec<i64> = ops.iter().map(|op| op.seq).collect();
        let tasks: Vec<Uuid> = theirs.iter().map(|id| id.0).collect();
        let changes: Vec<Json<&Change>> = ops.iter().map(|op| Json(&op.change)).collect();
        let times: Vec<chrono::DateTime<chrono::Utc>> = ops.iter().map(|op| op.made_at).collect();
        let notes: Vec<&str> = ops
            .iter()
            .map(|op| match &op.change {
                Change::TaskEdit { fields, .. } => fields["notes"].new.as_str().expect("a text"),
                _ => unreachable!("edits"),
            })
            .collect();
        let console = Uuid::now_v7();
        let changed = owner
            .execute(&one, &[&bench.tenant.0, &console, &ids, &seqs, &tasks, &changes, &times, &notes])
            .await
            .expect("the one statement");
        let baseline = begun.elapsed();
        assert_eq!(changed, OPS as u64);
        let pushed = bench.pushes(&centre, edits(&ours, round)).await;
        let ratio = pushed.as_secs_f64() / baseline.as_secs_f64();
        println!(
            "round {round}: one statement {:.0} ms, pushed {:.0} ms, ratio {ratio:.2}",
            baseline.as_secs_f64() * 1e3,
            pushed.as_secs_f64() * 1e3
        );
        // The first has cold caches and unplanned statements on both sides.
        if round > 0 {
            ratios.push(ratio);
            baselines.push(baseline.as_secs_f64() * 1e3);
            pushes.push(pushed.as_secs_f64() * 1e3);
        }
    }
    let (one, all) = (median(baselines.clone()), median(pushes.clone()));
    println!("BENCH push_one_unnest {one:.1} ms cmd=cargo bench -p noctule-sync --bench push");
    println!("BENCH push_10000_ops {all:.1} ms vs=push_one_unnest target={:.1} cmd=cargo bench -p noctule-sync --bench push", 2.0 * one);
    println!(
        "{OPS} ops, medians: one unnest() statement {:.0} ms, pushed {:.0} ms ({:.0} ops/s), RATIO {:.2} (budget 2)",
        median(baselines),
        median(pushes.clone()),
        OPS as f64 / median(pushes) * 1e3,
        median(ratios)
    );

    // The same number over fewer rows: five ops follow each other on each.
    let few = bench.tasks(OPS / 5);
    bench.settle();
    let ops: Vec<Op> = (0..5).flat_map(|round| edits(&few, round)).collect();
    let took = bench.pushes(&centre, ops).await;
    println!("{OPS} ops on {} rows: {:.0} ms ({:.0} ops/s)", OPS / 5, took.as_secs_f64() * 1e3, OPS as f64 / took.as_secs_f64());

    // Pushed again as a whole, as after lost answers: nothing is written.
    let ops = edits(&bench.tasks(OPS), 0);
    bench.pushes(&centre, ops.clone()).await;
    let took = bench.pushes(&centre, ops).await;
    println!("{OPS} ops that had come before: {:.0} ms", took.as_secs_f64() * 1e3);

    let admin = bench.centre("admin", Role::Admin);
    let rows: Vec<Value> = (0..50_000)
        .map(|n| {
            json!({"number": format!("N-{n}"), "username": format!("user{n}@example.net"), "full_name": "Anna Virtanen", "email": "anna@example.net",
                "phone": "+358 40 123", "status": "active", "mode": "pd", "pd_size": 56, "service_type": "ftth", "service_address": "Hämeentie 3, Helsinki",
                "download_kbps": 100_000, "upload_kbps": 20_000, "lat": 60.1, "lng": 24.9, "vlan": 100, "circuit_id": format!("olt1/{n}")})
        })
        .collect();
    let entry = Entry { origin: "bench".into(), target: "bench".into(), reason: None, after: Value::Null, load: false };
    for what in ["new", "unchanged"] {
        let begun = Instant::now();
        let brought = import_rows(&admin, Kind::Subscribers, &rows, &entry).await.expect("imported");
        assert!(brought.errors.is_empty());
        println!("import of {} {what} subscribers: {:.0} rows/s", rows.len(), rows.len() as f64 / begun.elapsed().as_secs_f64());
    }
}
