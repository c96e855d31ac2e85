//! The port itself: jobs made, looked at, asked for things, and gone on with.

use super::open::{Jobs, Shared};
use super::rows;
use crate::codec::{Take, bytes, json, opt_us, us};
use crate::error::StoreError;
use async_trait::async_trait;
use noctule_domain::job::{
    Change, ItemFilter, ItemGroup, ItemRow, JobError, JobHead, JobJournal, JobState, JobView, NewItem, NewJob, Outcome, Proofs, Slot,
    StateChange, Wish, choose_canaries,
};
use noctule_domain::lifecycle::Enforcement;
use noctule_domain::{JobId, Retry, SafeText, SubscriberId, Timestamp, sentence};
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::HashMap;

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { id, .. } => Self::NotFound(id),
            StoreError::Refused(why) => Self::Refused(why),
            other => Self::Store { message: other.sentence(), retry: other.retry() },
        }
    }
}

fn gone(id: JobId) -> StoreError {
    StoreError::NotFound { what: "job", id: SafeText::new(&id.to_string()) }
}

/// The number of a job whose set is still being made.
fn open_set(tx: &Transaction<'_>, id: JobId) -> Result<i64, StoreError> {
    let found =
        tx.prepare_cached("SELECT key, ready FROM jobs WHERE id = ?1")?.query_row([bytes(id.0)], |row| Ok((row.get(0)?, row.get(1)?)));
    match found.optional()? {
        Some((key, false)) => Ok(key),
        Some((_, true)) => Err(StoreError::Refused("the set of this job is fixed already".into())),
        None => Err(gone(id)),
    }
}

fn add(tx: &Transaction<'_>, id: JobId, items: &[NewItem]) -> Result<(), StoreError> {
    let key = open_set(tx, id)?;
    let nases: String = tx.query_row("SELECT nases FROM jobs WHERE key = ?1", [key], |row| row.get(0))?;
    let mut nases: Vec<String> = serde_json::from_str(&nases).map_err(|e| StoreError::Refused(SafeText::new(&e.to_string())))?;
    let known = nases.len();
    let mut places: HashMap<String, usize> = nases.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
    let mut seq: u32 = tx.query_row("SELECT coalesce(max(seq) + 1, 0) FROM items WHERE job = ?1", [key], |row| row.get(0))?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO items (job, seq, subscriber, number, name, nas, seen_version, state, stage, outcome, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (job, subscriber) DO NOTHING",
    )?;
    for item in items {
        let nas = *places.entry(item.nas.as_str().to_owned()).or_insert_with(|| {
            nases.push(item.nas.as_str().to_owned());
            nases.len() - 1
        });
        let (state, stage, outcome, note) = match &item.entry {
            Ok(stage) => ("waiting", *stage, None, None),
            Err(why) => ("ended", 0, Some(Outcome::LeftOut.word()), Some(why.as_str())),
        };
        // More NASes than that are one as far as the pace goes.
        let nas = nas.min(usize::from(u16::MAX));
        seq += insert.execute(params![
            key,
            seq,
            bytes(item.subscriber.0),
            item.subscriber_number.as_str(),
            item.name.as_str(),
            nas as u32,
            item.seen_version,
            state,
            stage,
            outcome,
            note,
        ])? as u32;
    }
    if nases.len() > known {
        tx.execute("UPDATE jobs SET nases = ?2 WHERE key = ?1", params![key, json(&nases)?])?;
    }
    Ok(())
}

fn ready(tx: &Transaction<'_>, shared: &Shared, id: JobId) -> Result<JobView, StoreError> {
    let key = open_set(tx, id)?;
    let stored = rows::load(tx, shared, id)?.ok_or_else(|| gone(id))?;
    let mut places: Vec<(u32, u16)> = Vec::new();
    {
        let mut statement = tx.prepare_cached("SELECT seq, nas FROM items WHERE job = ?1 AND state = 'waiting' ORDER BY seq")?;
        let mut found = statement.query([key])?;
        while let Some(row) = found.next()? {
            places.push((row.get(0)?, row.get(1)?));
        }
    }
    let wanted = stored.head.terms.canaries(places.len() as u32);
    let mut mark = tx.prepare_cached("UPDATE items SET canary = 1 WHERE job = ?1 AND seq = ?2")?;
    for seq in choose_canaries(&places, wanted) {
        mark.execute(params![key, seq])?;
    }
    let tally = rows::tally(tx, key)?;
    tx.execute("UPDATE jobs SET ready = 1, tally = ?2 WHERE key = ?1", params![key, json(&tally)?])?;
    rows::one(tx, shared, id)?.ok_or_else(|| gone(id))
}

fn wish(tx: &Transaction<'_>, shared: &Shared, id: JobId, wish: Wish) -> Result<JobView, StoreError> {
    let stored = rows::load(tx, shared, id)?.ok_or_else(|| gone(id))?;
    if let Some(why) = sentence::job_wish_refused(stored.head.state, wish) {
        return Err(StoreError::Refused(why.into()));
    }
    tx.execute("UPDATE jobs SET wish = ?2 WHERE key = ?1", params![stored.key, wish.word()])?;
    rows::one(tx, shared, id)?.ok_or_else(|| gone(id))
}

fn record(tx: &Transaction<'_>, shared: &Shared, id: JobId, changes: &[Change], state: &StateChange) -> Result<(), StoreError> {
    let stored = rows::load(tx, shared, id)?.ok_or_else(|| gone(id))?;
    let mut update = tx.prepare_cached(
        "UPDATE items SET state = ?3, stage = ?4, did = ?5, bad = ?6, operation = coalesce(?7, operation), since = ?8, outcome = ?9,
            ended_no = ?10, note = coalesce(?11, note), ended_at = ?12
         WHERE job = ?1 AND seq = ?2",
    )?;
    for Change { slot, note, at } in changes {
        update.execute(params![
            stored.key,
            slot.seq,
            slot.state.word(),
            slot.stage,
            slot.did,
            slot.bad.map(Outcome::word),
            slot.operation.map(|id| bytes(id.0)),
            opt_us(slot.since),
            slot.outcome.map(Outcome::word),
            slot.ended_no,
            note.as_ref().map(SafeText::as_str),
            slot.outcome.map(|_| us(*at)),
        ])?;
    }
    let over = state.state.is_over();
    tx.prepare_cached(
        "UPDATE jobs SET state = ?2, why = ?3, forgiven = ?4, tally = ?5, per_s = ?6, eta_s = ?7,
            started_at = CASE WHEN ?2 = 'previewed' THEN started_at ELSE coalesce(started_at, ?8) END,
            ended_at = CASE WHEN ?9 THEN coalesce(ended_at, ?8) END
         WHERE key = ?1",
    )?
    .execute(params![
        stored.key,
        state.state.word(),
        state.why.as_ref().map(SafeText::as_str),
        state.forgiven,
        json(&state.tally)?,
        state.per_s,
        state.eta_s,
        us(state.at),
        over,
    ])?;
    // The stop of a threshold is not what the operator asked for last: going on has to be asked for anew.
    if state.state == JobState::Stopped && stored.head.state != JobState::Stopped {
        tx.execute("UPDATE jobs SET wish = 'pause' WHERE key = ?1 AND wish = 'go'", [stored.key])?;
    }
    Ok(())
}

/// A job that goes, by the file, while nothing can be written there: it stands, and says why.
fn held(shared: &Shared, job: &mut JobView) {
    if let Some(trouble) = shared.trouble().filter(|_| job.head.state.goes()) {
        job.head.why = Some(SafeText::new(&sentence::job_held(trouble.as_str())));
        (job.per_s, job.eta_s) = (None, None);
    }
}

#[async_trait]
impl Proofs for crate::Store {
    async fn enforcement(&self, subscriber: SubscriberId) -> Option<Enforcement> {
        // A store that can not be read now is asked again: it is not the same as a subscriber that has gone.
        match self.subscriber(subscriber).await {
            Ok(found) => found.map(|found| found.ipv6.enforcement),
            Err(error) => {
                tracing::debug!(%subscriber, %error, "the proof of an activation can not be looked for now");
                Some(Enforcement::Requested)
            }
        }
    }
}

#[async_trait]
impl JobJournal for Jobs {
    async fn create(&self, job: NewJob) -> Result<(), JobError> {
        let create = move |tx: &Transaction<'_>, shared: &Shared| {
            tx.execute(
                "INSERT INTO jobs (id, tenant, login, course, terms, actor, source, retry_of, made_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    bytes(job.id.0),
                    bytes(shared.tenant.0),
                    shared.login,
                    json(&job.course)?,
                    json(&job.terms)?,
                    json(&job.actor)?,
                    job.source.as_str(),
                    job.retry_of.map(|id| bytes(id.0)),
                    us(job.made_at),
                ],
            )?;
            Ok(())
        };
        Ok(self.write(create).await?)
    }

    async fn add(&self, job: JobId, items: Vec<NewItem>) -> Result<(), JobError> {
        Ok(self.write(move |tx, _| add(tx, job, &items)).await?)
    }

    async fn ready(&self, job: JobId) -> Result<JobView, JobError> {
        Ok(self.write(move |tx, shared| ready(tx, shared, job)).await?)
    }

    async fn jobs(&self, limit: u32) -> Result<Vec<JobView>, JobError> {
        let mut jobs = self.read(move |conn, shared| rows::list(conn, shared, limit)).await?.unwrap_or_default();
        jobs.iter_mut().for_each(|job| held(self.shared(), job));
        Ok(jobs)
    }

    async fn job(&self, id: JobId) -> Result<Option<JobView>, JobError> {
        let mut job = self.read(move |conn, shared| Ok(rows::one(conn, shared, id)?)).await?.flatten();
        job.iter_mut().for_each(|job| held(self.shared(), job));
        Ok(job)
    }

    async fn items(&self, job: JobId, filter: ItemFilter, after: Option<u32>, limit: u32) -> Result<Vec<ItemRow>, JobError> {
        let read = self.read(move |conn, shared| {
            let stored = rows::load(conn, shared, job)?.ok_or_else(|| gone(job))?;
            let mut statement = conn.prepare_cached(
                "SELECT seq, subscriber, number, name, nas, canary, state, stage, outcome, note, operation, ended_at FROM items
                 WHERE job = ?1 AND seq > ?2 AND (?3 IS NULL OR coalesce(outcome, state) IN (?3, ?6))
                    AND (NOT ?4 OR outcome IN ('refused', 'unanswered', 'failed')) ORDER BY seq LIMIT ?5",
            )?;
            let after = after.map_or(-1, i64::from);
            let holds = filter.group.map_or(&[][..], ItemGroup::holds);
            let wanted = params![stored.key, after, holds.first(), filter.bad, limit.min(10_000), holds.last()];
            let rows = statement.query_map(wanted, |row| rows::item(row, &stored.head.nases))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        read.await?.ok_or_else(|| JobError::NotFound(SafeText::new(&job.to_string())))
    }

    async fn wish(&self, job: JobId, wished: Wish) -> Result<JobView, JobError> {
        Ok(self.write(move |tx, shared| wish(tx, shared, job, wished)).await?)
    }

    async fn unfinished(&self) -> Result<Vec<JobHead>, JobError> {
        Ok(self.read(rows::unfinished).await?.unwrap_or_default())
    }

    async fn load(&self, job: JobId) -> Result<(JobHead, Vec<Slot>), JobError> {
        let read = self.read(move |conn, shared| {
            let stored = rows::load(conn, shared, job)?.ok_or_else(|| gone(job))?;
            Ok((stored.head, rows::slots(conn, stored.key)?))
        });
        read.await?.ok_or_else(|| JobError::NotFound(SafeText::new(&job.to_string())))
    }

    async fn record(&self, job: JobId, changes: Vec<Change>, state: StateChange) -> Result<(), JobError> {
        let stored = self.write(move |tx, shared| record(tx, shared, job, &changes, &state)).await;
        let held = stored.as_ref().err().filter(|error| error.retry() == Retry::Later);
        self.shared().set_trouble(held.map(StoreError::sentence));
        Ok(stored?)
    }

    async fn discard(&self, job: JobId) -> Result<(), JobError> {
        let discard = move |tx: &Transaction<'_>, shared: &Shared| {
            let sql = "DELETE FROM jobs WHERE id = ?1 AND tenant = ?2 AND login = ?3 AND wish = 'preview'";
            tx.execute(sql, params![bytes(job.0), bytes(shared.tenant.0), shared.login])?;
            Ok(())
        };
        Ok(self.write(discard).await?)
    }

    async fn per_nas(&self, job: JobId) -> Result<Vec<(SafeText, u32)>, JobError> {
        let read = self.read(move |conn, shared| {
            let stored = rows::load(conn, shared, job)?.ok_or_else(|| gone(job))?;
            let mut statement = conn.prepare_cached(
                "SELECT nas, count(*) FROM items WHERE job = ?1 AND outcome IS NOT 'left_out' GROUP BY nas ORDER BY 2 DESC, 1",
            )?;
            let nases = stored.head.nases;
            let rows = statement.query_map([stored.key], |row| {
                let (nas, n): (u16, u32) = (row.get(0)?, row.get(1)?);
                Ok((nases.get(usize::from(nas)).cloned().unwrap_or_default(), n))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        read.await?.ok_or_else(|| JobError::NotFound(SafeText::new(&job.to_string())))
    }

    async fn left_out(&self, job: JobId) -> Result<Vec<(SafeText, u32)>, JobError> {
        let read = self.read(move |conn, shared| {
            let stored = rows::load(conn, shared, job)?.ok_or_else(|| gone(job))?;
            let mut statement = conn.prepare_cached(
                "SELECT coalesce(note, ''), count(*) FROM items WHERE job = ?1 AND outcome = 'left_out' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
            )?;
            let rows = statement.query_map([stored.key], |row| Ok((Take::new(row).text()?, row.get(1)?)))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        read.await?.ok_or_else(|| JobError::NotFound(SafeText::new(&job.to_string())))
    }

    async fn forget(&self, before: Timestamp) -> Result<u32, JobError> {
        let forget = move |tx: &Transaction<'_>, _: &Shared| {
            let sql = "DELETE FROM jobs WHERE (wish = 'preview' AND made_at < ?1) OR ended_at < ?1";
            Ok(tx.execute(sql, [us(before)])? as u32)
        };
        Ok(self.write(forget).await?)
    }
}
