//! A private cluster starts, answers, stops and comes back; nothing of it is left behind.

use std::time::Instant;

use noctule_testbed::{Postgres, PostgresOptions, TestbedError};

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

#[test]
fn a_stopped_server_comes_back_on_its_port_with_what_was_committed() {
    let mut cluster = Postgres::start().expect("a cluster starts");
    let database = cluster.create_database().expect("a database");
    let port = cluster.port();
    cluster.query(database.dsn(), "CREATE TABLE t (a int)").expect("a table");

    type Stop = fn(&mut Postgres) -> Result<(), TestbedError>;
    let ways: [(i32, Stop); 3] = [(1, Postgres::stop_fast), (2, Postgres::stop_immediate), (3, Postgres::kill9)];
    for (number, stop) in ways {
        cluster.query(database.dsn(), &format!("INSERT INTO t VALUES ({number})")).expect("a row");
        stop(&mut cluster).expect("it stops");
        assert!(!cluster.is_running().expect("a state"));
        let refused = cluster.psql(database.dsn(), "SELECT 1").expect("psql runs");
        assert_eq!(refused.code, Some(2), "a stopped server must not answer: {refused:?}");
        cluster.start_again().expect("it starts again");
        assert_eq!(cluster.query(database.dsn(), "SELECT max(a), count(*) FROM t").expect("rows"), format!("{number}|{number}"));
    }
    cluster.restart().expect("it restarts");
    assert_eq!(cluster.query(database.dsn(), "SELECT count(*) FROM t").expect("rows"), "3");
    assert_eq!(cluster.port(), port);
}

#[test]
fn a_dropped_cluster_leaves_nothing_also_after_a_panic() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let panicked = std::thread::spawn(move || {
        let cluster = Postgres::start().expect("a cluster starts");
        sender.send((cluster.port(), cluster.data_dir().to_owned())).expect("the test listens");
        panic!("on purpose");
    })
    .join();
    assert!(panicked.is_err());
    let (port, data) = receiver.recv().expect("where it was");
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "nobody may listen there");
    assert!(!data.exists());
    assert!(!data.parent().expect("its folder").exists());
}

#[test]
fn passwords_and_settings_are_as_asked() {
    let options = PostgresOptions { max_connections: 17, shared_buffers_mib: 16, ..PostgresOptions::default() }.set("work_mem", "3MB");
    let cluster = Postgres::start_with(options).expect("a cluster starts");
    let database = cluster.create_database().expect("a database");
    let shown = cluster
        .query(
            database.dsn(),
            "SELECT current_setting('max_connections'), current_setting('shared_buffers'), current_setting('work_mem'),
                    current_setting('fsync'), current_setting('timezone'), current_setting('wal_level'), datcollate, pg_encoding_to_char(encoding)
             FROM pg_database WHERE datname = current_database()",
        )
        .expect("settings");
    assert_eq!(shown, "17|16MB|3MB|off|UTC|replica|C.UTF-8|UTF8");

    cluster.query(database.dsn(), "CREATE ROLE \"o'neil\" LOGIN PASSWORD 'p@ss/word'").expect("a role");
    let right = cluster.dsn("o'neil", "p@ss/word", database.name());
    assert_eq!(cluster.query(&right, "SELECT current_user").expect("a login"), "o'neil");
    let wrong = cluster.psql(&cluster.dsn("o'neil", "guess", database.name()), "SELECT 1").expect("psql runs");
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("password authentication failed"), "{wrong:?}");
    let socket =
        format!("host={} port={} user=postgres password={}", cluster.socket_dir().display(), cluster.port(), cluster.superuser_password());
    assert_eq!(cluster.query(&socket, "SELECT inet_client_addr() IS NULL").expect("the unix socket"), "t");
    assert!(matches!(cluster.ca_pem(), Err(TestbedError::NoTls)));
}

#[test]
fn a_server_that_can_not_start_says_why() {
    let error = Postgres::start_with(PostgresOptions::default().set("wal_level", "nonsense")).expect_err("it can not start");
    assert!(error.to_string().contains("invalid value for parameter \"wal_level\""), "{error}");
}
