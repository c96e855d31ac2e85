//! Drawing of the Sync pane.

use super::State;
use crate::app::Dx;
use crate::look::{Glyph, Tone};
use crate::panes::kit::{banner, banner_rows};
use crate::widgets::{line, put, width};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let (look, env) = (dx.look, &dx.env);
    let buf = frame.buffer_mut();
    banner(&state.data, env, buf, Rect { height: banner_rows(&state.data, area.width).min(area.height), ..area }, look);
    let page = state.area(area);
    let mut lines = state.lines(env, look, page.width);
    // What is told by message stands there at once; the rest was not answered yet, or not at all.
    if state.data.value.is_none() && env.central {
        let (text, tone) = match &state.data.failed {
            Some(why) => (format!("The store did not say what waits here: {why}"), Tone::Danger),
            None => (format!("Asking the store what waits here{}", look.ellipsis()), Tone::Muted),
        };
        lines.push(super::lines::Line::default());
        let wrapped = crate::widgets::wrap(&text, page.width)
            .into_iter()
            .map(|row| super::lines::Line { pieces: vec![(row.to_owned(), tone)], ..super::lines::Line::default() });
        lines.extend(wrapped);
    }
    let height = usize::from(page.height);
    let top = state.top.min(lines.len().saturating_sub(height));
    for (y, row) in (page.y..page.bottom()).zip(lines.iter().skip(top)) {
        let right = width(&row.right);
        let room = page.width.saturating_sub(if right > 0 { right + 2 } else { 0 });
        let pieces: Vec<(&str, Style)> = row.pieces.iter().map(|(text, tone)| (text.as_str(), look.style(*tone))).collect();
        line(buf, page.x, y, room, &pieces, look);
        put(buf, page.right().saturating_sub(right), y, right, &row.right, look.style(Tone::Muted), look);
        if row.item.is_some() && row.item == state.selected {
            buf.set_style(Rect { y, height: 1, ..page }, look.style(Tone::Selected));
        }
    }
    let edge = area.right().saturating_sub(1);
    if top > 0 {
        put(buf, edge, page.y, 1, look.glyph(Glyph::MoreUp), look.style(Tone::Key), look);
    }
    if top + height < lines.len() {
        put(buf, edge, page.bottom().saturating_sub(1), 1, look.glyph(Glyph::More), look.style(Tone::Key), look);
    }
}
