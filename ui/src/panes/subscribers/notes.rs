//! Notes of a subscriber: asked for anew before they are written, so that the version that the operator saw is the newest.

use super::{State, Tell};
use crate::app::{Cx, Taken, Wish};
use crate::effect::Effect;
use crate::msg::Notice;
use crate::overlay::{Notes, Overlay};
use crate::panes;
use crate::query::{Query, Reply, RequestId};
use noctule_domain::SafeText;

impl State {
    pub(super) fn begin_notes(&mut self, cx: &mut Cx<'_>) {
        if let Some(id) = self.looked_at() {
            self.noting.ask(cx, Query::Subscriber { id, timeline: 0 });
        }
    }

    pub(super) fn notes_arrived(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) {
        let taken = self.noting.take(id, reply, cx.env.now, |reply| match reply {
            Reply::Subscriber(view) => Some(view),
            _ => None,
        });
        let view = self.noting.value.take();
        let (Some(view), true) = (view, taken != Taken::Failed) else {
            let why = self.noting.failed.take().unwrap_or_default();
            return cx.notice(Notice::warning(format!("notes: {why}")));
        };
        // Meanwhile the operator went on to another one: an editor that opens by itself would take keys meant for something else.
        let s = &view.subscriber;
        if self.looked_at() != Some(s.id) || self.bar.is_some() {
            return;
        }
        self.notes_of = Some((s.id, s.version));
        let draft = self.notes_draft.as_ref().filter(|(of, _)| *of == s.id).map(|(_, text)| text.clone());
        let title = format!("Notes of {} {}", s.subscriber_number, s.full_name);
        let value = s.notes.as_ref().map_or("", |notes| notes.as_str());
        let notes = Notes::new(&title, value, draft, |text| panes::Tell::Subscribers(Tell::Notes(text)));
        cx.wish(Wish::Overlay(Box::new(Overlay::Notes(notes))));
    }

    pub(super) fn notes_typed(&mut self, text: &str, cx: &mut Cx<'_>) {
        let Some((subscriber, expected_version)) = self.notes_of.take() else { return };
        self.notes_draft = Some((subscriber, text.to_owned()));
        let notes = (!text.trim().is_empty()).then(|| SafeText::new(text));
        cx.effect(Effect::SetSubscriberNotes { subscriber, expected_version, notes });
    }
}
