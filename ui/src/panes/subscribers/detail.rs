//! The detail of one subscriber: its fields, and the timeline of its operations. What was known stays while fresh data is asked for.

use super::detail_lines::{Lines, fields, timeline};
use crate::action::Action;
use crate::app::lifecycle::Subject;
use crate::app::{Cx, Dx, Env, Slot, Taken};
use crate::look::{Glyph, Tone};
use crate::query::{Query, Reply, RequestId, SubscriberView};
use crate::widgets::{age, enforcement_badge, lifecycle_badge, line, put};
use noctule_domain::subscriber::SubscriberRow;
use noctule_domain::{OperationId, SafeText, SubscriberId, Timestamp};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Operations asked for.
const TIMELINE: u16 = 50;
/// From this width on, fields and timeline stand side by side.
const SIDE_BY_SIDE: u16 = 110;

#[derive(Debug)]
pub(super) struct Detail {
    pub id: SubscriberId,
    pub slot: Slot<Box<SubscriberView>>,
    scroll: usize,
    /// In a narrow terminal: the operations instead of the fields.
    operations: bool,
}

impl Detail {
    pub fn new(id: SubscriberId) -> Self {
        Self { id, slot: Slot::default(), scroll: 0, operations: false }
    }

    /// The neighbour, looked at in the same way.
    pub fn neighbour(&self, id: SubscriberId) -> Self {
        Self { operations: self.operations, ..Self::new(id) }
    }

    pub fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.slot.refresh(cx, Query::Subscriber { id: self.id, timeline: TIMELINE });
    }

    pub fn take(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) {
        let taken = self.slot.take(id, reply, cx.env.now, |reply| match reply {
            Reply::Subscriber(view) => Some(view),
            _ => None,
        });
        if taken == Taken::Again {
            self.slot.ask(cx, Query::Subscriber { id: self.id, timeline: TIMELINE });
        }
    }

    pub fn subject(&self) -> Option<Subject> {
        let view = self.slot.value.as_ref()?;
        let running = view.subscriber.running.and_then(|id| {
            let operation = view.timeline.iter().map(|v| &v.operation).find(|o| o.id == id)?;
            Some((id, operation.kind, operation.actor.name.clone()))
        });
        Some(Subject::of_subscriber(&view.subscriber, running))
    }

    pub fn latest_operation(&self) -> Option<OperationId> {
        let view = self.slot.value.as_ref()?;
        view.subscriber.running.or_else(|| view.timeline.first().map(|v| v.operation.id))
    }

    /// The NAS of the session, as far as it is known by name, and the session's id.
    pub fn session(&self) -> Option<(Option<SafeText>, SafeText)> {
        let view = self.slot.value.as_ref()?;
        view.subscriber.session.as_ref().map(|session| (view.session_nas_name.clone(), session.acct_session_id.clone()))
    }

    /// Who else looks at this one.
    fn others(&self) -> Option<String> {
        let others = &self.slot.value.as_ref()?.others;
        let first = others.iter().max_by_key(|other| other.seen_at)?;
        let mut names: Vec<&str> = others.iter().map(|other| other.login.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        Some(match names.as_slice() {
            [] | [_] => format!("{} looks at this too", first.login),
            [a, b] => format!("{a} and {b} look at this too"),
            many => format!("{} and {} others look at this too", first.login, many.len() - 1),
        })
    }

    /// Lines above the fields: headline, tabs or what failed, who else is here.
    fn above(&self, width: u16) -> u16 {
        // Where there are no tabs their line is free.
        let free = width >= SIDE_BY_SIDE && self.slot.failed.is_none();
        2 + u16::from(self.others().is_some() && !free)
    }

    pub fn json(&self) -> Option<String> {
        self.slot.value.as_ref().and_then(|view| serde_json::to_string_pretty(&view.subscriber).ok())
    }

    /// The same as a row of the board, for copying.
    pub fn as_row(&self) -> Option<SubscriberRow> {
        let view = self.slot.value.as_ref()?;
        let s = &view.subscriber;
        Some(SubscriberRow {
            id: s.id,
            subscriber_number: s.subscriber_number.clone(),
            username: s.username.clone(),
            full_name: s.full_name.clone(),
            status: s.status,
            state: s.ipv6.state,
            mode: s.ipv6.mode,
            enforcement: s.ipv6.enforcement,
            prefix: s.ipv6.prefix,
            nas: view.nas_name.clone(),
            has_session: s.session.is_some(),
            running: s.running,
            queued: s.queued,
            last_error: s.ipv6.last_error.clone(),
            hold_until: s.ipv6.hold_until,
            since: s.ipv6.since,
            version: s.version,
        })
    }

    pub fn moments(&self, out: &mut Vec<Timestamp>) {
        let Some(view) = &self.slot.value else { return };
        out.push(view.subscriber.ipv6.since);
        out.extend(view.others.iter().map(|other| other.seen_at));
        out.extend(view.subscriber.session.iter().flat_map(|s| [s.started_at, s.seen_at]));
        out.extend(view.timeline.iter().map(|v| v.operation.requested_at));
    }

    pub fn scroll(&mut self, action: Action, env: &Env<'_>) -> bool {
        if matches!(action, Action::Left | Action::Right) {
            self.operations = action == Action::Right;
            self.scroll = 0;
            return true;
        }
        let page = usize::from(env.body.height.max(4) - 3);
        let to = match action {
            Action::Up => self.scroll.saturating_sub(1),
            Action::Down => self.scroll + 1,
            Action::PageUp => self.scroll.saturating_sub(page),
            Action::PageDown => self.scroll + page,
            Action::Top => 0,
            Action::Bottom => usize::MAX,
            _ => return false,
        };
        self.scroll = to.min(self.last_line(env));
        true
    }

    pub fn wheel(&mut self, by: isize, env: &Env<'_>) {
        self.scroll = self.scroll.saturating_add_signed(by).min(self.last_line(env));
    }

    /// The line at which scrolling ends.
    fn last_line(&self, env: &Env<'_>) -> usize {
        let Some(view) = &self.slot.value else { return 0 };
        let (left, right) = (fields(view, env), timeline(view, env));
        let lines = match (env.body.width >= SIDE_BY_SIDE, self.operations) {
            (true, _) => left.len().max(right.len()),
            (false, true) => right.len(),
            (false, false) => left.len(),
        };
        lines.saturating_sub(usize::from(env.body.height.saturating_sub(self.above(env.body.width))))
    }

    pub fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        let look = dx.look;
        let Some(view) = &self.slot.value else {
            let (text, tone) = match &self.slot.failed {
                Some(why) => (why.to_string(), Tone::Danger),
                None => (format!("Asking the store{}", look.ellipsis()), Tone::Muted),
            };
            put(frame.buffer_mut(), area.x + 1, area.y, area.width.saturating_sub(1), &text, look.style(tone), look);
            return;
        };
        self.headline(view, dx, area, frame);
        let above = self.above(area.width).min(area.height);
        if let (Some(others), Some(seen)) = (self.others(), view.others.iter().map(|other| other.seen_at).max()) {
            let text = format!("{} {others} (seen {} ago)", look.glyph(Glyph::Mark), age(seen, dx.env.now));
            put(
                frame.buffer_mut(),
                area.x + 1,
                area.y + above.saturating_sub(1),
                area.width.saturating_sub(1),
                &text,
                look.style(Tone::Marked),
                look,
            );
        }
        let below = Rect { y: area.y + above, height: area.height - above, ..area };
        let (left, right) = (fields(view, &dx.env), timeline(view, &dx.env));
        if area.width >= SIDE_BY_SIDE {
            let half = (area.width / 2).min(64);
            draw_lines(&left, self.scroll, Rect { width: half, ..below }, dx, frame);
            let x = below.x + half;
            for y in below.y..below.bottom() {
                put(frame.buffer_mut(), x, y, 1, look.glyph(Glyph::Separator), look.style(Tone::Border), look);
            }
            draw_lines(&right, self.scroll, Rect { x: x + 1, width: below.width.saturating_sub(half + 1), ..below }, dx, frame);
        } else {
            self.tabs(view, dx, Rect { y: area.y + 1.min(area.height), height: 1, ..area }, frame);
            draw_lines(if self.operations { &right } else { &left }, self.scroll, below, dx, frame);
        }
    }

    /// Fields or operations: where there is no room for both.
    fn tabs(&self, view: &SubscriberView, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        if self.slot.failed.is_some() {
            return;
        }
        let look = dx.look;
        let of = |on: bool| look.style(if on { Tone::Selected } else { Tone::Muted });
        let operations = format!(" Operations {} ", view.timeline.len());
        let hint = format!("  {} {} to change", look.glyph(Glyph::Left), look.glyph(Glyph::Right));
        let pieces = [(" Fields ", of(!self.operations)), (&*operations, of(self.operations)), (&*hint, look.style(Tone::Muted))];
        line(frame.buffer_mut(), area.x, area.y, area.width, &pieces, look);
    }

    fn headline(&self, view: &SubscriberView, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        let look = dx.look;
        let s = &view.subscriber;
        let state = lifecycle_badge(s.ipv6.state);
        let enforcement = enforcement_badge(s.ipv6.enforcement);
        let who = format!("{} {}", s.subscriber_number, s.full_name);
        let who = crate::widgets::fit(&who, area.width / 2, look.ellipsis());
        let state_text = format!("  {} {}", look.glyph(state.glyph), state.word);
        let enforcement_text = format!("  {} {}", look.glyph(enforcement.glyph), enforcement.word);
        let prefix = s.ipv6.prefix.map(|p| format!("  {p}")).unwrap_or_default();
        let running = if s.running.is_some() { format!("  {} operation running", look.glyph(Glyph::Running)) } else { String::new() };
        let queued = s.queued.map(|kind| format!(" {} {kind} queued", look.glyph(Glyph::Queued))).unwrap_or_default();
        let pieces = [
            (&*who, look.style(Tone::Title)),
            (&*state_text, look.style(state.tone)),
            (&*queued, look.style(Tone::Info)),
            (&*enforcement_text, look.style(enforcement.tone)),
            (&*prefix, look.style(Tone::Accent)),
            (&*running, look.style(Tone::Info)),
        ];
        line(frame.buffer_mut(), area.x + 1, area.y, area.width.saturating_sub(1), &pieces, look);
        if let Some(why) = &self.slot.failed {
            let text = format!("not refreshed: {why}");
            put(frame.buffer_mut(), area.x + 1, area.y + 1, area.width.saturating_sub(1), &text, look.style(Tone::Danger), look);
        }
    }
}

fn draw_lines(lines: &Lines, scroll: usize, area: Rect, dx: &Dx<'_>, frame: &mut Frame<'_>) {
    let top = scroll.min(lines.len().saturating_sub(usize::from(area.height)));
    for (y, pieces) in lines.iter().skip(top).take(usize::from(area.height)).enumerate() {
        let pieces: Vec<(String, Style)> = pieces.iter().map(|(piece, tone)| (piece.text(dx.look), dx.look.style(*tone))).collect();
        let pieces: Vec<(&str, Style)> = pieces.iter().map(|(text, style)| (text.as_str(), *style)).collect();
        line(frame.buffer_mut(), area.x + 1, area.y + y as u16, area.width.saturating_sub(1), &pieces, dx.look);
    }
}
