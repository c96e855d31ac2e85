//! The filter bar: what is typed is parsed at each key; a right filter is applied at once, a wrong one says where and why and leaves the
//! list as it was. Tab completes, up and down go through earlier filters.

use crate::app::Env;
use crate::look::{Look, Tone};
use crate::overlay::Typed;
use crate::widgets::{TextInput, fit, line, put, width};
use noctule_domain::filter::{self, Completion, Filter, FilterError};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

/// Completions shown at once.
const SHOWN: usize = 6;

#[derive(Debug)]
pub(super) struct FilterBar {
    input: TextInput,
    /// What was active when the bar opened: Esc brings it back.
    pub before: String,
    pub parsed: Result<Filter, FilterError>,
    candidates: Vec<Completion>,
    /// The candidate that Tab has put in, and the text and cursor before it did.
    cycling: Option<(usize, String)>,
    /// Position in the history of filters.
    history: Option<usize>,
}

impl FilterBar {
    pub fn new(text: &str, env: &Env<'_>) -> Self {
        let mut bar = Self {
            input: TextInput::new(text),
            before: text.to_owned(),
            parsed: filter::parse(text),
            candidates: Vec::new(),
            cycling: None,
            history: None,
        };
        bar.complete(env);
        bar
    }

    pub fn text(&self) -> &str {
        self.input.value()
    }

    pub fn typed(&mut self, typed: Typed<'_>, env: &Env<'_>) {
        match typed {
            Typed::Key(key) => {
                self.input.key(key);
            }
            Typed::Paste(text) => self.input.paste(text),
        }
        self.cycling = None;
        self.history = None;
        self.changed(env);
        self.complete(env);
    }

    fn changed(&mut self, _env: &Env<'_>) {
        self.parsed = filter::parse(self.input.value());
    }

    fn complete(&mut self, env: &Env<'_>) {
        self.candidates = filter::complete(self.input.value(), self.input.cursor_byte(), env.vocabulary);
    }

    /// Puts in the next candidate (or the one before).
    pub fn cycle(&mut self, forward: bool, env: &Env<'_>) {
        let len = self.candidates.len();
        if len == 0 {
            return;
        }
        let (at, original) = match self.cycling.take() {
            Some((at, original)) => ((if forward { at + 1 } else { at + len - 1 }) % len, original),
            None => (if forward { 0 } else { len - 1 }, self.input.value().to_owned()),
        };
        let candidate = self.candidates[at].clone();
        let tail = original.len() - candidate.replace.end.min(original.len());
        self.input.set(&original);
        self.input.replace(candidate.replace.clone(), &candidate.insert);
        self.cycling = Some((at, original));
        self.changed(env);
        // One candidate alone is meant: go on with what follows it.
        if len == 1 && tail == 0 {
            self.cycling = None;
            self.complete(env);
        }
    }

    /// Earlier filters, the latest first; `down` beyond the latest comes back to an empty bar.
    pub fn recall(&mut self, older: bool, env: &Env<'_>) {
        let filters = &env.preferences.filters;
        self.history = match (self.history, older) {
            (None, true) => (!filters.is_empty()).then_some(0),
            (Some(at), true) => Some((at + 1).min(filters.len().saturating_sub(1))),
            (Some(0) | None, false) => None,
            (Some(at), false) => Some(at - 1),
        };
        let text = self.history.and_then(|at| filters.get(at)).cloned().unwrap_or_default();
        self.input.set(&text);
        self.cycling = None;
        self.changed(env);
        self.complete(env);
    }

    /// The bar on the first line of `area`, what is wrong or what may follow below it.
    pub fn view(&self, look: &Look, area: Rect, frame: &mut Frame) {
        let bar = Rect { height: 1.min(area.height), ..area };
        Clear.render(bar.intersection(frame.area()), frame.buffer_mut());
        self.input.draw(frame, bar, "/", look);
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        if let Err(error) = &self.parsed {
            self.error(error, look, below, frame);
        } else if !self.candidates.is_empty() && !self.input.value().is_empty() {
            self.list(look, below, frame);
        }
    }

    fn error(&self, error: &FilterError, look: &Look, below: Rect, frame: &mut Frame) {
        let line = Rect { height: 1.min(below.height), ..below };
        Clear.render(line.intersection(frame.area()), frame.buffer_mut());
        let at = self.input.value().get(..error.at.start).map_or(0, width) + 1;
        let room = line.width.saturating_sub(2);
        let message = fit(&error.message, room, look.ellipsis()).into_owned();
        // Under the wrong word, as far as the line allows.
        let x = line.x + at.min(line.width.saturating_sub(width(&message) + 2));
        put(frame.buffer_mut(), x, line.y, room, &format!("^ {message}"), look.style(Tone::Danger), look);
    }

    fn list(&self, look: &Look, below: Rect, frame: &mut Frame) {
        let selected = self.cycling.as_ref().map(|(at, _)| *at);
        let top = selected.map_or(0, |at| at.saturating_sub(SHOWN - 1));
        let shown = self.candidates.iter().enumerate().skip(top).take(SHOWN.min(usize::from(below.height)));
        for (y, (at, candidate)) in shown.enumerate() {
            let row = Rect { y: below.y + y as u16, height: 1, width: below.width.min(72), ..below };
            Clear.render(row.intersection(frame.area()), frame.buffer_mut());
            let text = format!("  {:<18} ", candidate.insert);
            let pieces = [(text.as_str(), look.style(Tone::Accent)), (candidate.help.as_str(), look.style(Tone::Muted))];
            line(frame.buffer_mut(), row.x, row.y, row.width, &pieces, look);
            if selected == Some(at) {
                frame.buffer_mut().set_style(row, look.style(Tone::Selected));
            }
        }
    }
}
