//! NetBox changed behind our back, in each way.

use super::place::Place;
use noctule_domain::drift::{DriftKind, Subject};
use noctule_domain::lifecycle::Ipv6State;
use noctule_sim::netbox::SeedPrefix;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deleted_prefix_of_a_subscriber_is_found() {
    let place = Place::new(300).await;
    let anna = place.one(Ipv6State::Active).await;
    let id = anna.ipv6.netbox_prefix_id.expect("id");
    place.delete(id).await;
    let found = place.finds(DriftKind::PrefixGone).await;
    assert_eq!(found.subject, Subject::Subscriber(anna.id));
    assert_eq!(found.theirs.as_str(), format!("NetBox {id} is not there"));
    assert!(found.ours.as_str().contains(&anna.ipv6.prefix.expect("prefix").to_string()), "{}", found.ours);
    // One that rests is found too: it may be handed out while routes still lead there.
    let resting = place.those(Ipv6State::Revoked).await.into_iter().find(|s| s.ipv6.hold_until.is_some_and(|t| t > chrono::Utc::now()));
    place.delete(resting.expect("a resting one").ipv6.netbox_prefix_id.expect("id")).await;
    assert_eq!(place.check().await.iter().filter(|f| f.kind == DriftKind::PrefixGone).count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_edited_status_a_changed_value_and_a_moved_prefix_are_found() {
    let place = Place::new(300).await;
    let some = place.those(Ipv6State::Active).await;
    let id = |n: usize| some[n].ipv6.netbox_prefix_id.expect("id");
    place.patch(id(0), json!({ "status": "deprecated" })).await;
    let found = place.finds(DriftKind::StatusEdited).await;
    assert!(found.ours.as_str().ends_with("active in NetBox") && found.theirs.as_str().ends_with("deprecated"), "{found:?}");
    let preview = found.preview(chrono::Duration::hours(24));
    assert!(preview[0].contains(&format!("NetBox {}", id(0))), "{preview:?}");
    place.patch(id(0), json!({ "status": "active" })).await;
    assert_eq!(place.check().await, []);

    // Another value, far from our pools: it is looked up by its id, and not called gone.
    let old = some[1].ipv6.prefix.expect("prefix");
    place.patch(id(1), json!({ "prefix": "2001:db8:ffff:ff00::/56" })).await;
    let found = place.finds(DriftKind::PrefixChanged).await;
    assert!(found.theirs.as_str().contains("2001:db8:ffff:ff00::/56"), "{}", found.theirs);
    place.patch(id(1), json!({ "prefix": old.to_string() })).await;
    assert_eq!(place.check().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn leaks_and_strangers_are_told_apart() {
    let place = Place::new(300).await;
    let free = free_56(&place, 2);
    let leak = place
        .demo
        .netbox
        .add_prefix(&SeedPrefix::delegated(&free[0], "reserved", "01900000-0000-7000-8000-000000000001", "N-0000001"))
        .expect("a leak");
    let found = place.finds(DriftKind::PrefixLeaked).await;
    assert_eq!(found.subject, Subject::Prefix(leak));
    assert!(found.preview(chrono::Duration::hours(24))[0].contains("deprecated"), "{:?}", found.preview(chrono::Duration::hours(24)));
    assert!(place.demo.netbox.remove_prefix(leak));
    let stranger = place.post(json!({ "prefix": free[1], "status": "active", "description": "lab, ask Pekka" })).await;
    let found = place.finds(DriftKind::PrefixStranger).await;
    assert_eq!(found.subject, Subject::Prefix(stranger));
    assert!(!found.repair.is_possible());
    // A container divides a pool; it is nobody's delegation.
    place.patch(stranger, json!({ "status": "container" })).await;
    assert_eq!(place.check().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn doubles_and_overlaps_in_netbox_are_found() {
    let place = Place::new(300).await;
    let anna = place.one(Ipv6State::Active).await;
    let prefix = anna.ipv6.prefix.expect("prefix");
    // Behind the unique check, as two direct writers at once can.
    let double = place.demo.netbox.add_prefix(&SeedPrefix { prefix: prefix.to_string(), status: "active".into(), ..Default::default() });
    let double = double.expect("a double");
    let found = place.check().await;
    assert!(found.iter().any(|f| f.kind == DriftKind::PrefixTwice), "{found:?}");
    assert!(place.demo.netbox.remove_prefix(double));
    let inside = prefix.subnets(60).expect("subnets").next().expect("one");
    let inner = place.post(json!({ "prefix": inside.to_string(), "status": "active" })).await;
    let found = place.check().await;
    assert!(found.iter().any(|f| f.kind == DriftKind::PrefixOverlap && f.netbox_id == Some(inner)), "{found:?}");
    place.delete(inner).await;
    // One operation id on two.
    let theirs = place.demo.netbox.prefix(anna.ipv6.netbox_prefix_id.expect("id")).expect("there").operation_id.expect("its operation");
    let free = free_56(&place, 1);
    let copy = place.demo.netbox.add_prefix(&SeedPrefix::delegated(&free[0], "active", &theirs, "N-0000002")).expect("a copy");
    let found = place.check().await;
    assert!(found.iter().any(|f| f.kind == DriftKind::OperationTwice), "{found:?}");
    assert!(found.iter().any(|f| f.kind == DriftKind::PrefixLeaked && f.netbox_id == Some(copy)), "{found:?}");
}

/// An imported subscriber holds a prefix by its value alone: nothing in NetBox names it, and NetBox may not have it at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_imported_prefix_that_netbox_does_not_have_is_found() {
    let place = Place::new(300).await;
    let free = free_56(&place, 2);
    place.import("I-1", &free[0]).await;
    let found = place.finds(DriftKind::PrefixGone).await;
    assert_eq!((found.about().as_str(), found.netbox_id, found.repair.is_possible()), ("I-1", None, false));
    assert!(found.preview(chrono::Duration::hours(24))[0].contains(&format!("enter {} in NetBox", free[0])), "{found:?}");
    // What lies in no pool of ours is read by nobody, and nothing is said of it.
    place.import("I-2", "2001:db8:eeee:100::/56").await;
    assert_eq!(place.check().await.len(), 1);
    // Entered with another status, then with the right one.
    let id = place.post(json!({ "prefix": free[0], "status": "reserved" })).await;
    let found = place.finds(DriftKind::StatusEdited).await;
    assert_eq!((found.about().as_str(), found.netbox_id), ("I-1", Some(id)));
    place.patch(id, json!({ "status": "active" })).await;
    assert_eq!(place.check().await, []);
    place.delete(id).await;
    place.finds(DriftKind::PrefixGone).await;
}

/// Free delegations at the end of the last pool.
pub fn free_56(place: &Place, count: usize) -> Vec<String> {
    let (pools, taken): (Vec<_>, Vec<_>) = place.demo.netbox.prefixes().into_iter().partition(|p| p.status == "container");
    let free = pools.iter().filter(|pool| pool.id > 1).flat_map(|pool| pool.prefix.subnets(56).expect("subnets"));
    let free = free.filter(|p| !taken.iter().any(|t| p.contains(&t.prefix) || t.prefix.contains(p)));
    free.take(count).map(|p| p.to_string()).collect()
}
