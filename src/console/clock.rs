//! The real clock, for everything below that is given one.

use noctule_domain::{Timestamp, ports::Clock};

#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }
}
