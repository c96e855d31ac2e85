//! Increments: what changed in the centre, read, compared and written in small transactions. Applied again after a crash it does no harm.

use super::rows::{Trouble, delete};
use super::side::CacheDesk;
use super::{bad_row, cache, failed};
use noctule_domain::sync::{Increment, ReplicaError};

/// Rows in one transaction: readers and other writers never wait long.
const BATCH: u32 = 1000;

pub(super) fn apply(desk: &mut CacheDesk, increment: &Increment) -> Result<(), ReplicaError> {
    let done = write(desk, increment);
    match done {
        Ok(()) => {
            desk.side.changed();
            if increment.position.is_some() {
                desk.side.settle();
            }
            Ok(())
        }
        Err(trouble) => {
            desk.forget();
            Err(match trouble {
                Trouble::Store(error) => failed(&error),
                Trouble::Bad(bad) => bad_row(&bad),
            })
        }
    }
}

fn write(desk: &mut CacheDesk, increment: &Increment) -> Result<(), Trouble> {
    let (conn, writer) = desk.current()?;
    let mut waiting = 0;
    // Dropped with the connection where it fails: then the last small transaction is undone, the ones before it stand.
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let step = |waiting: &mut u32| -> rusqlite::Result<()> {
        *waiting += 1;
        if *waiting >= BATCH {
            *waiting = 0;
            conn.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
        Ok(())
    };
    for (table, ids) in &increment.gone {
        for id in ids {
            delete(conn, *table, *id)?;
            step(&mut waiting)?;
        }
    }
    for rows in &increment.rows {
        let mut trouble = None;
        let read = rows.read(|row| {
            if trouble.is_none() {
                match writer.upsert(conn, row).and_then(|_| Ok(step(&mut waiting)?)) {
                    Err(Trouble::Bad(bad)) => return Err(bad),
                    Err(other) => trouble = Some(other),
                    Ok(()) => {}
                }
            }
            Ok(())
        });
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        read?;
    }
    if let Some(position) = &increment.position {
        cache::set_position(conn, position)?;
    }
    conn.execute_batch("COMMIT")?;
    writer.report();
    Ok(())
}
