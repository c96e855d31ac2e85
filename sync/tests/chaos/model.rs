//! The small model: what one op may do to one row, written from the rules and apart from the centre's SQL. A field changes only where the row
//! still holds what the operator saw, or where both texts can stand; everything else must be told in the answer.

use super::place::Login;
use super::witness::LoggedOp;
use noctule_domain::permission::Role;
use noctule_domain::sync::merge_text;
use noctule_domain::task::TaskStatus;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The fields of a row that ops change, as texts; no value: null.
pub type Fields = BTreeMap<String, Option<String>>;

pub fn fields(row: &Value, names: &[&str]) -> Fields {
    names.iter().map(|name| ((*name).to_owned(), plain(&row[*name]))).collect()
}

pub fn names(verb: &str) -> &'static [&'static str] {
    match verb {
        "task_edit" => &["status", "technician", "notes", "blocked_reason"],
        "subscriber_edit" => &["notes", "phone", "email"],
        _ => &["status", "phone", "mobile"],
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// What must follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Applied {
        fields: Fields,
        merged: BTreeSet<String>,
    },
    Already,
    /// `fields`: what the row is then, if some were applied.
    Conflict {
        collisions: BTreeMap<String, Option<String>>,
        applied: BTreeSet<String>,
        fields: Option<Fields>,
    },
    Refused,
    Gone,
}

enum How {
    Same,
    Apply(Option<String>),
    Merge(String),
    Collide,
}

fn weigh(field: &str, was: Option<&String>, new: Option<&String>, now: Option<&String>) -> How {
    if now == new {
        return How::Same;
    }
    if now == was {
        return How::Apply(new.cloned());
    }
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    match (field, new) {
        ("notes", Some(new)) => match merge_text(&text(was), new, &text(now)) {
            Some(both) if both.len() <= 2048 => How::Merge(both),
            _ => How::Collide,
        },
        _ => How::Collide,
    }
}

/// One edit of a row that is `now`. `open`: tasks that this one waits for.
pub fn edit(op: &LoggedOp, login: &Login, now: &Fields, open: usize) -> Outcome {
    if op.verb == "task_edit" && login.role == Role::Technician && now["technician"] != login.technician.map(|id| id.to_string()) {
        return Outcome::Gone;
    }
    let asked = op.change["fields"].as_object().expect("fields");
    let (mut changes, mut merged, mut collisions) = (Fields::new(), BTreeSet::new(), BTreeMap::new());
    for (field, change) in asked {
        let (was, new) = (plain(&change["was"]), plain(&change["new"]));
        let cur = now.get(field).unwrap_or_else(|| panic!("no field {field} in the model")).clone();
        let mut how = weigh(field, was.as_ref(), new.as_ref(), cur.as_ref());
        // A reason belongs to its status: when that is somebody else's now, the reason has nothing to stand on.
        if field == "blocked_reason"
            && cur != new
            && let Some(status) = asked.get("status")
            && now["status"] != plain(&status["new"])
            && now["status"] != plain(&status["was"])
        {
            how = How::Collide;
        }
        match how {
            How::Same => {}
            How::Apply(value) => drop(changes.insert(field.clone(), value)),
            How::Merge(both) => {
                merged.insert(field.clone());
                changes.insert(field.clone(), Some(both));
            }
            How::Collide => drop(collisions.insert(field.clone(), cur)),
        }
    }
    let mut after = now.clone();
    after.extend(changes.clone());
    if op.verb == "task_edit" {
        match task(op, now, &changes, open) {
            Some(derived) => after.extend(derived),
            None => return Outcome::Refused,
        }
    }
    if !collisions.is_empty() {
        let fields = (!changes.is_empty()).then_some(after);
        return Outcome::Conflict { collisions, applied: changes.into_keys().collect(), fields };
    }
    if changes.is_empty() { Outcome::Already } else { Outcome::Applied { fields: after, merged } }
}

/// What follows for status and reason; `None`: refused.
fn task(op: &LoggedOp, now: &Fields, changes: &Fields, open: usize) -> Option<Fields> {
    let status_of = |text: &Option<String>| text.as_deref().and_then(TaskStatus::from_word).expect("a status");
    let before = status_of(&now["status"]);
    let has = |field: &str| changes.contains_key(field);
    if !has("status") && !has("technician") && !has("blocked_reason") {
        return Some(Fields::new());
    }
    let technician = changes.get("technician").unwrap_or(&now["technician"]);
    let status = match (changes.get("status"), changes.get("technician")) {
        (Some(to), _) => status_of(to),
        (None, Some(Some(_))) if matches!(before, TaskStatus::Pending | TaskStatus::Ready) => TaskStatus::Assigned,
        (None, Some(None)) if before == TaskStatus::Assigned => TaskStatus::Ready,
        _ => before,
    };
    let reason = changes.get("blocked_reason").cloned().flatten();
    let known = reason.clone().or_else(|| now["blocked_reason"].clone()).or_else(|| op.reason.clone());
    let refused = (has("technician") && before.is_ended() && !has("status"))
        || (has("technician") && technician.is_none() && status == TaskStatus::InProgress)
        || (reason.is_some() && status != TaskStatus::Blocked)
        || before.change(status, technician.is_some(), open, known.as_deref()).is_err();
    if refused {
        return None;
    }
    let stands = match (status, changes.get("blocked_reason")) {
        (TaskStatus::Blocked, Some(new)) => new.clone(),
        (TaskStatus::Blocked, None) => now["blocked_reason"].clone().or_else(|| op.reason.clone()),
        (_, None) if status == before => now["blocked_reason"].clone(),
        _ => None,
    };
    Some(Fields::from([("status".to_owned(), Some(status.word().to_owned())), ("blocked_reason".to_owned(), stands)]))
}

/// Whether the answer in the centre's log is that of the model.
pub fn agrees(answer: &Value, outcome: &Outcome) -> bool {
    let list = |value: &Value| -> BTreeSet<String> {
        value.as_array().map(|list| list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()).unwrap_or_default()
    };
    match (answer["answer"].as_str().unwrap_or_default(), outcome) {
        ("applied", Outcome::Applied { merged, .. }) => list(&answer["merged"]) == *merged,
        ("already", Outcome::Already) | ("refused", Outcome::Refused) | ("gone", Outcome::Gone) => true,
        ("conflict", Outcome::Conflict { collisions, applied, .. }) => {
            let told: BTreeMap<String, Option<String>> = answer["collisions"]
                .as_array()
                .map(|list| list.iter().map(|c| (c["field"].as_str().unwrap_or_default().to_owned(), plain(&c["theirs"]))).collect())
                .unwrap_or_default();
            told == *collisions && list(&answer["applied"]) == *applied
        }
        _ => false,
    }
}
