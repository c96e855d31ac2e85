//! Drawing of the Tasks pane.

use super::columns::{COLUMNS, cells, column_of};
use super::{State, board, detail::detail};
use crate::app::Dx;
use crate::look::{Glyph, Tone};
use crate::panes::kit::{banner, placeholder, row_styles, rule};
use crate::widgets::{cells as draw_cells, fit_columns, header, put};
use ratatui::Frame;
use ratatui::layout::Rect;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    body(state, dx, area, frame);
    if let Some(assign) = &state.assign {
        assign.draw(frame, area, dx.look);
    }
}

fn body(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let (look, env) = (dx.look, &dx.env);
    let (lay, beside) = state.areas(area);
    banner(&state.data, env, frame.buffer_mut(), lay.banner, look);
    if state.open && beside.is_none() {
        if let Some(t) = state.selected() {
            detail(state, t, env, look).draw(frame.buffer_mut(), state.detail_area(area), state.scroll, look);
        }
        return;
    }
    let rows = state.rows(env.now);
    if state.data.value.is_some() {
        put(frame.buffer_mut(), lay.summary.x, lay.summary.y, lay.summary.width, &state.summary(env.now), look.style(Tone::Muted), look);
    }
    if state.find.shown() {
        state.find.draw(frame, lay.find, &format!("{} of {}", rows.len(), state.all().len()), look);
    }
    let buf = frame.buffer_mut();
    if rows.is_empty() {
        let empty = if state.all().is_empty() {
            "There are no tasks.\nImport them: noctule import tasks FILE.csv"
        } else if state.of.is_some() && state.find.is_empty() {
            "This technician has no such task.\nEsc shows those of all."
        } else if state.narrowed() {
            "No task matches the filter.\nEsc shows all again."
        } else {
            "Every task has ended.\no shows those that have ended."
        };
        return placeholder(&state.data, empty, buf, lay.rows, look);
    }
    if state.board {
        let area = Rect { y: lay.header.y, height: lay.header.height + lay.rows.height, ..lay.rows };
        return board::draw(state, dx, area, buf);
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
        detail(state, t, env, look).draw(buf, area, state.scroll, look);
    }
}
