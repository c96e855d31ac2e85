//! How a page is found: a short list of candidates that an index gave, or a walk along the index of the order. A probe decides; a walk
//! that finds too little in its time falls back on a longer list.

use super::compile::{Compiled, Sql};
use super::sort::{Bound, Order};
use crate::error::StoreError;
use crate::threads::Reader;
use noctule_domain::page::SortColumn;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::time::Duration;

/// Up to this many candidates are looked at one by one; above, a walk finds a page sooner. Measured at a million rows: both take about
/// 10 ms where they meet.
pub(crate) const FEW: usize = 4000;
/// What a walk may take before it is given up for a list of candidates.
const WALK: Duration = Duration::from_millis(20);
/// The longest list of candidates that is put together when a walk was given up.
const MANY: usize = 200_000;

/// Where rows come from.
pub(crate) enum Source {
    /// These keys, in the (ascending) order; every condition holds for them.
    Keys(Vec<Key>),
    /// The index of the order, testing row by row.
    Walk,
}

pub(crate) struct Search<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) tenant: i64,
    pub(crate) order: &'a Order,
    pub(crate) column: SortColumn,
    pub(crate) compiled: &'a Compiled,
    pub(crate) source: Source,
    /// Some candidates of a driver that had more than a few: a lower bound of the count is found among them.
    sample: Option<String>,
}

/// A row's place: its key.
pub(crate) type Key = i64;

impl<'a> Search<'a> {
    pub(crate) fn new(
        reader: &'a Reader,
        tenant: i64,
        order: &'a Order,
        column: SortColumn,
        compiled: &'a Compiled,
    ) -> Result<Self, StoreError> {
        let mut search = Self { reader, tenant, order, column, compiled, source: Source::Walk, sample: None };
        if compiled.conditions.len() == 1 && search.branches().is_some() {
            // The rows of the one condition stand in the order already.
            return Ok(search);
        }
        for driver in &compiled.drivers {
            let keys = search.keys_of(driver, FEW + 1)?;
            if keys.len() <= FEW {
                search.source = Source::Keys(search.refined(&keys)?);
                break;
            }
            search.sample.get_or_insert_with(|| list(&keys));
        }
        Ok(search)
    }

    fn keys_of(&self, driver: &Sql, limit: usize) -> rusqlite::Result<Vec<Key>> {
        let mut sql = Sql::default();
        sql.push("SELECT * FROM (", []);
        sql.append(driver);
        sql.push(") LIMIT ?", [Value::Integer(limit as i64)]);
        keys(&self.reader.conn, &sql)
    }

    /// Of these keys, those for which every condition holds, in the order. The one look at each row.
    fn refined(&self, candidates: &[Key]) -> rusqlite::Result<Vec<Key>> {
        let mut sql = self.among(&list(candidates));
        self.conditions(&mut sql, None);
        sql.push(&format!(" ORDER BY {}", self.order.clause(false)), []);
        keys(&self.reader.conn, &sql)
    }

    fn among(&self, json: &str) -> Sql {
        let mut sql = Sql::default();
        sql.push(
            "SELECT s.key FROM json_each(?) AS c CROSS JOIN subscribers AS s ON s.key = c.value WHERE s.tenant = ?",
            [Value::Text(json.to_owned()), Value::Integer(self.tenant)],
        );
        sql
    }

    fn conditions(&self, sql: &mut Sql, bound: Option<&Sql>) {
        for condition in self.compiled.conditions.iter().chain(bound) {
            sql.push(" AND ", []);
            sql.append(condition);
        }
    }

    /// The first `limit` rows beyond `bound`, in the order or (`backwards`) against it.
    pub(crate) fn fetch(&mut self, backwards: bool, bound: Option<&Bound<'_>>, limit: usize) -> Result<Vec<Key>, StoreError> {
        if let Source::Keys(ordered) = &self.source {
            return Ok(self.cut(ordered, backwards, bound, limit)?);
        }
        let walk = |conn: &Connection| match bound {
            None => keys(conn, &self.walk(backwards, None, limit)),
            Some(bound) => {
                let mut found = keys(conn, &self.walk(backwards, Some(&bound.tie()), limit))?;
                if found.len() < limit {
                    found.extend(keys(conn, &self.walk(backwards, Some(&bound.past()), limit - found.len()))?);
                }
                Ok(found)
            }
        };
        if self.compiled.conditions.is_empty() {
            return Ok(walk(&self.reader.conn)?);
        }
        if let Some(found) = self.reader.within(WALK, walk)? {
            return Ok(found);
        }
        if let Some(candidates) = self.candidates()? {
            let ordered = self.refined(&candidates)?;
            let found = self.cut(&ordered, backwards, bound, limit)?;
            self.source = Source::Keys(ordered);
            return Ok(found);
        }
        Ok(walk(&self.reader.conn)?)
    }

    /// What all drivers that are not too long have in common: lists of keys are cheap, looking at rows is not.
    fn candidates(&self) -> rusqlite::Result<Option<Vec<Key>>> {
        let mut common: Option<Vec<Key>> = None;
        for driver in self.compiled.drivers.iter().chain(&self.compiled.late) {
            let mut keys = self.keys_of(driver, MANY + 1)?;
            if keys.len() > MANY {
                continue;
            }
            keys.sort_unstable();
            keys.dedup();
            common = Some(match common {
                None => keys,
                Some(before) => before.into_iter().filter(|key| keys.binary_search(key).is_ok()).collect(),
            });
            if common.as_ref().is_some_and(|c| c.len() <= FEW) {
                break;
            }
        }
        Ok(common)
    }

    /// A window of an ordered list.
    fn cut(&self, ordered: &[Key], backwards: bool, bound: Option<&Bound<'_>>, limit: usize) -> rusqlite::Result<Vec<Key>> {
        let place = bound.map(|bound| (bound, ordered.iter().position(|key| *key == bound.key)));
        let side = match (place, backwards) {
            (None, _) => ordered,
            (Some((bound, Some(at))), false) => &ordered[at + usize::from(!bound.inclusive)..],
            (Some((bound, Some(at))), true) => &ordered[..at + usize::from(bound.inclusive)],
            (Some((bound, None)), _) => {
                // The row at the bound does not match any more: SQLite, which knows the collations, finds its place.
                let mut sql = self.among(&list(ordered));
                sql.push(" AND ", []);
                sql.append(&bound.beyond());
                sql.push(&format!(" ORDER BY {} LIMIT ?", self.order.clause(backwards)), [Value::Integer(limit as i64)]);
                return keys(&self.reader.conn, &sql);
            }
        };
        Ok(match backwards {
            false => side.iter().take(limit).copied().collect(),
            true => side.iter().rev().take(limit).copied().collect(),
        })
    }

    /// Sorted by number (or by the column itself), the rows of a state or of a NAS have a range of an index of their own.
    fn branches(&self) -> Option<(&'static str, &'static str, &'a [Value])> {
        let found = match (self.column, &self.compiled.states, &self.compiled.nas) {
            (SortColumn::Number | SortColumn::Nas, _, Some(nas)) => ("s.nas_name COLLATE NOCASE", "subscribers_nas", nas),
            (SortColumn::Number | SortColumn::State, Some(states), _) => ("s.state", "subscribers_state", states),
            _ => return None,
        };
        (found.2.len() <= 50).then_some((found.0, found.1, found.2.as_slice()))
    }

    /// A walk along the index of the order; where there are branches, one walk for each, merged.
    fn walk(&self, backwards: bool, bound: Option<&Sql>, limit: usize) -> Sql {
        let one = |index: &str, branch: Option<(&str, &Value)>| {
            let names: Vec<String> = self.order.columns.iter().enumerate().map(|(i, c)| format!(", {c} AS k{i}")).collect();
            let mut sql = Sql::default();
            sql.push(
                &format!("SELECT s.key AS key{} FROM subscribers AS s INDEXED BY {index} WHERE s.tenant = ?", names.concat()),
                [Value::Integer(self.tenant)],
            );
            if let Some((column, value)) = branch {
                sql.push(&format!(" AND {column} = ?"), [value.clone()]);
            }
            self.conditions(&mut sql, bound);
            sql.push(&format!(" ORDER BY {} LIMIT ?", self.order.clause(backwards)), [Value::Integer(limit as i64)]);
            sql
        };
        match self.branches() {
            Some((column, index, values)) => {
                let mut sql = Sql::default();
                for (i, value) in values.iter().enumerate() {
                    sql.push(if i == 0 { "SELECT * FROM (" } else { ") UNION ALL SELECT * FROM (" }, []);
                    sql.append(&one(index, Some((column, value))));
                }
                let merged: Vec<String> = self
                    .order
                    .by
                    .iter()
                    .enumerate()
                    .map(|(i, e)| {
                        let collate = if e.ends_with("NOCASE") { " COLLATE NOCASE" } else { "" };
                        format!("k{i}{collate}{}", if backwards { " DESC" } else { "" })
                    })
                    .collect();
                sql.push(&format!(") ORDER BY {} LIMIT ?", merged.join(", ")), [Value::Integer(limit as i64)]);
                sql
            }
            None => one(self.order.index, None),
        }
    }

    /// At least this many rows match; `true` when it is exactly so. Looks at a thousand or a few milliseconds' worth.
    pub(crate) fn count(&self, enough: u64) -> Result<(u64, bool), StoreError> {
        if let Source::Keys(ordered) = &self.source {
            return Ok((ordered.len() as u64, true));
        }
        let mut rows = match &self.sample {
            Some(sample) => self.among(sample),
            None => {
                let mut sql = Sql::default();
                sql.push(
                    "SELECT s.key FROM subscribers AS s INDEXED BY subscribers_number WHERE s.tenant = ?",
                    [Value::Integer(self.tenant)],
                );
                sql
            }
        };
        self.conditions(&mut rows, None);
        let mut sql = Sql::default();
        sql.push("SELECT count(*) FROM (", []);
        sql.append(&rows);
        sql.push(" LIMIT ?)", [Value::Integer(enough as i64 + 1)]);
        let counted = self.reader.within(Duration::from_millis(8), |conn| {
            conn.prepare_cached(&sql.text)?.query_row(params_from_iter(sql.values.iter()), |row| row.get::<_, i64>(0))
        })?;
        let counted = counted.unwrap_or(0).max(0) as u64;
        // A sample tells only the least; a whole count that stayed below the limit is the count.
        let exact = self.sample.is_none() && counted > 0 && counted <= enough;
        Ok((counted.min(enough), exact))
    }
}

pub(crate) fn list(keys: &[Key]) -> String {
    let mut json = String::with_capacity(keys.len() * 8 + 2);
    json.push('[');
    for (i, key) in keys.iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        json.push_str(&key.to_string());
    }
    json.push(']');
    json
}

fn keys(conn: &Connection, sql: &Sql) -> rusqlite::Result<Vec<Key>> {
    let mut statement = conn.prepare_cached(&sql.text)?;
    let rows = statement.query_map(params_from_iter(sql.values.iter()), |row| row.get(0))?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscribers::compile::compile;
    use crate::subscribers::sort::order;
    use crate::threads::Readers;
    use noctule_domain::filter::parse;
    use std::sync::Arc;

    fn explained(conn: &Connection, sql: &Sql) -> String {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.text)).expect("prepares");
        let rows = statement.query_map(params_from_iter(sql.values.iter()), |row| row.get::<_, String>(3)).expect("explains");
        rows.map(|row| row.expect("a line")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_page_further_on_begins_at_its_place_in_the_index_and_sorts_nothing() {
        let conn = Connection::open_in_memory().expect("opens");
        conn.execute_batch(include_str!("../../migrations/0001_base.sql")).expect("a schema");
        let reader = Reader::new(conn, Arc::new(Readers::new())).expect("a reader");
        for column in SortColumn::ALL {
            let order = order(*column);
            for (filter, backwards) in [("", false), ("", true), ("-state:active", false)] {
                let compiled = compile(&parse(filter).expect("a filter"), 1, chrono::DateTime::UNIX_EPOCH);
                let search = Search::new(&reader, 1, &order, *column, &compiled).expect("a search");
                let values = vec![Value::Integer(1); order.columns.len()];
                let bound = Bound { order: &order, key: 1, values, backwards, inclusive: true };
                for part in [bound.tie(), bound.past()] {
                    let plan = explained(&reader.conn, &search.walk(backwards, Some(&part), 10));
                    assert!(!plan.contains("TEMP B-TREE"), "{column}: {plan}");
                    assert!(plan.contains("(tenant=? AND "), "{column}: {plan}");
                }
            }
        }
    }
}
