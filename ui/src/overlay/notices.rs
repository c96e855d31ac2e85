//! Everything that was said, newest first; the selected one is shown in full.

use super::{Scroll, Step};
use crate::action::Action;
use crate::app::App;
use crate::look::{Look, Tone};
use crate::widgets::{age, framed, line, put};
use ratatui::Frame;
use ratatui::layout::Rect;

#[derive(Debug, Default)]
pub struct NoticeList {
    scroll: Scroll,
}

impl NoticeList {
    pub fn action(&mut self, action: Action, app: &App) -> Step {
        if action == Action::Close {
            return Step::close();
        }
        self.scroll.act(action, app.notices().all().len(), usize::from(app.env().body.height) / 2);
        Step::stay()
    }

    pub fn view(&self, app: &App, look: &Look, area: Rect, frame: &mut Frame) {
        let inner = framed(frame, area, "Notices", look);
        let all = app.notices().all();
        let len = all.len();
        if len == 0 {
            put(frame.buffer_mut(), inner.x + 1, inner.y, inner.width, "Nothing was said yet.", look.style(Tone::Muted), look);
            return;
        }
        let full_height = 5.min(inner.height / 2);
        let height = usize::from(inner.height.saturating_sub(full_height));
        let top = self.scroll.top(len, height);
        let mut selected = None;
        for (y, (at, said)) in all.enumerate().skip(top).take(height).enumerate() {
            let (glyph, tone) = crate::app::severity(said.notice.severity);
            let when = format!("{:>5} ", age(said.at, app.env().now));
            let times = if said.times > 1 { format!("{}x ", said.times) } else { String::new() };
            let glyph = format!("{} ", look.glyph(glyph));
            let pieces = [
                (when.as_str(), look.style(Tone::Muted)),
                (glyph.as_str(), look.style(tone)),
                (times.as_str(), look.style(Tone::Muted)),
                (said.notice.text.as_str(), look.style(Tone::Text)),
            ];
            let y = inner.y + y as u16;
            line(frame.buffer_mut(), inner.x + 1, y, inner.width.saturating_sub(2), &pieces, look);
            if at == self.scroll.selected.min(len - 1) {
                frame.buffer_mut().set_style(Rect { x: inner.x, y, width: inner.width, height: 1 }, look.style(Tone::Selected));
                selected = Some(said);
            }
        }
        if let Some(said) = selected {
            let below = Rect { y: inner.bottom() - full_height, height: full_height, ..inner };
            let rule = look.glyph(crate::look::Glyph::Rule).repeat(usize::from(below.width));
            put(frame.buffer_mut(), below.x, below.y, below.width, &rule, look.style(Tone::Border), look);
            let below =
                Rect { x: below.x + 1, y: below.y + 1, width: below.width.saturating_sub(2), height: below.height.saturating_sub(1) };
            crate::widgets::wrapped(frame.buffer_mut(), below, said.notice.text.as_str(), look.style(Tone::Text), look);
        }
    }
}
