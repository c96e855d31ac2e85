//! Help: everything that can be done here, by group, with its keys; typing narrows it, Enter does the selected one.

use super::palette::search;
use super::{Scroll, Step, Then, Typed};
use crate::action::{Action, Group, TABLE, Weight, sequence_label, title};
use crate::app::App;
use crate::look::{Glyph, Look, Tone};
use crate::widgets::{TextInput, framed, line, put, wrapped};
use ratatui::Frame;
use ratatui::layout::Rect;

#[derive(Debug)]
pub struct Help {
    input: TextInput,
    entries: Vec<Entry>,
    /// Positions in `entries`; in the order of the groups while nothing is typed.
    found: Vec<usize>,
    scroll: Scroll,
}

#[derive(Debug, Clone)]
struct Entry {
    action: Action,
    keys: String,
    text: String,
}

impl AsRef<str> for Entry {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Help {
    pub fn new(app: &App) -> Self {
        let mut entries: Vec<Entry> = crate::app::dispatch::meant(app)
            .into_iter()
            .map(|action| {
                let keys = app.env().keymap.of(action).iter().map(|s| sequence_label(s)).collect::<Vec<_>>().join(", ");
                let row = action.row();
                Entry { action, text: format!("{keys} {} {} {}", row.label, row.name, row.help), keys }
            })
            .collect();
        // What belongs to the pane first, in the order of the table: the console's own is the same everywhere.
        entries.sort_by_key(|e| {
            let group = e.action.row().group;
            let first = TABLE.iter().position(|row| row.group == group);
            (matches!(group, Group::Console | Group::Panes | Group::Move), first, e.action)
        });
        let found = (0..entries.len()).collect();
        Self { input: TextInput::default(), entries, found, scroll: Scroll::default() }
    }

    pub fn action(&mut self, action: Action, app: &App) -> Step {
        match action {
            Action::InputCancel => Step::close(),
            Action::InputAccept => match self.found.get(self.scroll.selected).map(|at| &self.entries[*at]) {
                Some(entry) => Step::done(vec![Then::Act(entry.action)]),
                None => Step::stay(),
            },
            other => {
                self.scroll.act(other, self.found.len(), usize::from(app.env().body.height) / 2);
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

    pub fn view(&self, app: &App, look: &Look, area: Rect, frame: &mut Frame) {
        let inner = framed(frame, area, "Help: type to search, Enter does it, Esc closes", look);
        self.input.draw(
            frame,
            Rect { height: 1.min(inner.height), x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner },
            "/",
            look,
        );
        // The selected one in full below the list, where there is room.
        let below = if inner.height >= 9 { 3 } else { 0 };
        let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1 + below), ..inner };
        if let (true, Some(index)) = (below > 0, self.found.get(self.scroll.selected)) {
            self.whole(&self.entries[*index], app, look, Rect { y: inner.bottom() - below, height: below, ..inner }, frame);
        }
        // Headlines are lines too, so that scrolling stays even.
        let grouped = self.input.value().trim().is_empty();
        let mut lines: Vec<Result<usize, Group>> = Vec::new();
        let mut selected_line = 0;
        for (at, index) in self.found.iter().enumerate() {
            let group = self.entries[*index].action.row().group;
            let before = at.checked_sub(1).map(|b| self.entries[self.found[b]].action.row().group);
            if grouped && before != Some(group) {
                lines.push(Err(group));
            }
            if at == self.scroll.selected {
                selected_line = lines.len();
            }
            lines.push(Ok(*index));
        }
        if lines.is_empty() {
            put(frame.buffer_mut(), list.x + 1, list.y, list.width, "Nothing is called like that here.", look.style(Tone::Muted), look);
        }
        let height = usize::from(list.height);
        // Where it is narrow the words need the room more.
        let widest = if list.width >= 100 { 20 } else { 12 };
        let key_width = self.entries.iter().map(|e| e.keys.chars().count()).max().unwrap_or(0).clamp(12, widest);
        let top = Scroll { selected: selected_line }.top(lines.len(), height);
        for (y, (at, what)) in lines.iter().enumerate().skip(top).take(height).enumerate() {
            let y = list.y + y as u16;
            match what {
                Err(group) => {
                    put(frame.buffer_mut(), list.x + 1, y, list.width, title(*group), look.style(Tone::Header), look);
                }
                Ok(index) => {
                    let entry = &self.entries[*index];
                    let row = entry.action.row();
                    let keys = format!("  {:<key_width$} ", entry.keys);
                    let note = app.greyed(entry.action).map(|why| format!("  (not now: {why})")).unwrap_or_default();
                    let style = if note.is_empty() { look.style(Tone::Text) } else { look.style(Tone::Muted) };
                    // The name is what the keymap and the command line want; it gives way to the words.
                    let name = if list.width >= 100 { format!("{:<24} ", row.name) } else { String::new() };
                    let pieces = [
                        (keys.as_str(), look.style(Tone::Key)),
                        (name.as_str(), look.style(Tone::Muted)),
                        (row.help, style),
                        (note.as_str(), look.style(Tone::Muted)),
                    ];
                    line(frame.buffer_mut(), list.x, y, list.width, &pieces, look);
                }
            }
            if at == selected_line {
                frame.buffer_mut().set_style(Rect { x: list.x, y, width: list.width, height: 1 }, look.style(Tone::Selected));
            }
        }
    }

    /// Name, weight, need and the whole help of one action.
    fn whole(&self, entry: &Entry, app: &App, look: &Look, area: Rect, frame: &mut Frame) {
        let row = entry.action.row();
        let rule = look.glyph(Glyph::Rule).repeat(usize::from(area.width));
        put(frame.buffer_mut(), area.x, area.y, area.width, &rule, look.style(Tone::Border), look);
        let note = app.greyed(entry.action).map(|why| format!(" Not now: {why}.")).unwrap_or_default();
        let weight = match row.weight {
            Weight::Safe => String::new(),
            weight => format!(" ({weight}, needs {})", row.needs),
        };
        let text = format!(":{}{weight}  {}.{note}", row.name, row.help);
        let inside = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(1) };
        wrapped(frame.buffer_mut(), inside, &text, look.style(Tone::Text), look);
    }
}
