//! From the command line to the exit code: parses, starts the runtime, runs one command, says in one sentence what went wrong.

use super::{
    Out, aaa, audit, bulk, central, doctor, drift, export, field, import, init, ipv6, job, login, nas, operations, shell, subscriber, sync,
};
use crate::cli::{Cli, Command};
use crate::compose;
use crate::config::{Environment, load_or_safe};
use crate::exit::{Exit, Failure};
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs `noctule` with these arguments (the first is the program's name).
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, on standard output.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    // Another part of the process may have chosen one already: any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("noctule: the system gives no threads: {error}");
            return Exit::Internal.into();
        }
    };
    let ended = runtime.block_on(run(&cli));
    // A blocking read of a terminal or a pipe must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if !failure.sentence.is_empty() {
                eprintln!("noctule: {}", failure.sentence);
            }
            failure.exit.into()
        }
    }
}

async fn run(cli: &Cli) -> Result<Exit, Failure> {
    let flags = &cli.global;
    let Some(command) = &cli.command else {
        let (loaded, trouble) = load_or_safe(flags, &Environment::of_process())?;
        return compose::console(loaded, flags, trouble).await;
    };
    let mut out = Out::stdout(flags.color);
    let ended = match command {
        Command::Demo(args) => compose::demo(args, flags).await,
        Command::Init(args) => init::run(flags, args, &mut out).await,
        Command::Import(args) => import::run(flags, args, &mut out).await,
        Command::Export(args) => export::run(flags, args, &mut out).await,
        Command::Ipv6(what) => ipv6::run(flags, what, &mut out).await,
        Command::Provision(args) => bulk::provision(flags, args, &mut out).await,
        Command::Deprovision(args) => bulk::deprovision(flags, args, &mut out).await,
        Command::Job(what) => job::run(flags, what, &mut out).await,
        Command::Subscriber(what) => subscriber::run(flags, what, &mut out).await,
        Command::Operations(what) => operations::run(flags, what, &mut out).await,
        Command::Drift(what) => drift::run(flags, what, &mut out).await,
        Command::Task(what) => field::task(flags, what, &mut out).await,
        Command::Technician(what) => field::technician(flags, what, &mut out).await,
        Command::Clock(what) => field::clock(flags, what, &mut out).await,
        Command::Nas(what) => nas::run(flags, what, &mut out).await,
        Command::Pools { json } => nas::pools(flags, *json, &mut out).await,
        Command::Aaa(what) => aaa::run(flags, what, &mut out).await,
        Command::Doctor(args) => doctor::run(flags, args, &mut out).await,
        Command::Audit(what) => audit::run(flags, what, &mut out).await,
        Command::Central(what) => central::run(flags, what, &mut out).await,
        Command::Sync(what) => sync::run(flags, what, &mut out).await,
        Command::Login(args) => login::login(flags, args, &mut out).await,
        Command::Logout => login::logout(flags, &mut out),
        Command::Wipe(args) => login::wipe(flags, args, &mut out).await,
        Command::Server(args) => compose::server(args, flags).await,
        Command::Sim(what) => compose::sim(what).await,
        Command::Replay(args) => compose::replay(args, flags).await,
        Command::Completions { shell } => shell::completions(*shell, &mut out),
        Command::Man { dir } => shell::man(dir.as_deref(), &mut out),
    };
    out.flush()?;
    ended
}
