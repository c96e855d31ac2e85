//! Operations and their journals: reading them, and the pieces that the authority writes with.

use crate::codec::{Take, bytes, json, opt_us, us};
use crate::error::StoreError;
use crate::store::{Shared, Store};
use noctule_domain::lifecycle::{Actor, Operation, OperationRow, OperationStatus, OperationView, Progress, StepKind, StepRow};
use noctule_domain::{ConsoleId, OperationId, SafeText, SubscriberId, TenantId};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

/// Which operations a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Running and waiting ones alone.
    pub open_only: bool,
    pub status: Option<OperationStatus>,
    /// At most this many, and 10,000.
    pub limit: u32,
}

/// Longest list of operations or journal steps.
const MAX: u32 = 10_000;

impl Store {
    /// Newest first, those that are open before all others.
    pub async fn operations(&self, filter: OperationFilter) -> Result<Vec<OperationRow>, StoreError> {
        self.read(move |conn, shared| {
            let limit = filter.limit.min(MAX);
            let mut rows = Vec::new();
            if filter.status.is_none_or(OperationStatus::is_open) {
                rows = list(conn, shared, "INDEXED BY operations_open", "o.open = 1", filter.status, limit)?;
            }
            let rest = limit.saturating_sub(rows.len() as u32);
            if !filter.open_only && rest > 0 && filter.status.is_none_or(|s| !s.is_open()) {
                let index = if filter.status.is_some() { "INDEXED BY operations_status" } else { "INDEXED BY operations_requested" };
                rows.extend(list(conn, shared, index, "o.open = 0", filter.status, rest)?);
            }
            Ok(rows)
        })
        .await
    }

    pub async fn operation(&self, id: OperationId) -> Result<Option<OperationView>, StoreError> {
        self.read(move |conn, shared| {
            let Some(operation) = load(conn, shared, id)? else { return Ok(None) };
            Ok(Some(view(conn, shared.tenant_key, operation)?))
        })
        .await
    }
}

fn list(
    conn: &Connection,
    shared: &Shared,
    index: &str,
    which: &str,
    status: Option<OperationStatus>,
    limit: u32,
) -> rusqlite::Result<Vec<OperationRow>> {
    let mut values: Vec<Value> = vec![shared.tenant_key.into()];
    let by_status = match status {
        Some(status) => {
            values.push(Value::Text(status.word().to_owned()));
            " AND o.status = ?"
        }
        None => "",
    };
    values.push(Value::Integer(i64::from(limit)));
    let sql = format!(
        "SELECT o.id, o.subscriber, coalesce(s.full_name, ''), coalesce(s.number, ''), o.kind, o.status, o.actor, o.plan, o.progress, o.requested_at, o.retry_at,
            o.ended_at, o.error
         FROM operations AS o {index} LEFT JOIN subscribers AS s ON s.tenant = o.tenant AND s.id = o.subscriber
         WHERE o.tenant = ? AND {which}{by_status} ORDER BY o.requested_at DESC LIMIT ?"
    );
    conn.prepare_cached(&sql)?
        .query_map(params_from_iter(values), |row| {
            let mut take = Take::new(row);
            let (id, subscriber) = (OperationId(take.uuid()?), SubscriberId(take.uuid()?));
            let (name, number) = (take.text()?, take.text()?);
            let (kind, status, actor) = (take.parsed()?, take.parsed()?, take.text()?);
            let plan: Vec<StepKind> = take.json()?;
            let progress: Progress = take.json()?;
            Ok(OperationRow {
                id,
                subscriber,
                subscriber_name: if name.is_empty() { number.clone() } else { name },
                subscriber_number: number,
                kind,
                status,
                actor,
                step: plan.get(progress.at).copied(),
                step_index: progress.at,
                steps: plan.len(),
                attempts: progress.attempts,
                requested_at: take.time()?,
                retry_at: take.opt_time()?,
                ended_at: take.opt_time()?,
                error: take.opt_text()?,
            })
        })?
        .collect()
}

const WHOLE: &str = "o.id, o.subscriber, o.kind, o.actor, o.role, o.origin, o.options, o.expected_version, o.requested_at, o.status, o.plan, \
    o.progress, o.retry_at, o.ended_at, o.error, o.lease_owner, o.lease_until";

fn whole(row: &Row<'_>, tenant: TenantId) -> rusqlite::Result<Operation> {
    let mut take = Take::new(row);
    Ok(Operation {
        id: OperationId(take.uuid()?),
        tenant,
        subscriber: SubscriberId(take.uuid()?),
        kind: take.parsed()?,
        actor: Actor { name: take.text()?, role: take.parsed()?, origin: take.text()? },
        options: take.json()?,
        expected_version: take.get()?,
        requested_at: take.time()?,
        status: take.parsed()?,
        plan: take.json()?,
        progress: take.json()?,
        retry_at: take.opt_time()?,
        ended_at: take.opt_time()?,
        error: take.opt_text()?,
        lease_owner: take.opt_uuid()?.map(ConsoleId),
        lease_until: take.opt_time()?,
    })
}

pub(crate) fn load(conn: &Connection, shared: &Shared, id: OperationId) -> rusqlite::Result<Option<Operation>> {
    conn.prepare_cached(&format!("SELECT {WHOLE} FROM operations AS o WHERE o.tenant = ?1 AND o.id = ?2"))?
        .query_row(params![shared.tenant_key, bytes(id.0)], |row| whole(row, shared.tenant))
        .optional()
}

/// The open operation of a subscriber.
pub(crate) fn open_of(conn: &Connection, shared: &Shared, subscriber: SubscriberId) -> rusqlite::Result<Option<Operation>> {
    conn.prepare_cached(&format!("SELECT {WHOLE} FROM operations AS o WHERE o.tenant = ?1 AND o.subscriber = ?2 AND o.open = 1"))?
        .query_row(params![shared.tenant_key, bytes(subscriber.0)], |row| whole(row, shared.tenant))
        .optional()
}

/// Reads the row as the screens do.
pub(crate) fn probe(conn: &Connection, id: [u8; 16]) -> rusqlite::Result<Option<()>> {
    crate::replica::probe(conn, &format!("SELECT {WHOLE} FROM operations AS o WHERE o.tenant = ?1 AND o.id = ?2"), id, |row| {
        whole(row, TenantId(uuid::Uuid::nil()))
    })
}

/// Every open operation.
pub(crate) fn all_open(conn: &Connection, shared: &Shared) -> rusqlite::Result<Vec<Operation>> {
    conn.prepare_cached(&format!("SELECT {WHOLE} FROM operations AS o WHERE o.tenant = ?1 AND o.open = 1 ORDER BY o.requested_at"))?
        .query_map([shared.tenant_key], |row| whole(row, shared.tenant))?
        .collect()
}

pub(crate) fn timeline(conn: &Connection, shared: &Shared, subscriber: SubscriberId, limit: u32) -> rusqlite::Result<Vec<OperationView>> {
    let operations: Vec<Operation> = conn
        .prepare_cached(&format!(
            "SELECT {WHOLE} FROM operations AS o WHERE o.tenant = ?1 AND o.subscriber = ?2 ORDER BY o.requested_at DESC, o.id DESC LIMIT ?3"
        ))?
        .query_map(params![shared.tenant_key, bytes(subscriber.0), limit.min(MAX)], |row| whole(row, shared.tenant))?
        .collect::<Result<_, _>>()?;
    operations.into_iter().map(|operation| view(conn, shared.tenant_key, operation)).collect()
}

fn view(conn: &Connection, tenant: i64, operation: Operation) -> rusqlite::Result<OperationView> {
    let subscriber_name = name_of(conn, tenant, operation.subscriber)?;
    let steps = steps(conn, tenant, operation.id)?;
    Ok(OperationView { operation, subscriber_name, steps })
}

/// What a subscriber is called: its name, else its number.
pub(crate) fn name_of(conn: &Connection, tenant: i64, id: SubscriberId) -> rusqlite::Result<SafeText> {
    conn.prepare_cached("SELECT CASE full_name WHEN '' THEN number ELSE full_name END FROM subscribers WHERE tenant = ?1 AND id = ?2")?
        .query_row(params![tenant, bytes(id.0)], |row| Take::new(row).text())
        .optional()
        .map(Option::unwrap_or_default)
}

pub(crate) fn steps(conn: &Connection, tenant: i64, id: OperationId) -> rusqlite::Result<Vec<StepRow>> {
    conn.prepare_cached(
        "SELECT step, attempt, upstream, request, status, answer, started_at, ended_at FROM operation_steps
         WHERE tenant = ?1 AND operation = ?2 ORDER BY seq LIMIT 10000",
    )?
    .query_map(params![tenant, bytes(id.0)], |row| {
        let mut take = Take::new(row);
        Ok(StepRow {
            step: take.parsed()?,
            attempt: take.get()?,
            upstream: take.text()?,
            request: take.text()?,
            status: take.parsed()?,
            answer: take.opt_text()?,
            started_at: take.time()?,
            ended_at: take.opt_time()?,
        })
    })?
    .collect()
}

/// Writes a new operation; `before` is the IPv6 record as it was.
pub(crate) fn insert(conn: &Connection, tenant: i64, operation: &Operation, progress: &Progress, before: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO operations (tenant, id, subscriber, kind, status, actor, role, origin, options, expected_version, requested_at, plan,
            progress, before, lease_owner, lease_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?
    .execute(params![
        tenant,
        bytes(operation.id.0),
        bytes(operation.subscriber.0),
        operation.kind.word(),
        operation.status.word(),
        operation.actor.name.as_str(),
        operation.actor.role.word(),
        operation.actor.origin.as_str(),
        json(&operation.options)?,
        operation.expected_version,
        us(operation.requested_at),
        json(&operation.plan)?,
        json(progress)?,
        before,
        operation.lease_owner.map(|c| bytes(c.0)),
        opt_us(operation.lease_until),
    ])?;
    Ok(())
}

/// Writes what changes in the life of an operation.
pub(crate) fn update(conn: &Connection, tenant: i64, operation: &Operation) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "UPDATE operations SET status = ?3, progress = ?4, retry_at = ?5, ended_at = ?6, error = ?7, lease_owner = ?8, lease_until = ?9
         WHERE tenant = ?1 AND id = ?2",
    )?
    .execute(params![
        tenant,
        bytes(operation.id.0),
        operation.status.word(),
        json(&operation.progress)?,
        opt_us(operation.retry_at),
        opt_us(operation.ended_at),
        operation.error.as_ref().map(SafeText::as_str),
        operation.lease_owner.map(|c| bytes(c.0)),
        opt_us(operation.lease_until),
    ])?;
    Ok(())
}
