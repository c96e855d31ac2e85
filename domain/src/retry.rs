//! What an error means for the next try, and how long to wait for it.

use std::time::Duration;

/// Every error of ours answers this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same request will fail again.
    Never,
    /// The same request may succeed later.
    Later,
    /// Somebody must change something first (configuration, permission, inventory).
    AfterFix,
}

/// Capped exponential backoff with jitter. `jitter` is a number in 0..1 from outside: this crate has no randomness of its own.
///
/// The wait lies in `[d/2, d]` with `d = min(cap, base * 2^attempt)`: never zero, never longer than the cap.
pub fn backoff(attempt: u32, base: Duration, cap: Duration, jitter: f64) -> Duration {
    let factor = 2u32.checked_pow(attempt.min(20)).unwrap_or(u32::MAX);
    let full = base.checked_mul(factor).unwrap_or(cap).min(cap);
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.5 };
    full.mul_f64(0.5 + jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stays_between_half_and_cap(attempt in 0u32..10_000, base_ms in 1u64..10_000, cap_ms in 1u64..600_000, jitter in 0.0f64..1.0) {
            let cap = Duration::from_millis(cap_ms);
            let wait = backoff(attempt, Duration::from_millis(base_ms), cap, jitter);
            prop_assert!(wait <= cap);
            prop_assert!(wait >= Duration::from_millis(base_ms.min(cap_ms)) / 2);
        }
    }
}
