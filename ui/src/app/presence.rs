//! Whom the operator looks at, told to the centre so that others see it: at once for a detail, after a second of rest for a row of the
//! board, so that scrolling through a list tells nothing.

use super::App;
use crate::effect::Effect;
use crate::panes::PaneId;
use noctule_domain::{SubscriberId, Timestamp};

#[derive(Debug, Default)]
pub struct Presence {
    /// What was told last.
    told: Option<SubscriberId>,
    /// The row that the selection rests on, and the first tick that found it there.
    resting: Option<(SubscriberId, Option<Timestamp>)>,
}

/// Call after every message; `tick` is the time when it was a tick.
pub(super) fn follow(app: &mut App, tick: Option<Timestamp>, effects: &mut Vec<Effect>) {
    if !app.config.central {
        return;
    }
    let looks = match app.pane {
        PaneId::Subscribers => app.panes.subscribers.looks_at(),
        _ => None,
    };
    let presence = &mut app.presence;
    let target = match looks {
        None => {
            presence.resting = None;
            None
        }
        Some((id, true)) => {
            presence.resting = None;
            Some(id)
        }
        Some((id, false)) => {
            let since = presence.resting.filter(|(resting, _)| *resting == id).and_then(|(_, since)| since);
            presence.resting = Some((id, since.or(tick)));
            let rested = matches!((since, tick), (Some(since), Some(now)) if (now - since).num_milliseconds() >= 1000);
            if rested || presence.told == Some(id) { Some(id) } else { None }
        }
    };
    if target != presence.told {
        presence.told = target;
        effects.push(Effect::LookAt(target));
    }
}
