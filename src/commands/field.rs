//! `noctule task|technician|clock` and the notes of a subscriber. With a centre each change is durable here first and then pushed; the
//! last line says where it went.

use super::out::cell;
use super::{Context, Out, Table};
use crate::cli::{ClockCommand, GlobalArgs, TaskCommand, TechnicianCommand};
use crate::compose::{Sent, send};
use crate::exit::{Exit, Failure};
use noctule_domain::sentence::moment;
use noctule_domain::sync::Replica;
use noctule_domain::task::{Task, TaskStatus};
use noctule_domain::technician::Technician;
use noctule_domain::{OpId, SafeText};
use std::collections::HashSet;

/// Longest note that is taken, in bytes.
const NOTE: usize = 2048;

pub async fn task(flags: &GlobalArgs, what: &TaskCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        TaskCommand::List { technician, all, json } => list(flags, technician.as_deref(), *all, *json, out).await,
        TaskCommand::Status { task, status, reason, if_version } => {
            let context = Context::to_write(flags, "task status")?.copied().await?;
            let found = find_task(&context, task).await?;
            let before = waiting(&context).await?;
            let reason = reason.as_deref().map(|text| SafeText::bounded(text, 500));
            let version = Some(if_version.unwrap_or(found.version));
            let done = context.store.task_set_status(found.id, *status, version, reason, context.actor.clone()).await?;
            ended(&context, &before, format!("{} is {} now", done.number, done.status), out).await
        }
        TaskCommand::Assign { task, technician, if_version } => {
            let context = Context::to_write(flags, "task assign")?.copied().await?;
            let found = find_task(&context, task).await?;
            let who = match technician.as_str() {
                "-" => None,
                name => Some(find_technician(&context, name).await?.id),
            };
            let before = waiting(&context).await?;
            let version = Some(if_version.unwrap_or(found.version));
            let done = context.store.task_assign(found.id, who, version, context.actor.clone()).await?;
            let words = match &done.technician_name {
                Some(name) => format!("{} is assigned to {name}", done.number),
                None => format!("{} has no technician now", done.number),
            };
            ended(&context, &before, words, out).await
        }
        TaskCommand::Note { task, text, replace } => {
            let context = Context::to_write(flags, "task note")?.copied().await?;
            let found = find_task(&context, task).await?;
            let before = waiting(&context).await?;
            let notes = noted(found.notes.as_ref(), text, *replace)?;
            let done = context.store.task_set_notes(found.id, Some(found.version), notes, context.actor.clone()).await?;
            ended(&context, &before, format!("the notes of {} are kept", done.number), out).await
        }
    }
}

pub async fn technician(flags: &GlobalArgs, what: &TechnicianCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        TechnicianCommand::List { json } => {
            let context = Context::to_read(flags, "technician list")?.copied().await?;
            let rows = context.store.technicians().await?;
            if *json {
                out.json(&rows)?;
                return Ok(Exit::Ok);
            }
            let mut table = Table::new(&["employee id", "name", "status", "phone", "team", "skills"]);
            for row in rows {
                let skills: Vec<String> = row.skills.iter().map(ToString::to_string).collect();
                table.row(vec![
                    row.employee_id.to_string(),
                    row.name.to_string(),
                    row.status.to_string(),
                    cell(row.phone),
                    cell(row.team),
                    skills.join(" "),
                ]);
            }
            if table.is_empty() {
                out.line("no technician")?
            } else {
                out.table(&table)?
            }
            Ok(Exit::Ok)
        }
        TechnicianCommand::Status { technician, status } => {
            let context = Context::to_write(flags, "technician status")?.copied().await?;
            let found = find_technician(&context, technician).await?;
            let before = waiting(&context).await?;
            context.store.technician_set_status(found.id, *status, context.actor.clone()).await?;
            ended(&context, &before, format!("{} is {status} now", found.name), out).await
        }
    }
}

pub async fn clock(flags: &GlobalArgs, what: &ClockCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        ClockCommand::In { technician, kind, task } => {
            let context = Context::to_write(flags, "clock in")?.copied().await?;
            let found = find_technician(&context, technician).await?;
            let task = match task {
                Some(text) => Some(find_task(&context, text).await?.id),
                None => None,
            };
            let before = waiting(&context).await?;
            let entry = context.store.clock_in(found.id, *kind, task, context.actor.clone()).await?;
            ended(&context, &before, format!("{} is clocked in ({}) since {}", found.name, entry.kind, moment(entry.started_at)), out).await
        }
        ClockCommand::Out { technician } => {
            let context = Context::to_write(flags, "clock out")?.copied().await?;
            let found = find_technician(&context, technician).await?;
            let before = waiting(&context).await?;
            let entry = context.store.clock_out(found.id, context.actor.clone()).await?;
            ended(&context, &before, format!("{} is clocked out since {}", found.name, cell(entry.ended_at.map(moment))), out).await
        }
        ClockCommand::List { technician, limit, json } => {
            let context = Context::to_read(flags, "clock list")?.copied().await?;
            let found = find_technician(&context, technician).await?;
            let entries = context.store.time_entries(found.id, *limit).await?;
            if *json {
                out.json(&entries)?;
                return Ok(Exit::Ok);
            }
            let mut table = Table::new(&["began", "ended", "kind", "status", "unsent"]);
            for entry in entries {
                table.row(vec![
                    moment(entry.started_at),
                    cell(entry.ended_at.map(moment)),
                    entry.kind.to_string(),
                    entry.status.to_string(),
                    if entry.unsent { "yes".into() } else { "-".into() },
                ]);
            }
            if table.is_empty() {
                out.line("no time entry")?
            } else {
                out.table(&table)?
            }
            Ok(Exit::Ok)
        }
    }
}

/// `noctule subscriber note`.
pub(super) async fn subscriber_note(
    flags: &GlobalArgs,
    subscriber: &str,
    text: &str,
    replace: bool,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let context = Context::to_write(flags, "subscriber note")?.copied().await?;
    let found = context.subscriber(subscriber).await?;
    let before = waiting(&context).await?;
    let notes = noted(found.notes.as_ref(), text, replace)?;
    let done = context.store.subscriber_set_notes(found.id, Some(found.version), notes, context.actor.clone()).await?;
    ended(&context, &before, format!("the notes of {} are kept", done.subscriber_number), out).await
}

async fn list(flags: &GlobalArgs, technician: Option<&str>, all: bool, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "task list")?.copied().await?;
    let mut tasks = context.store.tasks().await?;
    if let Some(name) = technician {
        let who = find_technician(&context, name).await?.id;
        tasks.retain(|task| task.technician == Some(who));
    }
    if !all {
        use TaskStatus::{Cancelled, Completed, Failed, Skipped};
        tasks.retain(|task| !matches!(task.status, Completed | Failed | Cancelled | Skipped));
    }
    if json {
        out.json(&tasks)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["number", "status", "priority", "scheduled", "technician", "subscriber", "unsent", "title"]);
    for task in tasks {
        table.row(vec![
            task.number.to_string(),
            task.status.to_string(),
            task.priority.to_string(),
            cell(task.scheduled_at.map(moment)),
            cell(task.technician_name),
            cell(task.subscriber_name),
            if task.unsent { "yes".into() } else { "-".into() },
            task.title.to_string(),
        ]);
    }
    if table.is_empty() {
        out.line("no task")?
    } else {
        out.table(&table)?
    }
    Ok(Exit::Ok)
}

/// The notes with something added, or a text in their place.
fn noted(old: Option<&SafeText>, text: &str, replace: bool) -> Result<Option<SafeText>, Failure> {
    let whole = match old.filter(|old| !replace && !old.is_empty()) {
        // On one line: a text that came from outside keeps no line breaks.
        Some(old) => format!("{old}; {text}"),
        None => text.to_owned(),
    };
    if whole.len() > NOTE {
        return Err(Failure::new(
            Exit::Usage,
            format!("the notes would have {} bytes, {NOTE} at most: --replace starts anew", whole.len()),
        ));
    }
    Ok(Some(SafeText::new(&whole)).filter(|notes| !notes.is_empty()))
}

async fn find_task(context: &Context, text: &str) -> Result<Task, Failure> {
    let tasks = context.store.tasks().await?;
    let found = tasks.into_iter().find(|task| task.number.as_str().eq_ignore_ascii_case(text) || task.id.to_string() == text);
    found.ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("there is no task '{}'; `noctule task list --all` shows them", SafeText::bounded(text, 60)))
    })
}

async fn find_technician(context: &Context, text: &str) -> Result<Technician, Failure> {
    let all = context.store.technicians().await?;
    let same = |technician: &&Technician| {
        technician.employee_id.as_str().eq_ignore_ascii_case(text)
            || technician.name.as_str().to_lowercase() == text.to_lowercase()
            || technician.id.to_string() == text
    };
    let found: Vec<&Technician> = all.iter().filter(same).collect();
    let shown = SafeText::bounded(text, 60);
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let hint = crate::near::hint(text, all.iter().map(|technician| technician.name.as_str()));
            Err(Failure::new(Exit::NotFound, format!("there is no technician '{shown}'{hint}")))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|technician| technician.employee_id.as_str()).collect();
            Err(Failure::new(Exit::Usage, format!("'{shown}' names several technicians: {}; give the employee id", ids.join(", "))))
        }
    }
}

/// The outbox before a change, so that what the change brings is known as ours.
#[derive(Default)]
struct Before {
    conflicts: HashSet<OpId>,
    unsent: u64,
}

async fn waiting(context: &Context) -> Result<Before, Failure> {
    if !context.is_central() {
        return Ok(Before::default());
    }
    let conflicts = context.store.conflicts().await?.into_iter().map(|conflict| conflict.op.id).collect();
    Ok(Before { conflicts, unsent: unsent(context).await? })
}

async fn unsent(context: &Context) -> Result<u64, Failure> {
    Ok(context.store.outbox().await.map_err(|error| Failure::new(Exit::Store, error.to_string()))?.unsent)
}

async fn unsent_since(context: &Context, before: &Before) -> Result<bool, Failure> {
    Ok(context.is_central() && unsent(context).await? > before.unsent)
}

/// Pushes what was changed and says where it went.
async fn ended(context: &Context, before: &Before, done: String, out: &mut Out) -> Result<Exit, Failure> {
    let written = unsent_since(context, before).await?;
    match send(context, &before.conflicts).await? {
        Sent::Here | Sent::Centre => {
            out.line(done)?;
            Ok(Exit::Ok)
        }
        // What was asked for is what was there: no change was made, so none waits.
        Sent::Kept(_) if !written => {
            out.line(format!("{done}, as it was before"))?;
            Ok(Exit::Ok)
        }
        Sent::Kept(why) => {
            out.line(format!("{done}; it waits in the outbox until the centre takes it"))?;
            eprintln!("noctule: {why}");
            Ok(Exit::Queued)
        }
        Sent::Conflict(conflict) => {
            out.line(super::sync::conflict_words(&conflict))?;
            Err(Failure::new(
                Exit::Guard,
                format!("not done as asked: decide with `noctule sync resolve {} mine|theirs|both`", conflict.op.id.short()),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_added_or_takes_the_place() {
        let old = SafeText::new("gate 12");
        assert_eq!(noted(Some(&old), "dog", false).unwrap().unwrap().as_str(), "gate 12; dog");
        assert_eq!(noted(Some(&old), "dog", true).unwrap().unwrap().as_str(), "dog");
        assert_eq!(noted(None, "", false).unwrap(), None);
        assert_eq!(noted(Some(&old), &"x".repeat(NOTE), false).unwrap_err().exit, Exit::Usage);
    }
}
