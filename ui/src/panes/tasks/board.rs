//! The board: a column for each status. On a narrow screen as many columns as fit are seen, and they follow the selection.

use super::{State, columns};
use crate::action::Action;
use crate::app::{Dx, Env};
use crate::look::{Glyph, Tone};
use crate::widgets::{put, task_badge, width};
use noctule_domain::TaskId;
use noctule_domain::task::{Task, TaskStatus};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Cells of a column at least.
const COLUMN: u16 = 23;

/// The statuses that have a column.
pub fn statuses(open_only: bool) -> Vec<TaskStatus> {
    TaskStatus::ALL.iter().copied().filter(|s| !(open_only && s.is_ended())).collect()
}

/// How many columns are seen at a width.
pub fn seen(width: u16, columns: usize) -> usize {
    usize::from(((width + 1) / (COLUMN + 1)).max(1)).min(columns)
}

/// Lines of a card.
fn card_height(area: Rect) -> u16 {
    if area.height >= 14 { 2 } else { 1 }
}

impl State {
    /// Columns with their tasks, each in the order of the list.
    fn columns<'a>(&self, rows: &[&'a Task]) -> Vec<(TaskStatus, Vec<&'a Task>)> {
        statuses(self.open_only).into_iter().map(|s| (s, rows.iter().copied().filter(|t| t.status == s).collect())).collect()
    }

    /// Where a movement on the board leads. `None` when the action is not one.
    pub(super) fn board_target(&self, action: Action, env: &Env<'_>) -> Option<Option<TaskId>> {
        let rows = self.rows(env.now);
        let columns = self.columns(&rows);
        let here = self
            .roll
            .id()
            .and_then(|id| columns.iter().enumerate().find_map(|(c, (_, tasks))| tasks.iter().position(|t| t.id == id).map(|r| (c, r))));
        let Some((c, r)) = here else {
            let moves = matches!(
                action,
                Action::Up | Action::Down | Action::Left | Action::Right | Action::Top | Action::Bottom | Action::PageUp | Action::PageDown
            );
            return moves.then(|| columns.iter().find_map(|(_, tasks)| tasks.first()).map(|t| t.id));
        };
        let column = &columns[c].1;
        let page = usize::from(env.body.height / 3).max(1);
        let aside = |mut order: Box<dyn Iterator<Item = &(TaskStatus, Vec<&Task>)> + '_>| {
            order.find(|(_, tasks)| !tasks.is_empty()).and_then(|(_, tasks)| tasks.get(r.min(tasks.len() - 1))).map(|t| t.id)
        };
        let to = match action {
            Action::Up => column.get(r.saturating_sub(1)).map(|t| t.id),
            Action::Down => column.get((r + 1).min(column.len() - 1)).map(|t| t.id),
            Action::PageUp => column.get(r.saturating_sub(page)).map(|t| t.id),
            Action::PageDown => column.get((r + page).min(column.len() - 1)).map(|t| t.id),
            Action::Top => column.first().map(|t| t.id),
            Action::Bottom => column.last().map(|t| t.id),
            Action::Left => aside(Box::new(columns[..c].iter().rev())),
            Action::Right => aside(Box::new(columns[c + 1..].iter())),
            _ => return None,
        };
        Some(to.or(self.roll.id()))
    }

    /// Moves the window of columns so that the selected one is seen.
    pub(super) fn follow_column(&mut self, env: &Env<'_>) {
        let statuses = statuses(self.open_only);
        let seen = seen(env.body.width, statuses.len());
        let at = self.selected().and_then(|t| statuses.iter().position(|s| *s == t.status)).unwrap_or(0);
        if at < self.left {
            self.left = at;
        } else if at >= self.left + seen {
            self.left = at + 1 - seen;
        }
        self.left = self.left.min(statuses.len() - seen);
    }
}

/// What is drawn of one column.
struct Drawn<'a> {
    status: TaskStatus,
    tasks: &'a [&'a Task],
    area: Rect,
}

pub fn draw(state: &State, dx: &Dx<'_>, area: Rect, buf: &mut Buffer) {
    let rows = state.rows(dx.env.now);
    let columns = state.columns(&rows);
    let seen = seen(area.width, columns.len());
    let left = state.left.min(columns.len() - seen);
    let each = (area.width + 1) / seen.max(1) as u16;
    for (at, (status, tasks)) in columns.iter().enumerate().skip(left).take(seen) {
        let x = area.x + (at - left) as u16 * each;
        let drawn = Drawn { status: *status, tasks, area: Rect { x, width: (each - 1).min(area.right().saturating_sub(x)), ..area } };
        column(state, dx, &drawn, buf);
    }
    let look = dx.look;
    if left > 0 {
        put(buf, area.x, area.y, 1, look.glyph(Glyph::Left), look.style(Tone::Key), look);
    }
    if left + seen < columns.len() && area.width > 0 {
        put(buf, area.right() - 1, area.y, 1, look.glyph(Glyph::Right), look.style(Tone::Key), look);
    }
}

fn column(state: &State, dx: &Dx<'_>, column: &Drawn<'_>, buf: &mut Buffer) {
    let (look, area) = (dx.look, column.area);
    let badge = task_badge(column.status);
    let head = format!("{} {} {}", look.glyph(badge.glyph), badge.word, column.tasks.len());
    put(buf, area.x + 1, area.y, area.width.saturating_sub(2), &head, look.style(badge.tone), look);
    let line = look.glyph(Glyph::Rule).repeat(usize::from(area.width));
    put(buf, area.x, area.y + 1, area.width, &line, look.style(Tone::Border), look);
    let cards = crate::panes::kit::below(area, 2);
    let each = card_height(area);
    let fit = usize::from(cards.height / each).max(1);
    let selected = state.roll.id().and_then(|id| column.tasks.iter().position(|t| t.id == id));
    let top = selected.map_or(0, |at| at.saturating_sub(fit - 1)).min(column.tasks.len().saturating_sub(fit));
    for (at, task) in column.tasks.iter().enumerate().skip(top).take(fit) {
        let y = cards.y + (at - top) as u16 * each;
        if y + each > cards.bottom() {
            break;
        }
        card(dx, task, Rect { y, height: each, ..cards }, selected == Some(at), buf);
    }
    let more = column.tasks.len().saturating_sub(top + fit);
    let above = if top > 0 { format!("{}{top} ", look.glyph(Glyph::MoreUp)) } else { String::new() };
    let below = if more > 0 { format!("{}{more}", look.glyph(Glyph::More)) } else { String::new() };
    let note = format!("{above}{below}");
    if !note.is_empty() {
        let x = area.right().saturating_sub(width(&note) + 2);
        put(buf, x, area.y, width(&note), &note, look.style(Tone::Muted), look);
    }
    if column.tasks.is_empty() {
        put(buf, cards.x + 1, cards.y, cards.width.saturating_sub(1), "none", look.style(Tone::Muted), look);
    }
}

fn card(dx: &Dx<'_>, task: &Task, area: Rect, selected: bool, buf: &mut Buffer) {
    let look = dx.look;
    let (due, tone) = columns::due(task, &dx.env);
    let late = tone == Tone::Danger;
    let mark = if late { look.glyph(Glyph::Warning) } else { " " };
    put(buf, area.x, area.y, 1, mark, look.style(tone), look);
    let unsent = if task.unsent { look.glyph(Glyph::Outbox) } else { "" };
    let title = format!("{}{unsent} {}", task.number, task.title);
    put(buf, area.x + 1, area.y, area.width.saturating_sub(1), &title, look.style(columns::priority_tone(task.priority)), look);
    if area.height > 1 {
        let due_width = width(&due);
        let name = task.technician_name.as_ref().map_or("nobody", |n| n.as_str());
        put(buf, area.x + 2, area.y + 1, area.width.saturating_sub(due_width + 3), name, look.style(Tone::Muted), look);
        put(buf, area.right().saturating_sub(due_width), area.y + 1, due_width, &due, look.style(tone), look);
    }
    if selected {
        buf.set_style(area.intersection(buf.area), look.style(Tone::Selected));
    }
}
