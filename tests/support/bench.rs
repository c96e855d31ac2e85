//! The world of one trial: a store in a folder of its own or a tenant in a real PostgreSQL, a simulated NetBox and NAS that outlive the child, and what is true at the end.

use super::centre::Central;
use super::desk::{Desk, Ran};
use super::fill;
use super::plan::{BY_LOGIN, POOL, PROFILE, Place, Plan, SECRET};
use noctule::compose::nas_login;
use noctule_domain::aaa::{Login, LoginProfile, login_of};
use noctule_domain::audit::AuditVerdict;
use noctule_domain::lifecycle::{AssignmentMode, Ipv6State, OperationKind};
use noctule_domain::permission::Role;
use noctule_domain::ports::BeginOperation;
use noctule_domain::secret::Secret;
use noctule_domain::{SubscriberId, TenantId};
use noctule_sim::aaa::AaaSim;
use noctule_sim::nas::{Delay, NasSession, NasSim, NasSimConfig, Preset};
use noctule_sim::netbox::{DEFAULT_TOKEN, NetboxConfig, NetboxSim, SeedPrefix, SimPrefix};
use std::time::Duration;

pub const USER: &str = "anna.virtanen@isp.example";
pub const SESSION: &str = "8a3f0001";

/// Which authority a trial is run on: with the same outcome on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Centre,
}

/// How the NAS of a bench is made to obey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Coa,
    /// Disconnect; the subscriber logs in again at once and gets what AAA says then.
    Login,
}

pub struct Bench {
    folder: tempfile::TempDir,
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
    pub operations: Vec<Ran>,
    /// The delegations that NetBox holds.
    pub netbox: Vec<SimPrefix>,
    pub session_prefixes: Vec<ipnet::Ipv6Net>,
    pub routes: bool,
    /// What a login gets, and what the state says of it; nothing where no AAA system is the tenant's.
    pub login: Option<(Login, Login)>,
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
        if let Some((gets, said)) = &self.login {
            assert_eq!(gets, said, "{when}: a login gets what the state {} does not say", self.state);
            let rests = self.netbox.first().is_none_or(|p| p.status == "deprecated");
            assert!(!rests || gets.prefixes().0.is_none(), "{when}: AAA hands out what was given back");
        }
        if self.routes {
            assert_eq!(self.session_prefixes, self.prefix.into_iter().collect::<Vec<_>>(), "{when}: the NAS routes another prefix");
        }
    }
}

impl Bench {
    /// A pending pd subscriber with a live session on a NAS of its own, and a pool with room.
    pub async fn new_on(on: Backend) -> Self {
        Self::with_on(on, AssignmentMode::Pd, true).await
    }

    /// The same where an AAA system decides what logins get.
    pub async fn with_aaa(on: Backend, by: By) -> Self {
        Self::whole(on, AssignmentMode::Pd, true, Some(by)).await
    }

    pub async fn with_on(on: Backend, mode: AssignmentMode, session: bool) -> Self {
        Self::whole(on, mode, session, None).await
    }

    async fn whole(on: Backend, mode: AssignmentMode, session: bool, aaa: Option<By>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pool = SeedPrefix { is_pool: true, ..SeedPrefix::container(POOL) };
        let netbox = NetboxSim::start(NetboxConfig { prefixes: vec![pool], ..NetboxConfig::default() }).await.expect("NetBox");
        let now = chrono::Utc::now();
        let mut config = NasSimConfig::new(Preset::Strict, Secret::new(SECRET));
        if session {
            config = config.session(NasSession::new(SESSION, USER, now));
        }
        let file = folder.path().join("aaa.json");
        if aaa.is_some() {
            let logins = AaaSim::kept(file.clone());
            config.login = Some(std::sync::Arc::new(move |user: &str| nas_login(&logins.login(user).unwrap_or(Login::WithoutPrefix))));
        }
        let nas = NasSim::start(config).await.expect("NAS");
        if aaa.is_some() {
            nas.behave(|b| b.relogin = Some(Delay::None));
            AaaSim::kept(file.clone()).hears(&nas, nas.addr().ip());
        }
        let subscriber = SubscriberId::from_uuid(uuid::Uuid::now_v7());
        let tenant = TenantId::from_uuid(uuid::Uuid::now_v7());
        let place = match on {
            Backend::Sqlite => Place::Store(folder.path().join("noctule.db")),
            Backend::Centre => Place::Centre(Central::new(tenant, now).await),
        };
        let plan = Plan {
            place,
            tenant,
            netbox: netbox.url(),
            token: DEFAULT_TOKEN.to_owned(),
            subscriber,
            kind: OperationKind::Allocate,
            now,
            nas_secret: Some(SECRET.to_owned()),
            profile: if aaa == Some(By::Login) { BY_LOGIN } else { PROFILE }.to_owned(),
            aaa: aaa.map(|_| file),
            aaa_access: true,
        };
        if let (Some(_), Place::Centre(central)) = (aaa, &plan.place) {
            let sql = "UPDATE noctule.tenants SET aaa = true WHERE tenant_id = $1";
            central.owner().await.execute(sql, &[&tenant.0]).await.expect("the fact of the tenant");
        }
        fill::subscriber(&plan, nas.addr(), mode, session).await;
        Self { folder, netbox, nas, plan }
    }

    /// The AAA system of a bench that has one.
    pub fn aaa(&self) -> AaaSim {
        AaaSim::kept(self.folder.path().join("aaa.json"))
    }

    pub fn plan_for(&self, kind: OperationKind) -> Plan {
        let mut plan = Plan { kind, ..self.plan.clone() };
        // What comes after a revoke comes after the rest: two days later.
        if matches!(kind, OperationKind::Allocate | OperationKind::Release) {
            plan.now += chrono::Duration::days(2);
        }
        plan
    }

    /// A console of somebody with this role, and what he asks. In the store the role stands in the request, at the centre it is the login's.
    pub fn as_role(&self, role: Role) -> (Desk, BeginOperation) {
        let mut plan = self.plan_for(OperationKind::Allocate);
        if let Place::Centre(central) = &mut plan.place {
            central.login = super::centre::login(role);
        }
        let mut request = plan.request();
        request.actor.role = role;
        (plan.open(), request)
    }

    /// A tenant in which this operator works too, and in which nothing is.
    pub async fn another_tenant(&self) -> TenantId {
        let tenant = TenantId::from_uuid(uuid::Uuid::now_v7());
        if let Place::Centre(central) = &self.plan.place {
            super::centre::tenant_add(&central.owner().await, tenant).await;
        }
        tenant
    }

    /// Runs an operation in this process, undisturbed.
    pub async fn operate(&self, kind: OperationKind) {
        let plan = self.plan_for(kind);
        let store = plan.open();
        plan.carry_out(&plan.executor(&store)).await;
    }

    /// Another process: opens the store, takes over what was left, waits for its end. At the centre it is another operator's, who can only
    /// wait for the end of the lease.
    pub async fn recover(&self) {
        let mut plan = self.plan_for(OperationKind::Allocate);
        if let Place::Centre(central) = &mut plan.place {
            central.login = super::centre::login(Role::Noc);
            plan.now += chrono::Duration::minutes(1);
        }
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

    pub async fn facts(&self) -> Facts {
        let store = self.plan.open();
        let subscriber = store.subscriber(self.plan.subscriber).await.expect("store").expect("the subscriber");
        let pool: ipnet::Ipv6Net = POOL.parse().expect("pool");
        Facts {
            state: subscriber.ipv6.state,
            prefix: subscriber.ipv6.prefix,
            netbox_id: subscriber.ipv6.netbox_prefix_id,
            hold: subscriber.ipv6.hold_until.is_some(),
            operations: store.operations().await,
            netbox: self.netbox.prefixes().into_iter().filter(|p| p.prefix != pool).collect(),
            session_prefixes: self.nas.sessions_of(USER).into_iter().flat_map(|s| s.delegated_prefixes).collect(),
            routes: self.nas.routes(USER),
            login: self
                .plan
                .aaa
                .as_ref()
                .map(|_| (self.aaa().login(USER).unwrap_or(Login::WithoutPrefix), login_of(&subscriber.ipv6, &LoginProfile::default()))),
            audit: store.audit_verify().await.expect("audit"),
        }
    }
}
