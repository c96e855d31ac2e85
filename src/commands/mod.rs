//! What each command does, a file a family. Output goes to standard output, aligned, without colour where that is not a terminal; errors
//! are one sentence on standard error; the exit code is one of `exit`.

mod aaa;
mod audit;
mod bulk;
mod central;
mod central_load;
mod central_status;
mod confirm;
mod context;
mod doctor;
mod doctor_central;
mod doctor_system;
mod drift;
mod export;
mod export_rows;
mod field;
mod import;
mod import_centre;
mod import_kinds;
mod init;
mod ipv6;
mod job;
mod login;
mod nas;
mod nas_profiles;
mod operations;
mod out;
mod progress;
mod run;
mod shell;
mod subscriber;
mod sync;
mod sync_status;
mod wire_rows;

use confirm::confirm;

pub use context::{Context, actor, hostname, open_store, options as store_options, store_key};
pub use ipv6::Outcome;
pub use job::export_job;
pub use nas_profiles::markdown as nas_profiles_markdown;
pub use out::{Out, Table};
pub use progress::Progress;
pub use run::main;
pub use shell::man_pages;
