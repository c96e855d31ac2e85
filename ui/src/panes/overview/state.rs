//! State of the Overview pane.

use crate::app::Slot;
use crate::panes::ListState;
use noctule_domain::overview::Overview;

#[derive(Debug, Default)]
pub struct State {
    pub(super) data: Slot<Box<Overview>>,
    pub(super) list: ListState,
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}
