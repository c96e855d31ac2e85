//! A disk that is full: writes fail as on a real one, a server on it says so, and goes on when there is room.

use std::io::ErrorKind;

use noctule_testbed::{Postgres, PostgresOptions, SmallDisk};

#[test]
fn a_small_disk_is_full_and_has_room_again() {
    let disk = SmallDisk::new(4).expect("a small disk");
    let path = disk.path().to_owned();
    let room = disk.available().expect("room");
    assert!(room > 3 << 20 && room <= 4 << 20, "{room}");
    assert!(disk.fill(64 << 10).expect("ballast") > 3 << 20);
    assert!(disk.available().expect("room") <= 64 << 10);
    let error = std::fs::write(path.join("more"), vec![0; 128 << 10]).expect_err("it must be full");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    disk.free().expect("room again");
    std::fs::write(path.join("more"), vec![0; 128 << 10]).expect("there is room");
    drop(disk);
    assert!(!path.exists(), "nothing may be left of it");
}

#[test]
fn a_server_on_a_full_disk_refuses_and_recovers() {
    let disk = SmallDisk::new(64).expect("a small disk");
    let options = PostgresOptions { folder: Some(disk.path().to_owned()), ..PostgresOptions::default() };
    let mut cluster = Postgres::start_with(options).expect("a cluster on it");
    let database = cluster.create_database().expect("a database");
    cluster.query(database.dsn(), "CREATE TABLE t (a text)").expect("a table");
    disk.fill(0).expect("ballast");
    let fill = "INSERT INTO t SELECT repeat('x', 900) FROM generate_series(1, 20000)";
    let refused = cluster.psql(database.dsn(), fill).expect("psql runs");
    assert_ne!(refused.code, Some(0), "{refused:?}");
    let log = cluster.log().expect("a log");
    assert!(log.contains("No space left on device"), "{refused:?}\n{log}");

    disk.free().expect("room again");
    // A log of changes that can not be written makes the server crash, and recover when it can; a table that can not grow does not.
    cluster.start_again().expect("it runs");
    cluster.wait_ready().expect("it answers");
    cluster.query(database.dsn(), "INSERT INTO t VALUES ('small')").expect("a row");
    assert_eq!(cluster.query(database.dsn(), "SELECT count(*) FROM t").expect("rows"), "1");
}
