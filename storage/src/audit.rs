//! The audit log: appended to in the transaction of what it speaks of, chained by hash, proved by reading it through.

use crate::canonical;
use crate::error::StoreError;
use crate::store::{Shared, Store};
use noctule_domain::audit::{AuditEntry, AuditRecord, AuditVerdict, Chain, NOTHING, digest};
use noctule_domain::{OperationId, SafeText, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

/// What is read again of a record's text; its number stands in a column too.
#[derive(Deserialize)]
struct Body {
    entry: AuditEntry,
}

/// What happened, as borrowed pieces: the fields of an [`AuditEntry`].
#[derive(Serialize)]
pub(crate) struct Line<'a, R, N> {
    pub(crate) tenant: TenantId,
    pub(crate) at: Timestamp,
    pub(crate) actor: &'a SafeText,
    pub(crate) origin: &'a SafeText,
    pub(crate) action: String,
    pub(crate) target: SafeText,
    pub(crate) operation: Option<OperationId>,
    pub(crate) reason: Option<&'a SafeText>,
    pub(crate) before: &'a R,
    pub(crate) after: &'a R,
    pub(crate) answers: N,
}

fn head(conn: &Connection, tenant: i64) -> rusqlite::Result<(i64, String)> {
    let found = conn
        .prepare_cached("SELECT seq, hash FROM audit_heads WHERE tenant = ?1")?
        .query_row([tenant], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.unwrap_or((0, NOTHING.to_owned())))
}

/// The canonical JSON of number and entry.
fn text_of(seq: i64, entry: &impl Serialize) -> rusqlite::Result<String> {
    #[derive(Serialize)]
    struct Body<'a, E> {
        seq: i64,
        entry: &'a E,
    }
    let mut text = Vec::with_capacity(2048);
    canonical::write(&mut text, &Body { seq, entry }).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    String::from_utf8(text).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Appends, inside the caller's transaction. The entry's tenant is that of the store, whatever it says.
pub(crate) fn append(tx: &Transaction<'_>, shared: &Shared, mut entry: AuditEntry) -> rusqlite::Result<AuditRecord> {
    entry.tenant = shared.tenant;
    entry.at = crate::codec::cut(entry.at);
    let (seq, previous, hash) = put(tx, shared, &entry)?;
    Ok(AuditRecord { seq, entry, previous, hash })
}

/// The same for what is not asked for again: of an operation, which is told of twice.
pub(crate) fn append_line<R: Serialize, N: Serialize>(
    tx: &Transaction<'_>,
    shared: &Shared,
    line: &Line<'_, R, N>,
) -> rusqlite::Result<()> {
    put(tx, shared, line).map(drop)
}

fn put(tx: &Transaction<'_>, shared: &Shared, entry: &impl Serialize) -> rusqlite::Result<(i64, String, String)> {
    let (last, previous) = head(tx, shared.tenant_key)?;
    let seq = last + 1;
    let text = text_of(seq, entry)?;
    let hash = digest(&previous, &text);
    tx.prepare_cached("INSERT INTO audit (tenant, seq, body, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        shared.tenant_key,
        seq,
        text,
        previous,
        hash
    ])?;
    tx.prepare_cached(
        "INSERT INTO audit_heads (tenant, seq, hash) VALUES (?1, ?2, ?3) ON CONFLICT (tenant) DO UPDATE SET seq = ?2, hash = ?3",
    )?
    .execute(params![shared.tenant_key, seq, hash])?;
    Ok((seq, previous, hash))
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_line_is_written_like_the_entry_that_is_read_from_it() {
        let at = chrono::DateTime::from_timestamp_micros(1_764_489_600_123_456).unwrap();
        let (actor, origin, reason): (SafeText, SafeText, SafeText) = ("ada \"the first\"".into(), "tests".into(), "unpaid".into());
        let before = json!({ "z": 1, "a": [{ "c": null, "b": "x" }] });
        let line = Line {
            tenant: TenantId::from_uuid(uuid::Uuid::from_u128(7)),
            at,
            actor: &actor,
            origin: &origin,
            action: "ipv6-suspend".to_owned(),
            target: "subscriber 1".into(),
            operation: Some(OperationId::from_uuid(uuid::Uuid::from_u128(9))),
            reason: Some(&reason),
            before: &before,
            after: &Value::Null,
            answers: json!([]),
        };
        let text = text_of(41, &line).unwrap();
        let read: Body = serde_json::from_str(&text).unwrap();
        assert_eq!((&read.entry.before, read.entry.at), (&before, at));
        assert_eq!(text_of(41, &read.entry).unwrap(), text, "every field of an entry is one of a line, under the same name");
    }
}
