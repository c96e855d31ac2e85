//! The log of a process without a screen: lines on standard error, for a service manager to keep; in a file too, when one is configured.

use crate::config::LogConfig;
use crate::console::{log_file, log_targets};
use std::io;
use std::sync::Mutex;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

pub(super) fn start(config: &LogConfig, verbose: u8, json: bool) -> io::Result<()> {
    let file = log_file(config)?;
    let to_terminal: Boxed = match json {
        true => fmt::layer().json().flatten_event(true).with_writer(io::stderr).boxed(),
        // The service manager writes the time itself, into its own field; a person at a terminal wants it on the line.
        false if std::env::var_os("JOURNAL_STREAM").is_some() => {
            fmt::layer().with_ansi(false).without_time().with_writer(io::stderr).boxed()
        }
        false => fmt::layer().with_ansi(false).with_writer(io::stderr).boxed(),
    };
    let to_file: Option<Boxed> = file.map(|file| fmt::layer().with_ansi(false).with_writer(Mutex::new(file)).boxed());
    let layers: Vec<Boxed> = std::iter::once(to_terminal).chain(to_file).collect();
    // A second start in one process changes nothing.
    let _ = tracing_subscriber::registry().with(layers).with(log_targets(config, verbose)).try_init();
    Ok(())
}
