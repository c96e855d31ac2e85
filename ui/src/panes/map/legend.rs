//! The legend: the signs that are on the map now, with their meaning.

use crate::look::{Look, Tone};
use crate::map::{Charset, LEGEND, MapData};
use crate::widgets::{framed, line, width};
use ratatui::Frame;
use ratatui::layout::Rect;

pub fn draw(data: &MapData<'_>, charset: Charset, area: Rect, look: &Look, frame: &mut Frame<'_>) {
    let present: Vec<_> = LEGEND.iter().filter(|(glyph, _)| data.marks().any(|mark| mark.shown().0 == *glyph)).collect();
    let widest = present.iter().map(|(_, words)| width(words)).max().unwrap_or(0).max(20);
    let wide = (widest + 6).min(area.width);
    let high = (present.len() as u16 + 2).min(area.height);
    let outer = Rect { x: area.right().saturating_sub(wide), y: area.y, width: wide, height: high };
    let inner = framed(frame, outer, "Legend", look);
    let rows = usize::from(inner.height);
    for (y, (glyph, words)) in (inner.y..inner.bottom()).zip(present.iter()) {
        let (unicode, ascii) = glyph.forms();
        let sign = if charset.is_unicode() { unicode } else { ascii };
        let last = y + 1 == inner.bottom() && present.len() > rows;
        let words = if last { format!("{words}; and {} more", present.len() - rows) } else { (*words).to_owned() };
        let pieces = [
            (" ", look.style(Tone::Text)),
            (sign, look.style(Tone::Accent)),
            (" ", look.style(Tone::Text)),
            (words.as_str(), look.style(Tone::Text)),
        ];
        line(frame.buffer_mut(), inner.x, y, inner.width, &pieces, look);
    }
}
