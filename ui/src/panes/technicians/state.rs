//! State of the Technicians pane.

use crate::app::Slot;
use crate::panes::ListState;
use noctule_domain::technician::Technician;

#[derive(Debug, Default)]
pub struct State {
    pub(super) data: Slot<Vec<Technician>>,
    pub(super) list: ListState,
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}
