//! Where jobs are kept: a small file of its own, in both modes the same. Only one process of the user runs jobs, by a lock beside it.

mod journal;
mod open;
mod rows;

pub use open::Jobs;
