//! The Log pane: the log of this console, by tui-logger. Its lines live in that crate's own static buffer; this keeps only how they are
//! looked at, and makes every line harmless before it is drawn.

mod format;
mod state;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub use state::{State, Tell};
