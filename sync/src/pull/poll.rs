//! The answer to a poll, taken apart: where we stand, and what changed.

use super::binary::DamagedCopy;
use crate::connect::CentreError;
use noctule_domain::Timestamp;
use noctule_domain::sync::{Cursor, Increment, Rows, RowsBuilder, TABLES, Table};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

/// The first columns of every poll.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub cursor: Cursor,
    pub now: Timestamp,
    pub standby: bool,
    pub member: bool,
    /// `None` for owners of the schema, who are no members.
    pub epoch: Option<i64>,
    /// How far the log was written after the snapshot was taken, and how far it was safe on the disk.
    pub written: i64,
    pub safe: i64,
}

pub(crate) fn bad(error: &tokio_postgres::Error) -> CentreError {
    CentreError::Sql(format!("an answer of the centre can not be read: {error}").into())
}

impl Standing {
    pub(super) fn of(row: &Row) -> Result<Self, CentreError> {
        let text: &str = row.try_get(0).map_err(|error| bad(&error))?;
        let standby: bool = row.try_get(2).map_err(|error| bad(&error))?;
        Ok(Self {
            cursor: cursor_of(text, standby)?,
            now: row.try_get(1).map_err(|error| bad(&error))?,
            standby,
            member: row.try_get(3).map_err(|error| bad(&error))?,
            epoch: row.try_get(4).map_err(|error| bad(&error))?,
            written: row.try_get(5).map_err(|error| bad(&error))?,
            safe: row.try_get(6).map_err(|error| bad(&error))?,
        })
    }
}

/// What may be kept of a snapshot.
pub(super) fn cursor_of(text: &str, standby: bool) -> Result<Cursor, CentreError> {
    let cursor: Cursor = text.parse().map_err(|error| CentreError::Sql(format!("{error}: {text}").into()))?;
    Ok(if standby { cursor.certain() } else { cursor })
}

/// Bytes as the server sent them, whatever their type.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(raw))
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The changes of a small poll, and the time of the newest.
pub(super) fn changes(answer: &[Row]) -> Result<(Increment, Option<Timestamp>, u64), CentreError> {
    let mut rows: Vec<Option<RowsBuilder>> = TABLES.iter().map(|_| None).collect();
    let mut gone: Vec<Vec<Uuid>> = TABLES.iter().map(|_| Vec::new()).collect();
    let (mut newest, mut count) = (None, 0);
    for row in answer {
        let Some(number) = row.try_get::<_, Option<i16>>(7).map_err(|error| bad(&error))? else { continue };
        // A table that this program does not know yet is none of its business: its schema has not changed, so it came with a later migration.
        let Some(at) = TABLES.iter().position(|table| table.number() == number) else { continue };
        let id: Uuid = row.try_get(8).map_err(|error| bad(&error))?;
        let changed: Timestamp = row.try_get(9).map_err(|error| bad(&error))?;
        newest = newest.max(Some(changed));
        count += 1;
        match row.try_get::<_, Option<Raw<'_>>>(10).map_err(|error| bad(&error))? {
            None => gone[at].push(id),
            Some(Raw(record)) => {
                let builder = rows[at].get_or_insert_with(|| RowsBuilder::new(TABLES[at], record.len()));
                push_record(builder, TABLES[at], record).map_err(|error| CentreError::Sql(error.to_string().into()))?;
            }
        }
    }
    let rows: Vec<Rows> = rows.into_iter().flatten().map(RowsBuilder::finish).collect();
    let gone = TABLES.iter().copied().zip(gone).filter(|(_, ids)| !ids.is_empty()).collect();
    Ok((Increment { rows, gone, position: None }, newest, count))
}

/// The binary form of a record: count of columns, then for each its type, length and bytes.
fn push_record(builder: &mut RowsBuilder, table: Table, record: &[u8]) -> Result<(), DamagedCopy> {
    const SHORT: DamagedCopy = DamagedCopy("a record ends too early");
    let columns = table.columns();
    let (count, mut rest) = record.split_first_chunk::<4>().ok_or(SHORT)?;
    if u32::from_be_bytes(*count) as usize != columns.len() {
        return Err(DamagedCopy("a record has another number of columns"));
    }
    for column in columns {
        let (oid, after) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
        let (length, after) = after.split_first_chunk::<4>().ok_or(SHORT)?;
        if u32::from_be_bytes(*oid) != column.kind.oid() {
            return Err(DamagedCopy("a record has a column of another type"));
        }
        match usize::try_from(i32::from_be_bytes(*length)) {
            Err(_) => {
                builder.push_value(None);
                rest = after;
            }
            Ok(length) => {
                let (bytes, after) = after.split_at_checked(length).ok_or(SHORT)?;
                builder.push_value(Some(bytes));
                rest = after;
            }
        }
    }
    if !rest.is_empty() {
        return Err(DamagedCopy("a record is too long"));
    }
    builder.end_row();
    Ok(())
}
