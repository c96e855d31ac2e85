//! Beginning operations from the board. Marks may be old: what was marked an hour ago, pages away, is asked anew before the preview, so
//! that nobody is refused (or offered) for what was true then.

use super::State;
use crate::app::Cx;
use crate::app::lifecycle::{self, Sight};
use crate::msg::Notice;
use crate::query::{MAX_ROWS, Query, Reply, RequestId};
use noctule_domain::SubscriberId;
use noctule_domain::lifecycle::{OperationKind, OperationOptions};
use std::collections::BTreeSet;

/// A bulk that waits for fresh rows.
#[derive(Debug)]
pub(super) struct Waiting {
    kind: OperationKind,
    options: OperationOptions,
    /// Subscribers that are still to be asked for.
    left: Vec<SubscriberId>,
    asked: RequestId,
}

impl State {
    /// Begins `kind` for what is looked at or marked, after asking anew for marked rows that are not on the loaded pages.
    pub(super) fn begin(&mut self, kind: OperationKind, options: OperationOptions, cx: &mut Cx<'_>) {
        self.end_range();
        let left: Vec<SubscriberId> = match &self.detail {
            Some(_) => Vec::new(),
            None => {
                let loaded: BTreeSet<SubscriberId> = self.window.rows.iter().map(|row| row.id).collect();
                self.marks.rows.keys().copied().filter(|id| !loaded.contains(id)).collect()
            }
        };
        if left.is_empty() {
            return lifecycle::begin(kind, &self.subjects(), &self.sight(), options, cx);
        }
        self.ask_rows(kind, options, left, cx);
    }

    /// What of the marks the operator has before the eyes.
    fn sight(&self) -> Sight {
        let hidden = |id: &SubscriberId| self.window.position(*id).is_none() && self.marks.may_be_hidden(*id);
        let hidden = if self.detail.is_some() { BTreeSet::new() } else { self.marks.rows.keys().copied().filter(hidden).collect() };
        Sight { under_cursor: self.under_cursor(), hidden }
    }

    /// Some marked rows are not on the loaded pages.
    pub(super) fn has_distant_marks(&self) -> bool {
        self.window.rows.iter().filter(|row| self.marks.contains(row.id)).count() < self.marks.len()
    }

    fn ask_rows(&mut self, kind: OperationKind, options: OperationOptions, mut left: Vec<SubscriberId>, cx: &mut Cx<'_>) {
        let next = left.split_off(left.len().saturating_sub(MAX_ROWS));
        let asked = cx.ask(Query::Rows(next));
        self.bulk = Some(Waiting { kind, options, left, asked });
    }

    pub(super) fn waits_for_rows(&self, id: RequestId) -> bool {
        self.bulk.as_ref().is_some_and(|bulk| bulk.asked == id)
    }

    pub(super) fn rows_arrived(&mut self, reply: Reply, cx: &mut Cx<'_>) {
        let Some(Waiting { kind, options, left, .. }) = self.bulk.take() else { return };
        match reply {
            Reply::Rows(rows) => self.marks.refresh(&rows),
            Reply::Failed(why) => return cx.notice(Notice::warning(format!("{kind}: {why}"))),
            _ => return,
        }
        if left.is_empty() {
            lifecycle::begin(kind, &self.subjects(), &self.sight(), options, cx);
        } else {
            self.ask_rows(kind, options, left, cx);
        }
    }
}
