//! Imports: all or nothing, bad rows in words, what an import may not touch, hostile text.

use crate::support::*;
use noctule_domain::filter::{Filter, Matcher};
use noctule_domain::lifecycle::{Enforcement, Ipv6State};
use noctule_domain::page::{From, PageRequest, Sort, Total};
use noctule_domain::subscriber::Username;
use noctule_domain::text::is_dangerous;
use noctule_domain::{SafeText, SubscriberId};
use noctule_storage::{ImportCount, Store};
use std::ops::ControlFlow;

async fn count(store: &Store) -> Total {
    let request = PageRequest { filter: Filter::default(), sort: Sort::default(), from: From::First, limit: 1 };
    store.subscriber_page(request).await.unwrap().total
}

#[tokio::test]
async fn what_is_not_committed_is_not_there() {
    let place = Place::new();
    let store = place.open();
    let mut importer = store.importer().await.unwrap();
    importer.push_subscribers((0..100).map(pending).collect()).await.unwrap();
    importer.rollback().await;
    let mut importer = store.importer().await.unwrap();
    importer.push_subscribers((0..100).map(pending).collect()).await.unwrap();
    drop(importer);
    fill(&store, vec![]).await;
    assert_eq!(count(&store).await, Total::Exact(0));
    let mut importer = store.importer().await.unwrap();
    importer.push_subscribers((0..100).map(pending).collect()).await.unwrap();
    let done = importer.commit(entry("import-subscribers")).await.unwrap();
    assert_eq!(done, ImportCount { new: 100, changed: 0, unchanged: 0 });
    assert_eq!(count(&store).await, Total::Exact(100));
    let record = store.audit_page(0, 10).await.unwrap().pop().unwrap();
    assert_eq!(record.entry.after["new"], 100);
}

#[tokio::test]
async fn bad_rows_are_told_in_words_and_the_others_are_taken() {
    let place = Place::new();
    let store = place.open();
    let mut same_name = pending(2);
    same_name.username = pending(1).username;
    let mut no_nas = pending(3);
    no_nas.nas = Some("bng-9".into());
    let mut no_prefix = pending(4);
    no_prefix.ipv6.state = Ipv6State::Active;
    let mut same_id = holding(6, Ipv6State::Active, "2001:db8:6::/56");
    same_id.ipv6.netbox_prefix_id = Some(1005);
    let mut empty = pending(9);
    empty.subscriber_number = "".into();
    let rows = vec![
        pending(1),
        same_name,
        no_nas,
        no_prefix,
        holding(5, Ipv6State::Active, "2001:db8:5::/48"),
        same_id,
        holding(7, Ipv6State::Allocated, "2001:db8:5:100::/56"),
        empty,
        pending(8),
    ];
    let errors = try_fill(&store, rows).await;
    let said: Vec<(usize, &str)> = errors.iter().map(|e| (e.index, e.words.as_str())).collect();
    assert_eq!(
        said,
        [
            (1, "the user name user1@example.net is that of subscriber S00001 already"),
            (2, "there is no NAS named 'bng-9': import the NASes first"),
            (3, "a subscriber that is active needs its prefix"),
            (5, "the NetBox prefix 1005 is that of subscriber S00005 already"),
            (6, "the prefix 2001:db8:5:100::/56 overlaps that of subscriber S00005"),
            (7, "the subscriber number is empty"),
        ]
    );
    assert_eq!(count(&store).await, Total::Exact(3));
}

#[tokio::test]
async fn an_import_never_touches_the_ipv6_side_of_a_row_that_is_there() {
    let place = Place::new();
    let store = place.open();
    let mut first = holding(1, Ipv6State::Active, "2001:db8:1::/56");
    first.ipv6.enforcement = Enforcement::Observed;
    fill(&store, vec![first]).await;
    let id = named(&store, "S00001").await.id;
    let before = store.subscriber(id).await.unwrap().unwrap();
    let mut again = pending(1);
    again.full_name = "New Name".into();
    again.id = Some(SubscriberId(uuid::Uuid::nil()));
    fill(&store, vec![again.clone()]).await;
    let after = store.subscriber(id).await.unwrap().unwrap();
    assert_eq!(after.ipv6, before.ipv6);
    assert_eq!((after.full_name.as_str(), after.version), ("New Name", before.version + 1));
    fill(&store, vec![again]).await;
    assert_eq!(store.subscriber(id).await.unwrap().unwrap(), after, "the same again changes nothing, not even the version");
    // The search follows the new name.
    let page = |text: &str| {
        let request = PageRequest { filter: Filter::of(Matcher::Name(text.into())), sort: Sort::default(), from: From::First, limit: 5 };
        let store = store.clone();
        async move { store.subscriber_page(request).await.unwrap().rows.len() }
    };
    assert_eq!((page("new na").await, page("person").await), (1, 0));
}

#[tokio::test]
async fn a_user_name_does_not_change_under_a_live_prefix() {
    let place = Place::new();
    let store = place.open();
    fill(&store, vec![holding(1, Ipv6State::Active, "2001:db8:1::/56"), pending(2)]).await;
    let renamed = |n: u32| {
        let mut row = pending(n);
        row.username = Username::new(&format!("renamed-{n}@isp")).unwrap();
        row
    };
    let mut importer = store.importer().await.unwrap();
    let errors = importer.push_subscribers(vec![renamed(1), renamed(2)]).await.unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].index == 0 && errors[0].words.as_str().contains("revoke first"), "{errors:?}");
}

#[tokio::test]
async fn hostile_text_comes_back_harmless_and_is_found() {
    let place = Place::new();
    let store = place.open();
    let nasty = [
        "\x1b]0;owned\x07\x1b[2J",
        "a\u{202e}b\u{9b}31m",
        "nul\0in",
        "'; DROP TABLE subscribers; --",
        "100%_\\",
        "\"quoted\" AND (",
        "日本語\u{301}",
    ];
    let mut rows: Vec<_> = (0..nasty.len() as u32).map(pending).collect();
    for (row, text) in rows.iter_mut().zip(nasty) {
        row.full_name = SafeText::new(text);
        row.site = Some(SafeText::new(text));
        row.notes = Some(SafeText::new(&text.repeat(3000)));
    }
    fill(&store, rows.clone()).await;
    let mut seen = 0;
    store
        .for_each_subscriber(Filter::default(), |s| {
            assert_eq!(Some(s.full_name.clone()), s.site);
            assert!(!s.full_name.as_str().chars().any(is_dangerous));
            seen += 1;
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert_eq!(seen, nasty.len());
    for row in &rows {
        for matcher in [
            Matcher::Text(row.full_name.to_string()),
            Matcher::Name(row.full_name.to_string()),
            Matcher::Site(vec![row.full_name.to_string()]),
        ] {
            let request = PageRequest { filter: Filter::of(matcher), sort: Sort::default(), from: From::First, limit: 9 };
            let page = store.subscriber_page(request).await.unwrap();
            assert_eq!(page.rows.iter().map(|r| &r.subscriber_number).collect::<Vec<_>>(), [&row.subscriber_number]);
        }
    }
    // Typed by an operator, unclean.
    for text in nasty {
        let request = PageRequest { filter: Filter::of(Matcher::Text(text.into())), sort: Sort::default(), from: From::First, limit: 9 };
        store.subscriber_page(request).await.unwrap();
        store.find_subscriber(text).await.unwrap();
    }
    assert_eq!(store.vocabulary().await.unwrap().sites.len(), nasty.len());
}

#[tokio::test]
async fn a_batch_is_bounded() {
    let place = Place::new();
    let store = place.open();
    let mut importer = store.importer().await.unwrap();
    assert!(importer.push_subscribers((0..10_001).map(pending).collect()).await.is_err());
    assert!(importer.push_subscribers(vec![pending(1)]).await.unwrap().is_empty());
}
