//! Each repair does what its preview says, and the next check finds nothing of it any more.

use super::place::Place;
use noctule::compose::{Repaired, repair_drift};
use noctule_domain::aaa::Login;
use noctule_domain::audit::AuditVerdict;
use noctule_domain::drift::{DriftKind, Finding};
use noctule_domain::lifecycle::{Ipv6State, OperationStatus};
use noctule_sim::netbox::SeedPrefix;
use serde_json::json;

impl Place {
    /// Repairs it, to its end.
    async fn mend(&self, finding: &Finding) {
        match repair_drift(&self.demo.services, &finding.key(), None).await.expect("repaired") {
            Repaired::Begun(handle) => {
                let ended = handle.ended().await.expect("it ends");
                assert_eq!(ended.operation.status, OperationStatus::Succeeded, "{:?}", ended.operation.error);
            }
            Repaired::Done(_) => {}
            Repaired::Gone => panic!("{} was there", finding.key()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_edited_in_netbox_is_put_back() {
    let place = Place::new(300).await;
    let some = place.those(Ipv6State::Active).await;
    let (id, prefix) = (some[0].ipv6.netbox_prefix_id.expect("id"), some[0].ipv6.prefix.expect("prefix"));
    for change in [json!({ "status": "deprecated" }), json!({ "prefix": "2001:db8:ffff:ff00::/56", "status": "reserved" })] {
        place.patch(id, change).await;
        let found = place.check().await;
        assert_eq!(found.len(), 1, "{found:?}");
        place.mend(&found[0]).await;
        let now = place.demo.netbox.prefix(id).expect("there");
        assert_eq!((now.prefix, now.status), (prefix, "active"));
        assert_eq!(place.check().await, []);
    }
    let after = place.demo.services.store.subscriber(some[0].id).await.expect("store").expect("there");
    assert_eq!(after.ipv6, some[0].ipv6, "the state did not move");
    assert!(matches!(place.demo.services.store.audit_verify().await.expect("audit"), AuditVerdict::Intact { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_leak_is_put_to_rest_and_deleted_after_it() {
    let place = Place::new(300).await;
    let free = super::netbox::free_56(&place, 2);
    let seed = |prefix: &str, status: &str| SeedPrefix::delegated(prefix, status, "01900000-0000-7000-8000-000000000001", "N-0000001");
    let leak = place.demo.netbox.add_prefix(&seed(&free[0], "active")).expect("a leak");
    let found = place.finds(DriftKind::PrefixLeaked).await;
    place.mend(&found).await;
    let now = place.demo.netbox.prefix(leak).expect("it rests");
    assert!(now.status == "deprecated" && now.hold_until.is_some(), "{now:?}");
    assert_eq!(place.check().await, [], "what rests is on its way");
    // Its rest is over.
    place.patch(leak, json!({ "custom_fields": { "hold_until": "2020-01-01T00:00:00Z" } })).await;
    let found = place.finds(DriftKind::PrefixLeaked).await;
    assert!(found.preview(chrono::Duration::hours(24))[0].contains("Will delete"), "{found:?}");
    place.mend(&found).await;
    assert!(place.demo.netbox.prefix(leak).is_none());
    assert_eq!(place.check().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn aaa_is_written_by_the_state() {
    let place = Place::new(300).await;
    let active = place.one(Ipv6State::Active).await;
    let revoked = place.one(Ipv6State::Revoked).await;
    place.demo.aaa.seed([(active.username.clone(), Login::WithoutPrefix)]);
    let found = place.finds(DriftKind::AaaPrefixMissing).await;
    place.mend(&found).await;
    assert_eq!(place.demo.aaa.hands_out(active.username.as_str()), active.ipv6.prefix);
    place.demo.aaa.seed([(revoked.username.clone(), Login::Normal { delegated: revoked.ipv6.prefix, framed: None })]);
    let found = place.finds(DriftKind::AaaReleasedPrefix).await;
    place.mend(&found).await;
    assert_eq!(place.demo.aaa.hands_out(revoked.username.as_str()), None);
    assert_eq!(place.check().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forgotten_work_is_revoked_or_goes_back_to_pending() {
    let place = Place::new(300).await;
    let report = place.report().await;
    for kind in [DriftKind::AllocatedTooLong, DriftKind::RevokedTooLong] {
        let found = report.findings.iter().find(|f| f.kind == kind).expect("some");
        place.mend(found).await;
        let who = found.who.as_ref().expect("a subscriber");
        let now = place.demo.services.store.subscriber(who.id).await.expect("store").expect("there");
        let wanted = if kind == DriftKind::AllocatedTooLong { Ipv6State::Revoked } else { Ipv6State::Pending };
        assert_eq!(now.ipv6.state, wanted);
        assert!(place.report().await.findings.iter().all(|f| f.key() != found.key()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_prefix_that_is_gone_is_revoked_and_what_is_not_so_any_more_is_left_alone() {
    let place = Place::new(300).await;
    let some = place.those(Ipv6State::Active).await;
    let id = some[0].ipv6.netbox_prefix_id.expect("id");
    place.patch(id, json!({ "status": "reserved" })).await;
    let found = place.finds(DriftKind::StatusEdited).await;
    place.patch(id, json!({ "status": "active" })).await;
    let again = repair_drift(&place.demo.services, &found.key(), None).await.expect("looked at");
    assert!(matches!(again, Repaired::Gone));
    place.delete(id).await;
    let found = place.finds(DriftKind::PrefixGone).await;
    place.mend(&found).await;
    assert_eq!(place.demo.aaa.hands_out(some[0].username.as_str()), None);
}
