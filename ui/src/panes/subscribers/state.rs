//! State of the Subscribers pane.

use super::columns::{self, ColumnId};
use super::detail::Detail;
use super::filter_bar::FilterBar;
use super::marks::Marks;
use super::undo::{Snapshot, Undo};
use super::window::Window;
use crate::app::lifecycle::Subject;
use crate::app::{Env, Slot};
use crate::effect::Preferences;
use crate::query::{RequestId, SubscriberView};
use noctule_domain::SubscriberId;
use noctule_domain::filter::{self, Filter};
use noctule_domain::job::Course;
use noctule_domain::lifecycle::OperationOptions;
use noctule_domain::page::{Page, Sort};
use noctule_domain::subscriber::SubscriberRow;

#[derive(Debug)]
pub struct State {
    pub(super) window: Window,
    /// The active filter, as typed and as parsed.
    pub(super) text: String,
    pub(super) filter: Filter,
    /// Open while it is typed into.
    pub(super) bar: Option<FilterBar>,
    pub(super) sort: Sort,
    pub(super) columns: Vec<ColumnId>,
    /// Columns that were moved out of sight to the left.
    pub(super) skip: usize,
    pub(super) marks: Marks,
    pub(super) undo: Undo,
    pub(super) detail: Option<Detail>,
    /// Marking everything that matches, page after page: the latest question.
    pub(super) collecting: Option<RequestId>,
    /// A bulk that waits for fresh rows of its marks.
    pub(super) bulk: Option<super::bulk::Waiting>,
    /// `:goto`: the question and what was looked for.
    pub(super) finding: Slot<Page<SubscriberRow>>,
    pub(super) sought: String,
    /// A subscriber whose notes are to be written: asked for, so that the newest are.
    pub(super) noting: Slot<Box<SubscriberView>>,
    /// Whose notes are being written, and the version that was seen.
    pub(super) notes_of: Option<(SubscriberId, i64)>,
    /// What was sent last, should the store refuse it.
    pub(super) notes_draft: Option<(SubscriberId, String)>,
}

/// What its menus and the command line say.
#[derive(Debug, Clone)]
pub enum Tell {
    Find(String),
    Sort(Sort),
    /// Show or hide a column.
    Column(ColumnId),
    ColumnsNamed(Vec<String>),
    ColumnsDefault,
    AllocateLength(u8),
    AllocateLengthText(String),
    SuspendReason(String),
    Revoke(OperationOptions),
    RevokeReason(String),
    /// A course for what is looked at or marked.
    Course(Course),
    DeprovisionReason(String),
    /// A course for everybody that the filter matches.
    OnFilter(Course),
    Notes(String),
}

impl State {
    pub fn new(preferences: &Preferences) -> Self {
        let mut columns: Vec<ColumnId> = Vec::new();
        for column in preferences.columns.iter().filter_map(|word| ColumnId::from_word(word)) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        if columns.is_empty() {
            columns = columns::DEFAULT.to_vec();
        }
        Self {
            window: Window::default(),
            text: String::new(),
            filter: Filter::default(),
            bar: None,
            sort: preferences.sort.unwrap_or_default(),
            columns,
            skip: 0,
            marks: Marks::default(),
            undo: Undo::default(),
            detail: None,
            collecting: None,
            bulk: None,
            finding: Slot::default(),
            sought: String::new(),
            noting: Slot::default(),
            notes_of: None,
            notes_draft: None,
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { filter: self.text.clone(), sort: self.sort, columns: self.columns.clone(), marks: self.marks.rows.clone() }
    }

    pub(super) fn remember(&mut self) {
        self.undo.remember(self.snapshot());
    }

    /// Rows of the board that are seen.
    pub(super) fn height(env: &Env<'_>) -> usize {
        usize::from(env.body.height.saturating_sub(super::board::ABOVE_ROWS))
    }

    /// Takes a filter as typed. False when it can not be parsed.
    pub(super) fn set_filter(&mut self, text: &str) -> bool {
        match filter::parse(text) {
            Ok(filter) => {
                self.filter = filter;
                self.text = text.trim().to_owned();
                self.marks.filter = self.text.as_str().into();
                true
            }
            Err(_) => false,
        }
    }

    /// Positions of the range that is being drawn.
    pub(super) fn range(&self) -> Option<std::ops::RangeInclusive<usize>> {
        let anchor = self.window.position(self.marks.anchor?)?;
        let at = self.window.selected;
        Some(anchor.min(at)..=anchor.max(at))
    }

    pub(super) fn is_marked(&self, index: usize) -> bool {
        self.window.rows.get(index).is_some_and(|row| self.marks.contains(row.id))
            || self.range().is_some_and(|range| range.contains(&index))
    }

    /// What an action is meant for: the detail, else the marks and the range, else the selected row.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        self.targets(usize::MAX)
    }

    /// The same, at most `max` of them.
    pub(super) fn targets(&self, max: usize) -> Vec<Subject> {
        if let Some(detail) = &self.detail {
            return detail.subject().or_else(|| self.row_of(detail.id)).into_iter().collect();
        }
        if !self.marks.is_empty() || self.marks.anchor.is_some() {
            let ranged = self.range().into_iter().flatten().filter_map(|at| self.window.rows.get(at));
            let extra = ranged.filter(|row| !self.marks.contains(row.id));
            return self.marks.rows.values().chain(extra).take(max).map(Subject::of_row).collect();
        }
        self.window.selected().map(Subject::of_row).into_iter().collect()
    }

    /// The subscriber that the operator looks at.
    pub(super) fn under_cursor(&self) -> Option<SubscriberId> {
        self.detail.as_ref().map(|detail| detail.id).or_else(|| self.window.selected().map(|row| row.id))
    }

    /// Whom the operator looks at, for the presence of others: a detail at once, a row when the selection rests on it.
    pub(crate) fn looks_at(&self) -> Option<(SubscriberId, bool)> {
        match &self.detail {
            Some(detail) => Some((detail.id, true)),
            None => self.window.selected().map(|row| (row.id, false)),
        }
    }

    fn row_of(&self, id: SubscriberId) -> Option<Subject> {
        self.window.position(id).and_then(|at| self.window.rows.get(at)).map(Subject::of_row)
    }

    /// Loaded rows and the selected one.
    #[cfg(test)]
    pub(crate) fn loaded(&self) -> (&[SubscriberRow], Option<SubscriberId>) {
        (&self.window.rows, self.window.selected().map(|row| row.id))
    }
}
