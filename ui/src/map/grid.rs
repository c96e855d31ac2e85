//! Dots: 2 by 4 in a cell, drawn as one braille sign or as an ASCII sign of the same slope. A cell has one ink, that of the most important
//! line through it. Lines are clipped before they are walked, so that their length never matters.

use super::style::MapRole;

/// What a line is, the more important the greater. A cell takes the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ink {
    Coast = 1,
    Border,
    Assignment,
    Accuracy,
    Trail,
}

impl Ink {
    pub fn role(self) -> MapRole {
        match self {
            Self::Coast => MapRole::Coast,
            Self::Border => MapRole::Border,
            Self::Assignment => MapRole::Assignment,
            Self::Accuracy => MapRole::Accuracy,
            Self::Trail => MapRole::Trail,
        }
    }
}

/// Bit of a dot in a braille sign, by row and column.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

pub struct Grid {
    width: usize,
    height: usize,
    cells: Vec<(u8, Option<Ink>)>,
    /// Global dot at the upper left: dashes are counted from the corner of the world, so that they stay in place under a pan.
    origin: (i64, i64),
}

/// A rectangle in dots: left, top, right, bottom.
pub type Bounds = [f64; 4];

impl Grid {
    /// Of `width` by `height` cells; `origin` is the global cell at the upper left.
    pub fn new(width: u16, height: u16, origin: (i64, i64)) -> Self {
        let (width, height) = (usize::from(width), usize::from(height));
        Self { width, height, cells: vec![(0, None); width * height], origin: (origin.0 * 2, origin.1 * 4) }
    }

    pub fn bounds(&self) -> Bounds {
        [0.0, 0.0, (self.width * 2) as f64, (self.height * 4) as f64]
    }

    /// One dot; outside the grid it is nothing.
    pub fn dot(&mut self, x: i64, y: i64, ink: Ink) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.width * 2 || y >= self.height * 4 {
            return;
        }
        if ink == Ink::Border && (x as i64 + self.origin.0 + y as i64 + self.origin.1).rem_euclid(3) == 0 {
            return;
        }
        let cell = &mut self.cells[y / 4 * self.width + x / 2];
        cell.0 |= BITS[y % 4][x % 2];
        cell.1 = cell.1.max(Some(ink));
    }

    /// A line in dots, within `bounds`.
    pub fn line(&mut self, a: (f64, f64), b: (f64, f64), bounds: Bounds, ink: Ink) {
        let Some((a, b)) = clip(a, b, bounds) else { return };
        let (x, y) = (a.0.floor() as i64, a.1.floor() as i64);
        let (to_x, to_y) = (b.0.floor() as i64, b.1.floor() as i64);
        let (dx, dy) = ((to_x - x).abs(), -(to_y - y).abs());
        let (step_x, step_y) = ((to_x - x).signum(), (to_y - y).signum());
        let (mut x, mut y, mut error) = (x, y, dx + dy);
        loop {
            self.dot(x, y, ink);
            if x == to_x && y == to_y {
                return;
            }
            let twice = 2 * error;
            if twice >= dy {
                error += dy;
                x += step_x;
            }
            if twice <= dx {
                error += dx;
                y += step_y;
            }
        }
    }

    /// Cells with a dot: column, row, dots, ink.
    pub fn drawn(&self) -> impl Iterator<Item = (u16, u16, u8, Ink)> + '_ {
        self.cells
            .iter()
            .enumerate()
            .filter_map(|(i, (dots, ink))| Some(((i % self.width) as u16, (i / self.width) as u16, *dots, (*ink)?)))
    }
}

pub fn braille(dots: u8) -> char {
    char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' ')
}

/// Quarters of a cell: each stands for two dots above one another.
pub fn block(dots: u8) -> char {
    const SIGNS: [char; 16] = [' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛', '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█'];
    let quarter = |rows: [usize; 2], column: usize| rows.iter().any(|row| dots & BITS[*row][column] != 0);
    let at = [quarter([0, 1], 0), quarter([0, 1], 1), quarter([2, 3], 0), quarter([2, 3], 1)];
    let sign = at.iter().enumerate().map(|(bit, on)| usize::from(*on) << bit).sum::<usize>();
    SIGNS[sign & 15]
}

/// The ASCII sign whose slope is nearest to that of the dots.
pub fn ascii(dots: u8) -> char {
    let rows = |column: usize| (0..4).filter(move |row| dots & BITS[*row][column] != 0);
    let (left, right) = (rows(0).count(), rows(1).count());
    let mean = |column: usize, count: usize| rows(column).sum::<usize>() as f64 / count.max(1) as f64;
    match (left, right) {
        (0, 0) => ' ',
        (left, right) if left + right >= 6 => '#',
        (1, 0) | (0, 1) => match mean(0, left).max(mean(1, right)) {
            row if row < 1.5 => '\'',
            _ => '.',
        },
        (_, 0) | (0, _) => '|',
        _ => match mean(0, left) - mean(1, right) {
            slope if slope >= 1.0 => '/',
            slope if slope <= -1.0 => '\\',
            _ if left + right >= 4 && left.abs_diff(right) <= 1 && left > 1 => '|',
            _ if mean(0, left) > 2.4 => '_',
            _ => '-',
        },
    }
}

/// Liang-Barsky. `None` outside, and for numbers that are not finite.
fn clip(a: (f64, f64), b: (f64, f64), [left, top, right, bottom]: Bounds) -> Option<((f64, f64), (f64, f64))> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    if !(dx.is_finite() && dy.is_finite()) {
        return None;
    }
    // The last dot is just inside the far edges.
    let (right, bottom) = (right - 1e-6, bottom - 1e-6);
    let (mut from, mut to) = (0.0f64, 1.0f64);
    for (delta, room) in [(-dx, a.0 - left), (dx, right - a.0), (-dy, a.1 - top), (dy, bottom - a.1)] {
        if delta == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if delta < 0.0 {
            from = from.max(room / delta);
        } else {
            to = to.min(room / delta);
        }
        if from > to {
            return None;
        }
    }
    Some(((a.0 + from * dx, a.1 + from * dy), (a.0 + to * dx, a.1 + to * dy)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signs(grid: &Grid, sign: fn(u8) -> char) -> Vec<String> {
        let mut rows = vec![vec![' '; grid.width]; grid.height];
        for (x, y, dots, _) in grid.drawn() {
            rows[usize::from(y)][usize::from(x)] = sign(dots);
        }
        rows.into_iter().map(String::from_iter).collect()
    }

    fn drawn(a: (f64, f64), b: (f64, f64)) -> Grid {
        let mut grid = Grid::new(4, 2, (0, 0));
        let bounds = grid.bounds();
        grid.line(a, b, bounds, Ink::Coast);
        grid
    }

    #[test]
    fn slopes_have_their_signs() {
        assert_eq!(signs(&drawn((0.0, 2.0), (7.0, 2.0)), ascii), ["----", "    "]);
        assert_eq!(signs(&drawn((2.0, 0.0), (2.0, 7.0)), ascii), [" |  ", " |  "]);
        assert_eq!(signs(&drawn((0.0, 7.0), (7.0, 0.0)), ascii), ["  //", "//  "]);
        assert_eq!(signs(&drawn((0.0, 0.0), (7.0, 7.0)), ascii), ["\\\\  ", "  \\\\"]);
        assert_eq!(signs(&drawn((0.0, 2.0), (7.0, 2.0)), braille), ["⠤⠤⠤⠤", "    "]);
        assert_eq!(signs(&drawn((0.0, 2.0), (7.0, 2.0)), block), ["▄▄▄▄", "    "]);
        assert_eq!(signs(&drawn((2.0, 0.0), (2.0, 7.0)), block), [" ▌  ", " ▌  "]);
    }

    #[test]
    fn a_cell_takes_the_greatest_ink() {
        let mut grid = Grid::new(1, 1, (0, 0));
        for ink in [Ink::Assignment, Ink::Coast] {
            grid.dot(0, 0, ink);
        }
        assert_eq!(grid.drawn().collect::<Vec<_>>(), vec![(0, 0, 1, Ink::Assignment)]);
    }

    proptest! {
        #[test]
        fn any_line_is_clipped_and_walked(ax in any::<f64>(), ay in any::<f64>(), bx in -1e9..1e9f64, by in any::<f64>(), w in 0u16..20, h in 0u16..20) {
            let mut grid = Grid::new(w, h, (3, 5));
            let bounds = grid.bounds();
            grid.line((ax, ay), (bx, by), bounds, Ink::Coast);
            grid.line((bx, -3.0), (4.0, 2.0), bounds, Ink::Border);
            prop_assert!(grid.drawn().all(|(x, y, _, _)| x < w && y < h));
        }

        #[test]
        fn every_sign_is_printable(dots in 1u8..) {
            prop_assert!(ascii(dots).is_ascii_graphic());
            prop_assert_eq!(u32::from(braille(dots)), 0x2800 + u32::from(dots));
        }
    }
}
