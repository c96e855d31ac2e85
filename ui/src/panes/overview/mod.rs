//! The Overview pane: what needs attention, states with their share, pools, operations, the field today. Every line leads somewhere.

mod rows;
mod state;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub use state::{State, Tell};
