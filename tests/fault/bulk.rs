//! A bulk whose authority is the centre: the console that runs it is killed in its middle and another goes on; a NAS that begins to refuse
//! stops it. What the NASes did is in their own logs, what is true in the centre.

use super::support::centre::Central;
use super::support::desk::Desk;
use super::support::plan::{PROFILE, Place, Plan, SECRET};
use async_trait::async_trait;
use noctule_domain::audit::AuditVerdict;
use noctule_domain::job::{
    Course, ItemFilter, ItemRow, JobJournal, JobState, JobView, NewItem, NewJob, Outcome, Proofs, Terms, Threshold, Wish,
};
use noctule_domain::lifecycle::{Actor, Enforcement, OperationKind, OperationOptions};
use noctule_domain::permission::Role;
use noctule_domain::ports::Clock;
use noctule_domain::secret::Secret;
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{ConsoleId, JobId, OperationId, SubscriberId, TenantId, Timestamp};
use noctule_network::lifecycle::job::JobRunner;
use noctule_sim::nas::{Behaviour, Delay, NasSession, NasSim, NasSimConfig, Preset, What};
use noctule_storage::{Jobs, OpenOptions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const VARIABLE: &str = "NOCTULE_FAULT_BULK";
const LONG: Duration = Duration::from_secs(120);
/// Items under way per NAS.
const UNDER_WAY: u16 = 16;

/// What a console of the trial needs to know; a child gets it from its environment.
#[derive(Serialize, Deserialize)]
struct Trial {
    plan: Plan,
    folder: PathBuf,
}

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }
}

struct NoneAwaited;

#[async_trait]
impl Proofs for NoneAwaited {
    async fn enforcement(&self, _: SubscriberId) -> Option<Enforcement> {
        panic!("a bulk of suspends waits for no proof")
    }
}

struct Provider {
    nases: Vec<NasSim>,
    trial: Trial,
    each: u32,
    _folder: tempfile::TempDir,
}

fn user(n: usize, i: u32) -> String {
    format!("u{n}-{i:04}@isp.example")
}

impl Provider {
    /// Active subscribers with a session each, `each` on every NAS.
    async fn new(nases: usize, each: u32, behave: impl Fn(&mut Behaviour)) -> Self {
        let (folder, now) = (tempfile::tempdir().expect("a folder"), chrono::Utc::now());
        let tenant = TenantId::from_uuid(uuid::Uuid::now_v7());
        let central = Central::new(tenant, now).await;
        let owner = central.owner().await;
        let mut sims = Vec::new();
        for n in 0..nases {
            let mut config = NasSimConfig::new(Preset::Strict, Secret::new(SECRET)).behave(|behaviour| {
                behaviour.queue = 1024;
                behave(behaviour);
            });
            config.sessions = (0..each).map(|i| NasSession::new(format!("{n}-{i:04}"), user(n, i), now)).collect();
            let sim = NasSim::start(config).await.expect("a NAS");
            let id = uuid::Uuid::now_v7();
            let sql = format!(
                "INSERT INTO noctule.nas (tenant_id, id, name, profile, address, secret)
                    VALUES ('{tenant}', '{id}', 'bng-{n}', '{PROFILE}', '{}', 'env:UNUSED');
                INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, status, state, mode, prefix, nas)
                    SELECT '{tenant}', gen_random_uuid(), format('N{n}-%s', lpad(i::text, 4, '0')),
                        format('u{n}-%s@isp.example', lpad(i::text, 4, '0')), 'Anna Virtanen', 'active', 'active', 'pd',
                        format('2001:db8:{n}:%s::/64', to_hex(i))::cidr, '{id}' FROM generate_series(0, {each} - 1) AS i;
                INSERT INTO noctule.sessions (tenant_id, id, nas, acct_session_id, started_at, seen_at)
                    SELECT tenant_id, id, nas, '{n}-' || right(number, 4), now(), now() FROM noctule.subscribers
                    WHERE tenant_id = '{tenant}' AND nas = '{id}';",
                sim.addr()
            );
            owner.batch_execute(&sql).await.expect("a NAS full of subscribers");
            sims.push(sim);
        }
        let plan = Plan {
            place: Place::Centre(central),
            tenant,
            // A suspend asks no NetBox.
            netbox: "http://127.0.0.1:9".to_owned(),
            token: "unused".to_owned(),
            subscriber: SubscriberId::from_uuid(uuid::Uuid::nil()),
            kind: OperationKind::Suspend,
            now,
            nas_secret: Some(SECRET.to_owned()),
            profile: PROFILE.to_owned(),
            aaa: None,
            aaa_access: false,
        };
        let trial = Trial { plan, folder: folder.path().to_owned() };
        Self { nases: sims, trial, each, _folder: folder }
    }

    async fn owner(&self) -> tokio_postgres::Client {
        let Place::Centre(central) = &self.trial.plan.place else { panic!("it is at the centre") };
        central.owner().await
    }

    async fn subscribers(&self) -> Vec<Subscriber> {
        let sql = "SELECT noctule.subscriber_json(s) FROM noctule.subscribers AS s WHERE tenant_id = $1 ORDER BY number";
        let rows = self.owner().await.query(sql, &[&self.trial.plan.tenant.0]).await.expect("the centre");
        rows.into_iter().map(|row| serde_json::from_value(row.get(0)).expect("a subscriber")).collect()
    }

    /// The time for which a dead console's operations are its own is over.
    async fn leases_end(&self) {
        let sql =
            "UPDATE noctule.operations SET lease_until = now() - interval '1 second' WHERE tenant_id = $1 AND lease_owner IS NOT NULL";
        self.owner().await.execute(sql, &[&self.trial.plan.tenant.0]).await.expect("the centre");
    }

    /// By the logs of the NASes: how often each user was suspended where he was not yet.
    fn suspended(&self) -> BTreeMap<String, u32> {
        let mut suspended = BTreeMap::new();
        for event in self.nases.iter().flat_map(NasSim::events) {
            if let What::SessionChanged { username, different: true, .. } = event.what {
                *suspended.entry(username).or_default() += 1;
            }
        }
        suspended
    }

    /// The centre, the file of jobs and the NASes say the same of everybody.
    async fn check(&self, console: &Console, job: JobId) {
        let items: BTreeMap<SubscriberId, ItemRow> = console.items(job).await.into_iter().map(|item| (item.subscriber, item)).collect();
        let sql = "SELECT id, subscriber, status FROM noctule.operations WHERE tenant_id = $1";
        let mut operations: BTreeMap<SubscriberId, Vec<(OperationId, String)>> = BTreeMap::new();
        for row in self.owner().await.query(sql, &[&self.trial.plan.tenant.0]).await.expect("the centre") {
            operations.entry(SubscriberId(row.get(1))).or_default().push((OperationId(row.get(0)), row.get(2)));
        }
        let suspended = self.suspended();
        for subscriber in self.subscribers().await {
            let item = &items[&subscriber.id];
            let ran = operations.remove(&subscriber.id).unwrap_or_default();
            let status = match item.outcome {
                None => {
                    assert!(ran.is_empty() && item.operation.is_none(), "{item:?} has not begun: {ran:?}");
                    continue;
                }
                Some(Outcome::Succeeded) => "succeeded",
                Some(Outcome::Refused) => "refused",
                other => panic!("{item:?} ended as {other:?}"),
            };
            assert_eq!(ran, [(item.operation.expect("an operation"), status.to_owned())], "one operation, the one of the item");
            let done = status == "succeeded";
            assert_eq!(subscriber.ipv6.state.word(), if done { "suspended" } else { "active" }, "{item:?}");
            assert_eq!(suspended.get(subscriber.username.as_str()).copied().unwrap_or(0), u32::from(done), "{item:?}");
        }
        assert!(operations.is_empty(), "of nobody else");
        let verdict = console.desk.audit_verify().await.expect("the audit log");
        assert!(matches!(verdict, AuditVerdict::Intact { .. }), "{verdict:?}");
    }
}

/// One process: the centre, the file of jobs, who runs them.
struct Console {
    desk: Desk,
    jobs: Jobs,
    runner: JobRunner,
}

impl Console {
    fn new(trial: &Trial) -> Self {
        let desk = trial.plan.open();
        let methods = Arc::new(|_: &str| None);
        let mut options = OpenOptions::new(ConsoleId::from_uuid(uuid::Uuid::now_v7()), trial.plan.tenant, Arc::new(Now), methods);
        options.login = Some("fault".to_owned());
        let jobs = Jobs::open(&trial.folder, &options).expect("the jobs open");
        let executor = trial.plan.executor(&desk);
        let lead = jobs.clone();
        let runner = JobRunner::new(executor, Arc::new(jobs.clone()), Arc::new(NoneAwaited), Arc::new(Now), Arc::new(move || lead.lead()));
        Self { desk, jobs, runner }
    }

    async fn preview(&self, provider: &Provider, terms: Terms) -> JobId {
        let id = JobId(uuid::Uuid::now_v7());
        let course = Course::Single { kind: OperationKind::Suspend, options: OperationOptions::default() };
        let actor = Actor { name: "fault".into(), role: Role::Admin, origin: "tests".into() };
        let made_at = chrono::Utc::now();
        let items = provider.subscribers().await;
        let items = items.iter().map(|subscriber| {
            let number = subscriber.subscriber_number.as_str();
            let nas = format!("bng-{}", &number[1..number.find('-').expect("a number")]);
            NewItem::of(&course, subscriber, nas.as_str().into(), Role::Admin, made_at)
        });
        let items = items.collect();
        let new = NewJob { id, course, terms, actor, source: "*".into(), retry_of: None, made_at };
        self.jobs.create(new).await.expect("stored");
        self.jobs.add(id, items).await.expect("stored");
        self.jobs.ready(id).await.expect("stored");
        self.jobs.wish(id, Wish::Go).await.expect("it goes");
        id
    }

    async fn items(&self, job: JobId) -> Vec<ItemRow> {
        self.jobs.items(job, ItemFilter::default(), None, 10_000).await.expect("read")
    }

    async fn wait(&self, job: JobId, holds: impl Fn(&JobView) -> bool) -> JobView {
        let until = Instant::now() + LONG;
        loop {
            let view = self.jobs.job(job).await.expect("read").expect("there");
            if holds(&view) {
                return view;
            }
            assert!(Instant::now() < until, "it does not come to that: {view:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn run(&self) -> CancellationToken {
        let (runner, cancel) = (self.runner.clone(), CancellationToken::new());
        let until = cancel.clone();
        tokio::spawn(async move { runner.run(until).await });
        cancel
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime")
}

/// Not a test of its own: the console that is killed. Run alone it has nothing to do.
#[test]
fn the_child_runs_jobs_at_the_centre_until_it_is_killed() {
    let Ok(text) = std::env::var(VARIABLE) else { return };
    let trial: Trial = serde_json::from_str(&text).expect("a trial");
    runtime().block_on(async { Console::new(&trial).runner.run(CancellationToken::new()).await });
}

fn child(trial: &Trial) -> tokio::process::Child {
    let program: &Path = &std::env::current_exe().expect("this program");
    tokio::process::Command::new(program)
        .args(["--exact", "bulk::the_child_runs_jobs_at_the_centre_until_it_is_killed", "--nocapture"])
        .env(VARIABLE, serde_json::to_string(trial).expect("a trial"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the child runs")
}

#[test]
fn a_bulk_at_the_centre_survives_kills_and_everybody_is_suspended_exactly_once() {
    runtime().block_on(async {
        let provider = Provider::new(3, 100, |behaviour| behaviour.answer_delay = Delay::Fixed(Duration::from_millis(10))).await;
        let console = Console::new(&provider.trial);
        let job = console.preview(&provider, Terms { per_nas: UNDER_WAY, ..Terms::default() }).await;
        for at in [1, 60, 150] {
            let mut child = child(&provider.trial);
            console.wait(job, |job| job.tally.succeeded >= at).await;
            child.kill().await.expect("it is killed");
            let left = console.wait(job, |_| true).await;
            assert!(!left.head.state.is_over(), "it was killed in the middle: {:?}", left.tally);
            provider.leases_end().await;
        }
        let running = console.run();
        let done = console.wait(job, |job| job.head.state.is_over()).await;
        running.cancel();
        assert_eq!((done.head.state, done.tally.succeeded), (JobState::Done, 3 * provider.each), "{:?}", done.tally);
        provider.check(&console, job).await;
        let asked: u64 = provider.nases.iter().map(|nas| nas.counters().sessions_changed).sum();
        let again = asked - u64::from(3 * provider.each);
        assert!(again <= 3 * 3 * u64::from(UNDER_WAY), "only what was under way was asked again: {again}");
    });
}

#[test]
fn a_nas_that_begins_to_refuse_stops_a_bulk_at_the_centre() {
    runtime().block_on(async {
        let provider = Provider::new(3, 100, |behaviour| behaviour.answer_delay = Delay::Fixed(Duration::from_millis(3))).await;
        let console = Console::new(&provider.trial);
        let threshold = Threshold { percent: 5, of_last: Some(100), absolute: None };
        let job = console.preview(&provider, Terms { per_nas: UNDER_WAY, threshold, ..Terms::default() }).await;
        let running = console.run();
        console.wait(job, |job| job.tally.succeeded >= 40).await;
        provider.nases[1].behave(|behaviour| behaviour.nak_probability = 1.0);
        let stopped = console.wait(job, |job| job.head.state == JobState::Stopped && job.tally.running == 0).await;
        assert!(stopped.tally.refused > 5 && stopped.tally.refused <= 6 + 2 * u32::from(UNDER_WAY), "{:?}", stopped.tally);
        assert!(stopped.tally.waiting > 50, "the rest is untouched: {:?}", stopped.tally);
        assert!(stopped.head.why.as_ref().expect("a reason").as_str().contains("refused"), "{:?}", stopped.head.why);
        provider.check(&console, job).await;
        provider.nases[1].behave(|behaviour| behaviour.nak_probability = 0.0);
        console.jobs.wish(job, Wish::Go).await.expect("it goes on");
        let done = console.wait(job, |job| job.head.state.is_over()).await;
        running.cancel();
        assert_eq!((done.head.state, done.tally.refused), (JobState::Done, stopped.tally.refused), "nobody else was refused");
        assert_eq!(done.tally.succeeded + done.tally.refused, 3 * provider.each, "{:?}", done.tally);
        provider.check(&console, job).await;
    });
}
