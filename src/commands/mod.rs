//! What each command does, a file a family. Output goes to standard output, aligned, without colour where that is not a terminal; errors
//! are one sentence on standard error; the exit code is one of `exit`.

mod audit;
mod context;
mod doctor;
mod doctor_system;
mod export;
mod export_rows;
mod import;
mod import_kinds;
mod init;
mod ipv6;
mod nas;
mod operations;
mod out;
mod run;
mod shell;
mod subscriber;

pub use context::{Context, actor, options as store_options};
pub use ipv6::Outcome;
pub use out::{Out, Table};
pub use run::main;
pub use shell::man_pages;
