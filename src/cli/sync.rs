//! Commands of the operator's side of the centre: the copy, the outbox, conflicts, the login.

use super::words;
use clap::{Args, Subcommand};
use noctule_domain::sync::Resolution;

#[derive(Debug, Clone, Subcommand)]
pub enum SyncCommand {
    /// Both sides and the difference: link, login, age of the copy, outbox, conflicts, rows here and there
    Status {
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Push what waits and take in what changed; the first time, the whole copy
    Now {
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Compare the copy with the centre by checksums, and mend what differs
    Verify {
        /// Only compare
        #[arg(long)]
        check: bool,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// What waits to be pushed, and what was answered lately
    Outbox {
        /// Rows at most
        #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Changes that collided or were refused, with both values
    Conflicts {
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Decide a conflict
    Resolve {
        /// Id of the change, whole or its last characters
        op: String,
        /// mine: ask again for mine, over theirs; theirs: leave theirs; both: theirs and mine, for texts
        #[arg(value_parser = words::resolution())]
        resolution: Resolution,
    },
}

#[derive(Debug, Clone, Default, Args)]
pub struct LoginArgs {
    /// Let the password expire after this many hours [default: at logout or reboot]
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub keep: Option<u32>,
    /// Store it without trying it at the centre
    #[arg(long)]
    pub offline: bool,
}

#[derive(Debug, Clone, Default, Args)]
pub struct WipeArgs {
    /// Remove the outbox too: what the centre has not taken is then lost
    #[arg(long)]
    pub unsent_too: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}
