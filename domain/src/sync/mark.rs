//! Checksums by which both sides compare what they hold without sending it: a sum per range of ids, independent of the order of rows.

use super::{Row, Table};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Count of rows and the sum (wrapping) of their `row_sum`s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checksum {
    pub rows: u64,
    pub sum: u64,
}

impl Checksum {
    pub fn add(&mut self, row: u64) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(row);
    }
}

/// The checksum of all rows of `table` whose id is in `from..=to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeSum {
    pub table: Table,
    pub from: Uuid,
    pub to: Uuid,
    pub checksum: Checksum,
}

/// The sum of one row: the first eight bytes (big-endian) of SHA-256 over what PostgreSQL's `record_send(ROW(column, …))` gives for it: the
/// number of columns, then type OID, length and bytes of each. So the centre computes the same with one expression.
pub fn row_sum(row: &Row<'_>) -> u64 {
    let mut hash = Sha256::new();
    let columns = row.table().columns();
    hash.update(u32::try_from(columns.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (at, column) in columns.iter().enumerate() {
        hash.update(column.kind.oid().to_be_bytes());
        match row.raw(at) {
            None => hash.update((-1i32).to_be_bytes()),
            Some(bytes) => {
                hash.update(i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
                hash.update(bytes);
            }
        }
    }
    hash.finalize().iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}
