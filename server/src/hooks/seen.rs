//! Deliveries that came lately, so that one that comes again sets nothing off. Of bounded size: what is forgotten and comes again is looked at
//! again, which is harmless.

use super::event::Event;
use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

pub struct Seen {
    hasher: RandomState,
    known: HashSet<u64>,
    order: VecDeque<u64>,
    most: usize,
}

impl Seen {
    pub fn new(most: usize) -> Self {
        Self { hasher: RandomState::new(), known: HashSet::new(), order: VecDeque::new(), most }
    }

    /// True when this delivery came before. Without the id of its request none can be known again.
    pub fn note(&mut self, event: &Event) -> bool {
        let Some(request) = &event.request else { return false };
        let key = self.hasher.hash_one((request, event.id, &event.event));
        if !self.known.insert(key) {
            return true;
        }
        self.order.push_back(key);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(request: &str, id: i64, what: &str) -> Event {
        Event { event: what.into(), object: "ipam.prefix".into(), id, request: Some(request.into()) }
    }

    #[test]
    fn the_same_delivery_is_known_again_and_its_neighbours_are_not() {
        let mut seen = Seen::new(10);
        assert!(!seen.note(&event("r", 1, "updated")));
        assert!(seen.note(&event("r", 1, "updated")));
        // A list POST is one request with several objects; an object may be created and deleted by one.
        assert!(!seen.note(&event("r", 2, "updated")));
        assert!(!seen.note(&event("r", 1, "deleted")));
        assert!(!seen.note(&event("s", 1, "updated")));
        let nameless = Event { request: None, ..event("", 1, "updated") };
        assert!(!seen.note(&nameless) && !seen.note(&nameless));
    }

    #[test]
    fn the_memory_is_bounded_and_the_oldest_go_first() {
        let mut seen = Seen::new(100);
        for at in 0..10_000 {
            assert!(!seen.note(&event("r", at, "updated")));
        }
        assert_eq!((seen.len(), seen.order.len()), (100, 100));
        assert!(seen.note(&event("r", 9_999, "updated")));
        assert!(!seen.note(&event("r", 0, "updated")));
    }
}
