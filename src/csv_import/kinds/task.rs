//! A row of `import tasks`.

use crate::csv_import::Fields;
use noctule_domain::task::{Priority, Task, TaskStatus, TaskType};
use noctule_domain::{SafeText, Timestamp};
use noctule_storage::NewTask;

/// `old_depends` and `old_subscriber` are the numbers behind the identifiers of the row that is there.
pub fn task(
    f: &Fields<'_>,
    old: Option<&Task>,
    old_subscriber: Option<SafeText>,
    old_depends: Vec<SafeText>,
    now: Timestamp,
) -> Result<NewTask, String> {
    let status = f.word("status")?.unwrap_or(TaskStatus::Pending);
    let technician = f.text("technician");
    if old.is_none() && technician.is_none() && matches!(status, TaskStatus::Assigned | TaskStatus::InProgress) {
        return Err(format!("technician: is empty, but a task that is {status} needs one"));
    }
    if old.is_none() && status == TaskStatus::Blocked && f.text("notes").is_none() {
        return Err("notes: is empty, but a blocked task needs a reason".into());
    }
    Ok(NewTask {
        id: None,
        number: f.key("number")?,
        title: f.required("title")?,
        task_type: f.keep("type", f.word("type")?.unwrap_or(TaskType::Custom), old.map(|t| t.task_type)),
        status,
        priority: f.keep("priority", f.word("priority")?.unwrap_or(Priority::Normal), old.map(|t| t.priority)),
        subscriber_number: f.keep("subscriber", f.text("subscriber"), old.map(|_| old_subscriber)),
        technician,
        address: f.keep("address", f.text("address"), old.map(|t| t.address.clone())),
        position: f.keep("lat", f.position("lat", "lng")?, old.map(|t| t.position)),
        scheduled_at: f.keep("scheduled_at", f.time("scheduled_at")?, old.map(|t| t.scheduled_at)),
        estimate_min: f.keep("estimate_min", f.number("estimate_min", 0..=1_000_000)?, old.map(|t| t.estimate_min)),
        sla_due_at: f.keep("sla_due_at", f.time("sla_due_at")?, old.map(|t| t.sla_due_at)),
        depends_on: f.keep("depends_on", f.list("depends_on"), old.map(|_| old_depends)),
        notes: f.keep("notes", f.text("notes"), old.map(|t| t.notes.clone())),
        blocked_reason: f.text("notes").filter(|_| status == TaskStatus::Blocked),
        started_at: (status == TaskStatus::InProgress).then_some(now),
        ended_at: status.is_ended().then_some(now),
    })
}
