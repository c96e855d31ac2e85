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

pub fn lay(area: Rect, banner: bool, find: bool) -> Lay {
    let take = |area: Rect, rows: bool| (Rect { height: area.height.min(u16::from(rows)), ..area }, below(area, u16::from(rows)));
    let (banner, rest) = take(area, banner);
    let (summary, rest) = take(rest, true);
    let (find, rest) = take(rest, find);
    let (header, rows) = take(rest, true);
    Lay { banner, summary, find, header, rows }
}
