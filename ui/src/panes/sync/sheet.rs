//! What stands on the sheet of a conflict, of a refusal, of an op that waits.

use super::words;
use crate::app::Env;
use crate::look::Tone;
use crate::overlay::{Part, Sheet};
use crate::panes::kit::{local, local_long};
use noctule_domain::SafeText;
use noctule_domain::sync::{Answer, Change, Collision, Conflict, Op, OpState};
use noctule_domain::technician::Technician;
use serde_json::Value;

pub fn conflict(conflict: &Conflict, people: &[Technician], env: &Env<'_>) -> Sheet {
    let mut parts = whole(&conflict.target);
    let mut copy = format!("{}: {}\n", conflict.target, words::verb(&conflict.op.change));
    let made = format!("You did it {}; the centre answered {}.", local(conflict.op.made_at, env), local(conflict.answered_at, env));
    let refused = words::refusal(&conflict.answer);
    match (&conflict.answer, &refused) {
        (Answer::Conflict { collisions, applied }, _) => {
            parts.push(Part::Text(format!("Somebody else changed the same since you looked. {made}"), Tone::Text));
            for collision in collisions {
                parts.push(Part::Blank);
                collided(collision, people, env, &mut parts, &mut copy);
            }
            if !applied.is_empty() {
                parts.push(Part::Blank);
                let names: Vec<String> = applied.iter().take(20).map(|name| words::field(name)).collect();
                parts.push(Part::Text(format!("The rest of your change stands: {}.", names.join(", ")), Tone::Muted));
            }
        }
        (_, why) => {
            let why = why.clone().unwrap_or_default();
            copy.push_str(&format!("{why}\n"));
            parts.push(Part::Text(why, Tone::Danger));
            parts.push(Part::Text(made, Tone::Muted));
            parts.push(Part::Blank);
            wanted(&conflict.op, people, env, &mut parts, &mut copy);
        }
    }
    let never = "refused; where it still matters, do it anew";
    let anew = "only an edit can be asked for again: do anew what is still wanted";
    let (mine, both) = match &conflict.answer {
        Answer::Conflict { collisions, .. } if words::is_edit(&conflict.op.change) => (Ok(()), can_both(collisions)),
        Answer::Conflict { .. } => (Err(anew.to_owned()), Err(anew.to_owned())),
        _ => (Err(never.to_owned()), Err(never.to_owned())),
    };
    let title = conflict.target.to_string();
    Sheet { title, parts, op: conflict.op.id, mine, theirs: Ok(()), both, refused: refused.is_some(), copy, scroll: 0 }
}

/// An op that waits: to be read and copied, nothing to decide.
pub fn waiting(op: &Op, state: OpState, target: &SafeText, people: &[Technician], env: &Env<'_>) -> Sheet {
    let mut copy = format!("{target}: {}\n", words::verb(&op.change));
    let mut parts = whole(target);
    parts.push(Part::Text(format!("Done {}; {}.", local(op.made_at, env), words::state(state)), Tone::Muted));
    parts.push(Part::Blank);
    wanted(op, people, env, &mut parts, &mut copy);
    let none = || Err("nothing to decide yet".to_owned());
    Sheet { title: target.to_string(), parts, op: op.id, mine: none(), theirs: none(), both: none(), refused: false, copy, scroll: 0 }
}

/// What it is about in full, where the title may cut it.
fn whole(target: &SafeText) -> Vec<Part> {
    if crate::widgets::width(target.as_str()) > 52 { vec![Part::Text(target.to_string(), Tone::Title), Part::Blank] } else { Vec::new() }
}

/// Whether both sides can stand: only texts can, and only where both have one.
fn can_both(collisions: &[Collision]) -> Result<(), String> {
    for collision in collisions {
        if !words::is_free_text(&collision.field) {
            return Err(format!("{} takes one value", words::field(&collision.field)));
        }
        let has = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        if !has(&collision.theirs) {
            return Err("theirs is empty".to_owned());
        }
        if !has(&collision.yours) {
            return Err("yours is empty".to_owned());
        }
    }
    if collisions.is_empty() { Err("no field is named".to_owned()) } else { Ok(()) }
}

fn collided(collision: &Collision, people: &[Technician], env: &Env<'_>, parts: &mut Vec<Part>, copy: &mut String) {
    let name = words::field(&collision.field);
    parts.push(Part::Head(format!("{name}, changed {}", words::by(collision.by.as_ref(), collision.at, env))));
    copy.push_str(&format!("{name}\n"));
    for (label, value, tone) in
        [("was", &collision.was, Tone::Muted), ("yours", &collision.yours, Tone::Accent), ("theirs", &collision.theirs, Tone::Text)]
    {
        let lines = words::value(&collision.field, value, people, env);
        copy.push_str(&format!("{label}: {}\n", lines.join("\n")));
        parts.push(Part::Value { label, lines, tone });
    }
}

/// What was wanted, field by field, as it was typed.
fn wanted(op: &Op, people: &[Technician], env: &Env<'_>, parts: &mut Vec<Part>, copy: &mut String) {
    parts.push(Part::Head(format!("You wanted: {}", words::verb(&op.change))));
    let mut say = |label: &'static str, lines: Vec<String>, tone: Tone| {
        copy.push_str(&format!("{label}: {}\n", lines.join("\n")));
        parts.push(Part::Value { label, lines, tone });
    };
    match &op.change {
        Change::TaskEdit { fields, .. } | Change::SubscriberEdit { fields, .. } | Change::TechnicianEdit { fields, .. } => {
            for (name, change) in fields.iter().take(50) {
                say("field", vec![words::field(name)], Tone::Muted);
                say("was", words::value(name, &change.was, people, env), Tone::Muted);
                say("yours", words::value(name, &change.new, people, env), Tone::Accent);
            }
        }
        Change::Position { fix, .. } => say("at", vec![format!("{:.5}, {:.5}", fix.at.lat, fix.at.lng)], Tone::Accent),
        Change::ClockIn(entry) => say("at", vec![local_long(entry.at, env)], Tone::Accent),
        Change::ClockOut { at, .. } => say("at", vec![local_long(*at, env)], Tone::Accent),
        Change::Lifecycle(request) => {
            if let Some(reason) = &request.options.reason {
                say("reason", words::text_lines(reason.as_str()), Tone::Accent);
            }
            if request.options.force {
                say("force", vec!["go on although the NAS refuses or is silent".to_owned()], Tone::Warning);
            }
        }
        Change::Emergency(report) => {
            say("sent", words::text_lines(report.request.as_str()), Tone::Text);
            let outcome = match (&report.enforcement, &report.answer) {
                (None, _) => "not known: the console ended in between, so it may have happened".to_owned(),
                (Some(enforcement), Some(answer)) => format!("{enforcement}: {answer}"),
                (Some(enforcement), None) => enforcement.to_string(),
            };
            say("NAS", words::text_lines(&outcome), Tone::Text);
            say("at", vec![local_long(report.began_at, env)], Tone::Muted);
        }
    }
    if let Some(reason) = &op.reason {
        say("why", words::text_lines(reason.as_str()), Tone::Text);
    }
}
