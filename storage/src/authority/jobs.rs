//! What jobs ask for: prefixes that have rested, late prefixes to look for, the health of a NAS.

use super::{Fail, not_found};
use crate::codec::{Take, bytes, opt_us, us};
use crate::error::StoreError;
use crate::store::Shared;
use crate::{audit, operations};
use noctule_domain::audit::AuditEntry;
use noctule_domain::nas::NasSeen;
use noctule_domain::{NasId, OperationId, SafeText, SubscriberId};
use rusqlite::{Connection, Transaction, params};
use serde_json::json;

/// A release that did not succeed is not tried again before this has passed: a NetBox that says no is not asked every second.
const RELEASE_PAUSE: chrono::Duration = chrono::Duration::minutes(15);
/// A watched operation is looked at this often.
const WATCH_PAUSE: chrono::Duration = chrono::Duration::minutes(1);

pub(super) fn rested(conn: &Connection, shared: &Shared, limit: u32) -> Result<Vec<SubscriberId>, StoreError> {
    let now = shared.now();
    let mut statement = conn.prepare_cached(
        "SELECT s.id FROM subscribers AS s INDEXED BY subscribers_hold
         WHERE s.tenant = ?1 AND s.hold_until <= ?2 AND s.state = 'revoked' AND s.netbox_prefix_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM operations AS o WHERE o.tenant = s.tenant AND o.subscriber = s.id
                AND (o.open = 1 OR (o.kind = 'release' AND o.ended_at > ?3)))
         ORDER BY s.hold_until LIMIT ?4",
    )?;
    let rows = statement.query_map(params![shared.tenant_key, us(now), us(now - RELEASE_PAUSE), limit], |row| Take::new(row).uuid())?;
    Ok(rows.map(|id| id.map(SubscriberId)).collect::<Result<_, _>>()?)
}

pub(super) fn watched(tx: &Transaction<'_>, shared: &Shared, limit: u32) -> Result<Vec<OperationId>, Fail> {
    let now = shared.now();
    let due: Vec<[u8; 16]> = tx
        .prepare_cached(
            "SELECT id FROM operations WHERE tenant = ?1 AND watch_next <= ?2 AND watch_until IS NOT NULL ORDER BY watch_next LIMIT ?3",
        )?
        .query_map(params![shared.tenant_key, us(now), limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in &due {
        // Its hour being over does not end the watch: only a look that NetBox answered does, and who looks says so by `unwatch`.
        tx.prepare_cached("UPDATE operations SET watch_next = ?3 WHERE tenant = ?1 AND id = ?2")?.execute(params![
            shared.tenant_key,
            id,
            us(now + WATCH_PAUSE)
        ])?;
    }
    Ok(due.into_iter().map(|id| OperationId(uuid::Uuid::from_bytes(id))).collect())
}

pub(super) fn unwatch(tx: &Transaction<'_>, shared: &Shared, id: OperationId, note: SafeText) -> Result<(), Fail> {
    let mut operation = super::operation_of(tx, shared, id)?;
    if !operation.progress.watch {
        return Ok(());
    }
    operation.progress.watch = false;
    operations::update(tx, shared.tenant_key, &operation)?;
    tx.execute("UPDATE operations SET watch_until = NULL WHERE tenant = ?1 AND id = ?2", params![shared.tenant_key, bytes(id.0)])?;
    let subscriber = super::subscriber_of(tx, shared, operation.subscriber)?;
    let entry = AuditEntry {
        tenant: shared.tenant,
        at: shared.now(),
        actor: "system".into(),
        origin: SafeText::new(&format!("console {}", shared.console)),
        action: "ipv6-allocate-watch-end".into(),
        target: SafeText::new(&format!("subscriber {} ({})", subscriber.subscriber_number, subscriber.id)),
        operation: Some(id),
        reason: Some(note),
        before: json!(null),
        after: json!(null),
        answers: json!(null),
    };
    audit::append(tx, shared, entry)?;
    Ok(())
}

pub(super) fn nas_health(tx: &Transaction<'_>, shared: &Shared, id: NasId, seen: &NasSeen) -> Result<(), Fail> {
    let Some(nas) = crate::nas::load(tx, shared, id)? else { return Err(not_found("NAS", id)) };
    let health = nas.health.after(seen);
    tx.prepare_cached(
        "UPDATE nas SET reach = ?3, round_trip_us = ?4, last_answer_at = ?5, last_asked_at = ?6, acks = ?7, naks = ?8, timeouts = ?9
             WHERE tenant = ?1 AND id = ?2",
    )?
    .execute(params![
        shared.tenant_key,
        bytes(id.0),
        health.reach.word(),
        health.round_trip.map(|d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)),
        opt_us(health.last_answer_at),
        opt_us(health.last_asked_at),
        i64::try_from(health.acks).unwrap_or(i64::MAX),
        i64::try_from(health.naks).unwrap_or(i64::MAX),
        i64::try_from(health.timeouts).unwrap_or(i64::MAX),
    ])?;
    Ok(())
}
