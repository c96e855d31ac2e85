//! How the centre stands: its schema, its sizes, its tenants. Works on a standby, and on a database that has no schema yet.

use super::error::SchemaError;
use super::init::{applied, pending, pg};
use super::migrations::{MIGRATIONS, SCHEMA};
use super::owner::OwnerConfig;
use super::work;
use noctule_domain::{SafeText, TenantId, Timestamp};
use std::time::Duration;
use tokio_postgres::Transaction;

/// A migration that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub version: i32,
    pub name: SafeText,
}

/// A table with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    pub name: SafeText,
    /// The server's estimate, of all tenants; `None` when it never looked.
    pub rows: Option<u64>,
    /// With indices and what is stored out of line.
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantState {
    pub id: TenantId,
    pub name: SafeText,
    /// How long a released prefix rests.
    pub hold: Duration,
    pub members: u64,
    pub revoked: u64,
    /// Rows of the feed, and how many of them are tombstones.
    pub feed: u64,
    pub tombstones: u64,
    /// Remembered ops.
    pub ops: u64,
    /// Connected within the last minute; `None` on a standby, which does not know.
    pub consoles: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStatus {
    /// `PostgreSQL 15.14`.
    pub server: SafeText,
    pub database: SafeText,
    pub standby: bool,
    pub now: Timestamp,
    /// `None`: there is no schema of ours.
    pub schema: Option<i32>,
    /// What this program makes.
    pub known: i32,
    pub applied: Vec<Applied>,
    /// Names of what `upgrade` would apply.
    pub pending: Vec<&'static str>,
    /// Why it would not: edited, or newer than this program.
    pub trouble: Option<SafeText>,
    /// Cluster, timeline, database, generation.
    pub history: Option<SafeText>,
    pub min_protocol: Option<i32>,
    pub floor: Option<u64>,
    pub bytes: u64,
    pub tables: Vec<TableSize>,
    pub tenants: Vec<TenantState>,
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Looks, and changes nothing.
pub async fn status(owner: &OwnerConfig) -> Result<SchemaStatus, SchemaError> {
    let mut line = owner.open_any().await?;
    let transaction = line.client.build_transaction().read_only(true).start().await.map_err(pg)?;
    let row = transaction
        .query_one(
            "SELECT split_part(version(), ' on ', 1), current_database()::text, pg_is_in_recovery(), clock_timestamp(),
                 pg_database_size(current_database())",
            &[],
        )
        .await
        .map_err(pg)?;
    let mut status = SchemaStatus {
        server: SafeText::new(row.get(0)),
        database: SafeText::new(row.get(1)),
        standby: row.get(2),
        now: row.get(3),
        schema: None,
        known: SCHEMA,
        applied: Vec::new(),
        pending: MIGRATIONS.iter().map(|migration| migration.name).collect(),
        trouble: None,
        history: None,
        min_protocol: None,
        floor: None,
        bytes: unsigned(row.get(4)),
        tables: Vec::new(),
        tenants: Vec::new(),
    };
    if !work::has_schema(&transaction).await? {
        return Ok(status);
    }
    work::enter(&transaction).await?;
    let found = applied(&transaction).await?;
    status.schema = found.last().map(|(version, ..)| *version);
    status.applied = found.iter().map(|(version, name, _)| Applied { version: *version, name: SafeText::bounded(name, 100) }).collect();
    match pending(&found, MIGRATIONS) {
        Ok(missing) => status.pending = missing.iter().map(|migration| migration.name).collect(),
        Err(error) => {
            status.pending.clear();
            status.trouble = Some(error.to_string().into());
        }
    }
    status.tables = tables(&transaction).await?;
    // What follows is asked of functions and columns that a half-known schema may not have.
    if status.trouble.is_none() && status.pending.is_empty() {
        meta(&transaction, &mut status).await?;
        status.tenants = tenants(&transaction, status.standby).await?;
    }
    transaction.rollback().await.map_err(pg)?;
    Ok(status)
}

async fn tables(transaction: &Transaction<'_>) -> Result<Vec<TableSize>, SchemaError> {
    let rows = transaction
        .query(
            "SELECT c.relname::text, c.reltuples::bigint, pg_total_relation_size(c.oid) FROM pg_class AS c
             WHERE c.relnamespace = 'noctule'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 3 DESC, 1",
            &[],
        )
        .await
        .map_err(pg)?;
    Ok(rows
        .iter()
        .map(|row| TableSize {
            name: SafeText::new(row.get(0)),
            rows: u64::try_from(row.get::<_, i64>(1)).ok(),
            bytes: unsigned(row.get(2)),
        })
        .collect())
}

async fn meta(transaction: &Transaction<'_>, status: &mut SchemaStatus) -> Result<(), SchemaError> {
    let row = transaction
        .query_one("SELECT noctule.history(), m.min_protocol, m.feed_floor::text FROM noctule.meta AS m", &[])
        .await
        .map_err(pg)?;
    status.history = Some(SafeText::new(row.get(0)));
    status.min_protocol = Some(row.get(1));
    status.floor = row.get::<_, &str>(2).parse().ok();
    Ok(())
}

async fn tenants(transaction: &Transaction<'_>, standby: bool) -> Result<Vec<TenantState>, SchemaError> {
    let rows = transaction
        .query("SELECT tenant_id, name, extract(epoch FROM hold)::float8 FROM noctule.tenants ORDER BY name, tenant_id", &[])
        .await
        .map_err(pg)?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let id: uuid::Uuid = row.get(0);
        transaction.execute("SELECT set_config('noctule.tenant', $1, true)", &[&id.to_string()]).await.map_err(pg)?;
        let counts = transaction
            .query_one(
                "SELECT (SELECT count(*) FROM noctule.members WHERE tenant_id = $1 AND revoked_at IS NULL),
                     (SELECT count(*) FROM noctule.members WHERE tenant_id = $1 AND revoked_at IS NOT NULL),
                     (SELECT count(*) FROM noctule.feed WHERE tenant_id = $1),
                     (SELECT count(*) FROM noctule.feed WHERE tenant_id = $1 AND gone),
                     (SELECT count(*) FROM noctule.ops WHERE tenant_id = $1)",
                &[&id],
            )
            .await
            .map_err(pg)?;
        let consoles = if standby {
            // Presence is unlogged: a standby can not even look.
            None
        } else {
            let now = "SELECT count(*) FROM noctule.presence WHERE tenant_id = $1 AND seen_at > clock_timestamp() - interval '60 seconds'";
            Some(unsigned(transaction.query_one(now, &[&id]).await.map_err(pg)?.get(0)))
        };
        all.push(TenantState {
            id: TenantId(id),
            name: SafeText::new(row.get(1)),
            hold: Duration::try_from_secs_f64(row.get(2)).unwrap_or_default(),
            members: unsigned(counts.get(0)),
            revoked: unsigned(counts.get(1)),
            feed: unsigned(counts.get(2)),
            tombstones: unsigned(counts.get(3)),
            ops: unsigned(counts.get(4)),
            consoles,
        });
    }
    Ok(all)
}
