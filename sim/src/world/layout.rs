//! How many subscribers are in which state, and who holds which prefix: computed, never stored, so that a million rows need no memory.
//!
//! A subscriber's index is scattered over the ranks 0..n by a permutation. Ranks below `holding` hold a prefix that NetBox knows; which
//! one follows from the rank alone.

use ipnet::Ipv6Net;
use std::net::Ipv6Addr;

pub const FEWEST: u64 = 60;
pub const MOST: u64 = 1_000_000;

/// What a subscriber is, by rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Active,
    Suspended,
    Allocated,
    Revoking,
    /// Revoked, hold not over: the prefix rests in NetBox.
    Resting,
    /// Revoked, hold over, not deleted in NetBox yet.
    Rested,
    /// Revoked long ago, nothing left in NetBox.
    Gone,
    Failed,
    /// No prefix delegation: mode none, slaac or stateful.
    NoDelegation,
    Pending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolPlan {
    pub prefix: Ipv6Net,
    pub used: u64,
    pub title: &'static str,
}

/// Delegated length that the pools are counted in.
pub const DELEGATED: u8 = 56;
/// NetBox objects before the delegations: the container and the pools.
pub const PARENTS: u64 = 4;

/// i -> (a*i + b) mod n, with its inverse.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Affine {
    n: u64,
    a: u64,
    b: u64,
    inverse: u64,
}

impl Affine {
    fn new(n: u64, seed: u64) -> Self {
        // Near the golden ratio neighbours land far apart.
        let mut a = ((n as f64 * 0.618_033_988_75) as u64 + seed % 97).max(1) % n.max(1);
        loop {
            a = a.max(1);
            if let Some(inverse) = inverse(a, n) {
                return Self { n, a, b: seed % n.max(1), inverse };
            }
            a = (a + 1) % n.max(1);
        }
    }

    fn forward(&self, i: u64) -> u64 {
        ((u128::from(self.a) * u128::from(i) + u128::from(self.b)) % u128::from(self.n)) as u64
    }

    fn back(&self, p: u64) -> u64 {
        let shifted = u128::from(p) + u128::from(self.n) - u128::from(self.b);
        (shifted % u128::from(self.n) * u128::from(self.inverse) % u128::from(self.n)) as u64
    }
}

/// x with a*x = 1 mod n, if there is one.
fn inverse(a: u64, n: u64) -> Option<u64> {
    if n <= 1 {
        return Some(0);
    }
    let (mut r0, mut r1, mut t0, mut t1) = (n as i128, (a % n) as i128, 0i128, 1i128);
    while r1 != 0 {
        let q = r0 / r1;
        (r0, r1) = (r1, r0 - q * r1);
        (t0, t1) = (t1, t0 - q * t1);
    }
    (r0 == 1).then(|| t0.rem_euclid(n as i128) as u64)
}

#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    pub subscribers: u64,
    /// Class with the first rank after it, ascending.
    ends: Vec<(Class, u64)>,
    pub holding: u64,
    pub pools: [PoolPlan; 3],
    people: Affine,
    prefixes: Affine,
}

impl Layout {
    /// `subscribers` is kept between [`FEWEST`] and [`MOST`].
    pub fn new(subscribers: u64, seed: u64) -> Self {
        let n = subscribers.clamp(FEWEST, MOST);
        let share = |per_mille: u64, least: u64| (n * per_mille / 1000).max(least);
        let counts = [
            (Class::Active, share(660, 1)),
            (Class::Suspended, share(60, 2)),
            (Class::Allocated, share(40, 2)),
            (Class::Revoking, share(2, 3)),
            (Class::Resting, share(10, 1)),
            (Class::Rested, share(1, 1)),
            (Class::Gone, share(20, 1)),
            (Class::Failed, share(6, 1)),
            (Class::NoDelegation, share(110, 3)),
        ];
        let mut end = 0;
        let mut ends: Vec<(Class, u64)> = Vec::new();
        for (class, count) in counts {
            end += count;
            ends.push((class, end));
        }
        ends.push((Class::Pending, n));
        let holding = ends[5].1;
        Self {
            subscribers: n,
            ends,
            holding,
            pools: pools(holding),
            people: Affine::new(n, seed.rotate_left(17)),
            prefixes: Affine::new(holding, seed.rotate_left(41)),
        }
    }

    pub fn rank(&self, index: u64) -> u64 {
        self.people.forward(index)
    }

    pub fn index_of_rank(&self, rank: u64) -> u64 {
        self.people.back(rank)
    }

    pub fn class(&self, rank: u64) -> Class {
        self.ends.iter().find(|(_, end)| rank < *end).map_or(Class::Pending, |(class, _)| *class)
    }

    pub fn count(&self, class: Class) -> u64 {
        let at = self.ends.iter().position(|(c, _)| *c == class).unwrap_or(0);
        self.ends[at].1 - if at == 0 { 0 } else { self.ends[at - 1].1 }
    }

    /// First rank of a class: how to find one of that kind quickly.
    pub fn first_rank(&self, class: Class) -> u64 {
        let at = self.ends.iter().position(|(c, _)| *c == class).unwrap_or(0);
        if at == 0 { 0 } else { self.ends[at - 1].1 }
    }

    /// The /56 slot of a holding rank, and the NetBox id of the prefix. `None` for ranks that hold none.
    pub fn slot(&self, rank: u64) -> Option<(Ipv6Net, i64)> {
        if rank >= self.holding {
            return None;
        }
        let q = self.prefixes.forward(rank);
        let [a, b, c] = &self.pools;
        let net = if q < a.used {
            nth(a.prefix, spread(q, a.used, a.prefix))
        } else if q < a.used + b.used {
            nth(b.prefix, spread(q - a.used, b.used, b.prefix))
        } else {
            nth(c.prefix, q - a.used - b.used)
        };
        Some((net, (PARENTS + 1 + rank) as i64))
    }
}

pub fn capacity(pool: Ipv6Net) -> u64 {
    1 << DELEGATED.saturating_sub(pool.prefix_len())
}

/// Evenly over the pool, with holes between: as a pool looks after years.
fn spread(q: u64, used: u64, pool: Ipv6Net) -> u64 {
    (u128::from(q) * u128::from(capacity(pool)) / u128::from(used.max(1))) as u64
}

fn nth(pool: Ipv6Net, slot: u64) -> Ipv6Net {
    let base = u128::from(pool.addr()) + (u128::from(slot) << (128 - DELEGATED));
    Ipv6Net::new_assert(Ipv6Addr::from(base), DELEGATED)
}

/// Three parents: one over 80 % full, one over 60 %, one with room.
fn pools(holding: u64) -> [PoolPlan; 3] {
    let mut bits = 3u32;
    while 3u64 << bits <= holding {
        bits += 1;
    }
    // 1.5 * 2^bits slots are used of the first two, the rest falls to the third.
    let size = 1u64 << bits;
    let (first, second) = (size * 85 / 100, size * 65 / 100);
    let rest = holding.saturating_sub(first + second);
    let third_bits = (0..).find(|b| (1u64 << b) * 2 / 5 >= rest).unwrap_or(24).max(bits);
    // A /40 each where that is enough, else a /34.
    let base = |at: u16| {
        let (high, low) = if third_bits <= 16 { (0u16, at << 8) } else { (0x4000 * at, 0) };
        Ipv6Addr::new(0x2001, 0xdb8, high | low, 0, 0, 0, 0, 0)
    };
    let plan =
        |at: u16, bits: u32, used: u64, title| PoolPlan { prefix: Ipv6Net::new_assert(base(at), DELEGATED - bits as u8), used, title };
    [
        plan(1, bits, first, "Residential, capital region"),
        plan(2, bits, second, "Residential, west and north"),
        plan(3, third_bits, rest, "Growth and business"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ranks_are_a_permutation_that_can_be_turned_round() {
        for (n, seed) in [(60, 0), (61, 7), (997, 1), (5000, 42), (100_000, u64::MAX)] {
            let layout = Layout::new(n, seed);
            let ranks: HashSet<u64> = (0..n).map(|i| layout.rank(i)).collect();
            assert_eq!(ranks.len() as u64, n);
            assert!((0..n).step_by(17).all(|i| layout.index_of_rank(layout.rank(i)) == i));
        }
    }

    #[test]
    fn slots_are_distinct_lie_in_their_pools_and_fill_them_as_promised() {
        for n in [FEWEST, 500, 5000, 12_345, 100_000, MOST] {
            let layout = Layout::new(n, 9);
            let step = if n == MOST { 7 } else { 1 };
            let mut seen = HashSet::new();
            for rank in (0..layout.holding).step_by(step) {
                let (net, _) = layout.slot(rank).expect("holds");
                assert!(layout.pools.iter().filter(|p| p.prefix.contains(&net)).count() == 1, "{n}: {net} in one pool");
                assert!(seen.insert(net), "{n}: {net} twice");
            }
            assert_eq!(layout.slot(layout.holding), None);
            assert_eq!(layout.pools.iter().map(|p| p.used).sum::<u64>(), layout.holding, "{n}");
            let fill: Vec<f64> = layout.pools.iter().map(|p| p.used as f64 / capacity(p.prefix) as f64).collect();
            if n >= 500 {
                assert!(fill[0] > 0.8 && fill[0] < 0.9 && fill[1] > 0.6 && fill[1] < 0.8 && fill[2] < 0.6, "{n}: {fill:?}");
            }
            let apart = |a: &PoolPlan, b: &PoolPlan| !a.prefix.contains(&b.prefix) && !b.prefix.contains(&a.prefix);
            let [a, b, c] = &layout.pools;
            assert!(apart(a, b) && apart(a, c) && apart(b, c), "{n}: pools overlap");
        }
    }
}
