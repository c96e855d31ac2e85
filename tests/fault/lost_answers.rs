//! Lost requests and lost answers, many seeds: NetBox and the NAS fail at random while a life of operations goes on. When the trouble is
//! over and every operation has ended, NetBox, the NAS and the row agree.

use super::support::bench::{Backend, Bench, USER};
use noctule_domain::lifecycle::{Ipv6State, OperationKind, OperationStatus};
use noctule_network::lifecycle::Started;
use noctule_sim::netbox::{Fault, On, Say};
use std::time::Duration;

/// A 4xx of NetBox is always true (it rolls back), so none comes after an effect; every other ending may.
const FAULTS: [Fault; 13] = [
    Fault::CloseBefore,
    Fault::CloseAfter,
    Fault::CutBody,
    Fault::HalfJson,
    Fault::EmptyBody,
    Fault::HtmlOk,
    Fault::Later(Duration::from_millis(30)),
    Fault::Say(Say::Forbidden403),
    Fault::Say(Say::TooMany429),
    Fault::Say(Say::Unavailable503),
    Fault::SayAfter(Say::Html500),
    Fault::SayAfter(Say::BadGateway502),
    Fault::SayAfter(Say::GatewayTimeout504),
];

/// What comes next in a life, given where it stands.
fn next(state: Ipv6State) -> OperationKind {
    match state {
        Ipv6State::Pending | Ipv6State::Failed => OperationKind::Allocate,
        Ipv6State::Allocated => OperationKind::Activate,
        Ipv6State::Active => OperationKind::Suspend,
        Ipv6State::Suspended | Ipv6State::Revoking | Ipv6State::Revoked => OperationKind::Revoke,
    }
}

async fn life(seed: u64) {
    let bench = Bench::new_on(Backend::Sqlite).await;
    bench.netbox.random_faults(On::Any, 0.4, seed, FAULTS.to_vec());
    let plan = bench.plan_for(OperationKind::Activate);
    let store = plan.open();
    let executor = plan.executor(&store);
    // Nine rounds of trouble, and time for a whole life after it.
    for round in 0..16 {
        if round == 9 {
            bench.netbox.clear_faults();
        }
        let subscriber = store.subscriber(plan.subscriber).await.expect("store").expect("there");
        if subscriber.ipv6.state == Ipv6State::Revoked {
            break;
        }
        let mut request = plan.request();
        request.kind = next(subscriber.ipv6.state);
        if let Ok(Started::Running(handle)) = executor.start(request).await {
            tokio::time::timeout(Duration::from_secs(60), handle.ended()).await.expect("every operation ends").expect("in the store");
        }
        let facts = bench.facts().await;
        let ids: Vec<i64> = facts.netbox.iter().map(|p| p.id).collect();
        assert!(ids.len() <= 1, "seed {seed}, round {round}: two prefixes for one subscriber: {:?}", facts.netbox);
        if facts.state.holds_prefix() {
            assert_eq!(ids, facts.netbox_id.into_iter().collect::<Vec<_>>(), "seed {seed}, round {round}");
        }
        if matches!(facts.state, Ipv6State::Suspended | Ipv6State::Revoked) {
            assert!(!bench.nas.routes(USER), "seed {seed}, round {round}: {} but it routes", facts.state);
        }
    }
    let facts = bench.facts().await;
    assert_eq!(facts.state, Ipv6State::Revoked, "seed {seed}: the trouble is over, so the life has come to its end");
    facts.check(&format!("seed {seed}"));
}

#[test]
fn lost_and_broken_answers_of_netbox_never_cost_or_double_a_prefix() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    runtime.block_on(async {
        for seed in 0..40 {
            life(seed).await;
        }
    });
}

/// A request that sat in a queue is stored after the operation has ended in a refusal: nobody holds that prefix, so it is found by its
/// operation id and deleted.
#[test]
fn a_prefix_that_lands_after_the_operation_ended_is_found_and_deleted() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    runtime.block_on(async {
        let bench = Bench::new_on(Backend::Sqlite).await;
        bench.netbox.script(On::Allocations, [Fault::Later(Duration::from_millis(800)), Fault::Say(Say::Forbidden403)]);
        let plan = bench.plan_for(OperationKind::Allocate);
        let store = plan.open();
        let Ok(Started::Running(handle)) = plan.executor(&store).start(plan.request()).await else { panic!("it begins") };
        let ended = handle.ended().await.expect("it ends");
        assert_eq!(ended.operation.status, OperationStatus::Refused);
        assert_eq!(ended.subscriber.ipv6.state, Ipv6State::Failed);
        assert!(bench.facts().await.netbox.is_empty(), "nothing is there yet");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while bench.facts().await.netbox.is_empty() {
            assert!(tokio::time::Instant::now() < deadline, "the late request never landed");
            tokio::task::yield_now().await;
        }
        drop(store);
        let mut later = plan.clone();
        later.now += chrono::Duration::minutes(3);
        let store = later.open();
        later.executor(&store).tidy_up().await.expect("housekeeping");
        bench.facts().await.check("after housekeeping");
        assert!(bench.facts().await.netbox.is_empty(), "the late prefix is gone");
        // And nothing stands in the way of the next try.
        later.carry_out(&later.executor(&store)).await;
        assert_eq!(bench.facts().await.state, Ipv6State::Allocated);
    });
}
