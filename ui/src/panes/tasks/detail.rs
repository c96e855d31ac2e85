//! The detail of a task.

use super::{State, columns};
use crate::app::Env;
use crate::look::{Glyph, Look, Tone};
use crate::panes::kit::{Detail, local, local_long, until};
use crate::widgets::task_badge;
use noctule_domain::task::Task;

pub fn detail(state: &State, t: &Task, env: &Env<'_>, look: &Look) -> Detail {
    let mut d = Detail::default();
    d.head(format!("{}  {}", t.number, t.title));
    let badge = task_badge(t.status);
    d.toned("Status", format!("{} {}", look.glyph(badge.glyph), badge.word), badge.tone);
    if t.unsent {
        d.toned("Centre", format!("{} does not have all of this yet: it waits in the outbox", look.glyph(Glyph::Outbox)), Tone::Info);
    }
    if let Some(why) = &t.blocked_reason {
        d.toned("Because", why.as_str(), Tone::Warning);
    }
    d.toned("Priority", t.priority.word(), columns::priority_tone(t.priority));
    d.field("Type", t.task_type.word());
    let (due, tone) = columns::due(t, env);
    match t.sla_due_at {
        Some(at) => d.toned("Due", format!("{due} ({})", local(at, env)), tone),
        None => d.toned("Due", "no target is set", Tone::Muted),
    }
    d.maybe("Planned", t.scheduled_at.map(|at| format!("{} ({})", local(at, env), until(at, env))));
    d.maybe("Estimate", t.estimate_min.map(|min| format!("{}h{:02}m", min / 60, min % 60)));
    match &t.technician_name {
        Some(name) => d.field("Technician", name.as_str()),
        None => d.toned("Technician", "nobody; a assigns", Tone::Muted),
    }
    d.head("Where");
    d.maybe("Subscriber", t.subscriber_name.as_ref());
    d.maybe("Address", t.address.as_ref());
    d.maybe("Position", t.position.map(|at| format!("{:.5}, {:.5}", at.lat, at.lng)));
    if t.subscriber_name.is_none() && t.address.is_none() && t.position.is_none() {
        d.text(0, "Neither a subscriber nor an address is known.", Tone::Muted);
    }
    if !t.depends_on.is_empty() {
        d.head("Waits for");
        for id in &t.depends_on {
            match state.all().iter().find(|other| other.id == *id) {
                Some(other) => {
                    let badge = task_badge(other.status);
                    d.text(0, format!("{} {} {} {}", look.glyph(badge.glyph), other.number, badge.word, other.title), badge.tone);
                }
                None => d.text(0, format!("task {} is not among those shown", id.short()), Tone::Muted),
            }
        }
    }
    if let Some(notes) = &t.notes {
        d.head("Notes");
        // A line break comes made visible.
        for line in notes.as_str().split(['\n', '\u{240a}']) {
            d.text(0, if line.is_empty() { " " } else { line }, Tone::Text);
        }
    }
    d.head("Record");
    d.maybe("Begun", t.started_at.map(|at| local_long(at, env)));
    d.maybe("Ended", t.ended_at.map(|at| local_long(at, env)));
    d.field("Changed", format!("{}, version {}", local_long(t.updated_at, env), t.version));
    d
}
