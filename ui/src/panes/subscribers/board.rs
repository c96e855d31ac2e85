//! Drawing of the board.

use super::State;
use super::columns;
use crate::app::{Dx, Env};
use crate::look::{Glyph, Tone};
use crate::widgets::{Cell, Column, cells, fit_columns, header, line, put, wrapped};
use noctule_domain::page::Total;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Lines above the first row: the summary (or the filter bar) and the titles.
pub(super) const ABOVE_ROWS: u16 = 2;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let look = dx.look;
    if state.bar.is_none() {
        summary(state, dx, area, frame);
    }
    let shown = &state.columns[state.skip.min(state.columns.len())..];
    let wished: Vec<Column> = shown.iter().map(|c| c.column()).collect();
    let table = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    let fitted = fit_columns(&wished, table.width);
    let sorted = shown.iter().position(|c| c.sort() == Some(state.sort.column));
    let direction = look.glyph(if state.sort.descending { Glyph::Down } else { Glyph::Up });
    let titles = Rect { y: area.y + 1, height: 1, ..table };
    header(frame.buffer_mut(), titles, &wished, &fitted, sorted.map(|at| (at, direction)), look);
    let rows = Rect { y: area.y + ABOVE_ROWS, height: area.height.saturating_sub(ABOVE_ROWS), ..area };
    if state.window.rows.is_empty() {
        return empty(state, dx, rows, frame);
    }
    for (y, (at, row)) in state.window.rows.iter().enumerate().skip(state.window.top).take(usize::from(rows.height)).enumerate() {
        let y = rows.y + y as u16;
        let marked = state.is_marked(at);
        columns::mark(frame.buffer_mut(), area.x, y, marked, look);
        let row_cells: Vec<Cell<'_>> = fitted.iter().map(|f| shown[f.index].cell(row, f.width, dx.env.now, look)).collect();
        let line = Rect { x: table.x, y, width: table.width, height: 1 };
        cells(frame.buffer_mut(), line, &fitted, &row_cells, None, look);
        if at == state.window.selected {
            frame.buffer_mut().set_style(Rect { x: area.x, width: area.width, ..line }, look.style(Tone::Selected));
        }
    }
}

fn summary(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let look = dx.look;
    let count = match state.window.total {
        None => String::new(),
        Some(Total::Exact(1)) => "1 subscriber".to_owned(),
        Some(Total::Exact(n)) => format!("{} subscribers", thousands(n)),
        Some(Total::AtLeast(n)) => format!("{} subscribers or more", thousands(n)),
    };
    let marks =
        state.range().map_or(0, |r| r.filter(|at| state.window.rows.get(*at).is_some_and(|row| !state.marks.contains(row.id))).count())
            + state.marks.len();
    let mut pieces = vec![(count, look.style(Tone::Title))];
    if !state.text.is_empty() {
        pieces.push((" matching ".to_owned(), look.style(Tone::Muted)));
        pieces.push((state.text.clone(), look.style(Tone::Match)));
    }
    if marks > 0 {
        pieces.push((format!("  {} {} marked", look.glyph(Glyph::Mark), thousands(marks as u64)), look.style(Tone::Marked)));
    }
    if state.marks.anchor.is_some() {
        pieces.push(("  range".to_owned(), look.style(Tone::Marked)));
    }
    if state.collecting.is_some() {
        pieces.push((format!("  marking{}", look.ellipsis()), look.style(Tone::Muted)));
    }
    if state.skip > 0 {
        pieces.push((format!("  {} {} columns", look.glyph(Glyph::Left), state.skip), look.style(Tone::Muted)));
    }
    if let Some(why) = state.window.failed() {
        pieces.push((format!("  not refreshed: {why}"), look.style(Tone::Danger)));
    }
    let pieces: Vec<_> = pieces.iter().map(|(text, style)| (text.as_str(), *style)).collect();
    line(frame.buffer_mut(), area.x + 1, area.y, area.width.saturating_sub(1), &pieces, look);
}

/// Why nothing is listed, and what to do.
fn empty(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let look = dx.look;
    let (text, tone) = if let Some(why) = state.window.failed() {
        (why.to_string(), Tone::Danger)
    } else if state.window.waiting() || !state.window.known() {
        (format!("Asking the store{}", look.ellipsis()), Tone::Muted)
    } else if let (true, Some(text)) = (state.text.is_empty(), no_copy(&dx.env)) {
        (text, Tone::Text)
    } else if state.text.is_empty() {
        ("There are no subscribers yet. Import them: noctule import subscribers FILE.csv".to_owned(), Tone::Text)
    } else {
        (format!("No subscriber matches {}. Change the filter with /, drop it with Esc.", state.text), Tone::Text)
    };
    let inside =
        Rect { x: area.x + 1, y: area.y + 1.min(area.height), width: area.width.saturating_sub(2), height: area.height.saturating_sub(1) };
    wrapped(frame.buffer_mut(), inside, &text, look.style(tone), look);
}

/// Why a console with a centre has nothing to list, when its copy is the reason.
fn no_copy(env: &Env<'_>) -> Option<String> {
    let status = env.sync.filter(|_| env.central)?;
    let words = crate::app::centre_words(status, env.now, env.zone).full;
    match (status.fresh_at, env.away()) {
        (Some(_), _) => None,
        (None, Some(_)) => {
            Some(format!("There is no copy of the centre on this machine yet, and the centre is away ({words}). Pane 9 says what to do."))
        }
        (None, None) => Some(format!("The first copy of the centre is being made: {words}. Pane 9 shows how far it is.")),
    }
}

/// On the status line: what is wrong with the selected subscriber, else how many rows there are above and below.
pub(super) fn status(state: &State, env: &Env<'_>) -> Option<String> {
    if state.detail.is_some() {
        return None;
    }
    let row = state.window.selected()?;
    let name = format!("{} {}", row.subscriber_number, row.full_name);
    if let Some(kind) = row.queued {
        return Some(format!("{name}: {kind} is queued: kept in the outbox, the centre is asked when it is back"));
    }
    if let Some(error) = &row.last_error {
        return Some(format!("{name}: {error}"));
    }
    if let Some(until) = row.hold_until.filter(|until| *until > env.now) {
        return Some(format!("{name}: the prefix rests until {}", noctule_domain::sentence::moment(until)));
    }
    Some(format!("{name}  {}", row.username))
}

pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// The filter bar over the summary, with the number of matches at its end.
pub(super) fn bar(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    if let Some(bar) = &state.bar {
        bar.view(dx.look, area, frame);
        let count = match state.window.total {
            Some(Total::Exact(n)) => thousands(n),
            Some(Total::AtLeast(n)) => format!("{}+", thousands(n)),
            None => String::new(),
        };
        let x = area.right().saturating_sub(count.len() as u16 + 1);
        put(frame.buffer_mut(), x, area.y, count.len() as u16, &count, dx.look.style(Tone::Muted), dx.look);
    }
}
