//! The Operations pane: what runs, waits and failed, with every try of every step; trying now, cancelling, starting again.

mod again;
mod columns;
mod detail;
mod state;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub use state::{State, Tell};
