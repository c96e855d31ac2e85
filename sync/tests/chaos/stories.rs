//! What the operator sees while the centre is in trouble: the console goes on working, and says what is true.

use super::compare::differences;
use super::place::{Place, task};
use super::runtime;
use super::seat::{LIMIT, Seat};
use noctule_domain::sync::Link as Status;
use noctule_domain::task::TaskStatus;
use noctule_domain::time_entry::TimeEntryKind;
use noctule_domain::{SafeText, TaskId, TechnicianId};
use noctule_testbed::{Link, PostgresOptions, SmallDisk};
use std::time::{Duration, Instant};

fn the(n: u128) -> TaskId {
    TaskId(task(n))
}

fn words(note: Option<SafeText>) -> String {
    note.map(SafeText::into_string).unwrap_or_default()
}

/// How often the centre has an op of this origin, and in how many rows of tasks its words stand.
fn arrived(place: &Place, origin: &str) -> String {
    place.sql(&format!(
        "SELECT (SELECT count(*) FROM noctule.ops WHERE origin = '{origin}' AND answer->>'answer' = 'applied') || ' '
            || (SELECT count(*) FROM noctule.tasks WHERE tenant_id = '{}' AND notes = '{origin}')",
        place.tenant
    ))
}

#[test]
fn the_server_is_killed_and_comes_back() {
    runtime().block_on(async {
        let mut place = Place::new(PostgresOptions::default()).await;
        let link = Link::to(place.addr()).expect("a link");
        let ada = Seat::new(&place, "ada", &[link.addr()]);
        ada.quiet().await;

        place.postgres.kill9().expect("killed");
        let offline = ada.wait("it says offline", |status| status.link == Status::Offline).await;
        assert!(!words(offline.note.clone()).is_empty(), "it says why: {offline:?}");
        assert!(offline.fresh_at.is_some() && offline.since.is_some(), "and since when: {offline:?}");
        ada.note(the(0), "said while it was away").await;
        ada.store.task_set_status(the(0), TaskStatus::Completed, None, None, ada.actor("done while it was away")).await.expect("a status");
        let waiting = ada.wait("it says that two changes wait", |status| status.outbox.unsent == 2).await;
        assert!(waiting.link != Status::Live && waiting.outbox.oldest.is_some(), "{waiting:?}");

        place.postgres.start_again().expect("it runs again");
        ada.wait("it is live and nothing waits", |status| status.link == Status::Live && status.outbox.unsent == 0).await;
        ada.quiet().await;
        assert_eq!(arrived(&place, "said while it was away"), "1 1");
        assert_eq!(
            place.sql(&format!("SELECT status FROM noctule.tasks WHERE id = '{}' AND tenant_id = '{}'", task(0), place.tenant)),
            "completed"
        );
        assert!(differences(&place, &ada.login, &ada.store).await.is_empty());
        let after = ada.wait("nothing is left of the trouble", |status| status.note.is_none()).await;
        assert_eq!(after.outbox.conflicts, 0);
        ada.syncer.stop().await;
    });
}

#[test]
fn packets_vanish_and_the_console_does_not_wait_for_them() {
    runtime().block_on(async {
        let place = Place::new(PostgresOptions::default()).await;
        let link = Link::to(place.addr()).expect("a link");
        let ada = Seat::new(&place, "ada", &[link.addr()]);
        ada.quiet().await;
        let mut with = Vec::new();
        for n in 0..20 {
            with.push(ada.note(the(1), &format!("there {n}")).await);
        }
        ada.quiet().await;

        link.blackhole();
        let began = Instant::now();
        let mut without = Vec::new();
        for n in 0..20 {
            without.push(ada.note(the(2), &format!("away {n}")).await);
        }
        // In the very moment in which packets begin to vanish nobody knows it; every call must return all the same.
        with.sort();
        without.sort();
        let (slowest, middle) = (without[19], without[10]);
        assert!(slowest < Duration::from_secs(1), "a local call took {slowest:?}");
        let bound = with[10] * 10 + Duration::from_millis(50);
        assert!(middle < bound, "a local call takes {middle:?} in the black hole and {:?} else", with[10]);
        let offline = ada.wait("it says offline", |status| status.link == Status::Offline).await;
        let noticed = began.elapsed();
        assert!(noticed < Duration::from_secs(20), "it noticed after {noticed:?}");
        assert!(words(offline.note).contains("answer"), "it says that nobody answers");
        ada.note(the(3), "and still").await;
        ada.wait("what waits is counted", |status| status.outbox.unsent == 21).await;

        link.pass();
        ada.wait("it is live and nothing waits", |status| status.link == Status::Live && status.outbox.unsent == 0).await;
        ada.quiet().await;
        assert_eq!(arrived(&place, "away 19"), "1 1");
        assert_eq!(arrived(&place, "and still"), "1 1");
        assert_eq!(place.sql("SELECT count(*), count(DISTINCT origin) FROM noctule.ops"), "41|41");
        assert!(differences(&place, &ada.login, &ada.store).await.is_empty());
        eprintln!(
            "a local note: {:?} with the centre, {middle:?} in the black hole (slowest {slowest:?}); offline noticed after {noticed:?}",
            with[10]
        );
        ada.syncer.stop().await;
    });
}

#[test]
fn the_disk_of_the_centre_is_full() {
    runtime().block_on(async {
        let disk = SmallDisk::new(96).expect("a small disk");
        let place = Place::new(PostgresOptions { folder: Some(disk.path().to_owned()), ..PostgresOptions::default() }).await;
        let link = Link::to(place.addr()).expect("a link");
        let ada = Seat::new(&place, "ada", &[link.addr()]);
        ada.quiet().await;

        disk.fill(0).expect("ballast");
        // Enough that tables must grow: what fits into pages that are there is still taken.
        let long = "x".repeat(1900);
        let mut written = 0;
        let full = loop {
            ada.note(the(written % 10), &format!("note {written} {long}")).await;
            written += 1;
            let status = ada.status();
            if status.outbox.unsent > 0 && words(status.note.clone()).contains("disk") {
                break status;
            }
            assert!(written < 2000, "the disk never was full for the centre: {status:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let note = words(full.note);
        assert!(note.contains("full"), "it says what is the matter: {note}");
        // Not a flash: as long as it is so it is said, also while reading goes well.
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(3) {
            let status = ada.status();
            assert!(status.outbox.unsent > 0, "nothing was taken: {status:?}");
            assert!(words(status.note.clone()).contains("full"), "after {:?} it does not say it any more: {status:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(ada.store.tasks().await.expect("tasks").len(), 10, "what is shown stays");

        disk.free().expect("room again");
        ada.wait("nothing waits any more", |status| status.link == Status::Live && status.outbox.unsent == 0).await;
        ada.quiet().await;
        assert_eq!(
            place.sql("SELECT count(*) || ' ' || count(DISTINCT origin) FROM noctule.ops WHERE answer->>'answer' = 'applied'"),
            format!("{written} {written}")
        );
        assert!(differences(&place, &ada.login, &ada.store).await.is_empty());
        ada.wait("nothing is left of the trouble", |status| status.note.is_none()).await;
        ada.syncer.stop().await;
    });
}

#[test]
fn the_standby_takes_over_and_the_last_commits_are_lost_with_the_primary() {
    runtime().block_on(async {
        let mut place = Place::new(PostgresOptions::default()).await;
        let standby = place.postgres.standby().expect("a standby");
        let links = [Link::to(place.addr()), Link::to(format!("{}:{}", standby.host(), standby.port()).parse().expect("an address"))]
            .map(|link| link.expect("a link"));
        let hosts = [links[0].addr(), links[1].addr()];
        let (ada, berit) = (Seat::new(&place, "ada", &hosts), Seat::new(&place, "berit", &hosts));
        ada.quiet().await;
        berit.quiet().await;
        ada.note(the(4), "kept by both").await;
        ada.quiet().await;
        place.postgres.wait_caught_up(&standby).expect("caught up");

        // The standby hears no more, and nobody notices: the commits from here on will be lost.
        standby
            .query(&standby.superuser_dsn("postgres"), "ALTER SYSTEM SET primary_conninfo = ''; SELECT pg_reload_conf()")
            .expect("it is cut off");
        let began = Instant::now();
        while place.sql("SELECT count(*) FROM pg_stat_replication") != "0" {
            assert!(began.elapsed() < LIMIT, "the standby still hears");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ada.note(the(5), "lost with the primary").await;
        let who = TechnicianId(super::place::technician(1));
        ada.store.clock_in(who, TimeEntryKind::Regular, None, ada.actor("came")).await.expect("clocked in");
        berit.note(the(6), "lost as well").await;
        ada.quiet().await;
        berit.quiet().await;
        // Done and seen, as far as anybody can know; both consoles hold rows that will never have been.
        for seat in [&ada, &berit] {
            let began = Instant::now();
            while !differences(&place, &seat.login, &seat.store).await.is_empty() {
                assert!(began.elapsed() < LIMIT, "not converged before the failover");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let before = place.sql("SELECT count(*) FROM noctule.ops");
        assert_eq!(before, "4");

        place.postgres.kill9().expect("the primary is killed");
        ada.wait("it says offline", |status| status.link == Status::Offline).await;
        ada.note(the(7), "while nobody was there").await;
        let mut promoted = standby;
        promoted.promote().expect("promoted");
        let old = std::mem::replace(&mut place.postgres, promoted);
        assert_eq!(place.sql("SELECT count(*) FROM noctule.ops"), "1", "the last commits are lost: this is what the story is about");

        for seat in [&ada, &berit] {
            seat.wait("it is live and nothing waits", |status| status.link == Status::Live && status.outbox.unsent == 0).await;
        }
        let began = Instant::now();
        loop {
            let told = place.sql("SELECT count(*) || ' of ' || count(DISTINCT id) FROM noctule.ops");
            let mut found = differences(&place, &ada.login, &ada.store).await;
            found.extend(differences(&place, &berit.login, &berit.store).await);
            if told == "5 of 5" && found.is_empty() {
                break;
            }
            assert!(
                began.elapsed() < LIMIT,
                "after the failover the new primary has {told} ops (5 were shown as done), and this differs: {found:#?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for origin in ["kept by both", "lost with the primary", "lost as well", "while nobody was there"] {
            assert_eq!(arrived(&place, origin), "1 1", "{origin}");
        }
        assert_eq!(place.sql("SELECT count(*) FROM noctule.time_entries WHERE ended_at IS NULL"), "1");
        ada.syncer.stop().await;
        berit.syncer.stop().await;
        drop(old);
    });
}
