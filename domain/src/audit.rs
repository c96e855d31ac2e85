//! The audit record: who did what to whom, from where, why, and what it was before and after. Records are chained by hash.

use crate::{OperationId, SafeText, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What goes into the chain. `seq` and the hashes are added by the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub tenant: TenantId,
    pub at: Timestamp,
    /// The operator, and `system` for what a job does.
    pub actor: SafeText,
    /// Host and terminal or command.
    pub origin: SafeText,
    /// Kebab-case, e.g. `ipv6-revoke`, `import-subscribers`.
    pub action: String,
    pub target: SafeText,
    pub operation: Option<OperationId>,
    pub reason: Option<SafeText>,
    pub before: serde_json::Value,
    pub after: serde_json::Value,
    pub answers: serde_json::Value,
}

/// A stored record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    pub seq: i64,
    pub entry: AuditEntry,
    /// Hex SHA-256 of the record before; sixty-four zeros for the first.
    pub previous: String,
    /// Hex SHA-256 over `previous` and the canonical JSON of `seq` and `entry`.
    pub hash: String,
}

/// The answer of `noctule audit verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuditVerdict {
    Intact { records: u64, head: String },
    Broken { seq: i64, why: String },
}

/// What is before the first record.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Hex SHA-256 over the hash of the record before and the body of this one.
pub fn digest(previous: &str, body: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(body.as_bytes());
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    hash.finalize().iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

#[derive(Deserialize)]
struct Body {
    seq: i64,
    entry: AuditEntry,
}

/// Reads a chain record by record, from its first on, and says whether anything was changed, taken out, moved or cut off. The same for
/// every store that keeps one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    records: i64,
    head: String,
}

impl Default for Chain {
    fn default() -> Self {
        Self { records: 0, head: NOTHING.to_owned() }
    }
}

impl Chain {
    /// Takes the next record. `Err` is the verdict: nothing after it needs to be read.
    pub fn take(&mut self, seq: i64, body: &str, previous: &str, hash: &str) -> Result<AuditEntry, AuditVerdict> {
        let broken = |seq: i64, why: &str| AuditVerdict::Broken { seq, why: why.to_owned() };
        let expected = self.records + 1;
        if seq != expected {
            return Err(broken(expected, &format!("record {expected} is missing: the next one is {seq}")));
        }
        if previous != self.head {
            return Err(broken(seq, "it does not follow the record before it"));
        }
        if digest(previous, body) != hash {
            return Err(broken(seq, "its content does not fit its hash: it was changed"));
        }
        let entry = match serde_json::from_str::<Body>(body) {
            Ok(body) if body.seq == seq => body.entry,
            Ok(body) => return Err(broken(seq, &format!("it says that it is record {}: it was moved", body.seq))),
            Err(_) => return Err(broken(seq, "it can not be read")),
        };
        self.records = seq;
        self.head = hash.to_owned();
        Ok(entry)
    }

    /// How many records were taken.
    pub fn records(&self) -> i64 {
        self.records
    }

    /// The end: what the store says that it wrote, number and hash of its last record.
    pub fn end(self, head_seq: i64, head_hash: &str) -> AuditVerdict {
        if (head_seq, head_hash) != (self.records, self.head.as_str()) {
            let why = format!("the log ends at record {}, but {head_seq} were written: its end was cut off or added to", self.records);
            return AuditVerdict::Broken { seq: self.records + 1, why };
        }
        AuditVerdict::Intact { records: u64::try_from(self.records).unwrap_or(0), head: self.head }
    }
}
