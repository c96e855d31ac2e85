//! Selection in a list that is refreshed: it stays with its row by id, wherever the row goes. When the row goes away, its neighbour is
//! selected.

use crate::action::Action;
use crate::look::{Look, Tone};
use crate::msg::{Mouse, MouseKind};
use crate::panes::ListState;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

#[derive(Debug, Clone, Copy)]
pub struct Roll<Id> {
    list: ListState,
    id: Option<Id>,
    /// To be selected as soon as it is there.
    wanted: Option<Id>,
}

impl<Id> Default for Roll<Id> {
    fn default() -> Self {
        Self { list: ListState::default(), id: None, wanted: None }
    }
}

impl<Id: Copy + PartialEq> Roll<Id> {
    /// First row that is drawn.
    pub fn top(&self) -> usize {
        self.list.top
    }

    pub fn id(&self) -> Option<Id> {
        self.id
    }

    /// After the rows changed.
    pub fn settle(&mut self, ids: &[Id], height: u16) {
        if let Some(wanted) = self.wanted.take_if(|id| ids.contains(id)) {
            self.id = Some(wanted);
        }
        if let Some(at) = self.id.and_then(|id| ids.iter().position(|other| *other == id)) {
            self.list.selected = at;
        }
        self.list.keep(ids.len(), usize::from(height));
        self.id = ids.get(self.list.selected).copied();
    }

    /// Selects a row, now or as soon as it comes.
    pub fn select(&mut self, id: Id, ids: &[Id], height: u16) {
        self.wanted = Some(id);
        self.settle(ids, height);
    }

    /// Selects a row at the next `settle` that has it.
    pub fn want(&mut self, id: Id) {
        self.wanted = Some(id);
    }

    /// What is to be selected and has not come yet.
    pub fn wanted(&self) -> Option<Id> {
        self.wanted
    }

    /// What was to be selected and has not come, once.
    pub fn lost(&mut self) -> Option<Id> {
        self.wanted.take()
    }

    /// Moves. True when the action was a movement.
    pub fn act(&mut self, action: Action, ids: &[Id], height: u16) -> bool {
        let moved = self.list.act(action, ids.len(), usize::from(height));
        if moved {
            self.wanted = None;
            self.id = ids.get(self.list.selected).copied();
        }
        moved
    }

    /// One row on or back, for n and N; stays at the ends.
    pub fn step(&mut self, forward: bool, ids: &[Id], height: u16) {
        self.act(if forward { Action::Down } else { Action::Up }, ids, height);
    }

    /// The mouse over the rows, which are drawn in `rows`. True when a row was clicked that was selected already: that opens it.
    pub fn mouse(&mut self, mouse: Mouse, rows: Rect, ids: &[Id]) -> bool {
        match mouse.kind {
            MouseKind::ScrollUp => self.step(false, ids, rows.height),
            MouseKind::ScrollDown => self.step(true, ids, rows.height),
            MouseKind::Click if rows.contains(Position { x: mouse.column, y: mouse.row }) => {
                let at = self.list.top + usize::from(mouse.row - rows.y);
                if let Some(id) = ids.get(at) {
                    let again = self.id == Some(*id);
                    self.select(*id, ids, rows.height);
                    return again;
                }
            }
            _ => {}
        }
        false
    }
}

/// What is laid over a row: the selection.
pub fn row_styles(selected: bool, look: &Look) -> Option<Style> {
    selected.then(|| look.style(Tone::Selected))
}
