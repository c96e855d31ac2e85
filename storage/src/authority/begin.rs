//! The beginning of an operation: guard, intent, lease, audit; and the context that is read anew before each step.

use super::{Fail, not_found, operation_of, subscriber_of};
use crate::store::Shared;
use crate::subscribers::row::write_ipv6;
use crate::{audit, codec, nas, operations};
use noctule_domain::audit::AuditEntry;
use noctule_domain::lifecycle::{Facts, Guard, Methods, Operation, OperationStatus, PlanInput, Progress, guard, plan, record_begin};
use noctule_domain::nas::Nas;
use noctule_domain::ports::{AuthorityError, BeginOperation, Begun, Context};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{OperationId, Retry, SafeText};
use rusqlite::{Connection, Transaction};
use serde_json::json;

pub(super) fn begin(tx: &Transaction<'_>, shared: &Shared, request: BeginOperation) -> Result<Begun, Fail> {
    if let Some(operation) = operations::load(tx, shared, request.id)? {
        if (operation.subscriber, operation.kind) != (request.subscriber, request.kind) {
            let message = SafeText::new(&format!("the operation id {} was used for another request: nothing was begun", request.id));
            return Err(AuthorityError::Store { message, retry: Retry::Never }.into());
        }
        // The same value twice is the same operation.
        return Ok(Begun::Started(Box::new(operation)));
    }
    let now = shared.now();
    let subscriber = subscriber_of(tx, shared, request.subscriber)?;
    // The row says already whether there is one.
    let running = if subscriber.running.is_some() { operations::open_of(tx, shared, request.subscriber)? } else { None };
    let record = &subscriber.ipv6;
    let facts = Facts::of(&subscriber, running);
    match guard(request.kind, &facts, &request.options, request.actor.role, request.expected_version, now) {
        Guard::Go => {}
        Guard::AlreadyThere => return Ok(Begun::AlreadyThere(Box::new(subscriber))),
        Guard::Refused(refusal) => return Err(AuthorityError::Refused(refusal).into()),
    }
    let nas = nas_of(tx, shared, &subscriber)?;
    let input = PlanInput {
        state: record.state,
        enforcement: record.enforcement,
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
    operations::insert(tx, shared.tenant_key, &operation, &codec::json(record)?)?;
    let mut after = record.clone();
    record_begin(&mut after, operation.kind, now);
    if after != *record {
        write_ipv6(tx, shared.tenant_key, subscriber.id, record, &after, now)?;
    }
    let answers = json!({ "options": operation.options, "plan": operation.plan, "nas": nas.map(|nas| nas.name) });
    audit::append(tx, shared, entry(&operation, "begin", &subscriber, json!(record), json!(after), answers))?;
    Ok(Begun::Started(Box::new(operation)))
}

/// The audit record of a moment of an operation: `ipv6-revoke` for its end, `ipv6-revoke-begin` and the like for others.
pub(super) fn entry(
    operation: &Operation,
    moment: &str,
    subscriber: &Subscriber,
    before: serde_json::Value,
    after: serde_json::Value,
    answers: serde_json::Value,
) -> AuditEntry {
    let dash = if moment.is_empty() { "" } else { "-" };
    AuditEntry {
        tenant: operation.tenant,
        at: operation.ended_at.unwrap_or(operation.requested_at),
        actor: operation.actor.name.clone(),
        origin: operation.actor.origin.clone(),
        action: format!("ipv6-{}{dash}{moment}", operation.kind),
        target: SafeText::new(&format!("subscriber {} ({})", subscriber.subscriber_number, subscriber.id)),
        operation: Some(operation.id),
        reason: operation.options.reason.clone(),
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
