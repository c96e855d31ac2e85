//! Several at once: operators, consoles, tenants.

use super::support::bench::{Backend, Bench};
use super::{ask, given};
use noctule_domain::audit::AuditVerdict;
use noctule_domain::lifecycle::{Ipv6State, OperationKind as K, OperationOptions, OperationStatus, Refusal};
use noctule_domain::permission::Role;
use noctule_domain::ports::{Authority, AuthorityError};
use noctule_network::lifecycle::Started;
use noctule_sim::netbox::{Fault, On};
use std::time::Duration;

on_both!(two_consoles_allocate_at_once_one_wins_and_the_other_is_told_who);
async fn two_consoles_allocate_at_once_one_wins_and_the_other_is_told_who(on: Backend) {
    for _ in 0..10 {
        let bench = Bench::new_on(on).await;
        let plan = bench.plan_for(K::Allocate);
        // At the centre they are two operators, each with a login of their own.
        let (one, (two, second)) = (plan.open(), bench.as_role(Role::Noc));
        let (a, b) = (plan.executor(&one), plan.executor(&two));
        let (first, second) = tokio::join!(a.start(plan.request()), b.start(second));
        let mut won = 0;
        for started in [first, second] {
            match started {
                Ok(Started::Running(handle)) => {
                    handle.ended().await.expect("it ends");
                    won += 1;
                }
                // The other may have been done before this one looked.
                Ok(Started::AlreadyThere(_)) => {}
                Err(AuthorityError::Refused(Refusal::Busy { by, .. })) => {
                    assert!(["fault", "fault_noc"].contains(&by.as_str()), "{by}");
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(won, 1);
        let facts = bench.facts().await;
        assert_eq!((facts.state, facts.netbox.len()), (Ipv6State::Allocated, 1));
        facts.check("two at once");
    }
}

on_both!(somebody_who_saw_an_older_version_is_told_to_look_again);
async fn somebody_who_saw_an_older_version_is_told_to_look_again(on: Backend) {
    let bench = Bench::new_on(on).await;
    let plan = bench.plan_for(K::Allocate);
    let seen = plan.open().subscriber(plan.subscriber).await.expect("store").expect("there").version;
    given(&bench, &[K::Allocate]).await;
    let store = plan.open();
    let mut request = bench.plan_for(K::Activate).request();
    request.expected_version = Some(seen);
    let refused = store.begin(request).await.expect_err("refused");
    assert!(matches!(refused, AuthorityError::Refused(Refusal::StaleVersion { .. })), "{refused}");
}

on_both!(a_role_without_the_permission_is_refused_by_the_store_itself);
async fn a_role_without_the_permission_is_refused_by_the_store_itself(on: Backend) {
    let bench = Bench::new_on(on).await;
    for role in [Role::Viewer, Role::Dispatcher, Role::Technician] {
        let (store, request) = bench.as_role(role);
        let refused = store.begin(request).await.expect_err("refused");
        assert!(matches!(refused, AuthorityError::Refused(Refusal::NotPermitted { .. })), "{role}: {refused}");
    }
    // noc may do everything of the lifecycle, force included.
    let (store, mut request) = bench.as_role(Role::Noc);
    request.options = OperationOptions { force: true, ..OperationOptions::default() };
    assert!(store.begin(request).await.is_ok());
}

on_both!(another_tenant_does_not_see_and_can_not_touch_the_subscriber);
async fn another_tenant_does_not_see_and_can_not_touch_the_subscriber(on: Backend) {
    let bench = Bench::new_on(on).await;
    let mut foreign = bench.plan_for(K::Allocate);
    foreign.tenant = bench.another_tenant().await;
    let store = foreign.open();
    assert!(store.subscriber(foreign.subscriber).await.expect("store").is_none());
    assert_eq!(store.find("N-1").await, None);
    assert!(matches!(store.begin(foreign.request()).await, Err(AuthorityError::NotFound { .. })));
}

on_both!(every_operation_leaves_a_record_of_who_what_before_and_after_and_the_chain_holds);
async fn every_operation_leaves_a_record_of_who_what_before_and_after_and_the_chain_holds(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate, K::Suspend, K::Resume, K::Revoke]).await;
    let store = bench.plan.open();
    let records = store.audit_page(0, 100).await.expect("audit");
    for kind in ["allocate", "activate", "suspend", "resume", "revoke"] {
        let of_kind: Vec<_> = records.iter().filter(|r| r.entry.action.contains(kind) && r.entry.operation.is_some()).collect();
        let last = of_kind.last().unwrap_or_else(|| panic!("no record of {kind}"));
        assert_eq!(last.entry.actor.as_str(), "fault");
        assert!(last.entry.before != last.entry.after, "{kind}: before and after");
    }
    assert!(matches!(store.audit_verify().await.expect("audit"), AuditVerdict::Intact { .. }));
}

on_both!(the_subscriber_shows_all_of_it);
async fn the_subscriber_shows_all_of_it(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate]).await;
    let (_, subscriber) = ask(&bench, K::Activate).await.ended();
    let json = serde_json::to_value(&subscriber).expect("json");
    for field in ["state", "mode", "enforcement", "prefix", "netbox_prefix_id", "allocated_at", "activated_at", "hold_until", "last_error"]
    {
        assert!(json["ipv6"].get(field).is_some(), "{field} is missing");
    }
}

on_both!(an_operation_that_waits_in_one_console_is_not_taken_by_another_that_asks_to_resume_it);
async fn an_operation_that_waits_in_one_console_is_not_taken_by_another_that_asks_to_resume_it(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.netbox.random_faults(On::Any, 1.0, 1, vec![Fault::CloseBefore]);
    let plan = bench.plan_for(K::Revoke);
    let (one, two) = (plan.open(), plan.open());
    let (a, b) = (plan.executor(&one), plan.executor(&two));
    let Ok(Started::Running(handle)) = a.start(plan.request()).await else { panic!("it begins") };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while one.operation(handle.id).await.expect("store").expect("there").operation.status != OperationStatus::Waiting {
        assert!(tokio::time::Instant::now() < deadline, "it never waited");
        tokio::task::yield_now().await;
    }
    let actor = plan.request().actor;
    let new_id = plan.request().id;
    let refused = b.resume(handle.id, new_id, actor.clone()).await.err().expect("the first console has it");
    assert!(matches!(refused, AuthorityError::LeaseLost { .. }), "{refused}");
    bench.netbox.clear_faults();
    // The console that has it tries at once when told to, unless its own next try was quicker; both who wait hear of the end.
    match a.resume(handle.id, new_id, actor).await {
        Ok(Started::Running(again)) => assert_eq!(again.ended().await.expect("it ends").operation.status, OperationStatus::Succeeded),
        Err(AuthorityError::Ended { status, .. }) => assert_eq!(status, OperationStatus::Succeeded),
        other => panic!("{:?}", other.err()),
    }
    assert_eq!(handle.ended().await.expect("it ends").operation.status, OperationStatus::Succeeded);
    bench.facts().await.check("after the wait");
}
