//! What an op of the outbox wants, and the values of its fields, in the words of an operator. Everything from outside is cleaned here once
//! more: a value is JSON, and nobody has looked at it before.

use crate::app::Env;
use crate::panes::kit::{local, local_long};
use chrono::DateTime;
use noctule_domain::sync::{Answer, Change, OpState};
use noctule_domain::technician::Technician;
use noctule_domain::{SafeText, SubscriberId};
use serde_json::Value;

/// Longest line of a value, in bytes; longest list of lines.
const MAX_LINE: usize = 8192;
const MAX_LINES: usize = 400;

/// A line break as text from outside carries it: as it is, or made visible.
pub const BREAKS: [char; 2] = ['\n', '\u{240a}'];

/// What is wanted, without the target: `set notes, status`.
pub fn verb(change: &Change) -> String {
    match change {
        Change::TaskEdit { fields, .. } | Change::SubscriberEdit { fields, .. } | Change::TechnicianEdit { fields, .. } => {
            let names: Vec<String> = fields.keys().take(8).map(|name| field(name)).collect();
            if names.is_empty() { "change nothing".to_owned() } else { format!("set {}", names.join(", ")) }
        }
        Change::Position { .. } => "position".to_owned(),
        Change::ClockIn(entry) => format!("clock in ({})", entry.kind),
        Change::ClockOut { .. } => "clock out".to_owned(),
        Change::Lifecycle(request) => request.kind.to_string(),
        Change::Emergency(report) => match report.purpose {
            noctule_domain::lifecycle::OperationKind::Revoke => "EMERGENCY Disconnect".to_owned(),
            purpose => format!("EMERGENCY CoA {purpose}"),
        },
    }
}

pub fn is_edit(change: &Change) -> bool {
    matches!(change, Change::TaskEdit { .. } | Change::SubscriberEdit { .. } | Change::TechnicianEdit { .. })
}

/// The name of a column as somebody would say it.
pub fn field(name: &str) -> String {
    match name {
        "blocked_reason" => "reason of the block".to_owned(),
        "scheduled_at" => "planned time".to_owned(),
        "estimate_min" => "estimate in minutes".to_owned(),
        other => SafeText::bounded(&other.replace('_', " "), 40).into_string(),
    }
}

/// Fields whose two texts can stand one below the other.
pub fn is_free_text(name: &str) -> bool {
    matches!(name, "notes" | "blocked_reason" | "address")
}

pub fn text_lines(text: &str) -> Vec<String> {
    text.split(BREAKS).take(MAX_LINES).map(|line| SafeText::bounded(line, MAX_LINE).into_string()).collect()
}

/// A value, line by line.
pub fn value(name: &str, value: &Value, people: &[Technician], env: &Env<'_>) -> Vec<String> {
    match value {
        Value::Null if name == "technician" => vec!["nobody".to_owned()],
        Value::Null => vec!["nothing".to_owned()],
        Value::String(text) if text.is_empty() => vec!["nothing (an empty text)".to_owned()],
        Value::String(text) if name == "technician" => {
            let known = people.iter().find(|t| t.id.to_string() == *text);
            vec![known.map_or_else(|| format!("technician {}", SafeText::bounded(text, 40)), |t| format!("{} ({})", t.name, t.employee_id))]
        }
        Value::String(text) if name.ends_with("_at") => match DateTime::parse_from_rfc3339(text) {
            Ok(at) => vec![local_long(at.to_utc(), env)],
            Err(_) => text_lines(text),
        },
        Value::String(text) => text_lines(text),
        other => vec![SafeText::bounded(&other.to_string(), MAX_LINE).into_string()],
    }
}

/// Whose change it was and when, as far as is known: `by anna.k, 09:26`.
pub fn by(by: Option<&SafeText>, at: Option<noctule_domain::Timestamp>, env: &Env<'_>) -> String {
    match (by, at) {
        (Some(by), Some(at)) => format!("by {by}, {}", local(at, env)),
        (Some(by), None) => format!("by {by}"),
        (None, Some(at)) => format!("by somebody, {}", local(at, env)),
        (None, None) => "by somebody".to_owned(),
    }
}

/// The answer that waits to be seen, in a sentence. `None` for one that asks for a decision.
pub fn refusal(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Refused { why } => Some(format!("The centre refused it: {why}.")),
        Answer::Denied { why } => Some(format!("The centre does not allow it: {why}.")),
        Answer::Gone => Some("It is not there any more, or not for you.".to_owned()),
        Answer::Applied { .. } | Answer::Already { .. } => Some("The centre has it after all.".to_owned()),
        Answer::Conflict { .. } => None,
    }
}

pub fn state(state: OpState) -> &'static str {
    match state {
        OpState::Unsent => "waits for the centre",
        OpState::Answered => "the centre has it; it comes back with the next read",
        OpState::Done => "done",
        OpState::Conflict => "waits for your decision",
        OpState::Refused => "refused; waits until you have seen it",
    }
}

/// The subscriber that a change is about.
pub fn subscriber(change: &Change) -> Option<SubscriberId> {
    match change {
        Change::SubscriberEdit { subscriber, .. } => Some(*subscriber),
        Change::Lifecycle(request) => Some(request.subscriber),
        Change::Emergency(report) => Some(report.subscriber),
        _ => None,
    }
}

/// True when a name of a technician is needed to read it.
pub fn names_somebody(change: &Change) -> bool {
    matches!(change, Change::TaskEdit { fields, .. } if fields.contains_key("technician"))
}
