//! `tidy`: the rules of the house that no compiler checks. Each finding names file and line, and what would be right.

mod arrows;
mod migrations;
mod run;
mod sources;

pub use migrations::seal;
pub use run::run;
