//! The border between the application and a pane. `Env` is what may be read, `Cx` what an update may use, `Dx` what a drawing may use.
//! A pane reaches nothing else.

use super::{Asked, Progress};
use crate::action::Keymap;
use crate::effect::{Effect, Preferences};
use crate::look::Look;
use crate::msg::JobBrief;
use crate::msg::Notice;
use crate::overlay::Overlay;
use crate::panes::PaneId;
use crate::query::{Query, RequestId};
use chrono::FixedOffset;
use noctule_domain::drift::CheckProgress;
use noctule_domain::filter::Vocabulary;
use noctule_domain::permission::Role;
use noctule_domain::sync::SyncStatus;
use noctule_domain::{NasId, OperationId, SafeText, SubscriberId, TaskId, TechnicianId, Timestamp};
use ratatui::layout::Rect;
use std::collections::VecDeque;

/// What a pane may read.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    pub now: Timestamp,
    pub zone: FixedOffset,
    pub role: Role,
    pub actor: &'a SafeText,
    pub read_only: Option<&'a SafeText>,
    /// Where the pane is drawn.
    pub body: Rect,
    pub vocabulary: &'a Vocabulary,
    pub preferences: &'a Preferences,
    pub keymap: &'a Keymap,
    /// A centre is configured.
    pub central: bool,
    /// How the sync with it stands, once it was told.
    pub sync: Option<&'a SyncStatus>,
    pub progress: &'a Progress,
    pub jobs: &'a [JobBrief],
    /// Where the running check for drift is; `None` while none runs.
    pub drift: Option<&'a CheckProgress>,
}

impl Env<'_> {
    /// Why the centre can not be asked now, in words; `None` when it can, when nothing is known yet, and where there is none.
    pub fn away(&self) -> Option<String> {
        let status = self.sync.filter(|_| self.central)?;
        super::centre::is_away(status, self.now).then(|| super::centre::words(status, self.now, self.zone).full)
    }
}

/// What an update of a pane may use: the environment, and the ways out.
pub struct Cx<'a> {
    pub env: Env<'a>,
    pub(crate) pane: PaneId,
    pub(crate) requests: &'a mut Requests,
    pub(crate) effects: &'a mut Vec<Effect>,
    pub(crate) wishes: &'a mut Vec<Wish>,
}

impl Cx<'_> {
    /// Asks; the reply comes to this pane. Use a [`super::Slot`], which forgets stale replies.
    pub fn ask(&mut self, query: Query) -> RequestId {
        let id = self.requests.next(self.pane);
        self.effects.push(Effect::Ask { id, query });
        id
    }

    /// An id for an effect that carries one.
    pub fn request_id(&mut self) -> RequestId {
        self.requests.next(self.pane)
    }

    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Something for the application: another pane, an overlay, a notice.
    pub fn wish(&mut self, wish: Wish) {
        self.wishes.push(wish);
    }

    pub fn notice(&mut self, notice: Notice) {
        self.wishes.push(Wish::Notice(notice));
    }

    /// Goes to something in the pane that shows it, and remembers the way back.
    pub fn go(&mut self, locate: Locate) {
        self.wishes.push(Wish::Go { pane: locate.pane(), locate: Some(locate) });
    }
}

/// What a drawing may use.
#[derive(Clone, Copy)]
pub struct Dx<'a> {
    pub env: Env<'a>,
    pub look: &'a Look,
}

/// What a pane wishes from the application.
#[derive(Debug)]
pub enum Wish {
    Go {
        pane: PaneId,
        locate: Option<Locate>,
    },
    Overlay(Box<Overlay>),
    Notice(Notice),
    /// The preview of a job.
    Preview(Box<Asked>),
    /// Changes what is remembered; saved by an effect.
    Prefer(Box<Preferences>),
}

/// Something that can be gone to.
#[derive(Debug, Clone, PartialEq)]
pub enum Locate {
    Subscriber(SubscriberId),
    /// The board with this filter.
    Filter(String),
    Operation(OperationId),
    Task(TaskId),
    Technician(TechnicianId),
    Nas(NasId),
    /// A finding of the Drift pane, by its number.
    Drift(u64),
}

impl Locate {
    /// The pane that shows it.
    pub fn pane(&self) -> PaneId {
        match self {
            Self::Subscriber(_) | Self::Filter(_) => PaneId::Subscribers,
            Self::Operation(_) => PaneId::Operations,
            Self::Task(_) => PaneId::Tasks,
            Self::Technician(_) => PaneId::Technicians,
            Self::Nas(_) => PaneId::Network,
            Self::Drift(_) => PaneId::Drift,
        }
    }
}

/// A place in the history of `[` and `]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub pane: PaneId,
    pub locate: Option<Locate>,
}

/// Numbers the questions and knows whose they are. Bounded: an executor that never answers costs no memory.
#[derive(Debug, Default)]
pub struct Requests {
    last: u64,
    open: VecDeque<(RequestId, PaneId)>,
}

const MAX_OPEN: usize = 256;

impl Requests {
    pub(crate) fn next(&mut self, pane: PaneId) -> RequestId {
        self.last += 1;
        let id = RequestId(self.last);
        if self.open.len() >= MAX_OPEN {
            self.open.pop_front();
        }
        self.open.push_back((id, pane));
        id
    }

    /// Whose question this answers, once.
    pub(crate) fn take(&mut self, id: RequestId) -> Option<PaneId> {
        let at = self.open.iter().position(|(open, _)| *open == id)?;
        self.open.remove(at).map(|(_, pane)| pane)
    }
}
