//! The audit record: who did what to whom, from where, why, and what it was before and after. Records are chained by hash.

use crate::{OperationId, SafeText, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

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
