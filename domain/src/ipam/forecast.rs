//! How long a pool lasts at its present rate, from the samples of its use. The rate is a Theil-Sen slope: the median of the slopes between
//! all pairs, so that a bulk, a clean-up or a day without NetBox does not turn it over.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// Samples older than this say nothing of the present rate.
pub const WINDOW_DAYS: i64 = 30;
/// Shorter than this there is no rate to speak of.
const LEAST_HOURS: i64 = 48;
const LEAST_SAMPLES: usize = 6;
/// Pairs grow with the square: so many points are enough.
const POINTS: usize = 120;

/// Use of a pool at one time, in delegations of its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub at: Timestamp,
    pub used: u64,
    pub capacity: u64,
}

/// What the samples say. Rates are delegations a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outlook", rename_all = "snake_case")]
pub enum Forecast {
    /// Watched for too short a time.
    NotEnough {
        hours: i64,
        of: i64,
    },
    Full,
    /// Less than one delegation in a window.
    Steady,
    Shrinking {
        per_day: f64,
    },
    Growing {
        per_day: f64,
        days_left: f64,
    },
}

impl Forecast {
    pub fn days_left(&self) -> Option<f64> {
        match self {
            Self::Full => Some(0.0),
            Self::Growing { days_left, .. } => Some(*days_left),
            _ => None,
        }
    }
}

/// The outlook after the last of `samples` (in the order of time). Only what was measured against the capacity of the last one counts: a
/// parent that was replaced by a larger one begins anew.
pub fn forecast(samples: &[Sample]) -> Forecast {
    let Some(last) = samples.last() else { return Forecast::NotEnough { hours: 0, of: LEAST_HOURS } };
    if last.used >= last.capacity {
        return Forecast::Full;
    }
    let begin = last.at - chrono::Duration::days(WINDOW_DAYS);
    let fits = |s: &&Sample| s.at >= begin && s.at <= last.at && s.capacity == last.capacity;
    let seen: Vec<&Sample> = samples.iter().filter(fits).collect();
    let hours = seen.first().map_or(0, |first| (last.at - first.at).num_hours());
    if seen.len() < LEAST_SAMPLES || hours < LEAST_HOURS {
        return Forecast::NotEnough { hours, of: LEAST_HOURS };
    }
    let per_day = slope(&thinned(&seen));
    if per_day.abs() * WINDOW_DAYS as f64 <= 1.0 {
        Forecast::Steady
    } else if per_day < 0.0 {
        Forecast::Shrinking { per_day }
    } else {
        Forecast::Growing { per_day, days_left: (last.capacity - last.used) as f64 / per_day }
    }
}

/// At most `POINTS`, evenly over the list, both ends kept; as days and delegations.
fn thinned(seen: &[&Sample]) -> Vec<(f64, f64)> {
    let Some(first) = seen.first() else { return Vec::new() };
    let n = seen.len().min(POINTS);
    let pick = |i: usize| if n < 2 { 0 } else { i * (seen.len() - 1) / (n - 1) };
    (0..n).map(|i| seen[pick(i)]).map(|s| ((s.at - first.at).num_seconds() as f64 / 86_400.0, s.used as f64)).collect()
}

fn slope(points: &[(f64, f64)]) -> f64 {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (i, (x1, y1)) in points.iter().enumerate() {
        slopes.extend(points[i + 1..].iter().filter(|(x2, _)| x2 > x1).map(|(x2, y2)| (y2 - y1) / (x2 - x1)));
    }
    if slopes.is_empty() {
        return 0.0;
    }
    slopes.sort_by(f64::total_cmp);
    let mid = slopes.len() / 2;
    if slopes.len() % 2 == 1 { slopes[mid] } else { (slopes[mid - 1] + slopes[mid]) / 2.0 }
}

/// The use as `cells` values over the last `days` before the last sample, each the share (0 to 1) at its end; `None` before the first
/// sample. For a sparkline.
pub fn resample(samples: &[Sample], days: i64, cells: usize) -> Vec<Option<f64>> {
    let (Some(last), true) = (samples.last(), cells > 0) else { return vec![None; cells] };
    let span = chrono::Duration::days(days).num_seconds();
    let mut out = Vec::with_capacity(cells);
    let (mut next, mut now) = (0, None);
    for cell in 0..cells {
        let back = span - span * (cell as i64 + 1) / cells as i64;
        let end = last.at - chrono::Duration::seconds(back);
        while let Some(sample) = samples.get(next).filter(|s| s.at <= end) {
            now = Some(if sample.capacity == 0 { 1.0 } else { (sample.used as f64 / sample.capacity as f64).clamp(0.0, 1.0) });
            next += 1;
        }
        out.push(now);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hours: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_760_000_000 + hours * 3600, 0).expect("a time")
    }

    fn line(hours: i64, from: f64, per_day: f64) -> Vec<Sample> {
        (0..=hours).map(|h| Sample { at: at(h), used: (from + per_day * h as f64 / 24.0).round() as u64, capacity: 65_536 }).collect()
    }

    fn days(samples: &[Sample]) -> f64 {
        forecast(samples).days_left().expect("days")
    }

    #[test]
    fn a_steady_growth_gives_the_days_that_are_left() {
        let samples = line(24 * 10, 53_000.0, 1000.0);
        assert!((days(&samples) - 2.536).abs() < 0.05, "{:?}", forecast(&samples));
        assert_eq!(forecast(&line(24 * 10, 500.0, 0.0)), Forecast::Steady);
        assert!(matches!(forecast(&line(24 * 10, 500.0, -20.0)), Forecast::Shrinking { per_day } if (per_day + 20.0).abs() < 0.5));
    }

    #[test]
    fn too_little_is_said_to_be_too_little() {
        assert_eq!(forecast(&[]), Forecast::NotEnough { hours: 0, of: 48 });
        assert_eq!(forecast(&line(30, 500.0, 100.0)), Forecast::NotEnough { hours: 30, of: 48 });
        let two = [line(0, 10.0, 0.0)[0], Sample { at: at(200), used: 20, capacity: 65_536 }];
        assert!(matches!(forecast(&two), Forecast::NotEnough { hours: 200, .. }), "two points are no rate");
    }

    #[test]
    fn a_bulk_or_a_hole_does_not_turn_it_over() {
        let mut samples = line(24 * 20, 10_000.0, 100.0);
        let calm = days(&samples);
        // One bad reading, and two days in which nobody looked.
        samples[100].used = 60_000;
        samples.drain(200..248);
        assert!((days(&samples) / calm - 1.0).abs() < 0.02, "{} against {calm}", days(&samples));
    }

    #[test]
    fn a_parent_of_another_size_begins_anew() {
        let mut samples = line(24 * 10, 1000.0, 100.0);
        samples.push(Sample { at: at(24 * 10 + 1), used: 2001, capacity: 131_072 });
        assert!(matches!(forecast(&samples), Forecast::NotEnough { .. }));
    }

    #[test]
    fn the_line_carries_the_last_value_over_holes() {
        let samples = [Sample { at: at(24), used: 1, capacity: 4 }, Sample { at: at(24 * 4), used: 2, capacity: 4 }];
        assert_eq!(resample(&samples, 4, 4), [Some(0.25), Some(0.25), Some(0.25), Some(0.5)]);
        assert_eq!(resample(&samples, 8, 4), [None, None, Some(0.25), Some(0.5)]);
        assert_eq!(resample(&[], 8, 2), [None, None]);
    }

    proptest! {
        #[test]
        fn it_never_panics_and_days_are_never_negative(
            seen in proptest::collection::vec((0i64..2000, 0u64..70_000, 0u64..3), 0..80), cells in 0usize..50
        ) {
            let mut samples: Vec<Sample> =
                seen.iter().map(|(h, used, size)| Sample { at: at(*h), used: *used, capacity: size * 65_536 }).collect();
            samples.sort_by_key(|s| s.at);
            if let Some(days) = forecast(&samples).days_left() {
                prop_assert!(days >= 0.0 && days.is_finite());
            }
            prop_assert_eq!(resample(&samples, 30, cells).len(), cells);
        }
    }
}
