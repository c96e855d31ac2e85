//! State of the Sync pane: what was answered, which line is selected, how far it is scrolled.

use super::lines::Line;
use super::{sheet, words};
use crate::app::{Env, Slot};
use crate::look::{Depth, Look};
use crate::overlay::Sheet;
use crate::panes::kit::{Copied, banner_rows, below};
use crate::query::SyncView;
use noctule_domain::subscriber::SubscriberRow;
use noctule_domain::sync::{Conflict, Op, OpState};
use noctule_domain::technician::Technician;
use noctule_domain::{ConsoleId, OpId, SafeText, SubscriberId};
use ratatui::layout::Rect;

/// A line that can be selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Conflict(OpId),
    Op(OpId),
    Other(ConsoleId),
}

#[derive(Debug, Default)]
pub struct State {
    pub(super) data: Slot<Box<SyncView>>,
    pub(super) selected: Option<Item>,
    /// The operator has chosen a line since the pane was opened; until then a conflict that arrives is selected.
    pub(super) chosen: bool,
    /// First line that is drawn.
    pub(super) top: usize,
    /// Names of the subscribers that others look at.
    pub(super) names: Slot<Vec<SubscriberRow>>,
    /// Names of technicians, where a change is about who does a task.
    pub(super) people: Slot<Vec<Technician>>,
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}

impl State {
    pub(super) fn area(&self, body: Rect) -> Rect {
        let rest = below(body, banner_rows(&self.data, body.width));
        Rect { x: rest.x + 1.min(rest.width), width: rest.width.saturating_sub(2), ..rest }
    }

    /// The lines as an update looks at them: their text does not matter, their number and what they select does.
    pub(super) fn plain(&self, env: &Env<'_>) -> Vec<Line> {
        self.lines(env, &Look::new("mono", Depth::None, true), self.area(env.body).width)
    }

    pub(super) fn row(&self, id: SubscriberId) -> Option<&SubscriberRow> {
        self.names.value.as_ref()?.iter().find(|row| row.id == id)
    }

    pub(super) fn people(&self) -> &[Technician] {
        self.people.value.as_deref().unwrap_or_default()
    }

    pub(super) fn conflict(&self, id: OpId) -> Option<&Conflict> {
        self.conflicts().find(|c| c.op.id == id)
    }

    pub(super) fn op(&self, id: OpId) -> Option<&(Op, OpState, SafeText)> {
        self.waiting().find(|(op, ..)| op.id == id)
    }

    /// The sheet of the selected line.
    pub(super) fn sheet(&self, env: &Env<'_>) -> Option<Sheet> {
        match self.selected? {
            Item::Conflict(id) => self.conflict(id).map(|c| sheet::conflict(c, self.people(), env)),
            Item::Op(id) => self.op(id).map(|(op, state, target)| sheet::waiting(op, *state, target, self.people(), env)),
            Item::Other(_) => None,
        }
    }

    /// The subscriber that somebody else looks at.
    pub(super) fn looked_at(&self) -> Option<SubscriberId> {
        let Item::Other(console) = self.selected? else { return None };
        self.others().find(|other| other.console == console)?.subscriber
    }

    pub(super) fn copied(&self, env: &Env<'_>) -> Option<Copied> {
        let op = match self.selected? {
            Item::Conflict(id) => Some(&self.conflict(id)?.op),
            Item::Op(id) => Some(&self.op(id)?.0),
            Item::Other(_) => None,
        };
        if let (Some(op), Some(sheet)) = (op, self.sheet(env)) {
            return Some(Copied {
                row: sheet.copy.clone(),
                id: Some(op.id.to_string()),
                json: serde_json::to_string_pretty(op).ok(),
                ticket: sheet.copy,
                ..Copied::default()
            });
        }
        let Item::Other(console) = self.selected? else { return None };
        let other = self.others().find(|other| other.console == console)?;
        let row = format!("{}\t{}", other.login, other.console);
        Some(Copied {
            id: Some(other.console.to_string()),
            json: serde_json::to_string_pretty(other).ok(),
            ticket: row.clone(),
            row,
            ..Copied::default()
        })
    }

    /// True when a name of a technician is needed to read what is here.
    pub(super) fn needs_people(&self) -> bool {
        self.conflicts().any(|c| words::names_somebody(&c.op.change)) || self.waiting().any(|(op, ..)| words::names_somebody(&op.change))
    }
}
