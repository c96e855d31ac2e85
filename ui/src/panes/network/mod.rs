//! The Network pane: pools and the NAS registry.

mod state;
mod update;
mod view;

pub use state::{State, Tell};
