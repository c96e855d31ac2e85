//! Names beside marks and towns. A name that does not fit is dropped, never shifted or cut. Room is given out in the order of importance over
//! an area larger than the screen, so that names do not come and go while the map is panned. Only the selected mark may have its name on
//! the left.

use super::{
    cluster::Placed,
    places::{self, Place},
    style::MapRole,
    viewport::Viewport,
};
use std::collections::HashSet;
use unicode_width::UnicodeWidthStr;

/// A name, at a global cell.
#[derive(Debug, PartialEq)]
pub struct Label {
    pub cell: (i64, i64),
    pub text: String,
    pub width: i64,
    pub role: MapRole,
}

/// Cells that are given away.
#[derive(Default)]
struct Room(HashSet<(i64, i64)>);

impl Room {
    fn is_free(&self, from: i64, to: i64, row: i64) -> bool {
        (from..to).all(|column| !self.0.contains(&(column, row)))
    }

    fn take(&mut self, from: i64, to: i64, row: i64) {
        self.0.extend((from..to).map(|column| (column, row)));
    }
}

/// The dot of a town whose name found room.
pub struct Town {
    pub cell: (i64, i64),
}

/// Gives out room: first to every mark, then to the names of marks, then to towns. `placed` comes in order of importance.
pub fn lay_out(viewport: &Viewport, placed: &[Placed<'_>], zoom: f64) -> (Vec<Label>, Vec<Town>) {
    let mut room = Room::default();
    for p in placed {
        let frame = i64::from(p.selected);
        room.take(p.cell.0 - frame, p.cell.0 + p.width() + frame, p.cell.1);
    }
    let mut labels = Vec::new();
    // The number of a cluster says what a name would hide: only one that is alone or selected has a name.
    for p in placed.iter().filter(|p| p.members.len() == 1 || p.selected) {
        let Some(lead) = p.lead() else { continue };
        labels.extend(name(viewport, &mut room, p, &lead.caption()));
    }
    let mut towns = Vec::new();
    for place in places::places().iter().filter(|place| places::is_shown(place.class, zoom)) {
        towns.extend(town(viewport, &mut room, place, &mut labels));
    }
    (labels, towns)
}

fn name(viewport: &Viewport, room: &mut Room, placed: &Placed<'_>, text: &str) -> Option<Label> {
    let width = text.width() as i64;
    if width == 0 || width > i64::from(viewport.area.width) / 2 {
        return None;
    }
    let frame = i64::from(placed.selected);
    let right = placed.cell.0 + placed.width() + frame.max(1);
    let fits = |at: i64, room: &Room| room.is_free(at, at + width, placed.cell.1);
    let on_screen = |at: i64| at >= viewport.left && at + width <= viewport.left + i64::from(viewport.area.width);
    let left = placed.cell.0 - frame - width;
    let at = if placed.selected && !(fits(right, room) && on_screen(right)) && on_screen(left) { left } else { right };
    if !fits(at, room) {
        return None;
    }
    // One free cell on each side keeps two names apart.
    room.take(at - 1, at + width + 1, placed.cell.1);
    Some(Label { cell: (at, placed.cell.1), text: text.to_owned(), width, role: MapRole::Label })
}

fn town(viewport: &Viewport, room: &mut Room, place: &Place, labels: &mut Vec<Label>) -> Option<Town> {
    let cell = viewport.cell(place.at);
    if !viewport.is_near(cell) || !room.is_free(cell.0, cell.0 + 1, cell.1) {
        return None;
    }
    let text = place.name.as_str();
    let (from, width) = (cell.0 + 1, text.width() as i64);
    // A dot without a name would tell nothing.
    room.is_free(from, from + width, cell.1).then_some(())?;
    room.take(cell.0 - 1, from + width + 1, cell.1);
    labels.push(Label { cell: (from, cell.1), text: text.to_owned(), width, role: MapRole::Place });
    Some(Town { cell })
}
