//! One range that differs: its rows are fetched again, and what the centre does not have is removed.

use crate::connect::CentreError;
use crate::pull::{Puller, TupleStream, copy_range, leading_id};
use noctule_domain::sync::{Increment, Replica, RowsBuilder, Table};
use std::collections::BTreeSet;
use uuid::Uuid;

const BATCH_ROWS: u32 = 1_000;

/// Gives how many rows were fetched and how many removed. `from` included, `to` not.
pub(super) async fn range(
    puller: &Puller,
    replica: &dyn Replica,
    table: Table,
    from: Option<Uuid>,
    to: Option<Uuid>,
) -> Result<(u64, u64), CentreError> {
    let mut ghosts: BTreeSet<Uuid> = replica.ids(table, from, to).await?.into_iter().collect();
    let mut stream = TupleStream::start(puller.line(), &copy_range(table, from, to), table.columns().len(), puller.stall()).await?;
    let mut rows = RowsBuilder::new(table, 0);
    let mut pieces = Vec::new();
    let mut fetched = 0;
    loop {
        let more = stream
            .next(|tuple| {
                ghosts.remove(&leading_id(tuple)?);
                rows.push_tuple(tuple);
                Ok(())
            })
            .await?;
        if rows.count() >= BATCH_ROWS || (!more && rows.count() > 0) {
            fetched += u64::from(rows.count());
            pieces.push(std::mem::replace(&mut rows, RowsBuilder::new(table, 0)).finish());
        }
        if !more {
            break;
        }
    }
    // A range is small by its making. Ghosts go first: one may hold a number or name that a row of the centre has now.
    let removed = ghosts.len() as u64;
    if removed > 0 {
        replica.apply(Increment { rows: Vec::new(), gone: vec![(table, ghosts.into_iter().collect())], position: None }).await?;
    }
    for piece in pieces {
        replica.apply(Increment { rows: vec![piece], gone: Vec::new(), position: None }).await?;
    }
    Ok((fetched, removed))
}
