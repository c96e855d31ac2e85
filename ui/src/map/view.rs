//! What the operator looks at: centre, zoom, the selected mark and the one that is followed. All numbers are finite and in range, whatever
//! is read back from a file. Pans are whole cells: a jump of a quarter screen by default, as one column costs as many bytes as a jump.

use super::{
    mark::{MapData, MarkId},
    project::{WorldPoint, metres_per_world, project, unproject},
    viewport::{CELL, Viewport},
};
use noctule_domain::geo::LatLng;
use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

/// Zoom 0 draws the world 256 dots wide; each step doubles it.
const WORLD_DOTS: f64 = 256.0;
/// Where the whole world is 64 dots wide.
const MIN_ZOOM: f64 = -2.0;
/// About one metre a dot at the equator.
const MAX_ZOOM: f64 = 17.0;
/// How near a fit on one point goes: about 9 m a dot in Finland.
const FIT_ZOOM: f64 = 13.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Left,
    Right,
    Up,
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanStep {
    /// A quarter of the screen.
    Quarter,
    Cell,
}

/// The state of a map pane. Small and serialisable, so that it can be kept between runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct MapView {
    centre: LatLng,
    zoom: f64,
    pub selected: Option<MarkId>,
    follow: Option<MarkId>,
}

/// As read from a file: nothing in it is believed.
#[derive(Deserialize)]
struct Kept {
    centre: LatLng,
    zoom: f64,
    #[serde(default)]
    selected: Option<MarkId>,
    #[serde(default)]
    follow: Option<MarkId>,
}

impl From<Kept> for MapView {
    fn from(kept: Kept) -> Self {
        Self { selected: kept.selected, follow: kept.follow, ..Self::new(kept.centre, kept.zoom) }
    }
}

impl Default for MapView {
    /// The world.
    fn default() -> Self {
        Self::new(LatLng { lat: 25.0, lng: 10.0 }, -0.75)
    }
}

impl MapView {
    /// Numbers out of range are held within it; a centre that is not finite becomes 0, 0.
    pub fn new(centre: LatLng, zoom: f64) -> Self {
        let centre = unproject(project(centre).unwrap_or(WorldPoint { x: 0.5, y: 0.5 }));
        let zoom = if zoom.is_finite() { zoom.clamp(MIN_ZOOM, MAX_ZOOM) } else { 0.0 };
        Self { centre, zoom, selected: None, follow: None }
    }

    pub fn centre(&self) -> LatLng {
        self.centre
    }

    pub fn zoom(&self) -> f64 {
        self.zoom
    }

    /// The mark that the view stays with.
    pub fn followed(&self) -> Option<MarkId> {
        self.follow
    }

    /// Metres that one dot covers at the centre.
    pub fn metres_per_dot(&self) -> f64 {
        metres_per_world(self.centre.lat) / self.world_dots()
    }

    pub(super) fn world_dots(&self) -> f64 {
        WORLD_DOTS * self.zoom.exp2()
    }

    pub(super) fn centre_point(&self) -> WorldPoint {
        project(self.centre).unwrap_or(WorldPoint { x: 0.5, y: 0.5 })
    }

    /// Moves by whole cells and ends following.
    pub fn pan(&mut self, direction: Direction, step: PanStep, area: Rect) {
        let (across, down) = match step {
            PanStep::Quarter => (i64::from((area.width / 4).max(1)), i64::from((area.height / 4).max(1))),
            PanStep::Cell => (1, 1),
        };
        let (dx, dy) = match direction {
            Direction::Left => (-across, 0),
            Direction::Right => (across, 0),
            Direction::Up => (0, -down),
            Direction::Down => (0, down),
        };
        self.follow = None;
        let (world, at) = (self.world_dots(), self.centre_point());
        // From the middle of the present cell: rounding can not then make a pan one cell longer or shorter.
        let x = (at.x * world / CELL.0).floor() + 0.5 + dx as f64;
        let y = (at.y * world / CELL.1).floor() + 0.5 + dy as f64;
        self.set_centre(WorldPoint { x: x * CELL.0 / world, y: y * CELL.1 / world });
    }

    /// Twice as near, with `keep` (the selection) staying where it is on the screen; without it, the centre.
    pub fn zoom_in(&mut self, keep: Option<LatLng>) {
        self.zoom_by(1.0, keep);
    }

    /// Half as near, see [`MapView::zoom_in`].
    pub fn zoom_out(&mut self, keep: Option<LatLng>) {
        self.zoom_by(-1.0, keep);
    }

    fn zoom_by(&mut self, steps: f64, keep: Option<LatLng>) {
        let before = self.world_dots();
        self.zoom = (self.zoom + steps).clamp(MIN_ZOOM, MAX_ZOOM);
        let ratio = before / self.world_dots();
        if let Some(keep) = keep.and_then(project) {
            let at = self.centre_point();
            let keep_x = keep.x - (keep.x - at.x).round();
            self.set_centre(WorldPoint { x: keep_x + (at.x - keep_x) * ratio, y: keep.y + (at.y - keep.y) * ratio });
        }
    }

    fn set_centre(&mut self, at: WorldPoint) {
        self.centre = unproject(at);
    }

    pub fn centre_on(&mut self, at: LatLng) {
        if let Some(at) = project(at) {
            self.set_centre(at);
        }
    }

    /// Shows all points with a margin of an eighth; false when there is none. One point alone is shown at street scale.
    pub fn fit(&mut self, points: impl IntoIterator<Item = LatLng>, area: Rect) -> bool {
        let mut points = points.into_iter().filter_map(project);
        let Some(first) = points.next() else { return false };
        let (mut min, mut max) = (first, first);
        for p in points {
            // Across the antimeridian the short way: every point is taken at its copy nearest to the first.
            let x = p.x - (p.x - first.x).round();
            min = WorldPoint { x: min.x.min(x), y: min.y.min(p.y) };
            max = WorldPoint { x: max.x.max(x), y: max.y.max(p.y) };
        }
        let room = |cells: u16, dots: f64| (f64::from(cells.max(1)) * dots * 0.75).max(1.0);
        let across = room(area.width, CELL.0) / (max.x - min.x).max(1e-12);
        let down = room(area.height, CELL.1) / (max.y - min.y).max(1e-12);
        // In half steps, so that one more point seldom changes the scale.
        let zoom = ((across.min(down) / WORLD_DOTS).log2() * 2.0).floor() / 2.0;
        self.zoom = zoom.clamp(MIN_ZOOM, FIT_ZOOM);
        self.set_centre(WorldPoint { x: (min.x + max.x) / 2.0, y: (min.y + max.y) / 2.0 });
        true
    }

    /// Stays with a mark from now on; `None` ends it. A pan ends it too.
    pub fn follow(&mut self, id: Option<MarkId>) {
        self.follow = id;
    }

    /// After marks moved: brings the followed one back when it left the middle half. True when the view changed. The middle half, so
    /// that a moving technician does not cost a whole new frame with every position.
    pub fn track(&mut self, data: &MapData<'_>, area: Rect) -> bool {
        let Some(at) = self.follow.and_then(|id| data.find(id)).map(|mark| mark.at) else { return false };
        self.show(at, area, 4)
    }

    /// Brings a place on the screen when it is not well within it. True when the view changed.
    pub fn ensure_visible(&mut self, at: LatLng, area: Rect) -> bool {
        self.show(at, area, 8)
    }

    fn show(&mut self, at: LatLng, area: Rect, margin: u16) -> bool {
        let inner = Rect {
            x: area.x.saturating_add(area.width / margin),
            y: area.y.saturating_add(area.height / margin),
            width: area.width - 2 * (area.width / margin),
            height: area.height - 2 * (area.height / margin),
        };
        let before = *self;
        if !Viewport::new(self, area).screen(at).is_some_and(|p| inner.contains(p)) {
            self.centre_on(at);
        }
        *self != before
    }
}
