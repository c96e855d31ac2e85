//! State of the Network pane.

use crate::app::Slot;
use crate::panes::ListState;
use crate::query::NetworkView;

#[derive(Debug, Default)]
pub struct State {
    pub(super) data: Slot<Box<NetworkView>>,
    pub(super) list: ListState,
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}
