//! How the centre stands, in a few words: for the header, the Sync pane, the alerts and the reasons. One place, so that they never differ.

use crate::look::{Glyph, Tone};
use chrono::FixedOffset;
use noctule_domain::sync::{Link, Phase, SyncStatus};
use noctule_domain::{Timestamp, sentence};

/// Connected, but this many seconds behind: it can not be asked any more than if it were offline.
const AS_GOOD_AS_AWAY: i64 = 60;

#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// `offline since 14:02 (3h10m)`.
    pub full: String,
    /// `offline 3h10m`, where there is little room.
    pub short: String,
    pub glyph: Glyph,
    pub tone: Tone,
}

/// Nothing that needs the centre's word can begin now.
pub fn is_away(status: &SyncStatus, now: Timestamp) -> bool {
    match status.link {
        Link::Offline | Link::Denied | Link::Upgrade => true,
        Link::Delayed => status.fresh_at.is_some_and(|at| (now - at).num_seconds() >= AS_GOOD_AS_AWAY),
        Link::Connecting | Link::Live => false,
    }
}

/// `14:02` today, `21 Nov 14:02` otherwise.
fn clock(at: Timestamp, now: Timestamp, zone: FixedOffset) -> String {
    let (at, now) = (at.with_timezone(&zone), now.with_timezone(&zone));
    at.format(if at.date_naive() == now.date_naive() { "%H:%M" } else { "%-d %b %H:%M" }).to_string()
}

/// How much of a phase is done, of 100, where that is known.
pub fn percent(phase: &Phase) -> Option<u8> {
    match *phase {
        Phase::Copying { rows, of, .. } if of > 0 => {
            // The centre's figure is an estimate: a hundred is said only when it is over.
            Some((u128::from(rows) * 100 / u128::from(of)).min(99) as u8)
        }
        Phase::Indexing { percent } | Phase::Verifying { percent, .. } => Some(percent.min(100)),
        Phase::Idle | Phase::Copying { .. } | Phase::CatchingUp { .. } => None,
    }
}

pub fn words(status: &SyncStatus, now: Timestamp, zone: FixedOffset) -> Words {
    let age = |at: Timestamp| sentence::age((now - at).num_seconds());
    let same = |text: &str, glyph, tone| Words { full: text.to_owned(), short: text.to_owned(), glyph, tone };
    match status.link {
        Link::Denied => same("access revoked", Glyph::Critical, Tone::Danger),
        Link::Upgrade => same("update the program", Glyph::Warning, Tone::Warning),
        Link::Offline => match status.fresh_at.or(status.since) {
            Some(at) => Words {
                full: format!("offline since {} ({})", clock(at, now, zone), age(at)),
                short: format!("offline {}", age(at)),
                glyph: Glyph::Offline,
                tone: Tone::Danger,
            },
            None => same("offline", Glyph::Offline, Tone::Danger),
        },
        Link::Connecting if status.phase == Phase::Idle => same("connecting", Glyph::Delayed, Tone::Warning),
        Link::Connecting | Link::Live | Link::Delayed if status.phase != Phase::Idle => {
            let text = match (&status.phase, percent(&status.phase)) {
                (Phase::Copying { .. }, Some(n)) => format!("copying {n} %"),
                (Phase::Copying { .. }, None) => "copying".to_owned(),
                (Phase::Indexing { .. }, n) => format!("indexing {} %", n.unwrap_or(0)),
                (Phase::Verifying { .. }, n) => format!("verifying {} %", n.unwrap_or(0)),
                _ => "catching up".to_owned(),
            };
            same(&text, Glyph::Running, Tone::Info)
        }
        Link::Delayed => match status.fresh_at {
            Some(at) => same(&format!("delayed by {}", age(at)), Glyph::Delayed, Tone::Warning),
            None => same("delayed", Glyph::Delayed, Tone::Warning),
        },
        Link::Connecting | Link::Live => match status.lag_ms.filter(|ms| *ms >= SyncStatus::NOTABLE_LAG_MS) {
            Some(ms) => {
                Words { full: format!("live, lag {}", lag(ms)), short: format!("lag {}", lag(ms)), glyph: Glyph::Live, tone: Tone::Warning }
            }
            None => same("live", Glyph::Live, Tone::Good),
        },
    }
}

/// `140 ms`, `3.2 s`, `4m`.
pub fn lag(ms: u64) -> String {
    match ms {
        ms @ 0..1000 => format!("{ms} ms"),
        ms @ 1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => sentence::age(i64::try_from(ms / 1000).unwrap_or(i64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::now;
    use chrono::{Duration, Offset};

    fn said(status: &SyncStatus) -> (String, String) {
        let words = words(status, now(), chrono::Utc.fix());
        (words.full, words.short)
    }

    #[test]
    fn each_way_to_stand_has_words_of_its_own() {
        let base = SyncStatus { fresh_at: Some(now() - Duration::minutes(190)), ..SyncStatus::default() };
        let of = |link, phase, lag_ms| said(&SyncStatus { link, phase, lag_ms, ..base.clone() }).0;
        let table = noctule_domain::sync::Table::Subscribers;
        assert_eq!(of(Link::Connecting, Phase::Idle, None), "connecting");
        assert_eq!(of(Link::Live, Phase::Idle, Some(140)), "live");
        assert_eq!(of(Link::Live, Phase::Idle, Some(3_240)), "live, lag 3.2 s");
        assert_eq!(of(Link::Live, Phase::Copying { table, rows: 41, of: 100 }, None), "copying 41 %");
        assert_eq!(of(Link::Live, Phase::Copying { table, rows: 141, of: 100 }, None), "copying 99 %", "an estimate may be low");
        assert_eq!(of(Link::Live, Phase::Copying { table, rows: 0, of: 0 }, None), "copying");
        assert_eq!(of(Link::Live, Phase::Indexing { percent: 7 }, None), "indexing 7 %");
        assert_eq!(of(Link::Live, Phase::CatchingUp { rows: 3 }, None), "catching up");
        assert_eq!(of(Link::Delayed, Phase::Idle, None), "delayed by 3h10m");
        assert_eq!(of(Link::Denied, Phase::Indexing { percent: 7 }, None), "access revoked");
        assert_eq!(of(Link::Upgrade, Phase::Idle, None), "update the program");
        assert_eq!(said(&SyncStatus { link: Link::Offline, ..base }), ("offline since 06:20 (3h10m)".into(), "offline 3h10m".into()));
        let long = SyncStatus { link: Link::Offline, since: Some(now() - Duration::days(3)), ..SyncStatus::default() };
        assert_eq!(said(&long).0, "offline since 20 Nov 09:30 (3d)");
        assert_eq!(said(&SyncStatus { link: Link::Offline, ..SyncStatus::default() }).0, "offline");
    }

    #[test]
    fn a_little_late_is_not_away_and_very_late_is() {
        let late =
            |seconds| SyncStatus { link: Link::Delayed, fresh_at: Some(now() - Duration::seconds(seconds)), ..SyncStatus::default() };
        assert!(!is_away(&late(12), now()));
        assert!(is_away(&late(75), now()));
        assert!(!is_away(&SyncStatus { link: Link::Live, ..late(900) }, now()));
    }
}
