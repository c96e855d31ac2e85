//! Commands that read and fill the store, and the checks.

use super::{ExportFormat, ExportKind, ImportKind};
use clap::{Args, Subcommand};
use noctule_domain::page::SortColumn;
use std::path::PathBuf;

#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// What the file holds
    #[arg(value_enum)]
    pub kind: ImportKind,
    /// CSV file with a header line, UTF-8; - reads standard input
    pub file: PathBuf,
    /// Take the good rows although there are bad ones
    #[arg(long)]
    pub skip_bad: bool,
    /// Check everything, store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// NAS import: write secrets found in the file into files (0600) in DIR and store references to them
    #[arg(long, value_name = "DIR")]
    pub secrets_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// What to write
    #[arg(value_enum)]
    pub kind: ExportKind,
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ExportFormat::Csv)]
    pub format: ExportFormat,
    /// Subscribers: only those that match, as in the console: 'state:active nas:bng-3'
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Write into FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum SubscriberCommand {
    /// Subscribers that match a filter, as in the console
    List {
        /// Such as 'state:active nas:bng-3 anna'
        filter: Vec<String>,
        /// Rows at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        limit: u32,
        /// Column to sort by: number, username, name, state, prefix, nas, since; a - in front turns the order round
        #[arg(long, value_name = "COLUMN", default_value = "number", allow_hyphen_values = true, value_parser = parse_sort)]
        sort: noctule_domain::page::Sort,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// One subscriber with everything that is known
    Show {
        /// Number, user name or id
        subscriber: String,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Add to the notes of a subscriber
    Note {
        /// Number, user name or id
        subscriber: String,
        /// What to add
        text: String,
        /// Put it in the place of the notes instead
        #[arg(long)]
        replace: bool,
    },
}

fn parse_sort(text: &str) -> Result<noctule_domain::page::Sort, String> {
    let (descending, word) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let column: SortColumn = word.parse().map_err(|unknown: noctule_domain::words::UnknownWord| unknown.to_string())?;
    Ok(noctule_domain::page::Sort { column, descending })
}

#[derive(Debug, Clone, Subcommand)]
pub enum NasCommand {
    /// Registered NASes with health and counts
    List {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Ask NASes for a session that does not exist: any authentic answer shows that they can be reached and share our secret
    Probe {
        /// Names of NASes
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        names: Vec<String>,
        /// All that are enabled
        #[arg(long)]
        all: bool,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// The NAS profiles in force, or one with everything that it sends
    Profiles {
        /// Key of a profile, as in the registry: mikrotik
        name: Option<String>,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Work on a profile of one's own
    #[command(subcommand)]
    Profile(ProfileCommand),
}

#[derive(Debug, Clone, Subcommand)]
pub enum ProfileCommand {
    /// Whether a file can be used as a profile; if not, the line and what to do
    Check {
        /// A .toml file, such as one of the folder [radius] profiles_dir
        file: PathBuf,
    },
}

#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// Send a request to each NAS
    #[arg(long)]
    pub probe: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum AuditCommand {
    /// Prove that no record was changed, removed or put in between
    Verify {
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Records, newest first
    List {
        /// Rows at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
}
