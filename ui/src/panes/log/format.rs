//! One event of the log as lines: cleaned, wrapped, at most a few.

use crate::look::{Look, Tone};
use crate::widgets::{width, wrap};
use noctule_domain::SafeText;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tui_logger::{ExtLogRecord, LogFormatter};

/// Lines of one event.
const MOST: usize = 8;

pub struct Formatter {
    look: Look,
    /// Events that were drawn: none says that there is nothing to see.
    drawn: Arc<AtomicUsize>,
}

impl Formatter {
    pub fn new(look: &Look, drawn: Arc<AtomicUsize>) -> Self {
        Self { look: look.clone(), drawn }
    }

    fn plain(&self, text: &str) -> String {
        let text = SafeText::new(text).into_string();
        if self.look.ascii { text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect() } else { text }
    }
}

impl LogFormatter for Formatter {
    fn min_width(&self) -> u16 {
        10
    }

    fn format(&self, max: usize, event: &ExtLogRecord) -> Vec<Line<'_>> {
        self.drawn.fetch_add(1, Ordering::Relaxed);
        let (level, tone) = match event.level.as_str() {
            "ERROR" => ("error", Tone::Danger),
            "WARN" => ("warn ", Tone::Warning),
            "INFO" => ("info ", Tone::Text),
            "DEBUG" => ("debug", Tone::Muted),
            _ => ("trace", Tone::Muted),
        };
        let head = format!("{} ", event.timestamp.strftime("%H:%M:%S"));
        let target = format!("{}: ", self.plain(event.target()));
        let text = self.plain(event.msg().trim());
        let indent = usize::from(width(&head)) + 6;
        let room = max.saturating_sub(indent).max(8).min(usize::from(u16::MAX)) as u16;
        let all = format!("{target}{text}");
        let mut rows = wrap(&all, room);
        let cut = rows.len() > MOST;
        rows.truncate(MOST);
        let (muted, style): (Style, Style) = (self.look.style(Tone::Muted), self.look.style(tone));
        let count = rows.len();
        rows.iter()
            .enumerate()
            .map(|(at, row)| {
                let ellipsis = if cut && at + 1 == count { self.look.ellipsis() } else { "" };
                let row = Span::styled(format!("{row}{ellipsis}"), style);
                if at == 0 {
                    Line::from(vec![Span::styled(head.clone(), muted), Span::styled(format!("{level} "), style), row])
                } else {
                    Line::from(vec![Span::raw(" ".repeat(indent)), row])
                }
            })
            .collect()
    }
}
