//! Field tasks: lists, guarded changes of status, assignment. Each change writes its audit record in the same transaction.

use crate::audit;
use crate::codec::{Take, bytes, us};
use crate::error::StoreError;
use crate::store::{Shared, Store};
use noctule_domain::audit::AuditEntry;
use noctule_domain::lifecycle::{Actor, Refusal};
use noctule_domain::permission::Permission;
use noctule_domain::task::{Task, TaskRefusal, TaskStatus};
use noctule_domain::{SafeText, SubscriberId, TaskId, TechnicianId, TenantId, Timestamp, sentence};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;
use std::collections::HashMap;

/// Longest list.
const MAX: usize = 2000;

const WHOLE: &str = "k.id, k.number, k.title, k.task_type, k.status, k.priority, k.subscriber, \
    (SELECT CASE s.full_name WHEN '' THEN s.number ELSE s.full_name END FROM subscribers AS s WHERE s.tenant = k.tenant AND s.id = k.subscriber), \
    k.technician, (SELECT t.name FROM technicians AS t WHERE t.tenant = k.tenant AND t.id = k.technician), \
    k.address, k.lat, k.lng, k.scheduled_at, k.estimate_min, k.sla_due_at, k.notes, k.blocked_reason, k.started_at, k.ended_at, k.version, \
    k.updated_at";

/// The dependencies are put in afterwards.
fn whole(row: &Row<'_>, tenant: TenantId) -> rusqlite::Result<Task> {
    let mut take = Take::new(row);
    Ok(Task {
        id: TaskId(take.uuid()?),
        tenant,
        number: take.text()?,
        title: take.text()?,
        task_type: take.parsed()?,
        status: take.parsed()?,
        priority: take.parsed()?,
        subscriber: take.opt_uuid()?.map(SubscriberId),
        subscriber_name: take.opt_text()?,
        technician: take.opt_uuid()?.map(TechnicianId),
        technician_name: take.opt_text()?,
        address: take.opt_text()?,
        position: take.position()?,
        scheduled_at: take.opt_time()?,
        estimate_min: take.get()?,
        sla_due_at: take.opt_time()?,
        depends_on: Vec::new(),
        notes: take.opt_text()?,
        blocked_reason: take.opt_text()?,
        started_at: take.opt_time()?,
        ended_at: take.opt_time()?,
        version: take.get()?,
        updated_at: take.time()?,
        unsent: false,
    })
}

fn load(conn: &Connection, shared: &Shared, id: TaskId) -> Result<Task, StoreError> {
    let found = conn
        .prepare_cached(&format!("SELECT {WHOLE} FROM tasks AS k WHERE k.tenant = ?1 AND k.id = ?2"))?
        .query_row(params![shared.tenant_key, bytes(id.0)], |row| whole(row, shared.tenant))
        .optional()?;
    let mut task = found.ok_or_else(|| StoreError::NotFound { what: "task", id: id.to_string().into() })?;
    task.depends_on = conn
        .prepare_cached("SELECT depends_on FROM task_dependencies WHERE tenant = ?1 AND task = ?2 ORDER BY depends_on")?
        .query_map(params![shared.tenant_key, bytes(id.0)], |row| Take::new(row).uuid().map(TaskId))?
        .collect::<Result<_, _>>()?;
    Ok(task)
}

impl Store {
    /// Open tasks first, the most pressing before the others; at most 2,000.
    pub async fn tasks(&self) -> Result<Vec<Task>, StoreError> {
        self.read(|conn, shared| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {WHOLE} FROM tasks AS k WHERE k.tenant = ?1
                 ORDER BY k.open DESC, CASE k.priority WHEN 'emergency' THEN 0 WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'normal' THEN 3 ELSE 4 END,
                    k.sla_due_at IS NULL, k.sla_due_at, k.number LIMIT {MAX}"
            ))?;
            let mut tasks: Vec<Task> =
                statement.query_map([shared.tenant_key], |row| whole(row, shared.tenant))?.collect::<Result<_, _>>()?;
            let mut before: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
            let mut dependencies =
                conn.prepare_cached("SELECT task, depends_on FROM task_dependencies WHERE tenant = ?1 ORDER BY task, depends_on LIMIT 100000")?;
            let mut rows = dependencies.query([shared.tenant_key])?;
            while let Some(row) = rows.next()? {
                let mut take = Take::new(row);
                before.entry(TaskId(take.uuid()?)).or_default().push(TaskId(take.uuid()?));
            }
            for task in &mut tasks {
                task.depends_on = before.remove(&task.id).unwrap_or_default();
            }
            Ok(tasks)
        })
        .await
    }

    /// Changes the status, as the domain allows. `reason` is needed for `blocked`. Gives the task as it is then.
    pub async fn task_set_status(
        &self,
        id: TaskId,
        to: TaskStatus,
        expected_version: Option<i64>,
        reason: Option<SafeText>,
        actor: Actor,
    ) -> Result<Task, StoreError> {
        self.write(move |tx, shared| {
            permitted(&actor, &[Permission::FieldWrite, Permission::OwnWrite])?;
            let before = load(tx, shared, id)?;
            let open = open_dependencies(tx, shared.tenant_key, id)?;
            before.status.change(to, before.technician.is_some(), open, reason.as_ref().map(SafeText::as_str))?;
            if before.status == to {
                return Ok(before);
            }
            fresh(&before, expected_version)?;
            let now = shared.now();
            set_status(tx, shared.tenant_key, &before, to, reason.as_ref(), now)?;
            if matches!(to, TaskStatus::Completed | TaskStatus::Skipped) {
                make_ready(tx, shared.tenant_key, id, now)?;
            }
            let after = load(tx, shared, id)?;
            record(tx, shared, &actor, "task-status", &before, &after, reason)?;
            Ok(after)
        })
        .await
    }

    /// Gives the task to somebody, or to nobody. A task that waits becomes `assigned`, and `ready` again when it is taken away.
    pub async fn task_assign(
        &self,
        id: TaskId,
        technician: Option<TechnicianId>,
        expected_version: Option<i64>,
        actor: Actor,
    ) -> Result<Task, StoreError> {
        self.write(move |tx, shared| {
            permitted(&actor, &[Permission::FieldWrite])?;
            let before = load(tx, shared, id)?;
            if before.technician == technician {
                return Ok(before);
            }
            fresh(&before, expected_version)?;
            if before.status.is_ended() {
                return Err(StoreError::Refused(format!("a task that is {} is not assigned any more", before.status).into()));
            }
            let to = match (technician, before.status) {
                (Some(_), TaskStatus::Pending | TaskStatus::Ready) => TaskStatus::Assigned,
                (None, TaskStatus::Assigned) => TaskStatus::Ready,
                (None, to @ TaskStatus::InProgress) => return Err(TaskRefusal::NoTechnician { to }.into()),
                (_, same) => same,
            };
            before.status.change(to, technician.is_some(), open_dependencies(tx, shared.tenant_key, id)?, None)?;
            if let Some(technician) = technician {
                let known: bool = tx.query_row(
                    "SELECT EXISTS (SELECT 1 FROM technicians WHERE tenant = ?1 AND id = ?2)",
                    params![shared.tenant_key, bytes(technician.0)],
                    |row| row.get(0),
                )?;
                if !known {
                    return Err(StoreError::NotFound { what: "technician", id: technician.to_string().into() });
                }
            }
            tx.execute(
                "UPDATE tasks SET technician = ?3, status = ?4, version = version + 1, updated_at = ?5 WHERE tenant = ?1 AND id = ?2",
                params![shared.tenant_key, bytes(id.0), technician.map(|t| bytes(t.0)), to.word(), us(shared.now())],
            )?;
            let after = load(tx, shared, id)?;
            record(tx, shared, &actor, "task-assign", &before, &after, None)?;
            Ok(after)
        })
        .await
    }
}

fn permitted(actor: &Actor, any_of: &[Permission]) -> Result<(), StoreError> {
    if any_of.iter().any(|p| actor.role.allows(*p)) {
        return Ok(());
    }
    let refusal = Refusal::NotPermitted { role: actor.role, needs: any_of.first().copied().unwrap_or(Permission::FieldWrite) };
    Err(StoreError::Refused(sentence::refusal(&refusal).into()))
}

fn fresh(task: &Task, expected_version: Option<i64>) -> Result<(), StoreError> {
    match expected_version {
        Some(expected) if expected != task.version => Err(StoreError::StaleVersion { expected, found: task.version }),
        _ => Ok(()),
    }
}

fn open_dependencies(conn: &Connection, tenant: i64, id: TaskId) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "SELECT count(*) FROM task_dependencies AS d JOIN tasks AS k ON k.tenant = d.tenant AND k.id = d.depends_on
         WHERE d.tenant = ?1 AND d.task = ?2 AND k.open = 1",
    )?
    .query_row(params![tenant, bytes(id.0)], |row| row.get::<_, u32>(0))
    .map(|n| n as usize)
}

fn set_status(
    tx: &Transaction<'_>,
    tenant: i64,
    before: &Task,
    to: TaskStatus,
    reason: Option<&SafeText>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let started = match to {
        TaskStatus::InProgress => before.started_at.or(Some(now)),
        // Begun anew after a failure.
        TaskStatus::Ready => None,
        _ => before.started_at,
    };
    let ended = to.is_ended().then_some(now);
    let blocked = (to == TaskStatus::Blocked).then_some(reason).flatten();
    tx.prepare_cached(
        "UPDATE tasks SET status = ?3, started_at = ?4, ended_at = ?5, blocked_reason = ?6, version = version + 1, updated_at = ?7
         WHERE tenant = ?1 AND id = ?2",
    )?
    .execute(params![
        tenant,
        bytes(before.id.0),
        to.word(),
        started.map(us),
        ended.map(us),
        blocked.map(SafeText::as_str),
        us(now),
    ])?;
    Ok(())
}

/// `ready` is computed: what waited for this task alone can begin.
fn make_ready(tx: &Transaction<'_>, tenant: i64, ended: TaskId, now: Timestamp) -> rusqlite::Result<()> {
    let waiting: Vec<TaskId> = tx
        .prepare_cached(
            "SELECT d.task FROM task_dependencies AS d JOIN tasks AS k ON k.tenant = d.tenant AND k.id = d.task
             WHERE d.tenant = ?1 AND d.depends_on = ?2 AND k.status = 'pending'",
        )?
        .query_map(params![tenant, bytes(ended.0)], |row| Take::new(row).uuid().map(TaskId))?
        .collect::<Result<_, _>>()?;
    for id in waiting {
        if open_dependencies(tx, tenant, id)? == 0 {
            tx.prepare_cached("UPDATE tasks SET status = 'ready', version = version + 1, updated_at = ?3 WHERE tenant = ?1 AND id = ?2")?
                .execute(params![tenant, bytes(id.0), us(now)])?;
        }
    }
    Ok(())
}

fn record(
    tx: &Transaction<'_>,
    shared: &Shared,
    actor: &Actor,
    action: &str,
    before: &Task,
    after: &Task,
    reason: Option<SafeText>,
) -> Result<(), StoreError> {
    let what = |task: &Task| json!({ "status": task.status, "technician": task.technician, "version": task.version });
    let entry = AuditEntry {
        tenant: shared.tenant,
        at: shared.now(),
        actor: actor.name.clone(),
        origin: actor.origin.clone(),
        action: action.to_owned(),
        target: SafeText::new(&format!("task {} ({})", before.number, before.id)),
        operation: None,
        reason,
        before: what(before),
        after: what(after),
        answers: json!(null),
    };
    audit::append(tx, shared, entry)?;
    Ok(())
}
