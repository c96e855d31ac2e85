//! A provider for jobs: a store full of active subscribers, the file of jobs beside it, simulated NASes with their sessions.

use chrono::Utc;
use noctule_domain::audit::AuditEntry;
use noctule_domain::filter::Filter;
use noctule_domain::job::{Course, JobJournal, JobView, NewItem, NewJob, Terms};
use noctule_domain::lifecycle::{Actor, AssignmentMode, Ipv6State, Methods, OperationKind, OperationOptions};
use noctule_domain::nas::Retransmit;
use noctule_domain::permission::Role;
use noctule_domain::ports::Clock;
use noctule_domain::secret::Secret;
use noctule_domain::subscriber::{Ipv6Record, Subscriber, Username};
use noctule_domain::{ConsoleId, JobId, NasId, SafeText, TenantId, Timestamp};
use noctule_network::lifecycle::job::JobRunner;
use noctule_network::lifecycle::{Executor, ExecutorConfig, Upstreams};
use noctule_network::netbox::{Netbox, NetboxConfig, PoolConfig};
use noctule_network::radius::{Engine, EngineConfig, Profiles, RadiusClient, profiles};
use noctule_network::upstream::Ipam;
use noctule_sim::nas::{Behaviour, NasSession, NasSim, NasSimConfig, Preset};
use noctule_sim::netbox::{DEFAULT_TOKEN, NetboxConfig as SimConfig, NetboxSim, SeedPrefix};
use noctule_storage::{Jobs, NewNas, NewSession, NewSubscriber, OpenOptions, Store};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const POOL: &str = "2001:db8:100::/44";
const SECRET: &str = "a-secret-of-the-tests";
const TENANT: TenantId = TenantId(Uuid::from_u128(7));
pub const PROFILE: &str = "bulk";

pub struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}

fn profile(window: u16) -> noctule_domain::nas::NasProfile {
    let mut profile = (*profiles::get("generic").expect("built in")).clone();
    profile.key = PROFILE.to_owned();
    profile.window = window;
    profile.rate_per_s = None;
    profile.retransmit = Retransmit { irt_s: 1.0, mrt_s: 2.0, mrc: 3, mrd_s: 5.0 };
    profile
}

pub struct World {
    netbox: Option<NetboxSim>,
    pub nases: Vec<NasSim>,
    folder: tempfile::TempDir,
    window: u16,
}

/// One process: the store open, the jobs, the executor.
pub struct Console {
    pub store: Store,
    pub jobs: Jobs,
    pub executor: Executor,
    pub runner: JobRunner,
}

impl World {
    /// `each` subscribers on each of `nases` NASes.
    pub async fn new(nases: usize, each: u32, window: u16, behave: impl Fn(usize, &mut Behaviour)) -> Self {
        let mut sims = Vec::new();
        for n in 0..nases {
            let mut config = NasSimConfig::new(Preset::Strict, Secret::new(SECRET)).behave(|behaviour| {
                behaviour.queue = 4096;
                behave(n, behaviour);
            });
            config.sessions = (0..each).map(|i| NasSession::new(session(n, i), user(n, i), Utc::now())).collect();
            sims.push(NasSim::start(config).await.expect("a NAS"));
        }
        let world = Self { netbox: None, nases: sims, folder: tempfile::tempdir().expect("a folder"), window };
        world.fill(each, false).await;
        world
    }

    /// The same with nobody provisioned yet, and a NetBox with room.
    pub async fn pending(nases: usize, each: u32) -> Self {
        let mut world = Self::new(nases, 0, 16, |_, _| {}).await;
        for (n, nas) in world.nases.iter().enumerate() {
            nas.set_sessions((0..each).map(|i| NasSession::new(session(n, i), user(n, i), Utc::now())).collect());
        }
        let pool = SeedPrefix { is_pool: true, ..SeedPrefix::container(POOL) };
        let config = SimConfig { prefixes: vec![pool], ..SimConfig::default() };
        world.netbox = Some(NetboxSim::start(config).await.expect("a NetBox"));
        world.fill(each, true).await;
        world
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    async fn fill(&self, each: u32, pending: bool) {
        let store = self.store();
        let mut importer = store.importer().await.expect("an import");
        let nas = |(n, sim): (usize, &NasSim)| NewNas {
            id: None,
            name: format!("bng-{n}").as_str().into(),
            profile: PROFILE.into(),
            address: sim.addr(),
            nas_ip: None,
            nas_identifier: None,
            secret: "env:NAS_SECRET".parse().expect("a reference"),
            position: None,
            site: None,
            enabled: true,
        };
        assert_eq!(importer.push_nas(self.nases.iter().enumerate().map(nas).collect()).await.expect("stored"), []);
        for n in 0..self.nases.len() {
            for from in (0..each).step_by(1000) {
                let rows = (from..each.min(from + 1000)).map(|i| subscriber(n, i, pending)).collect();
                assert_eq!(importer.push_subscribers(rows).await.expect("stored"), []);
            }
        }
        let entry = AuditEntry {
            tenant: TENANT,
            at: Utc::now(),
            actor: "ada".into(),
            origin: "test".into(),
            action: "import".into(),
            target: "store".into(),
            operation: None,
            reason: None,
            before: serde_json::Value::Null,
            after: serde_json::Value::Null,
            answers: serde_json::Value::Null,
        };
        importer.commit(entry).await.expect("stored");
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    fn options(&self) -> OpenOptions {
        let window = self.window;
        let methods = Arc::new(move |key: &str| {
            (key == PROFILE).then(|| profile(window)).map(|p| Methods { activate: p.activate, suspend: p.suspend, resume: p.resume })
        });
        OpenOptions::new(ConsoleId(Uuid::now_v7()), TENANT, Arc::new(Now), methods)
    }

    pub fn store(&self) -> Store {
        Store::open(&self.path(), self.options()).expect("the store opens")
    }

    pub fn console(&self) -> Console {
        self.console_with_jobs_in(self.folder.path())
    }

    /// The file of jobs lies on another disk than the store.
    pub fn console_with_jobs_in(&self, jobs: &Path) -> Console {
        console_with(self.folder.path(), jobs, self.window, self.netbox.as_ref().map(NetboxSim::url))
    }

    /// Suspends that the NASes carried out.
    pub fn changes(&self) -> usize {
        self.nases.iter().map(|nas| nas.counters().sessions_changed as usize).sum()
    }
}

/// A process on what lies in a folder.
pub fn console_at(folder: &Path, window: u16) -> Console {
    console_with(folder, folder, window, None)
}

fn console_with(folder: &Path, jobs: &Path, window: u16, netbox: Option<String>) -> Console {
    let methods = Arc::new(move |key: &str| {
        (key == PROFILE).then(|| profile(window)).map(|p| Methods { activate: p.activate, suspend: p.suspend, resume: p.resume })
    });
    let options = OpenOptions::new(ConsoleId(Uuid::now_v7()), TENANT, Arc::new(Now), methods);
    let store = Store::open(&folder.join("store.db"), options.clone()).expect("the store opens");
    let jobs = Jobs::open(jobs, &options).expect("the jobs open");
    let engine = Engine::new(EngineConfig::default()).expect("an engine");
    let secrets = Arc::new(|_: &_| Ok(Secret::new(SECRET)));
    let radius = RadiusClient::new(engine, secrets, Arc::new(Profiles::built_in().with(profile(window))));
    let known = Arc::new(Profiles::built_in().with(profile(window)));
    let ipam = netbox.map(|url| {
        let pool = PoolConfig::prefix(POOL.parse().expect("a pool"), None, 56);
        let config = NetboxConfig::new(&url, Secret::new(DEFAULT_TOKEN), vec![pool]);
        Arc::new(Netbox::new(config).expect("a client")) as Arc<dyn Ipam>
    });
    let upstreams = Upstreams { ipam, aaa: None, nas: Arc::new(radius), profiles: known };
    let executor = Executor::new(Arc::new(store.clone()), upstreams, ExecutorConfig::new(Arc::new(Now)));
    let lead = jobs.clone();
    let runner =
        JobRunner::new(executor.clone(), Arc::new(jobs.clone()), Arc::new(store.clone()), Arc::new(Now), Arc::new(move || lead.lead()));
    Console { store, jobs, executor, runner }
}

pub fn session(n: usize, i: u32) -> String {
    format!("{n}-{i:06}")
}

pub fn user(n: usize, i: u32) -> String {
    format!("u{n}-{i:06}@isp.example")
}

fn subscriber(n: usize, i: u32, pending: bool) -> NewSubscriber {
    let mut ipv6 = Ipv6Record::pending(AssignmentMode::Pd, Utc::now());
    if !pending {
        ipv6.state = Ipv6State::Active;
        ipv6.prefix = Some(format!("2001:db8:{n:x}:{i:x}::/64").parse().expect("a prefix"));
    }
    let number = format!("N{n}-{i:06}");
    let mut new = NewSubscriber::new(number.as_str().into(), Username::new(&user(n, i)).expect("a name"), "Anna Virtanen".into(), ipv6);
    new.nas = Some(format!("bng-{n}").as_str().into());
    new.session = Some(NewSession {
        nas: None,
        acct_session_id: session(n, i).as_str().into(),
        framed_ipv4: None,
        delegated_prefix: None,
        started_at: Utc::now(),
        seen_at: Utc::now(),
    });
    new
}

pub fn actor() -> Actor {
    Actor { name: "ada".into(), role: Role::Noc, origin: "test".into() }
}

impl Console {
    /// A job over everybody, in the order of their numbers, one of each NAS in turn.
    pub async fn preview(&self, course: Course, terms: Terms) -> JobView {
        let id = JobId(Uuid::now_v7());
        let new = NewJob { id, course: course.clone(), terms, actor: actor(), source: "*".into(), retry_of: None, made_at: Utc::now() };
        self.jobs.create(new).await.expect("stored");
        let names: HashMap<NasId, SafeText> =
            self.store.nas_rows().await.expect("read").into_iter().map(|row| (row.nas.id, row.nas.name)).collect();
        let mut items = Vec::new();
        let each = |subscriber: Subscriber| {
            let nas =
                subscriber.session.as_ref().map(|s| s.nas).or(subscriber.nas).and_then(|id| names.get(&id)).cloned().unwrap_or_default();
            items.push(NewItem::of(&course, &subscriber, nas, Role::Noc, Utc::now()));
            ControlFlow::Continue(())
        };
        self.store.for_each_subscriber(Filter::default(), each).await.expect("read");
        for chunk in items.chunks(1000) {
            self.jobs.add(id, chunk.to_vec()).await.expect("stored");
        }
        self.jobs.ready(id).await.expect("stored")
    }

    pub async fn wait(&self, id: JobId, limit: Duration, holds: impl Fn(&JobView) -> bool) -> JobView {
        let until = Instant::now() + limit;
        loop {
            let view = self.jobs.job(id).await.expect("read").expect("there");
            if holds(&view) {
                return view;
            }
            assert!(Instant::now() < until, "it does not come to that: {view:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub fn suspend() -> Course {
    Course::Single { kind: OperationKind::Suspend, options: OperationOptions::default() }
}
