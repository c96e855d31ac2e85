//! `noctule drift`: what differs between the subscribers and the systems around them.

use clap::{Args, Subcommand};

#[derive(Debug, Clone, Subcommand)]
pub enum DriftCommand {
    /// Compare the subscribers with NetBox, AAA and sessions; exit code 13 when something is found
    Check {
        /// Look only for these kinds; may be given several times
        #[arg(long = "kind", value_name = "KIND")]
        kinds: Vec<String>,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// What the checks of this machine found and what still stands
    List {
        /// Only these kinds; may be given several times
        #[arg(long = "kind", value_name = "KIND")]
        kinds: Vec<String>,
        /// Dismissed ones too
        #[arg(long)]
        dismissed: bool,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// One finding: both sides, and what its repair will do
    Show {
        /// Id of the finding, as `drift list` shows it
        id: String,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Repair findings as each proposes; each is looked at again first
    Repair(RepairArgs),
    /// Dismiss a finding with a reason: it is not shown again unless it changes
    Dismiss(DismissArgs),
}

#[derive(Debug, Clone, Args)]
pub struct RepairArgs {
    /// Ids of findings, as `drift list` shows them
    #[arg(required_unless_present = "kind", conflicts_with = "kind")]
    pub ids: Vec<String>,
    /// All standing findings of this kind
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Why: kept in the journal and in the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do not ask: dangerous repairs, and more than one, ask for confirmation otherwise
    #[arg(long)]
    pub yes: bool,
    /// Seconds to wait for the end of an operation; it goes on after that
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub wait: u32,
}

#[derive(Debug, Clone, Args)]
pub struct DismissArgs {
    /// Id of the finding, as `drift list` shows it
    pub id: String,
    /// Why it may stay as it is
    #[arg(long, value_name = "TEXT", required_unless_present = "undo")]
    pub reason: Option<String>,
    /// Take the dismissal back
    #[arg(long, conflicts_with = "reason")]
    pub undo: bool,
}
