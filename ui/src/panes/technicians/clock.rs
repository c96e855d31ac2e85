//! Working time: clocking in and out, by whom it may be done, and what stands in the way.

use crate::action::Action;
use crate::app::Env;
use crate::effect::Effect;
use crate::overlay::{Menu, MenuItem, Overlay, Then};
use crate::panes::kit::local;
use noctule_domain::permission::{Permission, Role};
use noctule_domain::technician::Technician;
use noctule_domain::time_entry::TimeEntryKind;

/// Why it is not possible for this one. A technician only clocks himself; with a centre it knows by the login who that is.
pub fn greyed(action: Action, t: &Technician, env: &Env<'_>) -> Option<String> {
    let own = !env.central && env.role == Role::Technician && !env.role.allows(Permission::FieldWrite);
    if own && t.name.as_str().to_lowercase() != env.actor.as_str().to_lowercase() {
        return Some(format!("it is the time of {}", t.name));
    }
    match (action, t.clocked_in_at) {
        (Action::ClockIn, Some(at)) => Some(format!("clocked in since {}; clock out first", local(at, env))),
        (Action::ClockOut, None) => Some("not clocked in".to_owned()),
        _ => None,
    }
}

pub fn menu(t: &Technician) -> Overlay {
    let help = |kind: TimeEntryKind| match kind {
        TimeEntryKind::Regular => "the usual working time",
        TimeEntryKind::Overtime => "beyond the hours of the day",
        TimeEntryKind::Break => "not at work",
        TimeEntryKind::Travel => "on the way",
        TimeEntryKind::Training => "learning",
        TimeEntryKind::Administrative => "office work",
    };
    let items = TimeEntryKind::ALL
        .iter()
        .map(|kind| MenuItem {
            // Two of them begin with t.
            key: if *kind == TimeEntryKind::Training { Some('l') } else { kind.word().chars().next() },
            label: kind.word().to_owned(),
            help: help(*kind).to_owned(),
            greyed: None,
            then: Then::Effect(Effect::Clock { technician: t.id, to: Some(*kind) }),
        })
        .collect();
    Overlay::Menu(Menu::new(&format!("Clock {} in for", t.name), items))
}
