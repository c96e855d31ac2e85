//! What was said: the latest stands on the status line for a while, all of it is kept in a bounded list.

use crate::msg::Notice;
use noctule_domain::Timestamp;
use noctule_domain::overview::Severity;
use std::collections::VecDeque;

/// How many notices are kept.
pub const MAX_NOTICES: usize = 200;

#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub at: Timestamp,
    pub notice: Notice,
    /// How often it was said in a row.
    pub times: u32,
}

#[derive(Debug, Default)]
pub struct Notices {
    all: VecDeque<Said>,
    /// The latest is on the status line until then.
    until: Option<Timestamp>,
}

impl Notices {
    pub fn say(&mut self, notice: Notice, now: Timestamp) {
        let seconds = match notice.severity {
            Severity::Info => 6,
            Severity::Warning => 20,
            Severity::Critical => 60,
        };
        self.until = Some(now + chrono::Duration::seconds(seconds));
        match self.all.front_mut() {
            Some(last) if last.notice == notice => {
                last.times = last.times.saturating_add(1);
                last.at = now;
            }
            _ => {
                self.all.truncate(MAX_NOTICES - 1);
                self.all.push_front(Said { at: now, notice, times: 1 });
            }
        }
    }

    /// What stands on the status line.
    pub fn shown(&self) -> Option<&Said> {
        self.until.and(self.all.front())
    }

    pub fn dismiss(&mut self) -> bool {
        self.until.take().is_some()
    }

    /// True when the line became empty.
    pub fn tick(&mut self, now: Timestamp) -> bool {
        match self.until {
            Some(until) if until <= now => self.dismiss(),
            _ => false,
        }
    }

    /// Newest first.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &Said> {
        self.all.iter()
    }
}
