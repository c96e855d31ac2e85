//! Drawing of the Subscribers pane: the detail, or the board with its filter bar.

use super::{State, board};
use crate::app::Dx;
use ratatui::Frame;
use ratatui::layout::Rect;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    match &state.detail {
        Some(detail) => detail.view(dx, area, frame),
        None => {
            board::draw(state, dx, area, frame);
            board::bar(state, dx, area, frame);
        }
    }
}
