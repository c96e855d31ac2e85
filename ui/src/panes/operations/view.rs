//! Drawing of the Operations pane.

use super::columns::{COLUMNS, cells};
use super::state::{LIMIT, Tab};
use super::{State, detail::detail};
use crate::app::Dx;
use crate::look::Tone;
use crate::panes::kit::{banner, placeholder, row_styles, rule};
use crate::widgets::{cells as draw_cells, fit_columns, header, put, width};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let (look, env) = (dx.look, &dx.env);
    let (lay, beside) = state.areas(area);
    banner(&state.data, env, frame.buffer_mut(), lay.banner, look);
    if state.open && beside.is_none() {
        if let Some(row) = state.selected() {
            detail(state, row, env, look).draw(frame.buffer_mut(), state.detail_area(area), state.scroll, look);
        }
        return;
    }
    let rows = state.rows();
    if state.data.value.is_some() {
        tabs(state, dx, lay.summary, frame.buffer_mut());
    }
    if state.find.shown() {
        state.find.draw(frame, lay.find, &format!("{} of {}", rows.len(), state.count(state.tab)), look);
    }
    let buf = frame.buffer_mut();
    if rows.is_empty() {
        let empty = if !state.find.is_empty() {
            "No operation matches the filter.\nEsc shows all again."
        } else {
            match state.tab {
                Tab::Open => "Nothing runs and nothing waits.\nRight shows what failed, and everything.",
                Tab::Failed => "Nothing has failed.\nRight shows everything.",
                Tab::All => "No operation was ever asked for.\nChoose a subscriber in pane 2 and press i.",
            }
        };
        return placeholder(&state.data, empty, buf, lay.rows, look);
    }
    let fitted = fit_columns(COLUMNS, lay.rows.width);
    header(buf, lay.header, COLUMNS, &fitted, None, look);
    for (y, row) in (lay.rows.y..lay.rows.bottom()).zip(rows.iter().skip(state.roll.top())) {
        let all = cells(row, env, look);
        let drawn: Vec<_> = fitted.iter().filter_map(|f| all.get(f.index).cloned()).collect();
        let over = row_styles(state.roll.id() == Some(row.id), look);
        draw_cells(buf, Rect { y, height: 1, ..lay.rows }, &fitted, &drawn, over, look);
    }
    if let (Some(area), Some(row)) = (beside, state.selected()) {
        rule(buf, area, state.open, look);
        detail(state, row, env, look).draw(buf, area, state.scroll, look);
    }
}

/// The tabs with their counts; the chosen one in brackets too, for a screen without colours.
fn tabs(state: &State, dx: &Dx<'_>, area: Rect, buf: &mut Buffer) {
    let look = dx.look;
    let mut x = area.x;
    for tab in Tab::ALL {
        let n = state.count(*tab);
        let more = if *tab == Tab::All && n >= usize::from(LIMIT) { "+" } else { "" };
        let chosen = *tab == state.tab;
        let text = if chosen { format!("[{tab} {n}{more}]") } else { format!(" {tab} {n}{more} ") };
        let tone = match tab {
            _ if chosen => Tone::Title,
            Tab::Failed if n > 0 => Tone::Danger,
            _ => Tone::Muted,
        };
        x += put(buf, x, area.y, area.right().saturating_sub(x), &text, look.style(tone), look) + 1;
    }
    let running = state.all().iter().filter(|r| r.status == noctule_domain::lifecycle::OperationStatus::Running).count();
    let note = match crate::app::at_work_words(dx.env.jobs) {
        Some(words) => format!("{words}; J"),
        None => format!("{running} running, {} waiting", state.count(Tab::Open) - running),
    };
    let at = area.right().saturating_sub(width(&note));
    if at > x {
        put(buf, at, area.y, width(&note), &note, look.style(Tone::Muted), look);
    }
}
