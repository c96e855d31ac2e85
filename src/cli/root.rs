//! The top of the command line: global options, the list of commands, and the small commands.

use super::{
    AaaCommand, AuditCommand, CentralCommand, ClockCommand, ColorChoice, DoctorArgs, DriftCommand, ExportArgs, FlowArgs, ImportArgs,
    Ipv6Command, JobCommand, LoginArgs, NasCommand, OperationsCommand, ProvisionArgs, SubscriberCommand, SyncCommand, TaskCommand,
    TechnicianCommand, WipeArgs,
};
use crate::exit::Exit;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A full-screen console for the people who keep an Internet provider running.
///
/// Without a command the console starts. `noctule demo` starts it on a made-up provider with simulated upstreams; `noctule init` writes
/// a configuration to fill in.
#[derive(Debug, Parser)]
#[command(name = "noctule", version, propagate_version = true, after_help = Exit::table(), disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Configuration file [default: config.toml in the configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Store file [default: noctule.db in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// Theme of the console: dark, light, high-contrast, mono
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Draw with ASCII characters only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Plain lines instead of a full screen: for screen readers and dumb terminals
    #[arg(long, global = true)]
    pub plain: bool,
    /// Colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Record what happens in the console into FILE, for `noctule replay`
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Look, change nothing: every operation and import is refused
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Folder with further NAS profiles (*.toml)
    #[arg(long, global = true, value_name = "DIR")]
    pub profile_dir: Option<PathBuf>,
    /// Say more in the log: -v debug, -vv trace
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the console on a made-up provider, with a simulated NetBox and simulated NASes
    Demo(DemoArgs),
    /// Write a commented configuration; `init netbox` prepares a NetBox
    Init(InitArgs),
    /// Import a CSV file: all rows or none
    Import(ImportArgs),
    /// Write out what the store holds, as CSV or JSON
    Export(ExportArgs),
    /// The IPv6 lifecycle of one subscriber: allocate, activate, suspend, resume, revoke, status, emergency-disconnect
    #[command(subcommand)]
    Ipv6(Ipv6Command),
    /// Allocate, activate, and wait for the first proof: one subscriber or many
    Provision(ProvisionArgs),
    /// Suspend, then revoke; the prefix rests and is then given back: one subscriber or many
    Deprovision(FlowArgs),
    /// Jobs over many subscribers: how far they are, pause, go on, cancel, retry, export
    #[command(subcommand)]
    Job(JobCommand),
    /// Subscribers of the store: list, show, note
    #[command(subcommand)]
    Subscriber(SubscriberCommand),
    /// Lifecycle operations and their journal
    #[command(subcommand)]
    Operations(OperationsCommand),
    /// Drift between the subscribers, NetBox, AAA and sessions: check, list, repair, dismiss
    #[command(subcommand)]
    Drift(DriftCommand),
    /// Field tasks
    #[command(subcommand)]
    Task(TaskCommand),
    /// Technicians
    #[command(subcommand)]
    Technician(TechnicianCommand),
    /// Working time: clock in and out
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Registered NASes
    #[command(subcommand)]
    Nas(NasCommand),
    /// The configured pools, asked from NetBox or the built-in IPAM: use, what still fits, how long they last
    Pools {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// The AAA system: what logins get, and accounting
    #[command(subcommand)]
    Aaa(AaaCommand),
    /// Check configuration, folders, store, terminal, NetBox and NASes; each trouble with its cure
    Doctor(DoctorArgs),
    /// The audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The central PostgreSQL, with its owner's login: set up, look after, operators
    #[command(subcommand)]
    Central(CentralCommand),
    /// The copy of the centre on this machine, and what waits to be pushed
    #[command(subcommand)]
    Sync(SyncCommand),
    /// Ask for the password of the centre and keep it in the kernel's keyring, never on the disk
    Login(LoginArgs),
    /// Take the password of the centre out of the kernel's keyring
    Logout,
    /// Remove the copy of the centre from this machine
    Wipe(WipeArgs),
    /// Run without a screen: background work, health and webhooks of NetBox over HTTP, until SIGTERM
    Server(ServerArgs),
    /// Run a simulated upstream for tests
    #[command(subcommand)]
    Sim(SimCommand),
    /// Play a recording of the console
    Replay(ReplayArgs),
    /// Print a completion script for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write man pages into DIR, or print the first one
    Man {
        /// Folder for the pages, made if missing
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Default, Args)]
pub struct DemoArgs {
    /// Keep the store in DIR instead of a scratch folder that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Subscribers to make
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    pub subscribers: u32,
    /// Seed of everything that is random: the same seed gives the same provider
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Let the upstreams have a bad minute: silence, NAKs, lost answers
    #[arg(long)]
    pub bad_minute: bool,
}

#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct InitArgs {
    /// Write over a configuration that is there
    #[arg(long)]
    pub force: bool,
    #[command(subcommand)]
    pub what: Option<InitCommand>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum InitCommand {
    /// Make the custom fields and the tag that Noctule needs in NetBox, after asking
    Netbox {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Clone, Default, Args)]
pub struct ServerArgs {
    /// Address to listen on [default: server.listen of the configuration]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Log lines as JSON objects
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum SimCommand {
    /// A NAS that answers CoA-Request and Disconnect-Request over UDP
    Nas(SimNasArgs),
    /// A NetBox that answers the requests Noctule makes over HTTP
    Netbox(SimNetboxArgs),
}

#[derive(Debug, Clone, Args)]
pub struct SimNasArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3799")]
    pub listen: SocketAddr,
    /// Where its secret is found: env:NAME, file:PATH or command:PROGRAM ARGUMENTS
    #[arg(long, value_name = "REFERENCE")]
    pub secret: String,
    /// What it does: ack, nak:CAUSE, silent, slow:MILLISECONDS, flaky:PERCENT
    #[arg(long, value_name = "BEHAVIOUR", default_value = "ack")]
    pub behaviour: String,
}

#[derive(Debug, Clone, Args)]
pub struct SimNetboxArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8001")]
    pub listen: SocketAddr,
    /// Where the token that it accepts is found: env:NAME, file:PATH or command:PROGRAM ARGUMENTS
    #[arg(long, value_name = "REFERENCE")]
    pub token: String,
    /// A pool to start with; may be given several times
    #[arg(long = "pool", value_name = "PREFIX")]
    pub pools: Vec<ipnet::Ipv6Net>,
}

#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// A file made with --record
    pub file: PathBuf,
    /// Print the frames as text instead of playing them
    #[arg(long)]
    pub frames: bool,
}
