//! The Tasks pane: field tasks as a list and as a board by status, the detail of one, changing its status, assigning it.

mod assign;
mod board;
mod change;
mod columns;
mod detail;
mod state;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub(in crate::panes) use columns::due;
pub use state::{State, Tell};
