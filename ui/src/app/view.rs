//! `view`: the whole frame from the state. Pure: nothing is kept between frames.

use super::{App, Dx, areas, header, layout};
use crate::action::{Action, ActionRow, Context, Group, TABLE, key_label, sequence_label};
use crate::look::{Glyph, Look, Tone};
use crate::panes;
use crate::widgets::{line, put, width};
use noctule_domain::overview::Severity;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

pub fn view(app: &App, look: &Look, frame: &mut Frame) {
    let area = frame.area();
    if layout::too_small(area) {
        return sentence(area, look, frame);
    }
    let areas = areas(area);
    header::draw(app, areas.header, areas.tabs, frame.buffer_mut());
    let dx = Dx { env: app.env(), look };
    panes::view(&app.panes, app.pane, &dx, areas.body, frame);
    if let Some(top) = app.overlays.last() {
        top.view(app, look, areas.body, frame);
    }
    status(app, look, areas.status, frame);
    footer(app, look, areas.footer, frame);
    if !app.pending.is_empty() {
        which_key(app, look, areas.body, frame);
    }
}

/// The honest sentence of a screen that is too small.
fn sentence(area: Rect, look: &Look, frame: &mut Frame) {
    let (w, h) = layout::SMALLEST;
    let text = format!("{}x{} is too small for Noctule: it needs {w}x{h}. Everything goes on; ctrl-c leaves.", area.width, area.height);
    let mut rest = text.as_str();
    for y in 0..area.height {
        let mut cut = rest.len().min(usize::from(area.width));
        if cut < rest.len() {
            cut = rest[..cut].rfind(' ').map_or(cut, |at| at + 1);
        }
        put(frame.buffer_mut(), area.x, area.y + y, area.width, rest[..cut].trim_end(), look.style(Tone::Text), look);
        rest = &rest[cut..];
        if rest.is_empty() {
            break;
        }
    }
}

fn status(app: &App, look: &Look, area: Rect, frame: &mut Frame) {
    let buf = frame.buffer_mut();
    if !app.pending.is_empty() {
        let keys = format!("{} {}", sequence_label(&app.pending), look.ellipsis());
        put(buf, area.x, area.y, area.width, &keys, look.style(Tone::Key), look);
    } else if let Some(said) = app.notices().shown() {
        let (glyph, tone) = severity(said.notice.severity);
        let times = if said.times > 1 { format!(" ({} times)", said.times) } else { String::new() };
        let text = format!("{} {}{times}", look.glyph(glyph), said.notice.text);
        put(buf, area.x, area.y, area.width, &text, look.style(tone), look);
    } else if let Some(reason) = app.read_only() {
        put(buf, area.x, area.y, area.width, &format!("read-only: {reason}"), look.style(Tone::Warning), look);
    } else if let Some(text) = panes::status(&app.panes, app.pane, &app.env()) {
        put(buf, area.x, area.y, area.width, &text, look.style(Tone::Muted), look);
    }
}

pub(crate) fn severity(severity: Severity) -> (Glyph, Tone) {
    match severity {
        Severity::Info => (Glyph::Info, Tone::Info),
        Severity::Warning => (Glyph::Warning, Tone::Warning),
        Severity::Critical => (Glyph::Critical, Tone::Danger),
    }
}

/// The keys that matter here, as many as fit; help stands at the right end always. What is not possible now is greyed.
fn footer(app: &App, look: &Look, area: Rect, frame: &mut Frame) {
    let buf = frame.buffer_mut();
    let keymap = &app.config.keymap;
    let help = keymap.label(Action::Help).map(|key| format!("{key} help"));
    let help_width = help.as_deref().map_or(0, |text| width(text) + 1);
    let room = area.width.saturating_sub(help_width);
    let mut x = area.x;
    for (key, label, possible) in hints(app) {
        let wide = width(&key) + 1 + width(&label) + 2;
        if x + wide > area.x + room {
            continue;
        }
        let (key_style, style) =
            if possible { (look.style(Tone::Key), look.style(Tone::Text)) } else { (look.style(Tone::Muted), look.style(Tone::Muted)) };
        x += line(buf, x, area.y, wide, &[(&key, key_style), (" ", Style::new()), (&label, style)], look) + 2;
    }
    // Where letters are typed, the help's key is one of them.
    if let (Some(text), true) = (help, app.overlays.is_empty() && !app.contexts().contains(&Context::Input)) {
        let x = area.right().saturating_sub(width(&text));
        put(buf, x, area.y, width(&text), &text, look.style(Tone::Key), look);
    }
}

/// Key, label and whether it is possible, in the order of the table, the console's own last: single keys as they are, sequences gathered
/// under their first key.
fn hints(app: &App) -> Vec<(String, String, bool)> {
    let contexts = app.contexts();
    let inner = |row: &&ActionRow| row.contexts.iter().any(|c| *c != Context::Global && contexts.contains(c));
    let outer = |row: &&ActionRow| contexts.contains(&Context::Global) && row.contexts.contains(&Context::Global);
    let mut out: Vec<(String, String, bool, Group)> = Vec::new();
    for row in TABLE.iter().filter(inner).chain(TABLE.iter().filter(outer).filter(|row| !inner(row))) {
        let everywhere = row.contexts.contains(&Context::Global) && inner(&row);
        if everywhere || matches!(row.group, Group::Move | Group::Panes) || row.action == Action::Help {
            continue;
        }
        let Some(sequence) = app.config.keymap.of(row.action).first() else { continue };
        let Some(first) = sequence.first() else { continue };
        let key = key_label(*first);
        // What stands in an overlay is possible as long as the overlay stands and says so.
        let possible = match app.overlays.last() {
            Some(top) => top.greyed(row.action, app).is_none(),
            None => app.greyed(row.action).is_none(),
        };
        // What is for an emergency stands here only in one; help and palette have it always.
        if row.group == Group::Emergency && !possible {
            continue;
        }
        match out.iter_mut().find(|(known, ..)| *known == key) {
            Some(entry) => {
                entry.2 |= possible;
                // A prefix under which several groups meet is a way to go somewhere.
                if entry.3 != row.group && sequence.len() > 1 {
                    entry.1 = Group::Move.word().to_owned();
                }
            }
            None if sequence.len() > 1 => out.push((key, row.group.word().to_owned(), possible, row.group)),
            None => out.push((key, row.label.to_owned(), possible, row.group)),
        }
    }
    out.into_iter().map(|(key, label, possible, _)| (key, label, possible)).collect()
}

/// After the first key of a sequence: what may follow, with the reason beside what is not possible.
fn which_key(app: &App, look: &Look, body: Rect, frame: &mut Frame) {
    let next = app.config.keymap.continuations(&app.contexts(), &app.pending);
    if next.is_empty() {
        return;
    }
    let entry = |keys: &[_], action: Action| {
        let reason = app.greyed(action);
        let note = reason.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        (format!(" {:<3}", sequence_label(keys)), action.row().label, note, reason.is_none())
    };
    let widest =
        next.iter().map(|(keys, action)| entry(keys, *action)).map(|(key, label, note, _)| width(&key) + width(label) + width(&note));
    let fits = widest.max().unwrap_or(0) < body.width / 3;
    let columns: u16 = if body.width >= 100 && fits { 3 } else { 2 };
    let column_width = body.width / columns;
    let lines = (next.len() as u16).div_ceil(columns).min(body.height.saturating_sub(1));
    let area = Rect { x: body.x, y: body.bottom().saturating_sub(lines + 1), width: body.width, height: lines + 1 };
    Clear.render(area, frame.buffer_mut());
    let buf = frame.buffer_mut();
    put(buf, area.x, area.y, area.width, &look.glyph(Glyph::Rule).repeat(usize::from(area.width)), look.style(Tone::Border), look);
    for (at, (keys, action)) in next.iter().enumerate() {
        let at = at as u16;
        if at / lines.max(1) >= columns {
            break;
        }
        let (x, y) = (area.x + at / lines * column_width, area.y + 1 + at % lines);
        let (key, label, note, possible) = entry(keys, *action);
        let (key_style, style) =
            if possible { (look.style(Tone::Key), look.style(Tone::Text)) } else { (look.style(Tone::Muted), look.style(Tone::Muted)) };
        line(buf, x, y, column_width.saturating_sub(1), &[(&key, key_style), (label, style), (&note, style)], look);
    }
}
