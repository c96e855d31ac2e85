//! The account of ops: what a screen showed as done is in the centre's log once, nothing else is, every refusal and collision waits on the
//! console that made the op, and what was typed is still somewhere.

use super::console::Line;
use super::fleet::Desk;
use super::operator::position_origin;
use super::outbox::{self, Kept};
use super::place::Place;
use super::witness::{LoggedOp, Witness};
use noctule_domain::sync::{Change, OpState};
use noctule_domain::{TechnicianId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default, Clone, Copy)]
pub struct Figures {
    pub ops: usize,
    pub conflicts: usize,
    pub refused: usize,
    pub merged: usize,
    pub slowest_ms: u64,
}

fn key(op: &LoggedOp) -> String {
    if op.verb != "position" {
        return op.origin.clone();
    }
    let who = TechnicianId(op.target.parse().expect("an id"));
    let at: Timestamp = op.change["fix"]["device_time"].as_str().and_then(|t| t.parse().ok()).expect("a time");
    position_origin(who, at)
}

pub async fn account(place: &Place, desks: &[Desk], witness: &Witness) -> Result<Figures, String> {
    let logged: BTreeMap<&str, &LoggedOp> = witness.ops.iter().map(|op| (op.id.as_str(), op)).collect();
    let mut figures = Figures { ops: witness.ops.len(), ..Figures::default() };
    let (mut intended, mut all_texts) = (BTreeSet::new(), Vec::new());
    for desk in desks {
        let store = desk.store(place);
        let kept = outbox::all(&desk.folder);
        let waiting = store.conflicts().await.map_err(|error| error.to_string())?;
        let whose = format!("console {}", desk.number);
        let (mut typed, mut done) = (BTreeMap::new(), Vec::new());
        for line in desk.log() {
            match line {
                Line::Will { origin, typed: text, .. } => {
                    intended.insert(origin.clone());
                    typed.insert(origin, text);
                }
                Line::Did { origin, op, ms } => {
                    figures.slowest_ms = figures.slowest_ms.max(ms);
                    done.push((origin, op.to_string()));
                }
                Line::Not { ms, .. } => figures.slowest_ms = figures.slowest_ms.max(ms),
            }
        }
        for (origin, op) in &done {
            let Some(log) = logged.get(op.as_str()) else {
                return Err(format!("{whose} showed {origin} (op {op}) as done, and the centre has never heard of it"));
            };
            if key(log) != *origin || log.login != desk.login.name {
                return Err(format!("op {op} of {origin} stands in the log as somebody else's: {log:?}"));
            }
        }
        for Kept { op, state, resolution } in &kept {
            let Some(log) = logged.get(op.id.to_string().as_str()) else {
                return Err(format!("{whose} keeps op {} ({}) as {state}, and the centre has never heard of it", op.id, op.origin));
            };
            let fits = match log.answered() {
                _ if resolution.is_some() => state == OpState::Done.word(),
                "applied" | "already" => state == OpState::Done.word(),
                "conflict" => state == OpState::Conflict.word(),
                _ => state == OpState::Refused.word(),
            };
            if !fits {
                return Err(format!("{whose} keeps op {} as {state}, and the centre said {}", op.id, log.answer));
            }
            if resolution.is_none()
                && matches!(log.answered(), "conflict" | "refused" | "gone")
                && !waiting.iter().any(|c| c.op.id == op.id)
            {
                return Err(format!("{whose}: op {} was answered {} and is not on the conflict screen", op.id, log.answer));
            }
            if let Change::TaskEdit { fields, .. } | Change::SubscriberEdit { fields, .. } = &op.change
                && let Some(text) = fields.get("notes").and_then(|change| change.new.as_str())
            {
                all_texts.push((op.origin.to_string(), text.to_owned()));
            }
        }
        // What was typed is in the op as it was typed (a line break is shown as a sign and typed back as that).
        let same = |op: Option<&str>, typed: &str| op.is_some_and(|op| op == typed || op.replace('\n', "\u{240a}") == *typed);
        for (origin, op) in &done {
            if let Some(Some(text)) = typed.get(origin)
                && !same(logged[op.as_str()].change["fields"]["notes"]["new"].as_str(), text)
            {
                return Err(format!("{whose} typed {text:?}, and the op says {}", logged[op.as_str()].change));
            }
        }
        // Nobody is asked to decide about something that is not in the log.
        if let Some(strange) = waiting.iter().find(|c| !logged.contains_key(c.op.id.to_string().as_str())) {
            return Err(format!("{whose} shows a conflict that the centre has not: {strange:?}"));
        }
    }
    for op in &witness.ops {
        if !intended.contains(&key(op)) {
            return Err(format!("nobody meant this op: {op:?}"));
        }
        match op.answered() {
            "conflict" => figures.conflicts += 1,
            "refused" | "gone" => figures.refused += 1,
            "applied" if op.answer["merged"].as_array().is_some_and(|list| !list.is_empty()) => figures.merged += 1,
            _ => {}
        }
    }
    // A note is where it was put, or in the history of its row, or waits on a conflict screen (checked above): the log of ops holds each.
    for (origin, text) in all_texts {
        let kept = witness.ops.iter().any(|op| op.change["fields"]["notes"]["new"].as_str() == Some(&text));
        if !kept {
            return Err(format!("what {origin} typed is nowhere: {text:?}"));
        }
    }
    Ok(figures)
}
