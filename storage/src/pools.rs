//! Pools, as NetBox (or another IPAM) told of them last, with their use over time.

use crate::codec::{Take, us};
use crate::error::StoreError;
use crate::store::Store;
use noctule_domain::ipam::{Fit, Pool, PoolThresholds, Sample};
use rusqlite::{Connection, Row, params};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Days for which the hours and the days of a pool are kept.
const HOURS_KEPT: i64 = 14;
const DAYS_KEPT: i64 = 400;

/// What is not in the file: thresholds of the configuration and, with a centre, the history that it keeps for all consoles.
#[derive(Default)]
pub(crate) struct PoolSide {
    thresholds: OnceLock<PoolThresholds>,
    told: Mutex<Option<HashMap<i64, PoolTold>>>,
}

/// What the centre keeps of a pool beside its row.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
pub struct PoolTold {
    #[serde(default)]
    pub history: Vec<Sample>,
    #[serde(default)]
    pub fits: Vec<Fit>,
}

/// By the id of the pool.
pub(crate) fn all(conn: &Connection, tenant: i64, side: &PoolSide) -> rusqlite::Result<Vec<Pool>> {
    let mut pools: Vec<Pool> = conn
        .prepare_cached(
            "SELECT id, prefix, vrf, status, description, delegated_len, used, seen_at, fits FROM pools WHERE tenant = ?1 ORDER BY id LIMIT 10000",
        )?
        .query_map([tenant], |row| Ok(Pool { fits: fits(row, 8)?, ..whole(row)? }))?
        .collect::<Result<_, _>>()?;
    let thresholds = side.thresholds.get().copied().unwrap_or_default();
    let mut told = side.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for pool in &mut pools {
        pool.thresholds = thresholds;
        match &mut told {
            Some(told) => {
                let of = told.remove(&pool.id).unwrap_or_default();
                (pool.history, pool.fits) = (of.history, of.fits);
            }
            None => pool.history = history(conn, tenant, pool.id)?,
        }
    }
    Ok(pools)
}

/// Days, then the hours that are finer than they; oldest first.
fn history(conn: &Connection, tenant: i64, pool: i64) -> rusqlite::Result<Vec<Sample>> {
    let sql = "SELECT at, used, capacity FROM pool_samples WHERE tenant = ?1 AND pool = ?2 AND (span = 'hour' OR at < (
            SELECT coalesce(min(at), 9223372036854775807) FROM pool_samples WHERE tenant = ?1 AND pool = ?2 AND span = 'hour')) ORDER BY at";
    conn.prepare_cached(sql)?
        .query_map([tenant, pool], |row| {
            let mut take = Take::new(row);
            Ok(Sample { at: take.time()?, used: take.count()?, capacity: take.count()? })
        })?
        .collect()
}

fn fits(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Fit>> {
    let text: Option<String> = row.get(column)?;
    // What can not be read is read anew at the next look.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

fn whole(row: &Row<'_>) -> rusqlite::Result<Pool> {
    let mut take = Take::new(row);
    Ok(Pool {
        id: take.get()?,
        prefix: take.parsed()?,
        vrf: take.get()?,
        status: take.parsed()?,
        description: take.text()?,
        delegated_len: take.get()?,
        used: take.count()?,
        seen_at: take.time()?,
        fits: Vec::new(),
        history: Vec::new(),
        thresholds: PoolThresholds::default(),
    })
}

/// Reads the row (by the centre's id) as the screens do.
pub(crate) fn probe(conn: &Connection, id: [u8; 16]) -> rusqlite::Result<Option<()>> {
    let sql = "SELECT id, prefix, vrf, status, description, delegated_len, used, seen_at FROM pools WHERE tenant = ?1 AND uid = ?2";
    crate::replica::probe(conn, sql, id, whole)
}

/// Keeps the look in its hour and its day, and forgets what is too old.
pub(crate) fn record(conn: &Connection, tenant: i64, pool: &Pool) -> rusqlite::Result<()> {
    let sample = pool.sample();
    let second = sample.at.timestamp();
    for (span, length, kept) in [("hour", 3600, HOURS_KEPT), ("day", 86_400, DAYS_KEPT)] {
        let bucket = second.div_euclid(length) * length;
        // A clock that went back does not write an older look over a newer one.
        conn.prepare_cached(
            "INSERT INTO pool_samples (tenant, pool, span, bucket, at, used, capacity) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (tenant, pool, span, bucket) DO UPDATE SET at = excluded.at, used = excluded.used, capacity = excluded.capacity
             WHERE excluded.at >= at",
        )?
        .execute(params![
            tenant,
            pool.id,
            span,
            bucket,
            us(sample.at),
            i64::try_from(sample.used).unwrap_or(i64::MAX),
            i64::try_from(sample.capacity).unwrap_or(i64::MAX)
        ])?;
        conn.prepare_cached("DELETE FROM pool_samples WHERE tenant = ?1 AND pool = ?2 AND span = ?3 AND bucket < ?4")?.execute(params![
            tenant,
            pool.id,
            span,
            bucket - kept * 86_400
        ])?;
    }
    Ok(())
}

impl Store {
    /// By NetBox id, each with its history.
    pub async fn pools(&self) -> Result<Vec<Pool>, StoreError> {
        self.read(|conn, shared| Ok(all(conn, shared.tenant_key, &shared.pools)?)).await
    }

    /// What NetBox says now: pools that it does not name any more are forgotten; their history stays for the day that they come back.
    pub async fn pools_replace(&self, pools: Vec<Pool>) -> Result<(), StoreError> {
        self.write(move |tx, shared| {
            tx.execute("DELETE FROM pools WHERE tenant = ?1", [shared.tenant_key])?;
            for pool in &pools {
                tx.prepare_cached(
                    "INSERT INTO pools (tenant, id, prefix, vrf, status, description, delegated_len, used, seen_at, fits)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )?
                .execute(params![
                    shared.tenant_key,
                    pool.id,
                    pool.prefix.to_string(),
                    pool.vrf,
                    pool.status.word(),
                    pool.description.as_str(),
                    pool.delegated_len,
                    i64::try_from(pool.used).unwrap_or(i64::MAX),
                    us(pool.seen_at),
                    (!pool.fits.is_empty()).then(|| serde_json::to_string(&pool.fits).unwrap_or_default()),
                ])?;
                record(tx, shared.tenant_key, pool)?;
            }
            Ok(())
        })
        .await
    }

    /// The thresholds of the configuration; the first call counts.
    pub fn set_pool_thresholds(&self, thresholds: PoolThresholds) {
        self.inner.shared.pools.thresholds.set(thresholds).ok();
    }

    /// What the centre keeps, instead of what is kept here.
    pub fn set_pools_told(&self, told: HashMap<i64, PoolTold>) {
        let shared = &self.inner.shared;
        *shared.pools.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        shared.changed();
    }
}
