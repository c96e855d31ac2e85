//! The Network pane: the pools of NetBox with their use, and the registry of NASes with what is known of each.

mod detail;
mod rows;
mod state;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub(in crate::panes) use rows::level;
pub use state::{State, Tell};
