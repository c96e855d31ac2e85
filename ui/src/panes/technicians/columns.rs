//! The columns of the list of technicians, and the age of a position in words.

use crate::app::Env;
use crate::look::{Look, Tone};
use crate::widgets::{Cell, Column, age as age_of, technician_badge};
use noctule_domain::geo::Fix;
use noctule_domain::technician::{FixAge, Technician};
use noctule_domain::{Timestamp, sentence};

pub const COLUMNS: &[Column] = &[
    Column { title: "Name", min: 15, max: 28, rank: 0 },
    Column { title: "Status", min: 13, max: 13, rank: 0 },
    Column { title: "Skill", min: 12, max: 12, rank: 5 },
    Column { title: "Task", min: 13, max: 30, rank: 2 },
    Column { title: "Open", min: 4, max: 4, rank: 3 },
    Column { title: "Position", min: 11, max: 11, rank: 1 },
    Column { title: "Call", min: 4, max: 4, rank: 4 },
    Column { title: "Team", min: 8, max: 16, rank: 6 },
    Column { title: "At work", min: 7, max: 7, rank: 7 },
];

/// Which column shows the order.
pub fn column_of(sort: super::state::TechnicianSort) -> usize {
    use super::state::TechnicianSort as S;
    match sort {
        S::Name => 0,
        S::Status => 1,
        S::Skill => 2,
        S::Tasks => 4,
        S::Position => 5,
        S::Team => 7,
    }
}

/// What the filter looks at.
pub fn texts(t: &Technician) -> Vec<&str> {
    let mut out = vec![t.name.as_str(), t.employee_id.as_str(), t.status.word(), t.skill_level.word()];
    out.extend([&t.team, &t.current_task, &t.mobile, &t.phone, &t.email].into_iter().flatten().map(|s| s.as_str()));
    out.extend(t.skills.iter().map(|s| s.as_str()));
    if t.on_call {
        out.push("on_call");
    }
    if t.available_for_emergency {
        out.push("emergency");
    }
    if t.clocked_in_at.is_some() {
        out.push("clocked_in");
    }
    if t.fix.is_none() {
        out.push("no_position");
    }
    out
}

/// The age of a position as a word, with the time beside it once it is not fresh.
pub fn position(fix: Option<&Fix>, now: Timestamp) -> (String, Tone) {
    let Some(fix) = fix else { return ("none".to_owned(), Tone::Muted) };
    let age = sentence::age((now - fix.device_time).num_seconds());
    match fix.age(now) {
        FixAge::Fresh => ("fresh".to_owned(), Tone::Good),
        FixAge::Over2Min => (format!("{age} old"), Tone::Warning),
        FixAge::Over15Min => (format!("{age} stale"), Tone::Stale),
        FixAge::Lost => (format!("lost {age}"), Tone::Danger),
    }
}

/// The moment whose age is on the screen: not that of a fresh position, which would draw a frame every second for one word.
pub fn moment(fix: &Fix, env: &Env<'_>) -> Option<Timestamp> {
    match (env.now - fix.device_time).num_seconds() {
        ..=119 => None,
        // It has just lost its freshness: the age in minutes alone would show it later.
        120..=122 => Some(env.now - chrono::Duration::seconds(1)),
        _ => Some(fix.device_time),
    }
}

pub fn cells<'a>(t: &'a Technician, env: &Env<'_>, look: &Look) -> Vec<Cell<'a>> {
    let text = look.style(Tone::Text);
    let muted = look.style(Tone::Muted);
    let badge = technician_badge(t.status);
    let (age, tone) = position(t.fix.as_ref(), env.now);
    let (call, call_tone) = if t.on_call { ("yes", Tone::Accent) } else { ("", Tone::Muted) };
    vec![
        vec![(t.name.as_str().into(), text)],
        vec![(look.glyph(badge.glyph).into(), look.style(badge.tone)), (format!(" {}", badge.word).into(), look.style(badge.tone))],
        vec![(t.skill_level.word().into(), text)],
        vec![t.current_task.as_ref().map_or(("-".into(), muted), |task| (task.as_str().into(), text))],
        vec![(format!("{:>4}", t.open_tasks).into(), if t.open_tasks == 0 { muted } else { text })],
        vec![(age.into(), look.style(tone))],
        vec![(call.into(), look.style(call_tone))],
        vec![t.team.as_ref().map_or(("-".into(), muted), |team| (team.as_str().into(), text))],
        vec![t.clocked_in_at.map_or(("-".into(), muted), |at| (format!("{:>6}", age_of(at, env.now)).into(), text))],
    ]
}
