//! Waits between repeats, RFC 5080 section 2.2.1. Numbers come from a profile; nonsense in it never panics.

use noctule_domain::nas::Retransmit;
use std::time::Duration;

/// A duration from a profile's number; nonsense is zero, and a day is the most.
pub fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value.min(86_400.0)).unwrap_or_default()
}

fn jitter() -> f64 {
    rand::random_range(-0.1..=0.1)
}

/// RT for the first wait, RFC 5080 section 2.2.1.
pub fn first_wait(retransmit: &Retransmit) -> f64 {
    retransmit.irt_s * (1.0 + jitter())
}

/// RT for the next wait: doubled, and capped by MRT.
pub fn next_wait(last: f64, retransmit: &Retransmit) -> f64 {
    let doubled = last * (2.0 + jitter());
    if retransmit.mrt_s > 0.0 && doubled > retransmit.mrt_s { retransmit.mrt_s * (1.0 + jitter()) } else { doubled }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_follow_rfc_5080(irt in 0.1f64..10.0, mrt in 1.0f64..60.0, steps in 1usize..12) {
            let retransmit = Retransmit { irt_s: irt, mrt_s: mrt, mrc: 5, mrd_s: 30.0 };
            let mut wait = first_wait(&retransmit);
            prop_assert!((0.9 * irt..=1.1 * irt).contains(&wait));
            for _ in 0..steps {
                let next = next_wait(wait, &retransmit);
                prop_assert!(next <= mrt * 1.1 + 1e-9);
                prop_assert!((1.9 * wait - 1e-9..=2.1 * wait + 1e-9).contains(&next) || (0.9 * mrt..=1.1 * mrt).contains(&next));
                wait = next;
            }
        }

        #[test]
        fn nonsense_in_a_profile_never_panics(value in any::<f64>()) {
            prop_assert!(seconds(value) <= Duration::from_secs(86_400));
        }
    }
}
