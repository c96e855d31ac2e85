//! The command line, with completion below it.

use super::{Step, Then, Typed};
use crate::action::Action;
use crate::app::{App, complete_command};
use crate::look::{Look, Tone};
use crate::widgets::{TextInput, framed, line};
use ratatui::Frame;
use ratatui::layout::Rect;

/// Lines of completion that are shown.
const SHOWN: usize = 8;

#[derive(Debug, Default)]
pub struct Command {
    input: TextInput,
    /// What Tab goes through, and where it is.
    candidates: Vec<(String, String)>,
    at: Option<usize>,
}

impl Command {
    pub fn action(&mut self, action: Action, app: &App) -> Step {
        match action {
            Action::InputCancel => Step::close(),
            Action::InputAccept => Step::done(vec![Then::Command(self.input.value().to_owned())]),
            Action::InputComplete | Action::InputNext => {
                self.cycle(app, true);
                Step::stay()
            }
            Action::InputCompleteBack | Action::InputPrevious => {
                self.cycle(app, false);
                Step::stay()
            }
            _ => Step::stay(),
        }
    }

    fn cycle(&mut self, app: &App, forward: bool) {
        if self.at.is_none() {
            self.candidates = complete_command(self.input.value(), app.env().vocabulary);
        }
        let len = self.candidates.len();
        if len == 0 {
            return;
        }
        let at = match (self.at, forward) {
            (None, true) => 0,
            (None, false) => len - 1,
            (Some(at), true) => (at + 1) % len,
            (Some(at), false) => (at + len - 1) % len,
        };
        self.at = Some(at);
        self.input.set(&self.candidates[at].0.clone());
    }

    pub fn typed(&mut self, typed: Typed<'_>, app: &App) -> Step {
        match typed {
            Typed::Key(key) => {
                self.input.key(key);
            }
            Typed::Paste(text) => self.input.paste(text),
        }
        self.at = None;
        self.candidates = complete_command(self.input.value(), app.env().vocabulary);
        Step::stay()
    }

    pub fn view(&self, app: &App, look: &Look, area: Rect, frame: &mut Frame) {
        let all;
        let candidates = if self.candidates.is_empty() && self.input.value().is_empty() {
            all = complete_command("", app.env().vocabulary);
            &all
        } else {
            &self.candidates
        };
        let shown = candidates.len().min(SHOWN);
        let height = (shown as u16 + 3).min(area.height);
        let outer = Rect { x: area.x, y: area.bottom().saturating_sub(height), width: area.width, height };
        let inner = framed(frame, outer, "Command", look);
        let room = usize::from(inner.height.saturating_sub(1)).min(shown);
        let top = self.at.map_or(0, |at| at.saturating_sub(room.saturating_sub(1)));
        for (y, (at, (text, help))) in candidates.iter().enumerate().skip(top).take(room).enumerate() {
            let y = inner.y + y as u16;
            let text = format!(" {text:<24} ");
            let pieces = [(text.as_str(), look.style(Tone::Text)), (help.as_str(), look.style(Tone::Muted))];
            line(frame.buffer_mut(), inner.x, y, inner.width, &pieces, look);
            if self.at == Some(at) {
                frame.buffer_mut().set_style(Rect { x: inner.x, y, width: inner.width, height: 1 }, look.style(Tone::Selected));
            }
        }
        if inner.height > 0 {
            self.input.draw(frame, Rect { y: inner.bottom() - 1, height: 1, ..inner }, ":", look);
        }
    }
}
