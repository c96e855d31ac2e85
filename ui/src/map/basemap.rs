//! The outline of the world: reads the compact file that the converter wrote and keeps it at five levels of detail, each made when first
//! needed. A file that is not well formed is an error, never a panic; its size is bounded.

use super::{
    MapError,
    level::Level,
    project::{WorldPoint, project},
};
use noctule_domain::geo::LatLng;
use std::sync::{LazyLock, OnceLock};

static WORLD: LazyLock<Result<Basemap, MapError>> =
    LazyLock::new(|| Basemap::decode(include_bytes!("../../../assets/basemap/world-50m.bin")));

const MAGIC: &[u8] = b"NOCBASE1";
const MAX_LINES: u64 = 50_000;
const MAX_POINTS: u64 = 2_000_000;
/// Up to this zoom the level of the same index is drawn; above the last, every point.
const LEVEL_ZOOM: [f64; 4] = [-0.5, 1.0, 3.0, 5.0];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    Coast,
    Border,
}

/// One line in the square of side 1.
#[derive(Debug, Clone, PartialEq)]
pub struct BaseLine {
    pub kind: LineKind,
    pub points: Vec<[f32; 2]>,
}

/// Coasts and borders.
#[derive(Debug, Default)]
pub struct Basemap {
    lines: Vec<BaseLine>,
    levels: [OnceLock<Level>; 5],
}

impl Basemap {
    /// The outline that the binary carries.
    pub fn world() -> Result<&'static Self, &'static MapError> {
        WORLD.as_ref()
    }

    /// Reads a file of the converter.
    pub fn decode(bytes: &[u8]) -> Result<Self, MapError> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(MAGIC.len()).ok() != Some(MAGIC) {
            return Err(MapError::NotABasemap);
        }
        let [scale_x, origin_x, scale_y, origin_y] = [reader.float()?, reader.float()?, reader.float()?, reader.float()?];
        let count = reader.count("lines", MAX_LINES)?;
        let mut lines = Vec::new();
        let mut total = 0;
        for _ in 0..count {
            let kind = match reader.varint()? {
                0 => LineKind::Coast,
                1 => LineKind::Border,
                kind => return Err(MapError::UnknownKind { kind }),
            };
            let count = reader.count("points", MAX_POINTS - total)?;
            total += count;
            let (mut x, mut y) = (0i64, 0i64);
            // Not `with_capacity(count)`: the number is the file's, the memory ours.
            let mut points = Vec::new();
            for _ in 0..count {
                x = x.saturating_add(reader.signed()?);
                y = y.saturating_add(reader.signed()?);
                let (lng, lat) = (x as f64 * scale_x + origin_x, y as f64 * scale_y + origin_y);
                if !(-180.5..=180.5).contains(&lng) || !(-90.5..=90.5).contains(&lat) {
                    return Err(MapError::BadNumber { at: reader.at });
                }
                // The eastern edge of the world must not wrap to the western one.
                let x = (lng / 360.0 + 0.5).clamp(0.0, 1.0);
                let y = project(LatLng { lat, lng }).map_or(0.5, |p: WorldPoint| p.y);
                points.push([x as f32, y as f32]);
            }
            if points.len() > 1 {
                lines.push(BaseLine { kind, points });
            }
        }
        Ok(Self { lines, levels: Default::default() })
    }

    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    pub fn points(&self) -> usize {
        self.lines.iter().map(|l| l.points.len()).sum()
    }

    /// The detail to draw at a zoom.
    pub(super) fn level(&self, zoom: f64) -> &Level {
        let index = LEVEL_ZOOM.iter().position(|limit| zoom <= *limit).unwrap_or(LEVEL_ZOOM.len());
        self.levels[index].get_or_init(|| {
            // Half a dot at the nearest zoom at which the level is drawn.
            let tolerance = LEVEL_ZOOM.get(index).map(|zoom| 0.5 / (256.0 * zoom.exp2()) as f32);
            Level::build(&self.lines, tolerance)
        })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], MapError> {
        let end = self.at.checked_add(count).ok_or(MapError::Truncated { at: self.at })?;
        let slice = self.bytes.get(self.at..end).ok_or(MapError::Truncated { at: self.at })?;
        self.at = end;
        Ok(slice)
    }

    fn float(&mut self) -> Result<f64, MapError> {
        let mut raw = [0; 8];
        raw.copy_from_slice(self.take(8)?);
        let value = f64::from_le_bytes(raw);
        if value.is_finite() && value.abs() <= 360.0 { Ok(value) } else { Err(MapError::BadNumber { at: self.at }) }
    }

    fn varint(&mut self) -> Result<u64, MapError> {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(MapError::BadNumber { at: self.at })
    }

    fn signed(&mut self) -> Result<i64, MapError> {
        let raw = self.varint()?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    fn count(&mut self, what: &'static str, limit: u64) -> Result<u64, MapError> {
        let count = self.varint()?;
        if count > limit { Err(MapError::TooLarge { what, count, limit }) } else { Ok(count) }
    }
}
