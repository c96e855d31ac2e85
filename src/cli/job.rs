//! Commands over many subscribers: the terms of a bulk, the flows, the jobs themselves.

use super::ExportFormat;
use clap::{Args, Subcommand};

/// How carefully a job goes, and whether it goes at all.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Many subscribers")]
pub struct BulkArgs {
    /// Everybody that a filter matches, instead of one subscriber: the words of the board's filter line; `*` is everybody
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Say what would happen to whom, and begin nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Begin at most so many a second on each NAS [default: as its window lets them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rate: Option<u32>,
    /// Percent that go first and alone, at least one and at most fifty [default: 1]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub canary: Option<u8>,
    /// Stop when more than this percent of the last hundred end refused, unanswered or failed [default: 5]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub threshold: Option<u8>,
}

/// Several operations one after the other, for one subscriber or many.
#[derive(Debug, Clone, Default, Args)]
pub struct FlowArgs {
    /// Numbers, user names or ids of the subscribers
    #[arg(required_unless_present = "filter", conflicts_with = "filter")]
    pub subscribers: Vec<String>,
    #[command(flatten)]
    pub bulk: BulkArgs,
    /// Why: kept in the operations and in the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Default, Args)]
pub struct ProvisionArgs {
    #[command(flatten)]
    pub flow: FlowArgs,
    /// Length to delegate, 48 to 64 [default: the subscriber's pd size, then 56]
    #[arg(long, value_name = "LENGTH", value_parser = clap::value_parser!(u8).range(48..=64))]
    pub prefix_len: Option<u8>,
    /// NetBox id of the pool [default: the first configured one with room]
    #[arg(long, value_name = "ID")]
    pub pool: Option<i64>,
    /// Seconds to wait until accounting shows the prefix in use; 0 does not wait
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub proof: u32,
    /// Give the prefix back when the activation is refused, unanswered or fails; without this it is kept as allocated
    #[arg(long)]
    pub undo: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum JobCommand {
    /// Jobs, newest first
    List {
        /// Rows at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// One job: how far it is, and its first errors
    Show {
        /// Id of the job, whole or its last characters
        id: String,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Begin nothing new; what is under way goes to its end
    Pause(JobArgs),
    /// Go on with a job that was paused or stopped, or that no process runs
    Resume(JobArgs),
    /// End it: what has not begun never will
    Cancel(JobArgs),
    /// A new job with those that were refused, unanswered or failed
    Retry {
        /// Id of the job, whole or its last characters
        id: String,
        #[command(flatten)]
        bulk: BulkArgs,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Every subscriber of a job with its outcome
    Export {
        /// Id of the job, whole or its last characters
        id: String,
        /// csv or json
        #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
        format: ExportFormat,
        /// Only those that ended refused, unanswered or failed
        #[arg(long)]
        bad: bool,
    },
}

#[derive(Debug, Clone, Args)]
pub struct JobArgs {
    /// Id of the job, whole or its last characters
    pub id: String,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}
