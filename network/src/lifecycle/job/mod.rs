//! Jobs, driven: one process of the user takes what the domain's machine lets start, begins it through the executor, and stores each end
//! before it decides on the next.

mod runner;
mod stage;

pub use runner::{JobRunner, Lead};
