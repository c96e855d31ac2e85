//! The Log pane: the log of this console, by tui-logger. Its lines live in that crate's own buffer; this keeps only how they are looked at.

mod state;
mod update;
mod view;

pub use state::{State, Tell};
