//! The terms of a job: how carefully it begins, how fast it may go, when it stops by itself.

use serde::{Deserialize, Serialize};

/// However large the share, no more are tried first.
pub const MAX_CANARIES: u32 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// Percent of the items that go first and alone; at least one, at most [`MAX_CANARIES`].
    pub canary_percent: u8,
    /// Items begun per second and NAS; `None`: as fast as the window lets them.
    pub rate_per_nas: Option<u32>,
    /// Items under way per NAS. Requests in flight are kept by the profile of the NAS; this is how many are prepared beside them.
    pub per_nas: u16,
    pub threshold: Threshold,
}

/// Stops the rest when too much ends refused, unanswered or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Threshold {
    /// Percent of the last `of_last` ends, or of all items.
    pub percent: u8,
    /// `None`: of the whole job.
    pub of_last: Option<u32>,
    /// At most so many, whatever the share.
    pub absolute: Option<u32>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { canary_percent: 1, rate_per_nas: None, per_nas: 64, threshold: Threshold::default() }
    }
}

impl Default for Threshold {
    fn default() -> Self {
        Self { percent: 5, of_last: Some(100), absolute: None }
    }
}

impl Terms {
    pub fn canaries(&self, total: u32) -> u32 {
        let share = u64::from(total) * u64::from(self.canary_percent.min(100));
        (share.div_ceil(100) as u32).clamp(1, MAX_CANARIES).min(total)
    }
}

impl Threshold {
    /// How many ends are looked at.
    pub fn sample(&self, total: u32) -> u32 {
        self.of_last.unwrap_or(total).clamp(1, total.max(1))
    }

    /// Too many of a sample are bad, or of everything since the job was told to go.
    pub fn exceeded(&self, sample: u32, bad_in_sample: u32, bad: u32) -> bool {
        let allowed = u64::from(sample) * u64::from(self.percent.min(100)) / 100;
        u64::from(bad_in_sample) > allowed || self.absolute.is_some_and(|most| bad > most)
    }
}
