//! The Tasks pane: field tasks as a list.

mod state;
mod update;
mod view;

pub use state::{State, Tell};
