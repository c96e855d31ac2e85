//! Updates of the Operations pane.

use super::state::Tab;
use super::{State, Tell, again, detail::detail};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Env, Locate};
use crate::effect::Effect;
use crate::look::{Depth, Look};
use crate::msg::{Mouse, MouseKind};
use crate::overlay::Typed;
use crate::panes::Pane;
use crate::panes::kit::{Copied, Got, WIDE, act_scroll, copy, countdown_moment, got, say_lost};
use crate::query::{Query, Reply, RequestId};
use noctule_domain::Timestamp;
use noctule_domain::lifecycle::OperationStatus;
use ratatui::Frame;
use ratatui::layout::Rect;

impl State {
    /// After anything changed: the selection, and the journal of what is selected when it is seen.
    fn settle(&mut self, cx: &mut Cx<'_>) {
        let height = self.areas(cx.env.body).0.rows.height;
        let ids = self.ids();
        self.roll.settle(&ids, height);
        if self.roll.id().is_none() {
            self.open = false;
        }
        if !self.detail_is_seen(cx.env.body) {
            return;
        }
        let Some(id) = self.roll.id() else { return };
        if self.journal_of != Some(id) {
            self.journal_of = Some(id);
            self.scroll = 0;
            self.journal.clear();
            self.journal.ask(cx, Query::Operation(id));
        }
    }

    fn refresh_journal(&mut self, cx: &mut Cx<'_>) {
        if let Some(id) = self.journal_of.filter(|_| self.detail_is_seen(cx.env.body)) {
            self.journal.refresh(cx, Query::Operation(id));
        }
    }

    fn turn(&mut self, forward: bool) {
        let n = Tab::ALL.len();
        self.tab = Tab::ALL[(self.tab as usize + if forward { 1 } else { n - 1 }) % n];
        self.open = false;
    }

    fn scroll_detail(&mut self, action: Action, env: &Env<'_>) -> bool {
        let area = self.detail_area(env.body);
        let look = Look::new("mono", Depth::None, true);
        let total = self.selected().map_or(0, |row| detail(self, row, env, &look).height(area.width.saturating_sub(2)));
        act_scroll(&mut self.scroll, action, total, area.height)
    }
}

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        if self.find.typing() { &[Context::Input] } else { &[Context::Operations, Context::List] }
    }

    fn shown(&mut self, cx: &mut Cx<'_>) {
        self.data.refresh(cx, Self::query());
        self.refresh_journal(cx);
    }

    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
        if self.journal.is_latest(id) {
            let Some(of) = self.journal_of else { return false };
            let got = got(
                &mut self.journal,
                id,
                reply,
                cx,
                || Query::Operation(of),
                |reply| match reply {
                    Reply::Operation(v) => Some(v),
                    _ => None,
                },
            );
            return got == Got::Changed;
        }
        let got = got(&mut self.data, id, reply, cx, Self::query, |reply| match reply {
            Reply::Operations(v) => Some(v),
            _ => None,
        });
        self.settle(cx);
        if got != Got::NotMine {
            say_lost(&self.data, &mut self.roll, "this operation", cx);
        }
        got == Got::Changed
    }

    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        let env = cx.env;
        let height = self.areas(env.body).0.rows.height;
        let copied = if Copied::is_copy(action) { self.copied(&env) } else { None };
        let selected = self.selected().cloned();
        match action {
            Action::Filter => self.find.begin(),
            Action::InputAccept => self.find.keep(),
            Action::InputCancel => self.find.drop(),
            Action::InputNext | Action::NextMatch => self.roll.step(true, &self.ids(), height),
            Action::InputPrevious | Action::PreviousMatch => self.roll.step(false, &self.ids(), height),
            Action::Open => {
                self.open = true;
                self.scroll = 0;
            }
            Action::OperationsOpenOnly => self.tab = if self.tab == Tab::Open { Tab::All } else { Tab::Open },
            Action::Left => self.turn(false),
            Action::Right => self.turn(true),
            Action::OperationResume => {
                if let Some(row) = &selected {
                    cx.effect(Effect::ResumeOperation(row.id));
                }
            }
            Action::OperationCancel => {
                if let Some(row) = &selected {
                    again::cancel(row, cx);
                }
            }
            Action::OperationRetry => {
                if let Some(row) = &selected {
                    again::retry(self, row, cx);
                }
            }
            Action::ShowSubscriber => {
                if let Some(row) = &selected {
                    cx.go(Locate::Subscriber(row.subscriber));
                }
            }
            _ if copy(copied, action, cx) => return true,
            _ if self.open => return self.scroll_detail(action, &env),
            _ => {
                if !self.roll.act(action, &self.ids(), height) {
                    return false;
                }
            }
        }
        self.settle(cx);
        true
    }

    fn greyed(&self, action: Action, env: &Env<'_>) -> Option<String> {
        match (action, self.selected()) {
            (Action::Sort | Action::SortReverse, _) => Some("the order is fixed: running, waiting, then the newest".to_owned()),
            (Action::Open | Action::OperationResume | Action::OperationCancel | Action::OperationRetry | Action::ShowSubscriber, None) => {
                Some("no operation is selected".to_owned())
            }
            (Action::OperationResume, Some(row)) => again::no_resume(row, env),
            (Action::OperationCancel, Some(row)) => again::no_cancel(row, env),
            (Action::OperationRetry, Some(row)) => again::no_retry(row, env),
            _ if Copied::is_copy(action) => Copied::greyed(self.copied(env).as_ref(), action),
            _ => None,
        }
    }

    fn typed(&mut self, typed: Typed<'_>, cx: &mut Cx<'_>) {
        self.find.typed(typed);
        self.settle(cx);
    }

    fn mouse(&mut self, mouse: Mouse, cx: &mut Cx<'_>) {
        let env = cx.env;
        if self.open && env.body.width < WIDE {
            match mouse.kind {
                MouseKind::ScrollUp => self.scroll_detail(Action::Up, &env),
                MouseKind::ScrollDown => self.scroll_detail(Action::Down, &env),
                _ => false,
            };
            return;
        }
        let rows = self.areas(env.body).0.rows;
        if self.roll.mouse(mouse, rows, &self.ids()) {
            self.open = true;
        }
        self.settle(cx);
    }

    fn locate(&mut self, locate: Locate, cx: &mut Cx<'_>) {
        match locate {
            Locate::Operation(id) => {
                self.find.drop();
                if !self.all().iter().any(|row| row.id == id && self.tab.holds(row.status)) {
                    self.tab = Tab::All;
                }
                let height = self.areas(cx.env.body).0.rows.height;
                self.roll.select(id, &self.ids(), height);
            }
            Locate::Filter(text) => {
                self.open = false;
                match Tab::from_word(&text) {
                    Some(tab) => {
                        self.tab = tab;
                        self.find.drop();
                    }
                    None => {
                        self.tab = Tab::All;
                        self.find.set(&text);
                    }
                }
            }
            _ => {}
        }
        self.settle(cx);
    }

    fn place(&self) -> Option<Locate> {
        self.roll.id().map(Locate::Operation)
    }

    fn back(&mut self, _cx: &mut Cx<'_>) -> bool {
        std::mem::take(&mut self.open)
    }

    fn escape(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.back(cx) {
            return true;
        }
        let narrowed = !self.find.is_empty();
        self.find.drop();
        self.settle(cx);
        narrowed
    }

    fn resized(&mut self, cx: &mut Cx<'_>) {
        self.settle(cx);
    }

    fn moments(&self, env: &Env<'_>, out: &mut Vec<Timestamp>) {
        out.extend(self.data.stale_since());
        for row in self.rows() {
            out.push(row.ended_at.unwrap_or(row.requested_at));
            out.extend(row.retry_at.filter(|_| row.status == OperationStatus::Waiting).and_then(|at| countdown_moment(at, env)));
        }
        if self.detail_is_seen(env.body)
            && let Some(view) = self.journal()
        {
            out.extend(view.steps.iter().filter(|s| s.ended_at.is_none()).map(|s| s.started_at));
        }
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
