//! NASes, technicians and tasks of an import.

use super::{Bad, NewNas, NewTask, NewTechnician, Put, Session};
use crate::codec::{bytes, cut, json, opt_us, us};
use noctule_domain::SafeText;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params, params_from_iter};
use uuid::Uuid;

fn text(value: &Option<SafeText>) -> Value {
    value.as_ref().map_or(Value::Null, |t| Value::Text(t.as_str().to_owned()))
}

fn real(value: Option<f64>) -> Value {
    value.filter(|v| v.is_finite()).map_or(Value::Null, Value::Real)
}

fn integer(value: Option<i64>) -> Value {
    value.map_or(Value::Null, Value::Integer)
}

/// One upsert: `key` names the row, `always` is written in any case, `new_only` for a new row alone.
struct Row {
    table: &'static str,
    key: (&'static str, Value),
    id: Uuid,
    always: Vec<(&'static str, Value)>,
    new_only: Vec<(&'static str, Value)>,
    /// Tables whose rows carry a version and a time of change.
    versioned: Option<i64>,
}

impl Session<'_> {
    /// Gives the id of the row, and what became of it.
    fn upsert(&self, row: Row) -> Result<(Uuid, Put), Bad> {
        let tenant = self.shared.tenant_key;
        let collate = if row.table == "nas" { " COLLATE NOCASE" } else { "" };
        let existing: Option<[u8; 16]> = self
            .tx
            .prepare_cached(&format!("SELECT id FROM {} WHERE tenant = ?1 AND {}{collate} = ?2", row.table, row.key.0))?
            .query_row(params![tenant, row.key.1], |r| r.get(0))
            .optional()?;
        let mut values: Vec<Value> = vec![Value::Integer(tenant)];
        match existing {
            Some(id) => {
                values.push(Value::Blob(id.to_vec()));
                let (mut columns, mut marks) = (Vec::new(), Vec::new());
                for (column, value) in row.always {
                    values.push(value);
                    columns.push(column);
                    marks.push(format!("?{}", values.len()));
                }
                let (columns, marks) = (columns.join(", "), marks.join(", "));
                let version = match row.versioned {
                    Some(now) => {
                        values.push(Value::Integer(now));
                        format!(", version = version + 1, updated_at = ?{}", values.len())
                    }
                    None => String::new(),
                };
                let sql = format!(
                    "UPDATE {} SET ({columns}) = ({marks}){version} WHERE tenant = ?1 AND id = ?2 AND ({columns}) IS NOT ({marks})",
                    row.table
                );
                let changed = self.tx.prepare_cached(&sql)?.execute(params_from_iter(values))?;
                Ok((Uuid::from_bytes(id), if changed > 0 { Put::Changed } else { Put::Same }))
            }
            None => {
                let mut columns = vec!["tenant", "id", row.key.0];
                values.extend([Value::Blob(bytes(row.id).to_vec()), row.key.1]);
                for (column, value) in row.always.into_iter().chain(row.new_only).filter(|(column, _)| *column != row.key.0) {
                    columns.push(column);
                    values.push(value);
                }
                if let Some(now) = row.versioned {
                    columns.push("updated_at");
                    values.push(Value::Integer(now));
                }
                let sql = format!("INSERT INTO {} ({}) VALUES ({})", row.table, columns.join(", "), vec!["?"; values.len()].join(", "));
                self.tx.prepare_cached(&sql)?.execute(params_from_iter(values))?;
                Ok((row.id, Put::New))
            }
        }
    }
}

pub(super) fn nas(session: &mut Session<'_>, new: &NewNas) -> Result<Put, Bad> {
    if new.name.is_empty() {
        return Err(Bad::Row("the name of the NAS is empty".into()));
    }
    let (_, put) = session.upsert(Row {
        table: "nas",
        key: ("name", Value::Text(new.name.as_str().to_owned())),
        id: new.id.map_or_else(Uuid::now_v7, |id| id.0),
        always: vec![
            ("name", Value::Text(new.name.as_str().to_owned())),
            ("profile", Value::Text(new.profile.clone())),
            ("address", Value::Text(new.address.to_string())),
            ("nas_ip", new.nas_ip.map_or(Value::Null, |a| Value::Text(a.to_string()))),
            ("nas_identifier", text(&new.nas_identifier)),
            ("secret", Value::Text(new.secret.to_string())),
            ("lat", real(new.position.map(|p| p.lat))),
            ("lng", real(new.position.map(|p| p.lng))),
            ("site", text(&new.site)),
            ("enabled", Value::Integer(i64::from(new.enabled))),
        ],
        new_only: vec![],
        versioned: None,
    })?;
    session.nas.clear();
    Ok(put)
}

pub(super) fn technician(session: &mut Session<'_>, new: &NewTechnician) -> Result<Put, Bad> {
    if new.employee_id.is_empty() {
        return Err(Bad::Row("the employee id is empty".into()));
    }
    let now = session.shared.now();
    let key = Value::Text(new.employee_id.as_str().to_owned());
    let (id, put) = session.upsert(Row {
        table: "technicians",
        key: ("employee_id", key),
        id: new.id.map_or_else(Uuid::now_v7, |id| id.0),
        always: vec![
            ("name", Value::Text(new.name.as_str().to_owned())),
            ("email", text(&new.email)),
            ("phone", text(&new.phone)),
            ("mobile", text(&new.mobile)),
            ("skill_level", Value::Text(new.skill_level.word().to_owned())),
            ("home_lat", real(new.home_base.map(|p| p.lat))),
            ("home_lng", real(new.home_base.map(|p| p.lng))),
            ("team", text(&new.team)),
            ("skills", Value::Text(json(&new.skills)?)),
            ("time_zone", Value::Text(new.time_zone.as_str().to_owned())),
            ("work_from_min", Value::Integer(i64::from(new.work_from_min))),
            ("work_to_min", Value::Integer(i64::from(new.work_to_min))),
            ("on_call", Value::Integer(i64::from(new.on_call))),
            ("available_for_emergency", Value::Integer(i64::from(new.available_for_emergency))),
            ("rating", real(new.rating)),
            ("completion_rate", real(new.completion_rate)),
        ],
        new_only: vec![("status", Value::Text(new.status.word().to_owned()))],
        versioned: Some(us(now)),
    })?;
    if let Some(fix) = &new.fix {
        crate::technicians::put_fix(&session.tx, session.shared.tenant_key, noctule_domain::TechnicianId(id), fix, now)?;
    }
    Ok(put)
}

pub(super) fn task(session: &mut Session<'_>, new: &NewTask) -> Result<Put, Bad> {
    if new.number.is_empty() {
        return Err(Bad::Row("the task number is empty".into()));
    }
    let tenant = session.shared.tenant_key;
    let find = |sql: &str, name: &SafeText| -> Result<Option<[u8; 16]>, Bad> {
        Ok(session.tx.prepare_cached(sql)?.query_row(params![tenant, name.as_str()], |row| row.get(0)).optional()?)
    };
    let blob = |id: Option<[u8; 16]>| id.map_or(Value::Null, |id| Value::Blob(id.to_vec()));
    let subscriber = match &new.subscriber_number {
        Some(number) => Some(
            find("SELECT id FROM subscribers WHERE tenant = ?1 AND number COLLATE NOCASE = ?2 AND number = ?2", number)?
                .ok_or_else(|| Bad::Row(format!("there is no subscriber {number}")))?,
        ),
        None => None,
    };
    let technician = match &new.technician {
        Some(employee) => Some(
            find("SELECT id FROM technicians WHERE tenant = ?1 AND employee_id = ?2", employee)?
                .ok_or_else(|| Bad::Row(format!("there is no technician {employee}")))?,
        ),
        None => None,
    };
    let mut before = Vec::new();
    for number in &new.depends_on {
        before.push(
            find("SELECT id FROM tasks WHERE tenant = ?1 AND number = ?2", number)?
                .ok_or_else(|| Bad::Row(format!("it depends on task {number}, which is not there: put that one before it")))?,
        );
    }
    let now = session.shared.now();
    let (id, mut put) = session.upsert(Row {
        table: "tasks",
        key: ("number", Value::Text(new.number.as_str().to_owned())),
        id: new.id.map_or_else(Uuid::now_v7, |id| id.0),
        always: vec![
            ("title", Value::Text(new.title.as_str().to_owned())),
            ("task_type", Value::Text(new.task_type.word().to_owned())),
            ("priority", Value::Text(new.priority.word().to_owned())),
            ("subscriber", blob(subscriber)),
            ("address", text(&new.address)),
            ("lat", real(new.position.map(|p| p.lat))),
            ("lng", real(new.position.map(|p| p.lng))),
            ("scheduled_at", integer(opt_us(new.scheduled_at.map(cut)))),
            ("estimate_min", integer(new.estimate_min.map(i64::from))),
            ("sla_due_at", integer(opt_us(new.sla_due_at.map(cut)))),
            ("notes", text(&new.notes)),
        ],
        new_only: vec![
            ("status", Value::Text(new.status.word().to_owned())),
            ("technician", blob(technician)),
            ("blocked_reason", text(&new.blocked_reason)),
            ("started_at", integer(opt_us(new.started_at))),
            ("ended_at", integer(opt_us(new.ended_at))),
        ],
        versioned: Some(us(now)),
    })?;
    if depend(session, tenant, id, &before)? && matches!(put, Put::Same) {
        put = Put::Changed;
    }
    Ok(put)
}

/// Makes the dependencies of a task these; `true` when they were others.
fn depend(session: &Session<'_>, tenant: i64, task: Uuid, before: &[[u8; 16]]) -> Result<bool, Bad> {
    let mut wanted: Vec<[u8; 16]> = before.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let stored: Vec<[u8; 16]> = session
        .tx
        .prepare_cached("SELECT depends_on FROM task_dependencies WHERE tenant = ?1 AND task = ?2 ORDER BY depends_on")?
        .query_map(params![tenant, bytes(task)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if stored == wanted {
        return Ok(false);
    }
    if wanted.contains(&bytes(task)) {
        return Err(Bad::Row("it depends on itself".into()));
    }
    session.tx.prepare_cached("DELETE FROM task_dependencies WHERE tenant = ?1 AND task = ?2")?.execute(params![tenant, bytes(task)])?;
    for other in &wanted {
        session.tx.prepare_cached("INSERT INTO task_dependencies (tenant, task, depends_on) VALUES (?1, ?2, ?3)")?.execute(params![
            tenant,
            bytes(task),
            other
        ])?;
    }
    let circle: bool = session
        .tx
        .prepare_cached(
            "WITH RECURSIVE before (id) AS (
                SELECT depends_on FROM task_dependencies WHERE tenant = ?1 AND task = ?2
                UNION SELECT d.depends_on FROM before AS b JOIN task_dependencies AS d ON d.tenant = ?1 AND d.task = b.id
             ) SELECT EXISTS (SELECT 1 FROM before WHERE id = ?2)",
        )?
        .query_row(params![tenant, bytes(task)], |row| row.get(0))?;
    if circle {
        return Err(Bad::Row("its dependencies lead back to itself".into()));
    }
    Ok(true)
}
