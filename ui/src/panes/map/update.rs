//! Updates of the Map pane.

use super::layers::{Layer, next_marker};
use super::marks::{Marks, locate_of};
use super::state::{State, Tell};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Env, Locate, Wish};
use crate::map::{Direction, MarkId, PanStep, Viewport, cluster_at, cluster_of, cycle};
use crate::msg::{Mouse, MouseKind, Notice};
use crate::overlay::{Menu, MenuItem, Overlay, Then, Typed};
use crate::panes::kit::{Got, got};
use crate::panes::{self, Pane, technicians};
use crate::query::{Query, Reply, RequestId};
use noctule_domain::Timestamp;
use noctule_domain::geo::LatLng;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

/// Longest list of a cluster.
const LISTED: usize = 100;

impl State {
    fn map_area(&self, env: &Env<'_>) -> Rect {
        self.parts(env.body).map
    }

    /// After an answer: the first one places the view, later ones move it only to follow. True when the view changed.
    fn settle(&mut self, env: &Env<'_>) -> bool {
        let area = self.map_area(env);
        let before = self.view;
        if let Some(wanted) = self.wanted
            && self.data.value.is_some()
        {
            self.wanted = None;
            self.show(wanted, env);
        }
        let marks = self.marks(env.now);
        if !self.placed && !marks.is_empty() {
            self.placed = true;
            self.view.fit(marks.data().marks().map(|mark| mark.at), area);
        }
        if self.view.selected.is_some_and(|id| marks.data().find(id).is_none()) {
            self.view.selected = None;
            self.view.follow(None);
        }
        self.view.track(&marks.data(), area);
        self.view != before
    }

    /// Selects a mark and brings it on the screen; its layer is shown.
    fn show(&mut self, id: MarkId, env: &Env<'_>) {
        self.layers.show(match id {
            MarkId::Technician(_) => Layer::Technicians,
            MarkId::Task(_) => Layer::Tasks,
            MarkId::Nas(_) => Layer::Nases,
        });
        let ended = self.data.value.as_ref().is_some_and(|v| v.tasks.iter().any(|t| MarkId::Task(t.id) == id && t.status.is_ended()));
        if ended {
            self.layers.show(Layer::Ended);
        }
        let marks = self.marks(env.now);
        if !self.placed && !marks.is_empty() {
            self.placed = true;
            self.view.fit(marks.data().marks().map(|mark| mark.at), self.map_area(env));
        }
        self.select(id, &marks, env);
    }

    fn select(&mut self, id: MarkId, marks: &Marks, env: &Env<'_>) {
        let Some(mark) = marks.data().find(id) else { return };
        if self.view.selected != Some(id) {
            self.view.follow(None);
        }
        self.view.selected = Some(id);
        self.view.ensure_visible(mark.at, self.map_area(env));
    }

    /// Where the selection is, when it is on the screen: a zoom leaves it there.
    fn keep(&self, marks: &Marks, area: Rect) -> Option<LatLng> {
        let at = marks.data().find(self.view.selected?)?.at;
        Viewport::new(&self.view, area).screen(at).map(|_| at)
    }

    fn open(&self, id: MarkId, marks: &Marks, cx: &mut Cx<'_>) {
        let env = cx.env;
        let members = cluster_of(&self.view, &marks.data(), self.map_area(&env), id);
        if members.len() < 2 {
            return cx.go(locate_of(id));
        }
        let items = members
            .iter()
            .take(LISTED)
            .filter_map(|id| {
                let (label, help, _) = self.words(*id, &env)?;
                let then = Then::Tell(Box::new(panes::Tell::Map(Tell::Open(*id))));
                Some(MenuItem { key: None, label: noctule_domain::SafeText::bounded(&label, 40).into_string(), help, greyed: None, then })
            })
            .collect();
        let title = format!("{} stand here", members.len());
        cx.wish(Wish::Overlay(Box::new(Overlay::Menu(Menu::new(&title, items)))));
    }

    fn pan(&mut self, action: Action, area: Rect) -> bool {
        let (direction, step) = match action {
            Action::MapLeft => (Direction::Left, PanStep::Quarter),
            Action::MapRight => (Direction::Right, PanStep::Quarter),
            Action::MapUp => (Direction::Up, PanStep::Quarter),
            Action::MapDown => (Direction::Down, PanStep::Quarter),
            Action::MapCellLeft => (Direction::Left, PanStep::Cell),
            Action::MapCellRight => (Direction::Right, PanStep::Cell),
            Action::MapCellUp => (Direction::Up, PanStep::Cell),
            Action::MapCellDown => (Direction::Down, PanStep::Cell),
            _ => return false,
        };
        self.placed = true;
        self.view.pan(direction, step, area);
        true
    }
}

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        if self.find.typing() { &[Context::Input] } else { &[Context::Map] }
    }

    fn shown(&mut self, cx: &mut Cx<'_>) {
        self.data.refresh(cx, Query::Map);
    }

    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
        let got = got(
            &mut self.data,
            id,
            reply,
            cx,
            || Query::Map,
            |reply| match reply {
                Reply::Map(v) => Some(v),
                _ => None,
            },
        );
        if got != Got::Changed {
            return false;
        }
        self.keep_trails();
        self.settle(&cx.env);
        true
    }

    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        let env = cx.env;
        let area = self.map_area(&env);
        let marks = self.marks(env.now);
        match action {
            Action::MapZoomIn => {
                let keep = self.keep(&marks, area);
                self.view.zoom_in(keep);
                self.placed = true;
            }
            Action::MapZoomOut => {
                let keep = self.keep(&marks, area);
                self.view.zoom_out(keep);
                self.placed = true;
            }
            Action::MapFit => {
                self.view.follow(None);
                self.placed = self.view.fit(marks.data().marks().map(|mark| mark.at), area);
            }
            Action::MapFollow => {
                let follow = if self.view.followed().is_some() { None } else { self.view.selected };
                self.view.follow(follow);
                if let Some(mark) = follow.and_then(|id| marks.data().find(id)) {
                    self.view.centre_on(mark.at);
                }
                self.settle(&env);
            }
            Action::MapNext | Action::MapPrevious => {
                if let Some(id) = cycle(&self.view, &marks.data(), area, action == Action::MapNext) {
                    self.select(id, &marks, &env);
                }
            }
            Action::MapLayers => cx.wish(Wish::Overlay(Box::new(self.layers.menu()))),
            Action::MapLegend => self.legend = !self.legend,
            Action::MapOpen => {
                if let Some(id) = self.view.selected {
                    self.open(id, &marks, cx);
                }
            }
            Action::MapSearch => {
                self.find.drop();
                self.find.begin();
            }
            Action::InputAccept | Action::InputCancel => self.find.drop(),
            Action::MapMarker => {
                let marker = next_marker(&env.preferences.map_marker);
                let mut preferences = env.preferences.clone();
                preferences.map_marker = marker.to_owned();
                cx.notice(Notice::info(format!("the map is drawn with {marker}")));
                cx.wish(Wish::Prefer(Box::new(preferences)));
            }
            other => return self.pan(other, area),
        }
        true
    }

    fn greyed(&self, action: Action, _env: &Env<'_>) -> Option<String> {
        match (action, self.view.selected) {
            (Action::MapOpen, None) => Some("select a marker with n".to_owned()),
            (Action::MapFollow, Some(MarkId::Technician(_))) => None,
            (Action::MapFollow, _) if self.view.followed().is_some() => None,
            (Action::MapFollow, _) => Some("select a technician with n".to_owned()),
            (Action::MapFit | Action::MapNext | Action::MapPrevious | Action::MapSearch, _) if !self.has_marks() => {
                Some("nothing here has a position".to_owned())
            }
            _ => None,
        }
    }

    fn typed(&mut self, typed: Typed<'_>, cx: &mut Cx<'_>) {
        self.find.typed(typed);
        let marks = self.marks(cx.env.now);
        if let Some(id) = self.found(&marks) {
            self.select(id, &marks, &cx.env);
        }
    }

    fn told(&mut self, tell: Tell, cx: &mut Cx<'_>) {
        match tell {
            Tell::Toggle(layer) => {
                self.layers.toggle(layer);
                self.settle(&cx.env);
            }
            Tell::Open(id) => cx.go(locate_of(id)),
        }
    }

    fn mouse(&mut self, mouse: Mouse, cx: &mut Cx<'_>) {
        let env = cx.env;
        let area = self.map_area(&env);
        match mouse.kind {
            MouseKind::ScrollUp => {
                self.action(Action::MapZoomIn, cx);
            }
            MouseKind::ScrollDown => {
                self.action(Action::MapZoomOut, cx);
            }
            MouseKind::Click => {
                let marks = self.marks(env.now);
                let hit = cluster_at(&self.view, &marks.data(), area, Position { x: mouse.column, y: mouse.row });
                match hit.first() {
                    Some(id) if self.view.selected == Some(*id) => self.open(*id, &marks, cx),
                    Some(id) => self.select(*id, &marks, &env),
                    None => {}
                }
            }
            _ => {}
        }
    }

    fn locate(&mut self, locate: Locate, cx: &mut Cx<'_>) {
        let id = match locate {
            Locate::Technician(id) => MarkId::Technician(id),
            Locate::Task(id) => MarkId::Task(id),
            Locate::Nas(id) => MarkId::Nas(id),
            _ => return,
        };
        self.wanted = Some(id);
        self.settle(&cx.env);
    }

    fn place(&self) -> Option<Locate> {
        self.view.selected.map(locate_of)
    }

    fn back(&mut self, _cx: &mut Cx<'_>) -> bool {
        if std::mem::take(&mut self.legend) {
            return true;
        }
        let was = self.view.selected.take().is_some() || self.view.followed().is_some();
        self.view.follow(None);
        was
    }

    fn resized(&mut self, cx: &mut Cx<'_>) {
        self.settle(&cx.env);
    }

    fn moments(&self, env: &Env<'_>, out: &mut Vec<Timestamp>) {
        out.extend(self.data.stale_since());
        let technicians = self.data.value.iter().flat_map(|v| &v.technicians);
        out.extend(technicians.filter_map(|t| technicians::moment(t.fix.as_ref()?, env)));
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
