//! Drawing of the Map pane.

use super::layers::{charset, styles};
use super::legend;
use super::state::State;
use crate::app::Dx;
use crate::look::Tone;
use crate::map::paint;
use crate::panes::kit::{banner, placeholder};
use crate::widgets::{line, put, width};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let (look, env) = (dx.look, &dx.env);
    let parts = state.parts(area);
    if state.data.value.is_none() {
        return placeholder(&state.data, "", frame.buffer_mut(), area, look);
    }
    banner(&state.data, env, frame.buffer_mut(), parts.banner, look);
    let marks = state.marks(env.now);
    if state.find.typing() {
        let note = match state.found(&marks) {
            Some(_) => "",
            None if state.find.is_empty() => "a name, a number, an address",
            None => "nothing on the map is called like that",
        };
        state.find.draw(frame, parts.summary, note, look);
    } else {
        put(frame.buffer_mut(), parts.summary.x, parts.summary.y, parts.summary.width, &state.summary(), look.style(Tone::Muted), look);
    }
    let charset = charset(env.preferences, look);
    paint(frame.buffer_mut(), parts.map, &state.view, &marks.data(), &styles(charset, look));
    if look.ascii {
        only_ascii(frame.buffer_mut(), parts.map);
    }
    if marks.is_empty() {
        let text = ["Nothing here has a position yet.", "Technicians report theirs; import brings the others."];
        for (row, text) in (0u16..).zip(text) {
            let text = format!(" {text} ");
            let wide = width(&text).min(parts.map.width);
            let y = (parts.map.y + parts.map.height / 2 + row).min(parts.map.bottom().saturating_sub(1));
            put(frame.buffer_mut(), parts.map.x + (parts.map.width - wide) / 2, y, wide, &text, look.style(Tone::Title), look);
        }
    }
    words(state, dx, parts.words, frame.buffer_mut());
    if state.legend {
        legend::draw(&marks.data(), charset, parts.map, look, frame);
    }
}

/// What is selected; else how to select.
fn words(state: &State, dx: &Dx<'_>, area: Rect, buf: &mut Buffer) {
    let look = dx.look;
    let text = look.style(Tone::Text);
    let Some((name, note, tone)) = state.view.selected.and_then(|id| state.words(id, &dx.env)) else {
        put(
            buf,
            area.x,
            area.y,
            area.width,
            "n selects a marker, / finds one by name, e explains the signs",
            look.style(Tone::Muted),
            look,
        );
        return;
    };
    let follow = if state.view.followed().is_some() { "  followed" } else { "" };
    line(
        buf,
        area.x,
        area.y,
        area.width,
        &[(&name, look.style(Tone::Title)), ("  ", text), (&note, look.style(tone)), (follow, look.style(Tone::Accent))],
        look,
    );
}

/// Names on the map may be in any script.
fn only_ascii(buf: &mut Buffer, area: Rect) {
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            if let Some(cell) = buf.cell_mut((x, y))
                && !cell.symbol().is_ascii()
            {
                let wide = width(cell.symbol()) > 1;
                cell.set_symbol("?");
                if wide && let Some(next) = buf.cell_mut((x + 1, y)) {
                    next.set_symbol("?");
                }
            }
        }
    }
}
