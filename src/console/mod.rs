//! The full-screen console: terminal, event loop, effects, upstream watch, recorder. No rule lives here: what a message means is decided
//! in `noctule_ui`, what an operation does in the executor.

mod changes;
mod clock;
mod effects;
#[cfg(test)]
mod effects_tests;
mod event_loop;
mod frames;
mod input;
mod jobs;
mod log;
mod look;
mod osc;
mod plain;
mod preferences;
mod record;
mod replay;
mod sources;
mod terminal;
mod upstreams;

pub use clock::SystemClock;
pub use event_loop::{ConsoleSetup, run};
pub use log::{log_file, log_targets, start as start_log};
pub use look::detect as detect_look;
pub use plain::print as print_plain;
pub use preferences::{load as load_preferences, preferences_file};
pub use replay::{ReplayError, replay};
pub use sources::Signals;
pub use upstreams::{World, all as upstreams_now};
