//! Web mercator: two formulas, and where they end. The world is a square of side 1, x to the east from the antimeridian, y to the south.

use noctule_domain::geo::LatLng;
use std::f64::consts::PI;

/// Latitudes beyond this are drawn at the edge of the square.
pub const MAX_LAT: f64 = 85.051_128_779_806_59;
/// Length of the equator in metres (WGS 84).
pub const EQUATOR_M: f64 = 40_075_016.685_578_49;

/// A place in the square of side 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorldPoint {
    pub x: f64,
    pub y: f64,
}

/// `None` for numbers that are not finite; latitudes are held within the square, longitudes wrapped into it.
pub fn project(at: LatLng) -> Option<WorldPoint> {
    if !at.lat.is_finite() || !at.lng.is_finite() {
        return None;
    }
    let lat = at.lat.clamp(-MAX_LAT, MAX_LAT).to_radians();
    let y = 0.5 - (PI / 4.0 + lat / 2.0).tan().ln() / (2.0 * PI);
    let x = if at.lng == 180.0 { 1.0 } else { (at.lng / 360.0 + 0.5).rem_euclid(1.0) };
    Some(WorldPoint { x, y: y.clamp(0.0, 1.0) })
}

/// The place on the ground; x is wrapped and y held, so that the answer is always finite and in range.
pub fn unproject(at: WorldPoint) -> LatLng {
    let x = if at.x.is_finite() { at.x } else { 0.5 };
    let y = if at.y.is_finite() { at.y.clamp(0.0, 1.0) } else { 0.5 };
    let x = if (0.0..=1.0).contains(&x) { x } else { x.rem_euclid(1.0) };
    let lat = (2.0 * ((0.5 - y) * 2.0 * PI).exp().atan() - PI / 2.0).to_degrees();
    LatLng { lat: lat.clamp(-MAX_LAT, MAX_LAT), lng: (x - 0.5) * 360.0 }
}

/// Metres on the ground of one unit of the square, at a latitude.
pub fn metres_per_world(lat: f64) -> f64 {
    EQUATOR_M * lat.clamp(-MAX_LAT, MAX_LAT).to_radians().cos()
}
