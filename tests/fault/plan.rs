//! What the child is told, and what it does: one operation on a store, with wrappers that kill it at a point.

use super::dying::{Dying, Fuse};
use noctule_domain::lifecycle::{Actor, Methods, OperationKind, OperationOptions};
use noctule_domain::permission::Role;
use noctule_domain::ports::BeginOperation;
use noctule_domain::secret::Secret;
use noctule_domain::{ConsoleId, OperationId, SafeText, SubscriberId, TenantId, Timestamp};
use noctule_network::lifecycle::{Executor, ExecutorConfig, Started};
use noctule_network::netbox::{Netbox, NetboxConfig, PoolConfig, Timeouts};
use noctule_network::radius::{Engine, EngineConfig, Profiles, RadiusClient, profiles};
use noctule_storage::{OpenOptions, Store};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub const VARIABLE: &str = "NOCTULE_FAULT_PLAN";
pub const POOL: &str = "2001:db8:100::/44";
pub const SECRET: &str = "a-secret-of-the-tests";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub store: PathBuf,
    pub tenant: TenantId,
    pub netbox: String,
    pub token: String,
    pub subscriber: SubscriberId,
    pub kind: OperationKind,
    pub die_at: u32,
    pub now: Timestamp,
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
    pub fn from_environment() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&text).expect("a plan"))
    }

    pub fn open(&self) -> Store {
        let methods =
            Arc::new(|key: &str| profiles::get(key).map(|p| Methods { activate: p.activate, suspend: p.suspend, resume: p.resume }));
        let console = ConsoleId::from_uuid(uuid::Uuid::now_v7());
        Store::open(&self.store, OpenOptions::new(console, self.tenant, Arc::new(At(self.now)), methods)).expect("the store opens")
    }

    /// The executor of this plan on a store, its own or that of the process that takes over.
    pub fn executor(&self, store: &Store, die_at: u32) -> Executor {
        let fuse = Fuse::new(die_at);
        let mut netbox = NetboxConfig::new(
            &self.netbox,
            Secret::new(self.token.as_str()),
            vec![PoolConfig::prefix(POOL.parse().expect("pool"), None, 56)],
        );
        netbox.timeouts = Timeouts { connect: Duration::from_secs(2), read: Duration::from_secs(3), allocate: Duration::from_secs(3) };
        let netbox = Netbox::new(netbox).expect("a NetBox client");
        let engine = Engine::new(EngineConfig::default()).expect("an engine");
        let secrets = Arc::new(|_: &_| Ok(Secret::new(SECRET)));
        let radius = RadiusClient::new(engine, secrets, Arc::new(Profiles::built_in()));
        let mut config = ExecutorConfig::new(Arc::new(At(self.now)));
        config.backoff = (Duration::from_millis(5), Duration::from_millis(40));
        Executor::new(
            Arc::new(Dying { fuse: fuse.clone(), inner: Arc::new(store.clone()) }),
            Some(Arc::new(Dying { fuse: fuse.clone(), inner: Arc::new(netbox) })),
            Arc::new(Dying { fuse, inner: Arc::new(radius) }),
            config,
        )
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

    /// Runs the operation to its end; the fuse decides whether that is reached.
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

    pub fn run(self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
        runtime.block_on(async {
            let store = self.open();
            self.carry_out(&self.executor(&store, self.die_at)).await;
        });
    }
}
