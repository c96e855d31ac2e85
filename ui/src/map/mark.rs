//! What stands on the map: one mark for a technician, a task or a NAS. A mark carries the age of its position, and what is shown is
//! decided here: a position that is not fresh loses the sign and the style of a live one.

use super::{glyph::MapGlyph, style::MapRole};
use noctule_domain::{
    NasId, SafeText, TaskId, TechnicianId, Timestamp,
    geo::LatLng,
    nas::{Nas, NasReach},
    task::{Priority, Task, TaskStatus},
    technician::{FixAge, Technician, TechnicianStatus},
};
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

/// Names wider than this lose all but their first word.
const LABEL_WIDTH: usize = 20;

/// The order is that of ink: technicians before tasks before NASes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkId {
    Technician(TechnicianId),
    Task(TaskId),
    Nas(NasId),
}

/// How much something wants to be seen. In a cluster the highest decides the sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Quiet,
    Calm,
    Active,
    Attention,
    Problem,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub id: MarkId,
    pub at: LatLng,
    /// The sign while the position is fresh, or always for what does not move.
    pub glyph: MapGlyph,
    pub role: MapRole,
    pub label: SafeText,
    /// Age of the position in words and in seconds; `None` for what does not move.
    pub age: Option<(FixAge, i64)>,
    pub severity: Severity,
    /// Metres; drawn as a circle while selected.
    pub accuracy_m: Option<f64>,
}

impl Mark {
    /// `None` without a position.
    pub fn technician(technician: &Technician, now: Timestamp) -> Option<Self> {
        let fix = technician.fix.as_ref()?;
        let age = fix.age(now);
        let (glyph, role, severity) = match technician.status {
            TechnicianStatus::Available => (MapGlyph::Available, MapRole::Available, Severity::Calm),
            TechnicianStatus::OnJob => (MapGlyph::OnJob, MapRole::Busy, Severity::Active),
            TechnicianStatus::OnBreak => (MapGlyph::OnBreak, MapRole::Away, Severity::Calm),
            TechnicianStatus::OffDuty => (MapGlyph::OffDuty, MapRole::Away, Severity::Quiet),
            TechnicianStatus::Unavailable => (MapGlyph::Unavailable, MapRole::Away, Severity::Quiet),
        };
        // Nobody looks for somebody who is off duty.
        let severity = match age {
            FixAge::Over15Min | FixAge::Lost if severity > Severity::Quiet => Severity::Attention,
            _ => severity,
        };
        Some(Self {
            id: MarkId::Technician(technician.id),
            at: fix.at,
            glyph,
            role,
            label: short(&technician.name),
            age: Some((age, (now - fix.device_time).num_seconds())),
            severity,
            accuracy_m: fix.accuracy_m,
        })
    }

    /// `None` without a position.
    pub fn task(task: &Task, now: Timestamp) -> Option<Self> {
        use TaskStatus::*;
        let urgent = task.is_overdue(now) || (task.priority == Priority::Emergency && !task.status.is_ended());
        let (glyph, role, severity) = match task.status {
            _ if urgent => (MapGlyph::TaskUrgent, MapRole::TaskProblem, Severity::Problem),
            Pending => (MapGlyph::TaskPending, MapRole::TaskOpen, Severity::Calm),
            Ready => (MapGlyph::TaskReady, MapRole::TaskOpen, Severity::Calm),
            Assigned => (MapGlyph::TaskAssigned, MapRole::TaskActive, Severity::Active),
            InProgress => (MapGlyph::TaskInProgress, MapRole::TaskActive, Severity::Active),
            Paused => (MapGlyph::TaskPaused, MapRole::TaskOpen, Severity::Attention),
            Blocked => (MapGlyph::TaskBlocked, MapRole::TaskProblem, Severity::Problem),
            Failed => (MapGlyph::TaskFailed, MapRole::TaskProblem, Severity::Problem),
            Completed | Cancelled | Skipped => (MapGlyph::TaskEnded, MapRole::TaskEnded, Severity::Quiet),
        };
        let id = MarkId::Task(task.id);
        Some(Self { id, at: task.position?, glyph, role, label: short(&task.number), age: None, severity, accuracy_m: None })
    }

    /// `None` without a position.
    pub fn nas(nas: &Nas) -> Option<Self> {
        let (glyph, role, severity) = match nas.health.reach {
            _ if !nas.enabled => (MapGlyph::NasUnknown, MapRole::NasUnknown, Severity::Quiet),
            NasReach::Up => (MapGlyph::NasUp, MapRole::NasUp, Severity::Calm),
            NasReach::Busy => (MapGlyph::NasBusy, MapRole::NasProblem, Severity::Attention),
            NasReach::Silent => (MapGlyph::NasSilent, MapRole::NasProblem, Severity::Problem),
            NasReach::Unknown => (MapGlyph::NasUnknown, MapRole::NasUnknown, Severity::Calm),
        };
        let id = MarkId::Nas(nas.id);
        Some(Self { id, at: nas.position?, glyph, role, label: short(&nas.name), age: None, severity, accuracy_m: None })
    }

    /// What is drawn: the age of a position goes before the status.
    pub fn shown(&self) -> (MapGlyph, MapRole) {
        match self.age {
            None | Some((FixAge::Fresh, _)) => (self.glyph, self.role),
            Some((FixAge::Over2Min, _)) => (MapGlyph::Aging, MapRole::Aging),
            Some((FixAge::Over15Min, _)) => (MapGlyph::Stale, MapRole::Stale),
            Some((FixAge::Lost, _)) => (MapGlyph::Lost, MapRole::Lost),
        }
    }

    /// The label, with the age when the position is not fresh.
    pub fn caption(&self) -> String {
        match self.age {
            Some((age, seconds)) if age != FixAge::Fresh => format!("{} {}", self.label, age_word(seconds)),
            _ => self.label.as_str().to_owned(),
        }
    }

    /// Worst first, then in the order of ink, then by id: the same order whatever is on the screen.
    pub(super) fn rank(&self) -> (std::cmp::Reverse<Severity>, MarkId) {
        (std::cmp::Reverse(self.severity), self.id)
    }
}

fn age_word(seconds: i64) -> String {
    match seconds.max(0) {
        s if s < 3600 => format!("{}m", s / 60),
        s if s < 172_800 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

fn short(name: &SafeText) -> SafeText {
    if name.as_str().width() <= LABEL_WIDTH {
        return name.clone();
    }
    SafeText::new(name.as_str().split_whitespace().next().unwrap_or_default())
}

/// All that a frame shows. Borrowed: the pane keeps the marks.
#[derive(Debug, Clone, Copy, Default)]
pub struct MapData<'a> {
    pub technicians: &'a [Mark],
    pub tasks: &'a [Mark],
    pub nases: &'a [Mark],
    /// Drawn as lines; the pane chooses which (all that are at work, or those of the selection).
    pub assignments: &'a [(TechnicianId, TaskId)],
    /// Where the selected or followed technician has been, oldest first.
    pub trail: &'a [LatLng],
}

impl<'a> MapData<'a> {
    pub fn marks(&self) -> impl Iterator<Item = &'a Mark> + use<'a> {
        self.technicians.iter().chain(self.tasks).chain(self.nases)
    }

    pub fn find(&self, id: MarkId) -> Option<&'a Mark> {
        let layer = match id {
            MarkId::Technician(_) => self.technicians,
            MarkId::Task(_) => self.tasks,
            MarkId::Nas(_) => self.nases,
        };
        layer.iter().find(|mark| mark.id == id)
    }
}
