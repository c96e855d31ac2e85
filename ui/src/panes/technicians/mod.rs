//! The Technicians pane: people in the field: who, status, skill, team, position and its age.

mod state;
mod update;
mod view;

pub use state::{State, Tell};
