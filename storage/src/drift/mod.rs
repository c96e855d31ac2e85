//! Drift in this store: the rows as a check reads them, and the file of what checks found.

mod file;
mod rows;

pub use file::{DriftFile, Mend, MendWhat};
