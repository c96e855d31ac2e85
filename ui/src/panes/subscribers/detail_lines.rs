//! The lines of the detail: every field with its name, every operation with every answer. Long texts are broken, never cut: an answer of a
//! NAS is what the operator came for.

use crate::app::Env;
use crate::look::{Glyph, Look, Tone};
use crate::query::SubscriberView;
use crate::widgets::{age, enforcement_badge, lifecycle_badge, operation_badge, step_badge};
use chrono::Duration;
use noctule_domain::lifecycle::{Expected, OperationView, StepRow};
use noctule_domain::overview::Severity;
use noctule_domain::sentence::{self, Said};
use noctule_domain::{SafeText, Timestamp};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A text, or a glyph that depends on the look.
pub(super) enum Piece {
    Text(String),
    Glyph(Glyph),
}

impl Piece {
    pub fn text(&self, look: &Look) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Glyph(glyph) => look.glyph(*glyph).to_owned(),
        }
    }
}

pub(super) type Line = Vec<(Piece, Tone)>;
pub(super) type Lines = Vec<Line>;

/// Cells of a field's name.
const NAME: usize = 16;
/// Most lines of one long text.
/// The screen's clock stands still for so long at most.
const TICK: Duration = Duration::seconds(2);
const MAX_WRAP: usize = 12;

fn text(text: impl Into<String>, tone: Tone) -> (Piece, Tone) {
    (Piece::Text(text.into()), tone)
}

struct Fields<'a> {
    out: Lines,
    env: &'a Env<'a>,
    room: usize,
}

impl Fields<'_> {
    fn title(&mut self, title: &str) {
        if !self.out.is_empty() {
            self.out.push(Vec::new());
        }
        self.out.push(vec![text(title, Tone::Header)]);
    }

    fn field(&mut self, name: &str, value: &str, tone: Tone) {
        for (at, part) in wrap(value, self.room.saturating_sub(NAME)).into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            self.out.push(vec![text(format!("{name:<NAME$}"), Tone::Muted), text(part, tone)]);
        }
    }

    fn opt(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.field(name, &value.to_string(), Tone::Text);
        }
    }

    /// A sentence in the tone of how much of a look it wants.
    fn said(&mut self, name: &str, (words, severity): Said) {
        let tone = match severity {
            None => Tone::Good,
            Some(Severity::Info) => Tone::Muted,
            Some(Severity::Warning) => Tone::Warning,
            Some(Severity::Critical) => Tone::Danger,
        };
        self.field(name, &words, tone);
    }

    fn moment(&mut self, name: &str, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.field(name, &when(at, self.env), Tone::Text);
        }
    }

    fn badge(&mut self, name: &str, glyph: Glyph, word: &str, tone: Tone, note: &str) {
        self.out.push(vec![
            text(format!("{name:<NAME$}"), Tone::Muted),
            (Piece::Glyph(glyph), tone),
            text(format!(" {word}"), tone),
            text(note, Tone::Muted),
        ]);
    }
}

/// A moment in the operator's zone, with how long ago it was.
fn when(at: Timestamp, env: &Env<'_>) -> String {
    let local = at.with_timezone(&env.zone).format("%Y-%m-%d %H:%M");
    // What has just been written is ahead of the screen's clock by a part of its tick.
    if at - env.now > TICK { format!("{local}, in {}", age(env.now, at)) } else { format!("{local}, {} ago", age(at, env.now)) }
}

/// The time of a moment in the operator's zone; with its day where that is another.
fn clock(at: Timestamp, env: &Env<'_>) -> String {
    let (at, now) = (at.with_timezone(&env.zone), env.now.with_timezone(&env.zone));
    at.format(if at.date_naive() == now.date_naive() { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// Every field that has a value.
pub(super) fn fields(view: &SubscriberView, env: &Env<'_>) -> Lines {
    let s = &view.subscriber;
    let room = if env.body.width >= 110 { (env.body.width / 2).min(64) } else { env.body.width };
    let mut f = Fields { out: Vec::new(), env, room: usize::from(room).saturating_sub(2) };
    f.title("IPv6");
    let state = lifecycle_badge(s.ipv6.state);
    f.badge("state", state.glyph, state.word, state.tone, &format!(" for {}", age(s.ipv6.since, env.now)));
    if let Some(kind) = s.queued {
        f.field("queued", &format!("{kind}: kept in the outbox, the centre is asked when it is back"), Tone::Info);
    }
    let enforcement = enforcement_badge(s.ipv6.enforcement);
    f.badge("network", enforcement.glyph, enforcement.word, enforcement.tone, "");
    f.opt("", s.ipv6.enforcement_note.as_ref());
    if let Some(expected) = view.expected {
        let until = if let Expected::By(at) = expected { clock(at, env) } else { String::new() };
        f.said("", sentence::proof_expected(expected, env.now, &until));
    }
    if let Some(error) = &s.ipv6.last_error {
        f.field("last error", error.as_str(), Tone::Danger);
    }
    f.field("mode", s.ipv6.mode.word(), Tone::Text);
    f.opt("prefix", s.ipv6.prefix);
    f.opt("VRF", s.ipv6.vrf);
    f.opt("asked length", s.ipv6.pd_size.map(|n| format!("/{n}")));
    f.opt("NetBox id", s.ipv6.netbox_prefix_id);
    f.moment("hold until", s.ipv6.hold_until);
    f.moment("allocated", s.ipv6.allocated_at);
    f.moment("activated", s.ipv6.activated_at);
    f.moment("suspended", s.ipv6.suspended_at);
    f.moment("resumed", s.ipv6.resumed_at);
    f.moment("revoked", s.ipv6.revoked_at);
    f.moment("failed", s.ipv6.failed_at);
    session(&mut f, view, env);
    f.title("Service");
    f.field("status", s.status.word(), Tone::Text);
    f.opt("type", s.service_type.as_ref());
    f.opt("down / up", s.download_kbps.zip(s.upload_kbps).map(|(d, u)| format!("{} / {}", rate(d), rate(u))));
    f.opt("NAS", view.nas_name.as_ref());
    f.opt("site", s.site.as_ref());
    f.opt("VLAN", s.vlan);
    f.opt("circuit id", s.circuit_id.as_ref());
    f.opt("remote id", s.remote_id.as_ref());
    f.opt("ONU serial", s.onu_serial.as_ref());
    f.opt("CPE MAC", s.cpe_mac.as_ref());
    f.opt("static IPv4", s.static_ipv4);
    f.title("Customer");
    f.opt("user name", Some(&s.username));
    f.opt("e-mail", s.email.as_ref());
    f.opt("phone", s.phone.as_ref());
    f.opt("address", s.service_address.as_ref());
    f.opt("position", s.position.map(|p| format!("{:.5}, {:.5}", p.lat, p.lng)));
    if s.balance_flag {
        f.field("balance", "overdue", Tone::Warning);
    }
    f.opt("suspend reason", s.suspend_reason.as_ref());
    if let Some(notes) = &s.notes {
        // Each line as it was written; a line break comes made visible.
        for (at, line) in notes.as_str().split(['\n', '\u{240a}']).enumerate() {
            f.field(if at == 0 { "notes" } else { "" }, if line.is_empty() { " " } else { line }, Tone::Text);
        }
    }
    f.opt("id", Some(s.id));
    f.field("version", &format!("{}, changed {}", s.version, when(s.updated_at, env)), Tone::Muted);
    f.out
}

/// What accounting says of the session: is it up, which prefix does the network really give, is it old news.
fn session(f: &mut Fields<'_>, view: &SubscriberView, env: &Env<'_>) {
    let s = &view.subscriber;
    f.title("Session");
    f.said("online", sentence::online(s.session.as_ref(), view.session_nas_name.as_ref(), view.accounting_read, env.now));
    let Some(session) = &s.session else { return };
    f.opt("NAS", view.session_nas_name.as_ref());
    if s.nas.is_some_and(|registered| registered != session.nas) {
        f.field("", &format!("registered at {}", view.nas_name.as_ref().map_or("another", |name| name.as_str())), Tone::Info);
    }
    f.opt("session id", Some(&session.acct_session_id));
    f.opt("delegated", session.delegated_prefix);
    if let Some(said) = sentence::delegated(session, &s.ipv6) {
        f.said(if session.delegated_prefix.is_some() { "" } else { "delegated" }, said);
    }
    f.opt("framed IPv6", session.accounting.as_ref().and_then(|accounting| accounting.framed_prefix));
    f.opt("IPv4", session.framed_ipv4);
    if let Some(accounting) = &session.accounting {
        f.field("traffic", &sentence::traffic(accounting.input_octets, accounting.output_octets), Tone::Text);
    }
    f.moment("started", Some(session.started_at));
    let stale = if session.is_stale(env.now) { Tone::Stale } else { Tone::Text };
    f.field("last heard", &when(session.seen_at, env), stale);
}

fn rate(kbps: u32) -> String {
    match kbps {
        k if k >= 1_000_000 && k % 100_000 == 0 => format!("{} Gbit/s", f64::from(k) / 1_000_000.0),
        k if k >= 1000 => format!("{} Mbit/s", f64::from(k) / 1000.0),
        k => format!("{k} kbit/s"),
    }
}

/// Every operation, newest first, with every try of every step.
pub(super) fn timeline(view: &SubscriberView, env: &Env<'_>) -> Lines {
    let room = if env.body.width >= 110 { env.body.width - (env.body.width / 2).min(64) - 1 } else { env.body.width };
    let room = usize::from(room).saturating_sub(2);
    let mut out: Lines = vec![vec![text("Operations, newest first", Tone::Header)]];
    if view.timeline.is_empty() {
        out.push(vec![text("none yet", Tone::Muted)]);
    }
    for operation in &view.timeline {
        operation_lines(operation, env, room, &mut out);
    }
    out
}

fn operation_lines(view: &OperationView, env: &Env<'_>, room: usize, out: &mut Lines) {
    let o = &view.operation;
    let badge = operation_badge(o.status);
    out.push(vec![
        (Piece::Glyph(badge.glyph), badge.tone),
        text(format!(" {}", o.kind), Tone::Title),
        text(format!(" {}", badge.word), badge.tone),
        text(format!("  {} ago by {}  {}", age(o.requested_at, env.now), o.actor.name, o.id.short()), Tone::Muted),
    ]);
    let mut note = |label: &str, value: &SafeText, tone: Tone| {
        for part in wrap(&format!("{label}{value}"), room.saturating_sub(4)) {
            out.push(vec![text(format!("    {part}"), tone)]);
        }
    };
    if let Some(reason) = &o.options.reason {
        note("reason: ", reason, Tone::Muted);
    }
    if let Some(error) = &o.error {
        note("", error, badge.tone);
    }
    if let Some(at) = o.retry_at.filter(|_| o.status.is_open()) {
        out.push(vec![text(format!("    next try {}", when(at, env)), Tone::Muted)]);
    }
    for step in &view.steps {
        step_lines(step, room, out);
    }
}

fn step_lines(step: &StepRow, room: usize, out: &mut Lines) {
    let badge = step_badge(step.status);
    let took = step.ended_at.map(|end| format!(", {}", took(end - step.started_at))).unwrap_or_default();
    let again = if step.attempt > 1 { format!(" try {}", step.attempt) } else { String::new() };
    out.push(vec![
        text("  ", Tone::Text),
        (Piece::Glyph(badge.glyph), badge.tone),
        text(format!(" {}{again}", step.step), Tone::Text),
        text(format!(" {}", badge.word), badge.tone),
        text(format!("  {}{took}", step.upstream), Tone::Muted),
    ]);
    for part in wrap(step.request.as_str(), room.saturating_sub(6)) {
        out.push(vec![text(format!("      {part}"), Tone::Muted)]);
    }
    for part in wrap(step.answer.as_ref().map_or("", |a| a.as_str()), room.saturating_sub(6)) {
        out.push(vec![text(format!("      {part}"), Tone::Text)]);
    }
}

fn took(duration: Duration) -> String {
    match duration.num_milliseconds().max(0) {
        ms @ 0..10_000 => format!("{ms} ms"),
        ms => format!("{} s", ms / 1000),
    }
}

/// Breaks a text at blanks into parts of at most `room` cells. An empty text has no part.
fn wrap(value: &str, room: usize) -> Vec<String> {
    let room = room.max(8);
    let mut out: Vec<String> = Vec::new();
    let mut part = String::new();
    let mut used = 0;
    for word in value.split_word_bounds() {
        let w = word.width();
        if used + w > room && used > 0 {
            out.push(std::mem::take(&mut part).trim_end().to_owned());
            used = 0;
            if out.len() >= MAX_WRAP {
                out.push("\u{2026}".to_owned());
                return out;
            }
            if word == " " {
                continue;
            }
        }
        if w > room {
            // One word longer than the line: by graphemes.
            for g in word.graphemes(true) {
                if used + g.width() > room {
                    out.push(std::mem::take(&mut part));
                    used = 0;
                    if out.len() >= MAX_WRAP {
                        return out;
                    }
                }
                part.push_str(g);
                used += g.width();
            }
        } else {
            part.push_str(word);
            used += w;
        }
    }
    if !part.is_empty() {
        out.push(part);
    }
    out
}
