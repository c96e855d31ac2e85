//! How this console stands with the centre, in full sentences: what is so, what it means now, what to do.

use crate::app::{Env, centre_words, lag};
use crate::look::{Look, Tone};
use crate::panes::kit::{count, local, thousands};
use crate::query::SyncView;
use crate::widgets::{age, bar, wrap};
use noctule_domain::sentence;
use noctule_domain::sync::{Link, Phase, SyncStatus};

/// One line: pieces from the left.
pub type Pieces = Vec<(String, Tone)>;

/// Cells of the labels.
const LABEL: usize = 9;
/// Most lines that one text from outside takes.
const MAX_LINES: usize = 12;

const ALONE: &str = "This machine works alone: its own store is the truth, nothing is shared and nothing waits. For one truth with many consoles, \
    somebody sets up a PostgreSQL once (noctule central init); then name it under [central] in the configuration. docs/central.md has the steps.";

pub struct Lines {
    pub out: Vec<Pieces>,
    room: u16,
}

impl Lines {
    pub fn new(room: u16) -> Self {
        Self { out: Vec::new(), room }
    }

    /// A text over as many lines as it takes.
    pub fn text(&mut self, text: &str, tone: Tone) {
        self.out.extend(wrap(text, self.room).into_iter().take(MAX_LINES).map(|row| vec![(row.to_owned(), tone)]));
    }

    pub fn field(&mut self, label: &str, text: &str, tone: Tone) {
        let mut label = label;
        for row in wrap(text, self.room.saturating_sub(LABEL as u16).max(8)).into_iter().take(MAX_LINES) {
            self.out.push(vec![(format!("{label:<LABEL$}"), Tone::Muted), (row.to_owned(), tone)]);
            label = "";
        }
    }
}

pub fn alone(room: u16) -> Vec<Pieces> {
    let mut lines = Lines::new(room);
    lines.text(ALONE, Tone::Text);
    lines.out
}

/// The lines at the top of the pane.
pub fn centre(status: &SyncStatus, view: Option<&SyncView>, env: &Env<'_>, look: &Look, room: u16) -> Vec<Pieces> {
    let mut lines = Lines::new(room);
    // What is under way has lines of its own below.
    let words = centre_words(&SyncStatus { phase: Phase::Idle, ..status.clone() }, env.now, env.zone);
    let since = match status.link {
        Link::Live | Link::Denied | Link::Upgrade => {
            status.since.map(|at| format!(" since {} ({})", local(at, env), age(at, env.now))).unwrap_or_default()
        }
        Link::Offline | Link::Delayed | Link::Connecting => String::new(),
    };
    lines.field("centre", &format!("{} {}{since}", look.glyph(words.glyph), words.full), words.tone);
    if let Some(centre) = view.map(|v| &v.centre).filter(|c| !c.is_empty()) {
        lines.field("at", centre.as_str(), Tone::Text);
    }
    let login = status.login.as_ref().unwrap_or(env.actor);
    let role = status.role.map_or_else(String::new, |role| format!(" ({role})"));
    let consoles = match status.consoles {
        Some(n) if status.link == Link::Live => format!("; {} connected", count(u64::from(n), "console", "consoles")),
        _ => String::new(),
    };
    lines.field("you", &format!("{login}{role}{consoles}"), Tone::Text);
    if let (Some(ms), Link::Live) = (status.lag_ms, status.link) {
        lines.field("lag", &format!("the last change was here {} after it was made", lag(ms)), Tone::Text);
    }
    if status.follower {
        lines.field("sync", "another console of this machine keeps this copy fresh; this one reads it", Tone::Text);
    }
    if let Some(note) = status.note.as_ref().filter(|note| !note.is_empty()) {
        lines.field("", note.as_str(), if status.link == Link::Live { Tone::Muted } else { Tone::Warning });
    }
    if let Some((text, tone)) = advice(status, view, env) {
        lines.field("", &text, tone);
    }
    lines.out
}

/// What it means now, and what to do.
fn advice(status: &SyncStatus, view: Option<&SyncView>, env: &Env<'_>) -> Option<(String, Tone)> {
    let key = env.keymap.label(crate::action::Action::SyncNow).unwrap_or_else(|| ":sync-now".to_owned());
    let no_copy = status.fresh_at.is_none() && view.is_none_or(|view| view.rows.iter().all(|(_, n)| *n == 0));
    let login = status.login.as_ref().unwrap_or(env.actor);
    Some(match status.link {
        Link::Live | Link::Delayed => return None,
        Link::Connecting if status.phase == Phase::Idle => ("The centre was not reached yet in this run.".to_owned(), Tone::Muted),
        Link::Connecting => return None,
        Link::Offline if no_copy => (
            format!(
                "This machine has no copy of the centre yet, so there is nothing to show until it was reached once. Look at the network or the \
                 VPN, at [central] in the configuration, and at `noctule doctor`; {key} tries now."
            ),
            Tone::Text,
        ),
        Link::Offline => (
            format!(
                "Go on working: tasks, notes, times and requests are kept here and pushed when the centre is back. It is tried again by itself; \
                 {key} tries now."
            ),
            Tone::Text,
        ),
        Link::Denied => (
            format!(
                "The centre does not let {login} in any more. What was not sent is kept. Ask whoever runs the centre; after a new password \
                 `noctule login`. `noctule wipe` removes this copy."
            ),
            Tone::Text,
        ),
        Link::Upgrade => (
            "The centre speaks a newer language than this program. Install the new version; what was not sent is kept and goes then."
                .to_owned(),
            Tone::Text,
        ),
    })
}

/// How far a copy, its indexes, an increment or a check is; nothing when nothing is under way.
pub fn progress(status: &SyncStatus, env: &Env<'_>, look: &Look, room: u16) -> Vec<Pieces> {
    let what = match &status.phase {
        Phase::Idle => return Vec::new(),
        Phase::Copying { table, rows, of: 0 } => format!("copying {}: {} rows", table_words(*table), thousands(*rows)),
        Phase::Copying { table, rows, of } => {
            format!("copying {}: {} of about {} rows", table_words(*table), thousands(*rows), thousands(*of))
        }
        Phase::Indexing { .. } => "the rows are here; building the indexes".to_owned(),
        Phase::CatchingUp { rows } => format!("catching up: {} changed so far", count(*rows, "row", "rows")),
        Phase::Verifying { table, .. } => format!("comparing {} with the centre", table_words(*table)),
    };
    let mut lines = Lines::new(room);
    lines.field("now", &what, Tone::Info);
    let speed = match (env.progress.rate(), &status.phase) {
        (None, _) => "measuring".to_owned(),
        (Some(rate), _) if rate < 0.01 => "nothing moves".to_owned(),
        (Some(rate), Phase::Copying { .. } | Phase::CatchingUp { .. }) => format!("{} rows/s", thousands(rate.round() as u64)),
        (Some(_), _) => String::new(),
    };
    let left =
        env.progress.seconds_left(&status.phase).map(|s| format!("about {} left", sentence::age(i64::try_from(s).unwrap_or(i64::MAX))));
    let mut words: Vec<String> = Vec::new();
    let percent = crate::app::percent(&status.phase);
    words.extend(percent.map(|n| format!("{n} %")));
    words.extend(left);
    words.extend(Some(speed).filter(|s| !s.is_empty()));
    let words = words.join(", ");
    let mut pieces = vec![(" ".repeat(LABEL), Tone::Muted)];
    if let Some(percent) = percent {
        // Wide enough for most figures, so that the bar does not breathe with them.
        let cells = room.saturating_sub(LABEL as u16 + 1 + crate::widgets::width(&words).max(38)).min(40);
        if cells >= 5 {
            pieces.push((bar(f64::from(percent) / 100.0, cells, look), Tone::Info));
            pieces.push((" ".to_owned(), Tone::Text));
        }
    }
    pieces.push((words, Tone::Text));
    lines.out.push(pieces);
    lines.out
}

pub fn table_words(table: noctule_domain::sync::Table) -> String {
    table.word().replace('_', " ")
}
