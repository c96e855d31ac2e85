//! What this operator did and the centre has not given back yet, laid over what the cache says when it is read. Held in memory, made anew
//! when the outbox changes; a page pays a look-up a row.

use chrono::{DateTime, Utc};
use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::lifecycle::OperationKind;
use noctule_domain::subscriber::{Subscriber, SubscriberRow};
use noctule_domain::sync::{Answer, Change, ClockIn, Op};
use noctule_domain::task::{Task, TaskStatus};
use noctule_domain::technician::{Technician, TechnicianStatus};
use noctule_domain::time_entry::{TimeEntry, TimeEntryStatus};
use noctule_domain::{SafeText, SubscriberId, TaskId, TechnicianId, TimeEntryId, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// An op that is laid over.
#[derive(Debug, Clone)]
pub(crate) struct Laid {
    pub(crate) op: Op,
    /// `None`: unsent.
    pub(crate) answer: Option<Answer>,
}

/// New values of one op.
#[derive(Debug, Clone)]
struct Edit {
    at: Timestamp,
    unsent: bool,
    fields: Arc<BTreeMap<String, Value>>,
}

#[derive(Debug, Clone, Default)]
struct OverSubscriber {
    edits: Vec<Edit>,
    queued: Option<OperationKind>,
}

#[derive(Debug, Clone, Default)]
struct OverTechnician {
    edits: Vec<Edit>,
    fix: Option<Fix>,
}

#[derive(Debug, Clone)]
struct Out {
    at: Timestamp,
    position: Option<LatLng>,
    unsent: bool,
}

/// Cheap to clone: values are shared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overlay {
    tasks: HashMap<TaskId, Vec<Edit>>,
    subscribers: HashMap<SubscriberId, OverSubscriber>,
    technicians: HashMap<TechnicianId, OverTechnician>,
    ins: HashMap<TimeEntryId, (ClockIn, bool)>,
    outs: HashMap<TimeEntryId, Out>,
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

fn text(value: &Value) -> Option<SafeText> {
    value.as_str().map(SafeText::new)
}

impl Overlay {
    pub(crate) fn build<'a>(ops: impl IntoIterator<Item = &'a Laid>) -> Self {
        let mut all = Self::default();
        for laid in ops {
            all.add(laid);
        }
        all
    }

    pub(crate) fn add(&mut self, laid: &Laid) {
        let unsent = laid.answer.is_none();
        let at = laid.op.made_at;
        // Of a collision only what the centre took is laid over: the rest is theirs until the operator decides.
        let only: Option<HashSet<&str>> = match &laid.answer {
            Some(Answer::Conflict { applied, .. }) => Some(applied.iter().map(String::as_str).collect()),
            _ => None,
        };
        let edit = |fields: &BTreeMap<String, noctule_domain::sync::FieldChange>| Edit {
            at,
            unsent,
            fields: Arc::new(
                fields
                    .iter()
                    .filter(|(name, _)| only.as_ref().is_none_or(|only| only.contains(name.as_str())))
                    .map(|(name, change)| (name.clone(), change.new.clone()))
                    .collect(),
            ),
        };
        match &laid.op.change {
            Change::TaskEdit { task, fields, .. } => self.tasks.entry(*task).or_default().push(edit(fields)),
            Change::SubscriberEdit { subscriber, fields, .. } => {
                self.subscribers.entry(*subscriber).or_default().edits.push(edit(fields));
            }
            Change::TechnicianEdit { technician, fields, .. } => {
                self.technicians.entry(*technician).or_default().edits.push(edit(fields));
            }
            Change::Position { technician, fix } => {
                let over = self.technicians.entry(*technician).or_default();
                if over.fix.is_none_or(|known| known.device_time < fix.device_time) {
                    over.fix = Some(*fix);
                }
            }
            Change::ClockIn(clock) => {
                self.ins.insert(clock.entry, (clock.clone(), unsent));
            }
            Change::ClockOut { entry, at, position, .. } => {
                self.outs.insert(*entry, Out { at: *at, position: *position, unsent });
            }
            Change::Lifecycle(request) => {
                self.subscribers.entry(request.subscriber).or_default().queued = Some(request.kind);
            }
            Change::Emergency(_) => {}
        }
    }

    /// The value of a field as it is laid over; `None`: what the cache says counts.
    pub(crate) fn field(&self, of: Field<'_>) -> Option<Value> {
        let (edits, name) = match of {
            Field::Task(id, name) => (self.tasks.get(&id), name),
            Field::Subscriber(id, name) => (self.subscribers.get(&id).map(|o| &o.edits), name),
            Field::Technician(id, name) => (self.technicians.get(&id).map(|o| &o.edits), name),
        };
        edits?.iter().rev().find_map(|edit| edit.fields.get(name).cloned())
    }

    pub(crate) fn has_tasks(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Statuses that are laid over tasks.
    pub(crate) fn task_statuses(&self) -> impl Iterator<Item = (TaskId, TaskStatus)> + '_ {
        self.tasks.keys().filter_map(|id| Some((*id, self.task_status(*id)?)))
    }

    /// Statuses that are laid over technicians.
    pub(crate) fn technician_statuses(&self) -> impl Iterator<Item = (TechnicianId, TechnicianStatus)> + '_ {
        let status = |id: &TechnicianId| self.field(Field::Technician(*id, "status")).and_then(|v| read(&v));
        self.technicians.keys().filter_map(move |id| Some((*id, status(id)?)))
    }

    /// The status that is laid over a task.
    pub(crate) fn task_status(&self, id: TaskId) -> Option<TaskStatus> {
        self.field(Field::Task(id, "status")).and_then(|v| read(&v))
    }

    pub(crate) fn queued(&self, id: SubscriberId) -> Option<OperationKind> {
        self.subscribers.get(&id)?.queued
    }

    /// Lays edits over a task. The technician's name is looked up by the caller when `technician` changes; `true` then.
    pub(crate) fn task(&self, task: &mut Task) -> bool {
        let Some(edits) = self.tasks.get(&task.id) else { return false };
        let before = task.technician;
        for edit in edits {
            for (name, value) in edit.fields.iter() {
                match name.as_str() {
                    "status" => {
                        if let Some(to) = read::<TaskStatus>(value) {
                            lay_status(task, to, edit.at);
                        }
                    }
                    "technician" => task.technician = read::<Option<Uuid>>(value).flatten().map(TechnicianId),
                    "blocked_reason" => task.blocked_reason = text(value),
                    "notes" => task.notes = text(value),
                    "title" => task.title = text(value).unwrap_or_default(),
                    "priority" => task.priority = read(value).unwrap_or(task.priority),
                    "address" => task.address = text(value),
                    "scheduled_at" => task.scheduled_at = read(value),
                    "estimate_min" => task.estimate_min = read(value),
                    _ => {}
                }
            }
            if !edit.fields.is_empty() {
                task.updated_at = task.updated_at.max(edit.at);
                task.unsent |= edit.unsent;
            }
        }
        task.technician != before
    }

    pub(crate) fn subscriber(&self, subscriber: &mut Subscriber) {
        let Some(over) = self.subscribers.get(&subscriber.id) else { return };
        subscriber.queued = over.queued;
        for (name, value) in over.edits.iter().flat_map(|e| e.fields.iter()) {
            match name.as_str() {
                "notes" => subscriber.notes = text(value),
                "phone" => subscriber.phone = text(value),
                "email" => subscriber.email = text(value),
                _ => {}
            }
        }
    }

    pub(crate) fn lines(&self, lines: &mut [SubscriberRow]) {
        if self.subscribers.is_empty() {
            return;
        }
        for line in lines {
            line.queued = self.queued(line.id);
        }
    }

    pub(crate) fn technician(&self, technician: &mut Technician) {
        if let Some(over) = self.technicians.get(&technician.id) {
            for (name, value) in over.edits.iter().flat_map(|e| e.fields.iter()) {
                match name.as_str() {
                    "status" => technician.status = read(value).unwrap_or(technician.status),
                    "phone" => technician.phone = text(value),
                    "mobile" => technician.mobile = text(value),
                    _ => {}
                }
            }
            if let Some(fix) = over.fix
                && technician.fix.is_none_or(|known| known.device_time < fix.device_time)
            {
                technician.fix = Some(fix);
            }
        }
    }

    pub(crate) fn has_entries(&self) -> bool {
        !self.ins.is_empty() || !self.outs.is_empty()
    }

    /// Lays beginnings and ends over the entries of one technician, newest first.
    pub(crate) fn entries(&self, technician: TechnicianId, entries: &mut Vec<TimeEntry>) {
        for (clock, unsent) in self.ins.values().filter(|(c, _)| c.technician == technician) {
            if entries.iter().any(|e| e.id == clock.entry) {
                continue;
            }
            entries.push(TimeEntry {
                id: clock.entry,
                technician,
                kind: clock.kind,
                status: TimeEntryStatus::Draft,
                task: clock.task,
                started_at: clock.at,
                ended_at: None,
                started_where: clock.position,
                ended_where: None,
                notes: None,
                version: 1,
                updated_at: clock.at,
                unsent: *unsent,
            });
        }
        for entry in entries.iter_mut() {
            if let Some(out) = self.outs.get(&entry.id)
                && entry.ended_at.is_none()
            {
                entry.ended_at = Some(out.at.max(entry.started_at));
                entry.ended_where = out.position;
                entry.unsent |= out.unsent;
                entry.updated_at = entry.updated_at.max(out.at);
            }
        }
        entries.sort_by_key(|e| std::cmp::Reverse((e.started_at, e.id)));
    }
}

/// One field of one row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field<'a> {
    Task(TaskId, &'a str),
    Subscriber(SubscriberId, &'a str),
    Technician(TechnicianId, &'a str),
}

/// What follows from a status, as in the centre and in the store of one machine.
pub(crate) fn lay_status(task: &mut Task, to: TaskStatus, at: DateTime<Utc>) {
    task.status = to;
    task.started_at = match to {
        TaskStatus::InProgress => task.started_at.or(Some(at)),
        TaskStatus::Ready => None,
        _ => task.started_at,
    };
    task.ended_at = to.is_ended().then_some(at);
}
