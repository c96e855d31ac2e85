//! A menu: one line per choice, each with a letter. What is not possible stays, greyed, with its reason.

use super::{Scroll, Step, Then, Typed};
use crate::action::Action;
use crate::look::{Look, Tone};
use crate::msg::Notice;
use crate::widgets::{centred, framed, line, width};
use crokey::OneToThree;
use crokey::crossterm::event::KeyCode;
use noctule_domain::JobId;
use ratatui::Frame;
use ratatui::layout::Rect;

#[derive(Debug)]
pub struct Menu {
    pub title: String,
    items: Vec<MenuItem>,
    scroll: Scroll,
    /// The list of jobs, or one of them: made anew when its numbers change.
    pub(crate) job: Option<Option<JobId>>,
}

#[derive(Debug, Clone)]
pub struct MenuItem {
    /// Chooses the line at once.
    pub key: Option<char>,
    pub label: String,
    pub help: String,
    /// Why it can not be chosen.
    pub greyed: Option<String>,
    pub then: Then,
}

impl Menu {
    pub fn new(title: &str, items: Vec<MenuItem>) -> Self {
        Self { title: title.to_owned(), items, scroll: Scroll::default(), job: None }
    }

    /// The same menu with new lines; the selection stays.
    pub(crate) fn renew(&mut self, new: Self) {
        let selected = self.scroll.selected.min(new.items.len().saturating_sub(1));
        *self = new;
        self.scroll.selected = selected;
    }

    /// Begins on a line other than the first.
    pub fn selected(mut self, at: usize) -> Self {
        self.scroll.selected = at.min(self.items.len().saturating_sub(1));
        self
    }

    pub fn action(&mut self, action: Action) -> Step {
        match action {
            Action::MenuAccept => self.choose(self.scroll.selected),
            Action::Close => Step::close(),
            other => {
                self.scroll.act(other, self.items.len(), 8);
                Step::stay()
            }
        }
    }

    pub fn typed(&mut self, typed: Typed<'_>) -> Step {
        let Typed::Key(key) = typed else { return Step::stay() };
        let OneToThree::One(KeyCode::Char(c)) = key.codes else { return Step::stay() };
        match self.items.iter().position(|item| item.key == Some(c)) {
            Some(at) if key.modifiers.is_empty() => self.choose(at),
            _ => Step::stay(),
        }
    }

    fn choose(&mut self, at: usize) -> Step {
        match self.items.get(at) {
            None => Step::close(),
            Some(MenuItem { greyed: Some(why), label, .. }) => {
                Step { keep: true, then: vec![Then::Say(Notice::info(format!("{label}: {why}")))] }
            }
            Some(item) => Step::done(vec![item.then.clone()]),
        }
    }

    pub fn view(&self, look: &Look, area: Rect, frame: &mut Frame) {
        let label_width = self.items.iter().map(|i| width(&i.label)).max().unwrap_or(0);
        let help_width = self.items.iter().map(|i| width(i.greyed.as_deref().unwrap_or(&i.help))).max().unwrap_or(0);
        let outer = centred(area, (label_width + help_width + 10).max(width(&self.title) + 6), self.items.len() as u16 + 2);
        let inner = framed(frame, outer, &self.title, look);
        let height = usize::from(inner.height);
        let top = self.scroll.top(self.items.len(), height);
        for (y, (at, item)) in self.items.iter().enumerate().skip(top).take(height).enumerate() {
            let y = inner.y + y as u16;
            let key = item.key.map_or("   ".to_owned(), |k| format!(" {k} "));
            let label = format!("{}{}", item.label, " ".repeat(usize::from(label_width - width(&item.label).min(label_width)) + 2));
            let (style, note) = match &item.greyed {
                Some(why) => (look.style(Tone::Muted), why.as_str()),
                None => (look.style(Tone::Text), item.help.as_str()),
            };
            let pieces = [(key.as_str(), look.style(Tone::Key)), (label.as_str(), style), (note, look.style(Tone::Muted))];
            line(frame.buffer_mut(), inner.x, y, inner.width, &pieces, look);
            if at == self.scroll.selected {
                frame.buffer_mut().set_style(Rect { x: inner.x, y, width: inner.width, height: 1 }, look.style(Tone::Selected));
            }
        }
    }
}
