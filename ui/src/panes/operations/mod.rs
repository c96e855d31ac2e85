//! The Operations pane: lifecycle operations: what runs, waits, failed.

mod state;
mod update;
mod view;

pub use state::{State, Tell};
