//! What may be changed of a task, by whom, and the menus that offer it. The rules are the domain's; here they become reasons.

use super::{State, Tell};
use crate::app::{Cx, Env, Wish};
use crate::effect::Effect;
use crate::overlay::{Menu, MenuItem, Notes, Overlay, Prompt, Then};
use crate::panes;
use crate::widgets::task_badge;
use noctule_domain::permission::{Permission, Role};
use noctule_domain::task::{Task, TaskStatus};
use noctule_domain::{SafeText, TaskId};

/// Why the operator may not touch this task; `None` when he may. A technician changes only own tasks. With a centre he sees no others: it
/// knows by the login whose they are, which a name does not tell.
pub fn not_mine(task: &Task, env: &Env<'_>) -> Option<String> {
    if env.central || env.role != Role::Technician || env.role.allows(Permission::FieldWrite) {
        return None;
    }
    let mine = task.technician_name.as_ref().is_some_and(|name| name.as_str().to_lowercase() == env.actor.as_str().to_lowercase());
    match &task.technician_name {
        _ if mine => None,
        Some(name) => Some(format!("it is the task of {name}")),
        None => Some("it is not your task".to_owned()),
    }
}

/// Why the technician of a task can not be changed.
pub fn not_assignable(task: &Task) -> Option<String> {
    task.status.is_ended().then(|| format!("the task is {}", task.status))
}

fn hint(to: TaskStatus) -> &'static str {
    match to {
        TaskStatus::Pending => "waits for something else",
        TaskStatus::Ready => "can be given to somebody",
        TaskStatus::Assigned => "somebody has it",
        TaskStatus::InProgress => "work has begun",
        TaskStatus::Blocked => "asks for the reason",
        TaskStatus::Paused => "will go on later",
        TaskStatus::Completed => "the work is done",
        TaskStatus::Failed => "asks what went wrong",
        TaskStatus::Cancelled => "asks for the reason",
        TaskStatus::Skipped => "asks for the reason",
    }
}

/// Every status that may follow, greyed with the reason where it may not now.
pub fn menu(state: &State, task: &Task) -> Overlay {
    let open = state.open_dependencies(task);
    let items = task
        .status
        .next()
        .iter()
        .map(|to| MenuItem {
            key: letter(*to),
            label: task_badge(*to).word.to_owned(),
            help: hint(*to).to_owned(),
            // The reason is asked for after the choice.
            greyed: task.status.change(*to, task.technician.is_some(), open, Some("given later")).err().map(|e| e.to_string()),
            then: Then::Tell(Box::new(panes::Tell::Tasks(Tell::Change { task: task.id, version: task.version, to: *to }))),
        })
        .collect();
    Overlay::Menu(Menu::new(&format!("{} is {}; change to", task.number, task.status), items))
}

fn letter(status: TaskStatus) -> Option<char> {
    Some(match status {
        TaskStatus::Pending => 'e',
        TaskStatus::Ready => 'r',
        TaskStatus::Assigned => 'a',
        TaskStatus::InProgress => 'i',
        TaskStatus::Blocked => 'b',
        TaskStatus::Paused => 'p',
        TaskStatus::Completed => 'c',
        TaskStatus::Failed => 'f',
        TaskStatus::Cancelled => 'x',
        TaskStatus::Skipped => 's',
    })
}

/// Begins a change; what ends a task badly, and a block, is asked for its reason first.
pub fn change(state: &mut State, task: TaskId, version: i64, to: TaskStatus, cx: &mut Cx<'_>) {
    let must = to == TaskStatus::Blocked;
    if must || matches!(to, TaskStatus::Failed | TaskStatus::Cancelled | TaskStatus::Skipped) {
        state.reason_for = Some((task, version, to));
        let number = state.all().iter().find(|t| t.id == task).map(|t| t.number.to_string()).unwrap_or_default();
        let help = if must {
            "Enter sends it, Esc leaves the task as it is. A reason is needed."
        } else {
            "Enter sends it, Esc leaves the task as it is. May be empty."
        };
        let prompt = Prompt::new(&format!("Why is {number} {to}?"), help, "", !must, |text| panes::Tell::Tasks(Tell::Reason(text)));
        return cx.wish(Wish::Overlay(Box::new(Overlay::Prompt(prompt))));
    }
    cx.effect(Effect::SetTaskStatus { task, expected_version: version, to, reason: None });
}

/// The reason came.
pub fn reason(state: &mut State, text: &str, cx: &mut Cx<'_>) {
    let Some((task, expected_version, to)) = state.reason_for.take() else { return };
    let reason = (!text.is_empty()).then(|| SafeText::new(text));
    cx.effect(Effect::SetTaskStatus { task, expected_version, to, reason });
}

pub fn begin_notes(state: &mut State, task: &Task, cx: &mut Cx<'_>) {
    state.notes_of = Some((task.id, task.version));
    let draft = state.notes_draft.as_ref().filter(|(of, _)| *of == task.id).map(|(_, text)| text.clone());
    let title = format!("Notes of {} {}", task.number, task.title);
    let notes = Notes::new(&title, task.notes.as_ref().map_or("", |n| n.as_str()), draft, |text| panes::Tell::Tasks(Tell::Notes(text)));
    cx.wish(Wish::Overlay(Box::new(Overlay::Notes(notes))));
}

/// The notes came.
pub fn notes(state: &mut State, text: &str, cx: &mut Cx<'_>) {
    let Some((task, expected_version)) = state.notes_of.take() else { return };
    state.notes_draft = Some((task, text.to_owned()));
    let notes = (!text.trim().is_empty()).then(|| SafeText::new(text));
    cx.effect(Effect::SetTaskNotes { task, expected_version, notes });
}
