//! Updates of the Tasks pane.

use super::assign::Assign;
use super::state::TaskSort;
use super::{State, Tell, change, columns, detail::detail};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Env, Locate, Wish};
use crate::effect::Effect;
use crate::look::{Depth, Look};
use crate::msg::{Mouse, MouseKind};
use crate::overlay::{Menu, MenuItem, Overlay, Then, Typed};
use crate::panes::kit::{Copied, Got, act_scroll, copy, got, say_lost};
use crate::panes::{self, Pane, PaneId};
use crate::query::{Query, Reply, RequestId};
use noctule_domain::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;

impl State {
    fn settle(&mut self, env: &Env<'_>) {
        if let Some(wanted) = self.roll.wanted()
            && self.all().iter().any(|t| t.id == wanted && t.status.is_ended())
        {
            self.open_only = false;
        }
        let height = self.areas(env.body).0.rows.height;
        let ids = self.ids(env.now);
        self.roll.settle(&ids, height);
        if self.roll.id().is_none() {
            self.open = false;
        }
        self.follow_column(env);
    }

    fn step(&mut self, forward: bool, env: &Env<'_>) {
        let height = self.areas(env.body).0.rows.height;
        self.roll.step(forward, &self.ids(env.now), height);
        self.scroll = 0;
    }

    fn sort_menu(&self) -> Overlay {
        let items = TaskSort::ALL
            .iter()
            .map(|sort| MenuItem {
                key: sort.word().chars().next(),
                label: sort.word().to_owned(),
                help: if *sort == self.sort { "in use".to_owned() } else { String::new() },
                greyed: None,
                then: Then::Tell(Box::new(panes::Tell::Tasks(Tell::Sort(*sort)))),
            })
            .collect();
        Overlay::Menu(Menu::new("Order by", items).selected(self.sort as usize))
    }

    fn scroll_detail(&mut self, action: Action, env: &Env<'_>) -> bool {
        let area = self.detail_area(env.body);
        let look = Look::new("mono", Depth::None, true);
        let total = self.selected().map_or(0, |t| detail(self, t, env, &look).height(area.width.saturating_sub(2)));
        act_scroll(&mut self.scroll, action, total, area.height)
    }

    /// A movement in the list or on the board.
    fn travel(&mut self, action: Action, env: &Env<'_>) -> bool {
        let height = self.areas(env.body).0.rows.height;
        let moved = if self.board {
            match self.board_target(action, env) {
                None => false,
                Some(to) => {
                    if let Some(id) = to {
                        self.roll.select(id, &self.ids(env.now), height);
                    }
                    true
                }
            }
        } else {
            self.roll.act(action, &self.ids(env.now), height)
        };
        if moved {
            self.scroll = 0;
        }
        moved
    }
}

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        if self.assign.is_some() || self.find.typing() { &[Context::Input] } else { &[Context::Tasks, Context::List] }
    }

    fn shown(&mut self, cx: &mut Cx<'_>) {
        self.data.refresh(cx, Query::Tasks);
        if let Some(assign) = &mut self.assign {
            assign.technicians.refresh(cx, Query::Technicians);
        }
    }

    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
        if let Some(assign) = &mut self.assign
            && assign.technicians.is_latest(id)
        {
            let got = got(
                &mut assign.technicians,
                id,
                reply,
                cx,
                || Query::Technicians,
                |reply| match reply {
                    Reply::Technicians(v) => Some(v),
                    _ => None,
                },
            );
            assign.keep();
            return got == Got::Changed;
        }
        let got = got(
            &mut self.data,
            id,
            reply,
            cx,
            || Query::Tasks,
            |reply| match reply {
                Reply::Tasks(v) => Some(v),
                _ => None,
            },
        );
        self.settle(&cx.env);
        if got != Got::NotMine {
            say_lost(&self.data, &mut self.roll, "this task", cx);
        }
        got == Got::Changed
    }

    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        let env = cx.env;
        if let Some(assign) = &mut self.assign {
            if !assign.action(action, cx) {
                self.assign = None;
            }
            return true;
        }
        let copied = if Copied::is_copy(action) { self.copied(&env) } else { None };
        let selected = self.selected().cloned();
        match action {
            Action::Filter => self.find.begin(),
            Action::InputAccept => self.find.keep(),
            Action::InputCancel => self.find.drop(),
            Action::InputNext | Action::NextMatch => self.step(true, &env),
            Action::InputPrevious | Action::PreviousMatch => self.step(false, &env),
            Action::Open => {
                self.open = true;
                self.scroll = 0;
            }
            Action::Sort => cx.wish(Wish::Overlay(Box::new(self.sort_menu()))),
            Action::SortReverse => self.descending = !self.descending,
            Action::TaskBoard => {
                self.board = !self.board;
                self.open = false;
            }
            Action::TaskOpenOnly => self.open_only = !self.open_only,
            Action::TaskStatus => {
                if let Some(task) = &selected {
                    cx.wish(Wish::Overlay(Box::new(change::menu(self, task))));
                }
            }
            Action::TaskNotes => {
                if let Some(task) = &selected {
                    change::begin_notes(self, task, cx);
                }
            }
            Action::TaskAssign => {
                if let Some(task) = &selected {
                    let mut assign = Assign::new(task);
                    assign.technicians.ask(cx, Query::Technicians);
                    self.assign = Some(assign);
                }
            }
            Action::TaskUnassign => {
                if let Some(task) = &selected {
                    cx.effect(Effect::AssignTask { task: task.id, expected_version: task.version, technician: None });
                }
            }
            Action::ShowOnMap => cx.wish(Wish::Go { pane: PaneId::Map, locate: selected.map(|t| Locate::Task(t.id)) }),
            Action::ShowSubscriber => {
                if let Some(subscriber) = selected.and_then(|t| t.subscriber) {
                    cx.go(Locate::Subscriber(subscriber));
                }
            }
            _ if copy(copied, action, cx) => return true,
            _ if self.open => return self.scroll_detail(action, &env),
            _ => {
                if !self.travel(action, &env) {
                    return false;
                }
            }
        }
        self.settle(&env);
        true
    }

    fn greyed(&self, action: Action, env: &Env<'_>) -> Option<String> {
        let task = self.selected();
        match (action, task) {
            (
                Action::Open
                | Action::TaskNotes
                | Action::TaskStatus
                | Action::TaskAssign
                | Action::TaskUnassign
                | Action::ShowOnMap
                | Action::ShowSubscriber,
                None,
            ) => Some("no task is selected".to_owned()),
            (Action::TaskStatus, Some(t)) if t.status.next().is_empty() => Some(format!("a task that is {} stays so", t.status)),
            (Action::TaskStatus | Action::TaskNotes, Some(t)) => change::not_mine(t, env),
            (Action::TaskAssign, Some(t)) => change::not_assignable(t),
            (Action::TaskUnassign, Some(t)) if t.technician.is_none() => Some("nobody has it".to_owned()),
            (Action::TaskUnassign, Some(t)) => change::not_assignable(t),
            (Action::ShowOnMap, Some(t)) if t.position.is_none() => Some("the task has no position".to_owned()),
            (Action::ShowSubscriber, Some(t)) if t.subscriber.is_none() => Some("the task belongs to no subscriber".to_owned()),
            (Action::Sort | Action::SortReverse, _) if self.board => Some("the board is ordered by status; b shows the list".to_owned()),
            _ if Copied::is_copy(action) => Copied::greyed(self.copied(env).as_ref(), action),
            _ => None,
        }
    }

    fn typed(&mut self, typed: Typed<'_>, cx: &mut Cx<'_>) {
        match &mut self.assign {
            Some(assign) => assign.typed(typed),
            None => {
                self.find.typed(typed);
                self.settle(&cx.env);
            }
        }
    }

    fn told(&mut self, tell: Tell, cx: &mut Cx<'_>) {
        match tell {
            Tell::Sort(sort) => self.sort = sort,
            Tell::Change { task, version, to } => change::change(self, task, version, to, cx),
            Tell::Reason(text) => change::reason(self, &text, cx),
            Tell::Notes(text) => change::notes(self, &text, cx),
        }
        self.settle(&cx.env);
    }

    fn mouse(&mut self, mouse: Mouse, cx: &mut Cx<'_>) {
        let env = cx.env;
        let wheel = match mouse.kind {
            MouseKind::ScrollUp => Some(Action::Up),
            MouseKind::ScrollDown => Some(Action::Down),
            _ => None,
        };
        if self.assign.is_some() || self.board || (self.open && !self.detail_is_beside(env.body)) {
            if let Some(action) = wheel {
                self.action(action, cx);
            }
            return;
        }
        let rows = self.areas(env.body).0.rows;
        if self.roll.mouse(mouse, rows, &self.ids(env.now)) {
            self.open = true;
        }
        self.scroll = 0;
    }

    fn locate(&mut self, locate: Locate, cx: &mut Cx<'_>) {
        let env = cx.env;
        match locate {
            Locate::Task(id) => {
                self.find.drop();
                self.of = None;
                // `settle` selects it, now or when the answer has it.
                self.roll.want(id);
                self.scroll = 0;
            }
            Locate::Technician(id) => {
                self.find.drop();
                self.of = Some(id);
                self.open = false;
            }
            Locate::Filter(text) => {
                self.of = None;
                self.open = false;
                self.find.set(&text);
            }
            _ => {}
        }
        self.settle(&env);
    }

    fn place(&self) -> Option<Locate> {
        self.roll.id().map(Locate::Task)
    }

    fn back(&mut self, _cx: &mut Cx<'_>) -> bool {
        std::mem::take(&mut self.open)
    }

    fn escape(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.back(cx) {
            return true;
        }
        let narrowed = self.narrowed();
        self.find.drop();
        self.of = None;
        self.settle(&cx.env);
        narrowed
    }

    fn resized(&mut self, cx: &mut Cx<'_>) {
        self.settle(&cx.env);
    }

    fn moments(&self, env: &Env<'_>, out: &mut Vec<Timestamp>) {
        out.extend(self.data.stale_since());
        out.extend(self.all().iter().filter_map(|t| columns::moment(t, env)));
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
