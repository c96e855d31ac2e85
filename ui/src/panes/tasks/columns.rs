//! The columns of the list of tasks, and when a task is due in words.

use super::state::TaskSort;
use crate::app::Env;
use crate::look::{Glyph, Look, Tone};
use crate::panes::kit::local;
use crate::widgets::{Cell, Column, task_badge};
use noctule_domain::task::{Priority, Task};
use noctule_domain::{Timestamp, sentence};

pub const COLUMNS: &[Column] = &[
    Column { title: "Number", min: 8, max: 12, rank: 0 },
    Column { title: "Status", min: 13, max: 13, rank: 0 },
    Column { title: "Priority", min: 9, max: 9, rank: 3 },
    Column { title: "Title", min: 14, max: 40, rank: 0 },
    Column { title: "Technician", min: 11, max: 22, rank: 2 },
    Column { title: "Due", min: 15, max: 15, rank: 1 },
    Column { title: "Type", min: 12, max: 20, rank: 5 },
    Column { title: "Address", min: 14, max: 40, rank: 4 },
];

pub fn column_of(sort: TaskSort) -> usize {
    match sort {
        TaskSort::Number => 0,
        TaskSort::Status => 1,
        TaskSort::Priority => 2,
        TaskSort::Technician => 4,
        TaskSort::Due => 5,
    }
}

/// What the filter looks at.
pub fn texts(t: &Task, now: Timestamp) -> Vec<&str> {
    let mut out = vec![t.number.as_str(), t.title.as_str(), t.task_type.word(), t.status.word(), t.priority.word()];
    out.extend([&t.technician_name, &t.subscriber_name, &t.address].into_iter().flatten().map(|s| s.as_str()));
    if t.is_overdue(now) {
        out.push("overdue");
    }
    if t.technician.is_none() {
        out.push("unassigned");
    }
    if t.unsent {
        out.push("unsent");
    }
    out
}

/// `overdue 2h10m`, `in 40m`, the planned time, when it ended.
pub fn due(t: &Task, env: &Env<'_>) -> (String, Tone) {
    if let Some(ended) = t.ended_at.filter(|_| t.status.is_ended()) {
        return (format!("ended {}", local(ended, env)), Tone::Muted);
    }
    match (t.sla_due_at, t.scheduled_at) {
        _ if t.status.is_ended() => ("-".to_owned(), Tone::Muted),
        (Some(due), _) if due < env.now => (format!("overdue {}", sentence::age((env.now - due).num_seconds())), Tone::Danger),
        (Some(due), _) => {
            let ahead = (due - env.now).num_seconds();
            (format!("in {}", sentence::age(ahead)), if ahead < 3600 { Tone::Warning } else { Tone::Text })
        }
        (None, Some(at)) => (format!("at {}", local(at, env)), Tone::Text),
        (None, None) => ("-".to_owned(), Tone::Muted),
    }
}

/// The moment whose age the due time shows.
pub fn moment(t: &Task, env: &Env<'_>) -> Option<Timestamp> {
    let due = t.sla_due_at.filter(|_| !t.status.is_ended())?;
    if due < env.now { Some(due) } else { crate::panes::kit::countdown_moment(due, env) }
}

pub fn priority_tone(priority: Priority) -> Tone {
    match priority {
        Priority::Low => Tone::Muted,
        Priority::Normal => Tone::Text,
        Priority::High => Tone::Accent,
        Priority::Critical => Tone::Warning,
        Priority::Emergency => Tone::Danger,
    }
}

pub fn cells<'a>(t: &'a Task, env: &Env<'_>, look: &Look) -> Vec<Cell<'a>> {
    let text = look.style(Tone::Text);
    let muted = look.style(Tone::Muted);
    let badge = task_badge(t.status);
    let (due, tone) = due(t, env);
    let overdue = if tone == Tone::Danger { format!("{} ", look.glyph(Glyph::Warning)) } else { String::new() };
    vec![
        vec![(t.number.as_str().into(), text)],
        vec![(format!("{} {}", look.glyph(badge.glyph), badge.word).into(), look.style(badge.tone))],
        vec![(t.priority.word().into(), look.style(priority_tone(t.priority)))],
        if t.unsent {
            vec![(format!("{} ", look.glyph(Glyph::Outbox)).into(), look.style(Tone::Info)), (t.title.as_str().into(), text)]
        } else {
            vec![(t.title.as_str().into(), text)]
        },
        vec![t.technician_name.as_ref().map_or(("nobody".into(), muted), |name| (name.as_str().into(), text))],
        vec![(format!("{overdue}{due}").into(), look.style(tone))],
        vec![(t.task_type.word().into(), muted)],
        vec![t.address.as_ref().map_or(("-".into(), muted), |a| (a.as_str().into(), text))],
    ]
}
