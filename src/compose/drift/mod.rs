//! Drift in a running Noctule: checks, what they found, the quick look in between, and the repairs.

mod background;
mod desk;
mod repair;

pub use background::background;
pub use desk::{Drift, Pace};
pub use repair::{Repaired, repair};
