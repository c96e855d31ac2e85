//! Where things stand in a pane with a list and a detail, and how numbers and filter values are written there.

use crate::look::{Glyph, Look, Tone};
use crate::widgets::put;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// From this width on a list has the detail of the selected row beside it.
pub(in crate::panes) const WIDE: u16 = 100;

/// The list and the detail beside it, with a free column between; no detail where there is no room.
pub(in crate::panes) fn beside(area: Rect, list_width: u16) -> (Rect, Option<Rect>) {
    if area.width < WIDE {
        return (area, None);
    }
    let list = list_width.min(area.width);
    (Rect { width: list, ..area }, Some(Rect { x: area.x + list + 3, width: area.width.saturating_sub(list + 3), ..area }))
}

/// The lower part of an area, without its first `rows`.
pub(in crate::panes) fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

/// A value for the filter language: in quotes where it holds white space.
pub(in crate::panes) fn filter_value(text: &str) -> String {
    if text.contains(char::is_whitespace) { format!("\"{}\"", text.replace('"', "")) } else { text.replace('"', "") }
}

/// The line between list and detail; bright when the detail has the keys.
pub(in crate::panes) fn rule(buf: &mut Buffer, detail: Rect, open: bool, look: &Look) {
    let style = look.style(if open { Tone::Accent } else { Tone::Border });
    for y in detail.y..detail.bottom() {
        put(buf, detail.x.saturating_sub(2), y, 1, look.glyph(Glyph::Separator), style, look);
    }
}

/// `1 task`, `2 tasks`.
pub(in crate::panes) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// Digits in groups of three.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
