//! The questions of the reader to radacct, on one connection.

use super::error::of_question;
use super::freeradius::FreeRadius;
use super::line::Line;
use super::row::{COLUMNS, session};
use crate::upstream::AaaError;
use noctule_domain::aaa::AccountingSession;
use noctule_domain::lifecycle::Told;
use noctule_domain::subscriber::Username;
use noctule_domain::{SafeText, Timestamp};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows are looked for again for so long back: a NAS and a server whose clocks differ a little, transactions that end late.
const OVERLAP: chrono::Duration = chrono::Duration::seconds(90);
/// So many of the newest numbers are looked at again: numbers are given before their rows are committed.
const NUMBERS: i64 = 1000;
/// Sessions of one user that are told at most, of each kind.
const SOME: usize = 20;
/// Below this the whole table is read faster than anybody waits, with an index or without.
const SMALL: f32 = 50_000.0;

/// How far was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    newest: i64,
    at: Timestamp,
    /// The oldest transaction that was under way: whatever was written since has a later one.
    xmin: String,
    /// When a NAS was last said to have come up again, with that way of accounting.
    pub reloaded: Option<Timestamp>,
}

/// The table, by a connection and what was learnt of it.
pub(super) struct Place<'l> {
    line: &'l Line,
    aaa: &'l FreeRadius,
    by_time: AtomicBool,
    reloads: AtomicBool,
}

impl<'l> Place<'l> {
    pub(super) fn new(line: &'l Line, aaa: &'l FreeRadius) -> Self {
        Self { line, aaa, by_time: AtomicBool::new(false), reloads: AtomicBool::new(false) }
    }

    /// Held by the connection to its end. `false`: another connection has it.
    pub(super) async fn lock(&self, name: &str) -> Result<bool, AaaError> {
        let rows = self.line.query("SELECT pg_try_advisory_lock(hashtextextended('noctule accounting ' || $1, 0))", &[&name]).await?;
        Ok(rows.first().is_some_and(|row| row.try_get(0).unwrap_or(false)))
    }

    /// What of the optional is there. The words say what is missing.
    pub(super) async fn learn(&self) -> Result<Option<SafeText>, AaaError> {
        let rows = self
            .line
            .query(
                "SELECT to_regclass('nasreload') IS NOT NULL, (SELECT c.reltuples FROM pg_class AS c WHERE c.oid = to_regclass('radacct')),
                    EXISTS (SELECT FROM pg_index AS x JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
                        WHERE x.indrelid = to_regclass('radacct') AND x.indisvalid AND x.indpred IS NULL AND a.attname = 'acctupdatetime')",
                &[],
            )
            .await?;
        let read = || -> Result<(bool, Option<f32>, bool), tokio_postgres::Error> {
            let row = &rows[0];
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
        };
        let (reloads, tuples, indexed) = read().map_err(|error| of_question(&error, false))?;
        let by_time = indexed || tuples.is_none_or(|tuples| tuples < SMALL);
        self.reloads.store(reloads, Ordering::Relaxed);
        self.by_time.store(by_time, Ordering::Relaxed);
        Ok((!by_time).then(|| "radacct has no index on its last change: changed sessions are found slowly; run `noctule aaa init`".into()))
    }

    pub(super) async fn mark(&self) -> Result<Mark, AaaError> {
        let reloads = self.reloads.load(Ordering::Relaxed);
        let reloaded = if reloads { "(SELECT max(reloadtime) FROM nasreload)" } else { "NULL::timestamptz" };
        let sql = format!(
            "SELECT coalesce((SELECT max(radacctid) FROM radacct), 0), clock_timestamp(), pg_snapshot_xmin(pg_current_snapshot())::xid::text, {reloaded}"
        );
        let rows = self.line.query(&sql, &[]).await?;
        let row = &rows[0];
        let read = || -> Result<Mark, tokio_postgres::Error> {
            Ok(Mark { newest: row.try_get(0)?, at: row.try_get(1)?, xmin: row.try_get(2)?, reloaded: row.try_get(3)? })
        };
        read().map_err(|error| of_question(&error, false))
    }

    /// Users of rows that were written since the mark, as far as their number or time shows it.
    pub(super) async fn changed(&self, since: &Mark) -> Result<BTreeSet<Username>, AaaError> {
        let written = "age(xmin) <= age($2::text::xid)";
        let mut sql = format!("SELECT username FROM radacct WHERE radacctid > $1 AND {written}");
        let (from, at) = (since.newest - NUMBERS, since.at - OVERLAP);
        let rows = if self.by_time.load(Ordering::Relaxed) {
            sql.push_str(&format!(" UNION SELECT username FROM radacct WHERE acctupdatetime >= $3 AND {written}"));
            self.line.query(&sql, &[&from, &since.xmin, &at]).await?
        } else {
            self.line.query(&sql, &[&from, &since.xmin]).await?
        };
        self.names(&rows, 0)
    }

    /// A page of users with open rows, and the number of its last row.
    pub(super) async fn open_after(&self, after: i64, limit: i64) -> Result<(BTreeSet<Username>, Option<i64>), AaaError> {
        let sql = "SELECT radacctid, username FROM radacct WHERE acctstoptime IS NULL AND radacctid > $1 ORDER BY radacctid LIMIT $2";
        let rows = self.line.query(sql, &[&after, &limit]).await?;
        let last = rows.last().map(|row| row.try_get(0)).transpose().map_err(|error| of_question(&error, false))?;
        Ok((self.names(&rows, 1)?, last))
    }

    /// Those of them that have no open row any more.
    pub(super) async fn without_open(&self, names: BTreeSet<Username>) -> Result<BTreeSet<Username>, AaaError> {
        let stored: Vec<String> = names.iter().map(|name| self.aaa.config.names.stored(name)).collect();
        let sql = format!(
            "SELECT n FROM unnest($1::text[]) AS n WHERE NOT EXISTS (SELECT FROM radacct AS a WHERE a.username = n AND a.acctstoptime IS NULL{})",
            self.alive()
        );
        let rows = self.line.query(&sql, &[&stored]).await?;
        self.names(&rows, 0)
    }

    /// With accounting that only notes when a NAS came up, rows from before that are over although nobody closed them.
    fn alive(&self) -> &'static str {
        match self.reloads.load(Ordering::Relaxed) {
            true => {
                " AND NOT EXISTS (SELECT FROM nasreload AS r WHERE r.nasipaddress = a.nasipaddress AND a.acctstarttime <= r.reloadtime)"
            }
            false => "",
        }
    }

    /// All that the table has of these users: what is open, and what ended within a day.
    pub(super) async fn all_of(&self, names: &[Username]) -> Result<Vec<Told>, AaaError> {
        let stored: Vec<String> = names.iter().map(|name| self.aaa.config.names.stored(name)).collect();
        let sql = format!(
            "SELECT {COLUMNS} FROM radacct AS a WHERE a.username = ANY ($1)
                AND ((a.acctstoptime IS NULL{}) OR a.acctstoptime > now() - interval '1 day')
             ORDER BY a.acctstarttime DESC NULLS LAST, a.radacctid DESC",
            self.alive()
        );
        let rows = self.line.query(&sql, &[&stored]).await?;
        let mut found: HashMap<Username, (Vec<AccountingSession>, Vec<AccountingSession>)> = HashMap::new();
        for row in &rows {
            let Some(session) = session(row, self.aaa.config.names).map_err(|error| of_question(&error, false))? else { continue };
            let (open, stopped) = found.entry(session.username.clone()).or_default();
            let list = if session.stopped_at.is_none() { open } else { stopped };
            if list.len() < SOME {
                list.push(session);
            }
        }
        Ok(names
            .iter()
            .map(|name| {
                let (open, stopped) = found.remove(name).unwrap_or_default();
                Told { username: name.clone(), open, stopped }
            })
            .collect())
    }

    fn names(&self, rows: &[tokio_postgres::Row], at: usize) -> Result<BTreeSet<Username>, AaaError> {
        let mut names = BTreeSet::new();
        for row in rows {
            let stored: Option<&str> = row.try_get(at).map_err(|error| of_question(&error, false))?;
            names.extend(stored.and_then(|stored| self.aaa.config.names.name(stored)));
        }
        Ok(names)
    }
}
