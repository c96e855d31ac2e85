//! The Technicians pane: people in the field, as a list with filter and order, and the detail of one.

mod clock;
mod columns;
mod detail;
mod state;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub(in crate::panes) use columns::{moment, position};
pub use state::{State, Tell};
