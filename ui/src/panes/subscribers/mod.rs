//! The Subscribers pane: the IPv6 board with its filter, marks and bulk actions, and the detail of one subscriber with its timeline.

mod state;
mod update;
mod view;

pub use state::{COLUMN_NAMES, State, Tell};
