//! Waiting for a condition, with a deadline.

use std::time::{Duration, Instant};

/// How long anything may take on a machine that is busy. A test waits for a condition, never for this.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(40);

/// Looks until `look` gives something, or fails with what `seen` says at the end.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>, seen: impl FnOnce() -> String) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited for: {what}\n{}", seen());
        std::thread::sleep(LOOK);
    }
}
