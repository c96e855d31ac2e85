//! From the commit on one console to the row in the copy of another, with 200 consoles connected, against a bare NOTIFY to a waiting listener and
//! one query. The consoles are real syncers with copies in memory, in this process: what a disk adds is measured by the bench of the store.
//! Prints p50 and p99 and their ratio: `cargo bench -p noctule-sync --bench live` (NOCTULE_BENCH_CONSOLES for another number).

#[path = "../tests/pull/model.rs"]
mod model;

use model::Model;
use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_domain::sync::{Link, Table};
use noctule_domain::{ConsoleId, TenantId};
use noctule_sync::connect::{CentreConfig, Tls};
use noctule_sync::run::{Syncer, SyncerConfig};
use noctule_sync::schema::{self, NewUser, OwnerConfig};
use noctule_testbed::{Postgres, PostgresOptions};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client, NoTls};
use uuid::Uuid;

const PASSWORD: &str = "a-password-of-the-bench";
const ROUNDS: usize = 300;
/// The wake-up is throttled to one in 125 ms; an operator is slower than that, and so is this.
const PAUSE: Duration = Duration::from_millis(170);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let consoles: usize = std::env::var("NOCTULE_BENCH_CONSOLES").ok().and_then(|number| number.parse().ok()).unwrap_or(200);
    let postgres =
        Postgres::start_with(PostgresOptions { max_connections: 600, durable: true, ..PostgresOptions::default() }).expect("a cluster");
    let database = postgres.create_database().expect("a database");
    let owner = OwnerConfig::from_url(database.dsn()).expect("an address");
    let tenant = TenantId(Uuid::now_v7());
    schema::init(&owner, Some((tenant, "Bench"))).await.expect("the schema");
    let user =
        NewUser { login: "bench", role: Role::Dispatcher, full_name: "Bench", technician: None, password: Some(Secret::new(PASSWORD)) };
    schema::user_add(&owner, tenant, user).await.expect("an operator");
    // All consoles here are one person's; the limit of connections is meant for people.
    postgres.query(database.dsn(), "ALTER ROLE bench CONNECTION LIMIT -1").expect("no limit");
    let task = Uuid::now_v7();
    let writer = client(database.dsn(), None).await;
    let insert = "INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority) VALUES ($1, $2, 'T-1', 't', 'splicing', 'pending', 'normal')";
    writer.execute(insert, &[&tenant.uuid(), &task]).await.expect("a task");

    let config = |replica: Model| SyncerConfig {
        centre: CentreConfig {
            hosts: vec![(postgres.host().to_owned(), postgres.port())],
            database: database.name().to_owned(),
            user: "bench".to_owned(),
            password: Some(Secret::new(PASSWORD)),
            tls: Tls::Off,
            tenant,
            console: ConsoleId(Uuid::now_v7()),
            connect_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(30),
            application: "bench".to_owned(),
        },
        read: None,
        replica: Arc::new(replica),
        lead: Arc::new(|| true),
        poll: Duration::from_secs(5),
        listen: true,
        host: "bench".to_owned(),
    };
    let rounds = std::env::var("NOCTULE_BENCH_ROUNDS").ok().and_then(|number| number.parse().ok()).unwrap_or(ROUNDS);
    for number in [1, consoles] {
        let mut running = Vec::new();
        for _ in 0..number {
            let model = Model::default();
            let syncer = Syncer::start(config(model.clone()));
            let mut status = syncer.status();
            status.wait_for(|status| status.link == Link::Live).await.expect("live");
            running.push((syncer, model));
        }
        // The bare way: a listener of its own, a NOTIFY committed with a write, one query.
        let (listener, heard) = (Arc::new(Notify::new()), database.dsn());
        let reader = client(heard, Some(Arc::clone(&listener))).await;
        reader.batch_execute("LISTEN bare").await.expect("listens");
        let query = reader.prepare("SELECT title FROM noctule.tasks WHERE tenant_id = $1 AND id = $2").await.expect("a query");
        let bare_write = "UPDATE noctule.meta SET created_at = now()";
        let (mut bare, mut sync, mut last) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            tokio::time::sleep(PAUSE).await;
            writer.batch_execute(&format!("BEGIN; {bare_write}; NOTIFY bare")).await.expect("a write");
            let began = Instant::now();
            writer.batch_execute("COMMIT").await.expect("committed");
            listener.notified().await;
            reader.query_one(&query, &[&tenant.uuid(), &task]).await.expect("a row");
            bare.push(began.elapsed());

            tokio::time::sleep(PAUSE).await;
            let title = format!("round {round} of {number}");
            writer.batch_execute(&format!("BEGIN; UPDATE noctule.tasks SET title = '{title}' WHERE id = '{task}'")).await.expect("a write");
            let began = Instant::now();
            let seen = running.iter().map(|(_, model)| {
                let (model, title) = (model.clone(), title.clone());
                tokio::spawn(async move {
                    loop {
                        let changed = model.changed.notified();
                        if model
                            .rows(Table::Tasks)
                            .get(&task)
                            .is_some_and(|row| row.windows(title.len()).any(|part| part == title.as_bytes()))
                        {
                            return began.elapsed();
                        }
                        changed.await;
                    }
                })
            });
            let seen: Vec<_> = seen.collect();
            writer.batch_execute("COMMIT").await.expect("committed");
            let mut slowest = Duration::ZERO;
            for (at, seen) in seen.into_iter().enumerate() {
                let took = seen.await.expect("seen");
                slowest = slowest.max(took);
                // One console stands for "another": always the same, so that the number of samples does not hide a slow round.
                if at == number / 2 {
                    sync.push(took);
                }
            }
            last.push(slowest);
        }
        let (bare, sync, last) = (Of::new(bare), Of::new(sync), Of::new(last));
        println!("{number} consoles connected, {rounds} commits:");
        println!("  bare NOTIFY and one query   p50 {:>8.2} ms  p99 {:>8.2} ms", bare.at(50), bare.at(99));
        println!(
            "  visible in another console  p50 {:>8.2} ms  p99 {:>8.2} ms   {:.2} times at p50",
            sync.at(50),
            sync.at(99),
            sync.at(50) / bare.at(50)
        );
        println!("  visible in the last of all  p50 {:>8.2} ms  p99 {:>8.2} ms", last.at(50), last.at(99));
        let say = |name: &str, value: f64, more: &str| {
            println!("BENCH live_{name}_{number} {value:.3} ms {more} cmd=cargo bench -p noctule-sync --bench live");
        };
        say("bare_p50", bare.at(50), "");
        say("seen_elsewhere_p50", sync.at(50), &format!("vs=live_bare_p50_{number} target={:.3}", 2.0 * bare.at(50)));
        say("seen_elsewhere_p99", sync.at(99), "target=250");
        say("seen_by_the_last_p99", last.at(99), "target=250");
        for (syncer, _) in running {
            syncer.stop().await;
        }
    }
}

struct Of(Vec<Duration>);

impl Of {
    fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    /// Milliseconds.
    fn at(&self, percent: usize) -> f64 {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)].as_secs_f64() * 1e3
    }
}

async fn client(dsn: &str, wake: Option<Arc<Notify>>) -> Client {
    let (client, mut connection) = tokio_postgres::connect(dsn, NoTls).await.expect("connects");
    tokio::spawn(async move {
        while let Some(message) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            match (message, &wake) {
                (Ok(AsyncMessage::Notification(_)), Some(wake)) => wake.notify_one(),
                (Ok(_), _) => {}
                (Err(_), _) => return,
            }
        }
    });
    client
}
