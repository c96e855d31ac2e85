//! Undo of what is safe: filter, order, columns, marks. Never of an operation: that is another operation.

use super::columns::ColumnId;
use super::marks::Marked;
use noctule_domain::page::Sort;

const MAX_UNDO: usize = 50;

/// How the board is looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Snapshot {
    pub filter: String,
    pub sort: Sort,
    pub columns: Vec<ColumnId>,
    pub marks: Marked,
}

#[derive(Debug, Default)]
pub(super) struct Undo {
    past: Vec<Snapshot>,
    future: Vec<Snapshot>,
}

impl Undo {
    /// Call with the present before it changes.
    pub fn remember(&mut self, present: Snapshot) {
        if self.past.last() == Some(&present) {
            return;
        }
        self.past.push(present);
        let excess = self.past.len().saturating_sub(MAX_UNDO);
        self.past.drain(..excess);
        self.future.clear();
    }

    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    pub fn undo(&mut self, present: Snapshot) -> Option<Snapshot> {
        let back = self.past.pop()?;
        self.future.push(present);
        Some(back)
    }

    pub fn redo(&mut self, present: Snapshot) -> Option<Snapshot> {
        let forward = self.future.pop()?;
        self.past.push(present);
        Some(forward)
    }
}
