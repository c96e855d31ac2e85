//! Positions on the ground.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// WGS 84, degrees. Latitude 0 and longitude 0 are values, not "unknown".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatLng {
    pub lat: f64,
    pub lng: f64,
}

impl LatLng {
    /// `None` when a number is not finite or out of range.
    pub fn new(lat: f64, lng: f64) -> Option<Self> {
        (lat.is_finite() && lng.is_finite() && lat.abs() <= 90.0 && lng.abs() <= 180.0).then_some(Self { lat, lng })
    }

    /// Great-circle distance in metres (haversine, mean earth radius 6,371,009 m).
    pub fn distance_m(self, other: Self) -> f64 {
        let (a, b) = (self.lat.to_radians(), other.lat.to_radians());
        let (dlat, dlng) = (b - a, (other.lng - self.lng).to_radians());
        let h = (dlat / 2.0).sin().powi(2) + a.cos() * b.cos() * (dlng / 2.0).sin().powi(2);
        2.0 * 6_371_009.0 * h.sqrt().min(1.0).asin()
    }
}

/// One position report of a person.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    pub at: LatLng,
    /// Metres; `None` when the source does not say.
    pub accuracy_m: Option<f64>,
    pub speed_kmh: Option<f64>,
    pub heading_deg: Option<f64>,
    /// Time by the device: positions are ordered by this, so a late upload never moves anyone backwards.
    pub device_time: Timestamp,
}
