//! The lines of the Overview.

use super::state::{CentreAlert, Item, State};
use crate::app::{Dx, severity};
use crate::look::{Glyph, Tone};
use crate::panes::kit::{count, thousands};
use crate::panes::network::level;
use crate::widgets::{age, bar, enforcement_badge, lifecycle_badge, line, put, task_badge, technician_badge, width};
use noctule_domain::lifecycle::Enforcement;
use noctule_domain::overview::Overview;
use noctule_domain::page::Total;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// How many there are in all, where there is room to say so.
fn all(overview: &Overview, at: Rect) -> String {
    if at.width < 70 { String::new() } else { format!("; {} subscribers in all", thousands(overview.subscribers)) }
}

pub fn head(name: &str, overview: &Overview, dx: &Dx<'_>, at: Rect, buf: &mut Buffer) {
    let look = dx.look;
    let (title, note) = match name {
        "alerts" => ("Alerts", String::new()),
        "states" => (
            "IPv6 lifecycle",
            format!("{:.1} % of {} with PD hold a prefix{}", overview.utilisation(), thousands(overview.delegating), all(overview, at)),
        ),
        "operations" => ("Operations", String::new()),
        "network" => ("On the network", "asked for, and not known to be done".to_owned()),
        "pools" => ("Pools", String::new()),
        _ => ("Field", String::new()),
    };
    line(
        buf,
        at.x,
        at.y,
        at.width,
        &[(title, look.style(Tone::Header)), ("  ", look.style(Tone::Text)), (&note, look.style(Tone::Muted))],
        look,
    );
}

/// A glyph, a word, a number at its column, something after it.
struct Line<'a> {
    glyph: Glyph,
    word: &'a str,
    count: u64,
    tone: Tone,
}

fn counted(line_of: &Line<'_>, dx: &Dx<'_>, at: Rect, buf: &mut Buffer) -> u16 {
    let look = dx.look;
    let text = format!("{} {:<12}{:>9}", look.glyph(line_of.glyph), line_of.word, thousands(line_of.count));
    put(buf, at.x + 1, at.y, at.width.saturating_sub(1), &text, look.style(line_of.tone), look) + 1
}

fn centre(what: CentreAlert, dx: &Dx<'_>, at: Rect, buf: &mut Buffer) {
    let (look, env) = (dx.look, &dx.env);
    let Some(status) = env.sync else { return };
    let level = what.severity();
    let (text, since) = match what {
        CentreAlert::Revoked => ("the centre does not let you in any more; what was not sent is kept".to_owned(), status.since),
        CentreAlert::Upgrade => ("the centre is newer than this program: update it; what was not sent is kept".to_owned(), status.since),
        CentreAlert::Offline => {
            let kept = match status.outbox.unsent {
                0 => String::new(),
                n => format!(", {} unsent", thousands(n)),
            };
            (format!("the centre is offline{kept}: go on working"), status.fresh_at.or(status.since))
        }
        CentreAlert::Conflicts => {
            let n = status.outbox.conflicts;
            (format!("{} of yours wait for a decision", count(n, "change", "changes")), None)
        }
    };
    let (glyph, tone) = severity(level);
    let since = since.map(|since| age(since, env.now)).unwrap_or_default();
    let right = width(&since);
    let text = format!("{} {level} {text}", look.glyph(glyph));
    put(buf, at.x + 1, at.y, at.width.saturating_sub(right + 3), &text, look.style(tone), look);
    put(buf, at.right().saturating_sub(right + 1), at.y, right, &since, look.style(Tone::Muted), look);
}

pub fn item(state: &State, item: Item, dx: &Dx<'_>, at: Rect, buf: &mut Buffer) {
    let look = dx.look;
    let Some(overview) = state.overview() else { return };
    let quiet = |count: u64, tone: Tone| if count == 0 { Tone::Muted } else { tone };
    match item {
        Item::Centre(what) => centre(what, dx, at, buf),
        Item::Alert(id) => {
            let Some(alert) = state.alert(id) else { return };
            let (glyph, tone) = severity(alert.severity);
            let since = alert.since.map(|since| age(since, dx.env.now)).unwrap_or_default();
            let right = width(&since);
            let text = format!("{} {} {}", look.glyph(glyph), alert.severity, alert.text);
            put(buf, at.x + 1, at.y, at.width.saturating_sub(right + 3), &text, look.style(tone), look);
            put(buf, at.right().saturating_sub(right + 1), at.y, right, &since, look.style(Tone::Muted), look);
        }
        Item::State(s) => {
            let count = overview.states.iter().find(|(other, _)| *other == s).map_or(0, |(_, n)| *n);
            let badge = lifecycle_badge(s);
            let used = counted(&Line { glyph: badge.glyph, word: badge.word, count, tone: quiet(count, badge.tone) }, dx, at, buf);
            let share = if overview.delegating == 0 { 0.0 } else { count as f64 / overview.delegating as f64 };
            let percent = format!("{:>5.1} %", share * 100.0);
            let room = at.width.saturating_sub(used + 12).min(40);
            let drawn = bar(share, room, look);
            line(
                buf,
                at.x + used + 2,
                at.y,
                at.width.saturating_sub(used + 2),
                &[(&drawn, look.style(quiet(count, badge.tone))), (" ", look.style(Tone::Text)), (&percent, look.style(Tone::Muted))],
                look,
            );
        }
        Item::Pool(id) => {
            let Some(pool) = state.pool(id) else { return };
            let (glyph, word, tone) = level(pool);
            // Where there is no room for both, the bar goes before the count of what is free.
            let free = match at.width {
                70.. => format!("{:>10} free", thousands(pool.free())),
                _ => String::new(),
            };
            let free = format!(" {:>5.1} % {} {word:<8}{free}", pool.utilisation(), look.glyph(glyph));
            let prefix = pool.prefix.to_string();
            let name = 22u16.min(at.width / 3);
            let room = at.width.saturating_sub(name + width(&free) + 3).min(40);
            put(buf, at.x + 1, at.y, name, &prefix, look.style(Tone::Text), look);
            let drawn = bar(pool.utilisation() / 100.0, room, look);
            line(
                buf,
                at.x + name + 2,
                at.y,
                at.width.saturating_sub(name + 2),
                &[(&drawn, look.style(tone)), (&free, look.style(tone))],
                look,
            );
        }
        Item::Running => {
            let tone = quiet(overview.running, Tone::Info);
            counted(&Line { glyph: Glyph::Running, word: "running", count: overview.running, tone }, dx, at, buf);
        }
        Item::Waiting => {
            let tone = quiet(overview.waiting, Tone::Warning);
            counted(&Line { glyph: Glyph::Waiting, word: "waiting", count: overview.waiting, tone }, dx, at, buf);
        }
        Item::Failed => {
            let tone = quiet(overview.failed_today, Tone::Danger);
            let used = counted(&Line { glyph: Glyph::Failed, word: "failed", count: overview.failed_today, tone }, dx, at, buf);
            put(buf, at.x + used + 2, at.y, at.width.saturating_sub(used + 2), "in the last 24 hours", look.style(Tone::Muted), look);
        }
        Item::Unproved(enforcement) => {
            let total = overview.unproved.iter().find(|(other, _)| *other == enforcement).map_or(Total::Exact(0), |(_, n)| *n);
            let (count, more) = match total {
                Total::Exact(n) => (n, ""),
                Total::AtLeast(n) => (n, "or more, "),
            };
            let badge = enforcement_badge(enforcement);
            let tone = quiet(count, badge.tone);
            let used = counted(&Line { glyph: badge.glyph, word: badge.word, count, tone }, dx, at, buf);
            let note = match enforcement {
                Enforcement::Acknowledged => "in 24 h, not proved yet",
                Enforcement::Unanswered => "it may have happened all the same",
                _ => "a clear no; the state stayed",
            };
            put(buf, at.x + used + 2, at.y, at.width.saturating_sub(used + 2), &format!("{more}{note}"), look.style(Tone::Muted), look);
        }
        Item::Technicians(status) => {
            let count = overview.technicians.iter().find(|(other, _)| *other == status).map_or(0, |(_, n)| *n);
            let badge = technician_badge(status);
            let used = counted(&Line { glyph: badge.glyph, word: badge.word, count, tone: badge.tone }, dx, at, buf);
            let word = if count == 1 { "technician" } else { "technicians" };
            put(buf, at.x + used + 2, at.y, at.width.saturating_sub(used + 2), word, look.style(Tone::Muted), look);
        }
        Item::Overdue => {
            let tone = quiet(overview.tasks_overdue, Tone::Danger);
            let used = counted(&Line { glyph: Glyph::Warning, word: "overdue", count: overview.tasks_overdue, tone }, dx, at, buf);
            put(buf, at.x + used + 2, at.y, at.width.saturating_sub(used + 2), "tasks past their target", look.style(Tone::Muted), look);
        }
        Item::Today => {
            let tone = quiet(overview.tasks_today, Tone::Text);
            let used = counted(&Line { glyph: Glyph::Bullet, word: "today", count: overview.tasks_today, tone }, dx, at, buf);
            put(buf, at.x + used + 2, at.y, at.width.saturating_sub(used + 2), "tasks planned for today", look.style(Tone::Muted), look);
        }
        Item::Tasks(status) => {
            let count = overview.tasks.iter().find(|(other, _)| *other == status).map_or(0, |(_, n)| *n);
            let badge = task_badge(status);
            let used = counted(&Line { glyph: badge.glyph, word: badge.word, count, tone: badge.tone }, dx, at, buf);
            let word = if count == 1 { "task" } else { "tasks" };
            put(buf, at.x + used + 2, at.y, at.width.saturating_sub(used + 2), word, look.style(Tone::Muted), look);
        }
    }
}
