//! The orders of the board. Each is total (it ends in something unique) and has an index of its own, so that a page is a range.

use noctule_domain::page::SortColumn;

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

    /// What lies beyond the values of a row: `(a, b) > (?, ?)`.
    pub(crate) fn beyond(&self, backwards: bool, inclusive: bool) -> String {
        let sign = match (backwards, inclusive) {
            (false, false) => ">",
            (false, true) => ">=",
            (true, false) => "<",
            (true, true) => "<=",
        };
        format!("({}) {sign} ({})", self.by.join(", "), vec!["?"; self.by.len()].join(", "))
    }
}
