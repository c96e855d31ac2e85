//! Working time: clocked in, clocked out. One open entry per technician, kept by the schema here and in the centre.

use crate::codec::{Take, bytes, us};
use crate::error::StoreError;
use crate::replica::{self, Overlay};
use crate::store::{Shared, Store};
use crate::tasks::permitted;
use crate::{audit, technicians};
use noctule_domain::audit::AuditEntry;
use noctule_domain::geo::LatLng;
use noctule_domain::lifecycle::Actor;
use noctule_domain::permission::Permission;
use noctule_domain::sync::{Change, ClockIn};
use noctule_domain::technician::{FixAge, Technician};
use noctule_domain::time_entry::{TimeEntry, TimeEntryKind};
use noctule_domain::{SafeText, TaskId, TechnicianId, TimeEntryId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::{Value, json};
use uuid::Uuid;

/// Longest list.
const MAX: u32 = 1000;

const WHOLE: &str = "e.id, e.technician, e.kind, e.status, e.task, e.started_at, e.ended_at, e.start_lat, e.start_lng, e.end_lat, e.end_lng, \
    e.notes, e.version, e.updated_at";

fn whole(row: &Row<'_>) -> rusqlite::Result<TimeEntry> {
    let mut take = Take::new(row);
    Ok(TimeEntry {
        id: TimeEntryId(take.uuid()?),
        technician: TechnicianId(take.uuid()?),
        kind: take.parsed()?,
        status: take.parsed()?,
        task: take.opt_uuid()?.map(TaskId),
        started_at: take.time()?,
        ended_at: take.opt_time()?,
        started_where: take.position()?,
        ended_where: take.position()?,
        notes: take.opt_text()?,
        version: take.get()?,
        updated_at: take.time()?,
        unsent: false,
    })
}

/// Reads the row as the screens do.
pub(crate) fn probe(conn: &Connection, id: [u8; 16]) -> rusqlite::Result<Option<()>> {
    replica::probe(conn, &format!("SELECT {WHOLE} FROM time_entries AS e WHERE e.tenant = ?1 AND e.id = ?2"), id, whole)
}

fn list(conn: &Connection, shared: &Shared, overlay: &Overlay, technician: TechnicianId, limit: u32) -> Result<Vec<TimeEntry>, StoreError> {
    let mut entries: Vec<TimeEntry> = conn
        .prepare_cached(&format!(
            "SELECT {WHOLE} FROM time_entries AS e WHERE e.tenant = ?1 AND e.technician = ?2 ORDER BY e.started_at DESC, e.id DESC LIMIT ?3"
        ))?
        .query_map(params![shared.tenant_key, bytes(technician.0), limit.min(MAX)], whole)?
        .collect::<Result<_, _>>()?;
    overlay.entries(technician, &mut entries);
    entries.truncate(limit.min(MAX) as usize);
    Ok(entries)
}

/// The open entry of a technician, as the screen shows it.
pub(crate) fn open_of(
    conn: &Connection,
    shared: &Shared,
    overlay: &Overlay,
    technician: TechnicianId,
) -> Result<Option<TimeEntry>, StoreError> {
    let mut entries: Vec<TimeEntry> = conn
        .prepare_cached(&format!("SELECT {WHOLE} FROM time_entries AS e WHERE e.tenant = ?1 AND e.technician = ?2 AND e.ended_at IS NULL"))?
        .query_map(params![shared.tenant_key, bytes(technician.0)], whole)?
        .collect::<Result<_, _>>()?;
    overlay.entries(technician, &mut entries);
    Ok(entries.into_iter().find(|e| e.ended_at.is_none()))
}

/// Where somebody is, if that is known well enough to be written into a time sheet.
fn whereabouts(technician: &Technician, now: Timestamp) -> Option<LatLng> {
    technician.fix.filter(|fix| fix.age(now) <= FixAge::Over2Min).map(|fix| fix.at)
}

/// Checks the beginning of an entry.
fn beginning(
    conn: &Connection,
    shared: &Shared,
    overlay: &Overlay,
    (technician, kind, task): (TechnicianId, TimeEntryKind, Option<TaskId>),
    now: Timestamp,
) -> Result<(Technician, ClockIn), StoreError> {
    let who = technicians::shown(conn, shared, overlay, technician)?.ok_or_else(|| technicians::not_found(technician))?;
    if let Some(open) = open_of(conn, shared, overlay, technician)? {
        let since = open.started_at.format("%Y-%m-%d %H:%M UTC");
        return Err(StoreError::Refused(format!("{} is clocked in since {since}: clock out first", who.name).into()));
    }
    if let Some(task) = task {
        let known: bool = conn.query_row(
            "SELECT EXISTS (SELECT 1 FROM tasks WHERE tenant = ?1 AND id = ?2)",
            params![shared.tenant_key, bytes(task.0)],
            |row| row.get(0),
        )?;
        if !known {
            return Err(StoreError::NotFound { what: "task", id: task.to_string().into() });
        }
    }
    let position = whereabouts(&who, now);
    let clock = ClockIn { entry: TimeEntryId(Uuid::now_v7()), technician, kind, task, at: now, position };
    Ok((who, clock))
}

/// Checks the end of an entry.
fn ending(conn: &Connection, shared: &Shared, overlay: &Overlay, technician: TechnicianId) -> Result<(Technician, TimeEntry), StoreError> {
    let who = technicians::shown(conn, shared, overlay, technician)?.ok_or_else(|| technicians::not_found(technician))?;
    match open_of(conn, shared, overlay, technician)? {
        Some(entry) => Ok((who, entry)),
        None => Err(StoreError::Refused(format!("{} is not clocked in", who.name).into())),
    }
}

fn record(tx: &Transaction<'_>, shared: &Shared, actor: Actor, action: &str, who: &Technician, after: Value) -> Result<(), StoreError> {
    let entry = AuditEntry {
        tenant: shared.tenant,
        at: shared.now(),
        actor: actor.name,
        origin: actor.origin,
        action: action.into(),
        target: SafeText::new(&format!("technician {} ({})", who.employee_id, who.id)),
        operation: None,
        reason: None,
        before: json!(null),
        after,
        answers: json!(null),
    };
    audit::append(tx, shared, entry)?;
    Ok(())
}

fn load(conn: &Connection, shared: &Shared, id: TimeEntryId) -> Result<TimeEntry, StoreError> {
    conn.prepare_cached(&format!("SELECT {WHOLE} FROM time_entries AS e WHERE e.tenant = ?1 AND e.id = ?2"))?
        .query_row(params![shared.tenant_key, bytes(id.0)], whole)
        .optional()?
        .ok_or_else(|| StoreError::NotFound { what: "time entry", id: id.to_string().into() })
}

impl Store {
    /// The entries of a technician, newest first, at most `limit` (and 1,000).
    pub async fn time_entries(&self, technician: TechnicianId, limit: u32) -> Result<Vec<TimeEntry>, StoreError> {
        self.read(move |conn, shared| {
            let overlay = shared.overlay();
            list(conn, shared, &overlay, technician, limit)
        })
        .await
    }

    /// Begins an entry now. Refused where one is open. The place is that of the last position, if it is not older than 15 minutes.
    pub async fn clock_in(
        &self,
        technician: TechnicianId,
        kind: TimeEntryKind,
        task: Option<TaskId>,
        actor: Actor,
    ) -> Result<TimeEntry, StoreError> {
        permitted(&actor, &[Permission::FieldWrite, Permission::OwnWrite])?;
        if self.is_replica() {
            let shared = self.inner.shared.clone();
            return self
                .at_desk(move |desk, side, now| {
                    desk.transaction(side, now, |conn, seen| {
                        let (who, clock) = beginning(seen.cache, &shared, seen.overlay, (technician, kind, task), now)?;
                        let op = replica::op(Change::ClockIn(clock), technicians::words(&who), None);
                        first(&replica::write(conn, side, seen, &actor, op)?, technician, Vec::new())
                    })
                })
                .await;
        }
        self.write(move |tx, shared| {
            let now = shared.now();
            let (who, clock) = beginning(tx, shared, &Overlay::default(), (technician, kind, task), now)?;
            tx.execute(
                "INSERT INTO time_entries (tenant, id, technician, kind, task, started_at, start_lat, start_lng, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?6)",
                params![
                    shared.tenant_key,
                    bytes(clock.entry.0),
                    bytes(technician.0),
                    kind.word(),
                    task.map(|t| bytes(t.0)),
                    us(now),
                    clock.position.map(|p| p.lat),
                    clock.position.map(|p| p.lng),
                ],
            )?;
            record(tx, shared, actor, "clock-in", &who, json!({ "entry": clock.entry, "kind": kind, "task": task }))?;
            load(tx, shared, clock.entry)
        })
        .await
    }

    /// Ends the open entry now. Refused where none is open.
    pub async fn clock_out(&self, technician: TechnicianId, actor: Actor) -> Result<TimeEntry, StoreError> {
        permitted(&actor, &[Permission::FieldWrite, Permission::OwnWrite])?;
        if self.is_replica() {
            let shared = self.inner.shared.clone();
            return self
                .at_desk(move |desk, side, now| {
                    desk.transaction(side, now, |conn, seen| {
                        let (who, entry) = ending(seen.cache, &shared, seen.overlay, technician)?;
                        // A clock that was set back must not end an entry before it began.
                        let at = now.max(entry.started_at);
                        let position = whereabouts(&who, now);
                        let op =
                            replica::op(Change::ClockOut { entry: entry.id, technician, at, position }, technicians::words(&who), None);
                        first(&replica::write(conn, side, seen, &actor, op)?, technician, vec![entry])
                    })
                })
                .await;
        }
        self.write(move |tx, shared| {
            let now = shared.now();
            let (who, entry) = ending(tx, shared, &Overlay::default(), technician)?;
            let (at, position) = (now.max(entry.started_at), whereabouts(&who, now));
            tx.execute(
                "UPDATE time_entries SET ended_at = ?3, end_lat = ?4, end_lng = ?5, version = version + 1, updated_at = ?6
                 WHERE tenant = ?1 AND id = ?2",
                params![shared.tenant_key, bytes(entry.id.0), us(at), position.map(|p| p.lat), position.map(|p| p.lng), us(now)],
            )?;
            record(tx, shared, actor, "clock-out", &who, json!({ "entry": entry.id, "ended_at": at }))?;
            load(tx, shared, entry.id)
        })
        .await
    }
}

/// The entry as it is shown with the one op laid over it.
fn first(laid: &Overlay, technician: TechnicianId, mut entries: Vec<TimeEntry>) -> Result<TimeEntry, StoreError> {
    laid.entries(technician, &mut entries);
    entries.into_iter().next().ok_or(StoreError::Closed)
}
