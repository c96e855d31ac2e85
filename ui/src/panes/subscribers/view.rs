//! Drawing of the Subscribers pane.

use super::State;
use crate::app::Dx;
use crate::look::Tone;
use crate::widgets::put;
use noctule_domain::subscriber::SubscriberRow;
use ratatui::Frame;
use ratatui::layout::Rect;

impl State {
    pub(super) fn rows(&self) -> &[SubscriberRow] {
        self.page.value.as_ref().map_or(&[], |v| v.rows.as_slice())
    }
}

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let look = dx.look;
    if let Some(why) = &state.page.failed {
        put(frame.buffer_mut(), area.x, area.y, area.width, why.as_str(), look.style(Tone::Danger), look);
    }
    for (y, (at, t)) in state.rows().iter().enumerate().skip(state.list.top).take(usize::from(area.height)).enumerate() {
        let text = format!("{:<12} {:<12} {}", t.subscriber_number, t.state, t.full_name);
        let y = area.y + y as u16;
        put(frame.buffer_mut(), area.x, y, area.width, &text, look.style(Tone::Text), look);
        if at == state.list.selected {
            frame.buffer_mut().set_style(Rect { y, height: 1, ..area }, look.style(Tone::Selected));
        }
    }
}
