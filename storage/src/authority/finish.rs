//! The end of an operation, and its cancel before it had an effect.

use super::begin::line;
use super::{Fail, held, operation_of, steps, subscriber_of};
use crate::audit::{self, Line};
use crate::codec::{Take, bounds, bytes, opt_us};
use crate::operations;
use crate::store::Shared;
use crate::subscribers::row::write_ipv6;
use noctule_domain::lifecycle::{
    Actor, Ended, Operation, OperationKind, OperationStatus, Progress, Refusal, StepRow, StepStatus, overlap, record_end,
    suspend_reason_after,
};
use noctule_domain::permission::needed_for;
use noctule_domain::ports::{AuthorityError, Finished, StepEnd};
use noctule_domain::subscriber::{Ipv6Record, Subscriber};
use noctule_domain::{OperationId, SafeText, Timestamp};
use rusqlite::{ErrorCode, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::json;

/// How long a late prefix can land after the end; it is looked for until NetBox has answered after that.
pub(super) const WATCH: chrono::Duration = chrono::Duration::hours(1);

/// What the audit keeps of an end beside the record.
#[derive(Serialize)]
struct Answers<'a> {
    status: OperationStatus,
    error: Option<&'a SafeText>,
    steps: Vec<StepRow>,
}

pub(super) fn finish(tx: &Transaction<'_>, shared: &Shared, id: OperationId, progress: Progress, ended: Ended) -> Result<Finished, Fail> {
    let operation = held(tx, shared, id)?;
    end(tx, shared, operation, progress, ended)
}

/// The same with the end of the try that led to it.
pub(super) fn end_and_finish(tx: &Transaction<'_>, shared: &Shared, step: StepEnd, ended: Ended) -> Result<Finished, Fail> {
    let operation = held(tx, shared, step.operation)?;
    steps::close(tx, shared, &step)?;
    end(tx, shared, operation, step.progress, ended)
}

fn end(tx: &Transaction<'_>, shared: &Shared, mut operation: Operation, progress: Progress, ended: Ended) -> Result<Finished, Fail> {
    let now = shared.now();
    let before = subscriber_of(tx, shared, operation.subscriber)?;
    operation.progress = progress;
    let (ended, record) = store_record(tx, shared, &before, &operation, ended, now)?;
    // An end that is none would leave the operation open for ever.
    operation.status = if ended.status.is_open() { OperationStatus::Failed } else { ended.status };
    operation.error = ended.error.clone();
    close(tx, shared, &mut operation, now)?;
    let reason = match operation.status {
        OperationStatus::Succeeded => store_reason(tx, shared, &before, &operation)?,
        _ => before.suspend_reason.clone(),
    };
    // What the row says now, without asking it once more: this was written, and nobody else writes in this transaction.
    let after =
        Subscriber { ipv6: record, suspend_reason: reason, running: None, version: before.version + 1, updated_at: now, ..before.clone() };
    let steps = operations::steps(tx, shared.tenant_key, operation.id)?;
    let answers = Answers { status: operation.status, error: operation.error.as_ref(), steps };
    audit::append_line(tx, shared, &line(&operation, "", &before, (&before.ipv6, &after.ipv6), answers))?;
    Ok(Finished { operation, subscriber: after })
}

fn store_reason(tx: &Transaction<'_>, shared: &Shared, before: &Subscriber, operation: &Operation) -> rusqlite::Result<Option<SafeText>> {
    let reason = suspend_reason_after(operation.kind, operation.options.reason.clone(), before.suspend_reason.clone());
    if reason != before.suspend_reason {
        tx.execute(
            "UPDATE subscribers SET suspend_reason = ?3 WHERE tenant = ?1 AND id = ?2",
            params![shared.tenant_key, bytes(before.id.0), reason.as_ref().map(SafeText::as_str)],
        )?;
    }
    Ok(reason)
}

/// Writes the record that the outcome leaves. Where the schema says that somebody else holds the prefix, the outcome is a failure:
/// what was stored is returned, outcome and record.
fn store_record(
    tx: &Transaction<'_>,
    shared: &Shared,
    before: &Subscriber,
    operation: &Operation,
    ended: Ended,
    now: Timestamp,
) -> Result<(Ended, Ipv6Record), Fail> {
    let write = |ended: &Ended, keep_id: bool| -> rusqlite::Result<Ipv6Record> {
        let mut record = before.ipv6.clone();
        record_end(&mut record, operation.kind, ended, &operation.progress, now, shared.hold);
        if !keep_id {
            record.netbox_prefix_id = None;
        }
        write_ipv6(tx, shared.tenant_key, before.id, &before.ipv6, &record, now)?;
        Ok(record)
    };
    let error = match write(&ended, true) {
        Ok(record) => return Ok((ended, record)),
        Err(error) => error,
    };
    if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) {
        return Err(error.into());
    }
    let Some((theirs, holder)) = rival(tx, shared, before, &operation.progress)? else { return Err(error.into()) };
    let failed = overlap(&operation.progress, theirs, &holder);
    let record = match write(&failed, true) {
        // The NetBox object itself is somebody else's here: then it is theirs to give back.
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => write(&failed, false)?,
        other => other?,
    };
    Ok((failed, record))
}

/// Who holds a live prefix that overlaps the new one, or the same NetBox object.
fn rival(
    tx: &Transaction<'_>,
    shared: &Shared,
    subscriber: &Subscriber,
    progress: &Progress,
) -> rusqlite::Result<Option<(ipnet::Ipv6Net, SafeText)>> {
    let prefix = progress.prefix.or(subscriber.ipv6.prefix);
    let (start, end) = bounds(prefix);
    let vrf = if progress.prefix.is_some() { progress.vrf } else { subscriber.ipv6.vrf };
    tx.query_row(
        "SELECT prefix, CASE full_name WHEN '' THEN number ELSE full_name || ' (' || number || ')' END FROM subscribers
         WHERE tenant = ?1 AND id <> ?2 AND prefix IS NOT NULL
            AND ((live = 1 AND vrf = ?3 AND prefix_start <= ?5 AND prefix_end >= ?4) OR netbox_prefix_id = ?6) LIMIT 1",
        params![shared.tenant_key, bytes(subscriber.id.0), vrf.unwrap_or(0), start, end, progress.netbox_prefix_id],
        |row| {
            let mut take = Take::new(row);
            Ok((take.parsed()?, take.text()?))
        },
    )
    .optional()
}

/// Ends the row: no lease, no next try; a watch where a late prefix may land.
fn close(tx: &Transaction<'_>, shared: &Shared, operation: &mut Operation, now: Timestamp) -> Result<(), Fail> {
    operation.ended_at = Some(now);
    operation.retry_at = None;
    operation.lease_owner = None;
    operation.lease_until = None;
    operations::update(tx, shared.tenant_key, operation)?;
    if operation.progress.watch && operation.kind == OperationKind::Allocate {
        tx.execute(
            "UPDATE operations SET watch_until = ?3, watch_next = ?4 WHERE tenant = ?1 AND id = ?2",
            params![shared.tenant_key, bytes(operation.id.0), opt_us(Some(now + WATCH)), opt_us(Some(now))],
        )?;
    }
    Ok(())
}

pub(super) fn cancel(tx: &Transaction<'_>, shared: &Shared, id: OperationId, actor: &Actor) -> Result<(), Fail> {
    let mut operation = operation_of(tx, shared, id)?;
    if !operation.status.is_open() {
        return Err(AuthorityError::Ended { operation: id, status: operation.status }.into());
    }
    let needs = needed_for(operation.kind);
    if !actor.role.allows(needs) {
        return Err(AuthorityError::Refused(Refusal::NotPermitted { role: actor.role, needs }).into());
    }
    let had_effect = operations::steps(tx, shared.tenant_key, id)?
        .into_iter()
        .find(|step| !matches!(step.status, StepStatus::Refused | StepStatus::Unreachable | StepStatus::Skipped));
    if let Some(step) = had_effect {
        let why = match step.status {
            StepStatus::Started => format!("{} is under way", step.step),
            StepStatus::Done => format!("{} is done: let it end, then do the opposite", step.step),
            _ => format!("{} may have happened: it is tried until that is clear", step.step),
        };
        return Err(AuthorityError::NotCancellable { operation: id, why: SafeText::new(&why) }.into());
    }
    let now = shared.now();
    let subscriber = subscriber_of(tx, shared, operation.subscriber)?;
    let mut record = subscriber.ipv6.clone();
    let before: Ipv6Record =
        tx.query_row("SELECT before FROM operations WHERE tenant = ?1 AND id = ?2", params![shared.tenant_key, bytes(id.0)], |row| {
            Take::new(row).json()
        })?;
    // Nothing happened: what the beginning and the asking wrote is taken back.
    record.state = before.state;
    record.since = before.since;
    record.enforcement = before.enforcement;
    record.enforcement_note = before.enforcement_note;
    if record != subscriber.ipv6 {
        write_ipv6(tx, shared.tenant_key, subscriber.id, &subscriber.ipv6, &record, now)?;
    }
    operation.status = OperationStatus::Cancelled;
    operation.error = Some(SafeText::new(&format!("cancelled by {}", actor.name)));
    close(tx, shared, &mut operation, now)?;
    let by = line(&operation, "cancel", &subscriber, (&subscriber.ipv6, &record), json!({}));
    audit::append_line(tx, shared, &Line { actor: &actor.name, origin: &actor.origin, ..by })?;
    Ok(())
}
