//! Rows as the centre takes them: JSON objects with the column names of its tables. From an import (names where the centre has ids), and
//! from the local store (whole rows, with their ids, versions and times).

use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::nas::Nas;
use noctule_domain::subscriber::{Ipv6Record, Session, Subscriber};
use noctule_domain::task::Task;
use noctule_domain::technician::Technician;
use noctule_domain::{SafeText, TaskId};
use noctule_storage::{NewNas, NewSession, NewSubscriber, NewTask, NewTechnician};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

type Object = Map<String, Value>;

/// Puts the members of `more` into `row`.
fn with(mut row: Value, more: Value) -> Value {
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        row.extend(more);
    }
    row
}

fn place(position: Option<LatLng>) -> (Option<f64>, Option<f64>) {
    (position.map(|p| p.lat), position.map(|p| p.lng))
}

fn fix(fix: Option<&Fix>) -> Value {
    let mut row = Object::new();
    if let Some(fix) = fix {
        row.insert("fix_lat".into(), fix.at.lat.into());
        row.insert("fix_lng".into(), fix.at.lng.into());
        row.insert("fix_accuracy_m".into(), json!(fix.accuracy_m));
        row.insert("fix_speed_kmh".into(), json!(fix.speed_kmh));
        row.insert("fix_heading_deg".into(), json!(fix.heading_deg));
        row.insert("fix_at".into(), json!(fix.device_time));
    }
    Value::Object(row)
}

fn ipv6(record: &Ipv6Record) -> Value {
    json!({
        "state": record.state, "mode": record.mode, "enforcement": record.enforcement, "enforcement_note": record.enforcement_note,
        "prefix": record.prefix, "vrf": record.vrf, "pd_size": record.pd_size, "netbox_prefix_id": record.netbox_prefix_id,
        "hold_until": record.hold_until, "last_error": record.last_error, "allocated_at": record.allocated_at,
        "activated_at": record.activated_at, "suspended_at": record.suspended_at, "resumed_at": record.resumed_at,
        "revoked_at": record.revoked_at, "failed_at": record.failed_at, "since": record.since,
    })
}

pub fn new_subscriber(row: &NewSubscriber) -> Value {
    let (lat, lng) = place(row.position);
    let own = json!({
        "id": row.id, "number": row.subscriber_number, "username": row.username.as_str(), "full_name": row.full_name, "email": row.email,
        "phone": row.phone, "status": row.status, "service_type": row.service_type, "download_kbps": row.download_kbps,
        "upload_kbps": row.upload_kbps, "service_address": row.service_address, "lat": lat, "lng": lng, "site": row.site,
        "nas_name": row.nas, "vlan": row.vlan, "circuit_id": row.circuit_id, "remote_id": row.remote_id, "onu_serial": row.onu_serial,
        "cpe_mac": row.cpe_mac, "static_ipv4": row.static_ipv4, "balance_flag": row.balance_flag, "suspend_reason": row.suspend_reason,
        "notes": row.notes,
    });
    with(own, ipv6(&row.ipv6))
}

pub fn new_session(subscriber: &SafeText, row: &NewSession) -> Value {
    json!({
        "subscriber_number": subscriber, "nas_name": row.nas, "acct_session_id": row.acct_session_id, "framed_ipv4": row.framed_ipv4,
        "delegated_prefix": row.delegated_prefix, "started_at": row.started_at, "seen_at": row.seen_at,
    })
}

pub fn new_nas(row: &NewNas) -> Value {
    let (lat, lng) = place(row.position);
    json!({
        "id": row.id, "name": row.name, "profile": row.profile, "address": row.address, "nas_ip": row.nas_ip,
        "nas_identifier": row.nas_identifier, "secret": row.secret, "lat": lat, "lng": lng, "site": row.site, "enabled": row.enabled,
    })
}

pub fn new_technician(row: &NewTechnician) -> Value {
    let (home_lat, home_lng) = place(row.home_base);
    let own = json!({
        "id": row.id, "employee_id": row.employee_id, "name": row.name, "email": row.email, "phone": row.phone, "mobile": row.mobile,
        "status": row.status, "skill_level": row.skill_level, "home_lat": home_lat, "home_lng": home_lng, "team": row.team,
        "skills": row.skills, "time_zone": row.time_zone, "work_from_min": row.work_from_min, "work_to_min": row.work_to_min,
        "on_call": row.on_call, "available_for_emergency": row.available_for_emergency, "rating": row.rating,
        "completion_rate": row.completion_rate,
    });
    with(own, fix(row.fix.as_ref()))
}

pub fn new_task(row: &NewTask) -> Value {
    let (lat, lng) = place(row.position);
    json!({
        "id": row.id, "number": row.number, "title": row.title, "task_type": row.task_type, "status": row.status, "priority": row.priority,
        "subscriber_number": row.subscriber_number, "technician_employee_id": row.technician, "address": row.address, "lat": lat,
        "lng": lng, "scheduled_at": row.scheduled_at, "estimate_min": row.estimate_min, "sla_due_at": row.sla_due_at,
        "depends_on": row.depends_on, "notes": row.notes, "blocked_reason": row.blocked_reason, "started_at": row.started_at,
        "ended_at": row.ended_at,
    })
}

pub fn subscriber(row: &Subscriber) -> Value {
    let (lat, lng) = place(row.position);
    let own = json!({
        "id": row.id, "number": row.subscriber_number, "username": row.username.as_str(), "full_name": row.full_name, "email": row.email,
        "phone": row.phone, "status": row.status, "service_type": row.service_type, "download_kbps": row.download_kbps,
        "upload_kbps": row.upload_kbps, "service_address": row.service_address, "lat": lat, "lng": lng, "site": row.site, "nas": row.nas,
        "vlan": row.vlan, "circuit_id": row.circuit_id, "remote_id": row.remote_id, "onu_serial": row.onu_serial, "cpe_mac": row.cpe_mac,
        "static_ipv4": row.static_ipv4, "balance_flag": row.balance_flag, "suspend_reason": row.suspend_reason, "notes": row.notes,
        "version": row.version, "created_at": row.created_at, "updated_at": row.updated_at,
    });
    with(own, ipv6(&row.ipv6))
}

pub fn session(subscriber: &SafeText, row: &Session) -> Value {
    json!({
        "subscriber_number": subscriber, "nas": row.nas, "acct_session_id": row.acct_session_id, "framed_ipv4": row.framed_ipv4,
        "delegated_prefix": row.delegated_prefix, "started_at": row.started_at, "seen_at": row.seen_at,
    })
}

pub fn nas(row: &Nas) -> Value {
    let (lat, lng) = place(row.position);
    let health = &row.health;
    let round_trip = health.round_trip.and_then(|time| i64::try_from(time.as_micros()).ok());
    json!({
        "id": row.id, "name": row.name, "profile": row.profile, "address": row.address, "nas_ip": row.nas_ip,
        "nas_identifier": row.nas_identifier, "secret": row.secret, "lat": lat, "lng": lng, "site": row.site, "enabled": row.enabled,
        "reach": health.reach, "round_trip_us": round_trip, "last_answer_at": health.last_answer_at, "last_asked_at": health.last_asked_at,
        "acks": health.acks, "naks": health.naks, "timeouts": health.timeouts,
    })
}

pub fn technician(row: &Technician) -> Value {
    let (home_lat, home_lng) = place(row.home_base);
    let own = json!({
        "id": row.id, "employee_id": row.employee_id, "name": row.name, "email": row.email, "phone": row.phone, "mobile": row.mobile,
        "status": row.status, "skill_level": row.skill_level, "home_lat": home_lat, "home_lng": home_lng, "team": row.team,
        "skills": row.skills, "time_zone": row.time_zone, "work_from_min": row.work_from_min, "work_to_min": row.work_to_min,
        "on_call": row.on_call, "available_for_emergency": row.available_for_emergency, "rating": row.rating,
        "completion_rate": row.completion_rate, "version": row.version, "updated_at": row.updated_at,
    });
    with(own, fix(row.fix.as_ref()))
}

/// `numbers` names the tasks that it depends on.
pub fn task(row: &Task, numbers: &HashMap<TaskId, SafeText>) -> Value {
    let (lat, lng) = place(row.position);
    let depends: Vec<&SafeText> = row.depends_on.iter().filter_map(|id| numbers.get(id)).collect();
    json!({
        "id": row.id, "number": row.number, "title": row.title, "task_type": row.task_type, "status": row.status, "priority": row.priority,
        "subscriber": row.subscriber, "technician": row.technician, "address": row.address, "lat": lat, "lng": lng,
        "scheduled_at": row.scheduled_at, "estimate_min": row.estimate_min, "sla_due_at": row.sla_due_at, "depends_on": depends,
        "notes": row.notes, "blocked_reason": row.blocked_reason, "started_at": row.started_at, "ended_at": row.ended_at,
        "version": row.version, "updated_at": row.updated_at,
    })
}
