//! Rows of jobs and items, and the types that they are.

use super::open::Shared;
use crate::codec::{Take, bytes};
use crate::error::StoreError;
use noctule_domain::job::{ItemRow, JobHead, JobView, Outcome, Slot, Tally};
use noctule_domain::{JobId, OperationId, SafeText, SubscriberId};
use rusqlite::{Connection, OptionalExtension, Row, params};

const HEAD: &str = "key, id, course, terms, actor, source, retry_of, nases, made_at, started_at, ended_at, state, wish, why, forgiven";

/// A job as it is stored, with the number by which its items name it.
pub(super) struct Stored {
    pub(super) key: i64,
    pub(super) head: JobHead,
}

fn head(take: &mut Take<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        key: take.get()?,
        head: JobHead {
            id: JobId(take.uuid()?),
            course: take.json()?,
            terms: take.json()?,
            actor: take.json()?,
            source: take.text()?,
            retry_of: take.opt_uuid()?.map(JobId),
            nases: take.json()?,
            made_at: take.time()?,
            started_at: take.opt_time()?,
            ended_at: take.opt_time()?,
            state: take.parsed()?,
            wish: take.parsed()?,
            why: take.opt_text()?,
            forgiven: take.get()?,
        },
    })
}

fn view(row: &Row<'_>) -> rusqlite::Result<JobView> {
    let mut take = Take::new(row);
    let head = head(&mut take)?.head;
    Ok(JobView { head, tally: take.json()?, per_s: take.get()?, eta_s: take.get()? })
}

pub(super) fn load(conn: &Connection, shared: &Shared, id: JobId) -> rusqlite::Result<Option<Stored>> {
    conn.prepare_cached(&format!("SELECT {HEAD} FROM jobs WHERE id = ?1 AND tenant = ?2 AND login = ?3"))?
        .query_row(params![bytes(id.0), bytes(shared.tenant.0), shared.login], |row| head(&mut Take::new(row)))
        .optional()
}

pub(super) fn one(conn: &Connection, shared: &Shared, id: JobId) -> rusqlite::Result<Option<JobView>> {
    conn.prepare_cached(&format!(
        "SELECT {HEAD}, tally, per_s, eta_s FROM jobs WHERE id = ?1 AND tenant = ?2 AND login = ?3 AND ready = 1"
    ))?
    .query_row(params![bytes(id.0), bytes(shared.tenant.0), shared.login], view)
    .optional()
}

/// Jobs of this tenant and login, newest first.
pub(super) fn list(conn: &Connection, shared: &Shared, limit: u32) -> Result<Vec<JobView>, StoreError> {
    let sql = format!(
        "SELECT {HEAD}, tally, per_s, eta_s FROM jobs WHERE tenant = ?1 AND login = ?2 AND ready = 1 ORDER BY made_at DESC, key DESC LIMIT ?3"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params![bytes(shared.tenant.0), shared.login, limit], view)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Those that a runner has something to do for.
pub(super) fn unfinished(conn: &Connection, shared: &Shared) -> Result<Vec<JobHead>, StoreError> {
    let sql = format!(
        "SELECT {HEAD} FROM jobs WHERE tenant = ?1 AND login = ?2 AND ready = 1 AND wish <> 'preview'
            AND state NOT IN ('cancelled', 'done') ORDER BY made_at, key"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params![bytes(shared.tenant.0), shared.login], |row| head(&mut Take::new(row)))?;
    Ok(rows.map(|stored| stored.map(|stored| stored.head)).collect::<Result<_, _>>()?)
}

pub(super) fn slots(conn: &Connection, key: i64) -> Result<Vec<Slot>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, subscriber, seen_version, nas, canary, state, stage, did, bad, operation, since, outcome, ended_no
         FROM items WHERE job = ?1 ORDER BY seq",
    )?;
    let rows = statement.query_map([key], |row| {
        let mut take = Take::new(row);
        Ok(Slot {
            seq: take.get()?,
            subscriber: SubscriberId(take.uuid()?),
            seen_version: take.get()?,
            nas: take.get()?,
            canary: take.get()?,
            state: take.parsed()?,
            stage: take.get()?,
            did: take.get()?,
            bad: take.opt_parsed()?,
            operation: take.opt_uuid()?.map(OperationId),
            since: take.opt_time()?,
            outcome: take.opt_parsed()?,
            ended_no: take.get()?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn item(row: &Row<'_>, nases: &[SafeText]) -> rusqlite::Result<ItemRow> {
    let mut take = Take::new(row);
    Ok(ItemRow {
        seq: take.get()?,
        subscriber: SubscriberId(take.uuid()?),
        subscriber_number: take.text()?,
        name: take.text()?,
        nas: nases.get(take.get::<u16>()? as usize).cloned().unwrap_or_default(),
        canary: take.get()?,
        state: take.parsed()?,
        stage: take.get()?,
        outcome: take.opt_parsed()?,
        note: take.opt_text()?,
        operation: take.opt_uuid()?.map(OperationId),
        ended_at: take.opt_time()?,
    })
}

/// Counts the items anew.
pub(super) fn tally(conn: &Connection, key: i64) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    let mut statement = conn.prepare_cached("SELECT coalesce(outcome, state), count(*) FROM items WHERE job = ?1 GROUP BY 1")?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        let (word, n): (String, u32) = (row.get(0)?, row.get(1)?);
        match Outcome::from_word(&word) {
            Some(outcome) => *tally.of_mut(outcome) = n,
            None if word == "running" => tally.running = n,
            None => tally.waiting = n,
        }
    }
    Ok(tally)
}
