//! How fresh data is, on the screen: nothing yet, being asked, or old because the last question was not answered.

use super::Roll;
use crate::app::{Cx, Env, Slot, Taken};
use crate::look::{Glyph, Look, Tone};
use crate::msg::Notice;
use crate::query::{Query, Reply, RequestId};
use crate::widgets::{age, put, width, wrapped};
use noctule_domain::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What became of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Got {
    NotMine,
    /// It says what was known: nothing on the screen changes.
    Same,
    Changed,
}

/// Takes a reply into its slot and asks again when the store changed meanwhile. Compares, so that an answer that says nothing new costs
/// no frame.
pub fn got<T: PartialEq>(
    slot: &mut Slot<T>,
    id: RequestId,
    reply: Reply,
    cx: &mut Cx<'_>,
    query: impl FnOnce() -> Query,
    pick: impl FnOnce(Reply) -> Option<T>,
) -> Got {
    if !slot.is_latest(id) {
        return Got::NotMine;
    }
    let before = slot.value.take();
    let failed = slot.failed.clone();
    let taken = slot.take(id, reply, cx.env.now, pick);
    let changed = match (&slot.value, &before) {
        (None, _) => false,
        (new, old) => new != old,
    };
    if slot.value.is_none() {
        slot.value = before;
    }
    if taken == Taken::Again {
        slot.ask(cx, query());
    }
    if changed || slot.failed != failed { Got::Changed } else { Got::Same }
}

/// Rows that the banner takes at a width: none while the data is fresh, two for a long sentence.
pub fn banner_rows<T>(slot: &Slot<T>, room: u16) -> u16 {
    match (&slot.failed, &slot.value) {
        // The glyph and the age take up to 14 cells.
        (Some(why), Some(_)) => 1 + u16::from(width(why.as_str()).saturating_add(14) > room),
        _ => 0,
    }
}

/// What was gone to is not among what is here: said once, after the last answer.
pub fn say_lost<T, Id: Copy + PartialEq>(slot: &Slot<T>, roll: &mut Roll<Id>, what: &str, cx: &mut Cx<'_>) {
    if !slot.waiting() && slot.failed.is_none() && slot.value.is_some() && roll.lost().is_some() {
        cx.notice(Notice::warning(format!("{what} is not among those shown here")));
    }
}

/// The line above data that is old: how old, and why.
pub fn banner<T>(slot: &Slot<T>, env: &Env<'_>, buf: &mut Buffer, area: Rect, look: &Look) {
    let (Some(why), Some(at), true) = (&slot.failed, slot.at, slot.value.is_some()) else { return };
    let text = format!("{} {} old: {why}", look.glyph(Glyph::Offline), age(at, env.now));
    wrapped(buf, area, &text, look.style(Tone::Danger), look);
}

/// Fills an area that has nothing to show: being asked, not answered, or empty (`empty` says what to do).
pub fn placeholder<T>(slot: &Slot<T>, empty: &str, buf: &mut Buffer, area: Rect, look: &Look) {
    let area = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area };
    let (head, text, tone) = match (&slot.value, &slot.failed) {
        (None, Some(why)) => ("Nothing to show: the question was not answered.", format!("{why}"), Tone::Danger),
        (None, None) => ("Asking the store", String::new(), Tone::Muted),
        (Some(_), _) => (
            empty.split_once('\n').map_or(empty, |(head, _)| head),
            empty.split_once('\n').map_or("", |(_, rest)| rest).to_owned(),
            Tone::Text,
        ),
    };
    let head = if slot.value.is_none() && slot.failed.is_none() { format!("{head}{}", look.ellipsis()) } else { head.to_owned() };
    let used =
        wrapped(buf, Rect { y: area.y + 1.min(area.height), height: area.height.saturating_sub(1), ..area }, &head, look.style(tone), look);
    let rest = super::below(area, used + 1);
    let mut y = rest.y;
    for line in text.lines() {
        let left = Rect { y, height: rest.bottom().saturating_sub(y), ..rest };
        y += wrapped(buf, left, line, look.style(Tone::Muted), look);
    }
    if slot.failed.is_some() && slot.value.is_none() && y < rest.bottom() {
        put(buf, rest.x, y, rest.width, "r asks again.", look.style(Tone::Key), look);
    }
}

/// The moment whose age the banner shows.
impl<T> Slot<T> {
    pub(in crate::panes) fn stale_since(&self) -> Option<Timestamp> {
        self.at.filter(|_| self.failed.is_some())
    }
}
