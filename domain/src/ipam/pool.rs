//! Pools and prefixes, in the words of NetBox.

use super::forecast::{Forecast, Sample, forecast};
use crate::{SafeText, Timestamp, words};
use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};

words!(
    /// NetBox's prefix statuses, and how we use them: reserved = allocated, active = active or suspended, deprecated = resting before deletion.
    PrefixStatus { Container = "container", Active = "active", Reserved = "reserved", Deprecated = "deprecated" }
);

/// A parent prefix from which delegations are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// NetBox id of the parent prefix.
    pub id: i64,
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
    pub status: PrefixStatus,
    pub description: SafeText,
    /// Length that is delegated from it.
    pub delegated_len: u8,
    /// Children seen in NetBox.
    pub used: u64,
    pub seen_at: Timestamp,
    /// How many delegations of each length still fit, shortest length first; empty when the free space was not read.
    #[serde(default)]
    pub fits: Vec<Fit>,
    /// Use over time, oldest first; empty where nobody has watched.
    #[serde(default)]
    pub history: Vec<Sample>,
    #[serde(default)]
    pub thresholds: PoolThresholds,
}

/// Room for delegations of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fit {
    pub len: u8,
    pub count: u64,
}

/// When a pool wants a look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolThresholds {
    /// Percent used.
    pub warning: f64,
    pub critical: f64,
    /// Days until it is full.
    pub warning_days: f64,
}

impl Default for PoolThresholds {
    fn default() -> Self {
        Self { warning: 60.0, critical: 80.0, warning_days: 30.0 }
    }
}

impl Pool {
    /// How many delegations fit.
    pub fn capacity(&self) -> u64 {
        capacity(self.prefix.prefix_len(), self.delegated_len)
    }

    /// How many delegations of its length are taken, or blocked by others. Children are of many lengths where the pool gives several: then
    /// only the free space tells.
    pub fn taken(&self) -> u64 {
        match self.fits.iter().find(|fit| fit.len == self.delegated_len) {
            Some(fit) => self.capacity().saturating_sub(fit.count),
            None => self.used.min(self.capacity()),
        }
    }

    pub fn free(&self) -> u64 {
        self.capacity() - self.taken()
    }

    /// 0 to 100.
    pub fn utilisation(&self) -> f64 {
        if self.capacity() == 0 {
            return 100.0;
        }
        (self.taken() as f64 / self.capacity() as f64 * 100.0).clamp(0.0, 100.0)
    }

    pub fn level(&self) -> PoolLevel {
        match self.utilisation() {
            u if u > self.thresholds.critical => PoolLevel::Critical,
            u if u > self.thresholds.warning => PoolLevel::Warning,
            _ => PoolLevel::Normal,
        }
    }

    pub fn forecast(&self) -> Forecast {
        forecast(&self.history)
    }

    /// What it is now, for the history.
    pub fn sample(&self) -> Sample {
        Sample { at: self.seen_at, used: self.taken(), capacity: self.capacity() }
    }
}

/// Delegations of `len` in a parent of `parent` bits.
pub fn capacity(parent: u8, len: u8) -> u64 {
    match len.checked_sub(parent) {
        None => 0,
        Some(bits) => 1u64.checked_shl(u32::from(bits)).unwrap_or(u64::MAX),
    }
}

/// How many of each length fit into free blocks, told as length and number.
pub fn fits(blocks: impl IntoIterator<Item = (u8, u64)>, lengths: &[u8]) -> Vec<Fit> {
    let mut by_len = [0u64; 129];
    for (block, n) in blocks {
        let sum = &mut by_len[usize::from(block.min(128))];
        *sum = sum.saturating_add(n);
    }
    let room = |len: u8| {
        let each = |(block, n): (usize, &u64)| n.saturating_mul(capacity(block as u8, len));
        by_len[..=usize::from(len.min(128))].iter().enumerate().map(each).fold(0, u64::saturating_add)
    };
    lengths.iter().map(|len| Fit { len: *len, count: room(*len) }).collect()
}

/// The lengths that are worth telling for a pool, shortest first: its own, else the usual ones; only those that fit its parent.
pub fn told_lengths(parent: u8, delegated_len: u8, lengths: &[u8]) -> Vec<u8> {
    let mut told = if lengths.is_empty() { vec![56, 60, 64] } else { lengths.to_vec() };
    told.push(delegated_len);
    told.retain(|len| *len > parent);
    told.sort_unstable();
    told.dedup();
    told
}

words!(PoolLevel { Normal = "normal", Warning = "warning", Critical = "critical" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_blocks_hold_as_many_as_fit() {
        let count = |blocks: &[u8]| fits(blocks.iter().map(|b| (*b, 1)), &[48, 56, 60]).iter().map(|f| f.count).collect::<Vec<_>>();
        assert_eq!(count(&[44]), [16, 4096, 65_536]);
        assert_eq!(count(&[58, 58, 56]), [0, 1, 4 + 4 + 16], "pieces that are too small do not add up");
        assert_eq!(count(&[]), [0, 0, 0]);
        assert_eq!(count(&[0])[2], 1 << 60);
    }

    #[test]
    fn the_free_space_counts_before_the_children() {
        let mut pool = Pool {
            id: 1,
            prefix: "2001:db8::/48".parse().expect("a prefix"),
            vrf: None,
            status: PrefixStatus::Container,
            description: SafeText::default(),
            delegated_len: 56,
            used: 160,
            seen_at: Timestamp::default(),
            fits: Vec::new(),
            history: Vec::new(),
            thresholds: PoolThresholds::default(),
        };
        assert_eq!((pool.taken(), pool.level()), (160, PoolLevel::Warning));
        // The 160 are /60: they fill ten /56.
        pool.fits = vec![Fit { len: 56, count: 246 }, Fit { len: 60, count: 246 * 16 }];
        assert_eq!((pool.taken(), pool.free(), pool.level()), (10, 246, PoolLevel::Normal));
        pool.thresholds.warning = 3.0;
        assert_eq!(pool.level(), PoolLevel::Warning);
        // A length that the parent can not give is no capacity, and no division by nothing.
        pool.fits.clear();
        pool.delegated_len = 40;
        assert_eq!((pool.capacity(), pool.utilisation()), (0, 100.0));
    }
}
