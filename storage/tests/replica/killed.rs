//! kill -9 of a real process at random moments of a copy: the next one goes on, and in the end every row is there as it was sent.

use crate::support::*;
use noctule_domain::sync::{Checksum, Replica, TABLES, Table, row_sum};
use noctule_storage::Store;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use uuid::Uuid;

const FOLDER: &str = "NOCTULE_COPY_CHILD";
const ROWS: u128 = 24_000;
const BATCH: u128 = 1000;

fn batch(table: Table, from: u128) -> Vec<Tuple> {
    let of = |n: u128| match table {
        Table::Subscribers => sub(n, &[("nas", V::Id(NAS)), ("notes", V::Text("n".repeat((n % 90) as usize)))]),
        other => tuple(other, Uuid::from_u128(n), &[]),
    };
    (from..from + BATCH).map(of).collect()
}

fn rows_of(table: Table) -> u128 {
    match table {
        Table::Subscribers => ROWS,
        Table::Tasks => 2 * BATCH,
        _ => 0,
    }
}

/// Goes on with the copy, or begins it, to its end.
async fn go_on(store: &Store) {
    until("the lock of the sync", || store.lead());
    let point = store.copy_point(&position(50)).await.unwrap();
    let mut copy = store.copy(&point.as_ref().map_or_else(|| position(50), |p| p.began.clone())).await.unwrap();
    let (done, under_way) = point.map(|p| (p.done, p.under_way)).unwrap_or_default();
    for table in TABLES.iter().filter(|t| !done.contains(t)) {
        let from = under_way.filter(|(t, _)| t == table).map_or(0, |(_, id)| id.as_u128());
        for first in (1..=rows_of(*table)).step_by(BATCH as usize) {
            let left: Vec<Tuple> = batch(*table, first).split_off((from + 1).saturating_sub(first).min(BATCH) as usize);
            copy.rows(packed(*table, &left)).await.unwrap();
        }
        copy.table_done(*table).await.unwrap();
    }
    copy.finish(&|_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_copies_until_it_is_killed() {
    // Only as a child of the test below.
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    go_on(&open(&PathBuf::from(folder))).await;
}

#[tokio::test]
async fn a_copy_survives_kill_9_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let mut seed = u64::from(std::process::id()) ^ 0x9e37_79b9_7f4a_7c15;
    println!("seed {seed}");
    let (mut kills, mut longest) = (0, Duration::from_millis(400));
    loop {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::the_child_copies_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Longer and longer, so that it ends; the moment within is by chance.
        let when = longest.mul_f64((seed >> 40) as f64 / f64::from(1u32 << 24));
        longest = longest.mul_f64(1.6);
        let start = Instant::now();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if start.elapsed() >= when {
                break None;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        match ended {
            Some(status) => {
                assert!(status.success(), "the child failed without being killed: {status}");
                break;
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
        }
    }
    println!("{kills} kills");
    assert!(kills > 2, "it was killed at all");
    let store = open(folder.path());
    assert_eq!(store.position().await.unwrap(), Some(position(50)));
    for table in [Table::Subscribers, Table::Tasks] {
        let mut sum = Checksum::default();
        for first in (1..=rows_of(table)).step_by(BATCH as usize) {
            packed(table, &batch(table, first))
                .read(|row| {
                    sum.add(row_sum(row));
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(store.sums(table, &[]).await.unwrap(), [sum], "{table}");
    }
    assert_eq!(store.check_integrity().await.unwrap(), []);
    assert_eq!(store.find_subscriber("S000000005dc0").await.unwrap().len(), 1);
    let found = noctule_domain::filter::parse("person 000000005dc0").unwrap();
    let mut seen = 0;
    store
        .for_each_subscriber(found, |_| {
            seen += 1;
            std::ops::ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert_eq!(seen, 1, "the search knows the last row, once");
}
