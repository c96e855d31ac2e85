//! Leases by the server's clock: who drives an operation when its console is gone, and who does not.

use super::place::{Place, begun, request};
use chrono::{Duration, Utc};
use noctule_domain::lifecycle::*;
use noctule_domain::permission::Role;
use noctule_domain::ports::{Authority, AuthorityError, Clock, StepEnd, StepStart};
use noctule_domain::{OperationId, Timestamp};
use noctule_sync::authority::CentralAuthority;
use std::sync::Arc;

async fn start(console: &CentralAuthority, operation: OperationId, attempt: u32) -> Result<(), AuthorityError> {
    let progress = Progress { attempts: attempt, ..Progress::default() };
    let step = StepKind::NetboxAllocate;
    console.step_started(StepStart { operation, step, attempt, upstream: "NetBox".into(), request: "next free".into(), progress }).await
}

#[tokio::test]
async fn a_lease_that_is_over_is_taken_over_once_and_what_had_left_is_unclear() {
    let place = Place::new().await;
    let first = place.noc();
    let subscriber = place.subscriber(&[]);
    let operation = begun(&first, request(subscriber, OperationKind::Allocate)).await;
    start(&first, operation.id, 1).await.expect("a step starts");
    let rivals = [place.noc(), place.noc(), place.noc()];
    for rival in &rivals {
        assert_eq!(rival.take_over().await.expect("nothing"), [], "the lease holds");
    }
    place.sql("UPDATE noctule.operations SET lease_until = now() - interval '1 second'");
    let taken = futures::future::join_all(rivals.iter().map(Authority::take_over)).await;
    let taken: Vec<usize> = taken.into_iter().map(|ids| ids.expect("an answer").len()).collect();
    assert_eq!(taken.iter().sum::<usize>(), 1, "{taken:?}");
    let heir = &rivals[taken.iter().position(|n| *n == 1).expect("one")];
    let context = heir.context(operation.id).await.expect("a context");
    assert!(context.operation.progress.unclear, "what had left may have happened");
    assert_eq!(context.operation.progress.attempts, 1);
    start(heir, operation.id, 2).await.expect("the heir goes on");
    assert!(matches!(start(&first, operation.id, 2).await, Err(AuthorityError::LeaseLost { .. })));
    assert_eq!(place.sql("SELECT string_agg(status, ',' ORDER BY seq) FROM noctule.operation_steps"), "unclear,started");
}

#[tokio::test]
async fn only_who_might_have_begun_it_takes_it_over() {
    let place = Place::new().await;
    let operation = begun(&place.noc(), request(place.subscriber(&[]), OperationKind::Allocate)).await;
    place.sql("UPDATE noctule.operations SET lease_until = now() - interval '1 second'");
    for role in [Role::Viewer, Role::Dispatcher, Role::Technician] {
        assert_eq!(place.console(&place.login(role)).take_over().await.expect("nothing"), [], "{role}");
    }
    assert_eq!(place.console(&place.login(Role::Admin)).take_over().await.expect("taken"), [operation.id]);
}

#[tokio::test]
async fn the_own_operation_comes_back_when_nobody_renews_it_and_its_steps_stay_open() {
    let place = Place::new().await;
    let console = place.noc();
    let operation = begun(&console, request(place.subscriber(&[]), OperationKind::Allocate)).await;
    start(&console, operation.id, 1).await.expect("a step starts");
    assert_eq!(console.take_over().await.expect("nothing"), [], "it is being driven");
    // As when the answer of an earlier take-over was lost.
    place.sql("UPDATE noctule.operations SET lease_until = now() - interval '1 second'");
    assert_eq!(console.take_over().await.expect("its own"), [operation.id]);
    assert_eq!(place.sql("SELECT status FROM noctule.operation_steps"), "started");
    console.renew(operation.id).await.expect("it is ours");
}

struct Off(Duration);

impl Clock for Off {
    fn now(&self) -> Timestamp {
        Utc::now() + self.0
    }
}

/// A console whose clock is a day ahead or behind waits as long as everybody.
#[tokio::test]
async fn a_clock_that_is_off_changes_no_wait_and_no_lease() {
    let place = Place::new().await;
    for hours in [-26, 0, 26] {
        let clock = Arc::new(Off(Duration::hours(hours)));
        let console = place.noc().with_clock(clock.clone());
        let operation = begun(&console, request(place.subscriber(&[]), OperationKind::Allocate)).await;
        start(&console, operation.id, 1).await.expect("a step starts");
        let end = StepEnd {
            operation: operation.id,
            step: StepKind::NetboxAllocate,
            attempt: 1,
            status: StepStatus::Unclear,
            answer: "timed out".into(),
            progress: Progress { attempts: 1, unclear: true, ..Progress::default() },
            wait: Some((clock.now() + Duration::seconds(20), "NetBox is slow".into())),
        };
        console.step_ended(end).await.expect("a step ends");
        let context = console.context(operation.id).await.expect("a context");
        assert_eq!(context.operation.status, OperationStatus::Waiting);
        let wait = context.operation.retry_at.expect("a time") - clock.now();
        assert!((15..=20).contains(&wait.num_seconds()), "{hours} h off: waits {wait}");
        let stored = place.sql(&format!(
            "SELECT retry_at BETWEEN now() + interval '15 seconds' AND now() + interval '20 seconds'
                AND lease_until BETWEEN now() + interval '20 seconds' AND now() + interval '30 seconds'
                AND requested_at BETWEEN now() - interval '20 seconds' AND now()
             FROM noctule.operations WHERE id = '{}'",
            operation.id
        ));
        assert_eq!(stored, "t", "{hours} h off");
    }
}
