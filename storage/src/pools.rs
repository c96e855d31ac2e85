//! Pools, as NetBox told of them last.

use crate::codec::{Take, us};
use crate::error::StoreError;
use crate::store::Store;
use noctule_domain::ipam::Pool;
use rusqlite::{Connection, Row, params};

pub(crate) fn all(conn: &Connection, tenant: i64) -> rusqlite::Result<Vec<Pool>> {
    conn.prepare_cached(
        "SELECT id, prefix, vrf, status, description, delegated_len, used, seen_at FROM pools WHERE tenant = ?1 ORDER BY id LIMIT 10000",
    )?
    .query_map([tenant], whole)?
    .collect()
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
    })
}

/// Reads the row (by the centre's id) as the screens do.
pub(crate) fn probe(conn: &Connection, id: [u8; 16]) -> rusqlite::Result<Option<()>> {
    let sql = "SELECT id, prefix, vrf, status, description, delegated_len, used, seen_at FROM pools WHERE tenant = ?1 AND uid = ?2";
    crate::replica::probe(conn, sql, id, whole)
}

impl Store {
    /// By NetBox id.
    pub async fn pools(&self) -> Result<Vec<Pool>, StoreError> {
        self.read(|conn, shared| Ok(all(conn, shared.tenant_key)?)).await
    }

    /// What NetBox says now: pools that it does not name any more are forgotten.
    pub async fn pools_replace(&self, pools: Vec<Pool>) -> Result<(), StoreError> {
        self.write(move |tx, shared| {
            tx.execute("DELETE FROM pools WHERE tenant = ?1", [shared.tenant_key])?;
            for pool in &pools {
                tx.prepare_cached(
                    "INSERT INTO pools (tenant, id, prefix, vrf, status, description, delegated_len, used, seen_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
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
                ])?;
            }
            Ok(())
        })
        .await
    }
}
