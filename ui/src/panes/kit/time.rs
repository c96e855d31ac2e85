//! Moments in the operator's zone, and the time until one.

use crate::app::Env;
use noctule_domain::{Timestamp, sentence};

/// `14:05` today, `21 Nov 14:05` otherwise.
pub fn local(at: Timestamp, env: &Env<'_>) -> String {
    let (at, now) = (at.with_timezone(&env.zone), env.now.with_timezone(&env.zone));
    let format = if at.date_naive() == now.date_naive() { "%H:%M" } else { "%-d %b %H:%M" };
    at.format(format).to_string()
}

/// With date and seconds, for a detail.
pub fn local_long(at: Timestamp, env: &Env<'_>) -> String {
    at.with_timezone(&env.zone).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `in 4m`, or `12s ago`.
pub fn until(at: Timestamp, env: &Env<'_>) -> String {
    match (at - env.now).num_seconds() {
        ahead if ahead > 0 => format!("in {}", sentence::age(ahead)),
        past => format!("{} ago", sentence::age(-past)),
    }
}

/// Time to the next try.
pub fn countdown(at: Timestamp, env: &Env<'_>) -> String {
    match (at - env.now).num_seconds() {
        ahead if ahead > 0 => format!("in {}", sentence::age(ahead)),
        _ => "now".to_owned(),
    }
}

/// A tick redraws when the age of a moment changes in words. The future has no age, so the last minute of a countdown, the only part of
/// it that is shown in seconds, is told as a moment one second ago: its age changes with every tick.
pub fn countdown_moment(at: Timestamp, env: &Env<'_>) -> Option<Timestamp> {
    let ahead = (at - env.now).num_seconds();
    (-1..=60).contains(&ahead).then(|| env.now - chrono::Duration::seconds(1))
}

/// How long something took: `140 ms`, `2.3 s`, then as an age.
pub fn took(from: Timestamp, to: Timestamp) -> String {
    match (to - from).num_milliseconds().max(0) {
        ms @ 0..1000 => format!("{ms} ms"),
        ms @ 1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => sentence::age(ms / 1000),
    }
}
