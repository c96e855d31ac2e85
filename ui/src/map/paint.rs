//! Draws one frame of the map into cells. From below: coast and border, lines of work, trail and accuracy, towns, corners, names, marks, the
//! selection. It takes what is given and never fails: what can not be placed is left out.

use super::{
    Basemap, MapRole, MapStyles, MapView, Viewport,
    basemap::LineKind,
    cluster::{self, Placed},
    furniture::furniture,
    grid::{Bounds, Grid, Ink, ascii, block, braille},
    labels::{self, Label},
    mark::{MapData, Mark, MarkId},
    project::{WorldPoint, project},
    style::Charset,
};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};
use std::{collections::HashMap, f64::consts::TAU};

/// Corners of an accuracy circle.
const CIRCLE: u32 = 48;

/// Draws the map over `area`; cells without anything on them are not touched.
pub fn paint(buf: &mut Buffer, area: Rect, view: &MapView, data: &MapData<'_>, styles: &MapStyles) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    let viewport = Viewport::new(view, area);
    lines(buf, &viewport, view, data, styles);

    let placed = cluster::place(&viewport, data, view.selected);
    let (labels, towns) = labels::lay_out(&viewport, &placed, view.zoom());
    let corners = furniture(&viewport, styles.charset);
    for corner in &corners {
        buf.set_stringn(corner.area.x, corner.area.y, &corner.text, corner.area.width.into(), styles.style(corner.role));
    }
    for label in &labels {
        let shown = label_area(&viewport, label).filter(|area| !corners.iter().any(|c| c.area.intersects(*area)));
        if let Some(area) = shown {
            buf.set_stringn(area.x, area.y, &label.text, area.width.into(), styles.style(label.role));
            // A free cell on each side, so that a name does not run into a coast.
            for column in [label.cell.0 - 1, label.cell.0 + label.width] {
                let beside = viewport.on_screen((column, label.cell.1)).filter(|at| !corners.iter().any(|c| c.area.contains(*at)));
                if let Some(at) = beside {
                    put(buf, at, " ", Style::new());
                }
            }
        }
    }
    for town in towns {
        let at = viewport.on_screen(town.cell).filter(|at| !corners.iter().any(|c| c.area.contains(*at)));
        if let Some(at) = at {
            put(buf, at, if styles.charset.is_unicode() { "·" } else { "*" }, styles.style(MapRole::Place));
        }
    }
    // The most important last, as it may stand beside another.
    for p in placed.iter().rev() {
        mark(buf, &viewport, p, styles);
    }
}

fn put(buf: &mut Buffer, at: Position, sign: &str, style: Style) {
    if let Some(cell) = buf.cell_mut(at) {
        cell.set_symbol(sign).set_style(style);
    }
}

/// Where a whole name stands; `None` when a part of it would be outside.
fn label_area(viewport: &Viewport, label: &Label) -> Option<Rect> {
    let at = viewport.on_screen(label.cell)?;
    viewport.on_screen((label.cell.0 + label.width - 1, label.cell.1))?;
    Some(Rect { x: at.x, y: at.y, width: label.width as u16, height: 1 })
}

fn mark(buf: &mut Buffer, viewport: &Viewport, placed: &Placed<'_>, styles: &MapStyles) {
    let Some(lead) = placed.lead() else { return };
    let mut style = styles.style(lead.shown().1);
    let mut text = placed.text(styles.charset);
    let mut column = placed.cell.0;
    if placed.selected {
        style = style.patch(styles.style(MapRole::Selected));
        text = format!("[{text}]");
        column -= 1;
    }
    for (sign, column) in text.chars().zip(column..) {
        if let Some(at) = viewport.on_screen((column, placed.cell.1)) {
            put(buf, at, sign.encode_utf8(&mut [0; 4]), style);
        }
    }
}

fn lines(buf: &mut Buffer, viewport: &Viewport, view: &MapView, data: &MapData<'_>, styles: &MapStyles) {
    let area = viewport.area;
    let mut grid = Grid::new(area.width, area.height, (viewport.left, viewport.top));
    if let Ok(world) = Basemap::world() {
        base(&mut grid, viewport, world, view.zoom());
    }
    assignments(&mut grid, viewport, data);
    if let Some(selected) = view.selected.and_then(|id| data.find(id)) {
        accuracy(&mut grid, viewport, selected);
    }
    for point in data.trail.iter().filter_map(|p| project(*p)) {
        let (x, y) = viewport.dot(WorldPoint { x: viewport.near(point.x), y: point.y });
        grid.dot(x.floor() as i64, y.floor() as i64, Ink::Trail);
    }
    let sign = match styles.charset {
        Charset::Braille => braille,
        Charset::Block => block,
        Charset::Ascii => ascii,
    };
    for (x, y, dots, ink) in grid.drawn() {
        let at = Position { x: area.x.saturating_add(x), y: area.y.saturating_add(y) };
        put(buf, at, sign(dots).encode_utf8(&mut [0; 4]), styles.style(ink.role()));
    }
}

/// The world once, and its copies to the east and west as far as half a world from the centre.
fn base(grid: &mut Grid, viewport: &Viewport, world: &Basemap, zoom: f64) {
    let level = world.level(zoom);
    let whole = grid.bounds();
    for copy in [-1.0, 0.0, 1.0] {
        let x_at = |x: f64| viewport.dot(WorldPoint { x, y: 0.0 }).0;
        let bounds: Bounds = [
            whole[0].max(x_at(viewport.centre.x - 0.5)).max(x_at(copy)),
            whole[1],
            whole[2].min(x_at(viewport.centre.x + 0.5)).min(x_at(copy + 1.0)),
            whole[3],
        ];
        if bounds[0] >= bounds[2] {
            continue;
        }
        let dot = |p: &[f32; 2]| viewport.dot(WorldPoint { x: f64::from(p[0]) + copy, y: f64::from(p[1]) });
        for (piece, points) in level.pieces() {
            let (left, top) = dot(&[piece.bounds[0], piece.bounds[1]]);
            let (right, bottom) = dot(&[piece.bounds[2], piece.bounds[3]]);
            if right < bounds[0] || left > bounds[2] || bottom < bounds[1] || top > bounds[3] {
                continue;
            }
            let ink = match piece.kind {
                LineKind::Coast => Ink::Coast,
                LineKind::Border => Ink::Border,
            };
            let mut before: Option<(f64, f64)> = None;
            for point in points {
                let at = dot(point);
                if let Some(before) = before {
                    grid.line(before, at, bounds, ink);
                }
                before = Some(at);
            }
        }
    }
}

fn assignments(grid: &mut Grid, viewport: &Viewport, data: &MapData<'_>) {
    if data.assignments.is_empty() {
        return;
    }
    let at: HashMap<MarkId, WorldPoint> =
        data.technicians.iter().chain(data.tasks).filter_map(|mark| Some((mark.id, project(mark.at)?))).collect();
    for (technician, task) in data.assignments {
        let (Some(from), Some(to)) = (at.get(&MarkId::Technician(*technician)), at.get(&MarkId::Task(*task))) else { continue };
        let from_x = viewport.near(from.x);
        let to_x = to.x - (to.x - from_x).round();
        let bounds = grid.bounds();
        grid.line(
            viewport.dot(WorldPoint { x: from_x, y: from.y }),
            viewport.dot(WorldPoint { x: to_x, y: to.y }),
            bounds,
            Ink::Assignment,
        );
    }
}

fn accuracy(grid: &mut Grid, viewport: &Viewport, mark: &Mark) {
    let (Some(metres), Some(at)) = (mark.accuracy_m, project(mark.at)) else { return };
    let radius = metres / viewport.metres_per_dot(mark.at.lat);
    // Smaller than a cell it would only hide the mark.
    if !radius.is_finite() || radius < 3.0 {
        return;
    }
    let (x, y) = viewport.dot(WorldPoint { x: viewport.near(at.x), y: at.y });
    let corner = |i: u32| {
        let angle = f64::from(i) * TAU / f64::from(CIRCLE);
        (x + radius * angle.cos(), y + radius * angle.sin())
    };
    let bounds = grid.bounds();
    for i in 0..CIRCLE {
        grid.line(corner(i), corner(i + 1), bounds, Ink::Accuracy);
    }
}
