//! The audit log: appended to in the transaction of what it speaks of, chained by hash, proved by reading it through.

use crate::error::StoreError;
use crate::store::{Shared, Store};
use noctule_domain::audit::{AuditEntry, AuditRecord, AuditVerdict, Chain, NOTHING, digest};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
struct Body {
    seq: i64,
    entry: AuditEntry,
}

/// JSON with the keys of every object sorted and nothing between: the same bytes for the same value, whatever wrote it.
fn canonical(value: &Value, out: &mut Vec<u8>) -> serde_json::Result<()> {
    match value {
        Value::Object(map) => {
            let mut members: Vec<(&String, &Value)> = map.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            out.push(b'{');
            for (i, (key, item)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, key)?;
                out.push(b':');
                canonical(item, out)?;
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                canonical(item, out)?;
            }
            out.push(b']');
        }
        plain => serde_json::to_writer(&mut *out, plain)?,
    }
    Ok(())
}

fn head(conn: &Connection, tenant: i64) -> rusqlite::Result<(i64, String)> {
    let found = conn
        .prepare_cached("SELECT seq, hash FROM audit_heads WHERE tenant = ?1")?
        .query_row([tenant], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.unwrap_or((0, NOTHING.to_owned())))
}

fn text_of(body: &Body) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut text = Vec::with_capacity(2048);
    canonical(&serde_json::to_value(body)?, &mut text)?;
    Ok(String::from_utf8(text)?)
}

/// Appends, inside the caller's transaction. The entry's tenant is that of the store, whatever it says.
pub(crate) fn append(tx: &Transaction<'_>, shared: &Shared, mut entry: AuditEntry) -> rusqlite::Result<AuditRecord> {
    let (last, previous) = head(tx, shared.tenant_key)?;
    entry.tenant = shared.tenant;
    entry.at = crate::codec::cut(entry.at);
    let body = Body { seq: last + 1, entry };
    let text = text_of(&body).map_err(rusqlite::Error::ToSqlConversionFailure)?;
    let hash = digest(&previous, &text);
    tx.prepare_cached("INSERT INTO audit (tenant, seq, body, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        shared.tenant_key,
        body.seq,
        text,
        previous,
        hash
    ])?;
    tx.prepare_cached(
        "INSERT INTO audit_heads (tenant, seq, hash) VALUES (?1, ?2, ?3) ON CONFLICT (tenant) DO UPDATE SET seq = ?2, hash = ?3",
    )?
    .execute(params![shared.tenant_key, body.seq, hash])?;
    Ok(AuditRecord { seq: body.seq, entry: body.entry, previous, hash })
}

impl Store {
    /// Appends a record of something that was done outside the store.
    pub async fn audit_append(&self, entry: AuditEntry) -> Result<AuditRecord, StoreError> {
        self.write(move |tx, shared| Ok(append(tx, shared, entry)?)).await
    }

    /// Records after `after_seq`, oldest first, at most `limit` (and 10,000).
    pub async fn audit_page(&self, after_seq: i64, limit: u32) -> Result<Vec<AuditRecord>, StoreError> {
        self.read(move |conn, shared| {
            let mut statement =
                conn.prepare_cached("SELECT seq, body, previous, hash FROM audit WHERE tenant = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")?;
            let rows = statement.query_map(params![shared.tenant_key, after_seq, limit.min(10_000)], |row| {
                let mut take = crate::codec::Take::new(row);
                let seq = take.get()?;
                let body: Body = take.json()?;
                Ok(AuditRecord { seq, entry: body.entry, previous: take.get()?, hash: take.get()? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Reads the whole chain, one record at a time, and says whether anything was changed, taken out, moved or cut off.
    pub async fn audit_verify(&self) -> Result<AuditVerdict, StoreError> {
        self.read(|conn, shared| Ok(verify(conn, shared.tenant_key)?)).await
    }
}

fn verify(conn: &Connection, tenant: i64) -> rusqlite::Result<AuditVerdict> {
    let (head_seq, head_hash) = head(conn, tenant)?;
    let mut statement = conn.prepare("SELECT seq, body, previous, hash FROM audit WHERE tenant = ?1 ORDER BY seq")?;
    let mut rows = statement.query([tenant])?;
    let mut chain = Chain::default();
    while let Some(row) = rows.next()? {
        let (body, previous, hash): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        if let Err(broken) = chain.take(row.get(0)?, &body, &previous, &hash) {
            return Ok(broken);
        }
    }
    Ok(chain.end(head_seq, &head_hash))
}
