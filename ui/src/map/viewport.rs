//! A view laid on an area of cells. The origin is a whole cell, so that a pan by one cell moves everything by exactly one cell and
//! nothing flickers. Cells and dots are numbered from the corner of the world ("global"); a cell is 2 by 4 dots.

use super::{
    project::{WorldPoint, metres_per_world, project, unproject},
    view::MapView,
};
use noctule_domain::geo::LatLng;
use ratatui::layout::{Position, Rect};

/// Dots in a cell, across and down.
pub const CELL: (f64, f64) = (2.0, 4.0);

/// How a view falls on an area.
#[derive(Debug, Clone, Copy)]
pub struct Viewport {
    pub area: Rect,
    /// Dots along one side of the world.
    pub(super) world: f64,
    pub(super) centre: WorldPoint,
    /// Global cell at the upper left.
    pub(super) left: i64,
    pub(super) top: i64,
}

impl Viewport {
    pub fn new(view: &MapView, area: Rect) -> Self {
        let world = view.world_dots();
        let centre = view.centre_point();
        let left = (centre.x * world / CELL.0).floor() as i64 - i64::from(area.width / 2);
        let top = (centre.y * world / CELL.1).floor() as i64 - i64::from(area.height / 2);
        Self { area, world, centre, left, top }
    }

    /// The copy of x that lies nearest to the centre: the world is drawn once, with the antimeridian wherever it is farthest away.
    pub(super) fn near(&self, x: f64) -> f64 {
        x - (x - self.centre.x).round()
    }

    /// Global cell of a place.
    pub(super) fn cell(&self, at: WorldPoint) -> (i64, i64) {
        ((self.near(at.x) * self.world / CELL.0).floor() as i64, (at.y * self.world / CELL.1).floor() as i64)
    }

    /// Position in dots from the upper left of the area.
    pub(super) fn dot(&self, at: WorldPoint) -> (f64, f64) {
        (at.x * self.world - self.left as f64 * CELL.0, at.y * self.world - self.top as f64 * CELL.1)
    }

    /// The screen position of a global cell, if it is within the area.
    pub(super) fn on_screen(&self, cell: (i64, i64)) -> Option<Position> {
        let (x, y) = (cell.0 - self.left, cell.1 - self.top);
        if x < 0 || y < 0 || x >= i64::from(self.area.width) || y >= i64::from(self.area.height) {
            return None;
        }
        Some(Position { x: self.area.x.saturating_add(x as u16), y: self.area.y.saturating_add(y as u16) })
    }

    /// Where a place is drawn; `None` outside the area.
    pub fn screen(&self, at: LatLng) -> Option<Position> {
        self.on_screen(self.cell(project(at)?))
    }

    /// The place in the middle of a cell of the screen; cells outside the area are answered too.
    pub fn ground(&self, at: Position) -> LatLng {
        let x = self.left as f64 + f64::from(at.x) - f64::from(self.area.x) + 0.5;
        let y = self.top as f64 + f64::from(at.y) - f64::from(self.area.y) + 0.5;
        unproject(WorldPoint { x: x * CELL.0 / self.world, y: y * CELL.1 / self.world })
    }

    /// Global cells that layout looks at: the area and one more area on every side, so that what happens at the edge does not change
    /// what is drawn inside.
    pub(super) fn is_near(&self, cell: (i64, i64)) -> bool {
        let (w, h) = (i64::from(self.area.width), i64::from(self.area.height));
        let (x, y) = (cell.0 - self.left, cell.1 - self.top);
        x >= -w && x < 2 * w && y >= -h && y < 2 * h
    }

    /// Metres that one dot covers at a latitude.
    pub fn metres_per_dot(&self, lat: f64) -> f64 {
        metres_per_world(lat) / self.world
    }
}
