//! What a comparison found, table by table.

use noctule_domain::Timestamp;
use noctule_domain::sync::Table;
use serde::{Deserialize, Serialize};

/// One table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReport {
    pub table: Table,
    /// Rows here, before anything was healed, and in the centre, as this operator may see them.
    pub here: u64,
    pub there: u64,
    pub ranges: u64,
    /// Ranges whose sums differ.
    pub differing: u64,
    /// Rows of those ranges that were fetched again.
    pub fetched: u64,
    /// Rows that the centre does not have, removed here.
    pub removed: u64,
}

/// All tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// The centre's time of the snapshot that was compared.
    pub at: Timestamp,
    /// Rows that had changed since the last read and were applied before the comparison.
    pub changed: u64,
    /// Whether what differed was fetched.
    pub healed: bool,
    pub tables: Vec<TableReport>,
}

impl VerifyReport {
    /// True when no range differed.
    pub fn same(&self) -> bool {
        self.tables.iter().all(|table| table.differing == 0)
    }
}
