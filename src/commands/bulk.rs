//! A course for many from the command line: preview, question, progress, sum. `provision` and `deprovision` are courses of several stages.

use super::{Context, Out, Progress, Table};
use crate::cli::{BulkArgs, FlowArgs, GlobalArgs, ProvisionArgs};
use crate::compose::{self, Services, Set};
use crate::exit::{Exit, Failure};
use noctule_domain::filter::{Filter, parse};
use noctule_domain::job::{Course, ItemFilter, JobJournal, JobPreview, JobState, JobView, Terms, Threshold, Wish};
use noctule_domain::lifecycle::OperationOptions;
use noctule_domain::{JobId, SafeText, sentence};
use serde::Serialize;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a running job is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Errors that are named one by one.
pub(super) const FIRST: u32 = 10;

pub(super) struct Wanted<'a> {
    pub course: Course,
    pub set: Set,
    pub bulk: &'a BulkArgs,
    pub yes: bool,
    pub json: bool,
}

#[derive(Serialize)]
struct DryRun<'a> {
    dry_run: bool,
    #[serde(flatten)]
    preview: &'a JobPreview,
}

pub async fn provision(flags: &GlobalArgs, args: &ProvisionArgs, out: &mut Out) -> Result<Exit, Failure> {
    let options =
        OperationOptions { prefix_len: args.prefix_len, pool: args.pool, reason: reason(&args.flow), ..OperationOptions::default() };
    flow(flags, "provision", Course::Provision { options, proof_s: args.proof, undo: args.undo }, &args.flow, out).await
}

pub async fn deprovision(flags: &GlobalArgs, args: &FlowArgs, out: &mut Out) -> Result<Exit, Failure> {
    let options = OperationOptions { reason: reason(args), ..OperationOptions::default() };
    flow(flags, "deprovision", Course::Deprovision { options }, args, out).await
}

fn reason(args: &FlowArgs) -> Option<SafeText> {
    args.reason.as_deref().map(|text| SafeText::bounded(text, 500))
}

async fn flow(flags: &GlobalArgs, command: &str, course: Course, args: &FlowArgs, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_write(flags, command)?.copied().await?;
    let set = match &args.bulk.filter {
        Some(text) => filtered(text)?,
        None => {
            let mut ids = Vec::new();
            for text in &args.subscribers {
                ids.push(context.subscriber(text).await?.id);
            }
            Set::These(ids)
        }
    };
    let wanted = Wanted { course, set, bulk: &args.bulk, yes: args.yes, json: args.json };
    run(&context, wanted, out).await
}

pub(super) fn filtered(text: &str) -> Result<Set, Failure> {
    let text = text.trim();
    let filter =
        if text == "*" { Filter::default() } else { parse(text).map_err(|e| Failure::new(Exit::Usage, format!("--filter: {e}")))? };
    if text.is_empty() {
        return Err(Failure::new(Exit::Usage, "--filter: it is empty; `*` is everybody"));
    }
    Ok(Set::Filter { filter, text: text.to_owned() })
}

fn terms(args: &BulkArgs) -> Terms {
    let usual = Terms::default();
    Terms {
        canary_percent: args.canary.unwrap_or(usual.canary_percent),
        rate_per_nas: args.rate,
        threshold: Threshold { percent: args.threshold.unwrap_or(usual.threshold.percent), ..usual.threshold },
        ..usual
    }
}

pub(super) async fn run(context: &Context, wanted: Wanted<'_>, out: &mut Out) -> Result<Exit, Failure> {
    let services = compose::acting(context).await?;
    let preview =
        services.preview(wanted.course.clone(), terms(wanted.bulk), wanted.set).await.map_err(|e| Failure::new(Exit::Store, e))?;
    let count = preview.job.tally.waiting;
    if wanted.bulk.dry_run {
        if wanted.json {
            out.json(&DryRun { dry_run: true, preview: &preview })?
        } else {
            show_preview(&preview, out)?
        }
        return Ok(Exit::Ok);
    }
    if count == 0 {
        if wanted.json {
            out.json(&preview)?
        } else {
            show_preview(&preview, out)?
        }
        return Err(Failure::new(Exit::Guard, format!("{}: nobody of them can go; nothing was begun", wanted.course.word())));
    }
    if !wanted.yes {
        let mut asked = Out::to(std::io::stderr());
        show_preview(&preview, &mut asked)?;
        asked.flush()?;
        confirm_count(&wanted.course, count)?;
    }
    services.job_wish(preview.job.head.id, Wish::Go).await?;
    follow(&services, preview.job.head.id, wanted.json, out).await
}

fn show_preview(preview: &JobPreview, out: &mut Out) -> Result<(), Failure> {
    let job = &preview.job;
    out.line(format!("{} of {}: {} go, {} do not", job.head.course.word(), job.head.source, job.tally.waiting, job.tally.left_out))?;
    for (nas, n) in &preview.per_nas {
        out.line(format!("  {n:>8}  {}", sentence::nas_or_none(nas)))?;
    }
    for (why, n) in &preview.left_out {
        out.line(format!("  {n:>8}  not: {why}"))?;
    }
    if job.tally.waiting > 0 {
        out.line(sentence::job_terms(preview))?;
    }
    out.line(format!("job {}", job.head.id))
}

/// A habit of the fingers must not end the service of a hundred people: the count is typed.
fn confirm_count(course: &Course, count: u32) -> Result<(), Failure> {
    if count == 1 && !course.is_dangerous() {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let sentence = format!("{} of {count} asks for confirmation and there is no terminal to ask on: give --yes", course.word());
        return Err(Failure::new(Exit::Usage, sentence));
    }
    eprint!("{} {count} subscriber(s): type {count} to go on: ", course.word());
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == count.to_string() { Ok(()) } else { Err(Failure::new(Exit::Guard, "not done: nothing was changed")) }
}

/// Runs jobs in this process, unless another of this user does, until this one is over or stands.
pub(super) async fn follow(services: &Arc<Services>, id: JobId, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let cancel = CancellationToken::new();
    let (runner, until) = (services.runner.clone(), cancel.clone());
    let running = tokio::spawn(async move { runner.run(until).await });
    let progress = Progress::new();
    let view = loop {
        let view = services.jobs.job(id).await?.ok_or_else(|| Failure::new(Exit::NotFound, "the job has gone"))?;
        let stands =
            matches!(view.head.state, JobState::Paused | JobState::Stopped) && view.tally.running == 0 && view.head.wish != Wish::Go;
        if view.head.state.is_over() || stands {
            break view;
        }
        progress.say(&progress_words(&view));
        tokio::time::sleep(LOOK).await;
    };
    drop(progress);
    cancel.cancel();
    let _ = running.await;
    services.jobs.resign();
    if json {
        out.json(&view)?
    } else {
        show(services, &view, out).await?
    }
    Ok(exit_of(&view))
}

fn progress_words(view: &JobView) -> String {
    let tally = &view.tally;
    let left = view.eta_s.map_or_else(String::new, |s| format!(", {} left", sentence::span(s.into())));
    let bad = if tally.bad() > 0 { format!(", {} wrong", tally.bad()) } else { String::new() };
    format!("{} {}: {} of {}{bad}{left}", view.head.course.word(), view.head.state, tally.ended(), tally.total())
}

pub(super) fn exit_of(view: &JobView) -> Exit {
    let tally = &view.tally;
    match view.head.state {
        JobState::Done if tally.bad() == 0 && tally.cancelled == 0 => Exit::Ok,
        JobState::Done if tally.ended() == tally.refused => Exit::Refused,
        JobState::Done if tally.ended() == tally.unanswered => Exit::Unanswered,
        JobState::Done | JobState::Cancelled | JobState::Stopped => Exit::Partly,
        _ => Exit::Waiting,
    }
}

/// A job in lines: state, outcomes, first errors.
pub(super) async fn show(services: &Services, view: &JobView, out: &mut Out) -> Result<(), Failure> {
    show_of(&services.jobs, view, out).await
}

pub(super) async fn show_of(jobs: &noctule_storage::Jobs, view: &JobView, out: &mut Out) -> Result<(), Failure> {
    use noctule_domain::sentence::moment;
    let (head, tally) = (&view.head, &view.tally);
    out.line(format!("{} of {}: {}", head.course.word(), head.source, head.state))?;
    if let Some(why) = &head.why {
        out.line(format!("  {why}"))?;
    }
    let some = |n: u32| (n > 0).then(|| n.to_string());
    out.pairs(&[
        ("job", Some(head.id.to_string())),
        ("by", Some(head.actor.name.to_string())),
        ("reason", head.course.reason().map(ToString::to_string)),
        ("again from", head.retry_of.map(|id| id.to_string())),
        ("begun", head.started_at.map(moment)),
        ("ended", head.ended_at.map(moment)),
        ("to go", Some(tally.total().to_string())),
        ("waiting", some(tally.waiting)),
        ("under way", some(tally.running)),
        ("succeeded", some(tally.succeeded)),
        ("already there", some(tally.already_there)),
        ("unproven", some(tally.unproven)),
        ("refused", some(tally.refused)),
        ("unanswered", some(tally.unanswered)),
        ("failed", some(tally.failed)),
        ("cancelled", some(tally.cancelled)),
        ("left out", some(tally.left_out)),
        ("time left", view.eta_s.filter(|_| head.state.goes()).map(|s| sentence::span(s.into()))),
    ])?;
    // The one subscriber of a flow is told in full; of many the first that went wrong.
    let few = tally.total() <= FIRST;
    let rows = jobs.items(head.id, ItemFilter { bad: !few, group: None }, None, FIRST).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["subscriber", "nas", "outcome", "note"]);
    for row in rows {
        let state = row.outcome.map_or_else(|| row.state.to_string(), |outcome| outcome.to_string());
        let note = row.note.map(|note| note.to_string()).unwrap_or_default();
        table.row(vec![row.subscriber_number.to_string(), row.nas.to_string(), state, note]);
    }
    out.table(&table)
}
