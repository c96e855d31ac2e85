//! One row of each export as cells, in the order of the columns of the import.

use chrono::SecondsFormat;
use noctule_domain::audit::AuditRecord;
use noctule_domain::geo::LatLng;
use noctule_domain::lifecycle::OperationRow;
use noctule_domain::nas::Nas;
use noctule_domain::subscriber::Subscriber;
use noctule_domain::task::Task;
use noctule_domain::technician::Technician;
use noctule_domain::{SafeText, TaskId, TechnicianId, Timestamp};
use std::collections::{HashMap, HashSet};

pub(super) const OPERATION: &[&str] =
    &["id", "subscriber", "kind", "status", "actor", "step", "attempts", "requested_at", "retry_at", "ended_at", "error"];
pub(super) const AUDIT: &[&str] =
    &["seq", "at", "actor", "origin", "action", "target", "operation", "reason", "before", "after", "answers", "previous", "hash"];

fn opt(value: Option<impl ToString>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn yes_no(value: bool) -> String {
    if value { "yes".into() } else { "no".into() }
}

fn lat(position: Option<LatLng>) -> String {
    opt(position.map(|p| p.lat))
}

fn lng(position: Option<LatLng>) -> String {
    opt(position.map(|p| p.lng))
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(";")
}

pub(super) fn subscriber(s: &Subscriber, nas: Option<&SafeText>, session_nas: Option<&SafeText>) -> Vec<String> {
    let session = s.session.as_ref();
    let state = s.ipv6.state;
    vec![
        s.subscriber_number.to_string(),
        s.username.to_string(),
        s.full_name.to_string(),
        opt(s.email.as_ref()),
        opt(s.phone.as_ref()),
        s.status.to_string(),
        opt(s.service_type.as_ref()),
        opt(s.download_kbps),
        opt(s.upload_kbps),
        opt(s.service_address.as_ref()),
        lat(s.position),
        lng(s.position),
        opt(s.site.as_ref()),
        opt(nas),
        opt(s.vlan),
        opt(s.circuit_id.as_ref()),
        opt(s.remote_id.as_ref()),
        opt(s.onu_serial.as_ref()),
        opt(s.cpe_mac.as_ref()),
        opt(s.static_ipv4),
        s.ipv6.mode.to_string(),
        opt(s.ipv6.pd_size),
        state.to_string(),
        opt(s.ipv6.prefix),
        opt(session.map(|s| &s.acct_session_id)),
        opt(session_nas),
        opt(session.and_then(|s| s.framed_ipv4)),
        yes_no(s.balance_flag),
        opt(s.suspend_reason.as_ref()),
        opt(s.notes.as_ref()),
    ]
}

/// The reference of the secret, never the secret.
pub(super) fn nas(n: &Nas) -> Vec<String> {
    vec![
        n.name.to_string(),
        n.address.to_string(),
        n.secret.to_string(),
        n.profile.clone(),
        opt(n.nas_ip),
        opt(n.nas_identifier.as_ref()),
        lat(n.position),
        lng(n.position),
        opt(n.site.as_ref()),
        yes_no(n.enabled),
    ]
}

pub(super) fn technician(t: &Technician) -> Vec<String> {
    vec![
        t.employee_id.to_string(),
        t.name.to_string(),
        opt(t.email.as_ref()),
        opt(t.phone.as_ref()),
        opt(t.mobile.as_ref()),
        t.status.to_string(),
        t.skill_level.to_string(),
        lat(t.home_base),
        lng(t.home_base),
        opt(t.team.as_ref()),
        list(&t.skills),
        t.time_zone.to_string(),
        clock(t.work_from_min),
        clock(t.work_to_min),
        yes_no(t.on_call),
        yes_no(t.available_for_emergency),
        opt(t.rating),
        opt(t.completion_rate),
    ]
}

pub(super) fn task(
    t: &Task,
    subscriber: Option<SafeText>,
    technicians: &HashMap<TechnicianId, SafeText>,
    numbers: &HashMap<TaskId, SafeText>,
) -> Vec<String> {
    vec![
        t.number.to_string(),
        t.title.to_string(),
        t.task_type.to_string(),
        t.status.to_string(),
        t.priority.to_string(),
        opt(subscriber),
        opt(t.technician.and_then(|id| technicians.get(&id))),
        opt(t.address.as_ref()),
        lat(t.position),
        lng(t.position),
        opt(t.scheduled_at.map(time)),
        opt(t.estimate_min),
        opt(t.sla_due_at.map(time)),
        list(t.depends_on.iter().filter_map(|id| numbers.get(id))),
        opt(t.notes.as_ref()),
    ]
}

/// Tasks with each after those that it depends on; those in a circle, which there should not be, at the end.
pub(super) fn in_order(tasks: &[Task]) -> Vec<&Task> {
    let known: HashSet<TaskId> = tasks.iter().map(|task| task.id).collect();
    let (mut done, mut ordered) = (HashSet::new(), Vec::with_capacity(tasks.len()));
    let mut left: Vec<&Task> = tasks.iter().collect();
    while !left.is_empty() {
        let free = |task: &Task, done: &HashSet<TaskId>| task.depends_on.iter().all(|id| done.contains(id) || !known.contains(id));
        let before = left.len();
        left.retain(|task| {
            let goes = free(task, &done);
            if goes {
                done.insert(task.id);
                ordered.push(*task);
            }
            !goes
        });
        if left.len() == before {
            ordered.append(&mut left);
        }
    }
    ordered
}

pub(super) fn operation(row: &OperationRow) -> Vec<String> {
    vec![
        row.id.to_string(),
        row.subscriber_number.to_string(),
        row.kind.to_string(),
        row.status.to_string(),
        row.actor.to_string(),
        opt(row.step),
        row.attempts.to_string(),
        time(row.requested_at),
        opt(row.retry_at.map(time)),
        opt(row.ended_at.map(time)),
        opt(row.error.as_ref()),
    ]
}

pub(super) fn audit(record: &AuditRecord) -> Vec<String> {
    let entry = &record.entry;
    vec![
        record.seq.to_string(),
        time(entry.at),
        entry.actor.to_string(),
        entry.origin.to_string(),
        entry.action.clone(),
        entry.target.to_string(),
        opt(entry.operation),
        opt(entry.reason.as_ref()),
        entry.before.to_string(),
        entry.after.to_string(),
        entry.answers.to_string(),
        record.previous.clone(),
        record.hash.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::cli::ImportKind;
    use crate::csv_import::columns;

    #[test]
    fn the_columns_stand_in_the_order_of_the_import() {
        // The rows above are written by hand in this order: when a column is added there, this test asks for it here.
        let wanted = |kind| columns(kind).iter().map(|c| c.name).collect::<Vec<_>>().join(",");
        assert_eq!(wanted(ImportKind::Nas), "name,address,secret,profile,nas_ip,nas_identifier,lat,lng,site,enabled");
        assert_eq!(columns(ImportKind::Subscribers).len(), 30);
        assert_eq!(columns(ImportKind::Technicians).len(), 18);
        assert_eq!(columns(ImportKind::Tasks).len(), 15);
    }
}
