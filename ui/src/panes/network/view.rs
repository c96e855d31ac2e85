//! Drawing of the Network pane.

use super::detail::detail;
use super::rows::{NASES, POOLS, nas_line, pool_line};
use super::state::{Item, State};
use crate::app::Dx;
use crate::look::{Glyph, Tone};
use crate::panes::kit::sections::{Row, top};
use crate::panes::kit::{banner, below, placeholder, row_styles, rule};
use crate::widgets::{cells, fit_columns, header, put};
use ratatui::Frame;
use ratatui::layout::Rect;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let (look, env) = (dx.look, &dx.env);
    let parts = state.parts(area);
    banner(&state.data, env, frame.buffer_mut(), parts.banner, look);
    let Some(view) = &state.data.value else {
        return placeholder(&state.data, "", frame.buffer_mut(), area, look);
    };
    if let (Some(area), Some(item)) = (state.whole(area), state.roll.id()) {
        return detail(state, item, dx).draw(frame.buffer_mut(), area, state.scroll, look);
    }
    let netbox = if view.netbox.is_empty() { "NetBox: nothing is known of it yet; P asks" } else { view.netbox.as_str() };
    put(frame.buffer_mut(), parts.netbox.x, parts.netbox.y, parts.netbox.width, netbox, look.style(Tone::Muted), look);
    if state.find.shown() {
        let found = state.rows().iter().filter(|row| matches!(row, Row::Item(_))).count();
        let note = format!("{found} of {}", state.pools().len() + state.nases().len());
        state.find.draw(frame, parts.find, &note, look);
    }
    let buf = frame.buffer_mut();
    let rows = state.rows();
    let pools = fit_columns(POOLS, parts.rows.width);
    let nases = fit_columns(NASES, parts.rows.width);
    let width = |index| pools.iter().find(|f| f.index == index).map_or(0, |f| f.width);
    let (bar_cells, spark_cells) = (width(1), width(5));
    for (y, row) in (parts.rows.y..parts.rows.bottom()).zip(rows.iter().skip(top(&rows, state.roll.id(), parts.rows.height))) {
        let at = Rect { y, height: 1, ..parts.rows };
        let over = match row {
            Row::Item(item) => row_styles(state.roll.id() == Some(*item), look),
            _ => None,
        };
        match row {
            Row::Head("pools") => header(buf, at, POOLS, &pools, None, look),
            Row::Head(_) => header(buf, at, NASES, &nases, None, look),
            Row::Note(text) => {
                put(buf, at.x + 1, y, at.width.saturating_sub(1), text, look.style(Tone::Muted), look);
            }
            Row::Blank => {}
            Row::Item(Item::Pool(id)) => {
                if let Some(pool) = state.pool(*id) {
                    let all = pool_line(pool, bar_cells, spark_cells, dx);
                    let line: Vec<_> = pools.iter().filter_map(|f| all.get(f.index).cloned()).collect();
                    cells(buf, at, &pools, &line, over, look);
                }
            }
            Row::Item(Item::Nas(id)) => {
                if let Some(nas) = state.nas(*id) {
                    let all = nas_line(nas, dx);
                    let line: Vec<_> = nases.iter().filter_map(|f| all.get(f.index).cloned()).collect();
                    cells(buf, at, &nases, &line, over, look);
                }
            }
        }
    }
    let (Some(area), Some(item)) = (parts.detail, state.roll.id()) else { return };
    if area.y > parts.rows.y {
        let line = look.glyph(Glyph::Rule).repeat(usize::from(area.width));
        put(buf, area.x, area.y, area.width, &line, look.style(Tone::Border), look);
        detail(state, item, dx).draw(buf, below(area, 1), 0, look);
    } else {
        rule(buf, area, state.open, look);
        detail(state, item, dx).draw(buf, area, state.scroll, look);
    }
}
