//! The program `noctule` as a library, so that the binary, `xtask` and the tests use the same code. Composition happens here and only
//! here: the other crates of the workspace meet in this one.

pub mod cli;
pub mod commands;
pub mod compose;
pub mod config;
pub mod console;
pub mod csv_import;
pub mod exit;
pub mod keyring;
pub mod near;
pub mod secrets;
