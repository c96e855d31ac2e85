//! Updates of the Network pane.

use super::detail::detail;
use super::state::{Item, State, Tell};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Env, Locate, Wish};
use crate::effect::Effect;
use crate::look::{Depth, Look};
use crate::msg::{Mouse, MouseKind, Notice};
use crate::overlay::Typed;
use crate::panes::kit::{Copied, Got, act_scroll, copy, filter_value, got, sections};
use crate::panes::{Pane, PaneId};
use crate::query::{Query, Reply, RequestId};
use noctule_domain::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;

impl State {
    fn settle(&mut self, env: &Env<'_>) {
        let height = self.parts(env.body).rows.height;
        let ids = sections::items(&self.rows());
        let before = self.roll.id();
        self.roll.settle(&ids, height);
        if self.roll.id() != before {
            self.scroll = 0;
        }
        self.open &= self.roll.id().is_some();
    }

    fn scroll_detail(&mut self, action: Action, env: &Env<'_>) -> bool {
        let Some(item) = self.roll.id() else { return false };
        let area = self.whole(env.body).or_else(|| self.parts(env.body).detail).unwrap_or(env.body);
        let look = Look::new("mono", Depth::None, true);
        let total = detail(self, item, &Dx { env: *env, look: &look }).height(area.width.saturating_sub(2));
        act_scroll(&mut self.scroll, action, total, area.height)
    }

    fn open(&self, cx: &mut Cx<'_>) {
        match self.roll.id() {
            Some(Item::Pool(id)) => {
                if let Some(pool) = self.pool(id) {
                    cx.go(Locate::Filter(format!("prefix:{}", pool.prefix)));
                }
            }
            Some(Item::Nas(id)) => {
                if let Some(row) = self.nas(id) {
                    cx.go(Locate::Filter(format!("nas:{}", filter_value(row.nas.name.as_str()))));
                }
            }
            None => {}
        }
    }
}

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        if self.find.typing() { &[Context::Input] } else { &[Context::Network, Context::List] }
    }

    fn shown(&mut self, cx: &mut Cx<'_>) {
        self.data.refresh(cx, Query::Network);
    }

    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
        let got = got(
            &mut self.data,
            id,
            reply,
            cx,
            || Query::Network,
            |reply| match reply {
                Reply::Network(v) => Some(v),
                _ => None,
            },
        );
        self.settle(&cx.env);
        got == Got::Changed
    }

    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        let env = cx.env;
        let height = self.parts(env.body).rows.height;
        let ids = sections::items(&self.rows());
        let copied = if Copied::is_copy(action) { self.copied(&env) } else { None };
        let nas = self.selected_nas().map(|n| (n.nas.id, n.nas.name.clone()));
        match action {
            Action::Filter => self.find.begin(),
            Action::InputAccept => self.find.keep(),
            Action::InputCancel => self.find.drop(),
            Action::InputNext | Action::NextMatch => self.roll.step(true, &ids, height),
            Action::InputPrevious | Action::PreviousMatch => self.roll.step(false, &ids, height),
            Action::Open | Action::NasSubscribers => self.open(cx),
            Action::NetworkDetail => {
                self.open = !self.open;
                self.scroll = 0;
            }
            Action::NasProbe => {
                if let Some((id, name)) = nas {
                    cx.notice(Notice::info(format!("asking {name}")));
                    cx.effect(Effect::ProbeNas(id));
                }
            }
            Action::PoolsRefresh => {
                cx.notice(Notice::info("reading the pools from NetBox"));
                cx.effect(Effect::RefreshPools);
            }
            Action::ShowOnMap => cx.wish(Wish::Go { pane: PaneId::Map, locate: nas.map(|(id, _)| Locate::Nas(id)) }),
            _ if self.open && self.scroll_detail(action, &env) => {}
            // Between the two sections.
            Action::Left | Action::Right => {
                let pools = action == Action::Left;
                if let Some(id) = ids.iter().find(|id| matches!(id, Item::Pool(_)) == pools) {
                    self.roll.select(*id, &ids, height);
                }
            }
            _ if copy(copied, action, cx) => return true,
            _ => return self.roll.act(action, &ids, height),
        }
        self.settle(&env);
        true
    }

    fn greyed(&self, action: Action, env: &Env<'_>) -> Option<String> {
        let nas = self.selected_nas();
        match action {
            Action::Sort | Action::SortReverse => Some("the order is fixed".to_owned()),
            Action::Open | Action::NetworkDetail if self.roll.id().is_none() => Some("nothing is selected".to_owned()),
            Action::NasProbe | Action::NasSubscribers | Action::ShowOnMap if nas.is_none() => Some("select a NAS".to_owned()),
            Action::NasProbe if nas.is_some_and(|n| !n.nas.enabled) => Some("this NAS is disabled".to_owned()),
            Action::ShowOnMap if nas.is_some_and(|n| n.nas.position.is_none()) => Some("this NAS has no position".to_owned()),
            _ if Copied::is_copy(action) => Copied::greyed(self.copied(env).as_ref(), action),
            _ => None,
        }
    }

    fn typed(&mut self, typed: Typed<'_>, cx: &mut Cx<'_>) {
        self.find.typed(typed);
        self.settle(&cx.env);
    }

    fn mouse(&mut self, mouse: Mouse, cx: &mut Cx<'_>) {
        if self.open {
            match mouse.kind {
                MouseKind::ScrollUp => self.scroll_detail(Action::Up, &cx.env),
                MouseKind::ScrollDown => self.scroll_detail(Action::Down, &cx.env),
                _ => false,
            };
            return;
        }
        let (area, rows) = (self.parts(cx.env.body).rows, self.rows());
        if sections::mouse(&mut self.roll, mouse, area, &rows) {
            self.open(cx);
        }
    }

    fn locate(&mut self, locate: Locate, cx: &mut Cx<'_>) {
        match locate {
            Locate::Nas(id) => {
                self.find.drop();
                let height = self.parts(cx.env.body).rows.height;
                let ids = sections::items(&self.rows());
                self.roll.select(Item::Nas(id), &ids, height);
            }
            Locate::Filter(text) => {
                self.find.set(&text);
                self.settle(&cx.env);
            }
            _ => {}
        }
    }

    fn place(&self) -> Option<Locate> {
        self.selected_nas().map(|n| Locate::Nas(n.nas.id))
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

    fn moments(&self, _env: &Env<'_>, out: &mut Vec<Timestamp>) {
        out.extend(self.data.stale_since());
        out.extend(self.pools().iter().map(|p| p.seen_at));
        out.extend(self.nases().iter().filter_map(|n| n.nas.health.last_answer_at));
        out.extend(self.selected_nas().and_then(|n| n.nas.health.last_asked_at));
        out.extend(self.selected_nas().and_then(|n| self.probe(n.nas.id)).map(|probe| probe.at));
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
