//! One line for a pool and one for a NAS, by the width there is.

use crate::app::Dx;
use crate::look::{Glyph, Look, Tone};
use crate::panes::kit::thousands;
use crate::widgets::{Cell, Column, age, bar, level_tone, spark};
use noctule_domain::ipam::{Pool, WINDOW_DAYS, resample};
use noctule_domain::nas::{NasReach, NasRow};
use noctule_domain::sentence;

pub const POOLS: &[Column] = &[
    Column { title: "Prefix", min: 16, max: 28, rank: 0 },
    Column { title: "Use", min: 10, max: 30, rank: 1 },
    Column { title: "%", min: 6, max: 6, rank: 0 },
    Column { title: "Level", min: 10, max: 10, rank: 0 },
    Column { title: "Full in", min: 9, max: 10, rank: 1 },
    Column { title: "30 days", min: 10, max: 20, rank: 2 },
    Column { title: "Free", min: 10, max: 14, rank: 3 },
    Column { title: "Read", min: 6, max: 6, rank: 4 },
    Column { title: "Description", min: 12, max: 60, rank: 5 },
];

pub const NASES: &[Column] = &[
    Column { title: "NAS", min: 10, max: 20, rank: 0 },
    Column { title: "Reach", min: 10, max: 10, rank: 0 },
    Column { title: "Address", min: 20, max: 30, rank: 3 },
    Column { title: "Answers in", min: 10, max: 10, rank: 1 },
    Column { title: "Last answer", min: 11, max: 11, rank: 1 },
    Column { title: "Subscr.", min: 8, max: 9, rank: 2 },
    Column { title: "Sessions", min: 8, max: 9, rank: 3 },
    Column { title: "ack/nak/silent", min: 14, max: 18, rank: 4 },
    Column { title: "Profile", min: 8, max: 14, rank: 5 },
    Column { title: "Site", min: 8, max: 24, rank: 6 },
];

/// The level of a pool as glyph, word and tone.
pub fn level(pool: &Pool) -> (Glyph, &'static str, Tone) {
    use noctule_domain::ipam::PoolLevel as L;
    let level = pool.level();
    let glyph = match level {
        L::Normal => Glyph::Ok,
        L::Warning => Glyph::Warning,
        L::Critical => Glyph::Critical,
    };
    (glyph, level.word(), level_tone(level))
}

/// How soon it is full, as a tone.
pub fn outlook(pool: &Pool) -> Tone {
    match pool.forecast().days_left() {
        Some(left) if left <= pool.thresholds.warning_days / 4.0 => Tone::Danger,
        Some(left) if left <= pool.thresholds.warning_days => Tone::Warning,
        _ => Tone::Muted,
    }
}

/// Cells of a pool; `bar_cells` is the width of the bar, `spark_cells` that of its history.
pub fn pool_line<'a>(pool: &'a Pool, bar_cells: u16, spark_cells: u16, dx: &Dx<'_>) -> Vec<Cell<'a>> {
    let look = dx.look;
    let (text, muted) = (look.style(Tone::Text), look.style(Tone::Muted));
    let (glyph, word, tone) = level(pool);
    let free = pool.free();
    let history = resample(&pool.history, WINDOW_DAYS, usize::from(spark_cells));
    let note = if pool.description.is_empty() { "-" } else { pool.description.as_str() };
    vec![
        vec![(pool.prefix.to_string().into(), text)],
        vec![(bar(pool.utilisation() / 100.0, bar_cells, look).into(), look.style(tone))],
        vec![(format!("{:>5.1}%", pool.utilisation()).into(), look.style(tone))],
        vec![(format!("{} {word}", look.glyph(glyph)).into(), look.style(tone))],
        vec![(format!("{:>9}", sentence::pool_left(&pool.forecast())).into(), look.style(outlook(pool)))],
        vec![(spark(&history, look).into(), look.style(tone))],
        vec![(format!("{:>10}", thousands(free)).into(), text)],
        vec![(format!("{:>6}", age(pool.seen_at, dx.env.now)).into(), muted)],
        vec![(note.into(), muted)],
    ]
}

pub fn reach(row: &NasRow, look: &Look) -> (String, Tone) {
    if !row.nas.enabled {
        return (format!("{} disabled", look.glyph(Glyph::Revoked)), Tone::Muted);
    }
    let reach = row.nas.health.reach;
    let (glyph, tone) = match reach {
        NasReach::Unknown => (Glyph::Unknown, Tone::Muted),
        NasReach::Up => (Glyph::Live, Tone::Good),
        NasReach::Busy => (Glyph::Delayed, Tone::Warning),
        NasReach::Silent => (Glyph::Offline, Tone::Danger),
    };
    (format!("{} {reach}", look.glyph(glyph)), tone)
}

/// `12.4 ms`, `1.2 s`.
pub fn round_trip(row: &NasRow) -> String {
    match row.nas.health.round_trip {
        None => "-".to_owned(),
        Some(d) if d.as_secs() >= 1 => format!("{:.1} s", d.as_secs_f64()),
        Some(d) => format!("{:.1} ms", d.as_secs_f64() * 1000.0),
    }
}

pub fn nas_line<'a>(row: &'a NasRow, dx: &Dx<'_>) -> Vec<Cell<'a>> {
    let look = dx.look;
    let (text, muted) = (look.style(Tone::Text), look.style(Tone::Muted));
    let health = &row.nas.health;
    let (reach, tone) = reach(row, look);
    let name = if row.nas.enabled { text } else { muted };
    let last = health.last_answer_at.map_or("never".to_owned(), |at| format!("{} ago", age(at, dx.env.now)));
    let trouble = if health.timeouts > 0 || health.naks > 0 { look.style(Tone::Warning) } else { muted };
    vec![
        vec![(row.nas.name.as_str().into(), name)],
        vec![(reach.into(), look.style(tone))],
        vec![(row.nas.address.to_string().into(), muted)],
        vec![(format!("{:>10}", round_trip(row)).into(), text)],
        vec![(format!("{last:>11}").into(), if health.reach == NasReach::Silent { look.style(Tone::Stale) } else { text })],
        vec![(format!("{:>8}", thousands(row.subscribers)).into(), text)],
        vec![(format!("{:>8}", thousands(row.sessions)).into(), text)],
        vec![(format!("{}/{}/{}", health.acks, health.naks, health.timeouts).into(), trouble)],
        vec![(row.nas.profile.as_str().into(), muted)],
        vec![(row.nas.site.as_ref().map_or("-", |s| s.as_str()).into(), muted)],
    ]
}
