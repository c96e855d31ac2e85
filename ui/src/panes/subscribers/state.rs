//! State of the Subscribers pane.

use crate::app::Slot;
use crate::effect::Preferences;
use crate::panes::ListState;
use noctule_domain::page::{Page, Sort};
use noctule_domain::subscriber::SubscriberRow;

#[derive(Debug, Default)]
pub struct State {
    pub(super) page: Slot<Page<SubscriberRow>>,
    pub(super) list: ListState,
}

impl State {
    pub fn new(_preferences: &Preferences) -> Self {
        Self::default()
    }
}

/// What its menus and the command line say.
#[derive(Debug, Clone)]
pub enum Tell {
    Find(String),
    Sort(Sort),
    ColumnsNamed(Vec<String>),
}

pub const COLUMN_NAMES: &[&str] = &["state", "number", "name"];
