//! init, upgrade, and who may run them.

use crate::support::{centre, cluster};
use noctule_sync::schema::{self, MIGRATIONS, OwnerConfig, SCHEMA};

#[tokio::test]
async fn init_twice_is_harmless() {
    let centre = centre().await;
    let before = centre.sql("SELECT generation, (SELECT count(*) FROM noctule.migrations) FROM noctule.meta");
    let again = schema::init(&centre.owner, None).await.expect("init again");
    assert_eq!((again.applied.len(), again.schema), (0, SCHEMA));
    assert_eq!(centre.sql("SELECT generation, (SELECT count(*) FROM noctule.migrations) FROM noctule.meta"), before);
    assert_eq!(schema::upgrade(&centre.owner).await.expect("upgrade").applied.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_inits_at_once_in_many_databases_do_it_once_each() {
    let databases: Vec<_> = (0..3).map(|_| cluster().create_database().expect("a database")).collect();
    let tasks: Vec<_> = databases
        .iter()
        .flat_map(|database| [database.dsn().to_owned(), database.dsn().to_owned()])
        .map(|dsn| tokio::spawn(async move { schema::init(&OwnerConfig::from_url(&dsn).expect("a URL"), None).await }))
        .collect();
    let mut applied = 0;
    for task in tasks {
        applied += task.await.expect("runs").expect("init").applied.len();
    }
    assert_eq!(applied, MIGRATIONS.len() * databases.len());
}
