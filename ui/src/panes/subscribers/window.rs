//! A window onto a list that may have a million rows: a run of rows around the selection, fetched page by page by key. Moving costs a
//! page at most; rows far from the selection are let go.

use crate::app::{Cx, Slot, Taken};
use crate::query::{Query, Reply, RequestId};
use noctule_domain::filter::Filter;
use noctule_domain::page::{From, Page, PageRequest, Sort, Total};
use noctule_domain::subscriber::SubscriberRow;
use noctule_domain::{SafeText, SubscriberId};

/// Rows of a page.
pub(super) const PAGE: u16 = 100;
/// Most rows that are kept.
pub(super) const KEEP: usize = 500;
/// The next page is asked for when the selection is this near to the end of what is loaded.
const NEAR: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    First,
    Last,
    After,
    Before,
    /// The same rows again; the second is asked for when the first has gone.
    Again {
        at: Option<SubscriberId>,
        second_try: bool,
    },
}

#[derive(Debug)]
pub(super) struct Window {
    pub rows: Vec<SubscriberRow>,
    pub selected: usize,
    /// First row that is drawn.
    pub top: usize,
    pub total: Option<Total>,
    more_before: bool,
    more_after: bool,
    slot: Slot<Page<SubscriberRow>>,
    asked: Asked,
    /// The store changed while a page was under way.
    stale: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            selected: 0,
            top: 0,
            total: None,
            more_before: false,
            more_after: false,
            slot: Slot::default(),
            asked: Asked::First,
            stale: false,
        }
    }
}

/// What a reply did.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Arrived {
    pub mine: bool,
    /// Rows that were let go at the front, for a range that began there.
    pub dropped_front: Vec<SubscriberRow>,
    pub dropped_back: Vec<SubscriberRow>,
}

impl Window {
    pub fn selected(&self) -> Option<&SubscriberRow> {
        self.rows.get(self.selected)
    }

    pub fn position(&self, id: SubscriberId) -> Option<usize> {
        self.rows.iter().position(|row| row.id == id)
    }

    pub fn failed(&self) -> Option<&SafeText> {
        self.slot.failed.as_ref()
    }

    pub fn waiting(&self) -> bool {
        self.slot.waiting()
    }

    /// True when something was ever answered.
    pub fn known(&self) -> bool {
        self.total.is_some()
    }

    pub fn more_before(&self) -> bool {
        self.more_before
    }

    pub fn more_after(&self) -> bool {
        self.more_after
    }

    fn ask(&mut self, cx: &mut Cx<'_>, filter: &Filter, sort: Sort, asked: Asked, from: From, limit: u16) {
        self.asked = asked;
        self.slot.ask(cx, Query::Subscribers(PageRequest { filter: filter.clone(), sort, from, limit }));
    }

    /// Another filter or order: from the beginning.
    pub fn restart(&mut self, cx: &mut Cx<'_>, filter: &Filter, sort: Sort) {
        self.stale = false;
        self.ask(cx, filter, sort, Asked::First, From::First, PAGE);
    }

    /// The same rows again.
    pub fn refresh(&mut self, cx: &mut Cx<'_>, filter: &Filter, sort: Sort) {
        if self.slot.waiting() {
            self.stale = true;
            return;
        }
        self.again(cx, filter, sort, false);
    }

    fn again(&mut self, cx: &mut Cx<'_>, filter: &Filter, sort: Sort, second_try: bool) {
        let limit = (self.rows.len().max(usize::from(PAGE))).min(KEEP) as u16;
        let at = if second_try { self.selected() } else { self.rows.first() }.map(|row| row.id);
        match at {
            // At the beginning, new rows before the first one belong into the window too.
            Some(id) if self.more_before => self.ask(cx, filter, sort, Asked::Again { at: Some(id), second_try }, From::At(id), limit),
            _ => self.ask(cx, filter, sort, Asked::Again { at: None, second_try }, From::First, limit),
        }
    }

    pub fn first(&mut self, cx: &mut Cx<'_>, filter: &Filter, sort: Sort) {
        if self.more_before {
            self.ask(cx, filter, sort, Asked::First, From::First, PAGE);
        } else {
            self.selected = 0;
        }
    }

    pub fn last(&mut self, cx: &mut Cx<'_>, filter: &Filter, sort: Sort) {
        if self.more_after {
            self.ask(cx, filter, sort, Asked::Last, From::Last, PAGE);
        } else {
            self.selected = self.rows.len().saturating_sub(1);
        }
    }

    /// Moves by rows, as far as rows are loaded, and asks for more when the end of them comes near.
    pub fn step(&mut self, by: isize, cx: &mut Cx<'_>, filter: &Filter, sort: Sort) {
        self.selected = self.selected.saturating_add_signed(by).min(self.rows.len().saturating_sub(1));
        self.prefetch(cx, filter, sort);
    }

    fn prefetch(&mut self, cx: &mut Cx<'_>, filter: &Filter, sort: Sort) {
        if self.slot.waiting() {
            return;
        }
        let (first, last) = (self.rows.first().map(|r| r.id), self.rows.last().map(|r| r.id));
        if let (true, Some(id)) = (self.more_after && self.selected + NEAR >= self.rows.len(), last) {
            self.ask(cx, filter, sort, Asked::After, From::After(id), PAGE);
        } else if let (true, Some(id)) = (self.more_before && self.selected < NEAR, first) {
            self.ask(cx, filter, sort, Asked::Before, From::Before(id), PAGE);
        }
    }

    /// Keeps the selection inside what is drawn.
    pub fn keep(&mut self, height: usize) {
        self.selected = self.selected.min(self.rows.len().saturating_sub(1));
        let height = height.max(1);
        if self.selected < self.top {
            self.top = self.selected;
        } else if self.selected >= self.top + height {
            self.top = self.selected + 1 - height;
        }
        self.top = self.top.min(self.rows.len().saturating_sub(height));
    }

    pub fn take(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>, filter: &Filter, sort: Sort) -> Arrived {
        let taken = self.slot.take(id, reply, cx.env.now, |reply| match reply {
            Reply::Subscribers(page) => Some(page),
            _ => None,
        });
        let mut arrived = Arrived { mine: taken != Taken::NotMine, ..Arrived::default() };
        if let Some(page) = self.slot.value.take() {
            self.place(page, &mut arrived, cx, filter, sort);
        }
        if arrived.mine && !self.slot.waiting() && std::mem::take(&mut self.stale) {
            self.again(cx, filter, sort, false);
        }
        arrived
    }

    fn place(&mut self, mut page: Page<SubscriberRow>, arrived: &mut Arrived, cx: &mut Cx<'_>, filter: &Filter, sort: Sort) {
        // An answer longer than asked for is not believed.
        page.rows.truncate(KEEP);
        self.total = Some(page.total);
        match self.asked {
            Asked::First | Asked::Last => {
                (self.rows, self.more_before, self.more_after) = (page.rows, page.more_before, page.more_after);
                self.selected = if self.asked == Asked::Last { self.rows.len().saturating_sub(1) } else { 0 };
                self.top = 0;
            }
            Asked::Again { at, second_try } => {
                let gone = at.is_some_and(|at| page.rows.first().is_none_or(|row| row.id != at));
                if gone && !second_try && self.selected > 0 {
                    // The first row went out of the list: the store answers from the beginning. Hold on to the selected one instead.
                    return self.again(cx, filter, sort, true);
                }
                let (selected, from_top) = (self.selected().map(|row| row.id), self.selected.saturating_sub(self.top));
                (self.rows, self.more_before, self.more_after) = (page.rows, page.more_before, page.more_after);
                match selected.and_then(|id| self.position(id)) {
                    Some(at) => {
                        self.selected = at;
                        self.top = at.saturating_sub(from_top);
                    }
                    None if gone => (self.selected, self.top) = (0, 0),
                    None => self.selected = self.selected.min(self.rows.len().saturating_sub(1)),
                }
            }
            Asked::After => {
                // A page without rows is the end on that side, whatever it says: asked again it would say so for ever.
                self.more_after = page.more_after && !page.rows.is_empty();
                self.rows.extend(page.rows);
                let excess = self.rows.len().saturating_sub(KEEP).min(self.top);
                if excess > 0 {
                    arrived.dropped_front = self.rows.drain(..excess).collect();
                    self.selected -= excess;
                    self.top -= excess;
                    self.more_before = true;
                }
            }
            Asked::Before => {
                self.more_before = page.more_before && !page.rows.is_empty();
                let added = page.rows.len();
                self.rows.splice(..0, page.rows);
                self.selected += added;
                self.top += added;
                let end = self.rows.len().min(KEEP.max(self.selected + NEAR));
                if end < self.rows.len() {
                    arrived.dropped_back = self.rows.drain(end..).collect();
                    self.more_after = true;
                }
            }
        }
        self.prefetch_if_short(cx, filter, sort);
    }

    /// A page that came back shorter than a screen, at the edge: ask for its neighbour at once.
    fn prefetch_if_short(&mut self, cx: &mut Cx<'_>, filter: &Filter, sort: Sort) {
        if self.rows.len() < NEAR && !self.rows.is_empty() {
            self.prefetch(cx, filter, sort);
        }
    }
}
