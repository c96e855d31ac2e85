//! The columns of the list of operations.

use crate::app::Env;
use crate::look::{Look, Tone};
use crate::panes::kit::countdown;
use crate::widgets::{Cell, Column, age, operation_badge};
use noctule_domain::lifecycle::{OperationRow, OperationStatus};

pub const COLUMNS: &[Column] = &[
    Column { title: "Status", min: 12, max: 12, rank: 0 },
    Column { title: "Kind", min: 8, max: 8, rank: 0 },
    Column { title: "Number", min: 9, max: 12, rank: 0 },
    Column { title: "Subscriber", min: 10, max: 30, rank: 0 },
    Column { title: "Step", min: 18, max: 24, rank: 2 },
    Column { title: "Next try", min: 8, max: 8, rank: 1 },
    Column { title: "Age", min: 6, max: 6, rank: 1 },
    Column { title: "By", min: 6, max: 14, rank: 4 },
    Column { title: "Trouble", min: 12, max: 80, rank: 3 },
];

/// What the filter looks at.
pub fn texts(row: &OperationRow) -> Vec<&str> {
    let mut out =
        vec![row.status.word(), row.kind.word(), row.subscriber_number.as_str(), row.subscriber_name.as_str(), row.actor.as_str()];
    out.extend(row.step.map(|s| s.word()));
    out.extend(row.error.as_ref().map(|e| e.as_str()));
    out
}

/// Number and name, as the board and the notices say it.
pub fn who(row: &OperationRow) -> String {
    if row.subscriber_number == row.subscriber_name || row.subscriber_number.is_empty() {
        return row.subscriber_name.to_string();
    }
    format!("{} {}", row.subscriber_number, row.subscriber_name)
}

/// `2/3 nas_disconnect`, with the number of tries when it is not the first.
pub fn step(row: &OperationRow) -> String {
    let Some(step) = row.step else { return "-".to_owned() };
    let tries = if row.attempts > 1 { format!(" x{}", row.attempts) } else { String::new() };
    format!("{}/{} {step}{tries}", (row.step_index + 1).min(row.steps.max(1)), row.steps)
}

pub fn cells<'a>(row: &'a OperationRow, env: &Env<'_>, look: &Look) -> Vec<Cell<'a>> {
    let text = look.style(Tone::Text);
    let muted = look.style(Tone::Muted);
    let badge = operation_badge(row.status);
    let next = match row.retry_at.filter(|_| row.status == OperationStatus::Waiting) {
        Some(at) => (countdown(at, env), Tone::Warning),
        None => ("-".to_owned(), Tone::Muted),
    };
    let since = row.ended_at.unwrap_or(row.requested_at);
    vec![
        vec![(format!("{} {}", look.glyph(badge.glyph), badge.word).into(), look.style(badge.tone))],
        vec![(row.kind.word().into(), text)],
        vec![(row.subscriber_number.as_str().into(), text)],
        vec![(row.subscriber_name.as_str().into(), text)],
        vec![(step(row).into(), if row.status.is_open() { text } else { muted })],
        vec![(next.0.into(), look.style(next.1))],
        vec![(format!("{:>6}", age(since, env.now)).into(), muted)],
        vec![(row.actor.as_str().into(), muted)],
        vec![(row.error.as_ref().map_or("", |e| e.as_str()).into(), if row.status.is_open() { muted } else { look.style(badge.tone) })],
    ]
}
