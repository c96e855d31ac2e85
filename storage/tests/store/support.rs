//! A store in a scratch folder, a clock that is set by hand, rows to put in.

use chrono::{Duration, TimeZone, Utc};
use noctule_domain::audit::AuditEntry;
use noctule_domain::lifecycle::{Actor, AssignmentMode, Ipv6State, Methods, OperationKind, OperationOptions};
use noctule_domain::nas::Method;
use noctule_domain::permission::Role;
use noctule_domain::ports::{BeginOperation, Clock};
use noctule_domain::subscriber::{Ipv6Record, SubscriberRow, Username};
use noctule_domain::{ConsoleId, OperationId, SubscriberId, TenantId, Timestamp};
use noctule_storage::{NewNas, NewSubscriber, OpenError, OpenOptions, RowError, Store};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use uuid::Uuid;

pub const TENANT: TenantId = TenantId(Uuid::from_u128(7));

pub struct HandClock(Mutex<Timestamp>);

impl HandClock {
    pub fn forward(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub fn start() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 23, 12, 0, 0).unwrap()
}

pub struct Place {
    pub folder: TempDir,
    pub clock: Arc<HandClock>,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: Arc::new(HandClock(Mutex::new(start()))) }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("data").join("store.db")
    }

    pub fn options(&self) -> OpenOptions {
        let methods = |profile: &str| {
            (profile == "generic").then_some(Methods { activate: Method::CoaPrefix, suspend: Method::CoaFilter, resume: Method::CoaFilter })
        };
        OpenOptions::new(ConsoleId(Uuid::now_v7()), TENANT, self.clock.clone(), Arc::new(methods))
    }

    pub fn open(&self) -> Store {
        self.try_open(self.options()).unwrap()
    }

    pub fn try_open(&self, options: OpenOptions) -> Result<Store, OpenError> {
        Store::open(&self.path(), options)
    }

    pub fn raw(&self) -> rusqlite::Connection {
        raw(&self.path())
    }
}

pub fn raw(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

pub fn actor(role: Role) -> Actor {
    Actor { name: "ada".into(), role, origin: "test host".into() }
}

pub fn entry(action: &str) -> AuditEntry {
    AuditEntry {
        tenant: TENANT,
        at: start(),
        actor: "ada".into(),
        origin: "test host".into(),
        action: action.into(),
        target: "store".into(),
        operation: None,
        reason: None,
        before: serde_json::Value::Null,
        after: serde_json::Value::Null,
        answers: serde_json::Value::Null,
    }
}

pub fn nas(name: &str) -> NewNas {
    NewNas {
        id: None,
        name: name.into(),
        profile: "generic".into(),
        address: "192.0.2.1:3799".parse().unwrap(),
        nas_ip: None,
        nas_identifier: None,
        secret: "env:NAS_SECRET".parse().unwrap(),
        position: None,
        site: None,
        enabled: true,
    }
}

pub fn pending(n: u32) -> NewSubscriber {
    NewSubscriber::new(
        format!("S{n:05}").into(),
        Username::new(&format!("user{n}@example.net")).unwrap(),
        format!("Person {n}").into(),
        Ipv6Record::pending(AssignmentMode::Pd, start()),
    )
}

pub fn holding(n: u32, state: Ipv6State, prefix: &str) -> NewSubscriber {
    let mut new = pending(n);
    new.ipv6.state = state;
    new.ipv6.prefix = Some(prefix.parse().unwrap());
    new.ipv6.netbox_prefix_id = Some(i64::from(n) + 1000);
    new
}

/// Imports, and demands that no row is refused.
pub async fn fill(store: &Store, rows: Vec<NewSubscriber>) {
    assert_eq!(try_fill(store, rows).await, []);
}

pub async fn try_fill(store: &Store, rows: Vec<NewSubscriber>) -> Vec<RowError> {
    let mut importer = store.importer().await.unwrap();
    assert_eq!(importer.push_nas(vec![nas("bng-1"), nas("bng-2")]).await.unwrap(), []);
    let mut errors = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        errors.extend(importer.push_subscribers(rows.by_ref().take(1000).collect()).await.unwrap());
    }
    importer.commit(entry("import-subscribers")).await.unwrap();
    errors
}

pub async fn named(store: &Store, text: &str) -> SubscriberRow {
    let mut found = store.find_subscriber(text).await.unwrap();
    assert_eq!(found.len(), 1, "{text} names one subscriber");
    found.remove(0)
}

pub fn ask(subscriber: SubscriberId, kind: OperationKind) -> BeginOperation {
    BeginOperation {
        id: OperationId(Uuid::now_v7()),
        subscriber,
        kind,
        actor: actor(Role::Noc),
        options: OperationOptions::default(),
        expected_version: None,
    }
}
