//! Developer commands: `cargo xtask gen`, `tidy`, `bench-report`. They read and write the working tree, never the network.

mod bench;
mod gen_docs;
mod root;
mod tidy;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Noctule")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the generated documents: command line, configuration, keys, CSV columns, keymap, man pages
    Gen {
        /// Write nothing; fail when one is stale
        #[arg(long)]
        check: bool,
    },
    /// The rules of the house that no compiler checks
    Tidy,
    /// Record the checksums of the migrations that are released now; they are never edited after that
    SealMigrations,
    /// Write docs/performance.md from the output of benches and from criterion's results
    BenchReport {
        /// Files with lines `BENCH name value unit`
        files: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let done = root::find().and_then(|root| match Cli::parse().command {
        Command::Gen { check } => gen_docs::run(&root, check),
        Command::Tidy => tidy::run(&root),
        Command::SealMigrations => tidy::seal(&root),
        Command::BenchReport { files } => bench::run(&root, &files),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
