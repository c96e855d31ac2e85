//! The journal of steps: written before a request leaves and after its answer came.

use super::{Fail, held, not_found, subscriber_of};
use crate::codec::{bytes, us};
use crate::operations;
use crate::store::Shared;
use crate::subscribers::row::write_ipv6;
use noctule_domain::Timestamp;
use noctule_domain::lifecycle::{OperationStatus, StepStatus, record_nas_asked};
use noctule_domain::ports::{StepEnd, StepStart};
use rusqlite::{Transaction, params};

pub(super) fn started(tx: &Transaction<'_>, shared: &Shared, step: StepStart) -> Result<(), Fail> {
    let mut operation = held(tx, shared, step.operation)?;
    let now = shared.now();
    // A try of this console whose end the store could not take down.
    tx.prepare_cached(
        "UPDATE operation_steps SET status = 'unclear', answer = 'its end could not be written down', ended_at = ?3
         WHERE tenant = ?1 AND operation = ?2 AND status = 'started'",
    )?
    .execute(params![shared.tenant_key, bytes(step.operation.0), us(now)])?;
    open(tx, shared, &step, now)?;
    if step.step.is_nas() {
        let mut record = subscriber_of(tx, shared, operation.subscriber)?.ipv6;
        let before = record.clone();
        record_nas_asked(&mut record);
        if record != before {
            write_ipv6(tx, shared.tenant_key, operation.subscriber, &before, &record, now)?;
        }
    }
    operation.progress = step.progress;
    operation.progress.attempts = operation.progress.attempts.max(step.attempt);
    operation.status = OperationStatus::Running;
    operation.retry_at = None;
    operation.lease_until = Some(now + shared.lease);
    operations::update(tx, shared.tenant_key, &operation)?;
    Ok(())
}

/// Writes the beginning of a try into the journal.
pub(super) fn open(tx: &Transaction<'_>, shared: &Shared, step: &StepStart, now: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO operation_steps (tenant, operation, seq, step, attempt, upstream, request, status, started_at)
         VALUES (?1, ?2, (SELECT coalesce(max(seq), 0) + 1 FROM operation_steps WHERE tenant = ?1 AND operation = ?2), ?3, ?4, ?5, ?6,
            'started', ?7)",
    )?
    .execute(params![
        shared.tenant_key,
        bytes(step.operation.0),
        step.step.word(),
        step.attempt,
        step.upstream.as_str(),
        step.request.as_str(),
        us(now),
    ])?;
    Ok(())
}

/// Writes the end of a try into the journal.
pub(super) fn close(tx: &Transaction<'_>, shared: &Shared, step: &StepEnd) -> Result<(), Fail> {
    let now = shared.now();
    let status = if step.status == StepStatus::Started { StepStatus::Unclear } else { step.status };
    let changed = tx
        .prepare_cached(
            "UPDATE operation_steps SET status = ?5, answer = ?6, ended_at = ?7
             WHERE tenant = ?1 AND operation = ?2 AND seq = (
                SELECT max(seq) FROM operation_steps
                WHERE tenant = ?1 AND operation = ?2 AND step = ?3 AND attempt = ?4 AND status = 'started')",
        )?
        .execute(params![
            shared.tenant_key,
            bytes(step.operation.0),
            step.step.word(),
            step.attempt,
            status.word(),
            step.answer.as_str(),
            us(now),
        ])?;
    if changed == 0 {
        return Err(not_found("started step", format!("{} of operation {}", step.step, step.operation)));
    }
    Ok(())
}

pub(super) fn ended(tx: &Transaction<'_>, shared: &Shared, step: StepEnd) -> Result<(), Fail> {
    let mut operation = held(tx, shared, step.operation)?;
    let now = shared.now();
    close(tx, shared, &step)?;
    operation.progress = step.progress;
    operation.lease_until = Some(now + shared.lease);
    match step.wait {
        Some((until, why)) => {
            operation.status = OperationStatus::Waiting;
            operation.retry_at = Some(crate::codec::cut(until));
            operation.error = Some(why);
        }
        None => {
            operation.status = OperationStatus::Running;
            operation.retry_at = None;
        }
    }
    operations::update(tx, shared.tenant_key, &operation)?;
    Ok(())
}
