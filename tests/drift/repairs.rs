//! Each repair does what its preview says, and the next check finds nothing of it any more.

use super::place::Place;
use noctule::compose::{Repaired, repair_drift};
use noctule_domain::aaa::Login;
use noctule_domain::audit::AuditVerdict;
use noctule_domain::drift::{DriftKind, Finding};
use noctule_domain::lifecycle::{Enforcement, Ipv6State, OperationKind, OperationStatus};
use noctule_domain::subscriber::Subscriber;
use noctule_sim::netbox::SeedPrefix;
use noctule_storage::OperationFilter;
use serde_json::json;

impl Place {
    /// Repairs it, to its end.
    async fn mend(&self, finding: &Finding) {
        match repair_drift(&self.demo.services, &finding.key(), None).await.expect("repaired") {
            Repaired::Begun(handle) => {
                let ended = handle.ended().await.expect("it ends");
                assert_eq!(ended.operation.status, OperationStatus::Succeeded, "{:?}", ended.operation.error);
                assert_eq!(finding.operation().map(|(kind, _)| kind), Some(ended.operation.kind));
                let why = ended.operation.options.reason.expect("a reason");
                assert!(why.as_str().contains(&finding.id()) && why.as_str().contains(finding.theirs.as_str()), "what stood there: {why}");
            }
            Repaired::Done(_) => assert_eq!(finding.operation(), None),
            Repaired::Gone => panic!("{} was there", finding.key()),
        }
    }

    /// The same for one whose subscriber's state must not move.
    async fn mend_in_place(&self, finding: &Finding) -> Subscriber {
        let id = finding.who.as_ref().expect("a subscriber").id;
        let before = self.now(id).await;
        self.mend(finding).await;
        let after = self.now(id).await;
        assert_eq!((after.ipv6.state, after.ipv6.prefix, after.ipv6.since), (before.ipv6.state, before.ipv6.prefix, before.ipv6.since));
        assert_eq!(self.last_operation(id).await, Some((OperationKind::Reconcile, OperationStatus::Succeeded)));
        after
    }

    async fn now(&self, id: noctule_domain::SubscriberId) -> Subscriber {
        self.demo.services.store.subscriber(id).await.expect("store").expect("there")
    }

    async fn last_operation(&self, id: noctule_domain::SubscriberId) -> Option<(OperationKind, OperationStatus)> {
        let all = OperationFilter { open_only: false, status: None, limit: 1000 };
        let rows = self.demo.services.store.operations(all).await.expect("operations");
        rows.iter().filter(|row| row.subscriber == id).max_by_key(|row| row.requested_at).map(|row| (row.kind, row.status))
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
        place.mend_in_place(&found[0]).await;
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
    let (active, suspended) = (place.one(Ipv6State::Active).await, place.one(Ipv6State::Suspended).await);
    let revoked = place.one(Ipv6State::Revoked).await;
    let normal = |delegated| Login::Normal { delegated, framed: None };
    let other = normal(Some("2001:db8:aaaa::/56".parse().expect("a prefix")));
    let kept_out = place.demo.aaa.login(suspended.username.as_str()).expect("its login");
    let cases = [
        (&active, Login::WithoutPrefix, DriftKind::AaaPrefixMissing),
        (&active, other, DriftKind::AaaOtherPrefix),
        (&active, kept_out, DriftKind::AaaStillSuspended),
        (&suspended, normal(suspended.ipv6.prefix), DriftKind::AaaNotSuspended),
        (&revoked, normal(revoked.ipv6.prefix), DriftKind::AaaReleasedPrefix),
    ];
    for (who, login, kind) in cases {
        let right = place.demo.aaa.login(who.username.as_str()).unwrap_or(Login::WithoutPrefix);
        place.demo.aaa.seed([(who.username.clone(), login)]);
        let found = place.finds(kind).await;
        let after = place.mend_in_place(&found).await;
        assert_eq!(after.ipv6, who.ipv6, "{kind}: nothing of the record moved");
        assert_eq!(place.demo.aaa.login(who.username.as_str()).unwrap_or(Login::WithoutPrefix), right, "{kind}");
        assert_eq!(place.check().await, [], "{kind}");
    }
    assert!(matches!(place.demo.services.store.audit_verify().await.expect("audit"), AuditVerdict::Intact { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_nas_is_asked_where_a_session_says_something_else() {
    let place = Place::new(300).await;
    let store = &place.demo.services.store;
    let now = chrono::Utc::now();
    let online = |s: &&Subscriber| s.session.is_some() && s.nas.is_some();
    let active = place.those(Ipv6State::Active).await;
    let active = active.iter().find(online).expect("one online");
    let right = active.session.clone().expect("session");
    let mut other = right.clone();
    other.delegated_prefix = Some("2001:db8:bbbb::/56".parse().expect("prefix"));
    store.sessions_put(vec![(active.id, Some(other))]).await.expect("stored");
    let found = place.finds(DriftKind::SessionOtherPrefix).await;
    assert!(found.repair.is_dangerous() && found.preview(chrono::Duration::hours(24)).join(" ").contains("a session may be ended"));
    let after = place.mend_in_place(&found).await;
    assert_eq!(after.ipv6.enforcement, Enforcement::Acknowledged, "not observed: accounting has not shown it");
    // The finding stands until accounting shows it.
    assert_eq!(place.check().await.len(), 1);
    store.sessions_put(vec![(active.id, Some(right))]).await.expect("stored");
    assert_eq!(place.check().await, []);

    // A session that lives on after the revoke.
    let revoked = place.those(Ipv6State::Revoked).await;
    let revoked = revoked.iter().find(|s| s.nas.is_some() && now - s.ipv6.since > chrono::Duration::hours(1)).expect("revoked a while ago");
    let mut lasting = active.session.clone().expect("session");
    (lasting.acct_session_id, lasting.delegated_prefix, lasting.seen_at) = ("lasting".into(), revoked.ipv6.prefix, now);
    store.sessions_put(vec![(revoked.id, Some(lasting))]).await.expect("stored");
    let found = place.finds(DriftKind::SessionNotEnded).await;
    place.mend_in_place(&found).await;
    store.sessions_put(vec![(revoked.id, None)]).await.expect("stored");
    assert_eq!(place.check().await, []);

    // Acknowledged, and accounting shows nothing of it: the NAS is asked again.
    let unproved = place.those(Ipv6State::Active).await;
    let unproved = unproved
        .iter()
        .find(|s| s.id != active.id && s.ipv6.enforcement == Enforcement::Acknowledged && now - s.ipv6.since > chrono::Duration::hours(1));
    let unproved = unproved.expect("one that was acknowledged");
    let session = unproved.session.clone();
    store.sessions_put(vec![(unproved.id, None)]).await.expect("stored");
    let found = place.finds(DriftKind::ProofMissing).await;
    place.mend_in_place(&found).await;
    store.sessions_put(vec![(unproved.id, session)]).await.expect("stored");
    assert_eq!(place.check().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forgotten_work_is_revoked_or_goes_back_to_pending() {
    let place = Place::new(300).await;
    let report = place.report().await;
    for (kind, wanted) in [
        (DriftKind::AllocatedTooLong, Ipv6State::Revoked),
        (DriftKind::RevokingTooLong, Ipv6State::Revoked),
        (DriftKind::RevokedTooLong, Ipv6State::Pending),
    ] {
        let found = report.findings.iter().find(|f| f.kind == kind).expect("some");
        place.mend(found).await;
        let who = found.who.as_ref().expect("a subscriber");
        assert_eq!(place.now(who.id).await.ipv6.state, wanted, "{kind}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_nothing_here_can_know_is_left_to_somebody_and_said_so() {
    let place = Place::new(300).await;
    let free = super::netbox::free_56(&place, 1);
    let stranger = place.post(json!({ "prefix": free[0], "status": "active" })).await;
    let found = place.finds(DriftKind::PrefixStranger).await;
    let refused = repair_drift(&place.demo.services, &found.key(), None).await.err().expect("no repair");
    assert!(refused.sentence.contains("ask who made it"), "{}", refused.sentence);
    assert_eq!(place.demo.netbox.prefix(stranger).expect("untouched").status, "active");
}
