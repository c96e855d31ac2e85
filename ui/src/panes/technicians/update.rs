//! Updates of the Technicians pane.

use super::state::TechnicianSort;
use super::{State, Tell, clock, columns, detail::detail};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Env, Locate, Wish};
use crate::effect::Effect;
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
        let height = self.areas(env.body).0.rows.height;
        let ids = self.ids();
        self.roll.settle(&ids, height);
        if self.roll.id().is_none() {
            self.open = false;
        }
    }

    fn step(&mut self, forward: bool, env: &Env<'_>) {
        let height = self.areas(env.body).0.rows.height;
        self.roll.step(forward, &self.ids(), height);
        self.scroll = 0;
    }

    fn sort_menu(&self) -> Overlay {
        let items = TechnicianSort::ALL
            .iter()
            .map(|sort| MenuItem {
                key: sort.word().chars().next(),
                label: sort.word().to_owned(),
                help: if *sort == self.sort { "in use".to_owned() } else { String::new() },
                greyed: None,
                then: Then::Tell(Box::new(panes::Tell::Technicians(Tell::Sort(*sort)))),
            })
            .collect();
        Overlay::Menu(Menu::new("Order by", items).selected(self.sort as usize))
    }

    /// Lines of the detail, at the width it is drawn in.
    fn detail_height(&self, env: &Env<'_>, width: u16) -> u16 {
        let look = crate::look::Look::new("mono", crate::look::Depth::None, true);
        self.selected().map_or(0, |t| detail(t, env, &look).height(width.saturating_sub(2)))
    }
}

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        if self.find.typing() { &[Context::Input] } else { &[Context::Technicians, Context::List] }
    }

    fn shown(&mut self, cx: &mut Cx<'_>) {
        self.data.refresh(cx, Query::Technicians);
    }

    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
        let got = got(
            &mut self.data,
            id,
            reply,
            cx,
            || Query::Technicians,
            |reply| match reply {
                Reply::Technicians(v) => Some(v),
                _ => None,
            },
        );
        self.settle(&cx.env);
        if got != Got::NotMine {
            say_lost(&self.data, &mut self.roll, "this technician", cx);
        }
        got == Got::Changed
    }

    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        let env = cx.env;
        let copied = if Copied::is_copy(action) { self.copied(&env) } else { None };
        match action {
            Action::Filter => self.find.begin(),
            Action::InputAccept => self.find.keep(),
            Action::InputCancel => self.find.drop(),
            Action::InputNext => self.step(true, &env),
            Action::InputPrevious => self.step(false, &env),
            Action::NextMatch => self.step(true, &env),
            Action::PreviousMatch => self.step(false, &env),
            Action::Open => {
                self.open = true;
                self.scroll = 0;
            }
            Action::Sort => cx.wish(Wish::Overlay(Box::new(self.sort_menu()))),
            Action::SortReverse => self.descending = !self.descending,
            Action::ClockIn => {
                if let Some(menu) = self.selected().map(clock::menu) {
                    cx.wish(Wish::Overlay(Box::new(menu)));
                }
            }
            Action::ClockOut => {
                if let Some(t) = self.selected() {
                    cx.effect(Effect::Clock { technician: t.id, to: None });
                }
            }
            Action::ShowOnMap => {
                let locate = self.roll.id().map(Locate::Technician);
                cx.wish(Wish::Go { pane: PaneId::Map, locate });
            }
            Action::ShowTasks => {
                let locate = self.roll.id().map(Locate::Technician);
                cx.wish(Wish::Go { pane: PaneId::Tasks, locate });
            }
            _ if copy(copied, action, cx) => return true,
            _ if self.open => {
                let area = self.detail_area(env.body);
                let total = self.detail_height(&env, area.width);
                return act_scroll(&mut self.scroll, action, total, area.height);
            }
            _ => {
                let height = self.areas(env.body).0.rows.height;
                if !self.roll.act(action, &self.ids(), height) {
                    return false;
                }
                self.scroll = 0;
            }
        }
        self.settle(&env);
        true
    }

    fn greyed(&self, action: Action, env: &Env<'_>) -> Option<String> {
        match (action, self.selected()) {
            (Action::Open | Action::ShowOnMap | Action::ShowTasks | Action::ClockIn | Action::ClockOut, None) => {
                Some("nobody is selected".to_owned())
            }
            (Action::ClockIn | Action::ClockOut, Some(t)) => clock::greyed(action, t, env),
            (Action::ShowOnMap, Some(t)) if t.fix.is_none() => Some("no position was received".to_owned()),
            _ if Copied::is_copy(action) => Copied::greyed(self.copied(env).as_ref(), action),
            _ => None,
        }
    }

    fn typed(&mut self, typed: Typed<'_>, cx: &mut Cx<'_>) {
        self.find.typed(typed);
        self.settle(&cx.env);
    }

    fn told(&mut self, tell: Tell, cx: &mut Cx<'_>) {
        match tell {
            Tell::Sort(sort) => self.sort = sort,
        }
        self.settle(&cx.env);
    }

    fn mouse(&mut self, mouse: Mouse, cx: &mut Cx<'_>) {
        let env = cx.env;
        if self.open && !Self::is_wide(env.body) {
            let action = if mouse.kind == MouseKind::ScrollUp { Action::Up } else { Action::Down };
            if matches!(mouse.kind, MouseKind::ScrollUp | MouseKind::ScrollDown) {
                self.action(action, cx);
            }
            return;
        }
        let rows = self.areas(env.body).0.rows;
        if self.roll.mouse(mouse, rows, &self.ids()) {
            self.open = true;
        }
        self.scroll = 0;
    }

    fn locate(&mut self, locate: Locate, cx: &mut Cx<'_>) {
        match locate {
            Locate::Technician(id) => {
                self.find.drop();
                let height = self.areas(cx.env.body).0.rows.height;
                self.roll.select(id, &self.ids(), height);
                self.scroll = 0;
            }
            Locate::Filter(text) => {
                self.find.set(&text);
                self.open = false;
                self.settle(&cx.env);
            }
            _ => {}
        }
    }

    fn place(&self) -> Option<Locate> {
        self.roll.id().map(Locate::Technician)
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
        self.settle(&cx.env);
        narrowed
    }

    fn resized(&mut self, cx: &mut Cx<'_>) {
        self.settle(&cx.env);
    }

    fn moments(&self, env: &Env<'_>, out: &mut Vec<Timestamp>) {
        out.extend(self.data.stale_since());
        out.extend(self.all().iter().filter_map(|t| columns::moment(t.fix.as_ref()?, env)));
        out.extend(self.all().iter().filter_map(|t| t.clocked_in_at));
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
