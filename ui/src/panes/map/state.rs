//! State of the Map pane.

use crate::app::Slot;
use crate::panes::ListState;
use crate::query::MapView;

#[derive(Debug, Default)]
pub struct State {
    pub(super) data: Slot<Box<MapView>>,
    pub(super) list: ListState,
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}
