//! Keeping the centre from growing for ever: tombstones, answered ops, presence of consoles that went.

use super::error::SchemaError;
use super::init::pg;
use super::owner::OwnerConfig;
use super::work;
use noctule_domain::TenantId;
use serde_json::Value;
use std::time::Duration;

/// The log of ops is the memory by which a change is applied once, and after a failover consoles push the last day again: nothing younger than
/// this is forgotten.
const SHORTEST: Duration = Duration::from_secs(7 * 86_400);
/// Rows of one transaction.
const BATCH: i32 = 5_000;

/// What went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleaned {
    pub tombstones: u64,
    pub ops: u64,
    pub presence: u64,
    /// Transactions up to this one are not remembered: a console whose cursor is not beyond it copies anew, keeping its outbox.
    pub floor: u64,
}

/// Cleans all tenants, in batches of 5,000 rows, each a transaction of its own. `keep` is how long tombstones and answered ops stay; at least
/// a week, and sensibly some months: a console that was away for longer copies anew, and what it pushes a second time would count twice.
pub async fn cleanup(owner: &OwnerConfig, keep: Duration) -> Result<Cleaned, SchemaError> {
    if keep < SHORTEST {
        return Err(SchemaError::refused(
            "less than a week is not enough: the log is what keeps a change that is pushed twice from counting twice; nothing was removed; keep more",
        ));
    }
    let mut line = owner.open().await?;
    let transaction = work::begin(&mut line, None).await?;
    let tenants: Vec<uuid::Uuid> = transaction
        .query("SELECT tenant_id FROM noctule.tenants ORDER BY tenant_id", &[])
        .await
        .map_err(pg)?
        .iter()
        .map(|row| row.get(0))
        .collect();
    transaction.commit().await.map_err(pg)?;
    let mut all = Cleaned::default();
    for tenant in tenants {
        loop {
            let transaction = work::begin(&mut line, Some(TenantId(tenant))).await?;
            let answer: Value = transaction
                .query_one("SELECT noctule.cleanup(make_interval(secs => $1), $2)", &[&keep.as_secs_f64(), &BATCH])
                .await
                .map_err(pg)?
                .get(0);
            transaction.commit().await.map_err(pg)?;
            let count = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
            all.tombstones += count("tombstones");
            all.ops += count("ops");
            all.presence += count("presence");
            all.floor = answer.get("floor").and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(all.floor);
            if answer.get("more").and_then(Value::as_bool) != Some(true) {
                break;
            }
        }
    }
    Ok(all)
}
