//! State of the Tasks pane.

use super::{assign::Assign, columns};
use crate::app::{Env, Slot};
use crate::panes::kit::{Copied, Find, Lay, Roll, WIDE, banner_rows, below, beside, lay};
use noctule_domain::task::{Task, TaskStatus};
use noctule_domain::{TaskId, TechnicianId, Timestamp, words};
use ratatui::layout::Rect;
use std::cmp::Ordering;

words!(
    /// What the list can be ordered by.
    TaskSort { Due = "due", Priority = "priority", Status = "status", Number = "number", Technician = "technician" }
);

#[derive(Debug)]
pub struct State {
    pub(super) data: Slot<Vec<Task>>,
    pub(super) roll: Roll<TaskId>,
    pub(super) find: Find,
    pub(super) sort: TaskSort,
    pub(super) descending: bool,
    pub(super) open_only: bool,
    /// Only the tasks of this one.
    pub(super) of: Option<TechnicianId>,
    pub(super) board: bool,
    /// First column of the board that is drawn.
    pub(super) left: usize,
    /// The detail has the keys.
    pub(super) open: bool,
    pub(super) scroll: u16,
    /// A change of status that waits for its reason.
    pub(super) reason_for: Option<(TaskId, i64, TaskStatus)>,
    pub(super) assign: Option<Assign>,
    /// Whose notes are being written, and the version that was seen.
    pub(super) notes_of: Option<(TaskId, i64)>,
    /// What was sent last, should the store refuse it.
    pub(super) notes_draft: Option<(TaskId, String)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            data: Slot::default(),
            roll: Roll::default(),
            find: Find::default(),
            sort: TaskSort::Due,
            descending: false,
            open_only: true,
            of: None,
            board: false,
            left: 0,
            open: false,
            scroll: 0,
            reason_for: None,
            assign: None,
            notes_of: None,
            notes_draft: None,
        }
    }
}

/// What its menus and prompts say back.
#[derive(Debug, Clone)]
pub enum Tell {
    Sort(TaskSort),
    /// Change the status of a task; a reason is asked for where one belongs.
    Change {
        task: TaskId,
        version: i64,
        to: TaskStatus,
    },
    Reason(String),
    Notes(String),
}

impl State {
    pub(super) fn all(&self) -> &[Task] {
        self.data.value.as_deref().unwrap_or_default()
    }

    /// The rows as they are listed.
    pub(super) fn rows(&self, now: Timestamp) -> Vec<&Task> {
        let mut rows: Vec<&Task> = self
            .all()
            .iter()
            .filter(|t| !(self.open_only && t.status.is_ended()))
            .filter(|t| self.of.is_none() || t.technician == self.of)
            .filter(|t| self.find.is_empty() || self.find.matches(&columns::texts(t, now)))
            .collect();
        rows.sort_by(|a, b| {
            let order = self.order(a, b);
            (if self.descending { order.reverse() } else { order }).then_with(|| a.number.cmp(&b.number)).then(a.id.cmp(&b.id))
        });
        rows
    }

    fn order(&self, a: &Task, b: &Task) -> Ordering {
        let due = |t: &Task| t.sla_due_at.or(t.scheduled_at);
        match self.sort {
            TaskSort::Due => a.status.is_ended().cmp(&b.status.is_ended()).then_with(|| match (due(a), due(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            }),
            // The most urgent first.
            TaskSort::Priority => b.priority.cmp(&a.priority),
            TaskSort::Status => a.status.cmp(&b.status),
            TaskSort::Number => a.number.cmp(&b.number),
            TaskSort::Technician => match (&a.technician_name, &b.technician_name) {
                (Some(a), Some(b)) => a.cmp(b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
        }
    }

    pub(super) fn ids(&self, now: Timestamp) -> Vec<TaskId> {
        self.rows(now).into_iter().map(|t| t.id).collect()
    }

    pub(super) fn selected(&self) -> Option<&Task> {
        let id = self.roll.id()?;
        self.all().iter().find(|t| t.id == id)
    }

    /// Tasks that this one depends on and that are not ended.
    pub(super) fn open_dependencies(&self, task: &Task) -> usize {
        self.all().iter().filter(|t| task.depends_on.contains(&t.id) && !t.status.is_ended()).count()
    }

    pub(super) fn areas(&self, body: Rect) -> (Lay, Option<Rect>) {
        let (list, detail) = if self.board { (body, None) } else { beside(body, body.width * 2 / 3) };
        (lay(list, banner_rows(&self.data, list.width), self.find.shown()), detail)
    }

    pub(super) fn detail_area(&self, body: Rect) -> Rect {
        match beside(body, body.width * 2 / 3).1 {
            Some(area) if !self.board => area,
            _ => below(body, banner_rows(&self.data, body.width)),
        }
    }

    pub(super) fn detail_is_beside(&self, body: Rect) -> bool {
        body.width >= WIDE && !self.board
    }

    pub(super) fn narrowed(&self) -> bool {
        !self.find.is_empty() || self.of.is_some()
    }

    pub(super) fn summary(&self, now: Timestamp) -> String {
        let all = self.all();
        let open = all.iter().filter(|t| !t.status.is_ended()).count();
        let overdue = all.iter().filter(|t| t.is_overdue(now)).count();
        let nobody = all.iter().filter(|t| !t.status.is_ended() && t.technician.is_none()).count();
        let mut text = format!("{open} open, {overdue} overdue, {nobody} without technician");
        if let Some(of) = self.of {
            let name = all.iter().find(|t| t.technician == Some(of)).and_then(|t| t.technician_name.as_ref());
            text = format!("only of {} (Esc: of all); {text}", name.map_or("a technician without tasks", |n| n.as_str()));
        }
        let ended = all.len() - open;
        if ended > 0 {
            text.push_str(&format!("; {ended} ended, {}", if self.open_only { "hidden" } else { "shown" }));
        }
        text
    }

    pub(super) fn copied(&self, env: &Env<'_>) -> Option<Copied> {
        let t = self.selected()?;
        let technician = t.technician_name.as_ref().map_or("nobody", |n| n.as_str());
        let due = columns::due(t, env).0;
        Some(Copied {
            row: format!("{}\t{}\t{}\t{}\t{}\t{due}", t.number, t.status, t.priority, t.title, technician),
            number: Some(t.number.to_string()),
            name: t.subscriber_name.as_ref().map(ToString::to_string),
            prefix: t.address.as_ref().map(ToString::to_string),
            id: Some(t.id.to_string()),
            json: serde_json::to_string_pretty(t).ok(),
            ticket: format!(
                "Task {}: {}\nStatus: {}, priority {}, due {due}\nTechnician: {technician}\nAddress: {}",
                t.number,
                t.title,
                t.status,
                t.priority,
                t.address.as_ref().map_or("not known", |a| a.as_str()),
            ),
        })
    }
}
