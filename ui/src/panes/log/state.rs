//! State of the Log pane.

use tui_logger::TuiWidgetState;

pub struct State {
    pub(super) widget: TuiWidgetState,
}

impl Default for State {
    fn default() -> Self {
        Self { widget: TuiWidgetState::new() }
    }
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}
