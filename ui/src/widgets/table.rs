//! Tables by width: columns are dropped by rank when there is no room, the widest gets what is left, each cell is cut with an ellipsis.

use super::{put, width};
use crate::look::{Look, Tone};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// A column as wished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub title: &'static str,
    /// Cells that it needs at least.
    pub min: u16,
    /// Cells that it can use.
    pub max: u16,
    /// Lower goes later when there is no room.
    pub rank: u8,
}

/// A column as it got its place: which of the wished ones, where, how wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fitted {
    pub index: usize,
    pub x: u16,
    pub width: u16,
}

/// One cell: its pieces.
pub type Cell<'a> = Vec<(std::borrow::Cow<'a, str>, Style)>;

/// Chooses the columns that fit into `room` cells with one blank between them. The order stays; what is left goes to columns that can use
/// it, from the left.
pub fn fit_columns(columns: &[Column], room: u16) -> Vec<Fitted> {
    let mut chosen: Vec<usize> = (0..columns.len()).collect();
    let need = |chosen: &[usize]| chosen.iter().map(|i| u32::from(columns[*i].min)).sum::<u32>() + (chosen.len() as u32).saturating_sub(1);
    while chosen.len() > 1 && need(&chosen) > u32::from(room) {
        let Some(worst) = chosen.iter().copied().max_by_key(|i| (columns[*i].rank, *i)) else { break };
        chosen.retain(|i| *i != worst);
    }
    let mut spare = u32::from(room).saturating_sub(need(&chosen));
    let mut widths: Vec<u16> = chosen.iter().map(|i| columns[*i].min.min(room)).collect();
    // A share for each round, so that no column takes all of it.
    while spare > 0 {
        let mut given = false;
        for (slot, index) in chosen.iter().enumerate() {
            if spare > 0 && widths[slot] < columns[*index].max {
                widths[slot] += 1;
                spare -= 1;
                given = true;
            }
        }
        if !given {
            break;
        }
    }
    let mut x = 0;
    chosen
        .into_iter()
        .zip(widths)
        .map(|(index, width)| {
            let fitted = Fitted { index, x, width };
            x += width + 1;
            fitted
        })
        .collect()
}

/// Draws the titles. `note` may add a glyph after one of them (the direction of the order).
pub fn header(buf: &mut Buffer, area: Rect, columns: &[Column], fitted: &[Fitted], note: Option<(usize, &str)>, look: &Look) {
    let style = look.style(Tone::Header);
    for f in fitted {
        let Some(column) = columns.get(f.index) else { continue };
        let title = match note {
            Some((index, glyph)) if index == f.index => {
                let room = f.width.saturating_sub(width(glyph));
                format!("{}{glyph}", super::fit(column.title, room, look.ellipsis()))
            }
            _ => column.title.to_owned(),
        };
        put(buf, area.x + f.x, area.y, f.width.min(area.width.saturating_sub(f.x)), &title, style, look);
    }
}

/// Draws one row. `over` is laid over all of it: the selection, a mark.
pub fn cells(buf: &mut Buffer, area: Rect, fitted: &[Fitted], row: &[Cell<'_>], over: Option<Style>, look: &Look) {
    for (f, cell) in fitted.iter().zip(row) {
        let room = f.width.min(area.width.saturating_sub(f.x));
        let mut used = 0;
        for (text, style) in cell {
            if used >= room {
                break;
            }
            used += put(buf, area.x + f.x + used, area.y, room - used, text, *style, look);
        }
    }
    if let Some(style) = over {
        buf.set_style(area.intersection(buf.area), style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: &[Column] = &[
        Column { title: "state", min: 10, max: 12, rank: 0 },
        Column { title: "prefix", min: 18, max: 30, rank: 1 },
        Column { title: "name", min: 10, max: 60, rank: 2 },
    ];

    #[test]
    fn the_least_important_goes_first_and_the_rest_shares_the_room() {
        assert_eq!(fit_columns(COLUMNS, 30).iter().map(|f| f.index).collect::<Vec<_>>(), [0, 1]);
        let wide = fit_columns(COLUMNS, 100);
        assert_eq!(wide.len(), 3);
        assert_eq!(wide[0].width, 12);
        assert!(wide[2].x + wide[2].width <= 100);
    }

    proptest! {
        #[test]
        fn columns_never_overlap_nor_leave_the_room(room in 0u16..300) {
            let fitted = fit_columns(COLUMNS, room);
            for pair in fitted.windows(2) {
                prop_assert!(pair[0].x + pair[0].width < pair[1].x + 1);
            }
            if let Some(last) = fitted.last() {
                prop_assert!(last.x + last.width <= room.max(1));
            }
        }
    }
}
