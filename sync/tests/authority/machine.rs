//! Whatever the domain's machine comes to, over random answers of the upstreams, the centre takes it, and stores what the domain says: the
//! checks that keep a hand-made client out are never in the way of an honest one.

use super::dice::Dice;
use super::place::{Place, begun, request};
use chrono::Duration;
use noctule_domain::lifecycle::*;
use noctule_domain::ports::{Authority, AuthorityError, Begun, StepEnd, StepStart};
use noctule_domain::subscriber::Ipv6Record;
use noctule_domain::{SafeText, SubscriberId};
use noctule_sync::authority::CentralAuthority;
use std::sync::atomic::{AtomicI64, Ordering};

/// What an upstream may answer to a step.
fn answer(dice: &mut Dice, operation: &Operation, step: StepKind) -> StepAnswer {
    static NEXT: AtomicI64 = AtomicI64::new(1_000_000);
    let why = || SafeText::from("as the dice fell");
    if step.is_nas() {
        return match dice.below(6) {
            0 | 1 => StepAnswer::Acknowledged,
            2 => StepAnswer::NoSession,
            3 => StepAnswer::Refused(why()),
            4 => StepAnswer::Unanswered(why()),
            // Accounting is looked at where AAA is ours.
            5 if operation.plan.contains(&StepKind::AaaWrite) && dice.coin() => StepAnswer::Observed,
            _ => StepAnswer::NotSent(why()),
        };
    }
    match dice.below(8) {
        0 => StepAnswer::Refused(why()),
        1 => StepAnswer::Unreachable(why()),
        2 => StepAnswer::Unclear(why()),
        _ if step == StepKind::NetboxAllocate => {
            let id = NEXT.fetch_add(1, Ordering::Relaxed);
            let prefix = format!("2001:db8:{:x}:{:x}00::/56", id >> 8 & 0xffff, id & 0xff).parse().expect("a prefix");
            StepAnswer::Allocated { prefix, netbox_prefix_id: id, vrf: dice.maybe(|dice| dice.below(3).cast_signed() + 1) }
        }
        _ => StepAnswer::Done,
    }
}

fn status_of(answer: &StepAnswer) -> StepStatus {
    match answer {
        StepAnswer::Allocated { .. } | StepAnswer::Done | StepAnswer::Acknowledged | StepAnswer::Observed | StepAnswer::NoSession => {
            StepStatus::Done
        }
        StepAnswer::Refused(_) => StepStatus::Refused,
        StepAnswer::Unreachable(_) => StepStatus::Unreachable,
        StepAnswer::Unclear(_) => StepStatus::Unclear,
        StepAnswer::Unanswered(_) => StepStatus::Unanswered,
        StepAnswer::NotSent(_) => StepStatus::Skipped,
    }
}

/// Drives an operation as the executor does: journal, answer, journal, decide. Sometimes the end of a try is not written down, as when a
/// console dies; sometimes a NAS is asked once more in another way.
async fn drive(
    console: &CentralAuthority,
    dice: &mut Dice,
    operation: &Operation,
) -> (Ended, Progress, Ipv6Record, noctule_domain::ports::Finished) {
    let mut under_way = false;
    loop {
        let context = console.context(operation.id).await.expect("a context");
        let mut progress = context.operation.progress.clone();
        let record = context.subscriber.ipv6.clone();
        let next = match first(operation.kind, &operation.plan, &progress) {
            Next::Run(step) => {
                progress.attempts += 1;
                progress.unclear |= under_way;
                if step.is_nas() && progress.before.is_none() {
                    progress.before = Some((record.enforcement, record.enforcement_note.clone()));
                }
                let attempt = progress.attempts;
                let start = StepStart {
                    operation: operation.id,
                    step,
                    attempt,
                    upstream: "up".into(),
                    request: "please".into(),
                    progress: progress.clone(),
                };
                console.step_started(start).await.expect("a step starts");
                under_way = dice.one_in(10);
                if under_way {
                    continue;
                }
                let mut end = StepEnd {
                    operation: operation.id,
                    step,
                    attempt,
                    status: StepStatus::Refused,
                    answer: "so".into(),
                    progress: progress.clone(),
                    wait: None,
                };
                if step.is_nas() && dice.one_in(6) {
                    console.step_ended(end).await.expect("asked once more in another way");
                    continue;
                }
                let answer = answer(dice, operation, step);
                end.status = status_of(&answer);
                let next = advance(operation.kind, &operation.plan, &mut progress, operation.options.force, answer);
                if let Next::Wait(why) = &next {
                    end.wait = Some((chrono::Utc::now() + Duration::milliseconds(5), why.clone()));
                }
                end.progress = progress.clone();
                console.step_ended(end.clone()).await.unwrap_or_else(|e| panic!("{} {end:?}: {e}", operation.kind));
                let stored = console.context(operation.id).await.expect("a context").operation;
                assert_eq!(stored.progress, progress, "what was journalled is what the machine has");
                assert_eq!(stored.status == OperationStatus::Waiting, matches!(next, Next::Wait(_)));
                next
            }
            next => next,
        };
        if let Next::End(ended) = next {
            let record = console.context(operation.id).await.expect("a context").subscriber.ipv6;
            let finished = console
                .finish(operation.id, progress.clone(), (*ended).clone())
                .await
                .unwrap_or_else(|e| panic!("{} {:?} {progress:?} {ended:?}: {e}", operation.kind, operation.plan));
            return (*ended, progress, record, finished);
        }
    }
}

async fn life(place: &Place, console: &CentralAuthority, subscriber: SubscriberId, seed: u64) -> u32 {
    let mut dice = Dice::new(seed);
    let mut ended_well = 0;
    for round in 0..11 {
        // The way back to pending is open to few: everybody tries it once.
        let back = round == 0;
        let mut wanted = request(subscriber, if back { OperationKind::Reconcile } else { dice.of(OperationKind::ALL) });
        wanted.options.force = dice.one_in(3);
        wanted.options.send_disconnect = !dice.one_in(4);
        wanted.options.release_to_netbox = !dice.one_in(4);
        wanted.options.send_coa = !dice.one_in(4);
        if wanted.kind == OperationKind::Reconcile {
            wanted.options.reconcile = if back { Some(ReconcileWhat::Pending) } else { dice.maybe(|dice| dice.of(ReconcileWhat::ALL)) };
        }
        let operation = match console.begin(wanted).await {
            Ok(Begun::Started(operation)) => operation,
            Ok(Begun::AlreadyThere(_)) | Err(AuthorityError::Refused(_)) => continue,
            Err(error) => panic!("seed {seed}: {error}"),
        };
        let (ended, progress, before, finished) = drive(console, &mut dice, &operation).await;
        let mut expected = before;
        let now = finished.operation.ended_at.expect("an end");
        record_end(&mut expected, operation.kind, &ended, &progress, now, Duration::hours(24));
        assert_eq!(finished.subscriber.ipv6, expected, "seed {seed}: {} {ended:?}", operation.kind);
        assert_eq!((finished.operation.status, &finished.operation.error), (ended.status, &ended.error), "seed {seed}");
        ended_well += u32::from(ended.status == OperationStatus::Succeeded);
        if dice.coin() {
            place.sql(&format!("UPDATE noctule.subscribers SET hold_until = now() - interval '1 second' WHERE id = '{subscriber}' AND hold_until IS NOT NULL"));
        }
    }
    ended_well
}

#[tokio::test]
async fn an_honest_console_is_never_refused_and_the_record_is_the_domains() {
    let place = Place::new().await;
    let console = place.noc();
    let mut ended_well = 0;
    for seed in 0..60 {
        let mut dice = Dice::new(seed ^ 0xabcd);
        let nas = place.nas();
        let mut columns = vec![("mode", dice.of(&["'pd'", "'dual_stack'"]))];
        let nas_of = format!("'{nas}'");
        if !dice.one_in(5) {
            columns.push(("nas", &nas_of));
        }
        // Imported: in service, and NetBox's object not known yet.
        let prefix = format!("'2001:db9:{seed:x}::/56'");
        if dice.one_in(3) {
            columns.extend([("state", "'active'"), ("prefix", prefix.as_str())]);
        } else if dice.one_in(4) {
            // Of long ago.
            columns.push(("state", "'revoked'"));
        }
        let subscriber = place.subscriber(&columns);
        if dice.coin() {
            place.session(subscriber, nas);
        }
        place.aaa(!dice.one_in(3));
        ended_well += life(&place, &console, subscriber, seed).await;
    }
    assert!(ended_well > 50, "only {ended_well} operations came to a good end: the dice are loaded");
    let reconciled = place.sql(
        "SELECT string_agg(DISTINCT options->>'reconcile', ' ') FROM noctule.operations WHERE kind = 'reconcile' AND status = 'succeeded'",
    );
    assert_eq!(reconciled, "aaa nas netbox pending", "each of them came to a good end");
    let restored = place.sql("SELECT count(*) FROM noctule.operations WHERE (progress->'restore'->>'done')::boolean");
    assert!(restored.parse::<u32>().is_ok_and(|n| n > 4), "only {restored} operations put AAA back");
    assert!(matches!(
        noctule_sync::authority::audit_verify(console.centre()).await.expect("audit"),
        noctule_domain::audit::AuditVerdict::Intact { .. }
    ));
}

#[tokio::test]
async fn a_netbox_that_hands_out_what_somebody_holds_is_told_apart_from_a_success() {
    let place = Place::new().await;
    let console = place.noc();
    let theirs =
        place.subscriber(&[("state", "'allocated'"), ("prefix", "'2001:db8:7::/48'"), ("full_name", "'Bertil'"), ("number", "'N-9'")]);
    let subscriber = place.subscriber(&[]);
    let operation = begun(&console, request(subscriber, OperationKind::Allocate)).await;
    let (progress, ended) = allocated(&console, &operation, "2001:db8:7:100::/56", 77).await;
    let finished = console.finish(operation.id, progress.clone(), ended).await.expect("it ends");
    let expected = overlap(&progress, "2001:db8:7::/48".parse().expect("a prefix"), &"Bertil (N-9)".into());
    assert_eq!(finished.operation.status, OperationStatus::Failed);
    assert_eq!(finished.operation.error, expected.error);
    let record = finished.subscriber.ipv6;
    assert_eq!((record.state, record.netbox_prefix_id, record.enforcement), (Ipv6State::Failed, Some(77), Enforcement::None));
    // The NetBox object itself is somebody else's here: then it is not kept either.
    place.sql(&format!("UPDATE noctule.subscribers SET netbox_prefix_id = 78 WHERE id = '{theirs}'"));
    let subscriber = place.subscriber(&[]);
    let operation = begun(&console, request(subscriber, OperationKind::Allocate)).await;
    let (progress, ended) = allocated(&console, &operation, "2001:db8:8:100::/56", 78).await;
    let record = console.finish(operation.id, progress, ended).await.expect("it ends").subscriber.ipv6;
    assert_eq!((record.state, record.netbox_prefix_id), (Ipv6State::Failed, None));
}

/// Journals an allocation as done.
pub async fn allocated(console: &CentralAuthority, operation: &Operation, prefix: &str, id: i64) -> (Progress, Ended) {
    let mut progress = Progress { attempts: 1, ..operation.progress.clone() };
    let step = StepKind::NetboxAllocate;
    let start = StepStart {
        operation: operation.id,
        step,
        attempt: 1,
        upstream: "NetBox".into(),
        request: "next free".into(),
        progress: progress.clone(),
    };
    console.step_started(start).await.expect("a step starts");
    let answer = StepAnswer::Allocated { prefix: prefix.parse().expect("a prefix"), netbox_prefix_id: id, vrf: None };
    let Next::End(ended) = advance(operation.kind, &operation.plan, &mut progress, false, answer) else { panic!("one step") };
    let end = StepEnd {
        operation: operation.id,
        step,
        attempt: 1,
        status: StepStatus::Done,
        answer: "201".into(),
        progress: progress.clone(),
        wait: None,
    };
    console.step_ended(end).await.expect("a step ends");
    (progress, *ended)
}
