//! The store and the AAA tables: the same subscribers in both, but for the few that differ.

use crate::DIFFERS;
use chrono::Utc;
use noctule::console::SystemClock;
use noctule_domain::audit::AuditEntry;
use noctule_domain::lifecycle::{AssignmentMode, Enforcement, Ipv6State};
use noctule_domain::secret::Secret;
use noctule_domain::subscriber::{Ipv6Record, Username};
use noctule_domain::{ConsoleId, SafeText, TenantId};
use noctule_network::aaa::{AaaConfig, FreeRadius, Names};
use noctule_storage::{NewSubscriber, OpenOptions, Store};
use noctule_testbed::{Database, FreeRadius as Server, Postgres};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub struct Place {
    pub folder: tempfile::TempDir,
    pub postgres: &'static Postgres,
    pub database: Database,
}

/// NetBox id of the first delegation; the pool is 1.
pub const FIRST: u64 = 10;

pub fn prefix(n: u64) -> String {
    format!("2001:db8:{:x}:{:x}::/56", n >> 8, (n & 0xff) << 8)
}

pub fn store(path: &Path) -> Store {
    let options = OpenOptions::new(ConsoleId(Uuid::now_v7()), TenantId(Uuid::from_u128(1)), Arc::new(SystemClock), Arc::new(|_| None));
    Store::open(path, options).expect("the store opens")
}

pub fn aaa(host: &str, port: u16, database: &str, user: &str, password: &str) -> FreeRadius {
    FreeRadius::new(AaaConfig {
        hosts: vec![(host.to_owned(), port)],
        database: database.to_owned(),
        user: user.to_owned(),
        password: Some(Secret::new(password.to_owned())),
        tls: noctule_tls::Tls::Off,
        schema: "public".to_owned(),
        names: Names::Escaped,
        connect_timeout: Duration::from_secs(30),
        timeout: Duration::from_secs(120),
        application: "noctule bench".to_owned(),
    })
}

pub async fn place(rows: u64) -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let postgres = Postgres::shared().expect("a cluster");
    let database = postgres.create_database().expect("a database");
    Server::make_schema(postgres, &database).expect("the stock schema");
    let client = aaa(postgres.host(), postgres.port(), database.name(), postgres.superuser(), postgres.superuser_password());
    // Everyone has a password and a prefix; the middle one of each lot another prefix.
    let sql = format!(
        "INSERT INTO radcheck (username, attribute, op, value)
            SELECT 'user' || lpad(n::text, 8, '0') || '@isp.example', 'Cleartext-Password', ':=', 'x' FROM generate_series(0, {last}) AS n;
         INSERT INTO radreply (username, attribute, op, value)
            SELECT 'user' || lpad(n::text, 8, '0') || '@isp.example', 'Delegated-IPv6-Prefix', ':=',
                '2001:db8:' || to_hex(m >> 8) || ':' || to_hex((m & 255) << 8) || '::/56'
            FROM generate_series(0, {last}) AS n, LATERAL (SELECT CASE WHEN n % {DIFFERS} = {half} THEN n + 1 ELSE n END AS m) AS x",
        last = rows - 1,
        half = DIFFERS / 2
    );
    postgres.query(database.dsn(), &sql).expect("filled");
    let check = client.check().await.expect("looked");
    client.init(&check.sql(), &|_| {}).await.expect("made");
    postgres.query(database.dsn(), "ANALYZE").expect("analysed");

    let store = store(&folder.path().join("noctule.db"));
    let mut importer = store.importer().await.expect("an importer");
    let now = Utc::now();
    let mut batch = Vec::with_capacity(1000);
    for n in 0..rows {
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, now);
        record.state = Ipv6State::Active;
        record.enforcement = Enforcement::Observed;
        record.prefix = Some(prefix(n).parse().expect("a prefix"));
        record.netbox_prefix_id = Some((FIRST + n) as i64);
        record.allocated_at = Some(now);
        record.activated_at = Some(now);
        let name = Username::new(&format!("user{n:08}@isp.example")).expect("a name");
        batch.push(NewSubscriber::new(SafeText::new(&format!("N-{n:08}")), name, SafeText::new(&format!("Subscriber {n}")), record));
        if batch.len() == 1000 || n + 1 == rows {
            let errors = importer.push_subscribers(std::mem::take(&mut batch)).await.expect("pushed");
            assert!(errors.is_empty(), "{:?}", errors.first());
        }
    }
    let entry = AuditEntry {
        tenant: TenantId(Uuid::from_u128(1)),
        at: now,
        actor: "bench".into(),
        origin: "bench".into(),
        action: "fill".to_owned(),
        target: "store".into(),
        operation: None,
        reason: None,
        before: serde_json::Value::Null,
        after: serde_json::Value::Null,
        answers: serde_json::Value::Null,
    };
    importer.commit(entry).await.expect("committed");
    Place { folder, postgres, database }
}
