//! What both sides compare: sums over ranges of ids, ids of a range, counts. Rows are packed again as they came; what the tables could not
//! hold is taken as it was kept.

use super::Side;
use super::cache::TENANT_KEY;
use super::wire::{id_column, names, pack};
use crate::codec::{Take, bytes};
use crate::error::StoreError;
use noctule_domain::SafeText;
use noctule_domain::sync::{Checksum, RowsBuilder, TABLES, Table, row_sum};
use rusqlite::{Connection, params};
use std::collections::HashMap;
use uuid::Uuid;

/// Rows that are packed at once.
const BATCH: u32 = 500;

fn odd_tuples(conn: &Connection, table: Table) -> rusqlite::Result<HashMap<Uuid, Vec<u8>>> {
    conn.prepare("SELECT id, tuple FROM odd_rows WHERE tab = ?1")?
        .query_map([table.number()], |row| Ok((Uuid::from_bytes(row.get(0)?), row.get(1)?)))?
        .collect()
}

fn lines(error: noctule_domain::sync::BadRow) -> StoreError {
    StoreError::Damaged { detail: SafeText::new(&error.to_string()) }
}

/// Sums below the first bound, between two, from the last on. Seconds for a million rows: not for a reader's thread.
pub(super) fn sums(side: &Side, table: Table, bounds: &[Uuid]) -> Result<Vec<Checksum>, StoreError> {
    let (_, conn) = side.reader()?;
    let snapshot = conn.unchecked_transaction()?;
    let mut sums = vec![Checksum::default(); bounds.len() + 1];
    let odd = odd_tuples(&conn, table)?;
    let mut add = |id: Uuid, sum: u64| {
        if let Some(range) = sums.get_mut(bounds.partition_point(|bound| *bound <= id)) {
            range.add(sum);
        }
    };
    let sql = format!("SELECT {} FROM {} WHERE tenant = {TENANT_KEY} ORDER BY {}", names(table), table.word(), id_column(table));
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut scratch = Vec::with_capacity(256);
    let mut builder = RowsBuilder::new(table, 128 * 1024);
    let mut flush = |builder: RowsBuilder| -> Result<(), StoreError> {
        builder
            .finish()
            .read(|row| {
                let id = row.id()?;
                if !odd.contains_key(&id) {
                    add(id, row_sum(row));
                }
                Ok(())
            })
            .map_err(lines)
    };
    while let Some(row) = rows.next()? {
        pack(row, table, &mut builder, &mut scratch)?;
        if builder.count() == BATCH {
            flush(std::mem::replace(&mut builder, RowsBuilder::new(table, 128 * 1024)))?;
        }
    }
    flush(builder)?;
    for tuple in odd.values() {
        let mut builder = RowsBuilder::new(table, tuple.len());
        builder.push_tuple(tuple);
        builder
            .finish()
            .read(|row| {
                add(row.id()?, row_sum(row));
                Ok(())
            })
            .map_err(lines)?;
    }
    drop(rows);
    drop(statement);
    snapshot.finish()?;
    Ok(sums)
}

/// Ids in `from..to`, ascending.
pub(super) fn ids(side: &Side, table: Table, from: Option<Uuid>, to: Option<Uuid>) -> Result<Vec<Uuid>, StoreError> {
    let (_, conn) = side.reader()?;
    let (id, name) = (id_column(table), table.word());
    let below = if to.is_some() { format!("AND {id} < ?2") } else { "AND ?2 IS NULL".to_owned() };
    let below_odd = if to.is_some() { "AND id < ?2" } else { "AND ?2 IS NULL" };
    let sql = format!(
        "SELECT {id} FROM {name} WHERE tenant = {TENANT_KEY} AND {id} >= ?1 {below}
         UNION SELECT id FROM odd_rows WHERE tab = {} AND id >= ?1 {below_odd} ORDER BY 1",
        table.number()
    );
    let from = from.map_or([0u8; 16], bytes);
    let mut statement = conn.prepare(&sql)?;
    let rows = statement.query_map(params![from, to.map(bytes)], |row| Take::new(row).uuid())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Rows of each table, those that can not be shown included.
pub(crate) fn counts(conn: &Connection, tenant: i64) -> rusqlite::Result<Vec<(Table, u64)>> {
    TABLES
        .iter()
        .map(|table| {
            let sql = match table {
                // Counted by triggers: a million rows are not.
                Table::Subscribers => "SELECT coalesce(sum(n), 0) FROM counters WHERE tenant = ?1".to_owned(),
                other => format!("SELECT count(*) FROM {} WHERE tenant = ?1", other.word()),
            };
            let shown: i64 = conn.prepare_cached(&sql)?.query_row([tenant], |row| row.get(0))?;
            let hidden: i64 = conn
                .prepare_cached("SELECT count(*) FROM odd_rows WHERE tab = ?1 AND why IS NOT NULL")?
                .query_row([table.number()], |row| row.get(0))?;
            Ok((*table, (shown + hidden).max(0) as u64))
        })
        .collect()
}

/// Rows that came and can not be shown, with the reason.
pub(crate) fn misfits(conn: &Connection, limit: u32) -> rusqlite::Result<Vec<(Table, Uuid, SafeText)>> {
    let found: Vec<(i16, Uuid, SafeText)> = conn
        .prepare_cached("SELECT tab, id, why FROM odd_rows WHERE why IS NOT NULL ORDER BY tab, id LIMIT ?1")?
        .query_map([limit], |row| {
            let mut take = Take::new(row);
            Ok((take.get()?, take.uuid()?, take.text()?))
        })?
        .collect::<Result<_, _>>()?;
    Ok(found.into_iter().filter_map(|(tab, id, why)| Some((Table::from_number(tab)?, id, why))).collect())
}
