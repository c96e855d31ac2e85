//! `noctule job list|show|pause|resume|cancel|retry|export`.

use super::bulk::{self, Wanted};
use super::export::line;
use super::{Context, Out, Table};
use crate::cli::{ExportFormat, GlobalArgs, JobArgs, JobCommand};
use crate::compose::{self, Set};
use crate::exit::{Exit, Failure};
use noctule_domain::job::{ItemFilter, JobError, JobJournal, JobView, Wish};
use noctule_domain::sentence::moment;
use noctule_domain::{JobId, SafeText};
use noctule_storage::Jobs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Items read at once for an export.
const PAGE: u32 = 5000;

pub async fn run(flags: &GlobalArgs, what: &JobCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        JobCommand::List { limit, json } => {
            let jobs = compose::open_jobs(&Context::to_read(flags, "job list")?, true)?;
            let listed = jobs.jobs(*limit).await?;
            list(&listed, *json, out)
        }
        JobCommand::Show { id, json } => {
            let jobs = compose::open_jobs(&Context::to_read(flags, "job show")?, true)?;
            let view = named(&jobs, id).await?;
            if *json {
                out.json(&view)?
            } else {
                bulk::show_of(&jobs, &view, out).await?
            }
            Ok(Exit::Ok)
        }
        JobCommand::Pause(args) => ask(flags, "job pause", args, Wish::Pause, out).await,
        JobCommand::Cancel(args) => ask(flags, "job cancel", args, Wish::Cancel, out).await,
        JobCommand::Resume(args) => {
            let context = Context::to_write(flags, "job resume")?.copied().await?;
            let services = compose::acting(&context).await?;
            let view = named(&services.jobs, &args.id).await?;
            services.job_wish(view.head.id, Wish::Go).await?;
            bulk::follow(&services, view.head.id, args.json, out).await
        }
        JobCommand::Retry { id, bulk, yes, json } => {
            let context = Context::to_write(flags, "job retry")?.copied().await?;
            let view = named(&compose::open_jobs(&context, false)?, id).await?;
            if bulk.filter.is_some() {
                return Err(Failure::new(Exit::Usage, "--filter does not belong to job retry: it takes up those that went wrong"));
            }
            let wanted = Wanted { course: view.head.course.clone(), set: Set::BadOf(view.head.id), bulk, yes: *yes, json: *json };
            bulk::run(&context, wanted, out).await
        }
        JobCommand::Export { id, format, bad } => {
            let jobs = compose::open_jobs(&Context::to_read(flags, "job export")?, true)?;
            let view = named(&jobs, id).await?;
            export(&jobs, &view, *format, *bad, out).await
        }
    }
}

/// Asks the process that runs jobs; where none does, what needs nobody is done by this one.
async fn ask(flags: &GlobalArgs, command: &str, args: &JobArgs, wish: Wish, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_write(flags, command)?;
    let jobs = compose::open_jobs(&context, false)?;
    let view = named(&jobs, &args.id).await?;
    let id = view.head.id;
    jobs.wish(id, wish).await?;
    if jobs.lead() {
        jobs.resign();
        drop(jobs);
        let services = compose::acting(&context.copied().await?).await?;
        return bulk::follow(&services, id, args.json, out).await.map(|_| Exit::Ok);
    }
    let view = jobs.job(id).await?.unwrap_or(view);
    if args.json {
        out.json(&view)?;
    } else {
        out.line(format!("job {id}: {wish} is asked for; the process that runs it does that at once"))?;
    }
    Ok(Exit::Ok)
}

/// The job that is meant by its id, or by the end of it.
pub(super) async fn named(jobs: &Jobs, text: &str) -> Result<JobView, Failure> {
    let shown = SafeText::bounded(text, 60);
    let none = || Failure::new(Exit::NotFound, format!("there is no job '{shown}'; `noctule job list` shows them"));
    if let Ok(id) = text.parse::<JobId>() {
        return jobs.job(id).await?.ok_or_else(none);
    }
    let end = text.to_ascii_lowercase();
    if end.len() < 4 {
        return Err(Failure::new(Exit::Usage, format!("'{shown}' is no id of a job: give it whole, or its last eight characters")));
    }
    let mut found = jobs.jobs(10_000).await?.into_iter().filter(|view| view.head.id.to_string().ends_with(&end));
    match (found.next(), found.next()) {
        (Some(view), None) => Ok(view),
        (Some(_), Some(_)) => Err(Failure::new(Exit::Usage, format!("several jobs end in {shown}: give the whole id"))),
        (None, _) => Err(none()),
    }
}

fn list(jobs: &[JobView], json: bool, out: &mut Out) -> Result<Exit, Failure> {
    if json {
        out.json(&jobs)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["made", "job", "course", "state", "ended", "of", "wrong", "by", "set"]);
    for JobView { head, tally, .. } in jobs {
        table.row(vec![
            moment(head.made_at),
            head.id.short(),
            head.course.word().to_owned(),
            head.state.to_string(),
            tally.ended().to_string(),
            tally.total().to_string(),
            tally.bad().to_string(),
            head.actor.name.to_string(),
            head.source.to_string(),
        ]);
    }
    out.table(&table)?;
    Ok(Exit::Ok)
}

/// The whole of a job as CSV, into a new file for its owner alone; gives how many rows.
pub async fn export_job(jobs: &Jobs, job: JobId, path: &Path) -> Result<u32, Failure> {
    let view = jobs.job(job).await?.ok_or_else(|| Failure::new(Exit::NotFound, "this job is not there any more"))?;
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut out = Out::to(file);
    export(jobs, &view, ExportFormat::Csv, false, &mut out).await?;
    out.flush()?;
    Ok(view.tally.total() + view.tally.left_out)
}

async fn export(jobs: &Jobs, view: &JobView, format: ExportFormat, bad: bool, out: &mut Out) -> Result<Exit, Failure> {
    let csv = format == ExportFormat::Csv;
    out.raw(if csv { &b""[..] } else { &b"["[..] })?;
    if csv {
        let header = ["subscriber_number", "name", "nas", "canary", "state", "outcome", "note", "operation", "ended_at"];
        out.raw(&line(header.iter().map(|name| (*name).to_owned()).collect())?)?;
    }
    let (mut after, mut first) = (None, true);
    loop {
        let rows = jobs.items(view.head.id, ItemFilter { bad, group: None }, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.seq);
        for row in &rows {
            if csv {
                let text = |value: Option<String>| value.unwrap_or_default();
                out.raw(&line(vec![
                    row.subscriber_number.to_string(),
                    row.name.to_string(),
                    row.nas.to_string(),
                    row.canary.to_string(),
                    row.state.to_string(),
                    text(row.outcome.map(|outcome| outcome.to_string())),
                    text(row.note.as_ref().map(ToString::to_string)),
                    text(row.operation.map(|id| id.to_string())),
                    text(row.ended_at.map(|at| at.to_rfc3339())),
                ])?)?;
            } else {
                out.raw(if first { &b"\n"[..] } else { &b",\n"[..] })?;
                out.json_row(row)?;
            }
            first = false;
        }
    }
    out.raw(if csv { &b""[..] } else { &b"\n]\n"[..] })?;
    Ok(Exit::Ok)
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        let exit = match &error {
            JobError::NotFound(_) => Exit::NotFound,
            JobError::Refused(_) => Exit::Guard,
            JobError::Store { .. } => Exit::Store,
        };
        Self::new(exit, error.to_string())
    }
}
