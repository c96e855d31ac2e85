//! Drawing of the Overview pane.

use super::rows::{head, item};
use super::state::State;
use crate::app::Dx;
use crate::look::{Glyph, Tone};
use crate::panes::kit::sections::{Row, top};
use crate::panes::kit::{banner, banner_rows, placeholder};
use crate::widgets::put;
use ratatui::Frame;
use ratatui::layout::Rect;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let look = dx.look;
    let buf = frame.buffer_mut();
    let Some(overview) = state.overview() else {
        return placeholder(&state.data, "", buf, area, look);
    };
    banner(&state.data, &dx.env, buf, Rect { height: banner_rows(&state.data, area.width).min(area.height), ..area }, look);
    for part in state.parts(&dx.env) {
        let from = top(&part.rows, state.roll.id(), part.area.height);
        for (y, row) in (part.area.y..part.area.bottom()).zip(part.rows.iter().skip(from)) {
            let at = Rect { y, height: 1, ..part.area };
            match row {
                Row::Head(name) => head(name, overview, dx, at, buf),
                Row::Note(text) => {
                    put(buf, at.x + 1, y, at.width.saturating_sub(1), text, look.style(Tone::Muted), look);
                }
                Row::Blank => {}
                Row::Item(id) => {
                    item(state, *id, dx, at, buf);
                    if state.roll.id() == Some(*id) {
                        buf.set_style(at, look.style(Tone::Selected));
                    }
                }
            }
        }
        let right = part.area.right().saturating_sub(1);
        if from > 0 {
            put(buf, right, part.area.y, 1, look.glyph(Glyph::MoreUp), look.style(Tone::Key), look);
        }
        if from + usize::from(part.area.height) < part.rows.len() {
            put(buf, right, part.area.bottom().saturating_sub(1), 1, look.glyph(Glyph::More), look.style(Tone::Key), look);
        }
    }
}
