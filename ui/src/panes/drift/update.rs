//! Updates of the Drift pane.

use super::state::{Tab, number};
use super::{State, Tell, detail::detail, mend};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Env, Locate};
use crate::effect::Effect;
use crate::msg::{Mouse, MouseKind};
use crate::overlay::Typed;
use crate::panes::Pane;
use crate::panes::kit::{Copied, Got, WIDE, act_scroll, copy, got};
use crate::query::{Reply, RequestId};
use noctule_domain::{SafeText, Timestamp};
use ratatui::Frame;
use ratatui::layout::Rect;

impl State {
    fn settle(&mut self, cx: &mut Cx<'_>) {
        let height = self.areas(cx.env.body).0.rows.height;
        let before = self.roll.id();
        self.roll.settle(&self.ids(), height);
        if self.roll.id() != before {
            self.scroll = 0;
        }
        if self.roll.id().is_none() {
            self.open = false;
        }
    }

    fn turn(&mut self, forward: bool) {
        let n = Tab::ALL.len();
        self.tab = Tab::ALL[(self.tab as usize + if forward { 1 } else { n - 1 }) % n];
        self.open = false;
    }

    fn scroll_detail(&mut self, action: Action, env: &Env<'_>) -> bool {
        let area = self.detail_area(env.body);
        let total = self.selected().map_or(0, |kept| detail(self, kept, env).height(area.width.saturating_sub(2)));
        act_scroll(&mut self.scroll, action, total, area.height)
    }
}

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        if self.find.typing() { &[Context::Input] } else { &[Context::Drift, Context::List] }
    }

    fn shown(&mut self, cx: &mut Cx<'_>) {
        self.data.refresh(cx, Self::query());
    }

    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
        let got = got(&mut self.data, id, reply, cx, Self::query, |reply| match reply {
            Reply::Drift(v) => Some(v),
            _ => None,
        });
        self.settle(cx);
        got == Got::Changed
    }

    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        let env = cx.env;
        let height = self.areas(env.body).0.rows.height;
        let copied = if Copied::is_copy(action) { self.copied(&env) } else { None };
        let selected = self.selected().cloned();
        match (action, selected) {
            (Action::Filter, _) => self.find.begin(),
            (Action::InputAccept, _) => self.find.keep(),
            (Action::InputCancel, _) => self.find.drop(),
            (Action::InputNext | Action::NextMatch, _) => self.roll.step(true, &self.ids(), height),
            (Action::InputPrevious | Action::PreviousMatch, _) => self.roll.step(false, &self.ids(), height),
            (Action::Open, _) => {
                self.open = true;
                self.scroll = 0;
            }
            (Action::Left, _) => self.turn(false),
            (Action::Right, _) => self.turn(true),
            (Action::DriftCheck, _) => cx.effect(Effect::DriftCheck),
            (Action::DriftStop, _) => cx.effect(Effect::DriftStop),
            (Action::DriftRepair, Some(kept)) => mend::repair(self, &kept, cx),
            (Action::DriftRepairKind, Some(kept)) => mend::repair_alike(self, &kept, cx),
            (Action::DriftDismiss, Some(kept)) => mend::dismiss(&kept, cx),
            (Action::ShowSubscriber, Some(kept)) => {
                if let Some(who) = &kept.finding.who {
                    cx.go(Locate::Subscriber(who.id));
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
            (Action::Sort | Action::SortReverse, _) => Some("the order is fixed: worst first, then oldest".to_owned()),
            (Action::DriftCheck, _) if env.drift.is_some() => Some("a check is running; X stops it".to_owned()),
            (Action::DriftCheck, _) => env.away(),
            (Action::DriftStop, _) if env.drift.is_none() => Some("no check is running".to_owned()),
            (Action::Open | Action::DriftRepair | Action::DriftRepairKind | Action::DriftDismiss | Action::ShowSubscriber, None) => {
                Some("no finding is selected".to_owned())
            }
            (Action::DriftRepair | Action::DriftRepairKind, Some(kept)) => mend::no_repair(kept, env),
            (Action::DriftDismiss, Some(_)) => mend::no_dismiss(env),
            (Action::ShowSubscriber, Some(kept)) if kept.finding.who.is_none() => Some("this is about no subscriber".to_owned()),
            _ if Copied::is_copy(action) => Copied::greyed(self.copied(env).as_ref(), action),
            _ => None,
        }
    }

    fn typed(&mut self, typed: Typed<'_>, cx: &mut Cx<'_>) {
        self.find.typed(typed);
        self.settle(cx);
    }

    fn told(&mut self, tell: Tell, cx: &mut Cx<'_>) {
        let Tell::Dismiss(why) = tell;
        if let Some(kept) = self.selected() {
            cx.effect(Effect::DriftDismiss { key: kept.finding.key(), why: Some(SafeText::bounded(&why, 300)) });
        }
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
        if let Locate::Drift(id) = locate {
            self.find.drop();
            if let Some(kept) = self.all().iter().find(|kept| number(&kept.finding) == id) {
                self.tab = if kept.dismissed.is_some() { Tab::Dismissed } else { Tab::Standing };
            }
            let height = self.areas(cx.env.body).0.rows.height;
            self.roll.select(id, &self.ids(), height);
        }
        self.settle(cx);
    }

    fn place(&self) -> Option<Locate> {
        self.roll.id().map(Locate::Drift)
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

    fn moments(&self, _env: &Env<'_>, out: &mut Vec<Timestamp>) {
        out.extend(self.data.stale_since());
        out.extend(self.known().and_then(|view| view.last.as_ref()).map(|last| last.ended_at));
        out.extend(self.rows().iter().map(|kept| kept.first_seen));
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
