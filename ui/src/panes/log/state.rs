//! State of the Log pane: down to which level, and whether it stays at the newest line.

use tui_logger::{LevelFilter, TuiWidgetState};

/// From few lines to many.
pub const LEVELS: &[LevelFilter] = &[LevelFilter::Error, LevelFilter::Warn, LevelFilter::Info, LevelFilter::Debug, LevelFilter::Trace];

pub struct State {
    pub(super) widget: TuiWidgetState,
    pub(super) level: usize,
    pub(super) following: bool,
}

impl Default for State {
    fn default() -> Self {
        let level = 2;
        Self { widget: TuiWidgetState::new().set_default_display_level(LEVELS[level]), level, following: true }
    }
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}

impl State {
    pub(super) fn set_level(&mut self, level: usize) {
        self.level = level.min(LEVELS.len() - 1);
        self.widget = std::mem::take(&mut self.widget).set_default_display_level(LEVELS[self.level]);
    }

    pub(super) fn level_word(&self) -> &'static str {
        ["errors only", "warnings and errors", "info and above", "debug and above", "everything"][self.level.min(LEVELS.len() - 1)]
    }
}
