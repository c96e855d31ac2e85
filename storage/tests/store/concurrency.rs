//! Two consoles on one file, requests that overtake each other, notices of change.

use crate::support::*;
use noctule_domain::filter::parse;
use noctule_domain::lifecycle::{OperationKind, Refusal};
use noctule_domain::page::{From, PageRequest, Sort};
use noctule_domain::ports::{Authority, AuthorityError, Begun};
use noctule_storage::{OpenError, StoreError};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_consoles_begin_at_once_and_one_is_told_busy() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    fill(&one, (0..40).map(pending).collect()).await;
    for n in 0..40 {
        let id = named(&one, &format!("S{n:05}")).await.id;
        let (a, b) = tokio::join!(one.begin(ask(id, OperationKind::Allocate)), two.begin(ask(id, OperationKind::Allocate)));
        let (begun, refused) = if a.is_ok() { (a, b) } else { (b, a) };
        assert!(matches!(begun, Ok(Begun::Started(_))));
        assert!(matches!(refused, Err(AuthorityError::Refused(Refusal::Busy { .. }))), "{refused:?}");
    }
    let open: u32 = place.raw().query_row("SELECT count(*) FROM operations", [], |row| row.get(0)).unwrap();
    assert_eq!(open, 40);
}

#[tokio::test]
async fn one_console_id_is_one_process() {
    let place = Place::new();
    let options = place.options();
    let _first = place.try_open(options.clone()).unwrap();
    assert!(matches!(place.try_open(options).unwrap_err(), OpenError::Locked { .. }));
}

#[tokio::test]
async fn each_console_sees_what_the_other_wrote() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    let mut own = one.changes();
    let before = *own.borrow_and_update();
    fill(&one, vec![pending(1)]).await;
    assert!(*own.borrow_and_update() > before);
    let mut notices = two.changes();
    notices.borrow_and_update();
    two.poll_foreign_changes().await.unwrap();
    assert!(!two.poll_foreign_changes().await.unwrap(), "nothing new since the last look");
    fill(&one, vec![pending(2)]).await;
    assert!(two.poll_foreign_changes().await.unwrap());
    assert!(notices.has_changed().unwrap());
    assert_eq!(named(&two, "S00002").await.full_name.as_str(), "Person 2");
}

#[tokio::test]
async fn an_older_page_gives_way_to_a_newer_one_and_the_newest_always_comes() {
    let place = Place::new();
    let store = place.open();
    fill(&store, (0..5000).map(pending).collect()).await;
    let request = |text: &str| PageRequest { filter: parse(text).unwrap(), sort: Sort::default(), from: From::First, limit: 20 };
    let mut tasks = Vec::new();
    for n in 0..200 {
        let (store, request) = (store.clone(), request(if n % 2 == 0 { "-name:e -user:x" } else { "person -name:9 -name:8 -name:7" }));
        tasks.push(tokio::spawn(async move { store.subscriber_page(request).await }));
    }
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) | Err(StoreError::Superseded) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(store.subscriber_page(request("S04999")).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_dropped_request_does_no_harm() {
    let place = Place::new();
    let store = place.open();
    fill(&store, (0..500).map(pending).collect()).await;
    for _ in 0..100 {
        let request = PageRequest { filter: parse("person").unwrap(), sort: Sort::default(), from: From::First, limit: 20 };
        let _ = tokio::time::timeout(std::time::Duration::ZERO, store.subscriber_page(request)).await;
    }
    assert_eq!(named(&store, "S00001").await.full_name.as_str(), "Person 1");
}
