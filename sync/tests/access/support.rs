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
        self.cluster.query(self.database.dsn(), sql).expect("SQL of the test")
    }

    pub async fn tenant(&self, name: &str) -> TenantId {
        schema::tenant_add(&self.owner, None, name, None).await.expect("a tenant").0
    }
}

pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}
