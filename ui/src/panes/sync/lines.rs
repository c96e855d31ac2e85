//! The lines of the pane, top to bottom, each with what it selects. One function, used by drawing and by updates alike.

use super::standing::{self, Lines, Pieces};
use super::state::{Item, State};
use super::words;
use crate::action::Action;
use crate::app::Env;
use crate::look::{Glyph, Look, Tone};
use crate::panes::kit::{count, thousands};
use crate::widgets::age;
use noctule_domain::SafeText;
use noctule_domain::sync::{Answer, Conflict, Link, Op, OpState, Other, SyncStatus};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    pub pieces: Pieces,
    /// At the right edge: an age.
    pub right: String,
    pub item: Option<Item>,
}

impl Line {
    fn of(pieces: Pieces) -> Self {
        Self { pieces, ..Self::default() }
    }
}

impl State {
    /// What is known of the sync: told by message, or by the answer where nothing was told yet.
    pub(super) fn status<'a>(&'a self, env: &Env<'a>) -> Option<&'a SyncStatus> {
        env.sync.or_else(|| self.data.value.as_ref().and_then(|view| view.status.as_ref()))
    }

    /// Ops that wait: what wants a decision stands in its own section.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &(Op, OpState, SafeText)> {
        self.data.value.iter().flat_map(|v| v.outbox.iter()).filter(|(_, s, _)| matches!(s, OpState::Unsent | OpState::Answered)).take(200)
    }

    pub(super) fn conflicts(&self) -> impl Iterator<Item = &Conflict> {
        self.data.value.iter().flat_map(|v| v.conflicts.iter()).take(500)
    }

    pub(super) fn others(&self) -> impl Iterator<Item = &Other> {
        self.data.value.iter().flat_map(|v| v.others.iter()).take(1000)
    }

    pub(super) fn lines(&self, env: &Env<'_>, look: &Look, room: u16) -> Vec<Line> {
        let mut out: Vec<Line> = Vec::new();
        let view = self.data.value.as_deref();
        if !env.central && view.is_none_or(|view| view.status.is_none()) {
            out.extend(standing::alone(room).into_iter().map(Line::of));
            return out;
        }
        let nothing = SyncStatus::default();
        let status = self.status(env).unwrap_or(&nothing);
        out.extend(standing::centre(status, view, env, look, room).into_iter().map(Line::of));
        if let (Some(first), Some(key)) = (out.first_mut(), env.keymap.label(Action::SyncNow)) {
            first.right = format!("{key} {}", Action::SyncNow.row().label);
        }
        out.extend(standing::progress(status, env, look, room).into_iter().map(Line::of));
        if view.is_none() {
            return out;
        }
        self.conflict_lines(env, look, &mut out);
        self.outbox_lines(status, env, look, room, &mut out);
        self.copy_lines(room, &mut out);
        self.other_lines(status, env, look, room, &mut out);
        out
    }

    fn conflict_lines(&self, env: &Env<'_>, look: &Look, out: &mut Vec<Line>) {
        let n = self.conflicts().count() as u64;
        if n == 0 {
            return;
        }
        head(out, &format!("{} to decide", count(n, "change", "changes")), "Enter shows mine and theirs");
        for conflict in self.conflicts() {
            let (glyph, text, tone) = match (&conflict.answer, words::refusal(&conflict.answer)) {
                (Answer::Conflict { collisions, .. }, _) => {
                    let names: Vec<String> = collisions.iter().take(8).map(|c| words::field(&c.field)).collect();
                    (Glyph::Conflict, format!("{}: somebody else changed {}", conflict.target, names.join(", ")), Tone::Warning)
                }
                (_, why) => (
                    Glyph::Failed,
                    format!("{}: {}: {}", conflict.target, words::verb(&conflict.op.change), why.unwrap_or_default()),
                    Tone::Danger,
                ),
            };
            out.push(Line {
                pieces: vec![(format!(" {} ", look.glyph(glyph)), tone), (text, Tone::Text)],
                right: age(conflict.answered_at, env.now),
                item: Some(Item::Conflict(conflict.op.id)),
            });
        }
    }

    fn outbox_lines(&self, status: &SyncStatus, env: &Env<'_>, look: &Look, room: u16, out: &mut Vec<Line>) {
        let unsent = || self.waiting().filter(|(_, state, _)| *state == OpState::Unsent);
        let listed = unsent().count() as u64;
        let back = self.waiting().count() as u64 - listed;
        let n = status.outbox.unsent.max(listed);
        let oldest = unsent().map(|(op, ..)| op.made_at).min().or(status.outbox.oldest);
        let mut notes: Vec<String> =
            oldest.filter(|_| n > 0).map(|at| format!("the oldest for {}", age(at, env.now))).into_iter().collect();
        if back > 0 {
            notes.push(format!("{} at the centre, back with the next read", thousands(back)));
        }
        head(out, &format!("Outbox: {}", if n == 0 { "empty".to_owned() } else { format!("{} wait", thousands(n)) }), &notes.join("; "));
        if n == 0 && back == 0 {
            // What collided or was refused is not at the centre, though it does not wait to be sent.
            let words = match status.outbox.conflicts.max(self.conflicts().count() as u64) {
                0 => " Everything that was done here is at the centre.",
                _ => " Everything else that was done here is at the centre.",
            };
            out.push(Line::of(vec![(words.to_owned(), Tone::Muted)]));
        }
        let verb = if room >= 100 { 32 } else { 22 };
        for (op, state, target) in self.waiting() {
            let (glyph, tone) = if *state == OpState::Unsent { (Glyph::Outbox, Tone::Info) } else { (Glyph::Ok, Tone::Good) };
            let what = words::verb(&op.change);
            let what = crate::widgets::fit(&what, verb, look.ellipsis()).into_owned();
            let blank = " ".repeat(usize::from(verb.saturating_sub(crate::widgets::width(&what))) + 1);
            out.push(Line {
                pieces: vec![
                    (format!(" {} ", look.glyph(glyph)), tone),
                    (format!("{what}{blank}"), Tone::Text),
                    (target.to_string(), Tone::Text),
                ],
                right: age(op.made_at, env.now),
                item: Some(Item::Op(op.id)),
            });
        }
        if n > listed && listed > 0 {
            out.push(Line::of(vec![(format!(" {} more, younger than these", thousands(n - listed)), Tone::Muted)]));
        }
    }

    fn copy_lines(&self, room: u16, out: &mut Vec<Line>) {
        let Some(view) = &self.data.value else { return };
        let all: u64 = view.rows.iter().map(|(_, n)| n).sum();
        head(out, &format!("This copy: {}", count(all, "row", "rows")), "");
        let parts: Vec<String> =
            view.rows.iter().filter(|(_, n)| *n > 0).map(|(t, n)| format!("{} {}", thousands(*n), standing::table_words(*t))).collect();
        let mut lines = Lines::new(room.saturating_sub(1));
        lines.text(&if parts.is_empty() { "nothing yet".to_owned() } else { parts.join(", ") }, Tone::Muted);
        out.extend(lines.out.into_iter().map(|mut pieces| {
            pieces.insert(0, (" ".to_owned(), Tone::Muted));
            Line::of(pieces)
        }));
    }

    fn other_lines(&self, status: &SyncStatus, env: &Env<'_>, look: &Look, room: u16, out: &mut Vec<Line>) {
        let n = self.others().count() as u64;
        let told = if status.link == Link::Live { "" } else { "as the centre told last" };
        head(out, &format!("Other consoles: {}", if n == 0 { "none".to_owned() } else { thousands(n) }), told);
        let column: u16 = if room >= 100 { 24 } else { 16 };
        for other in self.others() {
            let login = crate::widgets::fit(other.login.as_str(), column, look.ellipsis()).into_owned();
            let blank = " ".repeat(usize::from(column.saturating_sub(crate::widgets::width(&login))) + 1);
            let at = match other.subscriber {
                None => ("looks at no subscriber".to_owned(), Tone::Muted),
                Some(id) => match self.row(id) {
                    Some(row) => (format!("looks at {} {}", row.subscriber_number, row.full_name), Tone::Text),
                    None => (format!("looks at subscriber {}", id.short()), Tone::Text),
                },
            };
            out.push(Line {
                pieces: vec![(format!("   {login}{blank}"), Tone::Text), at],
                right: age(other.seen_at, env.now),
                item: Some(Item::Other(other.console)),
            });
        }
    }
}

fn head(out: &mut Vec<Line>, text: &str, note: &str) {
    if !out.is_empty() {
        out.push(Line::default());
    }
    out.push(Line::of(vec![
        (text.to_owned(), Tone::Header),
        (if note.is_empty() { String::new() } else { format!("  {note}") }, Tone::Muted),
    ]));
}
