//! The border of a pane, and the dispatch to the ten of them (static: an enum and a match, made by one macro).

use super::{drift, log, map, network, operations, overview, subscribers, sync, tasks, technicians};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Env, Locate};
use crate::effect::Preferences;
use crate::msg::Mouse;
use crate::overlay::Typed;
use crate::query::{Reply, RequestId};
use noctule_domain::{Timestamp, words};
use ratatui::Frame;
use ratatui::layout::Rect;

words!(
    /// A pane, by the word of its command.
    PaneId {
        Overview = "overview",
        Subscribers = "subscribers",
        Technicians = "technicians",
        Tasks = "tasks",
        Map = "map",
        Operations = "operations",
        Network = "network",
        Log = "log",
        Sync = "sync",
        Drift = "drift",
    }
);

impl PaneId {
    /// The number key; the tenth is 0.
    pub fn number(self) -> usize {
        (self as usize + 1) % 10
    }

    pub fn title(self) -> &'static str {
        self.action().row().label
    }

    /// For tabs on a screen of 80 columns.
    pub fn short(self) -> &'static str {
        match self {
            Self::Technicians => "Techs",
            Self::Operations => "Ops",
            Self::Network => "Net",
            other => other.title(),
        }
    }

    pub fn action(self) -> Action {
        match self {
            Self::Overview => Action::PaneOverview,
            Self::Subscribers => Action::PaneSubscribers,
            Self::Technicians => Action::PaneTechnicians,
            Self::Tasks => Action::PaneTasks,
            Self::Map => Action::PaneMap,
            Self::Operations => Action::PaneOperations,
            Self::Network => Action::PaneNetwork,
            Self::Log => Action::PaneLog,
            Self::Sync => Action::PaneSync,
            Self::Drift => Action::PaneDrift,
        }
    }

    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    pub fn previous(self) -> Self {
        Self::ALL[(self as usize + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}

/// The border of a pane. `action` and `view` are what it is for; the rest has defaults.
pub trait Pane {
    /// What its menus and prompts say back to it.
    type Tell;

    /// Contexts in which its keys are read, innermost first; `Input` alone while it is typed into.
    fn contexts(&self) -> &'static [Context];

    /// It came to the front, or the operator asked for fresh data: ask for what is shown.
    fn shown(&mut self, cx: &mut Cx<'_>);

    /// The store changed while it is in front: ask anew for what is shown (`Slot::refresh`).
    fn changed(&mut self, cx: &mut Cx<'_>) {
        self.shown(cx);
    }

    /// An answer to one of its questions. True when what is shown changed.
    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool;

    /// An action of one of its contexts that is not greyed. True when it was done here.
    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool;

    /// Why an action is not possible now.
    fn greyed(&self, _action: Action, _env: &Env<'_>) -> Option<String> {
        None
    }

    /// Text, while its contexts are `Input`.
    fn typed(&mut self, _typed: Typed<'_>, _cx: &mut Cx<'_>) {}

    /// A menu, prompt or confirmation of its own was answered.
    fn told(&mut self, _tell: Self::Tell, _cx: &mut Cx<'_>) {}

    /// The mouse inside its body. Column and row are those of the screen; `cx.env.body` says where the body is.
    fn mouse(&mut self, _mouse: Mouse, _cx: &mut Cx<'_>) {}

    /// Go to something and select it.
    fn locate(&mut self, _locate: Locate, _cx: &mut Cx<'_>) {}

    /// What is looked at, for the history.
    fn place(&self) -> Option<Locate> {
        None
    }

    /// `q`: one level back. False at the root.
    fn back(&mut self, _cx: &mut Cx<'_>) -> bool {
        false
    }

    /// Esc: one level back, marks and filter included. False when there is nothing to leave.
    fn escape(&mut self, cx: &mut Cx<'_>) -> bool {
        self.back(cx)
    }

    /// The size changed (`cx.env.body`).
    fn resized(&mut self, _cx: &mut Cx<'_>) {}

    /// Moments whose age is on the screen: a tick redraws only when the text of one of them changes.
    fn moments(&self, _env: &Env<'_>, _out: &mut Vec<Timestamp>) {}

    /// What it says of itself on the status line.
    fn status(&self, _env: &Env<'_>) -> Option<String> {
        None
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>);
}

/// The state of all panes.
pub struct Panes {
    pub(crate) overview: overview::State,
    pub(crate) subscribers: subscribers::State,
    pub(crate) technicians: technicians::State,
    pub(crate) tasks: tasks::State,
    pub(crate) map: map::State,
    pub(crate) operations: operations::State,
    pub(crate) network: network::State,
    pub(crate) log: log::State,
    pub(crate) sync: sync::State,
    pub(crate) drift: drift::State,
}

impl Panes {
    pub fn new(preferences: &Preferences) -> Self {
        Self {
            overview: Default::default(),
            subscribers: subscribers::State::new(preferences),
            technicians: Default::default(),
            tasks: Default::default(),
            map: Default::default(),
            operations: Default::default(),
            network: Default::default(),
            log: Default::default(),
            sync: Default::default(),
            drift: Default::default(),
        }
    }
}

/// What an overlay says to the pane that opened it.
#[derive(Debug, Clone)]
pub enum Tell {
    Overview(overview::Tell),
    Subscribers(subscribers::Tell),
    Technicians(technicians::Tell),
    Tasks(tasks::Tell),
    Map(map::Tell),
    Operations(operations::Tell),
    Network(network::Tell),
    Log(log::Tell),
    Sync(sync::Tell),
    Drift(drift::Tell),
}

impl Tell {
    pub fn pane(&self) -> PaneId {
        match self {
            Self::Overview(_) => PaneId::Overview,
            Self::Subscribers(_) => PaneId::Subscribers,
            Self::Technicians(_) => PaneId::Technicians,
            Self::Tasks(_) => PaneId::Tasks,
            Self::Map(_) => PaneId::Map,
            Self::Operations(_) => PaneId::Operations,
            Self::Network(_) => PaneId::Network,
            Self::Log(_) => PaneId::Log,
            Self::Sync(_) => PaneId::Sync,
            Self::Drift(_) => PaneId::Drift,
        }
    }
}

macro_rules! each {
    ($panes:expr, $id:expr, $pane:ident => $call:expr) => {
        match $id {
            PaneId::Overview => {
                let $pane = &$panes.overview;
                $call
            }
            PaneId::Subscribers => {
                let $pane = &$panes.subscribers;
                $call
            }
            PaneId::Technicians => {
                let $pane = &$panes.technicians;
                $call
            }
            PaneId::Tasks => {
                let $pane = &$panes.tasks;
                $call
            }
            PaneId::Map => {
                let $pane = &$panes.map;
                $call
            }
            PaneId::Operations => {
                let $pane = &$panes.operations;
                $call
            }
            PaneId::Network => {
                let $pane = &$panes.network;
                $call
            }
            PaneId::Log => {
                let $pane = &$panes.log;
                $call
            }
            PaneId::Sync => {
                let $pane = &$panes.sync;
                $call
            }
            PaneId::Drift => {
                let $pane = &$panes.drift;
                $call
            }
        }
    };
}

macro_rules! each_mut {
    ($panes:expr, $id:expr, $pane:ident => $call:expr) => {
        match $id {
            PaneId::Overview => {
                let $pane = &mut $panes.overview;
                $call
            }
            PaneId::Subscribers => {
                let $pane = &mut $panes.subscribers;
                $call
            }
            PaneId::Technicians => {
                let $pane = &mut $panes.technicians;
                $call
            }
            PaneId::Tasks => {
                let $pane = &mut $panes.tasks;
                $call
            }
            PaneId::Map => {
                let $pane = &mut $panes.map;
                $call
            }
            PaneId::Operations => {
                let $pane = &mut $panes.operations;
                $call
            }
            PaneId::Network => {
                let $pane = &mut $panes.network;
                $call
            }
            PaneId::Log => {
                let $pane = &mut $panes.log;
                $call
            }
            PaneId::Sync => {
                let $pane = &mut $panes.sync;
                $call
            }
            PaneId::Drift => {
                let $pane = &mut $panes.drift;
                $call
            }
        }
    };
}

pub(crate) fn contexts(panes: &Panes, id: PaneId) -> &'static [Context] {
    each!(panes, id, pane => pane.contexts())
}
pub(crate) fn shown(panes: &mut Panes, id: PaneId, cx: &mut Cx<'_>) {
    each_mut!(panes, id, pane => pane.shown(cx))
}
pub(crate) fn changed(panes: &mut Panes, id: PaneId, cx: &mut Cx<'_>) {
    each_mut!(panes, id, pane => pane.changed(cx))
}
pub(crate) fn resized(panes: &mut Panes, id: PaneId, cx: &mut Cx<'_>) {
    each_mut!(panes, id, pane => pane.resized(cx))
}
pub(crate) fn reply(panes: &mut Panes, id: PaneId, request: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
    each_mut!(panes, id, pane => pane.reply(request, reply, cx))
}
pub(crate) fn action(panes: &mut Panes, id: PaneId, action: Action, cx: &mut Cx<'_>) -> bool {
    each_mut!(panes, id, pane => pane.action(action, cx))
}
pub(crate) fn greyed(panes: &Panes, id: PaneId, action: Action, env: &Env<'_>) -> Option<String> {
    each!(panes, id, pane => pane.greyed(action, env))
}
pub(crate) fn typed(panes: &mut Panes, id: PaneId, typed: Typed<'_>, cx: &mut Cx<'_>) {
    each_mut!(panes, id, pane => pane.typed(typed, cx))
}
pub(crate) fn mouse(panes: &mut Panes, id: PaneId, mouse: Mouse, cx: &mut Cx<'_>) {
    each_mut!(panes, id, pane => pane.mouse(mouse, cx))
}
pub(crate) fn locate(panes: &mut Panes, id: PaneId, locate: Locate, cx: &mut Cx<'_>) {
    each_mut!(panes, id, pane => pane.locate(locate, cx))
}
pub(crate) fn place(panes: &Panes, id: PaneId) -> Option<Locate> {
    each!(panes, id, pane => pane.place())
}
pub(crate) fn back(panes: &mut Panes, id: PaneId, cx: &mut Cx<'_>) -> bool {
    each_mut!(panes, id, pane => pane.back(cx))
}
pub(crate) fn escape(panes: &mut Panes, id: PaneId, cx: &mut Cx<'_>) -> bool {
    each_mut!(panes, id, pane => pane.escape(cx))
}
pub(crate) fn moments(panes: &Panes, id: PaneId, env: &Env<'_>, out: &mut Vec<Timestamp>) {
    each!(panes, id, pane => pane.moments(env, out))
}
pub(crate) fn status(panes: &Panes, id: PaneId, env: &Env<'_>) -> Option<String> {
    each!(panes, id, pane => pane.status(env))
}
pub(crate) fn view(panes: &Panes, id: PaneId, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
    each!(panes, id, pane => pane.view(dx, area, frame))
}
/// The answer of an overlay, to the pane that it belongs to.
pub(crate) fn told(panes: &mut Panes, tell: Tell, cx: &mut Cx<'_>) {
    match tell {
        Tell::Overview(tell) => panes.overview.told(tell, cx),
        Tell::Subscribers(tell) => panes.subscribers.told(tell, cx),
        Tell::Technicians(tell) => panes.technicians.told(tell, cx),
        Tell::Tasks(tell) => panes.tasks.told(tell, cx),
        Tell::Map(tell) => panes.map.told(tell, cx),
        Tell::Operations(tell) => panes.operations.told(tell, cx),
        Tell::Network(tell) => panes.network.told(tell, cx),
        Tell::Log(tell) => panes.log.told(tell, cx),
        Tell::Sync(tell) => panes.sync.told(tell, cx),
        Tell::Drift(tell) => panes.drift.told(tell, cx),
    }
}
