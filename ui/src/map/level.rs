//! One level of detail: lines simplified to a tolerance, cut into pieces with a box each, so that a frame skips what it does not show.

use super::basemap::{BaseLine, LineKind};

/// Points of one piece.
const PIECE: usize = 96;
/// Width and height together, in tolerances, below which an island is no shape but dust: four dots at the nearest zoom of the level.
const DUST: f32 = 8.0;

#[derive(Debug)]
pub struct Piece {
    pub kind: LineKind,
    /// West, north, east, south.
    pub bounds: [f32; 4],
    from: usize,
    to: usize,
}

#[derive(Debug, Default)]
pub struct Level {
    points: Vec<[f32; 2]>,
    pieces: Vec<Piece>,
}

impl Level {
    /// Without a tolerance every point is kept. Islands smaller than [`DUST`] are left out.
    pub fn build(lines: &[BaseLine], tolerance: Option<f32>) -> Self {
        let mut level = Self::default();
        for line in lines {
            if let Some(tolerance) = tolerance {
                let [west, north, east, south] = bounds(&line.points);
                let closed = line.points.first() == line.points.last();
                if closed && east - west + south - north < DUST * tolerance {
                    continue;
                }
                level.push(line.kind, &simplify(&line.points, tolerance));
            } else {
                level.push(line.kind, &line.points);
            }
        }
        level
    }

    fn push(&mut self, kind: LineKind, points: &[[f32; 2]]) {
        let start = self.points.len();
        self.points.extend_from_slice(points);
        let end = self.points.len();
        let mut from = start;
        while from + 1 < end {
            // Pieces share their end points.
            let to = (from + PIECE).min(end);
            self.pieces.push(Piece { kind, bounds: bounds(&self.points[from..to]), from, to });
            from = to - 1;
        }
    }

    pub fn pieces(&self) -> impl Iterator<Item = (&Piece, &[[f32; 2]])> {
        self.pieces.iter().map(|piece| (piece, &self.points[piece.from..piece.to]))
    }
}

fn bounds(points: &[[f32; 2]]) -> [f32; 4] {
    points.iter().fold([f32::MAX, f32::MAX, f32::MIN, f32::MIN], |b, p| [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])])
}

/// Douglas-Peucker with its own stack, as a coast line would go deep.
pub fn simplify(points: &[[f32; 2]], tolerance: f32) -> Vec<[f32; 2]> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[points.len() - 1] = true;
    let mut open = vec![(0, points.len() - 1)];
    while let Some((from, to)) = open.pop() {
        let mut worst = (tolerance * tolerance, None);
        for at in from + 1..to {
            let distance = distance_squared(points[at], points[from], points[to]);
            if distance > worst.0 {
                worst = (distance, Some(at));
            }
        }
        if let Some(at) = worst.1 {
            keep[at] = true;
            open.push((from, at));
            open.push((at, to));
        }
    }
    points.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(p, _)| *p).collect()
}

/// From a point to a segment.
fn distance_squared(p: [f32; 2], a: [f32; 2], b: [f32; 2]) -> f32 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx * dx + dy * dy;
    let t = if length == 0.0 { 0.0 } else { (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length).clamp(0.0, 1.0) };
    let (x, y) = (p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
    x * x + y * y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_does_not_need_is_left_out() {
        let line = [[0.0, 0.0], [0.1, 0.001], [0.2, -0.001], [0.3, 0.0], [0.3, 0.3]];
        assert_eq!(simplify(&line, 0.01), vec![[0.0, 0.0], [0.3, 0.0], [0.3, 0.3]]);
        assert_eq!(simplify(&line, 0.0001), line.to_vec());
    }

    #[test]
    fn a_closed_ring_keeps_its_shape() {
        let ring = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]];
        assert_eq!(simplify(&ring, 0.1), ring.to_vec());
    }

    #[test]
    fn pieces_of_a_long_line_share_their_ends() {
        let points: Vec<[f32; 2]> = (0..1000).map(|i| [i as f32 / 1000.0, 0.5]).collect();
        let level = Level::build(&[BaseLine { kind: LineKind::Coast, points }], None);
        let pieces: Vec<_> = level.pieces().collect();
        assert!(pieces.len() > 5);
        for pair in pieces.windows(2) {
            assert_eq!(pair[0].1.last(), pair[1].1.first());
        }
        assert_eq!(pieces[0].1.len(), PIECE);
        assert_eq!(pieces[pieces.len() - 1].1.last(), Some(&[0.999, 0.5]));
    }
}
