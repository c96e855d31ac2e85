//! What happens seldom: left-overs of failures, a NAS that nobody knows, a clock that was wrong, housekeeping beside an upstream that is
//! broken, a store that fails at the worst moment.

use super::hardship_parts::{Longer, Stopped, Watched};
use super::support::bench::{Backend, Bench};
use super::{ask, ask_with, given};
use noctule_domain::lifecycle::{Ipv6State, OperationKind as K, OperationOptions, OperationStatus, StepKind, StepStatus};
use noctule_domain::ports::{Authority, AuthorityError, Begun, StepEnd, StepStart};
use noctule_network::lifecycle::Started;
use noctule_sim::netbox::{Fault, On, Say, SeedPrefix};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

on_both!(what_an_overlap_left_in_netbox_is_given_back_by_the_next_allocate);
async fn what_an_overlap_left_in_netbox_is_given_back_by_the_next_allocate(on: Backend) {
    let bench = Bench::new_on(on).await;
    bench.neighbour("2001:db8:100::/48").await;
    let (_, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!(subscriber.ipv6.state, Ipv6State::Failed);
    // As the words say: one of the two is mended.
    let known = SeedPrefix { prefix: "2001:db8:100::/48".into(), status: "active".into(), ..SeedPrefix::default() };
    let known = bench.netbox.add_prefix(&known).expect("the neighbour's");
    let (operation, subscriber) = ask(&bench, K::Allocate).await.ended();
    assert_eq!((operation.status, operation.error), (OperationStatus::Succeeded, None));
    assert_eq!(subscriber.ipv6.state, Ipv6State::Allocated);
    let held: Vec<i64> = bench.facts().await.netbox.iter().map(|p| p.id).filter(|id| *id != known).collect();
    assert_eq!(held, subscriber.ipv6.netbox_prefix_id.into_iter().collect::<Vec<_>>(), "one, and the one that the row knows");
}

on_both!(a_prefix_that_netbox_was_to_keep_can_still_be_given_back);
async fn a_prefix_that_netbox_was_to_keep_can_still_be_given_back(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    let keep = OperationOptions { release_to_netbox: false, ..OperationOptions::default() };
    let (_, subscriber) = ask_with(&bench, K::Revoke, keep).await.ended();
    assert_eq!((subscriber.ipv6.state, subscriber.ipv6.hold_until), (Ipv6State::Revoked, None));
    assert_eq!(bench.facts().await.netbox[0].status, "active", "kept");
    let (_, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!(subscriber.ipv6.state, Ipv6State::Revoked);
    assert!(subscriber.ipv6.hold_until.is_some());
    assert_eq!(bench.facts().await.netbox[0].status, "deprecated", "it rests as every released prefix does");
    given(&bench, &[K::Allocate]).await;
    bench.facts().await.check("a new life");
}

on_both!(nobody_is_called_suspended_when_there_is_no_nas_to_ask);
async fn nobody_is_called_suspended_when_there_is_no_nas_to_ask(on: Backend) {
    let bench = Bench::with_on(on, noctule_domain::lifecycle::AssignmentMode::Pd, false).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.forget_nas().await;
    let (operation, subscriber) = ask(&bench, K::Suspend).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Failed, Ipv6State::Active));
}

on_both!(a_used_prefix_is_not_released_because_no_nas_is_registered);
async fn a_used_prefix_is_not_released_because_no_nas_is_registered(on: Backend) {
    let bench = Bench::with_on(on, noctule_domain::lifecycle::AssignmentMode::Pd, false).await;
    given(&bench, &[K::Allocate, K::Activate]).await;
    bench.forget_nas().await;
    let (operation, subscriber) = ask(&bench, K::Revoke).await.ended();
    assert_eq!((operation.status, subscriber.ipv6.state), (OperationStatus::Failed, Ipv6State::Revoking));
    assert!(operation.error.is_some_and(|e| e.as_str().contains("no NAS is registered")));
    assert_eq!(bench.facts().await.netbox[0].status, "active", "nobody confirmed that it has left the network");
    let forced = OperationOptions { send_disconnect: false, force: true, ..OperationOptions::default() };
    let (_, subscriber) = ask_with(&bench, K::Revoke, forced).await.ended();
    assert_eq!(subscriber.ipv6.state, Ipv6State::Revoked);
}

on_both!(an_end_that_the_store_did_not_take_down_is_not_forgotten);
async fn an_end_that_the_store_did_not_take_down_is_not_forgotten(on: Backend) {
    let bench = Bench::new_on(on).await;
    let plan = bench.plan_for(K::Allocate);
    let store = plan.open();
    let authority = Arc::new(Watched::new(&store));
    authority.lose_an_end.store(true, Ordering::SeqCst);
    let executor = plan.executor_with(&store, |parts| (authority.clone(), Arc::new(parts.1), Arc::new(parts.2)));
    let Ok(Started::Running(handle)) = executor.start(plan.request()).await else { panic!("it begins") };
    in_time("the answer of NetBox", authority.lost.notified()).await;
    assert_eq!(bench.facts().await.netbox.len(), 1, "NetBox has stored it");
    bench.netbox.go_down().await;
    authority.go_on.notify_one();
    let id = handle.id;
    let status = in_time("the next try", async {
        loop {
            let operation = store.operation(id).await.expect("store").expect("there").operation;
            if operation.status != OperationStatus::Running {
                return operation.status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(status, OperationStatus::Waiting, "an unreachable NetBox does not make the first try undone");
    bench.netbox.go_up().await;
    let ended = in_time("the end", handle.ended()).await.expect("it ends");
    assert_eq!(ended.operation.status, OperationStatus::Succeeded);
    let journal = store.operation(id).await.expect("store").expect("there").steps;
    assert!(journal.iter().all(|step| step.status != StepStatus::Started), "no try is left open: {journal:?}");
    bench.facts().await.check("after the disk had room again");
}

on_both!(starting_the_same_operation_twice_drives_it_once);
async fn starting_the_same_operation_twice_drives_it_once(on: Backend) {
    for _ in 0..5 {
        let bench = Bench::new_on(on).await;
        let plan = bench.plan_for(K::Allocate);
        let store = plan.open();
        let executor = plan.executor(&store);
        let request = plan.request();
        let (one, two) = tokio::join!(executor.start(request.clone()), executor.start(request.clone()));
        for started in [one, two] {
            let Ok(Started::Running(handle)) = started else { panic!("it runs") };
            let ended = in_time("the end", handle.ended()).await.expect("both hear of the end");
            assert_eq!(ended.operation.status, OperationStatus::Succeeded);
        }
        let journal = store.operation(request.id).await.expect("store").expect("there").steps;
        assert_eq!(journal.len(), 1, "{journal:?}");
        bench.facts().await.check("asked twice");
    }
}

on_both!(a_next_try_that_a_wrong_clock_put_far_away_is_made_soon);
async fn a_next_try_that_a_wrong_clock_put_far_away_is_made_soon(on: Backend) {
    let bench = Bench::new_on(on).await;
    let plan = bench.plan_for(K::Allocate);
    let store = plan.open();
    let Ok(Begun::Started(operation)) = store.begin(plan.request()).await else { panic!("it begins") };
    let (step, progress) = (StepKind::NetboxAllocate, operation.progress.clone());
    let (upstream, request) = ("NetBox".into(), "next free".into());
    let start = StepStart { operation: operation.id, step, attempt: 1, upstream, request, progress: progress.clone() };
    store.step_started(start).await.expect("journal");
    let wait = Some((plan.now + chrono::Duration::hours(5), "away".into()));
    let (status, answer) = (StepStatus::Unreachable, "away".into());
    store.step_ended(StepEnd { operation: operation.id, step, attempt: 1, status, answer, progress, wait }).await.expect("journal");
    drop(store);
    in_time("the next try", bench.recover()).await;
    bench.facts().await.check("after the clock was right again");
}

on_both!(housekeeping_is_not_held_up_by_a_netbox_that_fails);
async fn housekeeping_is_not_held_up_by_a_netbox_that_fails(on: Backend) {
    let bench = Bench::new_on(on).await;
    given(&bench, &[K::Allocate, K::Activate, K::Revoke]).await;
    let mut plan = bench.plan.clone();
    plan.now += chrono::Duration::hours(25);
    let store = plan.open();
    let executor = plan.executor(&store);
    bench.netbox.random_faults(On::Any, 1.0, 1, vec![Fault::Say(Say::Unavailable503)]);
    in_time("the round", executor.tidy_up()).await.expect("housekeeping");
    bench.netbox.clear_faults();
    in_time("the release", async {
        while !bench.facts().await.netbox.is_empty() || bench.facts().await.netbox_id.is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    bench.facts().await.check("the release went on by itself");
}

on_both!(an_operation_that_waits_in_line_keeps_its_lease);
async fn an_operation_that_waits_in_line_keeps_its_lease(on: Backend) {
    let bench = Bench::new_on(on).await;
    bench.neighbour("2001:db8:200::/56").await;
    given(&bench, &[K::Allocate]).await;
    bench.nas.behave(|b| b.down = true);
    let plan = bench.plan_for(K::Activate);
    let store = plan.open();
    let authority = Arc::new(Watched::new(&store));
    let executor = plan.executor_tuned(
        &store,
        |config| {
            config.parallel = 1;
            config.renew_every = Duration::from_millis(20);
        },
        |parts| (authority.clone(), Arc::new(parts.1), Arc::new(parts.2)),
    );
    let Ok(Started::Running(slow)) = executor.start(plan.request()).await else { panic!("it begins") };
    in_time("the first request", async {
        while bench.nas.counters().received == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let mut request = bench.plan_for(K::Revoke).request();
    request.subscriber = store.find("N-2").await.expect("the neighbour");
    let Ok(Started::Running(behind)) = executor.start(request).await else { panic!("it begins") };
    let id = behind.id;
    in_time("the silence", slow.ended()).await.expect("it ends");
    in_time("the one behind", behind.ended()).await.expect("it ends");
    assert!(authority.renewed.lock().expect("lock").contains(&id), "while it waited for its turn nobody kept its lease");
}

on_both!(a_prefix_that_is_not_as_asked_is_given_back);
async fn a_prefix_that_is_not_as_asked_is_given_back(on: Backend) {
    let bench = Bench::new_on(on).await;
    let plan = bench.plan_for(K::Allocate);
    let store = plan.open();
    let executor = plan.executor_with(&store, |parts| (Arc::new(parts.0), Arc::new(Longer(parts.1)), Arc::new(parts.2)));
    let Ok(Started::Running(handle)) = executor.start(plan.request()).await else { panic!("it begins") };
    let ended = in_time("the end", handle.ended()).await.expect("it ends");
    assert_eq!((ended.operation.status, ended.subscriber.ipv6.state), (OperationStatus::Refused, Ipv6State::Failed));
    assert_eq!(bench.facts().await.netbox.len(), 1, "NetBox has one that nobody asked for");
    drop(store);
    bench.housekeeping(chrono::Duration::days(2) + chrono::Duration::minutes(3)).await;
    bench.facts().await.check("nobody holds it, so it is deleted");
}

on_both!(a_late_prefix_is_looked_for_until_netbox_has_answered_after_the_hour);
async fn a_late_prefix_is_looked_for_until_netbox_has_answered_after_the_hour(on: Backend) {
    let bench = Bench::new_on(on).await;
    bench.netbox.script(On::Allocations, [Fault::Later(Duration::from_millis(500)), Fault::Say(Say::Forbidden403)]);
    let (operation, _) = ask(&bench, K::Allocate).await.ended();
    assert_eq!(operation.status, OperationStatus::Refused);
    in_time("the late one", async {
        while bench.facts().await.netbox.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let after = |minutes| chrono::Duration::days(2) + chrono::Duration::minutes(minutes);
    bench.netbox.go_down().await;
    bench.housekeeping(after(90)).await;
    bench.netbox.go_up().await;
    bench.housekeeping(after(95)).await;
    bench.facts().await.check("a look that failed was not the last one");
    assert!(bench.facts().await.netbox.is_empty());
}

on_both!(a_console_that_was_stopped_for_longer_than_its_lease_sends_nothing_more);
async fn a_console_that_was_stopped_for_longer_than_its_lease_sends_nothing_more(on: Backend) {
    for _ in 0..8 {
        let bench = Bench::new_on(on).await;
        given(&bench, &[K::Allocate]).await;
        let plan = bench.plan_for(K::Activate);
        let store = plan.open();
        let (go, go_on) = std::sync::mpsc::channel();
        let stopped = Arc::new(Stopped { about_to_send: Arc::default(), go_on: go_on.into(), sent: Arc::default() });
        let executor = plan.executor_tuned(
            &store,
            |config| config.renew_every = Duration::from_millis(20),
            |parts| (Arc::new(parts.0), Arc::new(parts.1), stopped.clone()),
        );
        // A runtime of its own, as it would be a process of its own: what is stopped stops nobody else.
        let console = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let request = plan.request();
        let started = console.spawn(async move { executor.start(request).await }).await.expect("no panic");
        let Ok(Started::Running(handle)) = started else { panic!("it begins") };
        in_time("the stop", stopped.about_to_send.notified()).await;
        // The clock of the other console goes on meanwhile, and it takes over.
        let mut later = plan.clone();
        later.now += chrono::Duration::minutes(1);
        let other = later.open();
        let seen = other.operation(handle.id).await.expect("store").expect("durable before anything leaves");
        assert_eq!(seen.steps.last().map(|s| (s.step, s.status)), Some((StepKind::NasCoa, StepStatus::Started)));
        assert_eq!(other.take_over().await.expect("take over"), [handle.id]);
        // A time to be stopped for, not one to wait for something: longer than the pause between two renewals.
        tokio::time::sleep(Duration::from_millis(60)).await;
        go.send(()).expect("it is stopped");
        let lost = in_time("the notice", handle.ended()).await.expect_err("another console has it");
        assert!(matches!(lost, AuthorityError::LeaseLost { .. }), "{lost}");
        assert!(!stopped.sent.load(Ordering::SeqCst), "it sent a request of an operation that is another console's by now");
        console.shutdown_background();
    }
}

on_both!(a_container_of_netbox_is_never_put_to_rest_for_a_subscriber);
async fn a_container_of_netbox_is_never_put_to_rest_for_a_subscriber(on: Backend) {
    let bench = Bench::new_on(on).await;
    bench.neighbour("2001:db8:200::/48").await;
    bench.netbox.add_prefix(&SeedPrefix::container("2001:db8:200::/48")).expect("a container of the same value");
    let plan = bench.plan_for(K::Revoke);
    let store = plan.open();
    let mut request = plan.request();
    request.subscriber = store.find("N-2").await.expect("the neighbour");
    let Ok(Started::Running(handle)) = plan.executor(&store).start(request).await else { panic!("it begins") };
    let ended = in_time("the end", handle.ended()).await.expect("it ends");
    assert_eq!((ended.operation.status, ended.subscriber.ipv6.state), (OperationStatus::Refused, Ipv6State::Revoking));
    assert_eq!(bench.facts().await.netbox[0].status, "container", "others live in it");
}
