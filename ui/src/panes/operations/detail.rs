//! The journal of one operation: what was asked, by whom, and every try of every step with request, answer and time.

use super::{State, columns};
use crate::app::Env;
use crate::look::{Look, Tone};
use crate::panes::kit::{Detail, countdown, local_long, took};
use crate::widgets::{age, enforcement_badge, operation_badge, step_badge};
use noctule_domain::lifecycle::{Enforcement, OperationOptions, OperationRow, OperationView, StepRow};

pub fn detail(state: &State, row: &OperationRow, env: &Env<'_>, look: &Look) -> Detail {
    let mut d = Detail::default();
    d.head(format!("{} {}", row.kind, columns::who(row)));
    let badge = operation_badge(row.status);
    d.toned("Status", format!("{} {}", look.glyph(badge.glyph), badge.word), badge.tone);
    if let Some(error) = &row.error {
        d.toned("Trouble", error.as_str(), badge.tone);
    }
    if let Some(at) = row.retry_at.filter(|_| row.status.is_open()) {
        d.toned("Next try", format!("{}; t tries now", countdown(at, env)), Tone::Warning);
    }
    match state.journal() {
        Some(view) => journal(&mut d, row, view, env, look),
        None => {
            d.field("Step", columns::step(row));
            d.field("Asked by", format!("{}, {}", row.actor, local_long(row.requested_at, env)));
            d.field("Operation", row.id.to_string());
            d.head("Steps");
            match &state.journal.failed {
                Some(why) => d.text(0, format!("The journal was not read: {why}. r asks again."), Tone::Danger),
                None => d.text(0, format!("Reading the journal{}", look.ellipsis()), Tone::Muted),
            }
        }
    }
    d
}

fn journal(d: &mut Detail, row: &OperationRow, view: &OperationView, env: &Env<'_>, look: &Look) {
    let operation = &view.operation;
    d.field("Asked by", format!("{} ({}), {}", operation.actor.name, operation.actor.role, operation.actor.origin));
    d.field("Asked at", local_long(operation.requested_at, env));
    if let Some(ended) = operation.ended_at {
        d.field("Ended at", format!("{} after {}", local_long(ended, env), took(operation.requested_at, ended)));
    }
    d.maybe("Reason", operation.options.reason.as_ref());
    d.maybe("Options", options(&operation.options));
    d.maybe("Prefix", operation.progress.prefix);
    if operation.progress.enforcement != Enforcement::None {
        let badge = enforcement_badge(operation.progress.enforcement);
        let note = operation.progress.enforcement_note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
        d.toned("Network", format!("{} {}{note}", look.glyph(badge.glyph), badge.word), badge.tone);
    }
    d.field("Operation", row.id.to_string());
    d.head("Steps");
    if operation.plan.is_empty() {
        d.text(0, "None: nothing had to be asked of NetBox or of a NAS.", Tone::Muted);
    }
    for (at, step) in operation.plan.iter().enumerate() {
        let tries: Vec<&StepRow> = view.steps.iter().filter(|s| s.step == *step).collect();
        let (word, tone) = match tries.last() {
            Some(last) => (format!("{} {}", look.glyph(step_badge(last.status).glyph), last.status), step_badge(last.status).tone),
            None if operation.status.is_open() => ("not yet".to_owned(), Tone::Muted),
            None => ("not reached".to_owned(), Tone::Muted),
        };
        d.text(0, format!("{}. {step}  {word}", at + 1), tone);
        for one in tries {
            try_lines(d, one, env);
        }
    }
    // Of another plan: it is still shown.
    for one in view.steps.iter().filter(|s| !operation.plan.contains(&s.step)) {
        d.text(0, format!("{} {}", one.step, one.status), Tone::Muted);
        try_lines(d, one, env);
    }
}

fn try_lines(d: &mut Detail, one: &StepRow, env: &Env<'_>) {
    let time = match one.ended_at {
        Some(ended) => took(one.started_at, ended),
        None => format!("under way for {}", age(one.started_at, env.now)),
    };
    let clock = one.started_at.with_timezone(&env.zone).format("%H:%M:%S%.3f");
    d.text(3, format!("try {}  {clock}  {}  {time}  {}", one.attempt, one.upstream, one.status), Tone::Text);
    d.text(5, format!("asked: {}", one.request), Tone::Muted);
    match &one.answer {
        Some(answer) => d.text(5, format!("said:  {answer}"), step_badge(one.status).tone),
        None if one.ended_at.is_some() => d.text(5, "said:  nothing", Tone::Warning),
        None => {}
    }
}

/// What differs from a plain key press.
fn options(options: &OperationOptions) -> Option<String> {
    let mut out: Vec<String> = Vec::new();
    out.extend(options.prefix_len.map(|len| format!("/{len}")));
    out.extend(options.pool.map(|pool| format!("pool {pool}")));
    if !options.send_coa {
        out.push("without CoA".to_owned());
    }
    if !options.send_disconnect {
        out.push("without Disconnect".to_owned());
    }
    if !options.release_to_netbox {
        out.push("prefix stays in NetBox".to_owned());
    }
    if options.force {
        out.push("FORCE".to_owned());
    }
    (!out.is_empty()).then(|| out.join(", "))
}
