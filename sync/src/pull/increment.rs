//! A large increment: many changes since the last read (a morning after a night offline, an import of somebody), streamed table after
//! table out of one snapshot and applied in small pieces, of which only the last holds the new position.

use super::binary::{DamagedCopy, leading_id};
use super::poll::bad;
use super::puller::Progress;
use super::sql;
use super::stream::TupleStream;
use crate::connect::{CentreError, Line};
use noctule_domain::Timestamp;
use noctule_domain::sync::{Cursor, Increment, Phase, Replica, RowsBuilder, Table};
use std::time::Duration;
use uuid::Uuid;

/// Small enough that readers of the cache and a second console never wait for long.
const BATCH_ROWS: usize = 1_000;
const BATCH_BYTES: usize = 1 << 20;
const ID: usize = 20;
const NONE: [u8; 4] = (-1i32).to_be_bytes();

/// Applies all that changed since `seen`, without the position. The line must be in a REPEATABLE READ transaction. Gives the number of rows
/// and the time of the newest change.
pub(crate) async fn changes_since(
    line: &Line,
    stall: Duration,
    replica: &dyn Replica,
    seen: &Cursor,
    progress: &Progress<'_>,
) -> Result<(u64, Option<Timestamp>), CentreError> {
    let counted = line.within(stall, "changes", line.client.query(&sql::count_changes(), &[&seen.to_string()])).await?;
    let (mut tables, mut newest) = (Vec::new(), None::<Timestamp>);
    for row in counted {
        tables.extend(Table::from_number(row.try_get(0).map_err(|error| bad(&error))?));
        newest = newest.max(row.try_get(2).map_err(|error| bad(&error))?);
    }
    tables.sort_by_key(|table| table.number());
    let mut rows = 0;
    for table in tables {
        rows = one_table(line, stall, replica, seen, table, rows, progress).await?;
    }
    Ok((rows, newest))
}

async fn one_table(
    line: &Line,
    stall: Duration,
    replica: &dyn Replica,
    seen: &Cursor,
    table: Table,
    mut rows: u64,
    progress: &Progress<'_>,
) -> Result<u64, CentreError> {
    let mut stream = TupleStream::start(line, &sql::copy_changes(table, seen), table.columns().len() + 1, stall).await?;
    let mut batch = RowsBuilder::new(table, 0);
    let mut gone: Vec<Uuid> = Vec::new();
    loop {
        let more = stream
            .next(|tuple| {
                let id = leading_id(tuple)?;
                let row = &tuple[ID..];
                if row.get(..4) == Some(NONE.as_slice()) {
                    gone.push(id);
                } else if leading_id(row)? == id {
                    batch.push_tuple(row);
                } else {
                    return Err(DamagedCopy("a change comes with another row"));
                }
                Ok(())
            })
            .await?;
        let count = batch.count() as usize + gone.len();
        if count >= BATCH_ROWS || batch.bytes() >= BATCH_BYTES || (!more && count > 0) {
            rows += count as u64;
            let full = std::mem::replace(&mut batch, RowsBuilder::new(table, 0)).finish();
            let increment = Increment {
                rows: if full.is_empty() { Vec::new() } else { vec![full] },
                gone: if gone.is_empty() { Vec::new() } else { vec![(table, std::mem::take(&mut gone))] },
                position: None,
            };
            replica.apply(increment).await?;
            progress(Phase::CatchingUp { rows });
        }
        if !more {
            return Ok(rows);
        }
    }
}
