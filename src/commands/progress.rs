//! Progress of what takes long, on standard error: one line that is written over on a terminal, a line every few seconds elsewhere.
//! Nothing is said of what is over within a second.

use noctule_domain::sync::{Phase, SyncStatus};
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const QUIET: Duration = Duration::from_secs(1);
const TERMINAL: Duration = Duration::from_millis(200);
const LOG: Duration = Duration::from_secs(5);

pub struct Progress {
    began: Instant,
    terminal: bool,
    said: Mutex<Option<Instant>>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { began: Instant::now(), terminal: std::io::stderr().is_terminal(), said: Mutex::default() }
    }
}

impl Progress {
    /// The time of silence begins.
    pub fn new() -> Self {
        Self::default()
    }

    pub fn say(&self, words: &str) {
        let pause = if self.terminal { TERMINAL } else { LOG };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if self.began.elapsed() < QUIET || said.is_some_and(|at| at.elapsed() < pause) {
            return;
        }
        *said = Some(Instant::now());
        let mut err = std::io::stderr().lock();
        // Nobody may be there to read it; the work goes on.
        let _ = if self.terminal { write!(err, "\r\x1b[K{words}").and_then(|()| err.flush()) } else { writeln!(err, "{words}") };
    }

    pub fn sync(&self, status: &SyncStatus) {
        match status.phase {
            Phase::Idle => {}
            Phase::Copying { table, rows, of } => self.say(&format!("copying {table}: {rows} of about {of} rows")),
            Phase::Indexing { percent } => self.say(&format!("building indexes: {percent} %")),
            Phase::CatchingUp { rows } => self.say(&format!("catching up: {rows} rows")),
            Phase::Verifying { table, percent } => self.say(&format!("comparing {table}: {percent} %")),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal && self.said.lock().is_ok_and(|said| said.is_some()) {
            eprint!("\r\x1b[K");
        }
    }
}
