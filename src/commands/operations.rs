//! `noctule operations list|show|resume|cancel`.

use super::ipv6::{exit_of, report};
use super::out::cell;
use super::{Context, Out, Table};
use crate::cli::{GlobalArgs, OperationsCommand};
use crate::compose;
use crate::exit::{Exit, Failure};
use noctule_domain::lifecycle::OperationView;
use noctule_domain::sentence::{ended, moment};
use noctule_domain::{OperationId, SafeText};
use noctule_storage::OperationFilter;
use std::time::Duration;

pub async fn run(flags: &GlobalArgs, what: &OperationsCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        OperationsCommand::List { open, subscriber, limit, json } => list(flags, *open, subscriber.as_deref(), *limit, *json, out).await,
        OperationsCommand::Show { id, json } => {
            let context = Context::to_read(flags, "operations show")?.copied().await?;
            let id = named(&context, id).await?;
            let view = context.store.operation(id).await?.ok_or_else(|| unknown(id))?;
            if *json {
                out.json(&view)?
            } else {
                show(&view, out)?
            }
            Ok(Exit::Ok)
        }
        OperationsCommand::Resume { id, wait, json, .. } => resume(flags, id.as_deref(), *wait, *json, out).await,
        OperationsCommand::Cancel { id } => {
            let context = Context::to_write(flags, "operations cancel")?.copied().await?;
            let id = named(&context, id).await?;
            compose::cancel(&context, id).await?;
            out.line(format!("operation {id} is cancelled; nothing had been done"))?;
            Ok(Exit::Ok)
        }
    }
}

/// The operation that is meant by its id, or by the end of it: sentences and screens show the last eight characters.
async fn named(context: &Context, text: &str) -> Result<OperationId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let shown = SafeText::bounded(text, 60);
    let end = text.to_ascii_lowercase();
    if end.len() < 6 || !end.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        let wanted = "give it whole, or its last eight characters; `noctule operations list` shows them";
        return Err(Failure::new(Exit::Usage, format!("'{shown}' is no id of an operation: {wanted}")));
    }
    let rows = context.store.operations(OperationFilter { open_only: false, status: None, limit: 10_000 }).await?;
    let mut found = rows.iter().map(|row| row.id).filter(|id| id.to_string().ends_with(&end));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(Failure::new(Exit::Usage, format!("several operations end in {shown}: give the whole id"))),
        (None, _) => {
            Err(Failure::new(Exit::NotFound, format!("there is no operation that ends in {shown}; `noctule operations list` shows them")))
        }
    }
}

fn unknown(id: OperationId) -> Failure {
    Failure::new(Exit::NotFound, format!("there is no operation {id} in this tenant; `noctule operations list` shows them"))
}

async fn list(flags: &GlobalArgs, open: bool, subscriber: Option<&str>, limit: u32, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "operations list")?.copied().await?;
    let mut table = Table::new(&["requested", "operation", "subscriber", "kind", "status", "step", "tries", "by", "trouble"]);
    if let Some(text) = subscriber {
        let found = context.subscriber(text).await?;
        let mut views = context.store.subscriber_timeline(found.id, limit).await?;
        views.retain(|view| !open || view.operation.status.is_open());
        if json {
            out.json(&views)?;
            return Ok(Exit::Ok);
        }
        for view in &views {
            let op = &view.operation;
            let step = view.steps.last().map(|s| s.step.to_string());
            let tries = view.steps.last().map_or(0, |s| s.attempt);
            table.row(vec![
                moment(op.requested_at),
                op.id.to_string(),
                view.subscriber_name.to_string(),
                op.kind.to_string(),
                op.status.to_string(),
                cell(step),
                tries.to_string(),
                op.actor.name.to_string(),
                trouble(op.error.as_ref()),
            ]);
        }
    } else {
        let rows = context.store.operations(OperationFilter { open_only: open, status: None, limit }).await?;
        if json {
            out.json(&rows)?;
            return Ok(Exit::Ok);
        }
        for row in &rows {
            table.row(vec![
                moment(row.requested_at),
                row.id.to_string(),
                row.subscriber_number.to_string(),
                row.kind.to_string(),
                row.status.to_string(),
                cell(row.step.map(|step| format!("{step} {}/{}", row.step_index + 1, row.steps))),
                row.attempts.to_string(),
                row.actor.to_string(),
                trouble(row.error.as_ref()),
            ]);
        }
    }
    if table.is_empty() {
        out.line("no operation")?
    } else {
        out.table(&table)?
    }
    Ok(Exit::Ok)
}

fn trouble(error: Option<&SafeText>) -> String {
    error.map_or_else(|| "-".into(), |error| SafeText::bounded(error.as_str(), 60).into_string())
}

fn show(view: &OperationView, out: &mut Out) -> Result<(), Failure> {
    let op = &view.operation;
    out.line(ended(op.kind, &view.subscriber_name, op.status, op.error.as_ref()))?;
    out.pairs(&[
        ("operation", Some(op.id.to_string())),
        ("by", Some(format!("{} ({}), {}", op.actor.name, op.actor.role, op.actor.origin))),
        ("reason", op.options.reason.as_ref().map(ToString::to_string)),
        ("requested", Some(moment(op.requested_at))),
        ("ended", op.ended_at.map(moment)),
        ("next try", op.retry_at.filter(|_| op.status.is_open()).map(moment)),
        (
            "plan",
            Some(if op.plan.is_empty() {
                "nothing to ask".into()
            } else {
                op.plan.iter().map(|s| s.word()).collect::<Vec<_>>().join(", ")
            }),
        ),
        ("prefix", op.progress.prefix.map(|p| p.to_string())),
    ])?;
    for step in &view.steps {
        out.line(format!("{}  {} (try {}) {} to {}", moment(step.started_at), step.step, step.attempt, step.status, step.upstream))?;
        out.line(format!("    asked: {}", step.request))?;
        if let Some(answer) = &step.answer {
            out.line(format!("    answer: {answer}"))?;
        }
    }
    Ok(())
}

async fn resume(flags: &GlobalArgs, id: Option<&str>, wait: u32, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_write(flags, "operations resume")?;
    let wait = Duration::from_secs(wait.into());
    if let Some(id) = id {
        let id = named(&context, id).await?;
        let view = context.store.operation(id).await?.ok_or_else(|| unknown(id))?;
        let outcome = compose::resume(&context, id, wait).await?;
        return report(view.operation.kind, &outcome, json, out);
    }
    let open = context.store.operations(OperationFilter { open_only: true, status: None, limit: 10_000 }).await?;
    let mut outcomes = Vec::new();
    let mut refused = 0;
    let taken = if open.is_empty() { Vec::new() } else { compose::resume_all(&context, wait).await? };
    // What another console runs is in good hands: said, and no trouble of this one.
    for row in open.iter().filter(|row| !taken.iter().any(|(id, _)| *id == row.id)) {
        let elsewhere = format!("{} {} ({}) is run by another console now", row.kind, row.subscriber_number, row.id);
        if json { eprintln!("noctule: {elsewhere}") } else { out.line(elsewhere)? }
    }
    for (id, ended) in taken {
        match ended {
            Ok(outcome) => {
                if let (false, Some(view)) = (json, &outcome.operation) {
                    report(view.operation.kind, &outcome, false, out)?;
                }
                outcomes.push(outcome);
            }
            Err(failure) => {
                refused += 1;
                eprintln!("noctule: operation {id}: {}", failure.sentence);
            }
        }
    }
    if json {
        out.json(&outcomes)?;
    } else if open.is_empty() {
        out.line("no operation is open")?;
    }
    let exits: Vec<Exit> = outcomes.iter().map(exit_of).collect();
    Ok(match exits.iter().find(|exit| **exit != Exit::Ok) {
        None if refused == 0 => Exit::Ok,
        Some(first) if refused == 0 && exits.iter().all(|exit| exit == first) => *first,
        _ => Exit::Partly,
    })
}
