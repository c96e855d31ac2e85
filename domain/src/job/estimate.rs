//! How long a job will take, before it begins.

use super::Terms;
use std::time::Duration;

/// What a job asks of one NAS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NasLoad {
    pub items: u32,
    /// Requests in flight by its profile.
    pub window: u16,
    /// Requests per second by its profile.
    pub rate: Option<u32>,
    pub round_trip: Duration,
}

/// The NAS that takes longest, at what its window and rate let through, and the canaries before.
pub fn estimate(terms: &Terms, stages: u8, loads: &[NasLoad]) -> Duration {
    let total: u32 = loads.iter().map(|load| load.items).sum();
    let canaries = f64::from(terms.canaries(total.max(1)));
    let slowest = loads
        .iter()
        .map(|load| {
            let trip = load.round_trip.as_secs_f64().max(0.001);
            let window = f64::from(load.window.min(terms.per_nas).max(1));
            let rates = [load.rate, terms.rate_per_nas].into_iter().flatten().map(f64::from);
            let per_s = rates.fold(window / trip, f64::min).max(0.001);
            (f64::from(load.items) * f64::from(stages.max(1)) / per_s, trip)
        })
        .fold((0.0, 0.0), |most: (f64, f64), this| if this.0 > most.0 { this } else { most });
    // Canaries are spread over the NASes and go side by side.
    let first = slowest.1 * (canaries / loads.len().max(1) as f64).ceil();
    Duration::from_secs_f64(slowest.0 + first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_nas_decides() {
        let load = |items, rate| NasLoad { items, window: 16, rate, round_trip: Duration::from_millis(20) };
        let fast = estimate(&Terms::default(), 1, &[load(1600, None), load(10, None)]);
        assert!((2.0..2.6).contains(&fast.as_secs_f64()), "{fast:?}");
        let slow = estimate(&Terms { rate_per_nas: Some(10), ..Terms::default() }, 1, &[load(1600, None)]);
        assert!((160.0..161.0).contains(&slow.as_secs_f64()), "{slow:?}");
    }
}
