//! From what the store answered to the marks on the map, and one mark in words.

use super::layers::Layer;
use super::state::State;
use crate::app::{Env, Locate};
use crate::look::Tone;
use crate::map::{MapData, Mark, MarkId};
use crate::panes::tasks::due;
use crate::panes::technicians::position;
use noctule_domain::geo::LatLng;
use noctule_domain::{TaskId, TechnicianId, Timestamp};

/// The marks of the layers that are shown.
#[derive(Debug, Default)]
pub struct Marks {
    technicians: Vec<Mark>,
    tasks: Vec<Mark>,
    nases: Vec<Mark>,
    assignments: Vec<(TechnicianId, TaskId)>,
    trail: Vec<LatLng>,
}

impl Marks {
    pub fn data(&self) -> MapData<'_> {
        MapData {
            technicians: &self.technicians,
            tasks: &self.tasks,
            nases: &self.nases,
            assignments: &self.assignments,
            trail: &self.trail,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.technicians.is_empty() && self.tasks.is_empty() && self.nases.is_empty()
    }
}

impl State {
    /// Something of the layers that are shown has a position.
    pub(super) fn has_marks(&self) -> bool {
        let has = |layer| self.layers.has(layer);
        self.data.value.as_ref().is_some_and(|v| {
            (has(Layer::Technicians) && v.technicians.iter().any(|t| t.fix.is_some()))
                || (has(Layer::Tasks) && v.tasks.iter().any(|t| t.position.is_some() && (has(Layer::Ended) || !t.status.is_ended())))
                || (has(Layer::Nases) && v.nases.iter().any(|n| n.nas.position.is_some()))
        })
    }

    pub(super) fn marks(&self, now: Timestamp) -> Marks {
        let Some(answer) = &self.data.value else { return Marks::default() };
        let has = |layer| self.layers.has(layer);
        let mut marks = Marks::default();
        if has(Layer::Technicians) {
            marks.technicians = answer.technicians.iter().filter_map(|t| Mark::technician(t, now)).collect();
        }
        if has(Layer::Tasks) {
            let tasks = answer.tasks.iter().filter(|t| has(Layer::Ended) || !t.status.is_ended());
            marks.tasks = tasks.filter_map(|t| Mark::task(t, now)).collect();
        }
        if has(Layer::Nases) {
            marks.nases = answer.nases.iter().filter_map(|n| Mark::nas(&n.nas)).collect();
        }
        if has(Layer::Work) {
            // Of everybody who is at work, and of the selected one.
            let at_work = |t: &&noctule_domain::task::Task| {
                t.status == noctule_domain::task::TaskStatus::InProgress
                    || self.view.selected == Some(MarkId::Task(t.id))
                    || t.technician.is_some_and(|id| self.view.selected == Some(MarkId::Technician(id)))
            };
            let open = answer.tasks.iter().filter(|t| !t.status.is_ended());
            marks.assignments = open.filter(at_work).filter_map(|t| Some((t.technician?, t.id))).collect();
        }
        if has(Layer::Trail)
            && let Some(MarkId::Technician(id)) = self.view.followed().or(self.view.selected)
        {
            marks.trail =
                self.trails.iter().find(|(of, _)| *of == id).map(|(_, trail)| trail.iter().copied().collect()).unwrap_or_default();
        }
        marks
    }

    /// One mark in words: for the line below the map and for the list of a cluster.
    pub(super) fn words(&self, id: MarkId, env: &Env<'_>) -> Option<(String, String, Tone)> {
        let answer = self.data.value.as_ref()?;
        match id {
            MarkId::Technician(id) => {
                let t = answer.technicians.iter().find(|t| t.id == id)?;
                let (age, tone) = position(t.fix.as_ref(), env.now);
                let task = t.current_task.as_ref().map(|task| format!(", {task}")).unwrap_or_default();
                Some((t.name.to_string(), format!("{}, position {age}{task}", t.status), tone))
            }
            MarkId::Task(id) => {
                let t = answer.tasks.iter().find(|t| t.id == id)?;
                let (due, tone) = due(t, env);
                let who = t.technician_name.as_ref().map_or("nobody", |n| n.as_str());
                Some((format!("{} {}", t.number, t.title), format!("{}, {due}, {who}", t.status), tone))
            }
            MarkId::Nas(id) => {
                let n = answer.nases.iter().find(|n| n.nas.id == id)?;
                Some((n.nas.name.to_string(), format!("NAS {}, {} subscribers", n.nas.health.reach, n.subscribers), Tone::Text))
            }
        }
    }

    /// The first mark that every typed word occurs in.
    pub(super) fn found(&self, marks: &Marks) -> Option<MarkId> {
        if self.find.is_empty() {
            return None;
        }
        let answer = self.data.value.as_ref()?;
        let shown = |id: MarkId| marks.data().find(id).map(|_| id);
        let technicians = answer
            .technicians
            .iter()
            .filter(|t| self.find.matches(&[t.name.as_str(), t.employee_id.as_str()]))
            .find_map(|t| shown(MarkId::Technician(t.id)));
        technicians
            .or_else(|| {
                let texts = |t: &&noctule_domain::task::Task| {
                    self.find.matches(&[t.number.as_str(), t.title.as_str(), t.address.as_ref().map_or("", |a| a.as_str())])
                };
                answer.tasks.iter().filter(texts).find_map(|t| shown(MarkId::Task(t.id)))
            })
            .or_else(|| {
                answer.nases.iter().filter(|n| self.find.matches(&[n.nas.name.as_str()])).find_map(|n| shown(MarkId::Nas(n.nas.id)))
            })
    }
}

pub fn locate_of(id: MarkId) -> Locate {
    match id {
        MarkId::Technician(id) => Locate::Technician(id),
        MarkId::Task(id) => Locate::Task(id),
        MarkId::Nas(id) => Locate::Nas(id),
    }
}
