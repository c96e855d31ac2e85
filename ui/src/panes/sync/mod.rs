//! The Sync pane: how this console stands with the centre, the copy and how far it is, what waits in the outbox, the conflicts that want a
//! decision, who else is connected.

mod lines;
mod sheet;
mod standing;
mod state;
mod update;
mod view;
mod words;

#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
pub(crate) mod world;

pub use state::{State, Tell};
