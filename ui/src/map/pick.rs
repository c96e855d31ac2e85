//! From a place on the screen or on the ground to the marks there, and from one mark to the next by keys.

use super::{
    Direction, MapView, Viewport, cluster,
    mark::{MapData, MarkId},
    project::project,
};
use noctule_domain::geo::LatLng;
use ratatui::layout::{Position, Rect};

/// The marks drawn at a cell or within two cells of it, lead first; all members of a cluster. Empty when there is none.
pub fn cluster_at(view: &MapView, data: &MapData<'_>, area: Rect, at: Position) -> Vec<MarkId> {
    if !area.contains(at) {
        return Vec::new();
    }
    let viewport = Viewport::new(view, area);
    let cell = (viewport.left + i64::from(at.x - area.x), viewport.top + i64::from(at.y - area.y));
    let placed = cluster::place(&viewport, data, view.selected);
    // A cell is twice as high as wide.
    let distance = |p: &cluster::Placed<'_>| {
        let across = (p.cell.0 - cell.0).max(cell.0 - (p.cell.0 + p.width() - 1)).max(0);
        across + 2 * (p.cell.1 - cell.1).abs()
    };
    let hit = placed.iter().filter(|p| distance(p) <= 2).min_by_key(|p| distance(p));
    hit.map(|p| p.members.iter().map(|mark| mark.id).collect()).unwrap_or_default()
}

/// All marks that are drawn together with this one, itself first: what Enter on a cluster lists.
pub fn cluster_of(view: &MapView, data: &MapData<'_>, area: Rect, id: MarkId) -> Vec<MarkId> {
    let placed = cluster::place(&Viewport::new(view, area), data, Some(id));
    let group = placed.iter().find(|p| p.members.iter().any(|mark| mark.id == id));
    group.map(|p| p.members.iter().map(|mark| mark.id).collect()).unwrap_or_default()
}

/// The mark nearest to a place on the ground, on the screen or not.
pub fn nearest(data: &MapData<'_>, to: LatLng) -> Option<MarkId> {
    project(to)?;
    let marks = data.marks().filter(|mark| project(mark.at).is_some());
    marks.min_by(|a, b| a.at.distance_m(to).total_cmp(&b.at.distance_m(to)).then(a.id.cmp(&b.id))).map(|mark| mark.id)
}

/// The next mark in a direction, from the selected one or else from the centre. What lies straight ahead goes before what lies aside.
pub fn towards(view: &MapView, data: &MapData<'_>, direction: Direction) -> Option<MarkId> {
    let from = view.selected.and_then(|id| data.find(id)).map_or(view.centre(), |mark| mark.at);
    let from = project(from)?;
    let candidates = data.marks().filter(|mark| Some(mark.id) != view.selected).filter_map(|mark| {
        let at = project(mark.at)?;
        let (dx, dy) = (at.x - from.x, at.y - from.y);
        let dx = dx - dx.round();
        let (ahead, aside) = match direction {
            Direction::Left => (-dx, dy.abs()),
            Direction::Right => (dx, dy.abs()),
            Direction::Up => (-dy, dx.abs()),
            Direction::Down => (dy, dx.abs()),
        };
        (ahead > 0.0 && ahead >= aside).then_some((ahead + 2.0 * aside, mark.id))
    });
    candidates.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, id)| id)
}

/// The next (or the one before) of the marks on the screen, worst first; the first when none of them is selected.
pub fn cycle(view: &MapView, data: &MapData<'_>, area: Rect, forward: bool) -> Option<MarkId> {
    let viewport = Viewport::new(view, area);
    let mut marks: Vec<_> = data.marks().filter(|mark| viewport.screen(mark.at).is_some()).collect();
    marks.sort_by_key(|mark| mark.rank());
    let count = marks.len();
    let now = view.selected.and_then(|id| marks.iter().position(|mark| mark.id == id));
    let next = match now {
        _ if count == 0 => return None,
        None if forward => 0,
        None => count - 1,
        Some(now) if forward => (now + 1) % count,
        Some(now) => (now + count - 1) % count,
    };
    marks.get(next).map(|mark| mark.id)
}
