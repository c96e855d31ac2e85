//! A filter by words: a row is shown when each word occurs somewhere in its text. Typed with `/`; Enter keeps it, Esc drops it.

use crate::look::{Look, Tone};
use crate::overlay::Typed;
use crate::widgets::{TextInput, put, width};
use ratatui::Frame;
use ratatui::layout::Rect;

#[derive(Debug, Clone, Default)]
pub struct Find {
    input: TextInput,
    typing: bool,
    words: Vec<String>,
}

impl Find {
    pub fn typing(&self) -> bool {
        self.typing
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub fn text(&self) -> &str {
        self.input.value().trim()
    }

    pub fn begin(&mut self) {
        self.typing = true;
    }

    /// Ends typing and keeps the words.
    pub fn keep(&mut self) {
        self.typing = false;
    }

    /// Ends typing and shows every row again.
    pub fn drop(&mut self) {
        *self = Self::default();
    }

    pub fn set(&mut self, text: &str) {
        self.input.set(text);
        self.split();
    }

    pub fn typed(&mut self, typed: Typed<'_>) {
        match typed {
            Typed::Key(key) => {
                self.input.key(key);
            }
            Typed::Paste(text) => self.input.paste(text),
        }
        self.split();
    }

    fn split(&mut self) {
        self.words = self.input.value().split_whitespace().map(str::to_lowercase).collect();
    }

    /// True when every word occurs in one of the texts. A word that begins with `-` must not occur.
    pub fn matches(&self, texts: &[&str]) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let all = texts.join(" ").to_lowercase();
        self.words.iter().all(|word| match word.strip_prefix('-') {
            Some(not) if !not.is_empty() => !all.contains(not),
            _ => all.contains(word.as_str()),
        })
    }

    /// The line of the filter; nothing when there is none. `note` stands at the right.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, note: &str, look: &Look) {
        let room = area.width.saturating_sub(width(note) + 1);
        if self.typing {
            self.input.draw(frame, Rect { width: room, height: 1, ..area }, "/", look);
        } else {
            put(frame.buffer_mut(), area.x, area.y, room, &format!("/{}", self.text()), look.style(Tone::Match), look);
        }
        let x = area.right().saturating_sub(width(note));
        put(frame.buffer_mut(), x, area.y, width(note), note, look.style(Tone::Muted), look);
    }

    /// True when it has a line on the screen.
    pub fn shown(&self) -> bool {
        self.typing || !self.is_empty()
    }
}
