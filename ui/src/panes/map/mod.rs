//! The Map pane: technicians, tasks and NASes on the map; here as a list of positions.

mod state;
mod update;
mod view;

pub use state::{State, Tell};
