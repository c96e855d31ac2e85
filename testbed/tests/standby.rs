//! A real streaming standby receives what is committed, refuses writes, and takes over.

use noctule_testbed::Postgres;

#[test]
fn a_standby_receives_rows_and_can_be_promoted() {
    let mut primary = Postgres::start().expect("a cluster starts");
    let database = primary.create_database().expect("a database");
    primary.query(database.dsn(), "CREATE TABLE t (a int); INSERT INTO t VALUES (1)").expect("a row");
    let mut standby = primary.standby().expect("a standby");
    let there = standby.superuser_dsn(database.name());
    assert!(standby.is_in_recovery().expect("a state"));
    assert!(!primary.is_in_recovery().expect("a state"));
    assert_eq!(standby.query(&there, "SELECT a FROM t").expect("the copied row"), "1");

    primary.query(database.dsn(), "INSERT INTO t VALUES (2)").expect("a row");
    primary.wait_caught_up(&standby).expect("it catches up");
    assert_eq!(standby.query(&there, "SELECT max(a) FROM t").expect("the streamed row"), "2");
    let refused = standby.psql(&there, "INSERT INTO t VALUES (3)").expect("psql runs");
    assert!(refused.stderr.contains("read-only transaction"), "{refused:?}");

    // A standby that was away catches up.
    standby.stop_fast().expect("it stops");
    primary.query(database.dsn(), "INSERT INTO t VALUES (3)").expect("a row");
    standby.start_again().expect("it starts again");
    primary.wait_caught_up(&standby).expect("it catches up");

    primary.kill9().expect("the primary dies");
    standby.promote().expect("it takes over");
    assert!(!standby.is_in_recovery().expect("a state"));
    assert_eq!(standby.query(&there, "INSERT INTO t VALUES (4); SELECT count(*) FROM t").expect("a write"), "4");
}
