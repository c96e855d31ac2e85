//! How fast a copy goes and when it will be done: from the statuses and the ticks alone, so that a replay shows the same.

use super::centre::percent;
use noctule_domain::Timestamp;
use noctule_domain::sync::Phase;
use std::mem::{Discriminant, discriminant};

/// Share of the newest second in the rate: a stall is seen in a few seconds, one slow second does not throw the estimate about.
const NEWEST: f64 = 0.3;

/// Seconds without a status after which nothing is taken for what it is.
const PATIENCE: i64 = 3;

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Progress {
    run: Option<Run>,
}

#[derive(Debug, Clone, PartialEq)]
struct Run {
    kind: Discriminant<Phase>,
    at: Timestamp,
    done: u64,
    /// What is counted, a second.
    rate: Option<f64>,
}

/// What is counted in a phase: rows, or parts of a hundred.
fn done(phase: &Phase) -> Option<u64> {
    match *phase {
        Phase::Idle => None,
        Phase::Copying { rows, .. } | Phase::CatchingUp { rows } => Some(rows),
        Phase::Indexing { .. } | Phase::Verifying { .. } => percent(phase).map(u64::from),
    }
}

impl Progress {
    /// Call with every tick: after some seconds without a status, time without progress counts too.
    pub fn tick(&mut self, phase: &Phase, now: Timestamp) {
        if self.run.as_ref().is_none_or(|run| (now - run.at).num_seconds() >= PATIENCE) {
            self.observe(phase, now);
        }
    }

    /// Call with every status.
    pub fn observe(&mut self, phase: &Phase, now: Timestamp) {
        let Some(done) = done(phase) else {
            self.run = None;
            return;
        };
        let kind = discriminant(phase);
        match &mut self.run {
            Some(run) if run.kind == kind && run.done <= done && run.at <= now => {
                let seconds = (now - run.at).num_milliseconds() as f64 / 1000.0;
                if seconds >= 1.0 {
                    let newest = (done - run.done) as f64 / seconds;
                    run.rate = Some(run.rate.map_or(newest, |rate| rate + (newest - rate) * NEWEST));
                    (run.at, run.done) = (now, done);
                }
            }
            run => *run = Some(Run { kind, at: now, done, rate: None }),
        }
    }

    /// Rows (or parts of a hundred) a second; `None` before a second has passed.
    pub fn rate(&self) -> Option<f64> {
        self.run.as_ref()?.rate
    }

    /// Seconds until it is done at this rate; `None` where the end or the rate is not known, or nothing moves.
    pub fn seconds_left(&self, phase: &Phase) -> Option<u64> {
        let rate = self.rate().filter(|rate| *rate > 0.01)?;
        let left = match *phase {
            Phase::Copying { rows, of, .. } if of > rows => of - rows,
            Phase::Indexing { percent } | Phase::Verifying { percent, .. } => u64::from(100 - percent.min(100)),
            _ => return None,
        };
        Some((left as f64 / rate).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::now;
    use chrono::Duration;
    use noctule_domain::sync::Table;

    fn copying(rows: u64) -> Phase {
        Phase::Copying { table: Table::Subscribers, rows, of: 1_000_000 }
    }

    #[test]
    fn the_rate_is_that_of_the_clock_and_a_stall_brings_it_down() {
        let mut progress = Progress::default();
        let at = |s| now() + Duration::seconds(s);
        progress.observe(&copying(0), at(0));
        assert_eq!(progress.rate(), None, "nothing is claimed before a second has passed");
        for s in 1..=5u32 {
            progress.observe(&copying(u64::from(s) * 100_000), at(i64::from(s)));
        }
        assert!(progress.rate().is_some_and(|rate| (rate - 100_000.0).abs() < 1.0));
        assert_eq!(progress.seconds_left(&copying(500_000)), Some(5));
        for s in 6..30 {
            progress.tick(&copying(500_000), at(s));
        }
        assert!(progress.rate().is_some_and(|rate| rate < 10_000.0), "{:?}", progress.rate());
    }

    #[test]
    fn another_phase_a_smaller_number_and_a_clock_that_jumps_back_begin_anew() {
        let mut progress = Progress::default();
        progress.observe(&copying(10), now());
        progress.observe(&copying(20), now() + Duration::seconds(2));
        assert_eq!(progress.rate(), Some(5.0));
        progress.observe(&copying(3), now() + Duration::seconds(3));
        assert_eq!(progress.rate(), None);
        progress.observe(&copying(30), now() + Duration::seconds(5));
        progress.observe(&copying(40), now() - Duration::hours(2));
        assert_eq!(progress.rate(), None);
        progress.observe(&Phase::Indexing { percent: 10 }, now());
        progress.observe(&Phase::Indexing { percent: 20 }, now() + Duration::seconds(5));
        assert_eq!(progress.seconds_left(&Phase::Indexing { percent: 20 }), Some(40));
        progress.observe(&Phase::Idle, now());
        assert_eq!(progress.rate(), None);
    }
}
