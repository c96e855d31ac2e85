//! One world: a NAS of some kind in some weather, a store in memory or on the disk, the real client and executor, and subscribers of whom
//! somebody wants something, phase after phase.

use crate::judge::{Seen, Tally};
use crate::weather::{PATIENCE, Weather};
use ipnet::Ipv6Net;
use noctule_domain::audit::AuditEntry;
use noctule_domain::lifecycle::{Actor, AssignmentMode, Ipv6State, Methods, OperationKind, OperationOptions};
use noctule_domain::nas::{NasProfile, Retransmit};
use noctule_domain::permission::Role;
use noctule_domain::ports::BeginOperation;
use noctule_domain::secret::Secret;
use noctule_domain::subscriber::{Ipv6Record, Subscriber, Username};
use noctule_domain::{ConsoleId, OperationId, SubscriberId, TenantId};
use noctule_network::lifecycle::{Executor, ExecutorConfig, Started, Upstreams};
use noctule_network::radius::{Engine, EngineConfig, Profiles, RadiusClient, profiles};
use noctule_sim::dice::Dice;
use noctule_sim::nas::{NasSession, NasSim, NasSimConfig, Preset, SystemClock};
use noctule_storage::{NewNas, NewSession, NewSubscriber, OpenOptions, Store};
use std::sync::Arc;
use std::time::Duration;

const SECRET: &str = "a-secret-of-the-worlds";
const SUBSCRIBERS: usize = 6;
const PHASES: usize = 4;

pub struct World {
    pub name: String,
    pub weather: Weather,
    pub profile: NasProfile,
    pub sim: NasSim,
    pub store: Store,
    executor: Executor,
    people: Vec<Person>,
    dice: Dice,
    /// Logins so far, for session ids that are never used twice.
    logins: u32,
    _folder: tempfile::TempDir,
}

#[derive(Clone)]
pub struct Person {
    pub id: SubscriberId,
    pub username: String,
    pub prefix: Ipv6Net,
}

impl World {
    pub async fn new(seed: u64, preset: Preset, weather: Weather) -> Self {
        let name = format!("seed {seed}, {preset:?}, {weather:?}");
        let mut dice = Dice::of(seed, preset as u64 * 100 + weather as u64, 7);
        let retransmit = Retransmit { irt_s: 0.15, mrt_s: 0.3, mrc: 4, mrd_s: PATIENCE.as_secs_f64() };
        let built_in = profiles::get(preset.profile_key()).expect("built in");
        let profile = NasProfile { key: "world".into(), retransmit, identifier_rest_s: 1, ..(*built_in).clone() };
        let tenant = TenantId::from_uuid(uuid::Uuid::now_v7());
        let now = chrono::Utc::now();
        let people: Vec<Person> = (0..SUBSCRIBERS)
            .map(|n| Person {
                id: SubscriberId::from_uuid(uuid::Uuid::now_v7()),
                username: format!("user-{n}@isp.example"),
                prefix: format!("2001:db8:{:x}:{n:x}00::/56", 0x100 + (seed & 0xff)).parse().expect("a prefix"),
            })
            .collect();

        let mut config = NasSimConfig::new(preset, Secret::new(SECRET)).behave(|behaviour| weather.make(behaviour, &mut dice));
        config.seed = seed;
        for (n, person) in people.iter().enumerate() {
            let session = NasSession::new(session_id(n), person.username.as_str(), now);
            // Some live with their prefix already, some got none yet.
            config = config.session(if dice.chance(0.5) { session.with_prefix(person.prefix) } else { session });
        }
        let sim = NasSim::start(config).await.expect("the NAS starts");

        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
        let of = profile.clone();
        let methods = Arc::new(move |key: &str| {
            (key == "world").then_some(Methods { activate: of.activate, suspend: of.suspend, resume: of.resume })
        });
        let options = OpenOptions::new(ConsoleId::from_uuid(uuid::Uuid::now_v7()), tenant, Arc::new(SystemClock), methods);
        let store = Store::open(&folder.path().join("noctule.db"), options).expect("the store opens");
        fill(&store, tenant, &sim, &people, &profile).await;

        let silences_to_trip = if dice.chance(0.3) { 3 } else { 0 };
        let engine = Engine::new(EngineConfig { silences_to_trip, ..EngineConfig::default() }).expect("an engine");
        let secrets = Arc::new(|_: &_| Ok(Secret::new(SECRET)));
        let profiles = Arc::new(Profiles::built_in().with(profile.clone()));
        let radius = RadiusClient::new(engine, secrets, profiles.clone());
        let mut config = ExecutorConfig::new(Arc::new(SystemClock));
        config.backoff = (Duration::from_millis(20), Duration::from_millis(80));
        let upstreams = Upstreams { ipam: None, aaa: None, nas: Arc::new(radius), profiles };
        let executor = Executor::new(Arc::new(store.clone()), upstreams, config);
        Self { name, weather, profile, sim, store, executor, people, dice, logins: 0, _folder: folder }
    }

    /// Everything that happens here; panics with the name of the world where the record says too much.
    pub async fn live(mut self) -> Tally {
        let mut tally = Tally::default();
        for phase in 0..PHASES {
            let mut wishes = Vec::new();
            for person in self.people.clone() {
                let before = self.subscriber(&person).await;
                if let Some(kind) = self.wish(&before, phase) {
                    let force = self.dice.chance(0.1);
                    wishes.push((person, before, kind, force));
                }
            }
            let since = self.sim.events().last().map_or(0, |event| event.number + 1);
            let reboot = (self.weather == Weather::Reboots || self.weather == Weather::Storm) && self.dice.chance(0.6);
            let pause = Duration::from_millis(self.dice.below(60));
            let running = wishes.iter().map(|(person, before, kind, force)| self.carry_out(person, before, *kind, *force));
            let rebooting = async {
                if reboot {
                    tokio::time::sleep(pause).await;
                    self.sim.reboot();
                }
            };
            let (ended, ()) = tokio::join!(futures::future::join_all(running), rebooting);
            // What is late has come, what was torn down is gone: now the truth stands still.
            assert!(self.sim.wait_until(Duration::from_secs(30), NasSim::is_idle).await, "{}: the NAS does not come to rest", self.name);
            for ((person, before, kind, force), ended) in wishes.iter().zip(ended) {
                let Some((operation, after)) = ended else { continue };
                let seen = Seen { person, kind: *kind, force: *force, before, after: &after, operation: &operation, since };
                tally.add(&self.judge(&seen));
            }
            self.log_in_again().await;
        }
        tally
    }

    async fn subscriber(&self, person: &Person) -> Subscriber {
        self.store.subscriber(person.id).await.expect("the store answers").expect("there")
    }

    /// What somebody wants of this subscriber now; sometimes nothing.
    fn wish(&mut self, subscriber: &Subscriber, phase: usize) -> Option<OperationKind> {
        let last = phase + 1 == PHASES;
        Some(match subscriber.ipv6.state {
            Ipv6State::Allocated => OperationKind::Activate,
            Ipv6State::Active | Ipv6State::Suspended if last && self.dice.chance(0.5) => OperationKind::Revoke,
            Ipv6State::Active => OperationKind::Suspend,
            Ipv6State::Suspended => OperationKind::Resume,
            Ipv6State::Revoking => OperationKind::Revoke,
            _ => return None,
        })
    }

    async fn carry_out(
        &self,
        person: &Person,
        before: &Subscriber,
        kind: OperationKind,
        force: bool,
    ) -> Option<(noctule_domain::lifecycle::OperationView, Subscriber)> {
        let request = BeginOperation {
            id: OperationId::from_uuid(uuid::Uuid::now_v7()),
            subscriber: person.id,
            kind,
            actor: Actor { name: "somebody".into(), role: Role::Admin, origin: "simulation".into() },
            options: OperationOptions { force, ..OperationOptions::default() },
            expected_version: Some(before.version),
        };
        let id = request.id;
        let started = self.executor.start(request).await.unwrap_or_else(|error| panic!("{}: {kind} does not begin: {error}", self.name));
        let Started::Running(handle) = started else { panic!("{}: {kind} was there already", self.name) };
        let finished = tokio::time::timeout(Duration::from_secs(60), handle.ended()).await;
        let finished = finished.unwrap_or_else(|_| panic!("{}: {kind} does not end", self.name)).expect("in the store");
        let view = self.store.operation(id).await.expect("the store answers").expect("there");
        Some((view, finished.subscriber))
    }

    /// The equipment of those without a session dials, some of it, and gets what RADIUS would say: nothing where suspended or revoked.
    async fn log_in_again(&mut self) {
        for person in self.people.clone() {
            let subscriber = self.subscriber(&person).await;
            let normal = matches!(subscriber.ipv6.state, Ipv6State::Active | Ipv6State::Allocated);
            if normal && self.sim.sessions_of(&person.username).is_empty() && self.dice.chance(0.7) {
                self.logins += 1;
                let session = NasSession::new(format!("again-{}", self.logins), person.username.as_str(), chrono::Utc::now());
                self.sim.insert_session(session.with_prefix(person.prefix));
            }
        }
    }
}

pub fn session_id(person: usize) -> String {
    format!("first-{person}")
}

async fn fill(store: &Store, tenant: TenantId, sim: &NasSim, people: &[Person], profile: &NasProfile) {
    let now = chrono::Utc::now();
    let mut importer = store.importer().await.expect("import");
    let nas = NewNas {
        id: None,
        name: "bng-1".into(),
        profile: profile.key.clone(),
        address: sim.addr(),
        nas_ip: None,
        nas_identifier: None,
        secret: "env:UNUSED".parse().expect("a reference"),
        position: None,
        site: None,
        enabled: true,
    };
    assert!(importer.push_nas(vec![nas]).await.expect("nas").is_empty());
    let rows = people.iter().enumerate().map(|(n, person)| {
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, now);
        record.state = Ipv6State::Allocated;
        record.prefix = Some(person.prefix);
        NewSubscriber {
            id: Some(person.id),
            nas: Some("bng-1".into()),
            session: Some(NewSession {
                nas: None,
                acct_session_id: session_id(n).as_str().into(),
                framed_ipv4: None,
                delegated_prefix: None,
                started_at: now,
                seen_at: now,
            }),
            ..NewSubscriber::new(
                format!("N-{n}").as_str().into(),
                Username::new(&person.username).expect("a name"),
                "Somebody".into(),
                record,
            )
        }
    });
    assert!(importer.push_subscribers(rows.collect()).await.expect("subscribers").is_empty());
    let entry = AuditEntry {
        tenant,
        at: now,
        actor: "simulation".into(),
        origin: "tests".into(),
        action: "import-subscribers".to_owned(),
        target: "store".into(),
        operation: None,
        reason: None,
        before: serde_json::Value::Null,
        after: serde_json::json!({}),
        answers: serde_json::Value::Null,
    };
    importer.commit(entry).await.expect("commit");
}
