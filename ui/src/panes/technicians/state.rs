//! State of the Technicians pane: what was answered, which row, how it is narrowed and ordered.

use super::columns;
use crate::app::{Env, Slot};
use crate::panes::kit::{Copied, Find, Lay, Roll, WIDE, banner_rows, below, beside, count, lay};
use noctule_domain::technician::{Technician, TechnicianStatus};
use noctule_domain::{TechnicianId, words};
use ratatui::layout::Rect;
use std::cmp::Ordering;

words!(
    /// What the list can be ordered by.
    TechnicianSort { Name = "name", Status = "status", Skill = "skill", Tasks = "tasks", Position = "position", Team = "team" }
);

#[derive(Debug)]
pub struct State {
    pub(super) data: Slot<Vec<Technician>>,
    pub(super) roll: Roll<TechnicianId>,
    pub(super) find: Find,
    pub(super) sort: TechnicianSort,
    pub(super) descending: bool,
    /// The detail has the keys.
    pub(super) open: bool,
    pub(super) scroll: u16,
}

impl Default for State {
    fn default() -> Self {
        Self {
            data: Slot::default(),
            roll: Roll::default(),
            find: Find::default(),
            sort: TechnicianSort::Name,
            descending: false,
            open: false,
            scroll: 0,
        }
    }
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {
    Sort(TechnicianSort),
}

impl State {
    pub(super) fn all(&self) -> &[Technician] {
        self.data.value.as_deref().unwrap_or_default()
    }

    /// The rows as they are listed.
    pub(super) fn rows(&self) -> Vec<&Technician> {
        let mut rows: Vec<&Technician> = self.all().iter().filter(|t| self.find.matches(&columns::texts(t))).collect();
        rows.sort_by(|a, b| {
            let order = self.order(a, b);
            (if self.descending { order.reverse() } else { order }).then_with(|| a.name.cmp(&b.name)).then(a.id.cmp(&b.id))
        });
        rows
    }

    fn order(&self, a: &Technician, b: &Technician) -> Ordering {
        match self.sort {
            TechnicianSort::Name => a.name.as_str().to_lowercase().cmp(&b.name.as_str().to_lowercase()),
            TechnicianSort::Status => a.status.cmp(&b.status),
            // The best first: that is who is looked for.
            TechnicianSort::Skill => b.skill_level.cmp(&a.skill_level),
            TechnicianSort::Tasks => a.open_tasks.cmp(&b.open_tasks),
            // The freshest first, those without a position last.
            TechnicianSort::Position => match (&a.fix, &b.fix) {
                (Some(a), Some(b)) => b.device_time.cmp(&a.device_time),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
            TechnicianSort::Team => match (&a.team, &b.team) {
                (Some(a), Some(b)) => a.cmp(b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
        }
    }

    pub(super) fn ids(&self) -> Vec<TechnicianId> {
        self.rows().into_iter().map(|t| t.id).collect()
    }

    pub(super) fn selected(&self) -> Option<&Technician> {
        let id = self.roll.id()?;
        self.all().iter().find(|t| t.id == id)
    }

    /// The list and, where there is room, the detail beside it.
    pub(super) fn areas(&self, body: Rect) -> (Lay, Option<Rect>) {
        let (list, detail) = beside(body, body.width * 2 / 3);
        let lay = lay(list, banner_rows(&self.data, list.width), self.find.shown());
        (lay, detail)
    }

    /// Where the detail is drawn when it has the keys.
    pub(super) fn detail_area(&self, body: Rect) -> Rect {
        beside(body, body.width * 2 / 3).1.unwrap_or_else(|| below(body, banner_rows(&self.data, body.width)))
    }

    pub(super) fn is_wide(body: Rect) -> bool {
        body.width >= WIDE
    }

    /// `40 technicians: 12 available, 18 on_job …`
    pub(super) fn summary(&self) -> String {
        let all = self.all();
        let parts: Vec<String> = TechnicianStatus::ALL
            .iter()
            .map(|status| (status, all.iter().filter(|t| t.status == *status).count()))
            .filter(|(_, n)| *n > 0)
            .map(|(status, n)| format!("{n} {status}"))
            .collect();
        let on_call = all.iter().filter(|t| t.on_call).count();
        let head = count(all.len() as u64, "technician", "technicians");
        if parts.is_empty() { head } else { format!("{head}, {on_call} on call: {}", parts.join(", ")) }
    }

    pub(super) fn copied(&self, env: &Env<'_>) -> Option<Copied> {
        let t = self.selected()?;
        let place = t.fix.map(|fix| format!("{:.5},{:.5}", fix.at.lat, fix.at.lng));
        Some(Copied {
            row: format!("{}\t{}\t{}\t{}", t.employee_id, t.name, t.status, columns::position(t.fix.as_ref(), env.now).0),
            number: Some(t.employee_id.to_string()),
            name: Some(t.name.to_string()),
            prefix: place.clone(),
            id: Some(t.id.to_string()),
            json: serde_json::to_string_pretty(t).ok(),
            ticket: format!(
                "Technician {} ({}), {}, {}\nMobile: {}\nCurrent task: {}\nPosition: {}",
                t.name,
                t.employee_id,
                t.status,
                t.skill_level,
                t.mobile.as_ref().map_or("not known", |m| m.as_str()),
                t.current_task.as_ref().map_or("none", |m| m.as_str()),
                place.as_deref().unwrap_or("not known"),
            ),
        })
    }
}
