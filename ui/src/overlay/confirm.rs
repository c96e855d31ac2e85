//! Confirmation: names the target and the count, lists what will happen and what is refused. A dangerous bulk wants its count typed.

use super::{Scroll, Step, Then, Typed};
use crate::action::{Action, Context};
use crate::look::{Look, Tone};
use crate::widgets::{TextInput, centred, framed, put, width, wrap};
use ratatui::Frame;
use ratatui::layout::Rect;

#[derive(Debug, Clone)]
pub struct Confirm {
    pub title: String,
    lines: Vec<Line>,
    /// The number that must be typed.
    count: Option<usize>,
    input: TextInput,
    scroll: Scroll,
    pub(crate) then: Vec<Then>,
    /// What follows where the answer is no.
    otherwise: Vec<Then>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub text: String,
    pub tone: Tone,
}

impl Line {
    pub fn plain(text: String) -> Self {
        Self { text, tone: Tone::Text }
    }
    pub fn good(text: String) -> Self {
        Self { text, tone: Tone::Good }
    }
    pub fn warning(text: String) -> Self {
        Self { text, tone: Tone::Warning }
    }
    pub fn refused(text: String) -> Self {
        Self { text: format!("  {text}"), tone: Tone::Muted }
    }
}

impl Confirm {
    /// Answered by one key.
    pub fn yes_no(title: &str, lines: Vec<String>, then: Vec<Then>) -> Self {
        Self::with_lines(title, lines.into_iter().map(Line::plain).collect(), then)
    }

    pub fn with_lines(title: &str, lines: Vec<Line>, then: Vec<Then>) -> Self {
        let (input, scroll) = (TextInput::default(), Scroll::default());
        Self { title: title.to_owned(), lines, count: None, input, scroll, then, otherwise: Vec::new() }
    }

    pub fn otherwise(self, otherwise: Vec<Then>) -> Self {
        Self { otherwise, ..self }
    }

    /// Answered by typing the count: a habit of the fingers must not end the service of a hundred people.
    pub fn typed(title: &str, lines: Vec<Line>, count: usize, then: Vec<Then>) -> Self {
        Self { count: Some(count), ..Self::with_lines(title, lines, then) }
    }

    pub fn context(&self) -> Context {
        if self.count.is_some() { Context::Input } else { Context::Confirm }
    }

    pub fn action(&mut self, action: Action) -> Step {
        match action {
            Action::ConfirmYes if self.count.is_none() => Step::done(std::mem::take(&mut self.then)),
            Action::ConfirmNo | Action::InputCancel | Action::Close => Step::done(std::mem::take(&mut self.otherwise)),
            Action::InputAccept => match self.count {
                Some(count) if self.input.value().trim() == count.to_string() => Step::done(std::mem::take(&mut self.then)),
                _ => Step::stay(),
            },
            other => {
                self.scroll.act(other, self.lines.len(), 5);
                Step::stay()
            }
        }
    }

    pub fn input(&mut self, typed: Typed<'_>) -> Step {
        match typed {
            Typed::Key(key) => {
                self.input.key(key);
            }
            Typed::Paste(text) => self.input.paste(text),
        }
        Step::stay()
    }

    pub fn view(&self, look: &Look, area: Rect, frame: &mut Frame) {
        let longest = self.lines.iter().map(|l| width(&l.text)).chain([width(&self.title), 44]).max().unwrap_or(44);
        let outer_width = longest.saturating_add(4).min(area.width);
        let room = outer_width.saturating_sub(4);
        let lines: Vec<(&str, Tone)> = self.lines.iter().flat_map(|l| wrap(&l.text, room).into_iter().map(|part| (part, l.tone))).collect();
        let outer = centred(area, outer_width, (lines.len().min(500) as u16).saturating_add(4).min(area.height));
        let inner = framed(frame, outer, "Confirm", look);
        if inner.height < 2 {
            return;
        }
        let left = inner.x + 1;
        put(frame.buffer_mut(), left, inner.y, room, &self.title, look.style(Tone::Danger), look);
        let height = usize::from(inner.height.saturating_sub(2));
        let top = self.scroll.selected.min(lines.len().saturating_sub(height));
        for (y, (text, tone)) in lines.iter().skip(top).take(height).enumerate() {
            put(frame.buffer_mut(), left, inner.y + 1 + y as u16, room, text, look.style(*tone), look);
        }
        let last = Rect { x: left, y: inner.bottom() - 1, width: room, height: 1 };
        let more = if lines.len() > height { "; down for more" } else { "" };
        match self.count {
            Some(count) => self.input.draw(frame, last, &format!("Type {count} and Enter, Esc leaves it{more}: "), look),
            None => {
                put(frame.buffer_mut(), left, last.y, room, &format!("y yes   n no{more}"), look.style(Tone::Key), look);
            }
        }
    }
}
