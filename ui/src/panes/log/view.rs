//! Drawing of the Log pane.

use super::State;
use crate::app::Dx;
use crate::look::Tone;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use tui_logger::TuiLoggerWidget;

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let look = dx.look;
    TuiLoggerWidget::default()
        .style_error(look.style(Tone::Danger))
        .style_warn(look.style(Tone::Warning))
        .style_info(look.style(Tone::Text))
        .style_debug(look.style(Tone::Muted))
        .style_trace(look.style(Tone::Muted))
        .output_target(true)
        .state(&state.widget)
        .render(area.intersection(frame.area()), frame.buffer_mut());
}
