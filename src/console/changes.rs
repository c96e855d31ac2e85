//! What the operator changes from the screen, carried out: operations begun or queued, notes, time, decisions. Each ends in one sentence.

use crate::compose::{self, Pace, Repaired, Services, Set};
use noctule_domain::drift::Dismissal;
use noctule_domain::job::{Course, Terms, Wish};
use noctule_domain::lifecycle::{Enforcement, OperationKind, OperationOptions};
use noctule_domain::ports::{AuthorityError, BeginOperation};
use noctule_domain::sync::{LifecycleRequest, Replica, Resolution};
use noctule_domain::time_entry::TimeEntryKind;
use noctule_domain::{OpId, OperationId, Retry, SafeText, SubscriberId, TaskId, TechnicianId};
use noctule_network::lifecycle::Started;
use noctule_storage::StoreError;
use noctule_ui::app::lifecycle::FEW;
use noctule_ui::effect::OperationTarget;
use noctule_ui::{Msg, Notice, RequestId};
use std::sync::Arc;

/// Begins one operation per target, in order. With the centre away each is kept in the outbox instead. The ends come by themselves.
pub async fn start(
    services: &Services,
    id: RequestId,
    kind: OperationKind,
    targets: Vec<OperationTarget>,
    options: OperationOptions,
) -> Msg {
    // One way for everything that is many: durable, with canaries and a threshold. With the centre away each is a request of its own.
    if targets.len() > FEW && !services.central.as_ref().is_some_and(|central| central.is_away()) {
        return job(services, id, kind, &targets, options).await;
    }
    let (mut started, mut queued) = (0u32, 0u32);
    let mut refused = Vec::new();
    for target in targets {
        match begin(services, kind, target, options.clone()).await {
            Ok(Begun::Started) => started += 1,
            Ok(Begun::Queued) => queued += 1,
            Err(why) => refused.push((services.name_of(target.subscriber).await, why)),
        }
    }
    Msg::OperationsStarted { id, started, queued, refused }
}

/// Begins a job over the targets. Those whose version is another by now are refused, as the others would be.
async fn job(services: &Services, id: RequestId, kind: OperationKind, targets: &[OperationTarget], options: OperationOptions) -> Msg {
    let refused = |why: String| Msg::OperationsStarted { id, started: 0, queued: 0, refused: vec![("Job".into(), SafeText::new(&why))] };
    let course = Course::Single { kind, options };
    let set = Set::These(targets.iter().map(|target| target.subscriber).collect());
    match services.preview(course, Terms::default(), set).await {
        Ok(preview) if preview.job.tally.waiting == 0 => refused("nobody of them can go any more".to_owned()),
        Ok(preview) => match services.job_wish(preview.job.head.id, Wish::Go).await {
            Ok(_) => Msg::OperationsStarted { id, started: 0, queued: 0, refused: Vec::new() },
            Err(error) => refused(error.to_string()),
        },
        Err(why) => refused(why),
    }
}

enum Begun {
    Started,
    Queued,
}

async fn begin(services: &Services, kind: OperationKind, target: OperationTarget, options: OperationOptions) -> Result<Begun, SafeText> {
    let request = BeginOperation {
        id: OperationId::from_uuid(uuid::Uuid::now_v7()),
        subscriber: target.subscriber,
        kind,
        actor: services.actor(),
        options,
        expected_version: target.expected_version,
    };
    if services.central.as_ref().is_some_and(|central| central.is_away()) {
        return queue(services, request).await.map(|()| Begun::Queued);
    }
    match services.start(request.clone()).await {
        Ok(Started::Running(_)) => Ok(Begun::Started),
        Ok(Started::AlreadyThere(subscriber)) => Err(SafeText::new(&format!("is {} already", subscriber.ipv6.state))),
        // Away after all. It may have begun all the same: the same id makes it the same operation, whenever it is asked again.
        Err(AuthorityError::Store { retry: Retry::Later, .. }) if services.central.is_some() && !services.read_only() => {
            queue(services, request).await.map(|()| Begun::Queued)
        }
        Err(error) => Err(SafeText::new(&error.to_string())),
    }
}

/// Keeps a request in the outbox, with the version that the operator saw.
async fn queue(services: &Services, request: BeginOperation) -> Result<(), SafeText> {
    if let Some(why) = &services.read_only {
        return Err(why.clone());
    }
    let words = |error: noctule_storage::StoreError| SafeText::new(&error.to_string());
    let seen_version = match request.expected_version {
        Some(version) => version,
        None => services.store.subscriber(request.subscriber).await.map_err(words)?.map_or(0, |subscriber| subscriber.version),
    };
    let wanted = LifecycleRequest { subscriber: request.subscriber, kind: request.kind, options: request.options, seen_version };
    services.store.queue_lifecycle(request.id, wanted, request.actor).await.map_err(words)
}

/// With a centre a change is done here and on its way there; without one it is done. What changes nothing does not wait either.
async fn told(services: &Services, change: impl Future<Output = Result<String, StoreError>>) -> Notice {
    let before = unsent(services).await;
    match change.await {
        Ok(words) => {
            let away = services.central.as_ref().is_some_and(|central| !central.is_live());
            let waits = away && unsent(services).await > before;
            Notice::info(if waits { format!("{words} It waits in the outbox until the centre is back.") } else { words })
        }
        Err(error) => failed(error),
    }
}

async fn unsent(services: &Services) -> u64 {
    if services.central.is_none() {
        return 0;
    }
    services.store.outbox().await.map_or(0, |outbox| outbox.unsent)
}

fn failed(error: impl std::fmt::Display) -> Notice {
    Notice::warning(error.to_string())
}

pub async fn task_notes(services: &Services, task: TaskId, version: i64, notes: Option<SafeText>) -> Notice {
    told(services, async {
        let task = services.store.task_set_notes(task, Some(version), notes, services.actor()).await?;
        Ok(format!("The notes of {} are kept.", task.number))
    })
    .await
}

pub async fn subscriber_notes(services: &Services, subscriber: SubscriberId, version: i64, notes: Option<SafeText>) -> Notice {
    told(services, async {
        let subscriber = services.store.subscriber_set_notes(subscriber, Some(version), notes, services.actor()).await?;
        Ok(format!("The notes of {} are kept.", subscriber.subscriber_number))
    })
    .await
}

pub async fn clock(services: &Services, technician: TechnicianId, to: Option<TimeEntryKind>) -> Notice {
    told(services, async {
        match to {
            Some(kind) => services.store.clock_in(technician, kind, None, services.actor()).await.map(|_| format!("Clocked in: {kind}.")),
            None => services.store.clock_out(technician, services.actor()).await.map(|_| "Clocked out.".to_owned()),
        }
    })
    .await
}

pub async fn emergency(services: &Services, subscriber: SubscriberId, purpose: OperationKind) -> Notice {
    match compose::emergency(services, subscriber, purpose).await {
        Ok(sent) if sent.enforcement == Enforcement::Acknowledged => Notice::info(format!(
            "{}: {}. It is in the outbox and told to the centre on its return; the state has not moved.",
            sent.subscriber, sent.answer
        )),
        Ok(sent) => Notice::warning(format!("{}: {}", sent.subscriber, sent.answer)),
        Err(why) => Notice::warning(why),
    }
}

pub async fn resolve(services: &Services, op: OpId, resolution: Resolution) -> Notice {
    match services.store.conflict_resolve(op, resolution, services.actor()).await {
        Ok(()) => Notice::info(match resolution {
            Resolution::Mine => "Yours is asked for again, over theirs.",
            Resolution::Theirs => "Theirs stays.",
            Resolution::Both => "Both texts are kept: theirs, then yours.",
        }),
        Err(error) => failed(error),
    }
}

/// A check now, to its end.
pub async fn drift_check(services: &Services) -> Notice {
    match services.drift.check(services, Vec::new(), Pace::Quick).await {
        Err(failure) => Notice::warning(failure.sentence),
        Ok(report) => {
            let cut = report.sources.iter().find(|source| !source.whole);
            let found = match report.findings.len() {
                0 => "no drift was found".to_owned(),
                1 => "1 finding stands".to_owned(),
                n => format!("{n} findings stand"),
            };
            match cut {
                None => Notice::info(format!("The check has ended: {found}.")),
                Some(source) => {
                    let why = source.trouble.as_ref().map(|t| format!(": {t}")).unwrap_or_default();
                    Notice::warning(format!("The check could not read {} to its end{why}. So far {found}.", source.source))
                }
            }
        }
    }
}

/// Repairs that begin operations: their ends come by themselves.
pub async fn drift_repair(services: &Arc<Services>, keys: Vec<String>) -> Notice {
    let (mut begun, mut gone, mut refused) = (0u32, 0u32, Vec::new());
    for key in keys {
        match compose::repair_drift(services, &key, None).await {
            Ok(Repaired::Begun(_)) | Ok(Repaired::Done(_)) => begun += 1,
            Ok(Repaired::Gone) => gone += 1,
            Err(failure) => refused.push(failure.sentence),
        }
    }
    let gone = if gone > 0 { format!(" {gone} differ no more.") } else { String::new() };
    match refused.as_slice() {
        [] if begun == 1 && gone.is_empty() => Notice::info("The repair has begun."),
        [] => Notice::info(format!("{begun} repairs have begun.{gone}")),
        [why] if begun == 0 => Notice::warning(format!("Not repaired: {why}")),
        [why, ..] => Notice::warning(format!("{begun} repairs have begun, {} were refused; the first: {why}.{gone}", refused.len())),
    }
}

/// Dismisses, or takes a dismissal back.
pub async fn drift_dismiss(services: &Services, key: String, why: Option<SafeText>) -> Notice {
    let back = why.is_none();
    let dismissal = why.map(|why| Dismissal { at: chrono::Utc::now(), by: services.actor().name, why });
    let file = match services.drift.file() {
        Ok(file) => file,
        Err(failure) => return Notice::warning(failure.sentence),
    };
    match file.dismiss(key, dismissal).await {
        Ok(true) if back => Notice::info("It stands again."),
        Ok(true) => Notice::info("Dismissed: it comes back when it says something else."),
        Ok(false) => Notice::warning("This finding is not there any more."),
        Err(error) => Notice::warning(error.to_string()),
    }
}
