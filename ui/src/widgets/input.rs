//! One-line text: editing keys, drawing with a cursor. Text from a paste is cleaned here, so that no control character gets in.

use super::{put, width};
use crate::look::{Look, Tone};
use crokey::crossterm::event::{KeyCode, KeyModifiers};
use crokey::{KeyCombination, OneToThree};
use noctule_domain::text::is_dangerous;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use tui_input::{Input, InputRequest};

/// Longest text that can be typed, in characters.
pub const MAX_INPUT: usize = 512;

/// An input with what precedes it (`/`, `:`).
#[derive(Debug, Clone, Default)]
pub struct TextInput {
    input: Input,
}

impl TextInput {
    pub fn new(text: &str) -> Self {
        Self { input: Input::new(clean(text, MAX_INPUT)) }
    }

    pub fn value(&self) -> &str {
        self.input.value()
    }

    /// Byte position of the cursor.
    pub fn cursor_byte(&self) -> usize {
        self.value().char_indices().nth(self.input.cursor()).map_or(self.value().len(), |(at, _)| at)
    }

    pub fn set(&mut self, text: &str) {
        self.input = Input::new(clean(text, MAX_INPUT));
    }

    /// Replaces bytes `range` and puts the cursor after what was inserted. A range that does not fit is ignored.
    pub fn replace(&mut self, range: std::ops::Range<usize>, insert: &str) {
        let value = self.value();
        let (Some(head), Some(tail)) = (value.get(..range.start), value.get(range.end..)) else { return };
        if range.start > range.end {
            return;
        }
        let head = format!("{head}{}", clean(insert, MAX_INPUT));
        let cursor = head.chars().count();
        self.input = Input::new(clean(&format!("{head}{tail}"), MAX_INPUT)).with_cursor(cursor);
    }

    /// True when the key was a typing or editing key.
    pub fn key(&mut self, key: KeyCombination) -> bool {
        edit(&mut self.input, key)
    }

    pub fn paste(&mut self, text: &str) {
        let room = MAX_INPUT.saturating_sub(self.value().chars().count());
        for c in clean(text, room).chars() {
            self.input.handle(InputRequest::InsertChar(c));
        }
    }

    /// Draws the prompt and the text, scrolled so that the cursor is seen, and sets the terminal's cursor.
    pub fn draw(&self, frame: &mut Frame, area: Rect, prompt: &str, look: &Look) {
        let area = area.intersection(frame.area());
        if area.is_empty() {
            return;
        }
        let used = put(frame.buffer_mut(), area.x, area.y, area.width, prompt, look.style(Tone::Key), look);
        let room = area.width - used;
        if room < 2 {
            return;
        }
        let scroll = self.input.visual_scroll(usize::from(room - 1)) as u16;
        let mut hidden = 0u16;
        let mut shown = String::new();
        for c in self.value().chars() {
            if hidden < scroll {
                hidden += width(c.encode_utf8(&mut [0; 4]));
            } else {
                shown.push(c);
            }
        }
        let x = area.x + used;
        put(frame.buffer_mut(), x, area.y, room, &shown, look.style(Tone::Text), look);
        let at = (self.input.visual_cursor() as u16).saturating_sub(scroll).min(room - 1);
        frame.set_cursor_position(Position { x: x + at, y: area.y });
    }
}

fn clean(text: &str, max: usize) -> String {
    text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).filter(|c| !is_dangerous(*c)).take(max).collect()
}

/// Editing keys that every input has; they are habits of line editing, not actions.
pub fn edit(input: &mut Input, key: KeyCombination) -> bool {
    let OneToThree::One(code) = key.codes else { return false };
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    use InputRequest as R;
    let request = match code {
        KeyCode::Char('u') if ctrl => R::DeleteFromStart,
        KeyCode::Char('e') if ctrl => R::GoToEnd,
        KeyCode::Char('b') if alt => R::GoToPrevWord,
        KeyCode::Char('f') if alt => R::GoToNextWord,
        KeyCode::Char('d') if alt => R::DeleteNextWord,
        KeyCode::Char(c) if !ctrl && !alt => {
            if is_dangerous(c) || input.value().chars().count() >= MAX_INPUT {
                return true;
            }
            let shift = key.modifiers.contains(KeyModifiers::SHIFT) && c.is_ascii_lowercase();
            R::InsertChar(if shift { c.to_ascii_uppercase() } else { c })
        }
        KeyCode::Left if ctrl || alt => R::GoToPrevWord,
        KeyCode::Right if ctrl || alt => R::GoToNextWord,
        KeyCode::Left => R::GoToPrevChar,
        KeyCode::Right => R::GoToNextChar,
        KeyCode::Home => R::GoToStart,
        KeyCode::End => R::GoToEnd,
        KeyCode::Backspace if ctrl || alt => R::DeletePrevWord,
        KeyCode::Backspace => R::DeletePrevChar,
        KeyCode::Delete => R::DeleteNextChar,
        _ => return false,
    };
    input.handle(request);
    true
}
