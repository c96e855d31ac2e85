//! Where things are on the screen. One function, used by drawing and by updates alike, so that a page is as long as what is seen.

use ratatui::layout::Rect;

/// Below this nothing useful fits: one honest sentence is drawn instead.
pub const SMALLEST: (u16, u16) = (60, 15);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    /// Product, tenant, upstreams, clock.
    pub header: Rect,
    pub tabs: Rect,
    pub body: Rect,
    /// Notice, or keys that were pressed so far, or what the pane says of itself.
    pub status: Rect,
    pub footer: Rect,
}

pub fn too_small(area: Rect) -> bool {
    area.width < SMALLEST.0 || area.height < SMALLEST.1
}

pub fn areas(area: Rect) -> Areas {
    let row = |y: u16| Rect { x: area.x, y: area.y + y.min(area.height), width: area.width, height: u16::from(y < area.height) };
    let h = area.height;
    Areas {
        header: row(0),
        tabs: row(1),
        body: Rect { x: area.x, y: area.y + 2.min(h), width: area.width, height: h.saturating_sub(4) },
        status: row(h.saturating_sub(2)),
        footer: row(h.saturating_sub(1)),
    }
}
