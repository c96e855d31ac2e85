//! The command line, as data for clap. Only shapes and help texts: what a command does is in `commands`. Help, man pages, completions
//! and docs/cli.md are all made from these types.

mod aaa;
mod args;
mod central;
mod docs;
mod drift;
mod field;
mod job;
mod lifecycle;
mod lists;
mod root;
mod sync;
mod words;

pub use aaa::AaaCommand;
pub use args::{ColorChoice, ExportFormat, ExportKind, ImportKind};
pub use central::{CentralCommand, NewPasswordArgs, OwnerArgs, UserCommand};
pub use docs::{command, markdown};
pub use drift::{DismissArgs, DriftCommand, RepairArgs};
pub use field::{ClockCommand, TaskCommand, TechnicianCommand};
pub use job::{BulkArgs, FlowArgs, JobArgs, JobCommand, ProvisionArgs};
pub use lifecycle::{EmergencyArgs, Ipv6Args, Ipv6Command, OperationsCommand, PoolName};
pub use lists::{AuditCommand, DoctorArgs, ExportArgs, ImportArgs, NasCommand, ProfileCommand, SubscriberCommand};
pub use root::{Cli, Command, DemoArgs, GlobalArgs, InitArgs, InitCommand, ReplayArgs, ServerArgs, SimCommand, SimNasArgs, SimNetboxArgs};
pub use sync::{LoginArgs, SyncCommand, WipeArgs};
