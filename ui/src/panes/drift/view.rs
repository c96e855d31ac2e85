//! Drawing of the Drift pane.

use super::columns::{COLUMNS, cells};
use super::state::{Tab, number};
use super::{State, detail::detail};
use crate::app::{Dx, Env};
use crate::look::Tone;
use crate::panes::kit::{banner, placeholder, row_styles, rule, thousands};
use crate::widgets::{age, cells as draw_cells, fit_columns, header, put, width, wrapped};
use noctule_domain::drift::CheckProgress;
use noctule_domain::sentence;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let (look, env) = (dx.look, &dx.env);
    let (lay, beside) = state.areas(area);
    banner(&state.data, env, frame.buffer_mut(), lay.banner, look);
    if state.open && beside.is_none() {
        if let Some(kept) = state.selected() {
            detail(state, kept, env).draw(frame.buffer_mut(), state.detail_area(area), state.scroll, look);
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
        return placeholder(&state.data, &empty(state, env), buf, lay.rows, look);
    }
    let fitted = fit_columns(COLUMNS, lay.rows.width);
    header(buf, lay.header, COLUMNS, &fitted, None, look);
    let mut room = lay.rows;
    // Said below the list, where it is short; a long list has it in `noctule drift list`.
    if let Some(cut) = state.cut().filter(|_| rows.len() + 3 < usize::from(room.height)) {
        let at = Rect { y: room.bottom() - 2, height: 2, ..room };
        wrapped(buf, at, cut.as_str(), look.style(Tone::Warning), look);
        room.height -= 3;
    }
    for (y, kept) in (room.y..room.bottom()).zip(rows.iter().skip(state.roll.top())) {
        let all = cells(kept, env, look);
        let drawn: Vec<_> = fitted.iter().filter_map(|f| all.get(f.index).cloned()).collect();
        let over = row_styles(state.roll.id() == Some(number(&kept.finding)), look);
        draw_cells(buf, Rect { y, height: 1, ..room }, &fitted, &drawn, over, look);
    }
    if let (Some(area), Some(kept)) = (beside, state.selected()) {
        rule(buf, area, state.open, look);
        detail(state, kept, env).draw(buf, area, state.scroll, look);
    }
}

fn empty(state: &State, env: &Env<'_>) -> String {
    let never = state.known().is_some_and(|view| view.last.is_none());
    if !state.find.is_empty() {
        return "No finding matches the filter.\nEsc shows all again.".to_owned();
    }
    match state.tab {
        Tab::Dismissed => "Nothing was dismissed.".to_owned(),
        _ if never && env.drift.is_some() => "The first check of this machine is running.\nWhat it finds is shown when it ends.".to_owned(),
        _ if never => "No check has ended on this machine yet.\nC checks now; each machine keeps what it found itself.".to_owned(),
        _ => match state.cut() {
            Some(cut) => format!("Nothing stands, as far as it could be read.\n{cut}"),
            None => "Nothing differs.\nSubscribers, NetBox, AAA and sessions say the same.".to_owned(),
        },
    }
}

/// The tabs with their counts, and how the check stands at the right.
fn tabs(state: &State, dx: &Dx<'_>, area: Rect, buf: &mut Buffer) {
    let look = dx.look;
    let mut x = area.x;
    for tab in Tab::ALL {
        let n = state.count(*tab);
        let chosen = *tab == state.tab;
        let text = if chosen { format!("[{tab} {n}]") } else { format!(" {tab} {n} ") };
        let tone = match tab {
            _ if chosen => Tone::Title,
            Tab::Critical if n > 0 => Tone::Danger,
            _ => Tone::Muted,
        };
        x += put(buf, x, area.y, area.right().saturating_sub(x), &text, look.style(tone), look) + 1;
    }
    let (notes, tone) = match dx.env.drift {
        Some(progress) => (running(progress, &dx.env), Tone::Info),
        None => (rested(state, &dx.env), Tone::Muted),
    };
    // The longest that has room.
    if let Some(note) = notes.iter().find(|note| x + width(note) <= area.right()) {
        put(buf, area.right() - width(note), area.y, width(note), note, look.style(tone), look);
    }
}

fn rested(state: &State, env: &Env<'_>) -> Vec<String> {
    match state.known().and_then(|view| view.last.as_ref()) {
        Some(last) => {
            let more: u64 = last.more.iter().map(|(_, n)| n).sum();
            let when = format!("checked {} ago", age(last.ended_at, env.now));
            let suspected = if more > 0 { format!("{} suspected; ", thousands(more)) } else { String::new() };
            vec![format!("{suspected}{when}"), when]
        }
        None => vec!["never checked".to_owned()],
    }
}

/// Where the check is and how long it will still take, longest first.
fn running(progress: &CheckProgress, env: &Env<'_>) -> Vec<String> {
    let passed = (env.now - progress.started_at).num_seconds().max(0);
    let left = (progress.done > 0 && progress.total > progress.done)
        .then(|| passed.saturating_mul((progress.total - progress.done) as i64) / progress.done as i64);
    let percent = progress.done.min(progress.total).saturating_mul(100).checked_div(progress.total).unwrap_or(0);
    let left = left.filter(|_| passed >= 2).map(|s| format!(", {} left", sentence::age(s))).unwrap_or_default();
    let suspected = if progress.suspected > 0 { format!(", {} suspected", thousands(progress.suspected)) } else { String::new() };
    vec![
        format!("{}: {} of {}{left}{suspected}", progress.phase, thousands(progress.done), thousands(progress.total)),
        format!("checking {percent}%{left}"),
        format!("{percent}%"),
    ]
}
