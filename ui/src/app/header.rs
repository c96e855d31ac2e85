//! The two lines above the pane: who and where we are, how fresh what is shown is, the tabs. What does not fit is left out from the least
//! important on; the clock and how old everything is that is seen stay.

use super::{App, centre_words};
use crate::look::{Glyph, Tone};
use crate::msg::{UpstreamKind, UpstreamState};
use crate::panes::{PaneId, thousands};
use crate::widgets::{age, line, put, width};
use noctule_domain::Timestamp;
use noctule_domain::sync::SyncStatus;
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

/// A piece of the right side.
struct Piece {
    text: String,
    /// Where there is little room.
    short: Option<String>,
    style: Style,
    /// What gives way first has the lowest.
    rank: Rank,
}

/// Who gives way first when it gets narrow. What is quiet goes; then what is left is said shorter; then the least important goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Who we are, the mouse.
    Who,
    /// An upstream in order.
    Quiet,
    Running,
    Waiting,
    Upstream,
    Outbox,
    Conflicts,
    Drift,
    /// How old everything is that is seen: it stays.
    Centre,
    ReadOnly,
    Clock,
}

/// Pieces of the right side, as they stand.
fn right_side(app: &App) -> Vec<Piece> {
    let look = &app.look;
    let mut out = Vec::new();
    let mut piece =
        |text: String, short: Option<String>, tone: Tone, rank: Rank| out.push(Piece { text, short, style: look.style(tone), rank });
    piece(format!("{} {}", app.config.actor, app.role()), None, Tone::Muted, Rank::Who);
    if app.mouse {
        piece("mouse".to_owned(), None, Tone::Muted, Rank::Who);
    }
    // The centre has a place of its own below.
    let mut upstreams: Vec<_> = app.upstreams.iter().filter(|u| !(app.config.central && u.kind == UpstreamKind::Central)).collect();
    upstreams.sort_by_key(|u| u.state);
    for upstream in upstreams {
        let (glyph, tone, rank) = match upstream.state {
            UpstreamState::Live => (Glyph::Live, Tone::Good, Rank::Quiet),
            UpstreamState::Delayed => (Glyph::Delayed, Tone::Warning, Rank::Upstream),
            UpstreamState::Offline => (Glyph::Offline, Tone::Danger, Rank::Upstream),
        };
        let glyph = look.glyph(glyph);
        match (upstream.state, upstream.since) {
            (UpstreamState::Live, _) => piece(format!("{glyph}{}", upstream.name), None, tone, rank),
            (state, Some(since)) => {
                let age = age(since, app.now);
                piece(format!("{glyph}{} {state} {age}", upstream.name), Some(format!("{glyph}{} {age}", upstream.name)), tone, rank);
            }
            (state, None) => piece(format!("{glyph}{} {state}", upstream.name), Some(format!("{glyph}{}", upstream.name)), tone, rank),
        }
    }
    if let Some(job) = super::jobs::at_work(&app.jobs) {
        let standing = !job.head.state.goes();
        let short = format!("{} {} %", job.head.course.word(), super::jobs::percent(job));
        let tone = if standing { Tone::Warning } else { Tone::Info };
        piece(if standing { format!("{short} {}", job.head.state) } else { short.clone() }, Some(short), tone, Rank::Running);
    }
    if app.waiting > 0 {
        let short = format!("{}{}", look.glyph(Glyph::Waiting), app.waiting);
        piece(format!("{short} waiting"), Some(short), Tone::Warning, Rank::Waiting);
    }
    if app.running > 0 {
        let short = format!("{}{}", look.glyph(Glyph::Running), app.running);
        piece(format!("{short} running"), Some(short), Tone::Info, Rank::Running);
    }
    if app.drift_critical > 0 {
        let short = format!("{}{}", look.glyph(Glyph::Conflict), thousands(app.drift_critical));
        piece(format!("{short} drift"), Some(short), Tone::Danger, Rank::Drift);
    }
    if app.config.central {
        let nothing = SyncStatus::default();
        let status = app.sync.as_ref().unwrap_or(&nothing);
        if status.outbox.conflicts > 0 {
            let short = format!("{}{}", look.glyph(Glyph::Conflict), thousands(status.outbox.conflicts));
            piece(format!("{short} to decide"), Some(short), Tone::Danger, Rank::Conflicts);
        }
        if status.outbox.unsent > 0 {
            let short = format!("{}{}", look.glyph(Glyph::Outbox), thousands(status.outbox.unsent));
            piece(format!("{short} unsent"), Some(short), Tone::Info, Rank::Outbox);
        }
        let words = centre_words(status, app.now, app.config.zone);
        let glyph = look.glyph(words.glyph);
        piece(format!("{glyph}centre {}", words.full), Some(format!("{glyph}centre {}", words.short)), words.tone, Rank::Centre);
    }
    if app.read_only().is_some() {
        piece("READ-ONLY".to_owned(), None, Tone::Danger, Rank::ReadOnly);
    }
    piece(clock(app, app.now), None, Tone::Text, Rank::Clock);
    out
}

/// Makes the pieces fit into `room` cells: what is quiet goes, then words get shorter, then the least important goes.
fn fit(mut pieces: Vec<Piece>, room: u16) -> Vec<Piece> {
    let total = |pieces: &[Piece]| pieces.iter().map(|p| width(&p.text) + 2).sum::<u16>();
    let lowest = |pieces: &[Piece], may: &dyn Fn(&Piece) -> bool| {
        pieces.iter().enumerate().filter(|(_, p)| may(p)).min_by_key(|(at, p)| (p.rank, *at)).map(|(at, _)| at)
    };
    while total(&pieces) > room {
        if let Some(at) = lowest(&pieces, &|p| p.rank <= Rank::Quiet) {
            pieces.remove(at);
        } else if let Some(piece) = lowest(&pieces, &|p| p.short.is_some()).and_then(|at| pieces.get_mut(at)) {
            piece.text = piece.short.take().unwrap_or_default();
        } else if let Some(at) = lowest(&pieces, &|p| p.rank < Rank::Clock) {
            pieces.remove(at);
        } else {
            break;
        }
    }
    pieces
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
    let pieces = fit(right_side(app), area.width.saturating_sub(used));
    let total = pieces.iter().map(|p| width(&p.text) + 2).sum::<u16>();
    let mut x = area.right().saturating_sub(total).max(area.x + used) + 2;
    for piece in &pieces {
        x += put(buf, x, area.y, area.right().saturating_sub(x), &piece.text, piece.style, look) + 2;
    }
}

/// Where each tab is and what it says. With all names when they fit, short ones when those do, else numbers only; the present one has its name
/// in full at any width.
pub(super) fn tabs(app: &App, area: Rect) -> Vec<(PaneId, Rect, String)> {
    let full = |pane: PaneId| format!(" {} {} ", pane.number(), pane.title());
    let tight = |pane: PaneId| format!("{}{} ", pane.number(), pane.title());
    let short = |pane: PaneId| format!("{}{} ", pane.number(), if pane == app.pane { pane.title() } else { pane.short() });
    let numbers = |pane: PaneId| if pane == app.pane { full(pane) } else { format!(" {} ", pane.number()) };
    let fits = |f: &dyn Fn(PaneId) -> String| PaneId::ALL.iter().map(|p| width(&f(*p))).sum::<u16>() <= area.width;
    let label: &dyn Fn(PaneId) -> String = if fits(&full) {
        &full
    } else if fits(&tight) {
        &tight
    } else if fits(&short) {
        &short
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
