//! The program: reads the command line, runs the command, ends with its exit code. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    noctule::commands::main(std::env::args_os())
}
