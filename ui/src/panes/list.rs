//! Selection and scrolling of a list that is wholly in memory.

use crate::action::Action;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListState {
    pub selected: usize,
    /// First row that is drawn.
    pub top: usize,
}

impl ListState {
    /// Moves by an action of movement in a list of `len` rows of which `height` are seen. True when it was one.
    pub fn act(&mut self, action: Action, len: usize, height: usize) -> bool {
        let page = height.max(2) - 1;
        self.selected = match action {
            Action::Up => self.selected.saturating_sub(1),
            Action::Down => self.selected.saturating_add(1),
            Action::PageUp => self.selected.saturating_sub(page),
            Action::PageDown => self.selected.saturating_add(page),
            Action::Top => 0,
            Action::Bottom => usize::MAX,
            _ => return false,
        };
        self.keep(len, height);
        true
    }

    /// Keeps selection and window inside the list.
    pub fn keep(&mut self, len: usize, height: usize) {
        self.selected = self.selected.min(len.saturating_sub(1));
        let height = height.max(1);
        if self.selected < self.top {
            self.top = self.selected;
        } else if self.selected >= self.top + height {
            self.top = self.selected + 1 - height;
        }
        self.top = self.top.min(len.saturating_sub(height));
    }
}
