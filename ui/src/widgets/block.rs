//! Frames for overlays, drawn over what is below. In ASCII mode the frame is ASCII too.

use crate::look::{Look, Tone};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::symbols::border;
use ratatui::widgets::{Block, Clear, Widget};

const ASCII: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// A rectangle of at most this size in the middle of `area`, a little above it.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 3, width, height }
}

/// Clears `area`, draws a frame with a title, returns the inside.
pub fn framed(frame: &mut Frame, area: Rect, title: &str, look: &Look) -> Rect {
    let area = area.intersection(frame.area());
    Clear.render(area, frame.buffer_mut());
    let title = super::fit(title, area.width.saturating_sub(4), look.ellipsis()).into_owned();
    // A title may hold a name from outside.
    let title = if look.ascii { super::text::as_ascii(&title) } else { title };
    let block = Block::bordered()
        .border_set(if look.ascii { ASCII } else { border::PLAIN })
        .border_style(look.style(Tone::Border))
        .title_style(look.style(Tone::Title))
        .title(if title.is_empty() { String::new() } else { format!(" {title} ") });
    let inner = block.inner(area);
    block.render(area, frame.buffer_mut());
    inner
}
