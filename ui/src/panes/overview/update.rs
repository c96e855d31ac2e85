//! Updates of the Overview pane.

use super::state::{Item, Part, State, Tell};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Env, Locate, Wish};
use crate::msg::{Mouse, MouseKind};
use crate::panes::kit::sections::{self, items};
use crate::panes::kit::{Got, got};
use crate::panes::{Pane, PaneId};
use crate::query::{Query, Reply, RequestId};
use noctule_domain::Timestamp;
use noctule_domain::overview::{Alert, unproved_filter};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

/// Where an alert leads.
enum Target {
    Subscribers(String),
    Tasks(String),
    Drift,
}

/// An alert about tasks is no filter of subscribers: it is known by `tasks:`, or by what it says.
fn alert_target(alert: &Alert) -> Option<Target> {
    match &alert.filter {
        Some(filter) if filter == "drift:" => Some(Target::Drift),
        Some(filter) => match filter.strip_prefix("tasks:") {
            Some(words) => Some(Target::Tasks(words.to_owned())),
            None => Some(Target::Subscribers(filter.clone())),
        },
        None => alert.text.as_str().ends_with(" overdue").then(|| Target::Tasks("overdue".to_owned())),
    }
}

impl State {
    fn all(&self, env: &Env<'_>) -> Vec<Item> {
        self.parts(env).iter().flat_map(|part| items(&part.rows)).collect()
    }

    fn settle(&mut self, env: &Env<'_>) {
        let ids = self.all(env);
        self.roll.settle(&ids, env.body.height);
    }

    /// The part that has the selection.
    fn here(&self, parts: &[Part]) -> usize {
        parts.iter().position(|part| self.roll.id().is_some_and(|id| items(&part.rows).contains(&id))).unwrap_or(0)
    }

    /// Up and down stay within their column; left and right go to the same height of the other.
    fn travel(&mut self, action: Action, env: &Env<'_>) -> bool {
        let parts = self.parts(env);
        let at = self.here(&parts);
        let Some(part) = parts.get(at) else { return false };
        let ids = items(&part.rows);
        let row = self.roll.id().and_then(|id| ids.iter().position(|other| *other == id)).unwrap_or(0);
        let page = usize::from(env.body.height).max(2) - 1;
        let last = ids.len().saturating_sub(1);
        let to = match action {
            Action::Up => ids.get(row.saturating_sub(1)),
            Action::Down => ids.get((row + 1).min(last)),
            Action::PageUp => ids.get(row.saturating_sub(page)),
            Action::PageDown => ids.get((row + page).min(last)),
            Action::Top => ids.first(),
            Action::Bottom => ids.last(),
            Action::Left | Action::Right => {
                let other = if action == Action::Left { at.checked_sub(1) } else { Some(at + 1) };
                let Some(other) = other.and_then(|other| parts.get(other)) else { return true };
                let ids = items(&other.rows);
                let to = ids.get(row.min(ids.len().saturating_sub(1))).copied();
                return self.take(to, env);
            }
            _ => return false,
        };
        self.take(to.copied(), env)
    }

    fn take(&mut self, to: Option<Item>, env: &Env<'_>) -> bool {
        if let Some(to) = to {
            let all = self.all(env);
            self.roll.select(to, &all, env.body.height);
        }
        true
    }

    /// Goes to what a line is about.
    fn follow(&self, cx: &mut Cx<'_>) {
        let find = |text: &str| Some(Locate::Filter(text.to_owned()));
        let wish = match self.roll.id() {
            None => return,
            Some(Item::Centre(_)) => Wish::Go { pane: PaneId::Sync, locate: None },
            Some(Item::Alert(id)) => match self.alert(id).and_then(alert_target) {
                Some(Target::Subscribers(filter)) => return cx.go(Locate::Filter(filter)),
                Some(Target::Drift) => Wish::Go { pane: PaneId::Drift, locate: None },
                Some(Target::Tasks(words)) => Wish::Go { pane: PaneId::Tasks, locate: find(&words) },
                None => return,
            },
            Some(Item::State(state)) => return cx.go(Locate::Filter(format!("state:{state}"))),
            Some(Item::Unproved(enforcement)) => return cx.go(Locate::Filter(unproved_filter(enforcement))),
            Some(Item::Pool(id)) => match self.pool(id) {
                Some(pool) => return cx.go(Locate::Filter(format!("prefix:{}", pool.prefix))),
                None => return,
            },
            Some(Item::Running | Item::Waiting) => Wish::Go { pane: PaneId::Operations, locate: find("open") },
            Some(Item::Failed) => Wish::Go { pane: PaneId::Operations, locate: find("failed") },
            Some(Item::Technicians(status)) => Wish::Go { pane: PaneId::Technicians, locate: find(status.word()) },
            Some(Item::Overdue) => Wish::Go { pane: PaneId::Tasks, locate: find("overdue") },
            Some(Item::Today) => Wish::Go { pane: PaneId::Tasks, locate: find("") },
            Some(Item::Tasks(status)) => Wish::Go { pane: PaneId::Tasks, locate: find(status.word()) },
        };
        cx.wish(wish);
    }
}

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        &[Context::Overview]
    }

    fn shown(&mut self, cx: &mut Cx<'_>) {
        self.data.refresh(cx, Query::Overview);
    }

    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
        let got = got(
            &mut self.data,
            id,
            reply,
            cx,
            || Query::Overview,
            |reply| match reply {
                Reply::Overview(v) => Some(v),
                _ => None,
            },
        );
        self.settle(&cx.env);
        got == Got::Changed
    }

    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        if action == Action::OpenAlert {
            self.follow(cx);
            return true;
        }
        self.travel(action, &cx.env)
    }

    fn greyed(&self, action: Action, _env: &Env<'_>) -> Option<String> {
        match (action, self.roll.id()) {
            (Action::OpenAlert, None) => Some("nothing is selected".to_owned()),
            (Action::OpenAlert, Some(Item::Alert(id))) if self.alert(id).and_then(alert_target).is_none() => {
                Some("no list stands behind this".to_owned())
            }
            _ => None,
        }
    }

    fn mouse(&mut self, mouse: Mouse, cx: &mut Cx<'_>) {
        let env = cx.env;
        match mouse.kind {
            MouseKind::ScrollUp => self.travel(Action::Up, &env),
            MouseKind::ScrollDown => self.travel(Action::Down, &env),
            MouseKind::Click => {
                let parts = self.parts(&env);
                let hit = parts.iter().find(|part| part.area.contains(Position { x: mouse.column, y: mouse.row }));
                if let Some(part) = hit
                    && sections::mouse(&mut self.roll, mouse, part.area, &part.rows)
                {
                    self.follow(cx);
                }
                true
            }
            _ => false,
        };
    }

    fn resized(&mut self, cx: &mut Cx<'_>) {
        self.settle(&cx.env);
    }

    fn moments(&self, _env: &Env<'_>, out: &mut Vec<Timestamp>) {
        out.extend(self.data.stale_since());
        out.extend(self.overview().into_iter().flat_map(|o| o.alerts.iter().filter_map(|a| a.since)));
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
