//! State of the Tasks pane.

use crate::app::Slot;
use crate::panes::ListState;
use noctule_domain::task::Task;

#[derive(Debug, Default)]
pub struct State {
    pub(super) data: Slot<Vec<Task>>,
    pub(super) list: ListState,
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}
