//! The command line, as data for clap. Only shapes and help texts: what a command does is in `commands`. Help, man pages, completions
//! and docs/cli.md are all made from these types.

mod args;
mod docs;
mod lifecycle;
mod lists;
mod root;

pub use args::{ColorChoice, ExportFormat, ExportKind, ImportKind};
pub use docs::{command, markdown};
pub use lifecycle::{Ipv6Args, Ipv6Command, OperationsCommand};
pub use lists::{AuditCommand, DoctorArgs, ExportArgs, ImportArgs, NasCommand, SubscriberCommand};
pub use root::{Cli, Command, DemoArgs, GlobalArgs, InitArgs, InitCommand, ReplayArgs, SimCommand, SimNasArgs, SimNetboxArgs};
