//! `noctule drift`: check, list, show, dismiss.

use super::{Context, Out, Table};
use crate::cli::{DismissArgs, DriftCommand, GlobalArgs, RepairArgs};
use crate::compose;
use crate::exit::{Exit, Failure};
use noctule_domain::drift::{Dismissal, DriftKind, DriftSource, Finding, KeptFinding, Report, SourceReport};
use noctule_domain::lifecycle::{OperationKind, OperationStatus};
use noctule_domain::permission::Permission;
use noctule_domain::sentence::{age, moment};
use noctule_domain::{SafeText, Timestamp};
use serde::Serialize;

pub async fn run(flags: &GlobalArgs, what: &DriftCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        DriftCommand::Check { kinds, json } => check(flags, &kinds_of(kinds)?, *json, out).await,
        DriftCommand::List { kinds, dismissed, json } => list(flags, &kinds_of(kinds)?, *dismissed, *json, out).await,
        DriftCommand::Show { id, json } => show(flags, id, *json, out).await,
        DriftCommand::Repair(args) => repair(flags, args, out).await,
        DriftCommand::Dismiss(args) => dismiss(flags, args, out).await,
    }
}

fn kinds_of(words: &[String]) -> Result<Vec<DriftKind>, Failure> {
    words.iter().map(|word| word.parse().map_err(|e| Failure::new(Exit::Usage, format!("--kind: {e}")))).collect()
}

async fn check(flags: &GlobalArgs, kinds: &[DriftKind], json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_note(flags, "drift check")?.copied().await?;
    let services = compose::acting(&context).await?;
    if let Some(central) = &services.central {
        // What the copy does not know yet would look like drift.
        compose::fresh(&context, central).await?;
    }
    let report = services.drift.check(&services, kinds.to_vec(), compose::Pace::Quick).await?;
    if json {
        out.json(&report)?;
    } else {
        print(&report, out)?;
    }
    Ok(match (report.findings.is_empty(), report.is_whole()) {
        (false, _) => Exit::Drift,
        (true, true) => Exit::Ok,
        (true, false) => Exit::Partly,
    })
}

fn print(report: &Report, out: &mut Out) -> Result<(), Failure> {
    let mut table = Table::new(&["id", "severity", "kind", "about", "here", "there", "repair"]);
    for finding in sorted(&report.findings) {
        table.row(line(finding, finding.kind.severity().word().to_owned()));
    }
    if !table.is_empty() {
        out.table(&table)?;
    }
    for (kind, seen) in &report.more {
        out.line(format!("{kind}: {seen} suspected, {} of them looked at; repair these, then check again", noctule_domain::drift::KEPT))?;
    }
    out.line(summary(report))?;
    for source in report.sources.iter().filter(|s| !s.whole) {
        out.line(trouble(source))?;
    }
    Ok(())
}

fn sorted(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|f| (std::cmp::Reverse(f.kind.severity()), f.kind, f.about()));
    sorted
}

fn line(finding: &Finding, second: String) -> Vec<String> {
    vec![
        finding.id(),
        second,
        finding.kind.to_string(),
        finding.about().into_string(),
        finding.ours.to_string(),
        finding.theirs.to_string(),
        finding.repair.title().to_owned(),
    ]
}

fn summary(report: &Report) -> String {
    let read: Vec<String> = report.sources.iter().map(|s| format!("{} {}", s.read, noun(s))).collect();
    let took = age((report.ended_at - report.started_at).num_seconds());
    match report.findings.len() {
        0 => format!("no drift found ({} read in {took})", read.join(", ")),
        n => format!("{n} found ({} read in {took})", read.join(", ")),
    }
}

fn noun(source: &SourceReport) -> &'static str {
    match source.source {
        DriftSource::Rows => "subscribers",
        DriftSource::Netbox => "prefixes of NetBox",
        DriftSource::Aaa => "AAA users",
    }
}

fn trouble(source: &SourceReport) -> String {
    let why = source.trouble.as_ref().map_or_else(|| "it was cut off".to_owned(), ToString::to_string);
    format!("{} was not read to its end, so nothing of it is called gone: {why}", source.source)
}

async fn list(flags: &GlobalArgs, kinds: &[DriftKind], dismissed: bool, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "drift list")?;
    let drift = compose::Drift::of(&context.loaded)?;
    let view = drift.view().await?;
    let now = chrono::Utc::now();
    let wanted = |f: &&KeptFinding| (kinds.is_empty() || kinds.contains(&f.finding.kind)) && (dismissed || f.dismissed.is_none());
    let findings: Vec<&KeptFinding> = view.findings.iter().filter(wanted).collect();
    if json {
        out.json(&findings)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["id", "age", "kind", "about", "here", "there", "repair"]);
    for kept in &findings {
        let mut cells = line(&kept.finding, since(kept, now));
        if let (Some(why), Some(last)) = (&kept.dismissed, cells.last_mut()) {
            *last = format!("dismissed by {}: {}", why.by, why.why);
        }
        table.row(cells);
    }
    match (&view.last, table.is_empty()) {
        (None, _) => out.line("no check has ended on this machine yet: `noctule drift check`")?,
        (Some(last), true) => out.line(format!("nothing stands since the check of {}", moment(last.ended_at)))?,
        (Some(last), false) => {
            out.table(&table)?;
            out.line(format!("as of the check of {}", moment(last.ended_at)))?;
        }
    }
    for source in view.last.iter().flat_map(|last| &last.sources).filter(|s| !s.whole) {
        out.line(trouble(source))?;
    }
    Ok(Exit::Ok)
}

fn since(kept: &KeptFinding, now: Timestamp) -> String {
    age((now - kept.first_seen).num_seconds())
}

/// The one that is meant by its id or its key.
pub(super) async fn named(drift: &compose::Drift, text: &str) -> Result<KeptFinding, Failure> {
    let view = drift.view().await?;
    let mut found = view.findings.into_iter().filter(|k| k.finding.id() == text || k.finding.key() == text);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => {
            Err(Failure::new(Exit::Usage, format!("several findings have the id {}: give the key", SafeText::bounded(text, 40))))
        }
        (None, _) => {
            let shown = SafeText::bounded(text, 80);
            Err(Failure::new(Exit::NotFound, format!("there is no finding {shown}; `noctule drift list` shows what there is")))
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    key: String,
    #[serde(flatten)]
    kept: &'a KeptFinding,
    preview: Vec<String>,
}

async fn show(flags: &GlobalArgs, id: &str, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "drift show")?;
    let drift = compose::Drift::of(&context.loaded)?;
    let kept = named(&drift, id).await?;
    let finding = &kept.finding;
    let hold = chrono::Duration::hours(context.loaded.config.store.hold_hours.into());
    let preview = finding.preview(hold);
    if json {
        out.json(&Shown { id: finding.id(), key: finding.key(), kept: &kept, preview })?;
        return Ok(Exit::Ok);
    }
    out.line(finding.kind.meaning())?;
    out.pairs(&[
        ("kind", Some(format!("{} ({})", finding.kind, finding.kind.severity()))),
        ("about", Some(finding.about().into_string())),
        ("prefix", finding.prefix.map(|p| p.to_string())),
        ("here", Some(finding.ours.to_string())),
        ("there", Some(finding.theirs.to_string())),
        ("first seen", Some(moment(kept.first_seen))),
        ("last seen", Some(moment(kept.last_seen))),
        ("dismissed", kept.dismissed.as_ref().map(|d| format!("by {} on {}: {}", d.by, moment(d.at), d.why))),
        ("repair", Some(finding.repair.title().to_owned())),
    ])?;
    for sentence in preview {
        out.line(format!("  {sentence}"))?;
    }
    Ok(Exit::Ok)
}

async fn dismiss(flags: &GlobalArgs, args: &DismissArgs, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_note(flags, "drift dismiss")?;
    if context.loaded.read_only {
        return Err(super::context::read_only("drift dismiss"));
    }
    context.need(Permission::SubscriberWrite)?;
    let drift = compose::Drift::of(&context.loaded)?;
    let kept = named(&drift, &args.id).await?;
    let dismissal = args.reason.as_ref().map(|why| Dismissal {
        at: chrono::Utc::now(),
        by: context.actor.name.clone(),
        why: SafeText::bounded(why, 300),
    });
    let done = if dismissal.is_some() { "dismissed" } else { "not dismissed any more" };
    drift.file()?.dismiss(kept.finding.key(), dismissal).await?;
    out.line(format!("{} {} is {done}", kept.finding.kind, kept.finding.id()))?;
    Ok(Exit::Ok)
}

async fn repair(flags: &GlobalArgs, args: &RepairArgs, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_write(flags, "drift repair")?.copied().await?;
    let services = compose::acting(&context).await?;
    if let Some(central) = &services.central {
        // An operation begins on the version that was seen: that of an old copy would be refused.
        compose::fresh(&context, central).await?;
    }
    let wanted = wanted(&services.drift, args).await?;
    if wanted.is_empty() {
        out.line("nothing of that stands")?;
        return Ok(Exit::Ok);
    }
    if !args.yes && (wanted.len() > 1 || wanted.iter().any(|kept| kept.finding.repair.is_dangerous())) {
        let hold = chrono::Duration::hours(context.loaded.config.store.hold_hours.into());
        for kept in wanted.iter().take(20) {
            eprintln!("{}: {}", kept.finding.about(), kept.finding.preview(hold).join(" "));
        }
        super::confirm("drift repair", &format!("{} finding(s) will be repaired.", wanted.len()))?;
    }
    let mut exits = Vec::new();
    for kept in &wanted {
        let about = format!("{} {}", kept.finding.kind, kept.finding.about());
        let reason = args.reason.as_ref().map(|why| SafeText::bounded(why, 300));
        match compose::repair_drift(&services, &kept.finding.key(), reason).await {
            Ok(compose::Repaired::Gone) => out.line(format!("{about}: differs no more"))?,
            Ok(compose::Repaired::Done(words)) => out.line(format!("{about}: {words}"))?,
            Ok(compose::Repaired::Begun(handle)) => {
                let (id, wait) = (handle.id, std::time::Duration::from_secs(args.wait.into()));
                match tokio::time::timeout(wait, handle.ended()).await {
                    Ok(Ok(finished)) => {
                        let op = &finished.operation;
                        out.line(format!(
                            "{about}: {}",
                            noctule_domain::sentence::ended(op.kind, &finished.subscriber.subscriber_number, op.status, op.error.as_ref())
                        ))?;
                        exits.push(Exit::of_status(op.status));
                        // What a row says by itself is read from the copy, which hears of the end a moment later; a NAS is believed when
                        // accounting shows it.
                        let seen_at_once = op.kind == OperationKind::Reconcile
                            && op.status == OperationStatus::Succeeded
                            && kept.finding.kind.source() != DriftSource::Rows;
                        if services.drift.recheck(&services, &kept.finding).await?.is_some() && seen_at_once {
                            out.line(format!("{about}: it is not so all the same: somebody else writes it too"))?;
                            exits.push(Exit::Refused);
                        }
                    }
                    Ok(Err(error)) => return Err(error.into()),
                    Err(_) => {
                        out.line(format!("{about}: operation {id} goes on"))?;
                        exits.push(Exit::Waiting);
                    }
                }
            }
            Err(failure) => {
                eprintln!("noctule: {about}: {}", failure.sentence);
                exits.push(failure.exit);
            }
        }
    }
    let bad: Vec<Exit> = exits.into_iter().filter(|exit| *exit != Exit::Ok).collect();
    Ok(match bad.first() {
        None => Exit::Ok,
        Some(first) if bad.len() == wanted.len() => *first,
        Some(_) => Exit::Partly,
    })
}

/// What is meant: named ones, or all of a kind that stand.
async fn wanted(drift: &compose::Drift, args: &RepairArgs) -> Result<Vec<KeptFinding>, Failure> {
    if let Some(word) = &args.kind {
        let kind = kinds_of(std::slice::from_ref(word))?;
        let view = drift.view().await?;
        return Ok(view.findings.into_iter().filter(|k| kind.contains(&k.finding.kind) && k.dismissed.is_none()).collect());
    }
    let mut out = Vec::new();
    for id in &args.ids {
        out.push(named(drift, id).await?);
    }
    Ok(out)
}
