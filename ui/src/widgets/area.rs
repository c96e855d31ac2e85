//! Text of several lines: editing keys, wrapping to a width, drawing with a cursor. What is typed or pasted is cleaned here. The text is
//! bounded by what a field from outside may hold, so that nothing is cut later.

use super::{put, width};
use crate::look::{Glyph, Look, Tone};
use crokey::crossterm::event::{KeyCode, KeyModifiers};
use crokey::{KeyCombination, OneToThree};
use noctule_domain::text::{MAX_TEXT, is_dangerous};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use std::ops::Range;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

/// A line break as the domain's texts carry it: made visible.
const VISIBLE_BREAK: char = '\u{240a}';

#[derive(Debug, Clone, Default)]
pub struct TextArea {
    /// With real line breaks.
    text: String,
    /// A byte position on the edge of a grapheme.
    cursor: usize,
    /// What did not fit, in characters, since it was last asked for.
    refused: usize,
}

impl TextArea {
    pub fn new(text: &str) -> Self {
        let text = text.replace(VISIBLE_BREAK, "\n");
        Self { cursor: text.len(), text, refused: 0 }
    }

    /// With real line breaks.
    pub fn value(&self) -> &str {
        &self.text
    }

    /// Bytes that the domain's text will take: a line break is one visible character there.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.text.matches('\n').count() * (VISIBLE_BREAK.len_utf8() - 1)
    }

    /// Characters that found no room since this was last asked.
    pub fn take_refused(&mut self) -> usize {
        std::mem::take(&mut self.refused)
    }

    fn insert(&mut self, c: char) {
        let need = if c == '\n' { VISIBLE_BREAK.len_utf8() } else { c.len_utf8() };
        if self.bytes() + need > MAX_TEXT {
            self.refused += 1;
        } else {
            self.text.insert(self.cursor, c);
            self.cursor += c.len_utf8();
        }
    }

    pub fn paste(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n");
        for c in text.chars() {
            match c {
                '\n' | '\r' | VISIBLE_BREAK => self.insert('\n'),
                '\t' => self.insert(' '),
                c if is_dangerous(c) => {}
                c => self.insert(c),
            }
        }
    }

    /// True when the key was a typing or editing key.
    pub fn key(&mut self, key: KeyCombination) -> bool {
        let OneToThree::One(code) = key.codes else { return false };
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match code {
            KeyCode::Enter if alt || ctrl || key.modifiers.contains(KeyModifiers::SHIFT) => self.insert('\n'),
            KeyCode::Char('j') if ctrl => self.insert('\n'),
            KeyCode::Char('u') if ctrl => {
                let from = self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1);
                self.remove(from..self.cursor);
            }
            KeyCode::Char('e') if ctrl => self.cursor = self.line_end(),
            KeyCode::Char(c) if !ctrl && !alt => {
                if !is_dangerous(c) {
                    let shift = key.modifiers.contains(KeyModifiers::SHIFT) && c.is_ascii_lowercase();
                    self.insert(if shift { c.to_ascii_uppercase() } else { c });
                }
            }
            KeyCode::Left if ctrl || alt => self.cursor = self.word_before(),
            KeyCode::Right if ctrl || alt => self.cursor = self.word_after(),
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1),
            KeyCode::End => self.cursor = self.line_end(),
            KeyCode::Backspace if ctrl || alt => self.remove(self.word_before()..self.cursor),
            KeyCode::Backspace => self.remove(self.before()..self.cursor),
            KeyCode::Delete => self.remove(self.cursor..self.after()),
            _ => return false,
        }
        true
    }

    fn remove(&mut self, range: Range<usize>) {
        self.cursor = range.start;
        self.text.replace_range(range, "");
    }

    fn line_end(&self) -> usize {
        self.text[self.cursor..].find('\n').map_or(self.text.len(), |at| self.cursor + at)
    }

    fn before(&self) -> usize {
        GraphemeCursor::new(self.cursor, self.text.len(), true).prev_boundary(&self.text, 0).ok().flatten().unwrap_or(0)
    }

    fn after(&self) -> usize {
        GraphemeCursor::new(self.cursor, self.text.len(), true).next_boundary(&self.text, 0).ok().flatten().unwrap_or(self.text.len())
    }

    fn word_before(&self) -> usize {
        let mut words = self.text[..self.cursor].split_word_bound_indices();
        words.rfind(|(_, word)| !word.trim().is_empty()).map_or(0, |(at, _)| at)
    }

    fn word_after(&self) -> usize {
        let mut words = self.text[self.cursor..].split_word_bound_indices().filter(|(_, word)| !word.trim().is_empty());
        words.next().map_or(self.text.len(), |(at, word)| self.cursor + at + word.len())
    }

    /// The rows as they are drawn at a width: byte ranges, broken after blanks where there are any.
    fn rows(&self, room: u16) -> Vec<Range<usize>> {
        let room = usize::from(room.max(4));
        let mut rows = Vec::new();
        let mut start = 0;
        for line in self.text.split('\n') {
            let end = start + line.len();
            let mut from = start;
            loop {
                let mut used = 0;
                let mut blank = None;
                let mut cut = end;
                for (at, grapheme) in self.text[from..end].grapheme_indices(true) {
                    used += usize::from(width(grapheme));
                    if used > room {
                        // At least one grapheme goes, or nothing would ever end.
                        cut = Some(blank.unwrap_or(from + at)).filter(|cut| *cut > from).unwrap_or(from + grapheme.len());
                        break;
                    }
                    if grapheme == " " {
                        blank = Some(from + at + 1);
                    }
                }
                rows.push(from..cut);
                if cut >= end {
                    break;
                }
                from = cut;
            }
            start = end + 1;
        }
        rows
    }

    /// Row and cell of the cursor.
    fn place(&self, rows: &[Range<usize>]) -> (usize, u16) {
        let row = rows.iter().rposition(|row| row.start <= self.cursor).unwrap_or(0);
        let from = rows.get(row).map_or(0, |row| row.start);
        (row, width(self.text.get(from..self.cursor).unwrap_or_default()))
    }

    /// Up or down by rows as they are drawn.
    pub fn travel(&mut self, by: isize, room: u16) {
        let rows = self.rows(room);
        let (row, cell) = self.place(&rows);
        let to = row.saturating_add_signed(by).min(rows.len().saturating_sub(1));
        let Some(target) = rows.get(to).cloned() else { return };
        let mut used = 0;
        let mut at = target.end;
        for (offset, grapheme) in self.text[target.clone()].grapheme_indices(true) {
            if used >= cell {
                at = target.start + offset;
                break;
            }
            used += width(grapheme);
        }
        // The end of a row that goes on is the beginning of the next.
        if at == target.end && target.end < self.text.len() && rows.get(to + 1).is_some_and(|next| next.start == target.end) {
            at = GraphemeCursor::new(at, self.text.len(), true).prev_boundary(&self.text, 0).ok().flatten().unwrap_or(at).max(target.start);
        }
        self.cursor = at;
    }

    /// Draws the text, scrolled so that the cursor is seen, and sets the terminal's cursor.
    pub fn draw(&self, frame: &mut Frame, area: Rect, look: &Look) {
        let area = area.intersection(frame.area());
        if area.width < 5 || area.height == 0 {
            return;
        }
        let room = area.width - 1;
        let rows = self.rows(room);
        let (row, cell) = self.place(&rows);
        let height = usize::from(area.height);
        let top = row.saturating_sub(height - 1).min(rows.len().saturating_sub(height));
        let buf = frame.buffer_mut();
        for (y, range) in (area.y..).zip(rows.iter().skip(top).take(height)) {
            put(buf, area.x, y, room, self.text.get(range.clone()).unwrap_or_default(), look.style(Tone::Text), look);
        }
        if top > 0 {
            put(buf, area.right() - 1, area.y, 1, look.glyph(Glyph::MoreUp), look.style(Tone::Key), look);
        }
        if top + height < rows.len() {
            put(buf, area.right() - 1, area.bottom() - 1, 1, look.glyph(Glyph::More), look.style(Tone::Key), look);
        }
        frame.set_cursor_position(Position { x: area.x + cell.min(room), y: area.y + (row - top) as u16 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn press(area: &mut TextArea, key: &str) {
        area.key(key.parse().expect("a key"));
    }

    #[test]
    fn lines_are_broken_joined_and_walked() {
        let mut area = TextArea::new("gate code 12\u{240a}dog");
        assert_eq!(area.value(), "gate code 12\ndog");
        press(&mut area, "alt-enter");
        area.paste("ring\r\ntwice\tplease\u{1b}[2J");
        assert_eq!(area.value(), "gate code 12\ndog\nring\ntwice please[2J");
        area.travel(-9, 40);
        press(&mut area, "home");
        press(&mut area, "delete");
        assert!(area.value().starts_with("ate code"));
        press(&mut area, "end");
        press(&mut area, "delete");
        assert!(area.value().starts_with("ate code 12dog"), "{}", area.value());
        press(&mut area, "ctrl-j");
        assert!(area.value().starts_with("ate code 12\ndog"));
    }

    #[test]
    fn what_does_not_fit_is_counted_and_nothing_is_cut_later() {
        let mut area = TextArea::default();
        area.paste(&"ab\n".repeat(1000));
        assert!(area.bytes() <= MAX_TEXT);
        let kept = noctule_domain::SafeText::new(area.value());
        assert!(!kept.as_str().ends_with('\u{2026}'));
        let refused = area.take_refused();
        assert_eq!(refused + area.value().chars().count(), 3000);
        assert_eq!(TextArea::new(kept.as_str()).value(), area.value());
    }

    proptest! {
        #[test]
        fn no_keys_panic_and_the_cursor_stays_on_an_edge(
            text in "\\PC{0,60}|.{0,60}",
            keys in prop::collection::vec(prop::sample::select(vec!["left", "right", "home", "end", "backspace", "delete", "ctrl-left", "ctrl-right", "alt-backspace", "alt-enter", "ctrl-u", "x"]), 0..40),
            moves in prop::collection::vec((-3isize..4, 0u16..30), 0..20),
        ) {
            let mut area = TextArea::default();
            area.paste(&text);
            for (at, key) in keys.iter().enumerate() {
                press(&mut area, key);
                if let Some((by, room)) = moves.get(at) {
                    area.travel(*by, *room);
                }
                prop_assert!(area.text.is_char_boundary(area.cursor));
                let rows = area.rows(moves.get(at).map_or(7, |(_, room)| *room));
                prop_assert_eq!(rows.first().map(|r| r.start), Some(0));
                prop_assert_eq!(rows.last().map(|r| r.end), Some(area.text.len()));
            }
        }
    }
}
