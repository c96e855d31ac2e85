//! Where the parts of a list are: the line of stale data, the summary, the filter, the titles, the rows. One function, used by drawing and by
//! updates alike.

use super::below;
use ratatui::layout::Rect;

#[derive(Debug, Clone, Copy)]
pub struct Lay {
    pub banner: Rect,
    pub summary: Rect,
    pub find: Rect,
    pub header: Rect,
    pub rows: Rect,
}

pub fn lay(area: Rect, banner: u16, find: bool) -> Lay {
    let take = |area: Rect, rows: u16| (Rect { height: area.height.min(rows), ..area }, below(area, rows));
    let (banner, rest) = take(area, banner);
    let (summary, rest) = take(rest, 1);
    let (find, rest) = take(rest, u16::from(find));
    let (header, rows) = take(rest, 1);
    Lay { banner, summary, find, header, rows }
}
