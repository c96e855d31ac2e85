//! Rows in sections: headlines between them, a selection that jumps over the headlines.

use super::Roll;
use crate::msg::{Mouse, MouseKind};
use ratatui::layout::{Position, Rect};

#[derive(Debug, Clone, PartialEq)]
pub enum Row<Id> {
    /// Drawn by the pane: which section begins.
    Head(&'static str),
    /// A line that can not be selected.
    Note(String),
    Blank,
    Item(Id),
}

impl<Id: Copy + PartialEq> Row<Id> {
    fn item(&self) -> Option<Id> {
        match self {
            Self::Item(id) => Some(*id),
            _ => None,
        }
    }
}

pub fn items<Id: Copy + PartialEq>(rows: &[Row<Id>]) -> Vec<Id> {
    rows.iter().filter_map(Row::item).collect()
}

/// First row to draw, so that the selected one and its surroundings are seen.
pub fn top<Id: Copy + PartialEq>(rows: &[Row<Id>], selected: Option<Id>, height: u16) -> usize {
    let height = usize::from(height);
    let at = rows.iter().position(|row| row.item().is_some() && row.item() == selected).unwrap_or(0);
    at.saturating_sub(height / 2).min(rows.len().saturating_sub(height))
}

/// The mouse over rows that are drawn in `area`. True when the selected row was clicked again: that opens it.
pub fn mouse<Id: Copy + PartialEq>(roll: &mut Roll<Id>, mouse: Mouse, area: Rect, rows: &[Row<Id>]) -> bool {
    let ids = items(rows);
    match mouse.kind {
        MouseKind::ScrollUp => roll.step(false, &ids, area.height),
        MouseKind::ScrollDown => roll.step(true, &ids, area.height),
        MouseKind::Click if area.contains(Position { x: mouse.column, y: mouse.row }) => {
            let at = top(rows, roll.id(), area.height) + usize::from(mouse.row - area.y);
            if let Some(id) = rows.get(at).and_then(Row::item) {
                let again = roll.id() == Some(id);
                roll.select(id, &ids, area.height);
                return again;
            }
        }
        _ => {}
    }
    false
}
