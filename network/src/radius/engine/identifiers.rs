//! The identifiers of one source port towards one NAS: handed out least recently used first, never while in flight, and not before they
//! have rested (RFC 5080 section 2.2.2, RFC 5176 section 6.3). Time comes in as an argument.

use std::collections::VecDeque;
use tokio::time::Instant;

/// Requests in flight on one source port towards one NAS. The default receive buffer of Linux holds 256 datagrams; a burst above a
/// quarter of that was measured to lose packets on one side or the other.
pub const MAX_BUSY: u32 = 64;

#[derive(Debug)]
pub struct Identifiers {
    /// Free ones in the order of their last use, with the moment from which they may be used.
    free: VecDeque<(Option<Instant>, u8)>,
    /// In flight now: those kept only for a late answer do not count.
    busy: u32,
}

impl Identifiers {
    pub fn new() -> Self {
        Self { free: (0..=u8::MAX).map(|id| (None, id)).collect(), busy: 0 }
    }

    pub fn take(&mut self, now: Instant) -> Option<u8> {
        if self.busy >= MAX_BUSY {
            return None;
        }
        match self.free.front() {
            Some((ready, _)) if ready.is_none_or(|at| at <= now) => {}
            _ => return None,
        }
        self.busy += 1;
        self.free.pop_front().map(|(_, id)| id)
    }

    /// Not in flight any more, but still kept: a late answer may come.
    pub fn linger(&mut self) {
        self.busy = self.busy.saturating_sub(1);
    }

    /// Free again from `ready` on.
    pub fn give_back(&mut self, id: u8, ready: Instant) {
        self.free.push_back((Some(ready), id));
    }

    /// When the next one is ready, if that is only a matter of time.
    pub fn next_ready(&self) -> Option<Instant> {
        self.free.front().and_then(|(ready, _)| *ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{HashMap, HashSet};
    use std::time::Duration;

    proptest! {
        #[test]
        fn an_identifier_is_never_given_out_twice_nor_before_it_rested(steps in proptest::collection::vec((0u8..4, 0u64..4), 1..3000)) {
            let rest = Duration::from_secs(1);
            let mut now = Instant::now();
            let mut pool = Identifiers::new();
            let mut flying: Vec<u8> = Vec::new();
            let mut out: HashSet<u8> = HashSet::new();
            let mut ended: HashMap<u8, Instant> = HashMap::new();
            for (what, ms) in steps {
                match what {
                    0 | 1 => if let Some(id) = pool.take(now) {
                        prop_assert!(out.insert(id), "{id} is in flight");
                        prop_assert!(ended.get(&id).is_none_or(|at| *at + rest <= now), "{id} had not rested");
                        flying.push(id);
                        prop_assert!(flying.len() <= MAX_BUSY as usize);
                    },
                    _ => {
                        now += Duration::from_millis(ms);
                        if !flying.is_empty() {
                            let id = flying.remove(ms as usize % flying.len());
                            out.remove(&id);
                            pool.linger();
                            pool.give_back(id, now + rest);
                            ended.insert(id, now);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn all_256_are_used_before_one_comes_again() {
        let now = Instant::now();
        let mut pool = Identifiers::new();
        let mut seen = HashSet::new();
        for _ in 0..256 {
            let id = pool.take(now).expect("free");
            assert!(seen.insert(id));
            pool.linger();
            pool.give_back(id, now);
        }
        assert_eq!(pool.take(now), Some(0));
    }
}
