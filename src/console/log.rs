//! Where the log goes while the screen is ours: to the Log pane, and to a file when one is configured. Never to the terminal.

use crate::config::{LogConfig, LogLevel};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, OnceLock};
use tokio::sync::Notify;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

static NEW_LINES: OnceLock<Notify> = OnceLock::new();

/// Told whenever there is a new line.
pub fn logs() -> &'static Notify {
    NEW_LINES.get_or_init(Notify::new)
}

/// Moves new lines to where the Log pane reads them.
pub fn take_in() {
    tui_logger::move_events();
}

struct Tell;

impl<S: tracing::Subscriber> Layer<S> for Tell {
    fn on_event(&self, _event: &tracing::Event<'_>, _context: Context<'_, S>) {
        logs().notify_one();
    }
}

/// Starts logging; a second start in one process changes nothing. The error is that of the file.
pub fn start(config: &LogConfig, verbose: u8) -> io::Result<()> {
    let (file, trouble) = match log_file(config) {
        Ok(file) => (file, None),
        Err(error) => (None, Some(error)),
    };
    let to_file = file.map(|file| tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(file)));
    let layers = tracing_subscriber::registry()
        .with(log_targets(config, verbose))
        .with(tui_logger::TuiTracingSubscriberLayer)
        .with(to_file)
        .with(Tell);
    if layers.try_init().is_ok() {
        // Not `init_logger`: its thread wakes a hundred times a second. The lines are moved when there are some (`take_in`).
        tui_logger::set_default_level(log_level(level_of(config, verbose)));
    }
    trouble.map_or(Ok(()), Err)
}

/// The configured file, made if missing.
pub fn log_file(config: &LogConfig) -> io::Result<Option<File>> {
    config.file.as_ref().map(|path| OpenOptions::new().append(true).create(true).mode(0o600).open(path)).transpose()
}

/// Ours as configured. What libraries say below a warning is of no use to an operator.
pub fn log_targets(config: &LogConfig, verbose: u8) -> Targets {
    const OURS: [&str; 9] =
        ["noctule", "noctule_network", "noctule_server", "noctule_sim", "noctule_storage", "noctule_sync", "operation", "netbox", "demo"];
    let level = level_of(config, verbose);
    Targets::new().with_default(LevelFilter::WARN).with_targets(OURS.map(|target| (target, level)))
}

fn level_of(config: &LogConfig, verbose: u8) -> LevelFilter {
    match (verbose, config.level) {
        (2.., _) | (_, LogLevel::Trace) => LevelFilter::TRACE,
        (1, _) | (_, LogLevel::Debug) => LevelFilter::DEBUG,
        (_, LogLevel::Info) => LevelFilter::INFO,
        (_, LogLevel::Warn) => LevelFilter::WARN,
        (_, LogLevel::Error) => LevelFilter::ERROR,
    }
}

fn log_level(level: LevelFilter) -> tui_logger::LevelFilter {
    match level {
        LevelFilter::TRACE => tui_logger::LevelFilter::Trace,
        LevelFilter::DEBUG => tui_logger::LevelFilter::Debug,
        LevelFilter::INFO => tui_logger::LevelFilter::Info,
        LevelFilter::WARN => tui_logger::LevelFilter::Warn,
        _ => tui_logger::LevelFilter::Error,
    }
}
