//! What the tests share: one cluster, databases of their own with the schema in them, people.

use noctule_domain::TenantId;
use noctule_sync::schema::{self, OwnerConfig};
use noctule_testbed::{Database, Postgres};
use uuid::Uuid;

/// A database with the schema, and its superuser as owner.
pub struct Centre {
    pub cluster: &'static Postgres,
    pub database: Database,
    pub owner: OwnerConfig,
}

pub fn cluster() -> &'static Postgres {
    Postgres::shared().expect("a private PostgreSQL")
}

pub async fn centre() -> Centre {
    let database = cluster().create_database().expect("a database");
    let owner = OwnerConfig::from_url(database.dsn()).expect("the testbed's URL");
    schema::init(&owner, None).await.expect("init");
    Centre { cluster: cluster(), database, owner }
}

impl Centre {
    /// As the superuser, who is under no policy; what fails ends the test.
    pub fn sql(&self, sql: &str) -> String {
        self.cluster.query(self.database.dsn(), sql).unwrap_or_else(|error| panic!("{error}\n{sql}"))
    }

    pub async fn tenant(&self, name: &str) -> TenantId {
        schema::tenant_add(&self.owner, None, name, None).await.expect("a tenant").0
    }
}

/// Logins belong to the cluster, which tests share.
pub fn login_name(name: &str) -> String {
    format!("{name}_{}", &Uuid::new_v4().simple().to_string()[..10])
}

/// What psql says to a login; what fails ends the test.
pub fn as_login(centre: &Centre, dsn: &str, sql: &str) -> String {
    centre.cluster.query(dsn, sql).unwrap_or_else(|error| panic!("{error}\n{sql}"))
}
