//! The world of one trial: a store in a folder of its own, a simulated NetBox and NAS that outlive the child, and what is true at the end.

use super::plan::{At, POOL, PROFILE, Plan, SECRET};
use noctule_domain::audit::{AuditEntry, AuditVerdict};
use noctule_domain::lifecycle::{AssignmentMode, Ipv6State, OperationKind, OperationRow};
use noctule_domain::ports::Clock;
use noctule_domain::secret::Secret;
use noctule_domain::subscriber::{Ipv6Record, Username};
use noctule_domain::{SubscriberId, TenantId, Timestamp};
use noctule_sim::nas::{NasSession, NasSim, NasSimConfig, Preset};
use noctule_sim::netbox::{DEFAULT_TOKEN, NetboxConfig, NetboxSim, SeedPrefix, SimPrefix};
use noctule_storage::{NewNas, NewSession, NewSubscriber, OperationFilter, Store};
use std::time::Duration;

pub const USER: &str = "anna.virtanen@isp.example";
pub const SESSION: &str = "8a3f0001";

pub struct Bench {
    _folder: tempfile::TempDir,
    pub netbox: NetboxSim,
    pub nas: NasSim,
    pub plan: Plan,
}

/// What is true, asked of everybody.
pub struct Facts {
    pub state: Ipv6State,
    pub prefix: Option<ipnet::Ipv6Net>,
    pub netbox_id: Option<i64>,
    pub hold: bool,
    pub operations: Vec<OperationRow>,
    /// The delegations that NetBox holds.
    pub netbox: Vec<SimPrefix>,
    pub session_prefixes: Vec<ipnet::Ipv6Net>,
    pub routes: bool,
    audit: AuditVerdict,
}

impl Facts {
    /// What must hold after anything.
    pub fn check(&self, when: &str) {
        for operation in &self.operations {
            assert!(!operation.status.is_open(), "{when}: {} is still {}", operation.kind, operation.status);
        }
        assert!(matches!(self.audit, AuditVerdict::Intact { .. }), "{when}: {:?}", self.audit);
        let held: Vec<i64> = self.netbox.iter().map(|p| p.id).collect();
        assert_eq!(
            held,
            self.netbox_id.into_iter().collect::<Vec<_>>(),
            "{when}: NetBox holds what the row does not know, or the other way"
        );
        assert_eq!(self.netbox.first().map(|p| p.prefix), self.prefix, "{when}");
        if self.routes {
            assert_eq!(self.session_prefixes, self.prefix.into_iter().collect::<Vec<_>>(), "{when}: the NAS routes another prefix");
        }
    }
}

impl Bench {
    /// A pending pd subscriber with a live session on a NAS of its own, and a pool with room.
    pub async fn new() -> Self {
        Self::with(AssignmentMode::Pd, true).await
    }

    pub async fn with(mode: AssignmentMode, session: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pool = SeedPrefix { is_pool: true, ..SeedPrefix::container(POOL) };
        let netbox = NetboxSim::start(NetboxConfig { prefixes: vec![pool], ..NetboxConfig::default() }).await.expect("NetBox");
        let now = chrono::Utc::now();
        let mut config = NasSimConfig::new(Preset::Strict, Secret::new(SECRET));
        if session {
            config = config.session(NasSession::new(SESSION, USER, now));
        }
        let nas = NasSim::start(config).await.expect("NAS");
        let subscriber = SubscriberId::from_uuid(uuid::Uuid::now_v7());
        let plan = Plan {
            store: folder.path().join("noctule.db"),
            tenant: TenantId::from_uuid(uuid::Uuid::now_v7()),
            netbox: netbox.url(),
            token: DEFAULT_TOKEN.to_owned(),
            subscriber,
            kind: OperationKind::Allocate,
            now,
            nas_secret: Some(SECRET.to_owned()),
        };
        fill(&plan.open(), &plan, nas.addr(), mode, session).await;
        Self { _folder: folder, netbox, nas, plan }
    }

    pub fn plan_for(&self, kind: OperationKind) -> Plan {
        let mut plan = Plan { kind, ..self.plan.clone() };
        // What comes after a revoke comes after the rest: two days later.
        if matches!(kind, OperationKind::Allocate | OperationKind::Release) {
            plan.now += chrono::Duration::days(2);
        }
        plan
    }

    /// Runs an operation in this process, undisturbed.
    pub async fn operate(&self, kind: OperationKind) {
        let plan = self.plan_for(kind);
        let store = plan.open();
        plan.carry_out(&plan.executor(&store)).await;
    }

    /// Another process: opens the store, takes over what was left, waits for its end.
    pub async fn recover(&self) {
        let plan = self.plan_for(OperationKind::Allocate);
        let store = plan.open();
        let executor = plan.executor(&store);
        for handle in executor.recover().await.expect("recovery begins") {
            let finished = tokio::time::timeout(Duration::from_secs(30), handle.ended()).await.expect("in time").expect("it ends");
            assert!(finished.operation.error.is_none(), "{:?}", finished.operation.error);
        }
    }

    /// One round of housekeeping, so long after the beginning.
    pub async fn housekeeping(&self, later: chrono::Duration) {
        let mut plan = self.plan.clone();
        plan.now += later;
        let store = plan.open();
        plan.executor(&store).tidy_up().await.expect("housekeeping");
    }

    /// Asks at the time of the beginning, before any rest is over: the refusal, if it is one.
    pub async fn at_once(&self, kind: OperationKind) -> Result<(), noctule_domain::lifecycle::Refusal> {
        use noctule_domain::ports::{Authority, AuthorityError};
        let plan = Plan { kind, ..self.plan.clone() };
        match plan.open().begin(plan.request()).await {
            Err(AuthorityError::Refused(refusal)) => Err(refusal),
            other => other.map(drop).map_err(|e| panic!("{e}")),
        }
    }

    /// Another subscriber who holds a prefix here that NetBox does not know of.
    pub async fn neighbour(&self, prefix: &str) {
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, self.plan.now);
        record.state = Ipv6State::Allocated;
        record.prefix = Some(prefix.parse().expect("a prefix"));
        let name = Username::new("bertil@isp.example").expect("a name");
        let store = self.plan.open();
        let mut importer = store.importer().await.expect("import");
        let row = NewSubscriber::new("N-2".into(), name, "Bertil".into(), record);
        assert!(importer.push_subscribers(vec![row]).await.expect("subscribers").is_empty());
        importer.commit(imported(&self.plan)).await.expect("commit");
    }

    /// The subscriber is registered at no NAS any more.
    pub async fn forget_nas(&self) {
        let store = self.plan.open();
        let record = store.subscriber(self.plan.subscriber).await.expect("store").expect("there").ipv6;
        let mut importer = store.importer().await.expect("import");
        let row = NewSubscriber::new("N-1".into(), Username::new(USER).expect("a name"), "Anna Virtanen".into(), record);
        assert!(importer.push_subscribers(vec![row]).await.expect("subscribers").is_empty());
        importer.commit(imported(&self.plan)).await.expect("commit");
    }

    pub async fn facts(&self) -> Facts {
        let store = self.plan.open();
        let subscriber = store.subscriber(self.plan.subscriber).await.expect("store").expect("the subscriber");
        let pool: ipnet::Ipv6Net = POOL.parse().expect("pool");
        Facts {
            state: subscriber.ipv6.state,
            prefix: subscriber.ipv6.prefix,
            netbox_id: subscriber.ipv6.netbox_prefix_id,
            hold: subscriber.ipv6.hold_until.is_some(),
            operations: store.operations(OperationFilter { open_only: false, status: None, limit: 100 }).await.expect("operations"),
            netbox: self.netbox.prefixes().into_iter().filter(|p| p.prefix != pool).collect(),
            session_prefixes: self.nas.sessions_of(USER).into_iter().flat_map(|s| s.delegated_prefixes).collect(),
            routes: self.nas.routes(USER),
            audit: store.audit_verify().await.expect("audit"),
        }
    }
}

async fn fill(store: &Store, plan: &Plan, nas: std::net::SocketAddr, mode: AssignmentMode, session: bool) {
    let now: Timestamp = At(plan.now).now();
    let mut importer = store.importer().await.expect("import");
    let row = NewNas {
        id: None,
        name: "bng-1".into(),
        profile: PROFILE.to_owned(),
        address: nas,
        nas_ip: None,
        nas_identifier: None,
        secret: "env:UNUSED".parse().expect("a reference"),
        position: None,
        site: None,
        enabled: true,
    };
    assert!(importer.push_nas(vec![row]).await.expect("nas").is_empty());
    let record = Ipv6Record::pending(mode, now);
    let subscriber = NewSubscriber {
        id: Some(plan.subscriber),
        nas: Some("bng-1".into()),
        session: session.then(|| NewSession {
            nas: None,
            acct_session_id: SESSION.into(),
            framed_ipv4: None,
            delegated_prefix: None,
            started_at: now,
            seen_at: now,
        }),
        ..NewSubscriber::new("N-1".into(), Username::new(USER).expect("a name"), "Anna Virtanen".into(), record)
    };
    assert!(importer.push_subscribers(vec![subscriber]).await.expect("subscribers").is_empty());
    importer.commit(imported(plan)).await.expect("commit");
}

fn imported(plan: &Plan) -> AuditEntry {
    AuditEntry {
        tenant: plan.tenant,
        at: plan.now,
        actor: "fault".into(),
        origin: "tests".into(),
        action: "import-subscribers".to_owned(),
        target: "store".into(),
        operation: None,
        reason: None,
        before: serde_json::Value::Null,
        after: serde_json::json!({}),
        answers: serde_json::Value::Null,
    }
}
