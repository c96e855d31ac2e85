//! Drawing of the Overview pane.

use super::State;
use crate::app::Dx;
use crate::look::Tone;
use crate::widgets::{lifecycle_badge, put};
use noctule_domain::overview::Alert;
use ratatui::Frame;
use ratatui::layout::Rect;

impl State {
    pub(super) fn alerts(&self) -> &[Alert] {
        self.data.value.as_ref().map_or(&[], |v| v.alerts.as_slice())
    }
}

pub(super) fn draw(state: &State, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    let look = dx.look;
    let Some(overview) = &state.data.value else {
        let text = state.data.failed.as_ref().map_or("Asking the store\u{2026}", |why| why.as_str());
        put(frame.buffer_mut(), area.x, area.y, area.width, text, look.style(Tone::Muted), look);
        return;
    };
    let mut y = area.y;
    for (state, count) in &overview.states {
        let badge = lifecycle_badge(*state);
        let text = format!("{} {:<10} {count:>9}", look.glyph(badge.glyph), badge.word);
        put(frame.buffer_mut(), area.x, y, area.width, &text, look.style(badge.tone), look);
        y += 1;
    }
    let text = format!("{:.1} % of {} delegating subscribers hold a prefix", overview.utilisation(), overview.delegating);
    put(frame.buffer_mut(), area.x, y, area.width, &text, look.style(Tone::Text), look);
    y += 1;
    for alert in state.alerts() {
        if y >= area.bottom() {
            break;
        }
        put(frame.buffer_mut(), area.x, y, area.width, alert.text.as_str(), look.style(Tone::Warning), look);
        y += 1;
    }
}
