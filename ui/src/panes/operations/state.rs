//! State of the Operations pane.

use super::columns;
use crate::app::{Env, Slot};
use crate::panes::kit::{Copied, Find, Lay, Roll, WIDE, banner_rows, below, beside, lay, local_long};
use crate::query::Query;
use noctule_domain::lifecycle::{OperationRow, OperationStatus, OperationView};
use noctule_domain::{OperationId, words};
use ratatui::layout::Rect;

/// Operations that are asked for: the open ones, then the newest that have ended.
pub const LIMIT: u16 = 500;

words!(Tab { Open = "open", Failed = "failed", All = "all" });

#[derive(Debug)]
pub struct State {
    pub(super) data: Slot<Vec<OperationRow>>,
    pub(super) roll: Roll<OperationId>,
    pub(super) find: Find,
    pub(super) tab: Tab,
    /// The detail has the keys.
    pub(super) open: bool,
    pub(super) scroll: u16,
    /// The journal of the selected one.
    pub(super) journal: Slot<Box<OperationView>>,
    /// Whose journal was asked for.
    pub(super) journal_of: Option<OperationId>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            data: Slot::default(),
            roll: Roll::default(),
            find: Find::default(),
            tab: Tab::Open,
            open: false,
            scroll: 0,
            journal: Slot::default(),
            journal_of: None,
        }
    }
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}

impl Tab {
    pub(super) fn holds(self, status: OperationStatus) -> bool {
        use OperationStatus as S;
        match self {
            Self::Open => status.is_open(),
            Self::Failed => matches!(status, S::Refused | S::Unanswered | S::Failed),
            Self::All => true,
        }
    }
}

impl State {
    pub(super) fn query() -> Query {
        Query::Operations { open_only: false, limit: LIMIT }
    }

    pub(super) fn all(&self) -> &[OperationRow] {
        self.data.value.as_deref().unwrap_or_default()
    }

    /// The rows as they are listed: running, waiting, then the newest.
    pub(super) fn rows(&self) -> Vec<&OperationRow> {
        let mut rows: Vec<&OperationRow> =
            self.all().iter().filter(|row| self.tab.holds(row.status) && self.find.matches(&columns::texts(row))).collect();
        let rank = |row: &OperationRow| match row.status {
            OperationStatus::Running => 0,
            OperationStatus::Waiting => 1,
            _ => 2,
        };
        rows.sort_by_key(|row| (rank(row), std::cmp::Reverse(row.ended_at.unwrap_or(row.requested_at)), row.id));
        rows
    }

    pub(super) fn ids(&self) -> Vec<OperationId> {
        self.rows().into_iter().map(|row| row.id).collect()
    }

    pub(super) fn selected(&self) -> Option<&OperationRow> {
        let id = self.roll.id()?;
        self.all().iter().find(|row| row.id == id)
    }

    /// The journal of the selected one, once it is here.
    pub(super) fn journal(&self) -> Option<&OperationView> {
        self.journal.value.as_deref().filter(|view| Some(view.operation.id) == self.roll.id())
    }

    pub(super) fn areas(&self, body: Rect) -> (Lay, Option<Rect>) {
        let (list, detail) = beside(body, body.width / 2);
        (lay(list, banner_rows(&self.data, list.width), self.find.shown()), detail)
    }

    pub(super) fn detail_area(&self, body: Rect) -> Rect {
        beside(body, body.width / 2).1.unwrap_or_else(|| below(body, banner_rows(&self.data, body.width)))
    }

    pub(super) fn detail_is_seen(&self, body: Rect) -> bool {
        self.open || body.width >= WIDE
    }

    pub(super) fn count(&self, tab: Tab) -> usize {
        self.all().iter().filter(|row| tab.holds(row.status)).count()
    }

    pub(super) fn copied(&self, env: &Env<'_>) -> Option<Copied> {
        let row = self.selected()?;
        let error = row.error.as_ref().map_or("", |e| e.as_str());
        let mut ticket = format!(
            "Operation {}: {} of {}\nStatus: {}\nAsked by {} at {}\nStep: {}\n{error}",
            row.id,
            row.kind,
            columns::who(row),
            row.status,
            row.actor,
            local_long(row.requested_at, env),
            columns::step(row)
        );
        for step in self.journal().map_or(&[][..], |view| &view.steps) {
            ticket.push_str(&format!(
                "\n{} {} try {} {}: {} -> {}",
                local_long(step.started_at, env),
                step.step,
                step.attempt,
                step.upstream,
                step.request,
                step.answer.as_ref().map_or(step.status.word(), |a| a.as_str())
            ));
        }
        Some(Copied {
            row: format!("{}\t{}\t{}\t{}\t{error}", row.id, row.kind, row.status, columns::who(row)),
            number: Some(row.subscriber_number.to_string()).filter(|n| !n.is_empty()),
            name: Some(row.subscriber_name.to_string()),
            prefix: self.journal().and_then(|view| view.operation.progress.prefix).map(|p| p.to_string()),
            id: Some(row.id.to_string()),
            json: match self.journal() {
                Some(view) => serde_json::to_string_pretty(view).ok(),
                None => serde_json::to_string_pretty(row).ok(),
            },
            ticket,
        })
    }
}
