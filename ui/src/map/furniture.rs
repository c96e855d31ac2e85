//! What stands in the corners: a scale bar of a round length and the source of the base map. Left out where there is no room.

use super::{
    Basemap,
    style::{Charset, MapRole},
    viewport::{CELL, Viewport},
};
use ratatui::layout::Rect;

/// A text on the last row.
#[derive(Debug, PartialEq)]
pub struct Furniture {
    pub area: Rect,
    pub text: String,
    pub role: MapRole,
}

pub fn furniture(viewport: &Viewport, charset: Charset) -> Vec<Furniture> {
    let area = viewport.area;
    if area.height < 5 || area.width < 24 {
        return Vec::new();
    }
    let mut out = Vec::new();
    let y = area.bottom().saturating_sub(1);
    let mut used = 0;
    if let Some(text) = scale_bar(viewport, charset) {
        let width = text.chars().count() as u16;
        used = width;
        out.push(Furniture { area: Rect { x: area.x, y, width, height: 1 }, text, role: MapRole::Scale });
    }
    let source = if Basemap::world().is_ok() { "Natural Earth" } else { "no base map: file damaged" };
    let width = source.len() as u16;
    if used + width + 2 <= area.width {
        let x = area.right().saturating_sub(width);
        out.push(Furniture { area: Rect { x, y, width, height: 1 }, text: source.to_owned(), role: MapRole::Attribution });
    }
    out
}

/// The longest round length (1, 2 or 5 with zeros) that takes at most a fifth of the width, and at least 4 cells.
fn scale_bar(viewport: &Viewport, charset: Charset) -> Option<String> {
    let per_cell = viewport.metres_per_dot(super::unproject(viewport.centre).lat) * CELL.0;
    let room = f64::from((viewport.area.width / 5).clamp(8, 24)) * per_cell;
    let (metres, cells) = (0..8)
        .flat_map(|zeros| [1u32, 2, 5].map(|n| n * 10u32.pow(zeros)))
        .map(f64::from)
        .take_while(|metres| *metres <= room)
        .map(|metres| (metres, (metres / per_cell).round() as usize))
        .last()
        .filter(|(_, cells)| *cells >= 3)?;
    let length = if metres >= 1000.0 { format!("{} km", metres / 1000.0) } else { format!("{metres} m") };
    let (from, rule, to) = if charset.is_unicode() { ("├", "─", "┤") } else { ("|", "-", "|") };
    Some(format!("{from}{}{to} {length}", rule.repeat(cells.saturating_sub(2))))
}
