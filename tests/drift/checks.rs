//! The check itself: silence where nothing is wrong, what a cut leaves standing, and what is kept from one check to the next.

use super::place::{FORGOTTEN, Place};
use noctule::compose::Pace;
use noctule_domain::drift::{Dismissal, DriftKind, DriftSource};
use noctule_domain::lifecycle::{Ipv6State, OperationKind, OperationOptions};
use noctule_domain::ports::BeginOperation;
use noctule_domain::{OperationId, SafeText};
use noctule_network::lifecycle::Started;
use noctule_sim::netbox::{Fault, On, Say};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_a_healthy_provider_only_forgotten_work_is_found() {
    let place = Place::new(800).await;
    let report = place.report().await;
    assert!(report.is_whole(), "{:?}", report.sources);
    let others: Vec<_> = report.findings.iter().filter(|f| !FORGOTTEN.contains(&f.kind)).collect();
    assert!(others.is_empty(), "{others:#?}");
    for kind in FORGOTTEN {
        assert!(report.findings.iter().any(|f| f.kind == kind), "the made-up world has some {kind}");
    }
    let netbox = report.sources.iter().find(|s| s.source == DriftSource::Netbox).expect("NetBox was read");
    assert!(netbox.read > 300, "{netbox:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_found_while_two_hundred_operations_run() {
    let place = Place::new(1500).await;
    let executor = &place.demo.services.executor;
    let mut handles = Vec::new();
    let (active, allocated) = (place.those(Ipv6State::Active).await, place.those(Ipv6State::Allocated).await);
    let wanted =
        active.iter().take(180).enumerate().map(|(n, s)| (s, if n % 3 == 0 { OperationKind::Revoke } else { OperationKind::Suspend }));
    let wanted = wanted.chain(allocated.iter().take(20).map(|s| (s, OperationKind::Activate)));
    let mut begun = 0;
    for (subscriber, kind) in wanted {
        let request = BeginOperation {
            id: OperationId::from_uuid(uuid::Uuid::now_v7()),
            subscriber: subscriber.id,
            kind,
            actor: place.demo.services.actor(),
            options: OperationOptions::default(),
            expected_version: None,
        };
        if let Ok(Started::Running(handle)) = executor.start(request).await {
            handles.push(handle);
            begun += 1;
        }
    }
    assert!(begun > 150, "{begun}");
    // Several checks, as long as they run and once more after.
    let mut running = Box::pin(futures::future::join_all(handles.into_iter().map(|h| h.ended())));
    let mut ended = false;
    while !ended {
        tokio::select! {
            _ = &mut running => ended = true,
            () = tokio::task::yield_now() => {}
        }
        let found = place.check().await;
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_netbox_that_goes_away_in_the_middle_makes_nothing_gone() {
    let place = Place::new(800).await;
    let some = place.those(Ipv6State::Active).await;
    place.patch(some[0].ipv6.netbox_prefix_id.expect("id"), json!({ "status": "reserved" })).await;
    place.finds(DriftKind::StatusEdited).await;
    // The pools are counted, the children of one come, then nothing but errors.
    let services = &place.demo.services;
    let well = 2 * place.demo.loaded.config.netbox.pools.len() + 2;
    let (well, ill) = (std::iter::repeat_n(Fault::DelayBefore(Duration::ZERO), well), std::iter::repeat_n(Fault::Say(Say::Html500), 500));
    place.demo.netbox.script(On::Reads, well.chain(ill));
    let report = services.drift.check(services, Vec::new(), Pace::Quick).await.expect("a check");
    place.demo.netbox.clear_faults();
    let netbox = report.sources.iter().find(|s| s.source == DriftSource::Netbox).expect("NetBox");
    assert!(!netbox.whole && netbox.trouble.is_some(), "{netbox:?}");
    assert!(report.findings.iter().all(|f| f.kind.source() != DriftSource::Netbox), "{:?}", report.findings);
    let kept = services.drift.view().await.expect("view");
    assert_eq!(kept.findings.iter().filter(|k| k.finding.kind == DriftKind::StatusEdited).count(), 1, "it was not called gone");
    // Whole again: put right in NetBox, it goes.
    place.patch(some[0].ipv6.netbox_prefix_id.expect("id"), json!({ "status": "active" })).await;
    place.report().await;
    let kept = services.drift.view().await.expect("view");
    assert!(kept.findings.iter().all(|k| k.finding.kind != DriftKind::StatusEdited));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn age_and_dismissal_are_kept_until_it_says_something_else() {
    let place = Place::new(300).await;
    let anna = place.one(Ipv6State::Active).await;
    let id = anna.ipv6.netbox_prefix_id.expect("id");
    place.patch(id, json!({ "status": "reserved" })).await;
    let found = place.finds(DriftKind::StatusEdited).await;
    let drift = &place.demo.services.drift;
    let kept = |view: noctule_domain::drift::DriftView| view.findings.into_iter().find(|k| k.finding.key() == found.key()).expect("kept");
    let first = kept(drift.view().await.expect("view"));
    let dismissal = Dismissal { at: chrono::Utc::now(), by: "anna".into(), why: SafeText::from("known, ticket 7") };
    assert!(drift.file().expect("file").dismiss(found.key(), Some(dismissal)).await.expect("dismissed"));
    place.report().await;
    let again = kept(drift.view().await.expect("view"));
    assert_eq!(again.first_seen, first.first_seen);
    assert!(again.last_seen > first.last_seen);
    assert_eq!(again.dismissed.expect("dismissed").why.as_str(), "known, ticket 7");
    // The other side says something else now: that was not what was dismissed.
    place.patch(id, json!({ "status": "deprecated" })).await;
    place.report().await;
    assert_eq!(kept(drift.view().await.expect("view")).dismissed, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_netbox_tells_is_looked_at_by_itself() {
    let place = Place::new(300).await;
    let services = &place.demo.services;
    let anna = place.one(Ipv6State::Active).await;
    let id = anna.ipv6.netbox_prefix_id.expect("id");
    place.patch(id, json!({ "status": "deprecated" })).await;
    assert_eq!(services.drift.look_at(services, &[id]).await.expect("looked"), 1);
    place.patch(id, json!({ "status": "active" })).await;
    assert_eq!(services.drift.look_at(services, &[id]).await.expect("looked"), 0);
    assert!(services.drift.view().await.expect("view").findings.is_empty());
    place.delete(id).await;
    assert_eq!(services.drift.look_at(services, &[id]).await.expect("looked"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_netbox_that_knows_no_filter_makes_nothing_of_it() {
    let place = Place::new(300).await;
    let services = &place.demo.services;
    // Everything comes back, whatever was asked for: prefixes of other people's pools too.
    let other = place.post(json!({ "prefix": "2001:db8:f000::/56", "status": "active" })).await;
    place.demo.netbox.ignore_filters(true);
    let report = services.drift.check(services, Vec::new(), Pace::Quick).await.expect("a check");
    let netbox = report.sources.iter().find(|s| s.source == DriftSource::Netbox).expect("NetBox");
    assert!(!netbox.whole, "{netbox:?}");
    assert!(report.findings.iter().all(|f| f.kind.source() != DriftSource::Netbox), "{:?}", report.findings);
    assert!(services.drift.look_at(services, &[other]).await.is_err());
    place.demo.netbox.ignore_filters(false);
    assert_eq!(place.check().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_check_that_dies_in_the_middle_leaves_what_was_found_and_the_next_one_runs() {
    let place = Place::new(300).await;
    let anna = place.one(Ipv6State::Active).await;
    place.patch(anna.ipv6.netbox_prefix_id.expect("id"), json!({ "status": "reserved" })).await;
    let found = place.finds(DriftKind::StatusEdited).await;
    let services = &place.demo.services;
    let before = services.drift.view().await.expect("view");
    // NetBox hangs; the process that checks goes away, here by its future being dropped as a kill drops everything.
    place.demo.netbox.script(On::Reads, std::iter::repeat_n(Fault::DelayBefore(Duration::from_secs(3600)), 50));
    let dying = services.clone();
    let check = tokio::spawn(async move { dying.drift.check(&dying, Vec::new(), Pace::Quick).await.map(drop) });
    let mut progress = services.drift.progress();
    progress.wait_for(Option::is_some).await.expect("it runs");
    check.abort();
    assert!(check.await.expect_err("gone").is_cancelled());
    place.demo.netbox.clear_faults();
    let after = services.drift.view().await.expect("view");
    assert_eq!((after.findings, after.last), (before.findings, before.last), "as it was");
    assert_eq!(place.finds(DriftKind::StatusEdited).await.key(), found.key());
}

/// Between two whole checks NetBox is asked what changed since; what it names is looked at by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_poll_finds_what_changed_in_netbox_and_forgets_what_was_put_right() {
    let place = Place::new(300).await;
    let services = &place.demo.services;
    let some = place.those(Ipv6State::Active).await;
    let id = |n: usize| some[n].ipv6.netbox_prefix_id.expect("id");
    let stands = async || {
        let mut kinds: Vec<DriftKind> = services.drift.view().await.expect("view").findings.iter().map(|k| k.finding.kind).collect();
        kinds.sort_unstable();
        kinds
    };
    let began = chrono::Utc::now();
    assert!(services.drift.poll(services, began).await.expect("polled"));
    assert_eq!(stands().await, []);
    place.delete(id(0)).await;
    place.patch(id(1), json!({ "status": "reserved" })).await;
    place.patch(id(2), json!({ "prefix": "2001:db8:ffff:ff00::/56" })).await;
    let free = super::netbox::free_56(&place, 2);
    place.post(json!({ "prefix": free[0], "status": "active" })).await;
    let leak = noctule_sim::netbox::SeedPrefix::delegated(&free[1], "active", "01900000-0000-7000-8000-000000000001", "N-0000001");
    place.demo.netbox.add_prefix(&leak).expect("a leak");
    assert!(services.drift.poll(services, began).await.expect("polled"));
    use DriftKind::{PrefixChanged, PrefixGone, PrefixLeaked, PrefixStranger, StatusEdited};
    let mut wanted = vec![PrefixGone, StatusEdited, PrefixChanged, PrefixStranger, PrefixLeaked];
    wanted.sort_unstable();
    assert_eq!(stands().await, wanted);
    place.patch(id(1), json!({ "status": "active" })).await;
    assert!(services.drift.poll(services, began).await.expect("polled"));
    assert!(!stands().await.contains(&StatusEdited));
}
