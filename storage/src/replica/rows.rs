//! Writing rows of the centre into a cache: whole, or only what changed. Shared by the whole copy and by increments.

use super::cache::TENANT_KEY;
use super::wire::{self, SUBSCRIBER, id_column, names};
use crate::codec::{self, bytes};
use crate::error::StoreError;
use noctule_domain::lifecycle::StepRow;
use noctule_domain::sync::{BadRow, Row, Table};
use noctule_domain::{SafeText, TaskId};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Statement, ToSql, params, params_from_iter};
use std::collections::HashMap;
use uuid::Uuid;

/// What goes wrong with a batch: the store's trouble, or a batch that is not what its table says.
#[derive(Debug)]
pub(crate) enum Trouble {
    Store(StoreError),
    Bad(BadRow),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<BadRow> for Trouble {
    fn from(bad: BadRow) -> Self {
        Self::Bad(bad)
    }
}

/// Columns of a subscriber that the wire does not have.
const DERIVED: &str = ", search, nas_name, prefix_start, prefix_end";

/// The statement that inserts a row of `table`.
pub(crate) fn insert_sql(table: Table) -> String {
    let derived = if table == Table::Subscribers { DERIVED } else { "" };
    let count = table.columns().len() + if derived.is_empty() { 0 } else { 4 };
    let marks: Vec<String> = (1..=count).map(|n| format!("?{n}")).collect();
    format!("INSERT INTO {} (tenant, {}{derived}) VALUES ({TENANT_KEY}, {})", table.word(), names(table), marks.join(", "))
}

/// What is remembered between rows: names of NASes, and room for derived values.
#[derive(Default)]
pub(crate) struct Writer {
    nas: HashMap<Uuid, String>,
    search: String,
    /// Rows that came and can not be shown, in this batch; the first of them in words.
    pub(crate) misfits: u64,
    pub(crate) first_misfit: Option<String>,
}

impl Writer {
    /// The names of the NASes that are there.
    pub(crate) fn learn(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let mut statement = conn.prepare("SELECT id, name FROM nas WHERE tenant = ?1")?;
        self.nas = statement
            .query_map([TENANT_KEY], |row| Ok((Uuid::from_bytes(row.get(0)?), row.get::<_, String>(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Inserts a row that is known not to be there, by a statement of `insert_sql`. `false`: it can not be shown and is kept aside.
    pub(crate) fn insert(&mut self, conn: &Connection, statement: &mut Statement<'_>, row: &Row<'_>) -> Result<bool, Trouble> {
        let same = wire::sound(row)?;
        if let Some(why) = trouble(row)? {
            return self.odd(conn, row, Some(why)).map(|()| false);
        }
        self.bind(statement, row)?;
        if let Some(why) = refused(statement.raw_execute())? {
            return self.odd(conn, row, Some(&why)).map(|()| false);
        }
        self.around(conn, row, false, same)?;
        Ok(true)
    }

    /// The search text of the subscriber that was written last.
    pub(crate) fn search(&self) -> &str {
        &self.search
    }

    fn bind(&mut self, statement: &mut Statement<'_>, row: &Row<'_>) -> Result<(), Trouble> {
        let table = row.table();
        let columns = table.columns();
        for (at, column) in columns.iter().enumerate() {
            statement.raw_bind_parameter(at + 1, ToSqlOutput::Borrowed(wire::value(row, at, column.kind)?))?;
        }
        if table == Table::Subscribers {
            let from = columns.len();
            self.fill_search(row)?;
            statement.raw_bind_parameter(from + 1, self.search.as_str())?;
            statement.raw_bind_parameter(from + 2, self.nas_name(row)?)?;
            let bounds = row.text(SUBSCRIBER.prefix)?.and_then(wire::prefix_bounds);
            let (start, end) = bounds.as_ref().map_or((&[][..], &[][..]), |(start, end)| (start.as_slice(), end.as_slice()));
            statement.raw_bind_parameter(from + 3, ToSqlOutput::Borrowed(ValueRef::Blob(start)))?;
            statement.raw_bind_parameter(from + 4, ToSqlOutput::Borrowed(ValueRef::Blob(end)))?;
        }
        Ok(())
    }

    fn fill_search(&mut self, row: &Row<'_>) -> Result<(), BadRow> {
        self.search.clear();
        for at in [SUBSCRIBER.full_name, SUBSCRIBER.number, SUBSCRIBER.username] {
            wire::search_field(row.text(at)?.unwrap_or(""), &mut self.search);
        }
        self.search.push('\n');
        Ok(())
    }

    fn nas_name(&self, row: &Row<'_>) -> Result<&str, BadRow> {
        Ok(row.uuid(SUBSCRIBER.nas)?.and_then(|id| self.nas.get(&id)).map_or("", String::as_str))
    }

    /// Writes a row over what is there: only columns that differ. `true` when anything changed.
    pub(crate) fn upsert(&mut self, conn: &Connection, row: &Row<'_>) -> Result<bool, Trouble> {
        let same = wire::sound(row)?;
        let (table, id) = (row.table(), row.id()?);
        let misfit = trouble(row)?;
        if misfit.is_some() {
            delete_plain(conn, table, id)?;
            self.odd(conn, row, misfit)?;
            return Ok(true);
        }
        let differing = differing(conn, row)?;
        match differing {
            Some(columns) if columns.is_empty() => {
                self.around(conn, row, true, same)?;
                return Ok(false);
            }
            Some(columns) => {
                if let Some(why) = self.update(conn, row, &columns)? {
                    delete_plain(conn, table, id)?;
                    self.odd(conn, row, Some(&why))?;
                    return Ok(true);
                }
            }
            None => {
                if table == Table::Pools {
                    // NetBox's number went to another object of the centre.
                    conn.prepare_cached("DELETE FROM pools WHERE tenant = ?1 AND id = ?2")?.execute(params![TENANT_KEY, row.int(1)?])?;
                }
                let mut statement = conn.prepare_cached(&insert_sql(table))?;
                self.bind(&mut statement, row)?;
                if let Some(why) = refused(statement.raw_execute())? {
                    self.odd(conn, row, Some(&why))?;
                    return Ok(true);
                }
            }
        }
        self.around(conn, row, true, same)?;
        Ok(true)
    }

    fn update(&mut self, conn: &Connection, row: &Row<'_>, changed: &[usize]) -> Result<Option<String>, Trouble> {
        let table = row.table();
        if table == Table::Pools && changed.contains(&1) {
            conn.prepare_cached("DELETE FROM pools WHERE tenant = ?1 AND id = ?2 AND uid <> ?3")?.execute(params![
                TENANT_KEY,
                row.int(1)?,
                bytes(row.id()?)
            ])?;
        }
        let columns = table.columns();
        let mut sets: Vec<&str> = changed.iter().map(|at| wire::local_name(table, columns[*at].name)).collect();
        let has = |at: usize| changed.contains(&at);
        let (mut search, mut nas, mut prefix) = (false, false, false);
        if table == Table::Subscribers {
            search = has(SUBSCRIBER.full_name) || has(SUBSCRIBER.number) || has(SUBSCRIBER.username);
            nas = has(SUBSCRIBER.nas);
            prefix = has(SUBSCRIBER.prefix);
            if search {
                sets.push("search");
            }
            if nas {
                sets.push("nas_name");
            }
            if prefix {
                sets.extend(["prefix_start", "prefix_end"]);
            }
        }
        let list: Vec<String> = sets.iter().enumerate().map(|(n, name)| format!("{name} = ?{}", n + 2)).collect();
        let sql = format!("UPDATE {} SET {} WHERE tenant = {TENANT_KEY} AND {} = ?1", table.word(), list.join(", "), id_column(table));
        let mut statement: CachedStatement<'_> = conn.prepare_cached(&sql)?;
        statement.raw_bind_parameter(1, bytes(row.id()?))?;
        let mut at = 2;
        let mut bind = |statement: &mut Statement<'_>, value: &dyn ToSql| {
            at += 1;
            statement.raw_bind_parameter(at - 1, value)
        };
        for column in changed {
            bind(&mut statement, &ToSqlOutput::Borrowed(wire::value(row, *column, columns[*column].kind)?))?;
        }
        if search {
            self.fill_search(row)?;
            bind(&mut statement, &self.search)?;
        }
        if nas {
            bind(&mut statement, &self.nas_name(row)?)?;
        }
        if prefix {
            let bounds = row.text(SUBSCRIBER.prefix)?.and_then(wire::prefix_bounds);
            let (start, end) = bounds.as_ref().map_or((&[][..], &[][..]), |(start, end)| (start.as_slice(), end.as_slice()));
            bind(&mut statement, &start)?;
            bind(&mut statement, &end)?;
        }
        refused(statement.raw_execute())
    }

    /// What belongs to a row beside its own line: lists taken apart, names remembered, the row as it came where that is needed. A row
    /// that the readers stumble over is taken out again.
    fn around(&mut self, conn: &Connection, row: &Row<'_>, may_be_there: bool, same: bool) -> Result<(), Trouble> {
        let (table, id) = (row.table(), row.id()?);
        match table {
            Table::Nas => {
                self.nas.insert(id, row.text(1)?.unwrap_or("").to_owned());
            }
            Table::Tasks => dependencies(conn, row, may_be_there)?,
            Table::Operations => steps(conn, row, may_be_there)?,
            _ => {}
        }
        if table != Table::Subscribers
            && let Some(why) = unreadable(conn, table, id)?
        {
            delete_plain(conn, table, id)?;
            return self.odd(conn, row, Some(&why));
        }
        if !same {
            return self.odd(conn, row, None);
        }
        if may_be_there {
            no_longer_odd(conn, table, id)?;
        }
        Ok(())
    }

    fn odd(&mut self, conn: &Connection, row: &Row<'_>, why: Option<&str>) -> Result<(), Trouble> {
        let (table, id) = (row.table(), row.id()?);
        let why = why.map(|w| SafeText::bounded(w, 300));
        conn.prepare_cached(
            "INSERT INTO odd_rows (tab, id, tuple, why) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tab, id) DO UPDATE SET tuple = excluded.tuple, why = excluded.why",
        )?
        .execute(params![table.number(), bytes(id), wire::tuple(row), why.as_ref().map(SafeText::as_str)])?;
        if let Some(why) = why {
            self.misfits += 1;
            self.first_misfit.get_or_insert_with(|| format!("{table} {id}: {why}"));
        }
        Ok(())
    }

    /// Tells the log of rows that could not be shown.
    pub(crate) fn report(&mut self) {
        if self.misfits > 0 {
            let first = self.first_misfit.take().unwrap_or_default();
            tracing::warn!(rows = self.misfits, first, "rows of the centre can not be shown here; they are kept as they came");
            self.misfits = 0;
        }
    }
}

/// What the schema does not take (a value that is missing), in words.
fn refused(done: rusqlite::Result<usize>) -> Result<Option<String>, Trouble> {
    match done {
        Ok(_) => Ok(None),
        Err(e) if crate::import::is_constraint(&e) => Ok(Some(e.to_string())),
        Err(e) => Err(e.into()),
    }
}

/// What can be told of a row before it is written.
fn trouble(row: &Row<'_>) -> Result<Option<&'static str>, BadRow> {
    match row.table() {
        Table::Subscribers => {}
        Table::Tasks => {
            let sound = row.text(position_of(Table::Tasks, "depends_on"))?.is_none_or(|t| serde_json::from_str::<Vec<TaskId>>(t).is_ok());
            return Ok((!sound).then_some("its list of dependencies can not be read"));
        }
        Table::Operations => {
            let sound = row.text(position_of(Table::Operations, "steps"))?.is_none_or(|t| serde_json::from_str::<Vec<StepRow>>(t).is_ok());
            return Ok((!sound).then_some("its journal of steps can not be read"));
        }
        _ => return Ok(None),
    }
    if row.text(SUBSCRIBER.prefix)?.is_some_and(|text| wire::prefix_bounds(text).is_none()) {
        return Ok(Some("its prefix is none"));
    }
    wire::subscriber_trouble(row)
}

/// Numbers of the columns in which the row differs from what is stored; `None` when there is none.
fn differing(conn: &Connection, row: &Row<'_>) -> Result<Option<Vec<usize>>, Trouble> {
    let table = row.table();
    let sql = format!("SELECT {} FROM {} WHERE tenant = {TENANT_KEY} AND {} = ?1", names(table), table.word(), id_column(table));
    let mut scratch = Vec::with_capacity(64);
    let found = conn
        .prepare_cached(&sql)?
        .query_row([bytes(row.id()?)], |stored| {
            let mut changed = Vec::new();
            for (at, column) in table.columns().iter().enumerate() {
                let filled = wire::encode(column.kind, stored.get_ref(at)?, &mut scratch);
                if row.raw(at) != filled.then_some(scratch.as_slice()) {
                    changed.push(at);
                }
            }
            Ok(changed)
        })
        .optional()?;
    Ok(found)
}

/// Takes a row out, with what belongs to it. `true` when it was there.
pub(crate) fn delete(conn: &Connection, table: Table, id: Uuid) -> rusqlite::Result<bool> {
    let odd = no_longer_odd(conn, table, id)?;
    Ok(delete_plain(conn, table, id)? || odd)
}

fn delete_plain(conn: &Connection, table: Table, id: Uuid) -> rusqlite::Result<bool> {
    match table {
        Table::Tasks => {
            conn.prepare_cached("DELETE FROM task_dependencies WHERE tenant = ?1 AND task = ?2")?
                .execute(params![TENANT_KEY, bytes(id)])?;
        }
        Table::Operations => {
            conn.prepare_cached("DELETE FROM operation_steps WHERE tenant = ?1 AND operation = ?2")?
                .execute(params![TENANT_KEY, bytes(id)])?;
        }
        _ => {}
    }
    let sql = format!("DELETE FROM {} WHERE tenant = {TENANT_KEY} AND {} = ?1", table.word(), id_column(table));
    Ok(conn.prepare_cached(&sql)?.execute([bytes(id)])? > 0)
}

fn no_longer_odd(conn: &Connection, table: Table, id: Uuid) -> rusqlite::Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM odd_rows WHERE tab = ?1 AND id = ?2")?.execute(params![table.number(), bytes(id)])? > 0)
}

/// The list of a column as JSON; an unreadable one is noticed by `unreadable`.
fn list<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Vec<T> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn position_of(table: Table, name: &str) -> usize {
    table.columns().iter().position(|c| c.name == name).unwrap_or(0)
}

fn dependencies(conn: &Connection, row: &Row<'_>, may_be_there: bool) -> Result<(), Trouble> {
    let task = bytes(row.id()?);
    if may_be_there {
        conn.prepare_cached("DELETE FROM task_dependencies WHERE tenant = ?1 AND task = ?2")?.execute(params![TENANT_KEY, task])?;
    }
    for other in list::<TaskId>(row.text(position_of(Table::Tasks, "depends_on"))?) {
        conn.prepare_cached("INSERT OR IGNORE INTO task_dependencies (tenant, task, depends_on) VALUES (?1, ?2, ?3)")?.execute(params![
            TENANT_KEY,
            task,
            bytes(other.0)
        ])?;
    }
    Ok(())
}

fn steps(conn: &Connection, row: &Row<'_>, may_be_there: bool) -> Result<(), Trouble> {
    let operation = bytes(row.id()?);
    if may_be_there {
        conn.prepare_cached("DELETE FROM operation_steps WHERE tenant = ?1 AND operation = ?2")?.execute(params![TENANT_KEY, operation])?;
    }
    for (seq, step) in list::<StepRow>(row.text(position_of(Table::Operations, "steps"))?).into_iter().enumerate() {
        conn.prepare_cached(
            "INSERT INTO operation_steps (tenant, operation, seq, step, attempt, upstream, request, status, answer, started_at, ended_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            TENANT_KEY,
            operation,
            seq as i64 + 1,
            step.step.word(),
            step.attempt,
            step.upstream.as_str(),
            step.request.as_str(),
            step.status.word(),
            step.answer.as_ref().map(SafeText::as_str),
            codec::us(step.started_at),
            codec::opt_us(step.ended_at),
        ])?;
    }
    Ok(())
}

/// Reads the row as the screens will; what they would stumble over, in words.
fn unreadable(conn: &Connection, table: Table, id: Uuid) -> Result<Option<String>, Trouble> {
    let id = bytes(id);
    let read: rusqlite::Result<Option<()>> = match table {
        Table::Nas => crate::nas::probe(conn, id),
        Table::Pools => crate::pools::probe(conn, id),
        Table::Technicians => crate::technicians::probe(conn, id),
        Table::Sessions => crate::sessions::probe(conn, id),
        Table::Tasks => crate::tasks::probe(conn, id),
        Table::Operations => crate::operations::probe(conn, id),
        Table::TimeEntries => crate::time_entries::probe(conn, id),
        Table::Subscribers | Table::Assignments => Ok(Some(())),
    };
    match read {
        Ok(_) => Ok(None),
        Err(
            e @ (rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)),
        ) => Ok(Some(format!("a value that this program can not read ({e})"))),
        Err(e) => Err(e.into()),
    }
}

/// `?1` is the tenant's key, `?2` the id.
pub(crate) fn probe<T>(
    conn: &Connection,
    sql: &str,
    id: [u8; 16],
    read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<()>> {
    let found = conn.prepare_cached(sql)?.query_row(params_from_iter([&TENANT_KEY as &dyn ToSql, &id]), read).optional()?;
    Ok(found.map(drop))
}
