//! Updates of the Subscribers pane: what each key, answer and menu does to it.

use super::detail::Detail;
use super::filter_bar::FilterBar;
use super::marks::MAX_MARKS;
use super::undo::Snapshot;
use super::window::PAGE;
use super::{State, Tell, board, menus, yank};
use crate::action::{Action, Context};
use crate::app::lifecycle::Subject;
use crate::app::{Cx, Dx, Env, Locate, Taken, Wish, lifecycle};
use crate::effect::{Effect, MAX_FILTERS};
use crate::msg::{Mouse, MouseKind, Notice};
use crate::overlay::Typed;
use crate::panes::{Pane, PaneId};
use crate::query::{Query, Reply, RequestId};
use noctule_domain::filter::{Filter, Matcher};
use noctule_domain::lifecycle::OperationOptions;
use noctule_domain::page::{From, PageRequest};
use noctule_domain::{SafeText, SubscriberId, Timestamp};
use ratatui::Frame;
use ratatui::layout::Rect;

/// Rows asked for at once while marking everything that matches.
const COLLECT: u16 = 1000;

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        match (&self.bar, &self.detail) {
            (Some(_), _) => &[Context::Input],
            (None, Some(_)) => &[Context::Detail],
            (None, None) => &[Context::Subscribers, Context::List],
        }
    }

    fn shown(&mut self, cx: &mut Cx<'_>) {
        if self.window.known() {
            self.window.refresh(cx, &self.filter, self.sort);
        } else {
            self.window.restart(cx, &self.filter, self.sort);
        }
        if let Some(detail) = &mut self.detail {
            detail.refresh(cx);
        }
    }

    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
        if self.collecting == Some(id) {
            self.collected(reply, cx);
            return true;
        }
        if self.waits_for_rows(id) {
            self.rows_arrived(reply, cx);
            return true;
        }
        if self.noting.is_latest(id) {
            self.notes_arrived(id, reply, cx);
            return true;
        }
        if self.finding.is_latest(id) {
            self.found(id, reply, cx);
            return true;
        }
        if let Some(detail) = &mut self.detail
            && detail.slot.is_latest(id)
        {
            detail.take(id, reply, cx);
            return true;
        }
        let arrived = self.window.take(id, reply, cx, &self.filter, self.sort);
        if arrived.mine {
            self.marks.refresh(&self.window.rows);
            self.keep_range(&arrived.dropped_front, &arrived.dropped_back);
            self.window.keep(Self::height(&cx.env));
        }
        arrived.mine
    }

    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        if self.bar.is_some() {
            return self.bar_action(action, cx);
        }
        if yank::yank(self, action, cx) || menus::open(self, action, cx) {
            return true;
        }
        if let Some(kind) = lifecycle::kind_of(action) {
            self.begin(kind, OperationOptions::default(), cx);
            return true;
        }
        if let Some(course) = lifecycle::course_of(action) {
            self.preview(course, cx);
            return true;
        }
        match action {
            Action::SubscriberNotes => self.begin_notes(cx),
            Action::EmergencyDisconnect | Action::EmergencySuspend => self.begin_emergency(action, cx),
            Action::NextMatch => self.neighbour(1, cx),
            Action::PreviousMatch => self.neighbour(-1, cx),
            Action::Status => self.status_action(cx),
            Action::OpenOperation => self.open_operation(cx),
            Action::ShowOnMap => {
                if let Some(id) = self.looked_at() {
                    cx.wish(Wish::Go { pane: PaneId::Map, locate: Some(Locate::Subscriber(id)) });
                }
            }
            other => match &mut self.detail {
                Some(detail) => return detail.scroll(other, &cx.env),
                None => return self.board_action(other, cx),
            },
        }
        true
    }

    fn greyed(&self, action: Action, env: &Env<'_>) -> Option<String> {
        if let Some(kind) = lifecycle::kind_of(action) {
            return self.none_can(|subject| lifecycle::refusal(kind, subject, &OperationOptions::default(), env));
        }
        if let Some(course) = lifecycle::course_of(action) {
            return no_job(env).or_else(|| self.none_can(|subject| lifecycle::course_refusal(&course, subject, env)));
        }
        let nothing = || self.looked_at().is_none().then(|| "nothing selected".to_owned());
        match action {
            Action::SubscriberNotes => nothing(),
            Action::EmergencyDisconnect | Action::EmergencySuspend => nothing().or_else(|| self.no_emergency(env)),
            Action::OnFilter if self.text.is_empty() => Some("no filter: / narrows the board first".to_owned()),
            Action::OnFilter => no_job(env),
            Action::Undo if !self.undo.can_undo() => Some("nothing to take back".to_owned()),
            Action::Redo if !self.undo.can_redo() => Some("nothing to do again".to_owned()),
            Action::Open | Action::Mark | Action::Range | Action::Status | Action::ShowOnMap | Action::OpenOperation => nothing(),
            Action::CopyPrefix => nothing().or_else(|| yank::prefix(self).is_none().then(|| "no prefix".to_owned())),
            Action::CopyRow | Action::CopyId | Action::CopyName | Action::CopyNumber | Action::CopyJson | Action::CopyTicket => nothing(),
            _ => None,
        }
    }

    fn typed(&mut self, typed: Typed<'_>, cx: &mut Cx<'_>) {
        if let Some(bar) = &mut self.bar {
            bar.typed(typed, &cx.env);
        }
        self.apply_bar(cx);
    }

    fn told(&mut self, tell: Tell, cx: &mut Cx<'_>) {
        menus::told(self, tell, cx);
    }

    fn mouse(&mut self, mouse: Mouse, cx: &mut Cx<'_>) {
        let by = match mouse.kind {
            MouseKind::ScrollDown => 3,
            MouseKind::ScrollUp => -3,
            _ => 0,
        };
        if let Some(detail) = &mut self.detail {
            detail.wheel(by, &cx.env);
        } else if by != 0 {
            self.window.step(by, cx, &self.filter, self.sort);
            self.window.keep(Self::height(&cx.env));
        } else if mouse.kind == MouseKind::Click {
            let row = mouse.row.checked_sub(cx.env.body.y + board::ABOVE_ROWS);
            let Some(at) = row.map(|row| self.window.top + usize::from(row)).filter(|at| *at < self.window.rows.len()) else { return };
            if at == self.window.selected {
                self.open(cx);
            } else {
                self.window.selected = at;
            }
        }
    }

    fn locate(&mut self, locate: Locate, cx: &mut Cx<'_>) {
        self.bar = None;
        match locate {
            Locate::Subscriber(id) => {
                if let Some(at) = self.window.position(id) {
                    self.window.selected = at;
                    self.window.keep(Self::height(&cx.env));
                }
                let mut detail = Detail::new(id);
                detail.refresh(cx);
                self.detail = Some(detail);
            }
            Locate::Filter(text) => {
                self.detail = None;
                if text != self.text {
                    self.remember();
                    self.change_filter(&text, cx);
                }
            }
            _ => {}
        }
    }

    fn place(&self) -> Option<Locate> {
        match &self.detail {
            Some(detail) => Some(Locate::Subscriber(detail.id)),
            None => Some(Locate::Filter(self.text.clone())),
        }
    }

    fn back(&mut self, _cx: &mut Cx<'_>) -> bool {
        self.detail.take().is_some()
    }

    fn escape(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.detail.take().is_some()
            || self.marks.anchor.take().is_some()
            || self.collecting.take().is_some()
            || self.bulk.take().is_some()
        {
            return true;
        }
        if !self.marks.is_empty() {
            self.remember();
            self.marks.clear();
            return true;
        }
        if !self.text.is_empty() {
            self.remember();
            self.change_filter("", cx);
            return true;
        }
        false
    }

    fn resized(&mut self, cx: &mut Cx<'_>) {
        self.window.keep(Self::height(&cx.env));
    }

    fn moments(&self, env: &Env<'_>, out: &mut Vec<Timestamp>) {
        match &self.detail {
            Some(detail) => detail.moments(out),
            None => {
                let shown = self.window.rows.iter().skip(self.window.top).take(Self::height(env));
                out.extend(shown.map(|row| row.since));
            }
        }
    }

    fn status(&self, env: &Env<'_>) -> Option<String> {
        board::status(self, env)
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}

/// A job begins with a preview that the centre has to bear out.
fn no_job(env: &Env<'_>) -> Option<String> {
    env.away().map(|away| format!("the centre is away ({away})"))
}

impl State {
    /// Why nobody of those that an action is meant for can go; `None` when somebody can.
    fn none_can(&self, refusal: impl Fn(&Subject) -> Option<String>) -> Option<String> {
        // What is known of marks that are pages away may be old: they are asked anew when the action begins.
        if self.detail.is_none() && self.has_distant_marks() {
            return None;
        }
        // Of very many marks a part is looked at; the preview looks at all of them.
        let mut first = None;
        for subject in &self.targets(200) {
            match refusal(subject) {
                None => return None,
                Some(why) => first = first.or(Some(why)),
            }
        }
        first.or_else(|| Some("nothing selected".to_owned()))
    }

    /// The subscriber that an action on one is meant for.
    pub(super) fn looked_at(&self) -> Option<SubscriberId> {
        self.detail.as_ref().map(|d| d.id).or_else(|| self.window.selected().map(|row| row.id))
    }

    fn board_action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        let height = Self::height(&cx.env);
        let page = height.max(2) as isize - 1;
        match action {
            Action::Up => self.window.step(-1, cx, &self.filter, self.sort),
            Action::Down => self.window.step(1, cx, &self.filter, self.sort),
            Action::PageUp => self.window.step(-page, cx, &self.filter, self.sort),
            Action::PageDown => self.window.step(page, cx, &self.filter, self.sort),
            Action::Top => self.window.first(cx, &self.filter, self.sort),
            Action::Bottom => self.window.last(cx, &self.filter, self.sort),
            Action::Left => self.skip = self.skip.saturating_sub(1),
            Action::Right => self.skip = (self.skip + 1).min(self.columns.len().saturating_sub(1)),
            Action::Open => self.open(cx),
            Action::Filter => self.bar = Some(FilterBar::new(&self.text, &cx.env)),
            Action::Mark => self.mark(cx),
            Action::Range => {
                if self.marks.anchor.is_some() {
                    self.end_range();
                } else {
                    self.remember();
                    self.marks.anchor = self.window.selected().map(|row| row.id);
                }
            }
            Action::Invert => self.invert(cx),
            Action::MarkAll => self.collect(cx, From::First),
            Action::SortReverse => {
                let sort = noctule_domain::page::Sort { descending: !self.sort.descending, ..self.sort };
                self.change_sort(sort, cx);
            }
            Action::Undo => self.travel(cx, true),
            Action::Redo => self.travel(cx, false),
            _ => return false,
        }
        self.window.keep(height);
        true
    }

    fn open(&mut self, cx: &mut Cx<'_>) {
        if let Some(id) = self.window.selected().map(|row| row.id) {
            cx.go(Locate::Subscriber(id));
        }
    }

    /// The next or previous row; in the detail its subscriber.
    fn neighbour(&mut self, by: isize, cx: &mut Cx<'_>) {
        self.window.step(by, cx, &self.filter, self.sort);
        self.window.keep(Self::height(&cx.env));
        if let (Some(detail), Some(row)) = (&mut self.detail, self.window.rows.get(self.window.selected))
            && detail.id != row.id
        {
            *detail = detail.neighbour(row.id);
            detail.refresh(cx);
        }
    }

    fn status_action(&mut self, cx: &mut Cx<'_>) {
        match &mut self.detail {
            Some(detail) => detail.refresh(cx),
            None => self.open(cx),
        }
    }

    fn open_operation(&mut self, cx: &mut Cx<'_>) {
        let of_row = || self.window.selected().and_then(|row| row.running);
        let operation = match &self.detail {
            Some(detail) => detail.latest_operation(),
            None => of_row(),
        };
        match (operation, self.detail.is_some()) {
            (Some(id), _) => cx.go(Locate::Operation(id)),
            (None, true) => cx.notice(Notice::info("there was no operation for this subscriber yet")),
            // A row knows only what runs now; the detail knows all of them.
            (None, false) => self.open(cx),
        }
    }

    fn bar_action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        let Some(bar) = &mut self.bar else { return false };
        match action {
            Action::InputAccept => match &bar.parsed {
                Err(error) => cx.notice(Notice::warning(error.message.clone())),
                Ok(_) => {
                    let before = bar.before.clone();
                    self.bar = None;
                    self.kept(before, cx);
                }
            },
            Action::InputCancel => {
                let before = bar.before.clone();
                self.bar = None;
                if before != self.text {
                    self.change_filter(&before, cx);
                }
            }
            Action::InputComplete => bar.cycle(true, &cx.env),
            Action::InputCompleteBack => bar.cycle(false, &cx.env),
            Action::InputPrevious => bar.recall(true, &cx.env),
            Action::InputNext => bar.recall(false, &cx.env),
            _ => return false,
        }
        self.apply_bar(cx);
        true
    }

    /// What is typed, as soon as it is right, is what is shown: each key asks for one page.
    fn apply_bar(&mut self, cx: &mut Cx<'_>) {
        let Some(bar) = &self.bar else { return };
        let Ok(filter) = &bar.parsed else { return };
        let text = bar.text().to_owned();
        if *filter != self.filter {
            self.change_filter(&text, cx);
        } else {
            // Said in other words: `session:y`, then `session:yes`.
            self.text = text.trim().to_owned();
            self.marks.filter = self.text.as_str().into();
        }
    }

    /// A filter was kept with Enter: it can be undone and recalled.
    fn kept(&mut self, before: String, cx: &mut Cx<'_>) {
        if before == self.text {
            return;
        }
        self.undo.remember(Snapshot { filter: before, ..self.snapshot() });
        if !self.text.is_empty() {
            let mut preferences = cx.env.preferences.clone();
            preferences.filters.retain(|known| *known != self.text);
            preferences.filters.insert(0, self.text.clone());
            preferences.filters.truncate(MAX_FILTERS);
            cx.wish(Wish::Prefer(Box::new(preferences)));
        }
    }

    pub(super) fn change_filter(&mut self, text: &str, cx: &mut Cx<'_>) {
        self.marks.anchor = None;
        if self.set_filter(text) {
            self.window.restart(cx, &self.filter, self.sort);
        }
    }

    pub(super) fn change_sort(&mut self, sort: noctule_domain::page::Sort, cx: &mut Cx<'_>) {
        if sort == self.sort {
            return;
        }
        self.remember();
        self.marks.anchor = None;
        self.sort = sort;
        self.window.restart(cx, &self.filter, self.sort);
        let mut preferences = cx.env.preferences.clone();
        preferences.sort = Some(sort);
        cx.wish(Wish::Prefer(Box::new(preferences)));
    }

    pub(super) fn change_columns(&mut self, columns: Vec<super::ColumnId>, cx: &mut Cx<'_>) {
        self.remember();
        let is_default = columns == super::columns::DEFAULT;
        self.columns = columns;
        self.skip = 0;
        let mut preferences = cx.env.preferences.clone();
        preferences.columns = if is_default { Vec::new() } else { self.columns.iter().map(|c| c.word().to_owned()).collect() };
        cx.wish(Wish::Prefer(Box::new(preferences)));
    }

    fn mark(&mut self, cx: &mut Cx<'_>) {
        if self.marks.anchor.is_some() {
            return self.end_range();
        }
        self.remember();
        let Some(row) = self.window.rows.get(self.window.selected) else { return };
        if !self.marks.toggle(row) {
            return cx.notice(Notice::warning(format!("at most {MAX_MARKS} rows can be marked")));
        }
        self.window.step(1, cx, &self.filter, self.sort);
    }

    pub(super) fn end_range(&mut self) {
        for at in self.range().into_iter().flatten() {
            if let Some(row) = self.window.rows.get(at) {
                self.marks.add(row);
            }
        }
        self.marks.anchor = None;
    }

    /// Rows of the range that were let go stay marked, and the range goes on from the edge.
    fn keep_range(&mut self, front: &[noctule_domain::subscriber::SubscriberRow], back: &[noctule_domain::subscriber::SubscriberRow]) {
        let Some(anchor) = self.marks.anchor else { return };
        if let Some(from) = front.iter().position(|row| row.id == anchor) {
            front[from..].iter().for_each(|row| {
                self.marks.add(row);
            });
            self.marks.anchor = self.window.rows.first().map(|row| row.id);
        } else if let Some(to) = back.iter().position(|row| row.id == anchor) {
            back[..=to].iter().for_each(|row| {
                self.marks.add(row);
            });
            self.marks.anchor = self.window.rows.last().map(|row| row.id);
        } else if self.window.position(anchor).is_none() {
            self.marks.anchor = None;
        }
    }

    fn invert(&mut self, cx: &mut Cx<'_>) {
        self.end_range();
        self.remember();
        let mut all = true;
        for row in &self.window.rows {
            all &= self.marks.toggle(row);
        }
        if !all {
            cx.notice(Notice::warning(format!("at most {MAX_MARKS} rows can be marked")));
        } else if self.window.more_before() || self.window.more_after() {
            cx.notice(Notice::info("the loaded rows were turned round; mark-all marks everything that matches"));
        }
    }

    /// Marks everything that matches, page after page.
    fn collect(&mut self, cx: &mut Cx<'_>, from: From) {
        if from == From::First {
            self.end_range();
            self.remember();
        }
        let request = PageRequest { filter: self.filter.clone(), sort: self.sort, from, limit: COLLECT };
        self.collecting = Some(cx.ask(Query::Subscribers(request)));
    }

    fn collected(&mut self, reply: Reply, cx: &mut Cx<'_>) {
        self.collecting = None;
        let page = match reply {
            Reply::Subscribers(page) => page,
            Reply::Failed(why) => return cx.notice(Notice::warning(format!("mark all: {why}"))),
            _ => return,
        };
        let full = !page.rows.iter().all(|row| self.marks.add(row));
        match (full, page.more_after, page.rows.last()) {
            (true, ..) => cx.notice(Notice::warning(format!("marked {MAX_MARKS}, the most that can be; narrow the filter for the rest"))),
            (false, true, Some(last)) => self.collect(cx, From::After(last.id)),
            _ => cx.notice(Notice::info(format!("{} marked", self.marks.len()))),
        }
    }

    fn travel(&mut self, cx: &mut Cx<'_>, back: bool) {
        let present = self.snapshot();
        let Some(to) = (if back { self.undo.undo(present) } else { self.undo.redo(present) }) else { return };
        let moved = to.filter != self.text || to.sort != self.sort;
        self.marks.rows = to.marks;
        self.marks.anchor = None;
        self.columns = to.columns;
        self.sort = to.sort;
        if moved && self.set_filter(&to.filter) {
            self.window.restart(cx, &self.filter, self.sort);
        }
    }

    /// `:goto`: the one whose number this is, or whose number begins so.
    pub(super) fn find(&mut self, text: &str, cx: &mut Cx<'_>) {
        self.sought = SafeText::bounded(text, 60).into_string();
        let filter = Filter::of(Matcher::Number(text.to_owned()));
        let request = PageRequest { filter, sort: Default::default(), from: From::First, limit: PAGE.min(2) };
        self.finding.ask(cx, Query::Subscribers(request));
    }

    fn found(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) {
        let taken = self.finding.take(id, reply, cx.env.now, |reply| match reply {
            Reply::Subscribers(page) => Some(page),
            _ => None,
        });
        let page = self.finding.value.take();
        match (taken, page.as_ref().and_then(|page| page.rows.first())) {
            (Taken::NotMine, _) => {}
            (_, Some(row)) => cx.go(Locate::Subscriber(row.id)),
            (Taken::Failed, None) => {
                let why = self.finding.failed.take().unwrap_or_default();
                cx.notice(Notice::warning(format!("goto {}: {why}", self.sought)));
            }
            (_, None) => cx.notice(Notice::warning(format!("no subscriber has a number that begins with {}", self.sought))),
        }
    }

    pub(super) fn copy(text: String, what: &str, cx: &mut Cx<'_>) {
        cx.effect(Effect::Copy(text));
        cx.notice(Notice::info(format!("copied {what}")));
    }
}
