//! Drawing of the Log pane.

use super::State;
use super::format::Formatter;
use crate::app::Dx;
use crate::look::Tone;
use crate::panes::kit::below;
use crate::widgets::{put, wrapped};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tui_logger::TuiLoggerWidget;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let look = dx.look;
    let area = area.intersection(frame.area());
    let at = if state.following { "following the newest line" } else { "looking back; f follows again" };
    let text = format!("Log of this console: {}; {at}", state.level_word());
    put(frame.buffer_mut(), area.x, area.y, area.width, &text, look.style(Tone::Muted), look);
    let lines = below(area, 1);
    let drawn = Arc::new(AtomicUsize::new(0));
    TuiLoggerWidget::default()
        .formatter(Box::new(Formatter::new(look, drawn.clone())))
        .state(&state.widget)
        .render(lines, frame.buffer_mut());
    if drawn.load(Ordering::Relaxed) == 0 {
        let text = if state.level + 1 < super::state::LEVELS.len() {
            "Nothing was logged at this level since the console began. + shows more levels."
        } else {
            "Nothing was logged since the console began."
        };
        let at = Rect { x: lines.x + 1, y: lines.y + 1, width: lines.width.saturating_sub(2), height: lines.height.saturating_sub(1) };
        wrapped(frame.buffer_mut(), at, text, look.style(Tone::Muted), look);
    }
}
