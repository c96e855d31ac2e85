//! Which space is taken: an ordered index of all prefixes and the first-fit search in it. One VRF and family is one contiguous range
//! of the index, so a parent with 100,000 children among millions of prefixes is searched without looking at the others.

use super::net::{Net, mask};
use std::collections::{BTreeSet, HashMap};

/// Sorts as NetBox lists: global table first, then by VRF, family, address, length, id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// VRF id; -1 is the global table.
    pub vrf: i64,
    pub net: Net,
    pub id: i64,
}

#[derive(Debug, Default)]
pub struct Space {
    keys: BTreeSet<Key>,
    /// (vrf, parent, length) -> below this address no block of that length is free. Kept right by `remove`; inserting only takes space.
    hints: HashMap<(i64, Net, u8), u128>,
}

impl Space {
    pub fn insert(&mut self, key: Key) {
        self.keys.insert(key);
    }

    pub fn remove(&mut self, key: Key) {
        self.keys.remove(&key);
        for ((vrf, parent, len), hint) in &mut self.hints {
            if *vrf == key.vrf && parent.family == key.net.family {
                // What was freed may have made room for a block that begins before it.
                *hint = (*hint).min(mask(key.net.addr, *len));
            }
        }
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Key> {
        self.keys.iter()
    }

    /// Everything inside or equal to `net`, in order.
    pub fn inside(&self, vrf: i64, net: Net) -> impl DoubleEndedIterator<Item = &Key> {
        let low = Key { vrf, net: Net { family: net.family, addr: net.addr, len: 0 }, id: i64::MIN };
        let high = Key { vrf, net: Net { family: net.family, addr: net.end(), len: u8::MAX }, id: i64::MAX };
        // A wider prefix that begins at the same address sorts into the range: left out here.
        self.keys.range(low..=high).filter(move |key| net.covers(key.net))
    }

    /// Everything that covers `net`, the widest first; equal ones too.
    pub fn around(&self, vrf: i64, net: Net) -> impl Iterator<Item = &Key> {
        (0..=net.len).flat_map(move |len| self.exactly(vrf, net.widen(len)))
    }

    pub fn exactly(&self, vrf: i64, net: Net) -> impl Iterator<Item = &Key> {
        self.keys.range(Key { vrf, net, id: i64::MIN }..=Key { vrf, net, id: i64::MAX })
    }

    /// Strict children: inside, not equal.
    fn children(&self, vrf: i64, parent: Net, from: u128) -> impl Iterator<Item = &Key> {
        let low = Key { vrf, net: Net { family: parent.family, addr: from.max(parent.addr), len: 0 }, id: i64::MIN };
        let high = Key { vrf, net: Net { family: parent.family, addr: parent.end(), len: u8::MAX }, id: i64::MAX };
        self.keys.range(low..=high).filter(move |key| key.net.len > parent.len)
    }

    pub fn count_children(&self, vrf: i64, parent: Net) -> usize {
        self.children(vrf, parent, 0).count()
    }

    /// The lowest free block of `len` in `parent`; an untouched parent of that length is itself free, as in NetBox.
    pub fn first_fit(&mut self, vrf: i64, parent: Net, len: u8) -> Option<Net> {
        if len < parent.len || len > parent.max_len() {
            return None;
        }
        let size_minus_one = u128::MAX.checked_shr(u32::from(len)).unwrap_or(0);
        let hint = self.hints.get(&(vrf, parent, len)).copied().unwrap_or(0).max(parent.addr);
        if hint > parent.end() {
            return None;
        }
        let mut cursor = Some(self.past_cover(vrf, parent, hint));
        for key in self.children(vrf, parent, hint) {
            let Some(at) = cursor.and_then(|c| align_up(c, len)) else { break };
            if at.checked_add(size_minus_one).is_some_and(|end| end < key.net.addr) {
                break;
            }
            cursor = match (cursor, key.net.end().checked_add(1)) {
                (Some(c), Some(after)) => Some(c.max(after)),
                _ => None,
            };
        }
        let at = cursor.and_then(|c| align_up(c, len));
        let fits = at.is_some_and(|at| at <= parent.end() && at.checked_add(size_minus_one).is_none_or(|end| end <= parent.end()));
        self.hints.insert((vrf, parent, len), at.unwrap_or(u128::MAX));
        at.filter(|_| fits).map(|addr| Net { family: parent.family, addr, len })
    }

    /// The first address from `from` on that no child beginning before `from` covers.
    fn past_cover(&self, vrf: i64, parent: Net, from: u128) -> u128 {
        let mut at = from;
        for len in parent.len + 1..=parent.max_len() {
            let net = Net { family: parent.family, addr: mask(from, len), len };
            if net.addr < from && self.exactly(vrf, net).next().is_some() {
                at = at.max(net.end().saturating_add(1));
            }
        }
        at
    }

    /// The free space as CIDR blocks in address order.
    pub fn free_blocks(&self, vrf: i64, parent: Net) -> Vec<Net> {
        let mut blocks = Vec::new();
        let mut cursor = Some(parent.addr);
        for key in self.children(vrf, parent, 0) {
            let Some(at) = cursor else { break };
            if key.net.addr > at {
                cidrs(parent, at, key.net.addr - 1, &mut blocks);
            }
            cursor = key.net.end().checked_add(1).map(|after| after.max(at));
        }
        if let Some(at) = cursor.filter(|at| *at <= parent.end()) {
            cidrs(parent, at, parent.end(), &mut blocks);
        }
        blocks
    }
}

/// The next multiple of the block size of `len`; `None` past the end of the address space.
fn align_up(addr: u128, len: u8) -> Option<u128> {
    let down = mask(addr, len);
    if down == addr {
        return Some(addr);
    }
    let size_minus_one = u128::MAX.checked_shr(u32::from(len)).unwrap_or(0);
    down.checked_add(size_minus_one)?.checked_add(1)
}

/// The fewest blocks that make up `low..=high`.
fn cidrs(parent: Net, low: u128, high: u128, out: &mut Vec<Net>) {
    let mut at = low;
    loop {
        let mut len = parent.max_len();
        while len > parent.len {
            let wider = Net { family: parent.family, addr: at, len: len - 1 };
            if mask(at, len - 1) != at || wider.end() > high {
                break;
            }
            len -= 1;
        }
        let block = Net { family: parent.family, addr: at, len };
        out.push(block);
        match block.end().checked_add(1) {
            Some(next) if next <= high => at = next,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> Net {
        Net::parse(text).unwrap()
    }

    /// First fit by trying every block of the parent: slow and plainly right.
    fn naive(taken: &[Net], parent: Net, len: u8) -> Option<Net> {
        if len < parent.len {
            return None;
        }
        (0..1u128 << (len - parent.len))
            .map(|i| Net { family: 6, addr: parent.addr + (i << (128 - len)), len })
            .find(|block| !taken.iter().any(|t| t.len > parent.len && (t.covers(*block) || block.covers(*t))))
    }

    proptest! {
        /// Takes and gives back at random, with hints in play all the time.
        #[test]
        fn first_fit_is_the_lowest_free_block(steps in prop::collection::vec((56u8..=64, any::<bool>(), any::<prop::sample::Index>()), 1..120)) {
            let parent = net("2001:db8:0:ff00::/56");
            let mut space = Space::default();
            let mut taken: Vec<Net> = Vec::new();
            for (id, (len, give_back, which)) in steps.into_iter().enumerate() {
                if give_back && !taken.is_empty() {
                    let gone = taken.swap_remove(which.index(taken.len()));
                    let key = *space.exactly(-1, gone).next().unwrap();
                    space.remove(key);
                }
                let found = space.first_fit(-1, parent, len);
                prop_assert_eq!(found, naive(&taken, parent, len));
                if let Some(block) = found.filter(|b| b.len > parent.len) {
                    space.insert(Key { vrf: -1, net: block, id: id as i64 });
                    taken.push(block);
                }
                let free: u128 = space.free_blocks(-1, parent).iter().map(|b| 1u128 << (64 - b.len)).sum();
                let used: u128 = taken.iter().map(|b| 1u128 << (64 - b.len)).sum();
                prop_assert_eq!(free + used, 256);
            }
        }
    }

    #[test]
    fn a_hundred_thousand_children_fill_without_gaps() {
        let parent = net("2001:db8::/32");
        let mut space = Space::default();
        for id in 0..100_000u128 {
            let block = space.first_fit(-1, parent, 56).unwrap();
            assert_eq!(block.addr, parent.addr + (id << 72));
            space.insert(Key { vrf: -1, net: block, id: id as i64 });
        }
        assert_eq!(space.count_children(-1, parent), 100_000);
    }

    #[test]
    fn other_vrfs_and_the_end_of_the_address_space_do_not_confuse_it() {
        let mut space = Space::default();
        let top = net("ffff:ffff:ffff:ff00::/56");
        space.insert(Key { vrf: 7, net: net("ffff:ffff:ffff:ff00::/64"), id: 1 });
        for id in 0..256 {
            let block = space.first_fit(-1, top, 64).unwrap();
            space.insert(Key { vrf: -1, net: block, id: 10 + id });
        }
        assert_eq!(space.first_fit(-1, top, 64), None);
        assert_eq!(space.first_fit(7, top, 64), Some(net("ffff:ffff:ffff:ff01::/64")));
    }
}
