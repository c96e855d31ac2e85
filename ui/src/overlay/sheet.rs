//! A sheet over the pane: what was typed and what became of it, in full and scrolling, with the keys of a decision below. A key that is
//! not possible says why. Nothing on it is lost by leaving it.

use super::{Step, Then};
use crate::action::Action;
use crate::app::App;
use crate::effect::Effect;
use crate::look::{Look, Tone};
use crate::msg::Notice;
use crate::widgets::{framed, line, put, width, wrap};
use noctule_domain::OpId;
use noctule_domain::sync::Resolution;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Cells of the labels before the values.
const LABEL: u16 = 8;

#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Head(String),
    Text(String, Tone),
    /// `was`, `yours`, `theirs`, each of several lines.
    Value {
        label: &'static str,
        lines: Vec<String>,
        tone: Tone,
    },
    Blank,
}

/// Why a decision is not possible.
type Possible = Result<(), String>;

#[derive(Debug)]
pub struct Sheet {
    pub title: String,
    pub parts: Vec<Part>,
    pub op: OpId,
    pub mine: Possible,
    pub theirs: Possible,
    pub both: Possible,
    /// It was refused: `theirs` puts it away.
    pub refused: bool,
    /// What `y y` copies: everything that was typed.
    pub copy: String,
    pub scroll: usize,
}

impl Sheet {
    fn possible(&self, action: Action) -> Option<&Possible> {
        match action {
            Action::ConflictMine => Some(&self.mine),
            Action::ConflictTheirs => Some(&self.theirs),
            Action::ConflictBoth => Some(&self.both),
            _ => None,
        }
    }

    pub fn greyed(&self, action: Action, app: &App) -> Option<String> {
        let possible = self.possible(action)?;
        match (possible, app.read_only()) {
            (Err(why), _) => Some(why.clone()),
            (Ok(()), Some(reason)) => Some(format!("read-only: {reason}")),
            (Ok(()), None) => None,
        }
    }

    pub fn action(&mut self, action: Action, app: &App) -> Step {
        if let Some(why) = self.greyed(action, app) {
            return Step { keep: true, then: vec![Then::Say(Notice::info(format!("{}: {why}", action.row().label)))] };
        }
        // Whoever carries it out says what became of it: nothing is claimed here.
        let decide = |resolution: Resolution| Step::done(vec![Then::Effect(Effect::Resolve { op: self.op, resolution })]);
        match action {
            Action::Close => Step::close(),
            Action::ConflictMine => decide(Resolution::Mine),
            Action::ConflictBoth => decide(Resolution::Both),
            Action::ConflictTheirs => decide(Resolution::Theirs),
            Action::CopyRow => Step {
                keep: true,
                then: vec![Then::Effect(Effect::Copy(self.copy.clone())), Then::Say(Notice::info("copied what was typed"))],
            },
            movement => {
                let body = app.env().body;
                let total = self.lines(inside(body).width).len();
                let height = usize::from(self.text_height(body));
                let most = total.saturating_sub(height);
                let page = height.max(2) - 1;
                let now = self.scroll.min(most);
                self.scroll = match movement {
                    Action::Up => now.saturating_sub(1),
                    Action::Down => now + 1,
                    Action::PageUp => now.saturating_sub(page),
                    Action::PageDown => now + page,
                    Action::Top => 0,
                    Action::Bottom => most,
                    _ => now,
                }
                .min(most);
                Step::stay()
            }
        }
    }

    /// Lines below the text: the keys, and why one is not possible.
    fn foot(&self) -> u16 {
        1 + u16::from(self.mine.is_err() || self.both.is_err())
    }

    fn text_height(&self, area: Rect) -> u16 {
        inside(area).height.saturating_sub(self.foot() + 1)
    }

    fn lines(&self, room: u16) -> Vec<Vec<(String, Tone)>> {
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                Part::Blank => out.push(Vec::new()),
                Part::Head(text) => out.extend(wrap(text, room).into_iter().map(|l| vec![(l.to_owned(), Tone::Title)])),
                Part::Text(text, tone) => out.extend(wrap(text, room).into_iter().map(|l| vec![(l.to_owned(), *tone)])),
                Part::Value { label, lines, tone } => {
                    let mut label = *label;
                    for text in lines {
                        let mut rows = wrap(text, room.saturating_sub(LABEL).max(8));
                        if rows.is_empty() {
                            rows.push("");
                        }
                        for row in rows {
                            out.push(vec![(format!("{label:<w$}", w = usize::from(LABEL)), Tone::Muted), (row.to_owned(), *tone)]);
                            label = "";
                        }
                    }
                }
            }
        }
        out
    }

    pub fn view(&self, app: &App, look: &Look, area: Rect, frame: &mut Frame) {
        framed(frame, area, &self.title, look);
        let inner = inside(area).intersection(frame.area());
        let lines = self.lines(inner.width);
        let height = usize::from(self.text_height(area));
        let most = lines.len().saturating_sub(height);
        let top = self.scroll.min(most);
        let buf = frame.buffer_mut();
        for (y, pieces) in (inner.y..).zip(lines.iter().skip(top).take(height)) {
            let pieces: Vec<(&str, Style)> = pieces.iter().map(|(text, tone)| (text.as_str(), look.style(*tone))).collect();
            line(buf, inner.x, y, inner.width, &pieces, look);
        }
        let edge = inner.right();
        if top > 0 {
            put(buf, edge, inner.y, 1, look.glyph(crate::look::Glyph::MoreUp), look.style(Tone::Key), look);
        }
        if top < most {
            let y = (inner.y + self.text_height(area)).saturating_sub(1);
            put(buf, edge, y, 1, look.glyph(crate::look::Glyph::More), look.style(Tone::Key), look);
        }
        self.keys(app, look, inner, frame);
    }

    fn keys(&self, app: &App, look: &Look, inner: Rect, frame: &mut Frame) {
        let buf = frame.buffer_mut();
        let mut y = inner.bottom().saturating_sub(self.foot());
        let mut x = inner.x;
        let away = if self.refused { "seen, put away" } else { Action::ConflictTheirs.row().label };
        // Each reason once, with the keys that it stands for.
        let mut said: Vec<(String, String)> = Vec::new();
        let decisions = [Action::ConflictMine, Action::ConflictTheirs, Action::ConflictBoth];
        for action in decisions.into_iter().chain([Action::CopyRow, Action::Close]) {
            let why = self.greyed(action, app);
            let key = app.env().keymap.label(action).unwrap_or_default();
            let label = match action {
                Action::ConflictTheirs => away,
                Action::CopyRow => "copy",
                Action::Close if self.theirs.is_ok() => "decide later",
                Action::Close => "back",
                other => other.row().label,
            };
            let (key_style, style) = match &why {
                None => (look.style(Tone::Key), look.style(Tone::Text)),
                Some(_) => (look.style(Tone::Muted), look.style(Tone::Muted)),
            };
            if let Some(why) = why {
                match said.iter_mut().find(|(_, known)| *known == why) {
                    Some((keys, _)) => keys.push_str(&format!(" {key}")),
                    None => said.push((key.clone(), why)),
                }
            }
            let wide = width(&key) + width(label) + 1;
            if x + wide > inner.right() {
                continue;
            }
            x += line(buf, x, y, wide, &[(&key, key_style), (" ", Style::new()), (label, style)], look) + 3;
        }
        y += 1;
        let said: Vec<String> = said.into_iter().map(|(keys, why)| format!("{keys}: {why}")).collect();
        put(buf, inner.x, y, inner.width, &said.join("; "), look.style(Tone::Muted), look);
    }
}

/// Inside the frame, with a blank at both sides.
fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x.saturating_add(2),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}
