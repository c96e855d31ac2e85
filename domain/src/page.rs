//! Pages: how a screen asks for a window of a long list, and what comes back. Keyset paging: no page costs more than the first.

use crate::{SubscriberId, filter::Filter, words};
use serde::{Deserialize, Serialize};

words!(
    /// Columns of the subscriber board that can be sorted by (each has an index).
    SortColumn { Number = "number", Username = "username", Name = "name", State = "state", Prefix = "prefix", Nas = "nas", Since = "since" }
);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    pub column: SortColumn,
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { column: SortColumn::Number, descending: false }
    }
}

/// Where a page begins. `After` and `Before` name a row of an earlier page; the store looks up its key, so a cursor survives edits of
/// the row. When the row has gone, the answer is the first page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum From {
    First,
    Last,
    After(SubscriberId),
    Before(SubscriberId),
    /// The page that has this row at its top: used to refresh what is shown.
    At(SubscriberId),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageRequest {
    pub filter: Filter,
    pub sort: Sort,
    pub from: From,
    pub limit: u16,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub more_before: bool,
    pub more_after: bool,
    pub total: Total,
}

/// How many rows match. Counting a million rows for every key press is not worth its time: the count may be "at least".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Total {
    Exact(u64),
    AtLeast(u64),
}
