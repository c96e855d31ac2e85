//! Operations that were started together: their ends are told as one sum. What went wrong stays in the list of notices, one by one, and in
//! the Operations pane.

use crate::effect::Effect;
use crate::msg::{Notice, OperationEnded};
use crate::query::RequestId;
use noctule_domain::lifecycle::{OperationKind, OperationStatus};
use noctule_domain::overview::Severity;
use noctule_domain::{SafeText, SubscriberId, Timestamp};
use std::collections::BTreeSet;

/// Up to this many are told one by one.
const FEW: usize = 3;
/// Seconds without an end after which the rest is waiting for something: then it is told how far it came.
const REST: i64 = 30;
/// Bulks that are summed at the same time; the oldest gives way, and its ends are told one by one.
const MAX_BULKS: usize = 16;

#[derive(Debug, Default)]
pub struct Bulks {
    open: Vec<Bulk>,
}

#[derive(Debug)]
struct Bulk {
    id: RequestId,
    kind: OperationKind,
    /// Who may still end.
    left: BTreeSet<SubscriberId>,
    /// How many began, once that was told.
    started: Option<usize>,
    ends: Vec<(OperationStatus, usize)>,
    first_trouble: Option<SafeText>,
    quiet: Quiet,
}

/// Since when nothing ended, and whether that was told.
#[derive(Debug, Default)]
struct Quiet {
    ended: usize,
    since: Option<Timestamp>,
    told: bool,
}

/// What became of the end of an operation.
#[derive(Debug, PartialEq)]
pub enum Ended {
    /// It belongs to no bulk: tell it.
    Alone,
    /// It is counted; nothing to say yet.
    Counted,
    /// It was the last of its bulk.
    Sum(Notice),
}

impl Bulks {
    /// Looks at what leaves: a start of many is a bulk.
    pub fn watch(&mut self, effects: &[Effect]) {
        for effect in effects {
            let Effect::StartOperations { id, kind, targets, .. } = effect else { continue };
            if targets.len() <= FEW || self.open.iter().any(|bulk| bulk.id == *id) {
                continue;
            }
            if self.open.len() >= MAX_BULKS {
                self.open.remove(0);
            }
            let left = targets.iter().map(|t| t.subscriber).collect();
            self.open.push(Bulk {
                id: *id,
                kind: *kind,
                left,
                started: None,
                ends: Vec::new(),
                first_trouble: None,
                quiet: Quiet::default(),
            });
        }
    }

    /// How many of a start began. A sum comes back when all of those had ended before.
    pub fn started(&mut self, id: RequestId, started: u32) -> Option<Notice> {
        let at = self.open.iter().position(|bulk| bulk.id == id)?;
        let started = usize::try_from(started).unwrap_or(usize::MAX);
        let bulk = self.open.get_mut(at)?;
        bulk.started = Some(started);
        let few = started <= FEW && bulk.ended() == 0;
        if few {
            self.open.remove(at);
            return None;
        }
        self.sum(at)
    }

    /// Time passed. What has rested for a while with some of it still under way is told as far as it came, once.
    pub fn tick(&mut self, now: Timestamp) -> Option<Notice> {
        for bulk in &mut self.open {
            let ended = bulk.ended();
            if bulk.quiet.ended != ended {
                bulk.quiet = Quiet { ended, since: Some(now), told: false };
            }
            let rested = bulk.quiet.since.is_some_and(|since| (now - since).num_seconds() >= REST);
            let left = bulk.started.map_or(0, |started| started.saturating_sub(ended));
            if rested && left > 0 && !std::mem::replace(&mut bulk.quiet.told, true) {
                let mut notice = bulk.notice();
                notice.text = SafeText::new(&format!("so far {}; {left} still under way", notice.text));
                return Some(notice);
            }
        }
        None
    }

    pub fn ended(&mut self, ended: &OperationEnded) -> Ended {
        let Some(at) = self.open.iter().position(|bulk| bulk.kind == ended.kind && bulk.left.contains(&ended.subscriber)) else {
            return Ended::Alone;
        };
        let Some(bulk) = self.open.get_mut(at) else { return Ended::Alone };
        bulk.left.remove(&ended.subscriber);
        match bulk.ends.iter_mut().find(|(status, _)| *status == ended.status) {
            Some((_, n)) => *n += 1,
            None => bulk.ends.push((ended.status, 1)),
        }
        let bad = matches!(ended.status, OperationStatus::Refused | OperationStatus::Unanswered | OperationStatus::Failed);
        if bad && bulk.first_trouble.is_none() {
            let why = ended.error.as_ref().map_or_else(|| ended.status.word().to_owned(), |why| why.to_string());
            bulk.first_trouble = Some(SafeText::new(&format!("{}: {why}", ended.who)));
        }
        self.sum(at).map_or(Ended::Counted, Ended::Sum)
    }

    fn sum(&mut self, at: usize) -> Option<Notice> {
        let bulk = self.open.get(at)?;
        if bulk.started.is_none_or(|started| bulk.ended() < started) {
            return None;
        }
        let notice = bulk.notice();
        self.open.remove(at);
        Some(notice)
    }
}

impl Bulk {
    fn ended(&self) -> usize {
        self.ends.iter().map(|(_, n)| n).sum()
    }

    /// `48 suspended, 2 refused; the first: N-000012 Anna: …; all of them: 6, failed`.
    fn notice(&self) -> Notice {
        use OperationStatus as S;
        let count = |of: S| self.ends.iter().find(|(status, _)| *status == of).map_or(0, |(_, n)| *n);
        let mut parts = Vec::new();
        for status in [S::Succeeded, S::Refused, S::Unanswered, S::Failed, S::Cancelled] {
            let word = if status == S::Succeeded { done(self.kind) } else { status.word() };
            if count(status) > 0 {
                parts.push(format!("{} {word}", count(status)));
            }
        }
        let severity = match (count(S::Failed), count(S::Refused) + count(S::Unanswered)) {
            (0, 0) => Severity::Info,
            (0, _) => Severity::Warning,
            _ => Severity::Critical,
        };
        let trouble = match &self.first_trouble {
            Some(first) => format!("; the first: {first}. Operations (6) has each of them under failed"),
            None => String::new(),
        };
        Notice { severity, text: SafeText::new(&format!("{}{trouble}", parts.join(", "))) }
    }
}

fn done(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Allocate => "allocated",
        OperationKind::Activate => "activated",
        OperationKind::Suspend => "suspended",
        OperationKind::Resume => "resumed",
        OperationKind::Revoke => "revoked",
        OperationKind::Release => "released",
        OperationKind::Reconcile => "reconciled",
    }
}
