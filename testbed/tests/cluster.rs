//! A private cluster starts, answers, stops and comes back; nothing of it is left behind.

use std::time::Instant;

use noctule_testbed::Postgres;

#[test]
fn a_shared_cluster_gives_each_test_a_database_of_its_own() {
    let begun = Instant::now();
    let cluster = Postgres::shared().expect("a cluster starts");
    println!("started in {:?}", begun.elapsed());
    let begun = Instant::now();
    let one = cluster.create_database().expect("a database");
    println!("database in {:?}", begun.elapsed());
    let other = cluster.create_database().expect("another database");
    assert_ne!(one.name(), other.name());

    cluster.query(one.dsn(), "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (2, 'ж');").expect("a table");
    assert_eq!(cluster.query(one.dsn(), "SELECT a, b FROM t ORDER BY a").expect("rows"), "1|x\n2|ж");
    let missing = cluster.psql(other.dsn(), "SELECT * FROM t; SELECT 'not reached'").expect("psql runs");
    assert_eq!(missing.code, Some(3), "{missing:?}");
    assert!(missing.stderr.contains("relation \"t\" does not exist"), "{missing:?}");
    assert_eq!(missing.stdout, "", "psql must stop at the first error");
    assert_eq!(Postgres::shared().expect("the same").port(), cluster.port());
}
