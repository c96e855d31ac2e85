//! The whole copy: one read-only snapshot, table after table in the order of ids, into a file of its own beside the cache that is shown
//! meanwhile. Cut at any byte, it goes on after the last row that is durable, in a new snapshot; the changes since the first one, which the
//! increments bring afterwards, repair what moved in between.

use super::binary::{DamagedCopy, leading_id};
use super::puller::Progress;
use super::sql;
use super::stream::TupleStream;
use crate::connect::{CentreError, Line};
use noctule_domain::sync::{CopyPoint, LocalCopy, Phase, Position, Replica, Rows, RowsBuilder, TABLES, Table};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::mpsc;

/// One piece of work for the disk: large enough for few transactions of the store, small enough that a handful of them is little memory.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_ROWS: u32 = 5_000;
/// Pieces between the line and the disk.
const AHEAD: usize = 3;

enum Piece {
    Rows(Rows),
    Done(Table),
}

/// Makes or goes on with a copy. The line must be in a REPEATABLE READ transaction whose snapshot is `fresh`; it is ended here. `floor`: an
/// unfinished copy that began before it can not be continued.
pub(super) async fn whole(
    line: &Line,
    stall: Duration,
    replica: &dyn Replica,
    fresh: Position,
    floor: u64,
    progress: &Progress<'_>,
) -> Result<Position, CentreError> {
    let point = replica.copy_point(&fresh).await?.filter(|point| floor == 0 || point.began.cursor.xmin > floor);
    let point = point.unwrap_or_else(|| CopyPoint { began: fresh, done: Vec::new(), under_way: None, rows: 0 });
    let mut of = 0;
    for table in TABLES {
        of += estimate(line, stall, *table).await?;
    }
    let began = point.began.clone();
    let local = replica.copy(&began).await?;
    let (send, pieces) = mpsc::channel(AHEAD);
    let read = read(line, stall, point, of, progress, send);
    let ((), local) = tokio::try_join!(read, write(local, pieces))?;
    line.within(stall, "commit", line.client.batch_execute("COMMIT")).await?;
    progress(Phase::Indexing { percent: 0 });
    local.finish(&|percent| progress(Phase::Indexing { percent })).await?;
    Ok(began)
}

async fn read(
    line: &Line,
    stall: Duration,
    point: CopyPoint,
    of: u64,
    progress: &Progress<'_>,
    send: mpsc::Sender<Piece>,
) -> Result<(), CentreError> {
    // The other end is only dropped with an error of its own, which `try_join` then gives.
    let stopped = |_| CentreError::Local("the copy was stopped".into(), noctule_domain::Retry::Later);
    let mut rows = point.rows;
    for table in TABLES.iter().copied().filter(|table| !point.done.contains(table)) {
        let after = point.under_way.filter(|(under_way, _)| *under_way == table).map(|(_, id)| id);
        progress(Phase::Copying { table, rows, of: of.max(rows) });
        let mut stream = TupleStream::start(line, &sql::copy_table(table, after), table.columns().len(), stall).await?;
        let mut batch = RowsBuilder::new(table, BATCH_BYTES + (BATCH_BYTES >> 2));
        // Going on after a cut rests on the order of ids: it is checked, not believed.
        let mut last = after;
        let mut take = |batch: &mut RowsBuilder, tuple: &[u8]| -> Result<(), DamagedCopy> {
            let id = leading_id(tuple)?;
            if last.is_some_and(|last| id <= last) {
                return Err(DamagedCopy("ids do not ascend"));
            }
            last = Some(id);
            batch.push_tuple(tuple);
            Ok(())
        };
        while stream.next(|tuple| take(&mut batch, tuple)).await? {
            if batch.bytes() >= BATCH_BYTES || batch.count() >= BATCH_ROWS {
                rows += u64::from(batch.count());
                let full = std::mem::replace(&mut batch, RowsBuilder::new(table, BATCH_BYTES + (BATCH_BYTES >> 2)));
                send.send(Piece::Rows(full.finish())).await.map_err(stopped)?;
                progress(Phase::Copying { table, rows, of: of.max(rows) });
            }
        }
        rows += u64::from(batch.count());
        if batch.count() > 0 {
            send.send(Piece::Rows(batch.finish())).await.map_err(stopped)?;
        }
        send.send(Piece::Done(table)).await.map_err(stopped)?;
    }
    Ok(())
}

async fn write(mut local: Box<dyn LocalCopy>, mut pieces: mpsc::Receiver<Piece>) -> Result<Box<dyn LocalCopy>, CentreError> {
    while let Some(piece) = pieces.recv().await {
        match piece {
            Piece::Rows(rows) => local.rows(rows).await?,
            Piece::Done(table) => local.table_done(table).await?,
        }
    }
    Ok(local)
}

pub(crate) async fn estimate(line: &Line, limit: Duration, table: Table) -> Result<u64, CentreError> {
    let row = line.within(limit, "estimate", line.client.query_one(&sql::estimate(table), &[])).await?;
    let plan: Value = row.try_get(0).map_err(|error| CentreError::from_pg(&error))?;
    Ok(plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_u64).unwrap_or(0))
}
