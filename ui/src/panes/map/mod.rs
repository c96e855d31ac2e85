//! The Map pane: technicians, tasks and NASes on the map; panning, zooming, following, layers, search, and the way to what is selected.

mod layers;
mod legend;
mod marks;
mod state;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub use state::{State, Tell};
