//! The Overview pane: state counts, pools, alerts, what runs, today.

mod state;
mod update;
mod view;

pub use state::{State, Tell};
