//! What a check did and found, and a finding as it is kept.

use super::{DriftKind, DriftSource, Finding};
use crate::overview::Severity;
use crate::{SafeText, Timestamp};
use serde::{Deserialize, Serialize};

/// How many findings of a kind are kept and shown; the others are only counted.
pub const KEPT: usize = 1000;

/// How one source was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceReport {
    pub source: DriftSource,
    /// Rows, prefixes or users that were read.
    pub read: u64,
    /// Read to its end. Only then what is not found any more has gone.
    pub whole: bool,
    /// Why not, or why it was not asked at all.
    pub trouble: Option<SafeText>,
}

/// A check, ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub sources: Vec<SourceReport>,
    /// Kinds of which more was suspected than is looked at again: seen in the scan, shown up to `KEPT`.
    pub more: Vec<(DriftKind, u64)>,
    pub findings: Vec<Finding>,
    /// Only these kinds were looked for; empty is all.
    pub kinds: Vec<DriftKind>,
}

impl Report {
    /// Every source that there is was read to its end.
    pub fn is_whole(&self) -> bool {
        self.sources.iter().all(|s| s.whole)
    }

    /// True when what this check did not find of that kind is there no more.
    pub fn speaks_for(&self, kind: DriftKind) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && !self.more.iter().any(|(more, _)| *more == kind)
            && self.sources.iter().any(|s| s.source == kind.source() && s.whole)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dismissal {
    pub at: Timestamp,
    pub by: SafeText,
    pub why: SafeText,
}

/// A finding as it is kept from check to check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptFinding {
    pub finding: Finding,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub dismissed: Option<Dismissal>,
}

impl KeptFinding {
    pub fn severity(&self) -> Severity {
        self.finding.kind.severity()
    }
}

/// Where a running check is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckProgress {
    pub started_at: Timestamp,
    /// In words: `NetBox`, `AAA and sessions`, `looking again`.
    pub phase: SafeText,
    pub done: u64,
    /// As far as it is known; may grow.
    pub total: u64,
    /// Suspected so far, before they are looked at again.
    pub suspected: u64,
}

/// All that the screen shows of drift, but for the progress of a running check.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DriftView {
    pub findings: Vec<KeptFinding>,
    pub last: Option<LastCheck>,
    /// For how long a released prefix rests, in seconds, for the previews.
    #[serde(default)]
    pub hold_s: i64,
}

/// The last check that ended, without its findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastCheck {
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub sources: Vec<SourceReport>,
    pub more: Vec<(DriftKind, u64)>,
}
