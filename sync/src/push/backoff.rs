//! How long to wait before the next try: doubling up to a cap, with jitter, so that a thousand consoles do not come back in the same moment.

use rand::RngExt;
use std::time::Duration;

/// Waits of one row of failures. Reset by a success.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    failures: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(60))
    }
}

impl Backoff {
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, failures: 0 }
    }

    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next wait: between half and the whole of `first` doubled with each failure, never more than the cap.
    pub fn wait(&mut self) -> Duration {
        let whole = self.first.saturating_mul(1 << self.failures.min(20)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        whole.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let waits: Vec<Duration> = (0..40).map(|_| backoff.wait()).collect();
        assert!(waits[0] <= Duration::from_millis(100) && waits[0] >= Duration::from_millis(50), "{waits:?}");
        assert!(waits[1] >= Duration::from_millis(100) && waits.iter().all(|w| *w <= Duration::from_secs(2)), "{waits:?}");
        assert!(waits[39] >= Duration::from_secs(1));
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(100));
    }
}
