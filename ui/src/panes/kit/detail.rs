//! The lines of a detail: headlines, fields with their label, texts. They are wrapped to the width, and scroll.

use crate::action::Action;
use crate::look::{Glyph, Look, Tone};
use crate::widgets::{line, put, wrap};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Cells of the labels.
const LABEL: u16 = 13;

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Head(String),
    Field(&'static str, String, Tone),
    Text { indent: u16, text: String, tone: Tone },
    Blank,
}

/// One line as it is drawn: its pieces.
type Pieces = Vec<(String, Tone)>;

#[derive(Debug, Clone, Default)]
pub struct Detail {
    parts: Vec<Part>,
}

impl Detail {
    pub fn head(&mut self, text: impl Into<String>) {
        if !self.parts.is_empty() {
            self.parts.push(Part::Blank);
        }
        self.parts.push(Part::Head(text.into()));
    }

    pub fn field(&mut self, label: &'static str, text: impl Into<String>) {
        self.toned(label, text, Tone::Text);
    }

    pub fn toned(&mut self, label: &'static str, text: impl Into<String>, tone: Tone) {
        self.parts.push(Part::Field(label, text.into(), tone));
    }

    /// Only when there is something to say.
    pub fn maybe(&mut self, label: &'static str, text: Option<impl std::fmt::Display>) {
        if let Some(text) = text {
            self.field(label, text.to_string());
        }
    }

    pub fn text(&mut self, indent: u16, text: impl Into<String>, tone: Tone) {
        self.parts.push(Part::Text { indent, text: text.into(), tone });
    }

    fn lines(&self, width: u16) -> Vec<Pieces> {
        let mut out: Vec<Pieces> = Vec::new();
        for part in &self.parts {
            match part {
                Part::Blank => out.push(Vec::new()),
                Part::Head(text) => out.push(vec![(text.clone(), Tone::Title)]),
                Part::Field(label, text, tone) => {
                    let room = width.saturating_sub(LABEL).max(8);
                    let mut rows = wrap(text, room).into_iter();
                    let first = rows.next().unwrap_or_default();
                    out.push(vec![(format!("{label:<w$}", w = usize::from(LABEL)), Tone::Muted), (first.to_owned(), *tone)]);
                    out.extend(rows.map(|row| vec![(" ".repeat(usize::from(LABEL)), Tone::Muted), (row.to_owned(), *tone)]));
                }
                Part::Text { indent, text, tone } => {
                    let room = width.saturating_sub(*indent).max(8);
                    out.extend(wrap(text, room).into_iter().map(|row| vec![(format!("{}{row}", " ".repeat(usize::from(*indent))), *tone)]));
                }
            }
        }
        out
    }

    pub fn height(&self, width: u16) -> u16 {
        self.lines(width).len().min(usize::from(u16::MAX)) as u16
    }

    /// Draws from line `scroll` on; says at the right edge that there is more above or below.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, scroll: u16, look: &Look) {
        if area.width < 4 || area.height == 0 {
            return;
        }
        let lines = self.lines(area.width - 2);
        let most = lines.len().saturating_sub(usize::from(area.height));
        let top = usize::from(scroll).min(most);
        for (y, pieces) in (area.y..).zip(lines.iter().skip(top).take(usize::from(area.height))) {
            let pieces: Vec<(&str, _)> = pieces.iter().map(|(text, tone)| (text.as_str(), look.style(*tone))).collect();
            line(buf, area.x, y, area.width - 2, &pieces, look);
        }
        let edge = area.right() - 1;
        if top > 0 {
            put(buf, edge, area.y, 1, look.glyph(Glyph::MoreUp), look.style(Tone::Key), look);
        }
        if top < most {
            put(buf, edge, area.bottom() - 1, 1, look.glyph(Glyph::More), look.style(Tone::Key), look);
        }
    }
}

/// Scrolls a detail of `total` lines of which `height` are seen. True when the action was a movement.
pub fn act_scroll(scroll: &mut u16, action: Action, total: u16, height: u16) -> bool {
    let most = total.saturating_sub(height);
    let now = (*scroll).min(most);
    let page = height.max(2) - 1;
    *scroll = match action {
        Action::Up => now.saturating_sub(1),
        Action::Down => now.saturating_add(1),
        Action::PageUp => now.saturating_sub(page),
        Action::PageDown => now.saturating_add(page),
        Action::Top => 0,
        Action::Bottom => most,
        _ => return false,
    }
    .min(most);
    true
}
