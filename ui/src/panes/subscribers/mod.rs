//! The Subscribers pane: the IPv6 board with its filter, marks and bulk actions, and the detail of one subscriber with its timeline.

mod board;
mod bulk;
mod columns;
mod detail;
mod detail_lines;
mod emergency;
mod filter_bar;
mod marks;
mod menus;
mod notes;
mod state;
mod undo;
mod update;
mod view;
mod window;
mod yank;

pub use columns::{COLUMN_NAMES, ColumnId};
pub use state::{State, Tell};
