//! A database with the stock tables and ours, a FreeRADIUS on it, and the client under test.

use noctule_domain::aaa::{Login, ReplyAttribute, SuspendLogin};
use noctule_domain::secret::Secret;
use noctule_domain::subscriber::Username;
use noctule_domain::{OperationId, SubscriberId};
use noctule_network::aaa::{AaaConfig, FreeRadius, Names};
use noctule_network::upstream::{Aaa, AaaError, LoginWrite};
use noctule_testbed::{Database, FreeRadius as Server, Postgres};
use std::time::Duration;
use uuid::Uuid;

pub const PASSWORD: &str = "sesame";

pub struct Place {
    pub postgres: &'static Postgres,
    pub database: Database,
    pub aaa: FreeRadius,
}

pub fn config(postgres: &Postgres, database: &Database) -> AaaConfig {
    AaaConfig {
        hosts: vec![(postgres.host().to_owned(), postgres.port())],
        database: database.name().to_owned(),
        user: postgres.superuser().to_owned(),
        password: Some(Secret::new(postgres.superuser_password().to_owned())),
        tls: noctule_tls::Tls::Off,
        schema: "public".to_owned(),
        names: Names::Escaped,
        connect_timeout: Duration::from_secs(60),
        timeout: Duration::from_secs(60),
        application: "noctule test".to_owned(),
    }
}

impl Place {
    /// The tables alone.
    pub async fn tables() -> Self {
        let postgres = Postgres::shared().expect("a cluster");
        let database = postgres.create_database().expect("a database");
        Server::make_schema(postgres, &database).expect("the stock schema");
        let aaa = FreeRadius::new(config(postgres, &database));
        let check = aaa.check().await.expect("looked");
        assert!(!check.is_fine());
        aaa.init(&check.sql(), &|_| {}).await.expect("made");
        let check = aaa.check().await.expect("looked again");
        assert!(check.is_fine(), "{:?}", check.findings);
        Self { postgres, database, aaa }
    }

    pub async fn with_server() -> (Self, Server) {
        let place = Self::tables().await;
        let server = Server::start_on(place.postgres, &place.database).expect("a FreeRADIUS");
        (place, server)
    }

    pub fn sql(&self, sql: &str) -> String {
        self.postgres.query(self.database.dsn(), sql).expect("asked")
    }

    /// A user with a password, as an operator makes one. The name as it stands in the table.
    pub fn user(&self, stored: &str) {
        let stored = stored.replace('\'', "''");
        self.sql(&format!(
            "INSERT INTO radcheck (username, attribute, op, value) VALUES ('{stored}', 'Cleartext-Password', ':=', '{PASSWORD}')"
        ));
    }

    pub async fn write(&self, name: &str, version: i64, login: Login) -> Result<(), AaaError> {
        self.aaa.write(&ask(name, version, login)).await
    }

    /// All rows of the operator's tables, to see that nothing else moved.
    pub fn rows(&self) -> String {
        self.sql(
            "SELECT 'check', id, username, attribute, op, value FROM radcheck UNION ALL
             SELECT 'reply', id, username, attribute, op, value FROM radreply UNION ALL
             SELECT 'group', id, username, groupname, '', priority::text FROM radusergroup ORDER BY 1, 2",
        )
    }
}

pub fn name(name: &str) -> Username {
    Username::new(name).expect("a name")
}

/// One subscriber a name.
pub fn ask(username: &str, version: i64, login: Login) -> LoginWrite {
    LoginWrite {
        operation: OperationId::from_uuid(Uuid::now_v7()),
        subscriber: SubscriberId(Uuid::from_u128(
            username.bytes().fold(1, |sum: u128, byte| sum.wrapping_mul(257).wrapping_add(byte.into())),
        )),
        version,
        username: name(username),
        login,
    }
}

pub fn normal(prefix: &str) -> Login {
    Login::Normal { delegated: Some(prefix.parse().expect("a prefix")), framed: None }
}

pub fn suspended(how: SuspendLogin, prefix: &str) -> Login {
    Login::Suspended {
        how,
        group: "garden".to_owned(),
        reply: vec![ReplyAttribute { name: "Mikrotik-Rate-Limit".to_owned(), value: "64k/64k".to_owned() }],
        delegated: Some(prefix.parse().expect("a prefix")),
        framed: None,
    }
}
