//! Notes: a text of several lines for a pane. Enter keeps it, Alt-Enter or Ctrl-J breaks the line, Esc asks before it throws away what was
//! typed. What was sent last can be brought back, should the store have refused it.

use super::{Step, Then, Typed};
use crate::action::{Action, Context};
use crate::app::App;
use crate::look::{Look, Tone};
use crate::msg::Notice;
use crate::panes::Tell;
use crate::widgets::{TextArea, centred, framed, put, width};
use crokey::crossterm::event::{KeyCode, KeyModifiers};
use crokey::{KeyCombination, OneToThree};
use noctule_domain::text::MAX_TEXT;
use ratatui::Frame;
use ratatui::layout::Rect;

/// From this many bytes on, how much room there is left is told.
const NEARLY_FULL: usize = MAX_TEXT - 300;

#[derive(Debug)]
pub struct Notes {
    pub title: String,
    area: TextArea,
    before: String,
    /// What was typed for the same row before, and is not what the row has now.
    draft: Option<String>,
    /// Esc was pressed over something typed.
    asking: bool,
    then: fn(String) -> Tell,
}

impl Notes {
    pub fn new(title: &str, value: &str, draft: Option<String>, then: fn(String) -> Tell) -> Self {
        let area = TextArea::new(value);
        let before = area.value().to_owned();
        let draft = draft.filter(|draft| draft.trim() != before.trim());
        Self { title: title.to_owned(), area, before, draft, asking: false, then }
    }

    pub fn context(&self) -> Context {
        if self.asking { Context::Confirm } else { Context::Input }
    }

    fn changed(&self) -> bool {
        self.area.value().trim_end() != self.before.trim_end()
    }

    pub fn action(&mut self, action: Action, app: &App) -> Step {
        let room = inner_of(app.env().body).width;
        match action {
            Action::ConfirmYes => return Step::close(),
            Action::ConfirmNo => self.asking = false,
            Action::InputCancel if self.changed() => self.asking = true,
            Action::InputCancel => return Step::close(),
            Action::InputAccept if !self.changed() => return Step::done(vec![Then::Say(Notice::info("nothing was changed"))]),
            Action::InputAccept => return Step::done(vec![Then::Tell(Box::new((self.then)(self.area.value().trim_end().to_owned())))]),
            Action::InputPrevious => self.area.travel(-1, room),
            Action::InputNext => self.area.travel(1, room),
            Action::InputPageUp => self.area.travel(-5, room),
            Action::InputPageDown => self.area.travel(5, room),
            _ => {}
        }
        Step::stay()
    }

    pub fn typed(&mut self, typed: Typed<'_>) -> Step {
        if self.asking {
            return Step::stay();
        }
        match typed {
            Typed::Key(key) if brings_back(key) => {
                if let Some(draft) = self.draft.take() {
                    // What stands there now is kept before it.
                    let present = self.area.value().trim_end().to_owned();
                    let all = if present.is_empty() || present == self.before.trim_end() { draft } else { format!("{present}\n{draft}") };
                    self.area = TextArea::default();
                    self.area.paste(&all);
                }
            }
            Typed::Key(key) => {
                self.area.key(key);
            }
            Typed::Paste(text) => self.area.paste(text),
        }
        match self.area.take_refused() {
            0 => Step::stay(),
            n => {
                let text = format!("the notes are full ({MAX_TEXT} bytes): {n} of what came last did not fit");
                Step { keep: true, then: vec![Then::Say(Notice::warning(text))] }
            }
        }
    }

    pub fn view(&self, look: &Look, area: Rect, frame: &mut Frame) {
        framed(frame, outer_of(area), &self.title, look);
        let inner = inner_of(area).intersection(frame.area());
        if inner.height < 2 {
            return;
        }
        let text = Rect { height: inner.height - 1, ..inner };
        self.area.draw(frame, text, look);
        let last = inner.bottom() - 1;
        let buf = frame.buffer_mut();
        if self.asking {
            let text = "Throw away what was typed?   y yes   n no, go on";
            put(buf, inner.x, last, inner.width, text, look.style(Tone::Danger), look);
            return;
        }
        let bytes = self.area.bytes();
        let left = if bytes > NEARLY_FULL { format!("{} bytes left", MAX_TEXT.saturating_sub(bytes)) } else { String::new() };
        let help = help(self.draft.is_some(), inner.width.saturating_sub(width(&left) + 1));
        put(buf, inner.x, last, inner.width.saturating_sub(width(&left) + 1), help, look.style(Tone::Muted), look);
        put(buf, inner.right().saturating_sub(width(&left)), last, width(&left), &left, look.style(Tone::Warning), look);
    }
}

/// The keys, in the longest form that fits.
fn help(draft: bool, room: u16) -> &'static str {
    let forms: &[&'static str] = if draft {
        &[
            "Enter keeps it   Alt-Enter or Ctrl-J new line   Esc leaves it   Ctrl-R what was typed last",
            "Enter keeps it   Alt-Enter new line   Esc leaves it   Ctrl-R typed last",
            "Enter keeps it   Alt-Enter new line   Ctrl-R typed last",
        ]
    } else {
        &["Enter keeps it   Alt-Enter or Ctrl-J new line   Esc leaves it", "Enter keeps it   Alt-Enter new line   Esc leaves it"]
    };
    forms.iter().find(|form| width(form) <= room).or(forms.last()).copied().unwrap_or_default()
}

fn brings_back(key: KeyCombination) -> bool {
    key.codes == OneToThree::One(KeyCode::Char('r')) && key.modifiers == KeyModifiers::CONTROL
}

fn outer_of(area: Rect) -> Rect {
    centred(area, 84, (area.height * 2 / 3).max(9))
}

fn inner_of(area: Rect) -> Rect {
    let outer = outer_of(area);
    Rect {
        x: outer.x.saturating_add(2),
        y: outer.y.saturating_add(1),
        width: outer.width.saturating_sub(4),
        height: outer.height.saturating_sub(2),
    }
}
