//! The detail of a technician.

use super::columns::position;
use crate::app::Env;
use crate::look::{Look, Tone};
use crate::panes::kit::{Detail, local, local_long};
use crate::widgets::{age as age_of, technician_badge};
use noctule_domain::technician::Technician;

pub fn detail(t: &Technician, env: &Env<'_>, look: &Look) -> Detail {
    let mut d = Detail::default();
    d.head(format!("{}  {}", t.name, t.employee_id));
    let badge = technician_badge(t.status);
    d.toned("Status", format!("{} {}", look.glyph(badge.glyph), badge.word), badge.tone);
    d.field("Skill", t.skill_level.word());
    d.field("Task now", t.current_task.as_ref().map_or("none", |task| task.as_str()));
    d.field("Open tasks", t.open_tasks.to_string());
    let call = match (t.on_call, t.available_for_emergency) {
        (true, true) => "on call, takes emergencies",
        (true, false) => "on call, no emergencies",
        (false, true) => "not on call, takes emergencies",
        (false, false) => "not on call",
    };
    d.field("On call", call);
    match t.clocked_in_at {
        Some(at) => d.field("Clocked in", format!("since {} ({})", local(at, env), age_of(at, env.now))),
        None => d.toned("Clocked in", "no", Tone::Muted),
    }
    d.maybe("Team", t.team.as_ref());
    let at = |min: u16| format!("{:02}:{:02}", min / 60 % 24, min % 60);
    d.field("Hours", format!("{} to {} ({})", at(t.work_from_min), at(t.work_to_min), t.time_zone));
    if t.skills.is_empty() {
        d.toned("Skills", "none are registered", Tone::Muted);
    } else {
        d.field("Skills", t.skills.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", "));
    }
    d.head("Contact");
    if t.mobile.is_none() && t.phone.is_none() && t.email.is_none() {
        d.text(0, "No number and no address are registered.", Tone::Muted);
    }
    d.maybe("Mobile", t.mobile.as_ref());
    d.maybe("Phone", t.phone.as_ref());
    d.maybe("Email", t.email.as_ref());
    d.head("Position");
    let (age, tone) = position(t.fix.as_ref(), env.now);
    match &t.fix {
        None => d.text(0, "No position was ever received.", Tone::Muted),
        Some(fix) => {
            d.toned("Age", age, tone);
            d.field("Taken", local_long(fix.device_time, env));
            let accuracy = fix.accuracy_m.map(|m| format!(", within {m:.0} m")).unwrap_or_default();
            d.field("At", format!("{:.5}, {:.5}{accuracy}", fix.at.lat, fix.at.lng));
            d.maybe("Speed", fix.speed_kmh.map(|v| format!("{v:.0} km/h")));
        }
    }
    if t.rating.is_some() || t.completion_rate.is_some() {
        d.head("Record");
        d.maybe("Rating", t.rating.map(|r| format!("{r:.1} of 5")));
        d.maybe("Completes", t.completion_rate.map(|r| format!("{:.0} %", r * 100.0)));
    }
    d
}
