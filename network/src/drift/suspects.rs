//! What a scan suspects, bounded: of each kind some more than will be shown are remembered, the others only counted.

use noctule_domain::drift::{DriftKind, Finding, KEPT};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Suspects {
    kept: Vec<Finding>,
    seen: BTreeMap<DriftKind, u64>,
    /// Pairs of objects that cross each other.
    pub crossing: Vec<(DriftKind, i64, i64)>,
}

impl Suspects {
    pub fn add(&mut self, finding: Finding) {
        let seen = self.seen.entry(finding.kind).or_default();
        *seen += 1;
        if *seen <= KEPT as u64 {
            self.kept.push(finding);
        }
    }

    pub fn add_crossing(&mut self, kind: DriftKind, one: i64, other: i64) {
        let seen = self.seen.entry(kind).or_default();
        *seen += 1;
        if *seen <= KEPT as u64 {
            self.crossing.push((kind, one, other));
        }
    }

    pub fn count(&self) -> u64 {
        self.seen.values().sum()
    }

    /// Kinds of which more was seen than is remembered.
    pub fn more(&self) -> Vec<(DriftKind, u64)> {
        self.seen.iter().filter(|(_, n)| **n > KEPT as u64).map(|(kind, n)| (*kind, *n)).collect()
    }

    pub fn take(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.kept)
    }
}
