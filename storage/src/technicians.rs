//! Technicians and their positions.

use crate::codec::{self, Take, bytes, us};
use crate::error::StoreError;
use crate::replica::{self, Overlay};
use crate::store::{Shared, Store};
use crate::tasks::permitted;
use crate::{audit, time_entries};
use noctule_domain::audit::AuditEntry;
use noctule_domain::geo::Fix;
use noctule_domain::lifecycle::Actor;
use noctule_domain::permission::{Permission, Role};
use noctule_domain::sync::{Change, FieldChange};
use noctule_domain::technician::{Technician, TechnicianStatus};
use noctule_domain::{SafeText, TechnicianId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

const WHOLE: &str = "t.id, t.employee_id, t.name, t.email, t.phone, t.mobile, t.status, t.skill_level, t.home_lat, t.home_lng, t.fix_lat, \
    t.fix_lng, t.fix_accuracy_m, t.fix_speed_kmh, t.fix_heading_deg, t.fix_at, t.team, t.skills, t.time_zone, t.work_from_min, \
    t.work_to_min, t.on_call, t.available_for_emergency, t.rating, t.completion_rate, \
    (SELECT count(*) FROM tasks AS k WHERE k.tenant = t.tenant AND k.technician = t.id AND k.technician IS NOT NULL AND k.open = 1), \
    (SELECT k.number || ' ' || k.title FROM tasks AS k WHERE k.tenant = t.tenant AND k.technician = t.id AND k.technician IS NOT NULL \
        AND k.status = 'in_progress' ORDER BY k.started_at DESC LIMIT 1), \
    (SELECT e.started_at FROM time_entries AS e WHERE e.tenant = t.tenant AND e.technician = t.id AND e.ended_at IS NULL LIMIT 1), \
    t.version, t.updated_at";

fn whole(row: &Row<'_>, tenant: TenantId) -> rusqlite::Result<Technician> {
    let mut take = Take::new(row);
    Ok(Technician {
        id: TechnicianId(take.uuid()?),
        tenant,
        employee_id: take.text()?,
        name: take.text()?,
        email: take.opt_text()?,
        phone: take.opt_text()?,
        mobile: take.opt_text()?,
        status: take.parsed()?,
        skill_level: take.parsed()?,
        home_base: take.position()?,
        fix: {
            let at = take.position()?;
            let (accuracy_m, speed_kmh, heading_deg, device_time) = (take.get()?, take.get()?, take.get()?, take.opt_time()?);
            at.zip(device_time).map(|(at, device_time)| Fix { at, accuracy_m, speed_kmh, heading_deg, device_time })
        },
        team: take.opt_text()?,
        skills: take.json()?,
        time_zone: take.text()?,
        work_from_min: take.get()?,
        work_to_min: take.get()?,
        on_call: take.get()?,
        available_for_emergency: take.get()?,
        rating: take.get()?,
        completion_rate: take.get()?,
        open_tasks: take.get()?,
        current_task: take.opt_text()?,
        clocked_in_at: take.opt_time()?,
        version: take.get()?,
        updated_at: take.time()?,
    })
}

/// Stores a position unless a newer one is there; `true` when it was stored. The version counts what people decide, not where they are.
pub(crate) fn put_fix(conn: &Connection, tenant: i64, id: TechnicianId, fix: &Fix, now: Timestamp) -> rusqlite::Result<bool> {
    let finite = |v: Option<f64>| v.filter(|v| v.is_finite());
    let changed = conn
        .prepare_cached(
            "UPDATE technicians SET fix_lat = ?3, fix_lng = ?4, fix_accuracy_m = ?5, fix_speed_kmh = ?6, fix_heading_deg = ?7, fix_at = ?8,
                updated_at = ?9
             WHERE tenant = ?1 AND id = ?2 AND (fix_at IS NULL OR fix_at < ?8)",
        )?
        .execute(params![
            tenant,
            bytes(id.0),
            fix.at.lat,
            fix.at.lng,
            finite(fix.accuracy_m),
            finite(fix.speed_kmh),
            finite(fix.heading_deg),
            us(fix.device_time),
            us(now),
        ])?;
    Ok(changed > 0)
}

/// Reads the row as the screens do.
pub(crate) fn probe(conn: &Connection, id: [u8; 16]) -> rusqlite::Result<Option<()>> {
    let sql = format!("SELECT {WHOLE} FROM technicians AS t WHERE t.tenant = ?1 AND t.id = ?2");
    replica::probe(conn, &sql, id, |row| whole(row, TenantId(uuid::Uuid::nil())))
}

/// The technician as the screen shows it.
pub(crate) fn shown(conn: &Connection, shared: &Shared, overlay: &Overlay, id: TechnicianId) -> Result<Option<Technician>, StoreError> {
    let found = conn
        .prepare_cached(&format!("SELECT {WHOLE} FROM technicians AS t WHERE t.tenant = ?1 AND t.id = ?2"))?
        .query_row(params![shared.tenant_key, bytes(id.0)], |row| whole(row, shared.tenant))
        .optional()?;
    let Some(mut technician) = found else { return Ok(None) };
    lay_over(conn, shared, overlay, &mut technician)?;
    Ok(Some(technician))
}

fn lay_over(conn: &Connection, shared: &Shared, overlay: &Overlay, technician: &mut Technician) -> Result<(), StoreError> {
    overlay.technician(technician);
    if overlay.has_entries() {
        technician.clocked_in_at = time_entries::open_of(conn, shared, overlay, technician.id)?.map(|entry| entry.started_at);
    }
    Ok(())
}

/// What somebody is called in lists.
pub(crate) fn words(technician: &Technician) -> String {
    format!("technician {} {}", technician.employee_id, technician.name)
}

pub(crate) fn not_found(id: TechnicianId) -> StoreError {
    StoreError::NotFound { what: "technician", id: id.to_string().into() }
}

impl Store {
    /// Everybody, by name.
    pub async fn technicians(&self) -> Result<Vec<Technician>, StoreError> {
        self.read(|conn, shared| {
            let overlay = shared.overlay();
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {WHOLE} FROM technicians AS t WHERE t.tenant = ?1 ORDER BY t.name COLLATE NOCASE, t.employee_id LIMIT 10000"
            ))?;
            let mut all: Vec<Technician> =
                statement.query_map([shared.tenant_key], |row| whole(row, shared.tenant))?.collect::<Result<_, _>>()?;
            for technician in &mut all {
                lay_over(conn, shared, &overlay, technician)?;
            }
            Ok(all)
        })
        .await
    }

    pub async fn technician(&self, id: TechnicianId) -> Result<Option<Technician>, StoreError> {
        self.read(move |conn, shared| {
            let overlay = shared.overlay();
            shown(conn, shared, &overlay, id)
        })
        .await
    }

    /// A position report. Ordered by device time: a late upload never moves anyone backwards. `false` when a newer one was there.
    pub async fn technician_fix(&self, id: TechnicianId, fix: Fix) -> Result<bool, StoreError> {
        if noctule_domain::geo::LatLng::new(fix.at.lat, fix.at.lng).is_none() {
            return Err(StoreError::Refused("a position out of range".into()));
        }
        if self.is_replica() {
            let shared = self.inner.shared.clone();
            return self
                .at_desk(move |desk, side, now| {
                    let fix = Fix { device_time: codec::cut(fix.device_time), ..fix };
                    desk.transaction(side, now, |conn, seen| {
                        let technician = shown(seen.cache, &shared, seen.overlay, id)?.ok_or_else(|| not_found(id))?;
                        if technician.fix.is_some_and(|known| known.device_time >= fix.device_time) {
                            return Ok(false);
                        }
                        let by = Actor { name: technician.name.clone(), role: Role::Technician, origin: "position".into() };
                        let op = replica::op(Change::Position { technician: id, fix }, words(&technician), None);
                        replica::write(conn, side, seen, &by, op)?;
                        Ok(true)
                    })
                })
                .await;
        }
        self.write(move |tx, shared| {
            if put_fix(tx, shared.tenant_key, id, &fix, shared.now())? {
                return Ok(true);
            }
            let known: bool = tx.query_row(
                "SELECT EXISTS (SELECT 1 FROM technicians WHERE tenant = ?1 AND id = ?2)",
                params![shared.tenant_key, bytes(id.0)],
                |row| row.get(0),
            )?;
            if known { Ok(false) } else { Err(not_found(id)) }
        })
        .await
    }

    /// Says whether somebody is there, at work, on a break.
    pub async fn technician_set_status(&self, id: TechnicianId, to: TechnicianStatus, actor: Actor) -> Result<(), StoreError> {
        permitted(&actor, &[Permission::FieldWrite, Permission::OwnWrite])?;
        if self.is_replica() {
            let shared = self.inner.shared.clone();
            return self
                .at_desk(move |desk, side, now| {
                    desk.transaction(side, now, |conn, seen| {
                        let before = shown(seen.cache, &shared, seen.overlay, id)?.ok_or_else(|| not_found(id))?;
                        if before.status == to {
                            return Ok(());
                        }
                        let change = FieldChange { was: json!(before.status), new: json!(to) };
                        let change = Change::TechnicianEdit {
                            technician: id,
                            seen_version: before.version,
                            fields: [("status".to_owned(), change)].into(),
                        };
                        replica::write(conn, side, seen, &actor, replica::op(change, words(&before), None)).map(drop)
                    })
                })
                .await;
        }
        self.write(move |tx, shared| {
            let before = shown(tx, shared, &Overlay::default(), id)?.ok_or_else(|| not_found(id))?;
            if before.status == to {
                return Ok(());
            }
            tx.execute(
                "UPDATE technicians SET status = ?3, version = version + 1, updated_at = ?4 WHERE tenant = ?1 AND id = ?2",
                params![shared.tenant_key, bytes(id.0), to.word(), us(shared.now())],
            )?;
            let entry = AuditEntry {
                tenant: shared.tenant,
                at: shared.now(),
                actor: actor.name,
                origin: actor.origin,
                action: "technician-status".into(),
                target: SafeText::new(&format!("technician {} ({id})", before.employee_id)),
                operation: None,
                reason: None,
                before: json!({ "status": before.status, "version": before.version }),
                after: json!({ "status": to, "version": before.version + 1 }),
                answers: json!(null),
            };
            audit::append(tx, shared, entry)?;
            Ok(())
        })
        .await
    }
}
