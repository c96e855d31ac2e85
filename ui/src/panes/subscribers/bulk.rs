//! Beginning operations from the board. Marks may be old: what was marked an hour ago, pages away, is asked anew before the preview, so
//! that nobody is refused (or offered) for what was true then.

use super::State;
use crate::app::lifecycle::{self, FEW, Sight};
use crate::app::{Asked, Cx, Wish};
use crate::effect::JobSet;
use crate::msg::Notice;
use crate::query::{MAX_ROWS, Query, Reply, RequestId};
use noctule_domain::SubscriberId;
use noctule_domain::job::Course;
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
    /// Begins `kind` for what is looked at or marked. More than a few are a job, whose preview the store makes of the rows as they are then;
    /// with the centre away each is a request of its own. A few that are not on the loaded pages are asked for anew.
    pub(super) fn begin(&mut self, kind: OperationKind, options: OperationOptions, cx: &mut Cx<'_>) {
        self.end_range();
        if self.detail.is_none() && self.marks.len() > FEW && cx.env.away().is_none() {
            return self.preview(Course::Single { kind, options }, cx);
        }
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

    /// The preview of a course over what is looked at or marked.
    pub(super) fn preview(&mut self, course: Course, cx: &mut Cx<'_>) {
        self.end_range();
        let mut subjects = self.subjects();
        subjects.sort_by(|a, b| a.who.as_str().cmp(b.who.as_str()));
        let hidden = self.sight().hidden;
        let lines = lifecycle::hidden_line(subjects.iter().filter(|s| hidden.contains(&s.id)).count()).into_iter().collect();
        let set = JobSet::These(subjects.into_iter().map(|subject| subject.id).collect());
        cx.wish(Wish::Preview(Box::new(Asked::New { course, set, lines })));
    }

    /// The preview of a course over everybody that the filter matches.
    pub(super) fn preview_filter(&self, course: Course, cx: &mut Cx<'_>) {
        let set = JobSet::Filter(self.text.clone());
        cx.wish(Wish::Preview(Box::new(Asked::New { course, set, lines: Vec::new() })));
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
