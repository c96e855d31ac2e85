//! Drawing of the Technicians pane.

use super::columns::{COLUMNS, cells, column_of};
use super::{State, detail::detail};
use crate::app::Dx;
use crate::look::{Glyph, Tone};
use crate::panes::kit::{banner, placeholder, row_styles, rule};
use crate::widgets::{cells as draw_cells, fit_columns, header, put};
use ratatui::Frame;
use ratatui::layout::Rect;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let (look, env) = (dx.look, &dx.env);
    let (lay, beside) = state.areas(area);
    if state.open && beside.is_none() {
        banner(&state.data, env, frame.buffer_mut(), lay.banner, look);
        if let Some(t) = state.selected() {
            detail(t, env, look).draw(frame.buffer_mut(), state.detail_area(area), state.scroll, look);
        }
        return;
    }
    banner(&state.data, env, frame.buffer_mut(), lay.banner, look);
    let rows = state.rows();
    if state.data.value.is_some() {
        put(frame.buffer_mut(), lay.summary.x, lay.summary.y, lay.summary.width, &state.summary(), look.style(Tone::Muted), look);
    }
    if state.find.shown() {
        state.find.draw(frame, lay.find, &format!("{} of {}", rows.len(), state.all().len()), look);
    }
    let buf = frame.buffer_mut();
    if rows.is_empty() {
        let empty = if state.all().is_empty() {
            "No technicians are registered.\nImport them: noctule import technicians FILE.csv"
        } else {
            "Nobody matches the filter.\nEsc shows everyone again."
        };
        return placeholder(&state.data, empty, buf, lay.rows, look);
    }
    let fitted = fit_columns(COLUMNS, lay.rows.width);
    let arrow = look.glyph(if state.descending { Glyph::Down } else { Glyph::Up });
    header(buf, lay.header, COLUMNS, &fitted, Some((column_of(state.sort), arrow)), look);
    for (y, t) in (lay.rows.y..lay.rows.bottom()).zip(rows.iter().skip(state.roll.top())) {
        let all = cells(t, env, look);
        let row: Vec<_> = fitted.iter().filter_map(|f| all.get(f.index).cloned()).collect();
        let over = row_styles(state.roll.id() == Some(t.id), look);
        draw_cells(buf, Rect { y, height: 1, ..lay.rows }, &fitted, &row, over, look);
    }
    if let (Some(area), Some(t)) = (beside, state.selected()) {
        rule(buf, area, state.open, look);
        detail(t, env, look).draw(buf, area, state.scroll, look);
    }
}
