//! Files that are not what they should be: each is an error in words, and nothing is lost.

use crate::support::*;
use noctule_domain::Retry;
use noctule_domain::filter::Filter;
use noctule_domain::page::{From, PageRequest, Sort};
use noctule_storage::{OpenError, StoreError, set_aside};
use std::fs;

async fn made() -> Place {
    let place = Place::new();
    let store = place.open();
    fill(&store, (0..500).map(pending).collect()).await;
    assert_eq!(store.check_integrity().await.unwrap(), []);
    drop(store);
    place
}

fn damage(place: &Place, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(place.path()).unwrap();
    change(&mut bytes);
    fs::write(place.path(), bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_set_aside_whole() {
    type Change = fn(&mut Vec<u8>);
    let changes: [(&str, Change); 6] = [
        ("random bytes", |b| b.iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 7919 % 251) as u8)),
        ("cut to a third", |b| b.truncate(b.len() / 3)),
        ("cut within the header", |b| b.truncate(50)),
        ("magic", |b| b[3] ^= 0x40),
        ("page size", |b| b[16] ^= 0x55),
        ("schema", |b| b[100..2000].fill(0xff)),
    ];
    for (what, change) in changes {
        let place = made().await;
        damage(&place, change);
        let before = fs::read(place.path()).unwrap();
        let error = place.try_open(place.options()).expect_err(what);
        assert!(matches!(error, OpenError::NotADatabase { .. } | OpenError::Damaged { .. }), "{what}: {error:?}");
        assert_eq!(fs::read(place.path()).unwrap(), before, "{what}: opening changed it");
        let aside = set_aside(&place.path()).unwrap();
        assert_eq!(fs::read(&aside).unwrap(), before);
        assert!(aside.file_name().unwrap().to_str().unwrap().starts_with("store.db.damaged-"));
        let new = place.open();
        assert_eq!(new.find_subscriber("S00001").await.unwrap(), []);
        drop(new);
        // A second one in the same second gets a name of its own.
        assert_ne!(set_aside(&place.path()).unwrap(), aside);
    }
}

#[tokio::test]
async fn rot_inside_is_found_in_the_background() {
    let place = made().await;
    // One page of an index: opening does not look at it.
    let raw = place.raw();
    let number = |sql: &str| raw.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as usize;
    let (page, size) = (number("SELECT rootpage FROM sqlite_schema WHERE name = 'subscribers_name'"), number("PRAGMA page_size"));
    drop(raw);
    damage(&place, |b| b[(page - 1) * size..page * size].fill(0xa5));
    let store = place.open();
    let found = store.check_integrity().await;
    assert!(!matches!(&found, Ok(list) if list.is_empty()), "{found:?}");
}

#[tokio::test]
async fn a_newer_store_an_edited_migration_and_a_foreign_file_are_refused() {
    let place = made().await;
    place.raw().execute_batch("PRAGMA user_version = 99").unwrap();
    let error = place.try_open(place.options()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }));
    assert!(error.to_string().contains("newer Noctule"));

    let place = made().await;
    place.raw().execute_batch("UPDATE migrations SET checksum = 'x'").unwrap();
    assert!(matches!(place.try_open(place.options()).unwrap_err(), OpenError::Damaged { .. }));

    let place = Place::new();
    fs::create_dir_all(place.path().parent().unwrap()).unwrap();
    place.raw().execute_batch("CREATE TABLE cookies (a)").unwrap();
    assert!(matches!(place.try_open(place.options()).unwrap_err(), OpenError::NotADatabase { .. }));
}

#[tokio::test]
async fn a_read_only_store_reads_and_says_why_it_does_not_write() {
    let place = made().await;
    let mut options = place.options();
    options.read_only = true;
    let store = place.try_open(options.clone()).unwrap();
    assert!(store.is_read_only());
    assert_eq!(named(&store, "S00007").await.full_name.as_str(), "Person 7");
    let error = store.audit_append(entry("x")).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly) && error.retry() == Retry::AfterFix);
    assert!(matches!(store.importer().await.unwrap_err(), StoreError::ReadOnly));
    drop(store);

    let empty = Place::new();
    assert!(matches!(empty.try_open(options).unwrap_err(), OpenError::Io { .. } | OpenError::ReadOnly { .. }));
}

/// The writer may not grow beyond what the file has: what a full disk does, without filling one.
#[tokio::test]
async fn a_full_disk_loses_nothing_and_heals() {
    let place = Place::new();
    let store = place.open();
    fill(&store, (0..100).map(pending).collect()).await;
    store.limit_pages(Some(1)).await.unwrap();
    let mut importer = store.importer().await.unwrap();
    let mut error = None;
    for batch in 1..50u32 {
        let rows = (batch * 1000..(batch + 1) * 1000).map(pending).collect();
        if let Err(e) = importer.push_subscribers(rows).await {
            error = Some(e);
            break;
        }
    }
    let error = error.expect("the disk is full");
    assert!(matches!(error, StoreError::Full), "{error:?}");
    assert_eq!(error.retry(), Retry::Later);
    assert!(error.to_string().contains("disk is full"));
    assert!(importer.push_subscribers(vec![pending(1)]).await.is_err(), "an import that failed stays failed");
    drop(importer);
    let all = PageRequest { filter: Filter::default(), sort: Sort::default(), from: From::First, limit: 1000 };
    assert_eq!(store.subscriber_page(all.clone()).await.unwrap().rows.len(), 100);
    store.limit_pages(None).await.unwrap();
    fill(&store, (100..300).map(pending).collect()).await;
    assert_eq!(store.subscriber_page(all).await.unwrap().rows.len(), 300);
    assert_eq!(store.check_integrity().await.unwrap(), []);
}

#[cfg(unix)]
#[tokio::test]
async fn the_store_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = made().await;
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.path()), mode(place.path().parent().unwrap())), (0o600, 0o700));
}
