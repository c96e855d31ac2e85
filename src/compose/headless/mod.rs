//! `noctule server`: the program without a screen. Background work as in a console, health and webhooks over HTTP, a log on standard error,
//! an end on SIGTERM that leaves nothing half said.

mod health;
mod log;
mod look;
mod notify;
mod run;

pub use run::server;
