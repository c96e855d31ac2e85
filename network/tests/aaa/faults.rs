//! What goes wrong: two writers, late writes, lost connections, a database that is away or slow.

use crate::place::{Place, ask, config, name, normal, suspended};
use noctule_domain::OperationId;
use noctule_domain::aaa::{Login, SuspendLogin};
use noctule_domain::secret::Secret;
use noctule_network::aaa::FreeRadius;
use noctule_network::upstream::{Aaa, AaaError};
use noctule_testbed::Link;
use std::time::{Duration, Instant};
use uuid::Uuid;

const PREFIX: &str = "2001:db8:a:100::/56";

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_one_user_leave_one_whole_wish() {
    let place = Place::tables().await;
    place.user("anna");
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let aaa = FreeRadius::new(config(place.postgres, &place.database));
            let login = match n % 3 {
                0 => normal(&format!("2001:db8:a:{:x}00::/56", n + 1)),
                1 => suspended(SuspendLogin::Reject, PREFIX),
                _ => Login::WithoutPrefix,
            };
            tokio::spawn(async move { aaa.write(&ask("anna", n, login)).await })
        })
        .collect();
    let mut written = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(()) => written += 1,
            // One that lost its race and was older.
            Err(AaaError::Refused(why)) => assert!(why.as_str().contains("a newer operation"), "{why}"),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(written > 0);
    assert_eq!(place.sql("SELECT version FROM noctule_login"), "39", "the newest stands, in whatever order they came");
    // 39 is a `normal`: exactly its rows.
    assert_eq!(place.sql("SELECT value FROM radreply"), "2001:db8:a:2800::/56");
    assert_eq!(place.sql("SELECT attribute FROM radcheck"), "Cleartext-Password");
}

#[tokio::test]
async fn an_older_operation_that_arrives_late_changes_nothing() {
    let place = Place::tables().await;
    let late = ask("anna", 3, normal(PREFIX));
    let newer = ask("anna", 4, Login::WithoutPrefix);
    place.aaa.write(&newer).await.expect("written");
    let other = FreeRadius::new(config(place.postgres, &place.database));
    match other.write(&late).await {
        Err(AaaError::Refused(why)) => assert!(why.as_str().contains(&newer.operation.to_string()), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(place.sql("SELECT count(*) FROM radreply"), "0", "RADIUS hands out nothing that was given back");
    // The newer one, asked again after a lost answer, is fine.
    other.write(&newer).await.expect("the same again");
}

#[tokio::test]
async fn clocks_that_disagree_and_a_store_from_a_backup_keep_nobody_from_writing() {
    let place = Place::tables().await;
    let at = |seconds: u64| OperationId::from_uuid(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0)));
    let now = chrono::Utc::now().timestamp().unsigned_abs();
    // The first console's clock is an hour ahead, the second's is right: the version says which is newer.
    let mut first = ask("anna", 1, normal(PREFIX));
    first.operation = at(now + 3600);
    place.aaa.write(&first).await.expect("written");
    let mut second = ask("anna", 2, suspended(SuspendLogin::Reject, PREFIX));
    second.operation = at(now - 3600);
    place.aaa.write(&second).await.expect("newer by its version");
    assert!(place.aaa.user(&name("anna")).await.expect("read").expect("known").rejected);
    // A store that was put back begins again at version 1, with operations of now.
    let restored = ask("anna", 1, normal(PREFIX));
    place.aaa.write(&restored).await.expect("newer by its time");
    assert!(!place.aaa.user(&name("anna")).await.expect("read").expect("known").rejected);
    // Another subscriber got the name: versions of two records say nothing of each other.
    let mut other = ask("anna", 0, normal("2001:db8:b::/56"));
    other.subscriber = noctule_domain::SubscriberId(Uuid::new_v4());
    other.operation = at(now - 60);
    place.aaa.write(&other).await.expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_in_the_middle_leaves_all_or_nothing_and_is_made_again() {
    let place = Place::tables().await;
    place.user("anna");
    // A lock that somebody else holds stops the write at each of its statements; then its connection is ended.
    for held in ["radcheck", "radreply", "radusergroup", "noctule_login"] {
        let before = place.rows();
        let (client, connection) = tokio_postgres::connect(place.database.dsn(), tokio_postgres::NoTls).await.expect("connected");
        tokio::spawn(connection);
        client.batch_execute(&format!("BEGIN; LOCK TABLE {held} IN ACCESS EXCLUSIVE MODE")).await.expect("locked");
        let aaa = FreeRadius::new(config(place.postgres, &place.database));
        let asked = ask("anna", 1, suspended(SuspendLogin::Reject, PREFIX));
        let (again, other) = (asked.clone(), aaa.clone());
        let write = tokio::spawn(async move { other.write(&asked).await });
        let waiting = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'noctule test' AND wait_event_type = 'Lock'",
            place.database.name()
        );
        until(|| place.sql(&waiting) == "1").await;
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'noctule test' AND wait_event_type = 'Lock'");
        match write.await.expect("no panic") {
            Err(AaaError::Unreachable(why)) => assert!(why.as_str().contains("before anything was stored"), "{why}"),
            other => panic!("{held}: {other:?}"),
        }
        client.batch_execute("ROLLBACK").await.expect("unlocked");
        assert_eq!(place.rows(), before, "{held}");
        aaa.write(&again).await.expect("a new connection");
        place.sql("DELETE FROM noctule_login; DELETE FROM radreply; DELETE FROM radcheck WHERE attribute = 'Auth-Type'");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_or_silent_is_told_within_the_time_limit() {
    let place = Place::tables().await;
    let mut away = config(place.postgres, &place.database);
    away.hosts = vec![("127.0.0.1".to_owned(), 1)];
    let asked = ask("anna", 1, normal(PREFIX));
    assert!(matches!(FreeRadius::new(away).write(&asked).await, Err(AaaError::Unreachable(_))));
    let mut wrong = config(place.postgres, &place.database);
    wrong.password = Some(Secret::new("hunter2".to_owned()));
    match FreeRadius::new(wrong).write(&asked).await {
        Err(AaaError::Refused(why)) => assert!(!why.as_str().contains("hunter2") && why.as_str().contains("[aaa]"), "{why}"),
        other => panic!("{other:?}"),
    }
    // A network that swallows everything.
    let link = Link::to(([127, 0, 0, 1], place.postgres.port()).into()).expect("a link");
    let mut through = config(place.postgres, &place.database);
    through.hosts = vec![("127.0.0.1".to_owned(), link.addr().port())];
    through.timeout = Duration::from_millis(600);
    let aaa = FreeRadius::new(through);
    aaa.write(&asked).await.expect("written");
    link.blackhole();
    let began = Instant::now();
    let error = aaa.write(&ask("anna", 2, Login::WithoutPrefix)).await.expect_err("silence");
    assert!(matches!(error, AaaError::Unreachable(_) | AaaError::Unclear(_)), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
    link.pass();
    aaa.write(&ask("anna", 3, Login::WithoutPrefix)).await.expect("again there");
    assert_eq!(place.sql("SELECT count(*) FROM radreply"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_answer_is_lost_asking_again_ends_right() {
    let place = Place::tables().await;
    place.user("anna");
    let (mut unclear, mut walked) = (0, 0);
    for lost in 0.. {
        let link = Link::to(([127, 0, 0, 1], place.postgres.port()).into()).expect("a link");
        let mut through = config(place.postgres, &place.database);
        through.hosts = vec![("127.0.0.1".to_owned(), link.addr().port())];
        let aaa = FreeRadius::new(through);
        link.lose_answer_after(lost);
        let asked = ask("anna", i64::try_from(lost).expect("small"), suspended(SuspendLogin::Rate, PREFIX));
        let first = aaa.write(&asked).await;
        let stored = place.sql("SELECT operation FROM noctule_login") == asked.operation.to_string();
        match first {
            Ok(()) => {
                assert!(link.is_armed() && stored, "nothing was lost any more");
                break;
            }
            Err(AaaError::Unreachable(why)) => assert!(!stored, "{why}"),
            Err(AaaError::Unclear(_)) => unclear += 1,
            Err(other) => panic!("{other}"),
        }
        aaa.write(&asked).await.expect("asked again");
        assert_eq!(place.sql("SELECT attribute FROM radreply ORDER BY 1"), "Delegated-IPv6-Prefix\nMikrotik-Rate-Limit");
        walked += 1;
        assert!(lost < 30, "it never gets through");
    }
    assert!(walked > 4 && unclear == 1, "{walked} answers of which {unclear} was that of the COMMIT");
}

async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
