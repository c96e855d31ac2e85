//! The orders of the board. Each is total (it ends in something unique) and has an index of its own, so that a page is a range.

use super::compile::Sql;
use super::plan::Key;
use noctule_domain::page::SortColumn;
use rusqlite::types::Value;

/// One order: the expressions sorted by, the plain columns that give their values, and the index that has it.
pub(crate) struct Order {
    pub(crate) by: &'static [&'static str],
    pub(crate) columns: &'static [&'static str],
    pub(crate) index: &'static str,
}

pub(crate) fn order(column: SortColumn) -> Order {
    let (by, columns, index): (&[_], &[_], _) = match column {
        SortColumn::Number => (&["s.number COLLATE NOCASE", "s.number"], &["s.number", "s.number"], "subscribers_number"),
        SortColumn::Username => (&["s.username COLLATE NOCASE", "s.username"], &["s.username", "s.username"], "subscribers_username"),
        SortColumn::Name => (&["s.full_name COLLATE NOCASE", "s.key"], &["s.full_name", "s.key"], "subscribers_name"),
        SortColumn::State => {
            (&["s.state", "s.number COLLATE NOCASE", "s.number"], &["s.state", "s.number", "s.number"], "subscribers_state")
        }
        SortColumn::Prefix => (&["s.prefix_start", "s.key"], &["s.prefix_start", "s.key"], "subscribers_prefix"),
        SortColumn::Nas => (
            &["s.nas_name COLLATE NOCASE", "s.number COLLATE NOCASE", "s.number"],
            &["s.nas_name", "s.number", "s.number"],
            "subscribers_nas",
        ),
        SortColumn::Since => (&["s.since", "s.key"], &["s.since", "s.key"], "subscribers_since"),
    };
    Order { by, columns, index }
}

impl Order {
    /// `ORDER BY` of this order, turned round when `backwards`.
    pub(crate) fn clause(&self, backwards: bool) -> String {
        let terms: Vec<String> = self.by.iter().map(|e| format!("{e}{}", if backwards { " DESC" } else { "" })).collect();
        terms.join(", ")
    }
}

/// A row's place in an order, and which side of it is asked for.
pub(crate) struct Bound<'a> {
    pub(crate) order: &'a Order,
    pub(crate) key: Key,
    /// The values of `order.columns`.
    pub(crate) values: Vec<Value>,
    pub(crate) backwards: bool,
    /// The row itself too.
    pub(crate) inclusive: bool,
}

impl Bound<'_> {
    /// All that lies beyond, as one condition: for short lists. SQLite does not find the range of an index in it where a collation
    /// is named, so a walk asks in two parts.
    pub(crate) fn beyond(&self) -> Sql {
        self.tuple(0)
    }

    /// First part of a walk: rows that share the first value, and lie beyond by the others.
    pub(crate) fn tie(&self) -> Sql {
        let mut sql = Sql { text: format!("{} = ?", self.order.by[0]), values: vec![self.values[0].clone()] };
        if self.order.by.len() > 2 {
            // The range that an index understands, before the tuple that is exact.
            let sign = if self.backwards { "<=" } else { ">=" };
            sql.push(&format!(" AND {} {sign} ?", self.order.by[1]), [self.values[1].clone()]);
        }
        sql.push(" AND ", []);
        sql.append(&self.tuple(1));
        sql
    }

    /// Second part: rows that lie beyond by the first value. All of them come after those of the first part.
    pub(crate) fn past(&self) -> Sql {
        let sign = if self.backwards { "<" } else { ">" };
        Sql { text: format!("{} {sign} ?", self.order.by[0]), values: vec![self.values[0].clone()] }
    }

    fn tuple(&self, from: usize) -> Sql {
        let sign = match (self.backwards, self.inclusive) {
            (false, false) => ">",
            (false, true) => ">=",
            (true, false) => "<",
            (true, true) => "<=",
        };
        let by = &self.order.by[from..];
        Sql { text: format!("({}) {sign} ({})", by.join(", "), vec!["?"; by.len()].join(", ")), values: self.values[from..].to_vec() }
    }
}
