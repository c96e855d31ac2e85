//! One operation on a store against simulated upstreams: what it is, and the executor that carries it out. A fault test puts its own
//! wrappers between; see `Wrap`.

use super::centre::Central;
use super::desk::Desk;
use noctule::compose::SimAaa;
use noctule_domain::lifecycle::{Actor, Methods, OperationKind, OperationOptions};
use noctule_domain::nas::{Method, Retransmit};
use noctule_domain::permission::Role;
use noctule_domain::ports::Authority;
use noctule_domain::ports::BeginOperation;
use noctule_domain::secret::Secret;
use noctule_domain::{ConsoleId, OperationId, SafeText, SubscriberId, TenantId, Timestamp};
use noctule_network::lifecycle::{Executor, ExecutorConfig, Started, Upstreams};
use noctule_network::netbox::{Netbox, NetboxConfig, PoolConfig, Timeouts};
use noctule_network::radius::{Engine, EngineConfig, Profiles, RadiusClient, profiles};
use noctule_network::upstream::{Aaa, DynamicAuthorization, Ipam};
use noctule_sim::aaa::AaaSim;
use noctule_storage::{OpenOptions, Store};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub const POOL: &str = "2001:db8:100::/44";
pub const SECRET: &str = "a-secret-of-the-tests";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub place: Place,
    pub tenant: TenantId,
    pub netbox: String,
    pub token: String,
    pub subscriber: SubscriberId,
    pub kind: OperationKind,
    pub now: Timestamp,
    /// `None`: the secret can not be read.
    pub nas_secret: Option<String>,
    /// The profile of the NAS.
    pub profile: String,
    /// Where the AAA system of the tenant lives; `None`: it has none.
    pub aaa: Option<PathBuf>,
    /// This console has access to it.
    pub aaa_access: bool,
}

/// Where operations begin and end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Place {
    Store(PathBuf),
    Centre(Central),
}

pub type Parts = (Desk, Netbox, RadiusClient);
pub type Wrapped = (Arc<dyn Authority>, Arc<dyn Ipam>, Arc<dyn DynamicAuthorization>);

/// The generic profile with a short patience, so that silence is known soon.
pub const PROFILE: &str = "quick";
/// The same, obeying by a Disconnect and a new login.
pub const BY_LOGIN: &str = "by-login";

fn quick(key: &str) -> Option<noctule_domain::nas::NasProfile> {
    let mut profile = (*profiles::get("generic").expect("built in")).clone();
    profile.key = key.to_owned();
    profile.retransmit = Retransmit { irt_s: 0.15, mrt_s: 0.3, mrc: 3, mrd_s: 0.6 };
    if key == BY_LOGIN {
        (profile.activate, profile.suspend, profile.resume) =
            (Method::DisconnectThenLogin, Method::DisconnectThenLogin, Method::DisconnectThenLogin);
    }
    [PROFILE, BY_LOGIN].contains(&key).then_some(profile)
}

/// A clock that stands where it was put: rests are over when the test says so.
#[derive(Clone)]
pub struct At(pub Timestamp);

impl noctule_domain::ports::Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl Plan {
    /// A console of its own at the place of this plan, at the plan's time.
    pub fn open(&self) -> Desk {
        let methods = Arc::new(|key: &str| quick(key).map(|p| Methods { activate: p.activate, suspend: p.suspend, resume: p.resume }));
        let console = ConsoleId::from_uuid(uuid::Uuid::now_v7());
        match &self.place {
            Place::Store(path) => {
                let mut options = OpenOptions::new(console, self.tenant, Arc::new(At(self.now)), methods);
                options.has_aaa = self.aaa.is_some();
                Desk::Local(Store::open(path, options).expect("the store opens"))
            }
            Place::Centre(central) => Desk::Central(Arc::new(central.open(self.tenant, console, self.now, methods))),
        }
    }

    /// The executor of this plan on a store, with nothing between.
    pub fn executor(&self, store: &Desk) -> Executor {
        self.executor_with(store, |parts| (Arc::new(parts.0), Arc::new(parts.1), Arc::new(parts.2)))
    }

    /// The same with wrappers.
    pub fn executor_with(&self, store: &Desk, wrap: impl FnOnce(Parts) -> Wrapped) -> Executor {
        self.executor_tuned(store, |_| {}, wrap)
    }

    /// The AAA system, as this console reaches it.
    pub fn aaa(&self) -> Option<SimAaa> {
        self.aaa.clone().filter(|_| self.aaa_access).map(|file| SimAaa(AaaSim::kept(file)))
    }

    /// The same with other pauses.
    pub fn executor_tuned(&self, store: &Desk, tune: impl FnOnce(&mut ExecutorConfig), wrap: impl FnOnce(Parts) -> Wrapped) -> Executor {
        self.executor_whole(store, tune, wrap, self.aaa().map(|aaa| Arc::new(aaa) as Arc<dyn Aaa>))
    }

    /// The same with another way to AAA.
    pub fn executor_whole(
        &self,
        store: &Desk,
        tune: impl FnOnce(&mut ExecutorConfig),
        wrap: impl FnOnce(Parts) -> Wrapped,
        aaa: Option<Arc<dyn Aaa>>,
    ) -> Executor {
        let pool = PoolConfig::prefix(POOL.parse().expect("pool"), None, 56);
        let mut netbox = NetboxConfig::new(&self.netbox, Secret::new(self.token.as_str()), vec![pool]);
        netbox.timeouts = Timeouts { connect: Duration::from_secs(2), read: Duration::from_secs(3), allocate: Duration::from_secs(3) };
        let netbox = Netbox::new(netbox).expect("a NetBox client");
        let engine = Engine::new(EngineConfig::default()).expect("an engine");
        let secret = self.nas_secret.clone();
        let secrets = Arc::new(move |_: &_| secret.clone().map(Secret::new).ok_or_else(|| SafeText::from("there is no such file")));
        let profiles = Arc::new([PROFILE, BY_LOGIN].into_iter().filter_map(quick).fold(Profiles::built_in(), Profiles::with));
        let radius = RadiusClient::new(engine, secrets, profiles.clone());
        let mut config = ExecutorConfig::new(Arc::new(At(self.now)));
        config.backoff = (Duration::from_millis(5), Duration::from_millis(40));
        tune(&mut config);
        let (authority, ipam, nas) = wrap((store.clone(), netbox, radius));
        Executor::new(authority, Upstreams { ipam: Some(ipam), aaa, nas, profiles }, config)
    }

    pub fn request(&self) -> BeginOperation {
        BeginOperation {
            id: OperationId::from_uuid(uuid::Uuid::now_v7()),
            subscriber: self.subscriber,
            kind: self.kind,
            actor: Actor { name: SafeText::from("fault"), role: Role::Admin, origin: SafeText::from("tests") },
            options: OperationOptions::default(),
            expected_version: None,
        }
    }

    /// Runs the operation to its good end.
    pub async fn carry_out(&self, executor: &Executor) {
        match executor.start(self.request()).await.unwrap_or_else(|e| panic!("{} does not begin: {e}", self.kind)) {
            Started::Running(handle) => {
                let finished = handle.ended().await.expect("it ends");
                let operation = finished.operation;
                assert!(operation.error.is_none(), "{}: {:?}", self.kind, operation.error);
            }
            Started::AlreadyThere(_) => {}
        }
    }
}
