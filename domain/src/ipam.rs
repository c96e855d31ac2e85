//! Pools and prefixes, in the words of NetBox.

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
}

impl Pool {
    /// How many delegations fit.
    pub fn capacity(&self) -> u64 {
        let bits = self.delegated_len.saturating_sub(self.prefix.prefix_len());
        1u64.checked_shl(u32::from(bits)).unwrap_or(u64::MAX)
    }

    /// 0 to 100.
    pub fn utilisation(&self) -> f64 {
        (self.used as f64 / self.capacity() as f64 * 100.0).clamp(0.0, 100.0)
    }

    pub fn level(&self) -> PoolLevel {
        match self.utilisation() {
            u if u > 80.0 => PoolLevel::Critical,
            u if u > 60.0 => PoolLevel::Warning,
            _ => PoolLevel::Normal,
        }
    }
}

words!(PoolLevel { Normal = "normal", Warning = "warning", Critical = "critical" });
