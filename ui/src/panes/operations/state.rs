//! State of the Operations pane.

use crate::app::Slot;
use crate::panes::ListState;
use noctule_domain::lifecycle::OperationRow;

#[derive(Debug, Default)]
pub struct State {
    pub(super) data: Slot<Vec<OperationRow>>,
    pub(super) list: ListState,
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}
