//! Field tasks: lists, guarded changes of status, assignment. Each change writes its audit record in the same transaction.

use crate::audit;
use crate::codec::{Take, bytes, us};
use crate::error::StoreError;
use crate::replica::{self, Field, Overlay, Seen};
use crate::store::{Shared, Store};
use noctule_domain::audit::AuditEntry;
use noctule_domain::lifecycle::{Actor, Refusal};
use noctule_domain::permission::Permission;
use noctule_domain::sync::{Change, FieldChange};
use noctule_domain::task::{Task, TaskRefusal, TaskStatus};
use noctule_domain::{SafeText, SubscriberId, TaskId, TechnicianId, TenantId, Timestamp, sentence};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

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

/// Reads the row as the screens do.
pub(crate) fn probe(conn: &Connection, id: [u8; 16]) -> rusqlite::Result<Option<()>> {
    let sql = format!("SELECT {WHOLE} FROM tasks AS k WHERE k.tenant = ?1 AND k.id = ?2");
    replica::probe(conn, &sql, id, |row| whole(row, TenantId(uuid::Uuid::nil())))
}

/// The task as the screen shows it: the cache, with what this operator did laid over it.
fn shown(conn: &Connection, shared: &Shared, overlay: &Overlay, id: TaskId) -> Result<Task, StoreError> {
    let mut task = load(conn, shared, id)?;
    lay_over(conn, shared, overlay, &mut task)?;
    Ok(task)
}

fn lay_over(conn: &Connection, shared: &Shared, overlay: &Overlay, task: &mut Task) -> Result<(), StoreError> {
    if !overlay.has_tasks() {
        return Ok(());
    }
    // `ready` is computed: what waited for tasks that were ended here can begin here.
    let ends = |id: &TaskId| matches!(overlay.task_status(*id), Some(TaskStatus::Completed | TaskStatus::Skipped));
    if task.status == TaskStatus::Pending
        && task.depends_on.iter().any(ends)
        && open_dependencies(conn, overlay, shared.tenant_key, task.id)? == 0
    {
        task.status = TaskStatus::Ready;
    }
    if overlay.task(task) {
        task.technician_name = name_of(conn, shared.tenant_key, task.technician)?;
    }
    Ok(())
}

/// What a task is called in lists.
fn words(task: &Task) -> String {
    format!("task {} {}", task.number, task.title)
}

/// The order of the list, for rows that something was laid over.
fn sort(tasks: &mut [Task]) {
    tasks.sort_by(|a, b| {
        let key = |t: &Task| (t.status.is_ended(), std::cmp::Reverse(t.priority), t.sla_due_at.is_none(), t.sla_due_at);
        key(a).cmp(&key(b)).then_with(|| a.number.as_str().cmp(b.number.as_str()))
    });
}

impl Store {
    /// Open tasks first, the most pressing before the others; at most 2,000.
    pub async fn tasks(&self) -> Result<Vec<Task>, StoreError> {
        self.read(|conn, shared| {
            let overlay = shared.overlay();
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
            if overlay.has_tasks() {
                for task in &mut tasks {
                    lay_over(conn, shared, &overlay, task)?;
                }
                sort(&mut tasks);
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
        if self.is_replica() {
            return self
                .edit_task(
                    id,
                    expected_version,
                    actor,
                    &[Permission::FieldWrite, Permission::OwnWrite],
                    reason.clone(),
                    move |seen, shared, before| {
                        let open = open_dependencies(seen.cache, seen.overlay, shared.tenant_key, id)?;
                        before.status.change(to, before.technician.is_some(), open, reason.as_ref().map(SafeText::as_str))?;
                        if before.status == to {
                            return Ok(Vec::new());
                        }
                        let blocked = (to == TaskStatus::Blocked).then(|| reason.as_ref().map(|r| r.as_str().to_owned())).flatten();
                        Ok(vec![("status", json!(before.status), json!(to)), ("blocked_reason", Value::Null, json!(blocked))])
                    },
                )
                .await;
        }
        self.write(move |tx, shared| {
            permitted(&actor, &[Permission::FieldWrite, Permission::OwnWrite])?;
            let before = load(tx, shared, id)?;
            let open = open_dependencies(tx, &Overlay::default(), shared.tenant_key, id)?;
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
        if self.is_replica() {
            return self
                .edit_task(id, expected_version, actor, &[Permission::FieldWrite], None, move |seen, shared, before| {
                    if before.technician == technician {
                        return Ok(Vec::new());
                    }
                    let to = assigned(seen.cache, seen.overlay, shared, before, technician)?;
                    Ok(vec![("technician", json!(before.technician), json!(technician)), ("status", json!(before.status), json!(to))])
                })
                .await;
        }
        self.write(move |tx, shared| {
            permitted(&actor, &[Permission::FieldWrite])?;
            let before = load(tx, shared, id)?;
            if before.technician == technician {
                return Ok(before);
            }
            fresh(&before, expected_version)?;
            let to = assigned(tx, &Overlay::default(), shared, &before, technician)?;
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

    /// Writes the notes of a task, or clears them. Gives the task as it is then.
    pub async fn task_set_notes(
        &self,
        id: TaskId,
        expected_version: Option<i64>,
        notes: Option<SafeText>,
        actor: Actor,
    ) -> Result<Task, StoreError> {
        let needs = [Permission::FieldWrite, Permission::OwnWrite];
        if self.is_replica() {
            return self
                .edit_task(id, expected_version, actor, &needs, None, move |_, _, _| {
                    Ok(vec![("notes", Value::Null, replica::typed(notes.as_ref()))])
                })
                .await;
        }
        self.write(move |tx, shared| {
            permitted(&actor, &needs)?;
            let before = load(tx, shared, id)?;
            let new = replica::typed(notes.as_ref());
            let changed = tx.execute(
                "UPDATE tasks SET notes = ?3, version = version + 1, updated_at = ?4 WHERE tenant = ?1 AND id = ?2 AND notes IS NOT ?3",
                params![shared.tenant_key, bytes(id.0), new.as_str(), us(shared.now())],
            )?;
            if changed == 0 {
                return Ok(before);
            }
            fresh(&before, expected_version)?;
            let after = load(tx, shared, id)?;
            let mut entry = entry(shared, &actor, "task-notes", &before, &after, None);
            entry.before = json!({ "notes": before.notes, "version": before.version });
            entry.after = json!({ "notes": after.notes, "version": after.version });
            audit::append(tx, shared, entry)?;
            Ok(after)
        })
        .await
    }

    /// A change of a task in a copy: `what` gives fields with the value before (which counts for words of ours alone; texts are taken
    /// whole from what is stored or laid over) and after. Durable in the outbox when it returns.
    async fn edit_task<F>(
        &self,
        id: TaskId,
        expected_version: Option<i64>,
        actor: Actor,
        needs: &[Permission],
        reason: Option<SafeText>,
        what: F,
    ) -> Result<Task, StoreError>
    where
        F: FnOnce(&Seen<'_>, &Shared, &Task) -> Result<Vec<(&'static str, Value, Value)>, StoreError> + Send + 'static,
    {
        permitted(&actor, needs)?;
        let shared = self.inner.shared.clone();
        self.at_desk(move |desk, side, now| {
            desk.transaction(side, now, |conn, seen| {
                let before = shown(seen.cache, &shared, seen.overlay, id)?;
                let changes = what(seen, &shared, &before)?;
                let mut fields = BTreeMap::new();
                for (name, was, new) in changes {
                    if was.is_null() {
                        replica::put(&mut fields, seen, Field::Task(id, name), new)?;
                    } else if was != new {
                        fields.insert(name.to_owned(), FieldChange { was, new });
                    }
                }
                if fields.is_empty() {
                    return Ok(before);
                }
                fresh(&before, expected_version)?;
                let change = Change::TaskEdit { task: id, seen_version: before.version, fields };
                let laid = replica::write(conn, side, seen, &actor, replica::op(change, words(&before), reason))?;
                let mut after = before;
                if laid.task(&mut after) {
                    after.technician_name = name_of(seen.cache, shared.tenant_key, after.technician)?;
                }
                Ok(after)
            })
        })
        .await
    }
}

fn name_of(conn: &Connection, tenant: i64, technician: Option<TechnicianId>) -> rusqlite::Result<Option<SafeText>> {
    let Some(id) = technician else { return Ok(None) };
    conn.prepare_cached("SELECT name FROM technicians WHERE tenant = ?1 AND id = ?2")?
        .query_row(params![tenant, bytes(id.0)], |row| Take::new(row).text())
        .optional()
}

/// The status that a task has when it is given to `technician`, if it may be.
fn assigned(
    conn: &Connection,
    overlay: &Overlay,
    shared: &Shared,
    before: &Task,
    technician: Option<TechnicianId>,
) -> Result<TaskStatus, StoreError> {
    if before.status.is_ended() {
        return Err(StoreError::Refused(format!("a task that is {} is not assigned any more", before.status).into()));
    }
    let to = match (technician, before.status) {
        (Some(_), TaskStatus::Pending | TaskStatus::Ready) => TaskStatus::Assigned,
        (None, TaskStatus::Assigned) => TaskStatus::Ready,
        (None, to @ TaskStatus::InProgress) => return Err(TaskRefusal::NoTechnician { to }.into()),
        (_, same) => same,
    };
    before.status.change(to, technician.is_some(), open_dependencies(conn, overlay, shared.tenant_key, before.id)?, None)?;
    if let Some(technician) = technician {
        let known: bool = conn.query_row(
            "SELECT EXISTS (SELECT 1 FROM technicians WHERE tenant = ?1 AND id = ?2)",
            params![shared.tenant_key, bytes(technician.0)],
            |row| row.get(0),
        )?;
        if !known {
            return Err(StoreError::NotFound { what: "technician", id: technician.to_string().into() });
        }
    }
    Ok(to)
}

pub(crate) fn permitted(actor: &Actor, any_of: &[Permission]) -> Result<(), StoreError> {
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

/// Tasks that this one depends on and that are not ended, as the screen shows them.
fn open_dependencies(conn: &Connection, overlay: &Overlay, tenant: i64, id: TaskId) -> rusqlite::Result<usize> {
    let mut statement = conn.prepare_cached(
        "SELECT k.id, k.open FROM task_dependencies AS d JOIN tasks AS k ON k.tenant = d.tenant AND k.id = d.depends_on
         WHERE d.tenant = ?1 AND d.task = ?2",
    )?;
    let rows = statement.query_map(params![tenant, bytes(id.0)], |row| Ok((Take::new(row).uuid()?, row.get::<_, bool>(1)?)))?;
    let mut open = 0;
    for row in rows {
        let (id, stored) = row?;
        open += usize::from(overlay.task_status(TaskId(id)).map_or(stored, |status| !status.is_ended()));
    }
    Ok(open)
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
        if open_dependencies(tx, &Overlay::default(), tenant, id)? == 0 {
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
    audit::append(tx, shared, entry(shared, actor, action, before, after, reason))?;
    Ok(())
}

fn entry(shared: &Shared, actor: &Actor, action: &str, before: &Task, after: &Task, reason: Option<SafeText>) -> AuditEntry {
    let what = |task: &Task| json!({ "status": task.status, "technician": task.technician, "version": task.version });
    AuditEntry {
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
    }
}
