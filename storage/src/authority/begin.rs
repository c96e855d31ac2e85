//! The beginning of an operation: guard, intent, lease, audit, the first try where it is known; and the context that is read anew before each step.

use super::{Fail, not_found, operation_of, steps, subscriber_of};
use crate::audit::{self, Line};
use crate::store::Shared;
use crate::subscribers::row::write_ipv6;
use crate::{codec, nas, operations};
use noctule_domain::lifecycle::{
    Facts, Guard, Methods, Operation, OperationOptions, OperationStatus, PlanInput, Progress, StepKind, guard, plan, record_begin,
    record_nas_asked,
};
use noctule_domain::nas::Nas;
use noctule_domain::ports::{AuthorityError, BeginOperation, Begun, Context, Opened, StepStart};
use noctule_domain::subscriber::{Ipv6Record, Subscriber};
use noctule_domain::{OperationId, Retry, SafeText};
use rusqlite::{Connection, Transaction};
use serde::Serialize;

/// A request that was let through, with nothing written yet. The subscriber is as the beginning leaves it.
struct Fresh {
    context: Context,
    before: Ipv6Record,
}

pub(super) fn begin(tx: &Transaction<'_>, shared: &Shared, request: BeginOperation) -> Result<Begun, Fail> {
    let fresh = match ask(tx, shared, request)? {
        Ok(fresh) => fresh,
        Err(begun) => return Ok(begun),
    };
    write(tx, shared, &fresh, None)?;
    Ok(Begun::Started(Box::new(fresh.context.operation)))
}

pub(super) fn begin_and_start(
    tx: &Transaction<'_>,
    shared: &Shared,
    request: BeginOperation,
    first: &dyn Fn(&Context) -> Option<StepStart>,
) -> Result<Opened, Fail> {
    let fresh = match ask(tx, shared, request)? {
        Ok(fresh) => fresh,
        Err(begun) => return Ok(Opened::Begun(begun)),
    };
    let start = first(&fresh.context);
    write(tx, shared, &fresh, start.as_ref())?;
    Ok(match start {
        Some(start) => Opened::Started(Box::new((fresh.context, start))),
        None => Opened::Begun(Begun::Started(Box::new(fresh.context.operation))),
    })
}

/// Asks the rules. What is there already, or need not be done, comes back as the answer that it is.
fn ask(tx: &Transaction<'_>, shared: &Shared, request: BeginOperation) -> Result<Result<Fresh, Begun>, Fail> {
    if let Some(operation) = operations::load(tx, shared, request.id)? {
        if (operation.subscriber, operation.kind) != (request.subscriber, request.kind) {
            let message = SafeText::new(&format!("the operation id {} was used for another request: nothing was begun", request.id));
            return Err(AuthorityError::Store { message, retry: Retry::Never }.into());
        }
        // The same value twice is the same operation.
        return Ok(Err(Begun::Started(Box::new(operation))));
    }
    let now = shared.now();
    let mut subscriber = subscriber_of(tx, shared, request.subscriber)?;
    // The row says already whether there is one.
    let running = if subscriber.running.is_some() { operations::open_of(tx, shared, request.subscriber)? } else { None };
    let facts = Facts::of(&subscriber, running);
    match guard(request.kind, &facts, &request.options, request.actor.role, request.expected_version, now) {
        Guard::Go => {}
        Guard::AlreadyThere => return Ok(Err(Begun::AlreadyThere(Box::new(subscriber)))),
        Guard::Refused(refusal) => return Err(AuthorityError::Refused(refusal).into()),
    }
    let nas = nas_of(tx, shared, &subscriber)?;
    let before = subscriber.ipv6.clone();
    let input = PlanInput {
        state: before.state,
        enforcement: before.enforcement,
        has_prefix: facts.has_prefix,
        has_netbox_id: facts.has_netbox_id,
        has_session: subscriber.session.is_some(),
        has_aaa: shared.has_aaa,
        methods: nas.as_ref().map(|nas| methods_of(shared, nas)).transpose()?,
    };
    let operation = Operation {
        id: request.id,
        tenant: shared.tenant,
        subscriber: subscriber.id,
        kind: request.kind,
        plan: plan(request.kind, &input, &request.options),
        actor: request.actor,
        options: request.options,
        expected_version: request.expected_version,
        requested_at: now,
        status: OperationStatus::Running,
        progress: Progress::default(),
        retry_at: None,
        ended_at: None,
        error: None,
        lease_owner: Some(shared.console),
        lease_until: Some(now + shared.lease),
    };
    record_begin(&mut subscriber.ipv6, operation.kind, now);
    subscriber.running = Some(operation.id);
    if subscriber.ipv6 != before {
        (subscriber.version, subscriber.updated_at) = (subscriber.version + 1, now);
    }
    Ok(Ok(Fresh { context: Context { operation, subscriber, nas }, before }))
}

/// What the audit keeps of a beginning beside the record.
#[derive(Serialize)]
struct Asked<'a> {
    options: &'a OperationOptions,
    plan: &'a [StepKind],
    nas: Option<&'a SafeText>,
}

/// Writes the intent, with its first try where that is known.
fn write(tx: &Transaction<'_>, shared: &Shared, fresh: &Fresh, start: Option<&StepStart>) -> Result<(), Fail> {
    let Fresh { context: Context { operation, subscriber, nas }, before } = fresh;
    let now = operation.requested_at;
    let progress = start.map_or(&operation.progress, |start| &start.progress);
    operations::insert(tx, shared.tenant_key, operation, progress, &codec::json(before)?)?;
    let mut record = subscriber.ipv6.clone();
    if let Some(start) = start {
        steps::open(tx, shared, start, now)?;
        if start.step.is_nas() {
            record_nas_asked(&mut record);
        }
    }
    if record != *before {
        write_ipv6(tx, shared.tenant_key, subscriber.id, before, &record, now)?;
    }
    let answers = Asked { options: &operation.options, plan: &operation.plan, nas: nas.as_ref().map(|nas| &nas.name) };
    audit::append_line(tx, shared, &line(operation, "begin", subscriber, (before, &subscriber.ipv6), answers))?;
    Ok(())
}

/// The audit record of a moment of an operation: `ipv6-revoke` for its end, `ipv6-revoke-begin` and the like for others.
pub(super) fn line<'a, N>(
    operation: &'a Operation,
    moment: &str,
    subscriber: &Subscriber,
    (before, after): (&'a Ipv6Record, &'a Ipv6Record),
    answers: N,
) -> Line<'a, Ipv6Record, N> {
    let dash = if moment.is_empty() { "" } else { "-" };
    Line {
        tenant: operation.tenant,
        at: operation.ended_at.unwrap_or(operation.requested_at),
        actor: &operation.actor.name,
        origin: &operation.actor.origin,
        action: format!("ipv6-{}{dash}{moment}", operation.kind),
        target: SafeText::new(&format!("subscriber {} ({})", subscriber.subscriber_number, subscriber.id)),
        operation: Some(operation.id),
        reason: operation.options.reason.as_ref(),
        before,
        after,
        answers,
    }
}

pub(super) fn context(conn: &Connection, shared: &Shared, id: OperationId) -> Result<Context, Fail> {
    let operation = operation_of(conn, shared, id)?;
    let subscriber = subscriber_of(conn, shared, operation.subscriber)?;
    let nas = nas_of(conn, shared, &subscriber)?;
    Ok(Context { operation, subscriber, nas })
}

/// The NAS that owns the session, else the one that the subscriber is registered at.
fn nas_of(conn: &Connection, shared: &Shared, subscriber: &Subscriber) -> Result<Option<Nas>, Fail> {
    let Some(id) = subscriber.session.as_ref().map(|s| s.nas).or(subscriber.nas) else { return Ok(None) };
    nas::load(conn, shared, id)?.map(Some).ok_or_else(|| not_found("NAS", id))
}

/// An unknown profile is no reason to leave the NAS out: a revoke would then release a prefix that is still routed.
fn methods_of(shared: &Shared, nas: &Nas) -> Result<Methods, Fail> {
    (shared.methods)(&nas.profile).ok_or_else(|| {
        AuthorityError::Store {
            message: SafeText::new(&format!(
                "NAS {} has the profile '{}', which this console does not know: add the profile, or correct the NAS; nothing was begun",
                nas.name,
                SafeText::bounded(&nas.profile, 60)
            )),
            retry: Retry::AfterFix,
        }
        .into()
    })
}
