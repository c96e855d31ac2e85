//! Whole copies: into a file of their own, swapped in, resumed.

use crate::support::*;
use noctule_domain::filter::parse;
use noctule_domain::page::{From, PageRequest, Sort};
use noctule_domain::sync::{Increment, Replica, TABLES, Table};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use uuid::Uuid;

fn page(text: &str) -> PageRequest {
    PageRequest { filter: parse(text).unwrap(), sort: Sort::default(), from: From::First, limit: 50 }
}

fn some(count: u128) -> Vec<(Table, Vec<Tuple>)> {
    vec![
        (Table::Nas, vec![tuple(Table::Nas, NAS, &[("name", "bng-1".into())])]),
        (Table::Subscribers, (1..=count).map(|n| sub(n, &[("nas", V::Id(NAS)), ("full_name", V::Text(format!("Ädä {n}")))])).collect()),
    ]
}

#[tokio::test]
async fn a_copy_is_shown_when_it_is_whole_and_searchable() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert!(store.is_replica() && !store.is_read_only());
    assert_eq!(store.position().await.unwrap(), None);
    assert_eq!(store.subscriber_page(page("")).await.unwrap().rows.len(), 0);
    let mut changes = store.changes();
    changes.borrow_and_update();
    copy(&store, &position(100), &some(30)).await;
    assert!(changes.has_changed().unwrap());
    assert_eq!(store.position().await.unwrap(), Some(position(100)));
    let found = store.subscriber_page(page("ädä nas:bng-1")).await.unwrap();
    assert_eq!(found.rows.len(), 30);
    assert_eq!(found.rows[0].nas.as_ref().unwrap().as_str(), "bng-1");
    let nas = store.nas_rows().await.unwrap();
    assert_eq!((nas[0].subscribers, nas[0].sessions), (30, 0));
    assert_eq!(store.check_integrity().await.unwrap(), []);
    assert_eq!(store.table_counts().await.unwrap()[3], (Table::Subscribers, 30));

    // A second one takes its place; the first file goes.
    copy(&store, &position(200), &some(10)).await;
    assert_eq!(store.subscriber_page(page("")).await.unwrap().rows.len(), 10);
    let caches = std::fs::read_dir(folder.path()).unwrap().filter(|e| {
        let name = e.as_ref().unwrap().file_name();
        name.to_str().unwrap().ends_with(".db") && name.to_str().unwrap().starts_with("cache-")
    });
    assert_eq!(caches.count(), 1);
    drop(store);
    let again = open(folder.path());
    assert_eq!(again.position().await.unwrap(), Some(position(200)));
    assert_eq!(again.subscriber_page(page("")).await.unwrap().rows.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_are_never_disturbed_by_a_swap() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    copy(&store, &position(100), &some(100)).await;
    let end = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, end) = (store.clone(), end.clone());
            tokio::spawn(async move {
                let mut read = 0u32;
                while !end.load(Relaxed) {
                    let id = sid(u128::from(read % 100) + 1);
                    assert!(store.subscriber(id).await.unwrap().is_some(), "a row that is in both copies is always there");
                    read += 1;
                }
                read
            })
        })
        .collect();
    for n in 2..8 {
        copy(&store, &position(n * 100), &some(100)).await;
    }
    end.store(true, Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn a_copy_that_was_cut_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let all = some(500);
    let store = open(folder.path());
    assert!(store.lead());
    let at = position(100);
    assert_eq!(store.copy_point(&at).await.unwrap(), None);
    let mut cut = store.copy(&at).await.unwrap();
    for table in [Table::Nas, Table::Pools, Table::Technicians] {
        if table == Table::Nas {
            cut.rows(packed(Table::Nas, &all[0].1)).await.unwrap();
        }
        cut.table_done(table).await.unwrap();
    }
    cut.rows(packed(Table::Subscribers, &all[1].1[..200])).await.unwrap();
    drop(cut);
    drop(store);
    let store = open(folder.path());
    // The thread of the cut copy still leads until it has put its mark.
    until("the lock of the sync is free", || store.lead());
    let point = store.copy_point(&position(300)).await.unwrap().expect("it goes on");
    assert_eq!(point.began, at);
    assert_eq!(point.done, [Table::Nas, Table::Pools, Table::Technicians]);
    assert_eq!(point.under_way, Some((Table::Subscribers, Uuid::from_u128(200))));
    let mut copy = store.copy(&at).await.unwrap();
    // A sender that begins a little earlier does no harm.
    copy.rows(packed(Table::Subscribers, &all[1].1[190..])).await.unwrap();
    for table in TABLES.iter().filter(|t| !point.done.contains(t)) {
        copy.table_done(*table).await.unwrap();
    }
    let told = std::sync::Mutex::new(Vec::new());
    copy.finish(&|percent| told.lock().unwrap().push(percent)).await.unwrap();
    assert_eq!(told.lock().unwrap().last(), Some(&100));
    assert!(told.lock().unwrap().is_sorted());
    assert_eq!(store.table_counts().await.unwrap()[3].1, 500);
    let whole = tempfile::tempdir().unwrap();
    let other = open(whole.path());
    crate::support::copy(&other, &at, &all).await;
    for table in TABLES {
        assert_eq!(store.sums(*table, &[]).await.unwrap(), other.sums(*table, &[]).await.unwrap(), "{table}");
    }
    // Another epoch: thrown away.
    drop(store.copy(&position(400)).await.unwrap());
    let mut other_rights = position(400);
    other_rights.epoch = 2;
    assert_eq!(store.copy_point(&other_rights).await.unwrap(), None);
}

#[tokio::test]
async fn a_copy_without_all_tables_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert!(store.lead());
    let mut copy = store.copy(&position(5)).await.unwrap();
    copy.table_done(Table::Nas).await.unwrap();
    assert!(copy.finish(&|_| {}).await.unwrap_err().to_string().contains("no end of"));
    assert_eq!(store.position().await.unwrap(), None);
}

#[tokio::test]
async fn another_logins_cache_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    copy(&store, &position(100), &some(3)).await;
    drop(store);
    let mut eve = options(clock());
    eve.login = Some("eve".into());
    let store = noctule_storage::Store::open_replica(folder.path(), eve).unwrap();
    assert_eq!(store.position().await.unwrap(), None);
    assert_eq!(store.subscriber_page(page("")).await.unwrap().rows.len(), 0);
    // And one made for another login is not taken.
    assert!(store.lead());
    assert!(store.copy(&position(100)).await.is_err());
    assert!(store.apply(Increment { rows: vec![], gone: vec![], position: Some(position(1)) }).await.is_err());
}
