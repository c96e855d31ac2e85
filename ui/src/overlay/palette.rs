//! The palette: every action that can be meant here, found by a few letters of its name, label or help.

use super::{Scroll, Step, Then, Typed};
use crate::action::Action;
use crate::app::App;
use crate::look::{Look, Tone};
use crate::msg::Notice;
use crate::widgets::{TextInput, centred, framed, line, put};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use ratatui::Frame;
use ratatui::layout::Rect;

#[derive(Debug)]
pub struct Palette {
    input: TextInput,
    entries: Vec<Entry>,
    /// Positions in `entries`, the best first.
    found: Vec<usize>,
    scroll: Scroll,
}

#[derive(Debug, Clone)]
struct Entry {
    action: Action,
    key: String,
    greyed: Option<String>,
    /// What is searched.
    text: String,
}

impl AsRef<str> for Entry {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Palette {
    pub fn new(app: &App) -> Self {
        let entries: Vec<Entry> = crate::app::dispatch::meant(app)
            .into_iter()
            .filter(|a| !matches!(a, Action::Palette | Action::Escape))
            .map(|action| Entry {
                action,
                key: app.env().keymap.label(action).unwrap_or_default(),
                greyed: app.greyed(action),
                text: format!("{} {} {}", action.row().label, action.name(), action.row().help),
            })
            .collect();
        let found = (0..entries.len()).collect();
        Self { input: TextInput::default(), entries, found, scroll: Scroll::default() }
    }

    pub fn action(&mut self, action: Action, _app: &App) -> Step {
        match action {
            Action::InputCancel => Step::close(),
            Action::InputAccept => match self.found.get(self.scroll.selected).map(|at| &self.entries[*at]) {
                None => Step::stay(),
                Some(Entry { greyed: Some(why), action, .. }) => {
                    Step { keep: true, then: vec![Then::Say(Notice::info(format!("{}: {why}", action.row().label)))] }
                }
                Some(entry) => Step::done(vec![Then::Act(entry.action)]),
            },
            Action::InputComplete => {
                self.scroll.act(Action::InputNext, self.found.len(), 8);
                Step::stay()
            }
            other => {
                self.scroll.act(other, self.found.len(), 8);
                Step::stay()
            }
        }
    }

    pub fn typed(&mut self, typed: Typed<'_>) -> Step {
        match typed {
            Typed::Key(key) => {
                self.input.key(key);
            }
            Typed::Paste(text) => self.input.paste(text),
        }
        self.found = search(self.input.value(), &self.entries);
        self.scroll.selected = 0;
        Step::stay()
    }

    pub fn view(&self, look: &Look, area: Rect, frame: &mut Frame) {
        let outer = centred(area, 76, area.height.min(18));
        let inner = framed(frame, outer, "Palette", look);
        self.input.draw(
            frame,
            Rect { height: 1.min(inner.height), x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner },
            "> ",
            look,
        );
        let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        if self.found.is_empty() {
            put(frame.buffer_mut(), list.x + 1, list.y, list.width, "Nothing is called like that here.", look.style(Tone::Muted), look);
        }
        let height = usize::from(list.height);
        let top = self.scroll.top(self.found.len(), height);
        for (y, (at, index)) in self.found.iter().enumerate().skip(top).take(height).enumerate() {
            let entry = &self.entries[*index];
            let y = list.y + y as u16;
            let key = format!(" {:<9} ", entry.key);
            let row = entry.action.row();
            let label = format!("{:<16} ", row.label);
            let (style, note) = match &entry.greyed {
                Some(why) => (look.style(Tone::Muted), format!("not now: {why}")),
                None => (look.style(Tone::Text), row.help.to_owned()),
            };
            let pieces = [(key.as_str(), look.style(Tone::Key)), (label.as_str(), style), (note.as_str(), look.style(Tone::Muted))];
            line(frame.buffer_mut(), list.x, y, list.width, &pieces, look);
            if at == self.scroll.selected {
                frame.buffer_mut().set_style(Rect { x: list.x, y, width: list.width, height: 1 }, look.style(Tone::Selected));
            }
        }
    }
}

/// Positions of the entries that match, the best first; all of them for an empty text.
pub(super) fn search<T: AsRef<str>>(text: &str, entries: &[T]) -> Vec<usize> {
    if text.trim().is_empty() {
        return (0..entries.len()).collect();
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, usize)> = entries
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| {
            let haystack = nucleo_matcher::Utf32Str::new(entry.as_ref(), &mut buffer);
            pattern.score(haystack, &mut matcher).map(|score| (score, at))
        })
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().map(|(_, at)| at).collect()
}
