//! A merge join of two sorted streams that come in pages: never more than two pages are held, whatever the streams hold.

use std::cmp::Ordering;
use std::collections::VecDeque;

/// What came out: both have the key, or only one side has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Pair<L, R> {
    Both(L, R),
    Left(L),
    Right(R),
}

/// Feed pages to the side that `wants_…`, take pairs out until there is none. An empty page is the end of that side.
pub struct Merge<L, R, F> {
    left: VecDeque<L>,
    right: VecDeque<R>,
    left_ended: bool,
    right_ended: bool,
    order: F,
}

impl<L, R, F: Fn(&L, &R) -> Ordering> Merge<L, R, F> {
    /// `order` compares a left key with a right one; both streams ascend by it, each key at most once.
    pub fn new(order: F) -> Self {
        Self { left: VecDeque::new(), right: VecDeque::new(), left_ended: false, right_ended: false, order }
    }

    pub fn wants_left(&self) -> bool {
        self.left.is_empty() && !self.left_ended
    }

    pub fn wants_right(&self) -> bool {
        self.right.is_empty() && !self.right_ended
    }

    pub fn left(&mut self, page: Vec<L>) {
        self.left_ended |= page.is_empty();
        self.left.extend(page);
    }

    pub fn right(&mut self, page: Vec<R>) {
        self.right_ended |= page.is_empty();
        self.right.extend(page);
    }

    /// The next pair; `None` while a side wants a page, and at the end.
    pub fn take(&mut self) -> Option<Pair<L, R>> {
        if self.wants_left() || self.wants_right() {
            return None;
        }
        let order = match (self.left.front(), self.right.front()) {
            (Some(left), Some(right)) => (self.order)(left, right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        match order {
            Ordering::Less => self.left.pop_front().map(Pair::Left),
            Ordering::Greater => self.right.pop_front().map(Pair::Right),
            Ordering::Equal => self.left.pop_front().zip(self.right.pop_front()).map(|(left, right)| Pair::Both(left, right)),
        }
    }
}

/// User names in the order of the store and of the AAA port: ASCII letters without case first, then by bytes.
pub fn name_order(a: &str, b: &str) -> Ordering {
    let (low_a, low_b) = (a.bytes().map(|c| c.to_ascii_lowercase()), b.bytes().map(|c| c.to_ascii_lowercase()));
    low_a.cmp(low_b).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn gives_what_a_map_of_both_gives_however_the_pages_are_cut(
            left in proptest::collection::btree_set(0u32..60, 0..40),
            right in proptest::collection::btree_set(0u32..60, 0..40),
            cut_left in 1usize..9,
            cut_right in 1usize..9,
        ) {
            let mut merge = Merge::new(|l: &u32, r: &u32| l.cmp(r));
            let pages = |set: &BTreeSet<u32>, cut: usize| set.iter().copied().collect::<Vec<_>>().chunks(cut).map(<[u32]>::to_vec).collect::<VecDeque<_>>();
            let (mut lefts, mut rights) = (pages(&left, cut_left), pages(&right, cut_right));
            let mut out = Vec::new();
            loop {
                if merge.wants_left() { merge.left(lefts.pop_front().unwrap_or_default()); }
                if merge.wants_right() { merge.right(rights.pop_front().unwrap_or_default()); }
                match merge.take() {
                    Some(pair) => out.push(pair),
                    None if merge.wants_left() || merge.wants_right() => {}
                    None => break,
                }
            }
            let keys: BTreeMap<u32, (bool, bool)> = left.union(&right).map(|k| (*k, (left.contains(k), right.contains(k)))).collect();
            let wanted: Vec<Pair<u32, u32>> = keys.iter().map(|(k, sides)| match sides {
                (true, true) => Pair::Both(*k, *k),
                (true, false) => Pair::Left(*k),
                _ => Pair::Right(*k),
            }).collect();
            prop_assert_eq!(out, wanted);
        }
    }

    #[test]
    fn names_stand_without_case_and_then_by_bytes() {
        let mut names = vec!["b", "ä", "A", "a", "B1", "aa", "Ä"];
        names.sort_by(|a, b| name_order(a, b));
        assert_eq!(names, ["A", "a", "aa", "b", "B1", "Ä", "ä"]);
    }
}
