//! Commands of the AAA system.

use clap::Subcommand;

#[derive(Debug, Clone, Subcommand)]
pub enum AaaCommand {
    /// Make the table and the indexes that Noctule needs in the AAA database, after asking; with a centre, say there that logins are written
    Init {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Only print the statements, for the owner of the database
        #[arg(long)]
        print: bool,
    },
    /// Look at the AAA database: tables, rights, indexes; what is missing and what to do
    Check {
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// What a user's login gets there, and the sessions that accounting has
    Show {
        /// User name, as RADIUS has it
        user: String,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Read all of accounting once, now: sessions and what they prove
    Read {
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
}
