//! Rule 11: with the centre away, a Disconnect or CoA to the NAS of a session that is known here, for those who may. Only then: with the
//! centre there, suspend and revoke do the same and leave a state that is true.

use super::State;
use crate::action::Action;
use crate::app::{Cx, Env, Wish};
use crate::effect::Effect;
use crate::overlay::{Confirm, Line, Overlay, Then};
use crate::widgets::age;
use noctule_domain::lifecycle::OperationKind;

impl State {
    /// Why it is not possible for the one that is looked at.
    pub(super) fn no_emergency(&self, env: &Env<'_>) -> Option<String> {
        if !env.central {
            return Some("this machine works alone: use suspend or revoke".to_owned());
        }
        if env.away().is_none() {
            return Some("the centre is there: use suspend or revoke".to_owned());
        }
        if self.marks.anchor.is_some() || (self.detail.is_none() && !self.marks.is_empty()) {
            return Some("one at a time: drop the marks first (Esc)".to_owned());
        }
        let session = match &self.detail {
            Some(detail) => detail.as_row().map(|row| row.has_session),
            None => self.window.selected().map(|row| row.has_session),
        };
        match session {
            Some(true) => None,
            Some(false) => Some("no session is known here".to_owned()),
            None => Some("nothing is known yet".to_owned()),
        }
    }

    pub(super) fn begin_emergency(&self, action: Action, cx: &mut Cx<'_>) {
        let env = cx.env;
        let row = match &self.detail {
            Some(detail) => detail.as_row(),
            None => self.window.selected().cloned(),
        };
        let (Some(row), Some(away)) = (row, env.away()) else { return };
        let disconnect = action == Action::EmergencyDisconnect;
        let (purpose, packet) =
            if disconnect { (OperationKind::Revoke, "Disconnect-Request") } else { (OperationKind::Suspend, "CoA-Request that suspends") };
        // The detail knows the NAS of the session, the row only the one that the subscriber is registered at.
        let nas = match self.detail.as_ref().and_then(|detail| detail.session()) {
            Some((Some(nas), session)) => format!("{nas}, for session {session}"),
            Some((None, session)) => format!("the NAS of session {session}"),
            None => match &row.nas {
                Some(nas) => format!("the NAS of its session (registered at {nas})"),
                None => "the NAS of its session".to_owned(),
            },
        };
        let mut lines = vec![
            Line::warning(format!("The centre is away: {away}. This goes past it.")),
            Line::plain(format!("A {packet} goes to {nas}, at once.")),
        ];
        if let Some(at) = env.sync.and_then(|status| status.fresh_at) {
            lines.push(Line::plain(format!("What is known of the session is {} old.", age(at, env.now))));
        }
        lines.push(Line::plain(
            "It is journaled on this machine before the packet leaves, and told to the centre when it is back.".to_owned(),
        ));
        lines.push(Line::plain(
            "The state of the subscriber does not move, nothing is released: ask for suspend or revoke as well, it waits in the outbox."
                .to_owned(),
        ));
        let what = if disconnect { "EMERGENCY: disconnect" } else { "EMERGENCY: suspend by CoA" };
        let title = format!("{what} {} {}?", row.subscriber_number, row.full_name);
        let then = vec![Then::Effect(Effect::Emergency { subscriber: row.id, purpose })];
        cx.wish(Wish::Overlay(Box::new(Overlay::Confirm(Confirm::with_lines(&title, lines, then)))));
    }
}
