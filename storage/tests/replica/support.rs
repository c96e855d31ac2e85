//! Packed rows as the centre would send them, and a folder with a copy.

use chrono::{DateTime, Duration, TimeZone, Utc};
use noctule_domain::lifecycle::{Actor, Methods};
use noctule_domain::permission::Role;
use noctule_domain::ports::Clock;
use noctule_domain::sync::{Increment, Kind, Position, Replica, Rows, RowsBuilder, TABLES, Table};
use noctule_domain::{ConsoleId, SubscriberId, TaskId, TechnicianId, TenantId, Timestamp};
use noctule_storage::{OpenOptions, Store};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub const TENANT: TenantId = TenantId(Uuid::from_u128(7));
pub const NAS: Uuid = Uuid::from_u128(0x100);

pub struct HandClock(pub Mutex<Timestamp>);

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
    Utc.with_ymd_and_hms(2026, 11, 24, 12, 0, 0).unwrap()
}

pub fn clock() -> Arc<HandClock> {
    Arc::new(HandClock(Mutex::new(start())))
}

pub fn options(clock: Arc<HandClock>) -> OpenOptions {
    let methods = |_: &str| None::<Methods>;
    let mut options = OpenOptions::new(ConsoleId(Uuid::now_v7()), TENANT, clock, Arc::new(methods));
    options.login = Some("ada".into());
    options
}

pub fn open(folder: &Path) -> Store {
    Store::open_replica(folder, options(clock())).unwrap()
}

pub fn actor(role: Role) -> Actor {
    Actor { name: "ada".into(), role, origin: "test host".into() }
}

/// A value of a row on the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum V {
    None,
    Id(Uuid),
    Text(String),
    Int(i64),
    Real(f64),
    Bool(bool),
    Time(Timestamp),
    Raw(Vec<u8>),
}

impl From<&str> for V {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

pub fn bytes(value: &V) -> Option<Vec<u8>> {
    let epoch: DateTime<Utc> = Utc.with_ymd_and_hms(2000, 1, 1, 0, 0, 0).unwrap();
    Some(match value {
        V::None => return None,
        V::Id(id) => id.as_bytes().to_vec(),
        V::Text(text) => text.as_bytes().to_vec(),
        V::Int(n) => n.to_be_bytes().to_vec(),
        V::Real(r) => r.to_be_bytes().to_vec(),
        V::Bool(b) => vec![u8::from(*b)],
        V::Time(at) => (at.timestamp_micros() - epoch.timestamp_micros()).to_be_bytes().to_vec(),
        V::Raw(raw) => raw.clone(),
    })
}

/// One row: what is not named is a plain value where the schema demands one, else none.
pub fn tuple(table: Table, id: Uuid, named: &[(&str, V)]) -> Vec<Option<Vec<u8>>> {
    let named: HashMap<&str, &V> = named.iter().map(|(name, value)| (*name, value)).collect();
    for name in named.keys() {
        assert!(table.columns().iter().any(|c| c.name == *name), "{table} has a column {name}");
    }
    table
        .columns()
        .iter()
        .map(|column| match named.get(column.name) {
            Some(value) => bytes(value),
            None => bytes(&plain(table, column.name, column.kind, id)),
        })
        .collect()
}

fn plain(table: Table, column: &str, kind: Kind, id: Uuid) -> V {
    let short = &id.simple().to_string()[20..];
    match (table, column) {
        (_, "id") => V::Id(id),
        (Table::Nas, "name") => V::Text(format!("bng-{short}")),
        (Table::Nas, "profile") => "generic".into(),
        (Table::Nas, "address") => "192.0.2.1:3799".into(),
        (Table::Nas, "secret") => "env:SECRET".into(),
        (Table::Nas, "reach") => "unknown".into(),
        (Table::Nas, "acks" | "naks" | "timeouts") => V::Int(0),
        (Table::Pools, "netbox_id") => V::Int((id.as_u128() % 100_000) as i64),
        (Table::Pools, "prefix") => "2001:db8::/32".into(),
        (Table::Pools, "status") => "active".into(),
        (Table::Pools, "description") => "".into(),
        (Table::Pools, "delegated_len" | "used") => V::Int(56),
        (Table::Technicians, "employee_id") => V::Text(format!("E{short}")),
        (Table::Technicians, "name") => V::Text(format!("Tech {short}")),
        (Table::Technicians, "status") => "available".into(),
        (Table::Technicians, "skill_level") => "senior".into(),
        (Table::Technicians, "skills") => "[\"fibre\", \"copper\"]".into(),
        (Table::Technicians, "time_zone") => "Europe/Helsinki".into(),
        (Table::Technicians, "work_from_min" | "work_to_min") => V::Int(480),
        (Table::Subscribers, "number") => V::Text(format!("S{short}")),
        (Table::Subscribers, "username") => V::Text(format!("user-{short}@example.net")),
        (Table::Subscribers, "full_name") => V::Text(format!("Person {short}")),
        (Table::Subscribers, "status") => "active".into(),
        (Table::Subscribers, "state") => "pending".into(),
        (Table::Subscribers, "mode") => "pd".into(),
        (Table::Subscribers, "enforcement") => "none".into(),
        (Table::Subscribers, "vrf") => V::Int(0),
        (Table::Sessions, "nas") => V::Id(NAS),
        (Table::Sessions, "acct_session_id") => "s-1".into(),
        (Table::Tasks, "number") => V::Text(format!("T-{short}")),
        (Table::Tasks, "title") => "Splice".into(),
        (Table::Tasks, "task_type") => "splicing".into(),
        (Table::Tasks, "status") => "ready".into(),
        (Table::Tasks, "priority") => "normal".into(),
        (Table::Tasks, "depends_on") => "[]".into(),
        (Table::Operations, "subscriber") => V::Id(Uuid::from_u128(1)),
        (Table::Operations, "kind") => "allocate".into(),
        (Table::Operations, "status") => "running".into(),
        (Table::Operations, "actor" | "origin") => "bob".into(),
        (Table::Operations, "role") => "noc".into(),
        (Table::Operations, "options" | "progress" | "before") => {
            let options = serde_json::to_string(&noctule_domain::lifecycle::OperationOptions::default()).unwrap();
            let progress = serde_json::to_string(&noctule_domain::lifecycle::Progress::default()).unwrap();
            V::Text(if column == "options" { options } else { progress })
        }
        (Table::Operations, "plan" | "steps") => "[]".into(),
        (Table::TimeEntries, "technician") | (Table::Assignments, "technician" | "task") => V::Id(Uuid::from_u128(1)),
        (Table::TimeEntries, "kind") => "regular".into(),
        (Table::TimeEntries, "status") => "draft".into(),
        (Table::Assignments, "status") => "scheduled".into(),
        (Table::Assignments, "method") => "manual".into(),
        (Table::Assignments, "ends_at") => V::Time(start() + Duration::hours(1)),
        (_, "version") => V::Int(1),
        (_, "requested_at" | "since" | "created_at" | "updated_at" | "started_at" | "seen_at" | "starts_at")
            if !(table == Table::Tasks && column == "started_at") =>
        {
            V::Time(start())
        }
        _ if kind == Kind::Bool => V::Bool(true),
        _ => V::None,
    }
}

pub type Tuple = Vec<Option<Vec<u8>>>;

pub fn packed(table: Table, rows: &[Tuple]) -> Rows {
    let mut builder = RowsBuilder::new(table, 256);
    for row in rows {
        row.iter().for_each(|value| builder.push_value(value.as_deref()));
        builder.end_row();
    }
    builder.finish()
}

pub fn position(xid: u64) -> Position {
    Position {
        history: "cluster-1".into(),
        schema: 6,
        epoch: 1,
        tenant: TENANT.0,
        login: "ada".into(),
        cursor: format!("{xid}:{xid}:").parse().unwrap(),
        at: start(),
    }
}

/// A whole copy of these tuples (per table in the order of ids).
pub async fn copy(store: &Store, at: &Position, rows: &[(Table, Vec<Tuple>)]) {
    assert!(store.lead());
    let mut copy = store.copy(at).await.unwrap();
    for table in TABLES {
        for (of, tuples) in rows.iter().filter(|(of, _)| of == table) {
            copy.rows(packed(*of, tuples)).await.unwrap();
        }
        copy.table_done(*table).await.unwrap();
    }
    copy.finish(&|_| {}).await.unwrap();
}

pub async fn apply(store: &Store, table: Table, rows: &[Tuple], xid: u64) {
    let increment = Increment { rows: vec![packed(table, rows)], gone: Vec::new(), position: Some(position(xid)) };
    store.apply(increment).await.unwrap();
}

pub fn sub(n: u128, named: &[(&str, V)]) -> Tuple {
    tuple(Table::Subscribers, Uuid::from_u128(n), named)
}

pub fn task(n: u128, named: &[(&str, V)]) -> Tuple {
    tuple(Table::Tasks, Uuid::from_u128(n), named)
}

pub fn technician(n: u128, named: &[(&str, V)]) -> Tuple {
    tuple(Table::Technicians, Uuid::from_u128(n), named)
}

pub fn sid(n: u128) -> SubscriberId {
    SubscriberId(Uuid::from_u128(n))
}

pub fn tid(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

pub fn whom(n: u128) -> TechnicianId {
    TechnicianId(Uuid::from_u128(n))
}

/// Waits for something, at most twenty seconds.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !done() {
        assert!(std::time::Instant::now() < end, "waited too long: {what}");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}
