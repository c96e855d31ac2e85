//! The Drift pane: what differs between the subscribers, NetBox, AAA and sessions, by severity and age, with both sides, what the repair
//! will do, repairing and dismissing.

mod columns;
mod detail;
mod mend;
mod state;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub use state::{State, Tell};
