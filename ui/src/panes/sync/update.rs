//! Updates of the Sync pane. It is read like a page: the selection goes from line to line that can be opened, and the page scrolls where
//! there is none in sight.

use super::lines::Line;
use super::state::{Item, State, Tell};
use super::words;
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Env, Locate, Wish};
use crate::msg::{Mouse, MouseKind};
use crate::overlay::Overlay;
use crate::panes::Pane;
use crate::panes::kit::{Copied, Got, copy, got};
use crate::query::{MAX_ROWS, Query, Reply, RequestId};
use noctule_domain::{SubscriberId, Timestamp};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

/// Where the lines that can be selected stand.
fn stops(lines: &[Line]) -> Vec<(usize, Item)> {
    lines.iter().enumerate().filter_map(|(at, line)| line.item.map(|item| (at, item))).collect()
}

impl State {
    /// After lines or size changed.
    fn settle(&mut self, env: &Env<'_>) {
        let lines = self.plain(env);
        let stops = stops(&lines);
        let height = usize::from(self.area(env.body).height).max(1);
        if !self.chosen
            && let Some((_, conflict)) = stops.iter().find(|(_, item)| matches!(item, Item::Conflict(_)))
        {
            self.selected = Some(*conflict);
        }
        if !stops.iter().any(|(_, item)| Some(*item) == self.selected) {
            // Its neighbour: what stands now where it stood, or the last.
            let first = self.selected.is_none();
            let next = stops.iter().find(|(at, _)| first || *at >= self.top).or(stops.last());
            self.selected = next.map(|(_, item)| *item);
            if let Some((at, _)) = next.filter(|_| !first) {
                self.top = self.top.min(*at).max((at + 1).saturating_sub(height));
            }
        }
        self.top = self.top.min(lines.len().saturating_sub(height));
    }

    /// Moves like reading: to the next line that can be opened when it is in sight, else the page scrolls.
    fn travel(&mut self, action: Action, env: &Env<'_>) -> bool {
        let lines = self.plain(env);
        let stops = stops(&lines);
        let height = usize::from(self.area(env.body).height).max(1);
        let most = lines.len().saturating_sub(height);
        let here = stops.iter().position(|(_, item)| Some(*item) == self.selected);
        let seen = |top: usize, at: usize| (top..top + height).contains(&at);
        let in_sight = here.and_then(|at| stops.get(at)).is_some_and(|(at, _)| seen(self.top, *at));
        match action {
            Action::Up | Action::Down => {
                let down = action == Action::Down;
                let next = match (here, down) {
                    (Some(at), true) => stops.get(at + 1),
                    (Some(at), false) => at.checked_sub(1).and_then(|at| stops.get(at)),
                    (None, _) => stops.first(),
                };
                let step = if down { (self.top + 1).min(most) } else { self.top.saturating_sub(1) };
                match next {
                    Some((at, item)) if in_sight && seen(self.top, *at) => self.selected = Some(*item),
                    next => {
                        self.top = step;
                        if let Some((at, item)) = next
                            && seen(self.top, *at)
                        {
                            self.selected = Some(*item);
                        }
                    }
                }
            }
            Action::PageUp | Action::PageDown => {
                let page = height.max(2) - 1;
                self.top = if action == Action::PageDown { (self.top + page).min(most) } else { self.top.saturating_sub(page) };
                let mut inside = stops.iter().filter(|(at, _)| seen(self.top, *at));
                let to = if action == Action::PageDown { inside.next_back() } else { inside.next() };
                self.selected = to.map(|(_, item)| *item).or(self.selected);
            }
            Action::Top => {
                self.top = 0;
                self.selected = stops.first().map(|(_, item)| *item);
            }
            Action::Bottom => {
                self.top = most;
                self.selected = stops.last().map(|(_, item)| *item);
            }
            _ => return false,
        }
        self.chosen = true;
        true
    }

    fn open(&self, cx: &mut Cx<'_>) {
        if let Some(sheet) = self.sheet(&cx.env) {
            cx.wish(Wish::Overlay(Box::new(Overlay::Sheet(sheet))));
        } else if let Some(id) = self.looked_at() {
            cx.go(Locate::Subscriber(id));
        }
    }

    /// Names for what came as an id.
    fn ask_names(&mut self, cx: &mut Cx<'_>) {
        let mut ids: Vec<SubscriberId> = self.others().filter_map(|o| o.subscriber).collect();
        ids.extend(self.waiting().filter_map(|(op, ..)| words::subscriber(&op.change)));
        ids.sort();
        ids.dedup();
        ids.retain(|id| self.row(*id).is_none());
        ids.truncate(MAX_ROWS);
        if !ids.is_empty() && !self.names.waiting() {
            self.names.ask(cx, Query::Rows(ids));
        }
        if self.needs_people() && self.people.value.is_none() && !self.people.waiting() {
            self.people.ask(cx, Query::Technicians);
        }
    }
}

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        &[Context::Sync]
    }

    fn shown(&mut self, cx: &mut Cx<'_>) {
        self.chosen = false;
        self.changed(cx);
    }

    /// New data under the same eyes: a line that was chosen stays chosen.
    fn changed(&mut self, cx: &mut Cx<'_>) {
        self.data.refresh(cx, Query::Sync);
    }

    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
        if self.names.is_latest(id) {
            let known = self.names.value.clone();
            let rows = |reply| match reply {
                Reply::Rows(rows) => Some(rows),
                _ => None,
            };
            self.names.take(id, reply, cx.env.now, rows);
            // Names that were known stay.
            if let (Some(rows), Some(known)) = (&mut self.names.value, known) {
                let new: Vec<SubscriberId> = rows.iter().map(|row| row.id).collect();
                rows.extend(known.into_iter().filter(|row| !new.contains(&row.id)));
                rows.truncate(2 * MAX_ROWS);
            }
            return true;
        }
        if self.people.is_latest(id) {
            self.people.take(id, reply, cx.env.now, |reply| match reply {
                Reply::Technicians(people) => Some(people),
                _ => None,
            });
            return true;
        }
        let got = got(
            &mut self.data,
            id,
            reply,
            cx,
            || Query::Sync,
            |reply| match reply {
                Reply::Sync(view) => Some(view),
                _ => None,
            },
        );
        if got != Got::NotMine {
            self.ask_names(cx);
            self.settle(&cx.env);
        }
        got == Got::Changed
    }

    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        let env = cx.env;
        let copied = if Copied::is_copy(action) { self.copied(&env) } else { None };
        match action {
            Action::Open => self.open(cx),
            _ if copy(copied, action, cx) => {}
            _ => return self.travel(action, &env),
        }
        true
    }

    fn greyed(&self, action: Action, env: &Env<'_>) -> Option<String> {
        match (action, self.selected) {
            (Action::Open, None) => Some("there is nothing to open".to_owned()),
            (Action::Open, Some(Item::Other(_))) if self.looked_at().is_none() => Some("this console looks at no subscriber".to_owned()),
            _ if Copied::is_copy(action) => Copied::greyed(self.copied(env).as_ref(), action),
            _ => None,
        }
    }

    fn mouse(&mut self, mouse: Mouse, cx: &mut Cx<'_>) {
        let env = cx.env;
        match mouse.kind {
            MouseKind::ScrollUp => {
                self.travel(Action::Up, &env);
            }
            MouseKind::ScrollDown => {
                self.travel(Action::Down, &env);
            }
            MouseKind::Click => {
                let area = self.area(env.body);
                if !area.contains(Position { x: mouse.column, y: mouse.row }) {
                    return;
                }
                let at = self.top + usize::from(mouse.row - area.y);
                if let Some(item) = self.plain(&env).get(at).and_then(|line| line.item) {
                    if self.selected == Some(item) {
                        return self.open(cx);
                    }
                    self.selected = Some(item);
                    self.chosen = true;
                }
            }
            _ => {}
        }
    }

    fn resized(&mut self, cx: &mut Cx<'_>) {
        self.settle(&cx.env);
    }

    fn moments(&self, env: &Env<'_>, out: &mut Vec<Timestamp>) {
        out.extend(self.data.stale_since());
        out.extend(self.status(env).into_iter().flat_map(|s| [s.since, s.outbox.oldest]).flatten());
        out.extend(self.waiting().map(|(op, ..)| op.made_at));
        out.extend(self.conflicts().map(|c| c.answered_at));
        out.extend(self.others().map(|o| o.seen_at));
    }

    /// The selected line in words: in the list it may be cut.
    fn status(&self, _env: &Env<'_>) -> Option<String> {
        match self.selected? {
            Item::Conflict(id) => {
                let conflict = self.conflict(id)?;
                let why = words::refusal(&conflict.answer).unwrap_or_else(|| "yours and theirs differ; Enter shows both".to_owned());
                Some(format!("{}: {why}", words::verb(&conflict.op.change)))
            }
            Item::Op(id) => self.op(id).map(|(op, state, _)| format!("{}: {}", words::verb(&op.change), words::state(*state))),
            Item::Other(console) => {
                let login = &self.others().find(|other| other.console == console)?.login;
                let what = if self.looked_at().is_some() { "Enter goes to whom they look at" } else { "looks at no subscriber" };
                Some(format!("{login}: {what}"))
            }
        }
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
