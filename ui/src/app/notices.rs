//! What was said: the latest stands on the status line for a while, all of it is kept in a bounded list.

use crate::msg::Notice;
use noctule_domain::Timestamp;
use noctule_domain::overview::Severity;
use std::collections::VecDeque;

/// How many notices are kept.
pub const MAX_NOTICES: usize = 200;

/// Seconds that an answer to something typed stands at most.
const ANSWER: i64 = 8;

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
    /// What is on the status line, until when.
    line: Option<(Said, Timestamp)>,
}

impl Notices {
    /// Something that the operator should see now: it takes the line.
    pub fn say(&mut self, notice: Notice, now: Timestamp) {
        let said = self.keep(notice, now);
        self.line = Some((said, Self::until(now, &self.all)));
    }

    /// The answer to what was just typed: it was looked for, so it is read at once and need not stand long.
    pub fn answer(&mut self, notice: Notice, now: Timestamp) {
        self.say(notice, now);
        if let Some((_, until)) = &mut self.line {
            *until = (*until).min(now + chrono::Duration::seconds(ANSWER));
        }
    }

    /// Something that came by itself. Good news does not push a worse line away that may not have been read yet.
    pub fn report(&mut self, notice: Notice, now: Timestamp) {
        let worse = self.line.as_ref().is_some_and(|(said, _)| said.notice.severity > notice.severity);
        let said = self.keep(notice, now);
        if !worse {
            self.line = Some((said, Self::until(now, &self.all)));
        }
    }

    /// Something for the list only: a sum of it stands, or will stand, on the line.
    pub fn record(&mut self, notice: Notice, now: Timestamp) {
        self.keep(notice, now);
    }

    fn keep(&mut self, notice: Notice, now: Timestamp) -> Said {
        let times = match self.all.front() {
            Some(last) if last.notice == notice => self.all.pop_front().map_or(1, |last| last.times.saturating_add(1)),
            _ => 1,
        };
        let said = Said { at: now, notice, times };
        self.all.truncate(MAX_NOTICES - 1);
        self.all.push_front(said.clone());
        said
    }

    fn until(now: Timestamp, all: &VecDeque<Said>) -> Timestamp {
        let seconds = match all.front().map(|said| said.notice.severity) {
            None | Some(Severity::Info) => 6,
            Some(Severity::Warning) => 20,
            Some(Severity::Critical) => 60,
        };
        now + chrono::Duration::seconds(seconds)
    }

    /// What stands on the status line.
    pub fn shown(&self) -> Option<&Said> {
        self.line.as_ref().map(|(said, _)| said)
    }

    pub fn dismiss(&mut self) -> bool {
        self.line.take().is_some()
    }

    /// True when the line became empty.
    pub fn tick(&mut self, now: Timestamp) -> bool {
        match &self.line {
            Some((_, until)) if *until <= now => self.dismiss(),
            _ => false,
        }
    }

    /// Newest first.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &Said> {
        self.all.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn line(notices: &Notices) -> &str {
        notices.shown().map_or("", |said| said.notice.text.as_str())
    }

    #[test]
    fn good_news_does_not_push_a_failure_off_the_line_but_an_answer_does() {
        let mut notices = Notices::default();
        let failure = Notice { severity: Severity::Critical, text: "revoke N-1: failed".into() };
        notices.report(failure, now());
        notices.report(Notice::info("allocate N-2: done"), now());
        assert_eq!(line(&notices), "revoke N-1: failed");
        assert_eq!(notices.all().count(), 2, "it is in the list all the same");
        notices.say(Notice::info("copied"), now());
        assert_eq!(line(&notices), "copied");
    }

    #[test]
    fn the_line_of_good_news_goes_after_its_time() {
        let mut notices = Notices::default();
        notices.report(Notice::info("done"), now());
        assert!(!notices.tick(now() + chrono::Duration::seconds(5)));
        assert!(notices.tick(now() + chrono::Duration::seconds(6)));
        assert_eq!(line(&notices), "");
    }
}
