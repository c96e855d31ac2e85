//! A page of the board.

use super::compile::{Sql, compile};
use super::plan::{Key, Search};
use super::row::{LINE, line};
use super::sort::{Bound, Order, order};
use crate::codec::bytes;
use crate::error::StoreError;
use crate::store::{Shared, Store};
use crate::threads::Reader;
use noctule_domain::SubscriberId;
use noctule_domain::page::{From, Page, PageRequest, Total};
use noctule_domain::subscriber::SubscriberRow;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use std::sync::atomic::Ordering::Relaxed;

/// Largest page.
pub const MAX_PAGE: u16 = 1000;
/// Up to this many matches are counted exactly.
const EXACT: u64 = 1000;

impl Store {
    /// One page. When several are asked for and the readers are busy, only the newest counts: an older one ends with
    /// [`StoreError::Superseded`], so that typing never waits behind a slow search.
    pub async fn subscriber_page(&self, request: PageRequest) -> Result<Page<SubscriberRow>, StoreError> {
        let number = self.inner.readers.newest_page.fetch_add(1, Relaxed) + 1;
        self.read_with(number, move |reader, shared| {
            let overlay = shared.overlay();
            let mut page = page(reader, shared, &request)?;
            overlay.lines(&mut page.rows);
            Ok(page)
        })
        .await
    }
}

pub(crate) fn page(reader: &Reader, shared: &Shared, request: &PageRequest) -> Result<Page<SubscriberRow>, StoreError> {
    let order = order(request.sort.column);
    let compiled = compile(&request.filter, shared.tenant_key, shared.now());
    let limit = usize::from(request.limit.clamp(1, MAX_PAGE));
    let conn = &reader.conn;
    let mut search = Search::new(reader, shared.tenant_key, &order, request.sort.column, &compiled)?;

    // Where it begins: the values of the named row; a row that has gone is the first page.
    let named = match request.from {
        From::First | From::Last => None,
        From::After(id) | From::Before(id) | From::At(id) => place(conn, shared.tenant_key, &order, id)?,
    };
    let (against, inclusive) = match (request.from, &named) {
        (From::Last, _) => (true, false),
        (From::Before(_), Some(_)) => (true, false),
        (From::At(_), Some(_)) => (false, true),
        _ => (false, false),
    };
    // `against` the order that the screen shows; the index is walked backwards when that differs from ascending.
    let backwards = against != request.sort.descending;
    let beyond =
        |(key, values): (Key, Vec<Value>), backwards: bool, inclusive: bool| Bound { order: &order, key, values, backwards, inclusive };
    let bound = named.as_ref().map(|values| beyond(values.clone(), backwards, inclusive));
    let mut keys = search.fetch(backwards, bound.as_ref(), limit + 1)?;
    let more = keys.len() > limit;
    keys.truncate(limit);
    if against {
        keys.reverse();
    }
    // The other side: what lies on it is known, or is asked for.
    let edge = if against { keys.last() } else { keys.first() };
    let other = match (&named, edge) {
        (None, _) => false,
        (Some(_), Some(edge)) => {
            let values = values_of(conn, &order, *edge)?;
            let bound = beyond((*edge, values), !backwards, false);
            !search.fetch(!backwards, Some(&bound), 1)?.is_empty()
        }
        (Some(values), None) => {
            let bound = beyond(values.clone(), !backwards, true);
            !search.fetch(!backwards, Some(&bound), 1)?.is_empty()
        }
    };
    let (more_before, more_after) = if against { (more, other) } else { (other, more) };
    let rows = lines(conn, &keys)?;
    let total = if !more_before && !more_after {
        Total::Exact(rows.len() as u64)
    } else if compiled.conditions.is_empty() || compiled.only_states {
        Total::Exact(counted(conn, shared.tenant_key, compiled.states.as_deref())?)
    } else {
        match search.count(EXACT)? {
            (n, true) => Total::Exact(n),
            (n, false) => Total::AtLeast(n.max(rows.len() as u64)),
        }
    };
    Ok(Page { rows, more_before, more_after, total })
}

fn place(conn: &Connection, tenant: i64, order: &Order, id: SubscriberId) -> rusqlite::Result<Option<(Key, Vec<Value>)>> {
    conn.prepare_cached(&format!("SELECT {}, s.key FROM subscribers AS s WHERE s.tenant = ?1 AND s.id = ?2", order.columns.join(", ")))?
        .query_row(params![tenant, bytes(id.0)], |row| {
            let values = (0..order.columns.len()).map(|i| row.get(i)).collect::<Result<_, _>>()?;
            Ok((row.get(order.columns.len())?, values))
        })
        .optional()
}

fn values_of(conn: &Connection, order: &Order, key: Key) -> rusqlite::Result<Vec<Value>> {
    conn.prepare_cached(&format!("SELECT {} FROM subscribers AS s WHERE s.key = ?1", order.columns.join(", ")))?
        .query_row([key], |row| (0..order.columns.len()).map(|i| row.get(i)).collect())
}

pub(crate) fn lines(conn: &Connection, keys: &[Key]) -> rusqlite::Result<Vec<SubscriberRow>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {LINE} FROM subscribers AS s WHERE s.key = ?1"))?;
    keys.iter().map(|key| statement.query_row([key], line)).collect()
}

/// From the counters: all rows, or those in some states.
pub(crate) fn counted(conn: &Connection, tenant: i64, states: Option<&[Value]>) -> rusqlite::Result<u64> {
    let mut sql = Sql { text: "SELECT coalesce(sum(n), 0) FROM counters WHERE tenant = ?".into(), values: vec![tenant.into()] };
    if let Some(states) = states {
        sql.push(&format!(" AND state IN ({})", vec!["?"; states.len()].join(", ")), states.iter().cloned());
    }
    let n: i64 = conn.prepare_cached(&sql.text)?.query_row(params_from_iter(sql.values.iter()), |row| row.get(0))?;
    Ok(n.max(0) as u64)
}
