//! What all overlays share: how keys reach them, what they leave behind, a scrolled list.

use super::{Command, Confirm, Help, Menu, Notes, NoticeList, Palette, Prompt, Sheet};
use crate::action::{Action, Context};
use crate::app::{App, Asked, Locate};
use crate::effect::Effect;
use crate::look::Look;
use crate::msg::Notice;
use crate::panes::Tell;
use crokey::KeyCombination;
use noctule_domain::JobId;
use noctule_domain::job::ItemGroup;
use ratatui::Frame;
use ratatui::layout::Rect;

#[derive(Debug)]
pub enum Overlay {
    Help(Help),
    Palette(Palette),
    Command(Command),
    Confirm(Confirm),
    Menu(Menu),
    Prompt(Prompt),
    Notices(NoticeList),
    Notes(Notes),
    Sheet(Sheet),
}

/// Something typed that is not an action.
#[derive(Debug, Clone, Copy)]
pub enum Typed<'a> {
    Key(KeyCombination),
    Paste(&'a str),
}

/// What follows when an overlay is done.
#[derive(Debug, Clone)]
pub enum Then {
    Effect(Effect),
    Act(Action),
    Command(String),
    /// Back to a pane.
    Tell(Box<Tell>),
    Theme(String),
    Confirm(Box<Confirm>),
    /// What can be asked of a job.
    Job(JobId),
    /// The preview of a job, which asks before it begins.
    Preview(Box<Asked>),
    /// Those of a job that stand so.
    Items {
        job: JobId,
        group: ItemGroup,
    },
    /// To something in the pane that shows it.
    Go(Locate),
    Say(Notice),
}

/// What an overlay leaves after a key.
#[derive(Debug, Default)]
pub struct Step {
    pub keep: bool,
    pub then: Vec<Then>,
}

impl Step {
    pub fn stay() -> Self {
        Self { keep: true, then: Vec::new() }
    }

    pub fn close() -> Self {
        Self::default()
    }

    pub fn done(then: Vec<Then>) -> Self {
        Self { keep: false, then }
    }
}

impl Overlay {
    /// The context in which its keys are read.
    pub fn context(&self) -> Context {
        match self {
            Self::Help(_) | Self::Palette(_) | Self::Command(_) | Self::Prompt(_) => Context::Input,
            Self::Confirm(confirm) => confirm.context(),
            Self::Menu(_) => Context::Menu,
            Self::Notices(_) => Context::Overlay,
            Self::Notes(notes) => notes.context(),
            Self::Sheet(_) => Context::Conflict,
        }
    }

    /// Why an action that stands in it is not possible.
    pub fn greyed(&self, action: Action, app: &App) -> Option<String> {
        match self {
            Self::Sheet(sheet) => sheet.greyed(action, app),
            _ => None,
        }
    }

    pub fn action(&mut self, action: Action, app: &App) -> Step {
        match self {
            Self::Help(o) => o.action(action, app),
            Self::Palette(o) => o.action(action, app),
            Self::Command(o) => o.action(action, app),
            Self::Confirm(o) => o.action(action),
            Self::Menu(o) => o.action(action),
            Self::Prompt(o) => o.action(action),
            Self::Notices(o) => o.action(action, app),
            Self::Notes(o) => o.action(action, app),
            Self::Sheet(o) => o.action(action, app),
        }
    }

    pub fn typed(&mut self, typed: Typed<'_>, app: &App) -> Step {
        match self {
            Self::Help(o) => o.typed(typed),
            Self::Palette(o) => o.typed(typed),
            Self::Command(o) => o.typed(typed, app),
            Self::Confirm(o) => o.input(typed),
            Self::Menu(o) => o.typed(typed),
            Self::Prompt(o) => o.typed(typed),
            Self::Notices(_) | Self::Sheet(_) => Step::stay(),
            Self::Notes(o) => o.typed(typed),
        }
    }

    pub fn view(&self, app: &App, look: &Look, area: Rect, frame: &mut Frame) {
        match self {
            Self::Help(o) => o.view(app, look, area, frame),
            Self::Palette(o) => o.view(look, area, frame),
            Self::Command(o) => o.view(app, look, area, frame),
            Self::Confirm(o) => o.view(look, area, frame),
            Self::Menu(o) => o.view(look, area, frame),
            Self::Prompt(o) => o.view(look, area, frame),
            Self::Notices(o) => o.view(app, look, area, frame),
            Self::Notes(o) => o.view(look, area, frame),
            Self::Sheet(o) => o.view(app, look, area, frame),
        }
    }
}

/// A list with a selected line that is kept in sight.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scroll {
    pub selected: usize,
}

impl Scroll {
    /// Moves by an action of movement. True when it was one.
    pub fn act(&mut self, action: Action, len: usize, page: usize) -> bool {
        let last = len.saturating_sub(1);
        self.selected = match action {
            Action::Up | Action::InputPrevious => self.selected.saturating_sub(1),
            Action::Down | Action::InputNext => self.selected.saturating_add(1),
            Action::PageUp | Action::InputPageUp => self.selected.saturating_sub(page.max(1)),
            Action::PageDown | Action::InputPageDown => self.selected.saturating_add(page.max(1)),
            Action::Top => 0,
            Action::Bottom => last,
            _ => return false,
        }
        .min(last);
        true
    }

    /// First line to draw so that the selected one is in sight.
    pub fn top(&self, len: usize, height: usize) -> usize {
        let half = height / 2;
        self.selected.saturating_sub(half).min(len.saturating_sub(height))
    }
}
