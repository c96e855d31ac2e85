//! The two lines above the pane: who and where we are, how fresh what is shown is, the tabs. What does not fit is left out from the least
//! important on; the clock and an upstream in trouble stay.

use super::App;
use crate::look::{Glyph, Tone};
use crate::msg::UpstreamState;
use crate::panes::PaneId;
use crate::widgets::{age, line, put, width};
use noctule_domain::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub(super) fn draw(app: &App, header: Rect, tabs_area: Rect, buf: &mut Buffer) {
    first_line(app, header, buf);
    for (pane, area, text) in tabs(app, tabs_area) {
        let style = if pane == app.pane { app.look.style(Tone::Selected) } else { app.look.style(Tone::Muted) };
        put(buf, area.x, area.y, area.width, &text, style, &app.look);
    }
}

/// Pieces of the right side, the most important last.
fn right_side(app: &App) -> Vec<(String, Style)> {
    let look = &app.look;
    let mut out = Vec::new();
    out.push((format!("{} {}", app.config.actor, app.config.role), look.style(Tone::Muted)));
    if app.mouse {
        out.push(("mouse".to_owned(), look.style(Tone::Muted)));
    }
    let mut upstreams: Vec<_> = app.upstreams.iter().collect();
    upstreams.sort_by_key(|u| u.state);
    for upstream in upstreams {
        let (glyph, tone) = match upstream.state {
            UpstreamState::Live => (Glyph::Live, Tone::Good),
            UpstreamState::Delayed => (Glyph::Delayed, Tone::Warning),
            UpstreamState::Offline => (Glyph::Offline, Tone::Danger),
        };
        let text = match (upstream.state, upstream.since) {
            (UpstreamState::Live, _) => format!("{}{}", look.glyph(glyph), upstream.name),
            (state, Some(since)) => format!("{}{} {state} {}", look.glyph(glyph), upstream.name, age(since, app.now)),
            (state, None) => format!("{}{} {state}", look.glyph(glyph), upstream.name),
        };
        out.push((text, look.style(tone)));
    }
    if app.waiting > 0 {
        out.push((format!("{}{} waiting", look.glyph(Glyph::Waiting), app.waiting), look.style(Tone::Warning)));
    }
    if app.running > 0 {
        out.push((format!("{}{} running", look.glyph(Glyph::Running), app.running), look.style(Tone::Info)));
    }
    if app.read_only().is_some() {
        out.push(("READ-ONLY".to_owned(), look.style(Tone::Danger)));
    }
    out.push((clock(app, app.now), look.style(Tone::Text)));
    out
}

fn clock(app: &App, at: Timestamp) -> String {
    at.with_timezone(&app.config.zone).format("%H:%M").to_string()
}

fn first_line(app: &App, area: Rect, buf: &mut Buffer) {
    let look = &app.look;
    let tenant = if app.config.tenant.is_empty() { String::new() } else { format!(" {}", app.config.tenant) };
    let demo = if app.config.demo { " demo" } else { "" };
    let left = [("noctule", look.style(Tone::Accent)), (&*tenant, look.style(Tone::Title)), (demo, look.style(Tone::Warning))];
    let left_width = left.iter().map(|(text, _)| width(text)).sum::<u16>().min(area.width / 2);
    let used = line(buf, area.x, area.y, left_width, &left, look);
    let mut pieces = right_side(app);
    let total = |pieces: &[(String, Style)]| pieces.iter().map(|(text, _)| width(text) + 2).sum::<u16>();
    while pieces.len() > 1 && total(&pieces) > area.width.saturating_sub(used) {
        pieces.remove(0);
    }
    let mut x = area.right().saturating_sub(total(&pieces)).max(area.x + used) + 2;
    for (text, style) in &pieces {
        x += put(buf, x, area.y, area.right().saturating_sub(x), text, *style, look) + 2;
    }
}

/// Where each tab is and what it says. With all names when they fit, else numbers only except for the present one.
pub(super) fn tabs(app: &App, area: Rect) -> Vec<(PaneId, Rect, String)> {
    let full = |pane: PaneId| format!(" {} {} ", pane.number(), pane.title());
    let tight = |pane: PaneId| format!("{}{} ", pane.number(), pane.title());
    let numbers = |pane: PaneId| if pane == app.pane { full(pane) } else { format!(" {} ", pane.number()) };
    let fits = |f: &dyn Fn(PaneId) -> String| PaneId::ALL.iter().map(|p| width(&f(*p))).sum::<u16>() <= area.width;
    let label: &dyn Fn(PaneId) -> String = if fits(&full) {
        &full
    } else if fits(&tight) {
        &tight
    } else {
        &numbers
    };
    let mut x = area.x;
    PaneId::ALL
        .iter()
        .map(|pane| {
            let text = label(*pane);
            let room = area.right().saturating_sub(x);
            let tab = Rect { x, y: area.y, width: width(&text).min(room), height: area.height };
            x = x.saturating_add(tab.width);
            (*pane, tab, text)
        })
        .collect()
}
