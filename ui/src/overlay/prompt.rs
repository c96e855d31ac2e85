//! A prompt: one line of text for a pane, such as a reason.

use super::{Step, Then, Typed};
use crate::action::Action;
use crate::look::{Look, Tone};
use crate::panes::Tell;
use crate::widgets::{TextInput, centred, framed, put, width};
use ratatui::Frame;
use ratatui::layout::Rect;

#[derive(Debug)]
pub struct Prompt {
    pub title: String,
    pub help: String,
    input: TextInput,
    /// Makes the message to the pane from the text.
    then: fn(String) -> Tell,
    /// An empty text counts as an answer.
    may_be_empty: bool,
}

impl Prompt {
    pub fn new(title: &str, help: &str, value: &str, may_be_empty: bool, then: fn(String) -> Tell) -> Self {
        Self { title: title.to_owned(), help: help.to_owned(), input: TextInput::new(value), then, may_be_empty }
    }

    pub fn action(&mut self, action: Action) -> Step {
        match action {
            Action::InputCancel => Step::close(),
            Action::InputAccept if self.may_be_empty || !self.input.value().trim().is_empty() => {
                Step::done(vec![Then::Tell(Box::new((self.then)(self.input.value().trim().to_owned())))])
            }
            _ => Step::stay(),
        }
    }

    pub fn typed(&mut self, typed: Typed<'_>) -> Step {
        match typed {
            Typed::Key(key) => {
                self.input.key(key);
            }
            Typed::Paste(text) => self.input.paste(text),
        }
        Step::stay()
    }

    pub fn view(&self, look: &Look, area: Rect, frame: &mut Frame) {
        let outer = centred(area, (width(&self.title).max(width(&self.help)) + 6).max(60), 4);
        let inner = framed(frame, outer, &self.title, look);
        put(frame.buffer_mut(), inner.x + 1, inner.y, inner.width.saturating_sub(2), &self.help, look.style(Tone::Muted), look);
        let at = Rect { x: inner.x + 1, y: inner.y + 1, width: inner.width.saturating_sub(2), height: 1 };
        if inner.height > 1 {
            self.input.draw(frame, at, "> ", look);
        }
    }
}
