//! `noctule sync …`: the copy and the outbox of this machine, and how they stand to the centre.

use super::out::cell;
use super::{Context, Out, Progress, Table};
use crate::cli::{GlobalArgs, SyncCommand};
use crate::compose::{self, Answers, begin_queued, central_of, fresh};
use crate::exit::{Exit, Failure};
use noctule_domain::sentence::moment;
use noctule_domain::sync::{Answer, Change, Conflict, Op, Replica, Resolution};
use noctule_domain::{OpId, SafeText};
use serde_json::{Value, json};
use std::time::Duration;

/// How long `sync now` waits for one operation that it begins for the outbox.
const OPERATION: Duration = Duration::from_secs(60);

pub async fn run(flags: &GlobalArgs, what: &SyncCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        SyncCommand::Status { json } => super::sync_status::run(flags, *json, out).await,
        SyncCommand::Now { json } => now(flags, *json, out).await,
        SyncCommand::Verify { check, json } => verify(flags, *check, *json, out).await,
        SyncCommand::Outbox { limit, json } => outbox(flags, *limit, *json, out).await,
        SyncCommand::Conflicts { json } => conflicts(flags, *json, out).await,
        SyncCommand::Resolve { op, resolution } => resolve(flags, op, *resolution, out).await,
    }
}

fn store(error: noctule_domain::sync::ReplicaError) -> Failure {
    Failure::new(Exit::Store, error.to_string())
}

async fn now(flags: &GlobalArgs, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_write(flags, "sync now")?;
    let central = central_of(&context)?;
    fresh(&context, &central).await?;
    let begun = begin_waiting(&context).await?;
    if begun > 0 {
        // What they changed comes back at once instead of with the next round.
        fresh(&context, &central).await?;
    }
    let outbox = context.store.outbox().await.map_err(store)?;
    let position = context.store.position().await.map_err(store)?;
    if json {
        let at = position.as_ref().map(|position| position.at);
        out.json(&json!({ "at": at, "begun": begun, "unsent": outbox.unsent, "conflicts": outbox.conflicts }))?;
    } else {
        let at = cell(position.map(|position| moment(position.at)));
        // A console that leads may be offline itself: what was not asked is not claimed.
        let who = if context.store.lead() { "in step with the centre" } else { "a console that runs here keeps this copy; it stands" };
        out.line(format!("{who} as of {at}; {} change(s) wait, {} need a decision", outbox.unsent, outbox.conflicts))?;
    }
    Ok(match (outbox.unsent, outbox.conflicts) {
        (0, 0) => Exit::Ok,
        (0, _) => Exit::Partly,
        _ => Exit::Queued,
    })
}

/// Begins the lifecycle requests of the outbox, where no console is there to do it.
async fn begin_waiting(context: &Context) -> Result<usize, Failure> {
    if !context.store.lead() {
        return Ok(0);
    }
    let waiting = context.store.queued_lifecycle(1000).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let services = compose::acting(context).await?;
    let progress = Progress::new();
    let mut begun = 0;
    for (op, request) in waiting {
        let kind = request.kind;
        let name = services.name_of(request.subscriber).await;
        progress.say(&format!("{kind} {name}"));
        let answer = begin_queued(&services, &op, request).await.map_err(|why| Failure::new(Exit::Store, why.to_string()))?;
        match answer {
            Answers::Begun(handle) => {
                begun += 1;
                // It is durable: a console goes on with it when this takes longer.
                let _ = tokio::time::timeout(OPERATION, handle.ended()).await;
            }
            Answers::Already => {}
            Answers::Refused(why) => eprintln!("noctule: {kind} {name}: {why}"),
            Answers::Later(why) => {
                eprintln!("noctule: {kind} {name} stays in the outbox: {why}");
                break;
            }
        }
    }
    Ok(begun)
}

async fn verify(flags: &GlobalArgs, check: bool, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    // Also a comparison first takes in what changed since the last read: else all of that would be a difference.
    let context = Context::to_write(flags, "sync verify")?;
    let central = central_of(&context)?;
    if !context.store.lead() {
        let sentence = "a console that runs here leads the sync, and the copy has to stand still while it is compared: close it first";
        return Err(Failure::new(Exit::Guard, sentence));
    }
    if !check {
        fresh(&context, &central).await?;
    }
    let report = central.verify(&context, check).await?;
    let exit = if check && !report.same() { Exit::Internal } else { Exit::Ok };
    if json {
        out.json(&report)?;
        return Ok(exit);
    }
    let mut table = Table::new(&["table", "rows here", "rows there", "ranges", "differing", "fetched", "removed"]);
    for row in &report.tables {
        let numbers = [row.here, row.there, row.ranges, row.differing, row.fetched, row.removed];
        table.row(std::iter::once(row.table.to_string()).chain(numbers.iter().map(u64::to_string)).collect());
    }
    out.table(&table)?;
    out.line(match (report.same(), report.healed) {
        (true, _) => format!("the copy is the same as the centre at {}", moment(report.at)),
        (false, true) => "what differed was fetched anew; the copy is the same as the centre now".to_owned(),
        (false, false) => "the copy differs; `noctule sync verify` without --check mends it".to_owned(),
    })?;
    Ok(exit)
}

async fn outbox(flags: &GlobalArgs, limit: u32, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "sync outbox")?;
    central_of(&context)?;
    let rows = context.store.outbox_list(limit).await?;
    if json {
        let rows: Vec<Value> = rows.iter().map(|(op, state, target)| json!({ "op": op, "state": state, "target": target })).collect();
        out.json(&rows)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["made", "change", "state", "what", "target"]);
    for (op, state, target) in rows {
        table.row(vec![moment(op.made_at), op.id.to_string(), state.to_string(), verb(&op.change), target.into_string()]);
    }
    if table.is_empty() {
        out.line("the outbox is empty")?
    } else {
        out.table(&table)?
    }
    Ok(Exit::Ok)
}

/// What is wanted, in a few words.
fn verb(change: &Change) -> String {
    match change {
        Change::TaskEdit { fields, .. } | Change::SubscriberEdit { fields, .. } | Change::TechnicianEdit { fields, .. } => {
            fields.keys().cloned().collect::<Vec<_>>().join(", ")
        }
        Change::Position { .. } => "position".into(),
        Change::ClockIn(entry) => format!("clock in ({})", entry.kind),
        Change::ClockOut { .. } => "clock out".into(),
        Change::Lifecycle(request) => request.kind.to_string(),
        Change::Emergency(report) => format!("emergency {}", report.purpose),
    }
}

async fn conflicts(flags: &GlobalArgs, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "sync conflicts")?;
    central_of(&context)?;
    let rows = context.store.conflicts().await?;
    if json {
        out.json(&rows)?;
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        out.line("nothing needs a decision")?;
    }
    for conflict in &rows {
        out.line(conflict_words(conflict))?;
    }
    Ok(Exit::Ok)
}

/// A conflict with every value, a line each.
pub(super) fn conflict_words(conflict: &Conflict) -> String {
    let Conflict { op, answer, answered_at, target } = conflict;
    let mut text =
        format!("{}  {target}  ({}, asked {}, answered {})", op.id.short(), verb(&op.change), moment(op.made_at), moment(*answered_at));
    match answer {
        Answer::Conflict { collisions, applied } => {
            for collision in collisions {
                let by = collision.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                text.push_str(&format!(
                    "\n  {}: was {}; yours {}; theirs {}{by}",
                    SafeText::bounded(&collision.field, 60),
                    shown(&collision.was),
                    shown(&collision.yours),
                    shown(&collision.theirs)
                ));
            }
            if !applied.is_empty() {
                text.push_str(&format!("\n  applied: {}", SafeText::bounded(&applied.join(", "), 200)));
            }
        }
        Answer::Refused { why } => text.push_str(&format!("\n  refused: {why}")),
        Answer::Denied { why } => text.push_str(&format!("\n  not allowed: {why}")),
        Answer::Gone => text.push_str("\n  it is not there any more, or not for this operator"),
        Answer::Applied { .. } | Answer::Already { .. } => {}
    }
    text
}

fn shown(value: &Value) -> SafeText {
    match value {
        Value::Null => "nothing".into(),
        Value::String(text) => SafeText::bounded(&format!("'{text}'"), 300),
        other => SafeText::bounded(&other.to_string(), 300),
    }
}

async fn resolve(flags: &GlobalArgs, text: &str, resolution: Resolution, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_write(flags, "sync resolve")?;
    let central = central_of(&context)?;
    let rows = context.store.conflicts().await?;
    let ops: Vec<&Op> = rows.iter().map(|conflict| &conflict.op).collect();
    let id = named(&ops, text)?;
    context.store.conflict_resolve(id, resolution, context.actor.clone()).await?;
    if resolution == Resolution::Theirs {
        out.line("theirs stays")?;
        return Ok(Exit::Ok);
    }
    match fresh(&context, &central).await {
        Ok(()) => out.line(if resolution == Resolution::Mine { "yours was asked for again" } else { "both texts are kept" })?,
        Err(failure) => {
            out.line("decided; it waits in the outbox and is pushed when the centre is back")?;
            eprintln!("noctule: {}", failure.sentence);
            return Ok(Exit::Queued);
        }
    }
    Ok(Exit::Ok)
}

/// The change that is meant by its id, or by the end of it.
fn named(ops: &[&Op], text: &str) -> Result<OpId, Failure> {
    let end = text.to_ascii_lowercase();
    let found: Vec<OpId> = ops.iter().map(|op| op.id).filter(|id| id.to_string().ends_with(&end)).collect();
    let shown = SafeText::bounded(text, 60);
    match found.as_slice() {
        _ if end.len() < 6 => {
            Err(Failure::new(Exit::Usage, format!("'{shown}' is too short: give the whole id, or its last eight characters")))
        }
        [one] => Ok(*one),
        [] => Err(Failure::new(Exit::NotFound, format!("no conflict ends in {shown}; `noctule sync conflicts` shows them"))),
        _ => Err(Failure::new(Exit::Usage, format!("several conflicts end in {shown}: give the whole id"))),
    }
}
