//! `noctule ipv6 …`: one lifecycle operation from the command line. Asks before what can not be undone; says no more than what happened.

use super::bulk::{self, Wanted};
use super::subscriber::nas_name;
use super::{Context, Out, subscriber};
use crate::cli::{EmergencyArgs, GlobalArgs, Ipv6Args, Ipv6Command, PoolName};
use crate::compose;
use crate::exit::{Exit, Failure};
use noctule_domain::SafeText;
use noctule_domain::job::Course;
use noctule_domain::lifecycle::{Enforcement, OperationKind, OperationOptions, OperationStatus, OperationView, StepStatus};
use noctule_domain::sentence::{ended, moment};
use noctule_domain::subscriber::Subscriber;
use serde::Serialize;
use std::time::Duration;

/// What came of a request. `operation` is `None` when the subscriber was there already.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    pub already_there: bool,
    pub operation: Option<OperationView>,
    pub subscriber: Subscriber,
}

pub async fn run(flags: &GlobalArgs, what: &Ipv6Command, out: &mut Out) -> Result<Exit, Failure> {
    let (kind, args) = match what {
        Ipv6Command::Allocate(args) => (OperationKind::Allocate, args),
        Ipv6Command::Activate(args) => (OperationKind::Activate, args),
        Ipv6Command::Suspend(args) => (OperationKind::Suspend, args),
        Ipv6Command::Resume(args) => (OperationKind::Resume, args),
        Ipv6Command::Revoke(args) => (OperationKind::Revoke, args),
        Ipv6Command::EmergencyDisconnect(args) => return emergency(flags, args, out).await,
        Ipv6Command::Status { subscriber, json } => return status(flags, subscriber, *json, out).await,
    };
    let mut options = options(kind, args)?;
    let context = Context::to_write(flags, &format!("ipv6 {kind}"))?.copied().await?;
    if let Some(PoolName::Prefix(prefix)) = args.pool {
        options.pool = Some(pool_of(&context, prefix).await?);
    }
    if let Some(filter) = &args.bulk.filter {
        if args.if_version.is_some() || args.queue {
            return Err(Failure::new(Exit::Usage, "--if-version and --queue belong to one subscriber, not to --filter"));
        }
        let (course, set) = (Course::Single { kind, options }, bulk::filtered(filter)?);
        let wanted = Wanted { course, set, bulk: &args.bulk, yes: args.yes, json: args.json };
        return bulk::run(&context, wanted, out).await;
    }
    let single = [
        (args.bulk.dry_run, "--dry-run"),
        (args.bulk.rate.is_some(), "--rate"),
        (args.bulk.canary.is_some(), "--canary"),
        (args.bulk.threshold.is_some(), "--threshold"),
    ];
    if let Some((_, name)) = single.iter().find(|(given, _)| *given) {
        return Err(Failure::new(Exit::Usage, format!("{name} belongs to --filter")));
    }
    let found = context.subscriber(args.subscriber.as_deref().unwrap_or_default()).await?;
    if (kind == OperationKind::Revoke || options.force) && !args.yes {
        confirm(kind, &found, options.force)?;
    }
    if args.queue && !context.is_central() {
        return Err(Failure::new(
            Exit::Usage,
            "--queue belongs to a machine with a centre: here the operation begins at once or not at all",
        ));
    }
    let wait = Duration::from_secs(args.wait.into());
    match compose::operate(&context, &found, kind, options, args.if_version, wait, args.queue).await? {
        compose::Operated::Ended(outcome) => report(kind, &outcome, args.json, out),
        compose::Operated::Queued { operation, why } => {
            if args.json {
                out.json(&serde_json::json!({ "queued": true, "operation": operation, "why": why }))?;
            } else {
                out.line(format!(
                    "{kind} {} is kept in the outbox ({}): on return the centre looks at it anew, and refuses it in words when the world has moved",
                    found.subscriber_number,
                    operation.short()
                ))?;
                eprintln!("noctule: {why}");
            }
            Ok(Exit::Queued)
        }
    }
}

/// Rule of emergencies, from the command line.
async fn emergency(flags: &GlobalArgs, args: &EmergencyArgs, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_write(flags, "ipv6 emergency-disconnect")?.copied().await?;
    let found = context.subscriber(&args.subscriber).await?;
    if !args.yes {
        let session = found.session.as_ref().map(|session| format!(", session {}", session.acct_session_id)).unwrap_or_default();
        let who = format!("{} ({}, {}{session})", found.subscriber_number, found.username, found.full_name);
        super::confirm("an emergency Disconnect", &format!("Disconnect {who} without the centre. The state does not move."))?;
    }
    let sent = compose::emergency_now(&context, found.id, OperationKind::Revoke).await?;
    if args.json {
        out.json(&sent)?;
    } else {
        out.line(format!("{}: {}", sent.subscriber, sent.answer))?;
        out.line("It stands in the outbox and is told to the centre on its return; the state has not moved.")?;
    }
    Ok(match sent.enforcement {
        Enforcement::Acknowledged | Enforcement::Observed => Exit::Ok,
        Enforcement::Refused => Exit::Refused,
        Enforcement::Unanswered | Enforcement::Requested => Exit::Unanswered,
        Enforcement::None => Exit::Unreachable,
    })
}

async fn status(flags: &GlobalArgs, text: &str, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "ipv6 status")?.copied().await?;
    let found = context.subscriber(text).await?;
    if json {
        out.json(&found)?;
    } else {
        let nas = nas_name(&context.store, &found).await?;
        subscriber::show(&found, nas, out)?;
    }
    Ok(Exit::Ok)
}

/// The id of a pool that is named by its prefix, as it was seen last.
async fn pool_of(context: &Context, prefix: ipnet::Ipv6Net) -> Result<i64, Failure> {
    let pools = context.store.pools().await?;
    let found: Vec<i64> = pools.iter().filter(|pool| pool.prefix == prefix.trunc()).map(|pool| pool.id).collect();
    match found.as_slice() {
        [id] => Ok(*id),
        [] => {
            let known: Vec<String> = pools.iter().map(|pool| pool.prefix.to_string()).collect();
            let hint = if known.is_empty() { "`noctule pools` reads them".to_owned() } else { format!("there are {}", known.join(", ")) };
            Err(Failure::new(Exit::NotFound, format!("no pool is {prefix}: {hint}")))
        }
        _ => Err(Failure::new(Exit::Usage, format!("{prefix} is a pool in several VRFs: name it by its id"))),
    }
}

/// The options of an operation; one that belongs to another is refused rather than ignored.
fn options(kind: OperationKind, args: &Ipv6Args) -> Result<OperationOptions, Failure> {
    use OperationKind::{Activate, Allocate, Revoke};
    let given = [
        (args.prefix_len.is_some(), "--prefix-len", Allocate),
        (args.pool.is_some(), "--pool", Allocate),
        (args.no_coa, "--no-coa", Activate),
        (args.no_disconnect, "--no-disconnect", Revoke),
        (args.keep_in_netbox, "--keep-in-netbox", Revoke),
    ];
    if let Some((_, name, belongs)) = given.iter().find(|(given, _, belongs)| *given && *belongs != kind) {
        return Err(Failure::new(Exit::Usage, format!("{name} belongs to {belongs}, not to {kind}")));
    }
    Ok(OperationOptions {
        prefix_len: args.prefix_len,
        // A prefix is looked up once the store is open.
        pool: match args.pool {
            Some(PoolName::Id(id)) => Some(id),
            Some(PoolName::Prefix(_)) | None => None,
        },
        send_coa: !args.no_coa,
        send_disconnect: !args.no_disconnect,
        release_to_netbox: !args.keep_in_netbox,
        force: args.force,
        reconcile: None,
        reason: args.reason.as_deref().map(|text| SafeText::bounded(text, 500)),
    })
}

/// Asks on the terminal, naming the target. Without a terminal nobody can say yes.
fn confirm(kind: OperationKind, subscriber: &Subscriber, force: bool) -> Result<(), Failure> {
    let target = format!("{} ({}, {})", subscriber.subscriber_number, subscriber.username, subscriber.full_name);
    let what = if force { "a forced operation" } else { "a revoke" };
    let prefix = subscriber.ipv6.prefix.map(|p| format!(", prefix {p}")).unwrap_or_default();
    let forced = if force { ", whatever the NAS answers" } else { "" };
    super::confirm(what, &format!("{kind} 1 subscriber: {target}{prefix}{forced}."))
}

/// The exit code of an outcome: a waiting operation whose last try reached nobody is `unreachable`.
pub(super) fn exit_of(outcome: &Outcome) -> Exit {
    let Some(view) = &outcome.operation else { return Exit::Ok };
    let last = view.steps.iter().max_by_key(|step| step.started_at).map(|step| step.status);
    match (view.operation.status, last) {
        (OperationStatus::Waiting | OperationStatus::Failed, Some(StepStatus::Unreachable)) => Exit::Unreachable,
        // Nothing left this machine: the secret of the NAS is not readable, say.
        (OperationStatus::Failed, Some(StepStatus::Skipped)) => Exit::Unreachable,
        (status, _) => Exit::of_status(status),
    }
}

pub(super) fn report(kind: OperationKind, outcome: &Outcome, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let exit = exit_of(outcome);
    if json {
        out.json(outcome)?;
        return Ok(exit);
    }
    let subscriber = &outcome.subscriber;
    let who = &subscriber.subscriber_number;
    match &outcome.operation {
        None => out.line(format!("{kind} {who}: nothing to do, the subscriber is {} already", subscriber.ipv6.state))?,
        Some(view) => {
            let op = &view.operation;
            out.line(ended(kind, who, op.status, op.error.as_ref()))?;
            if let (true, Some(at)) = (op.status.is_open(), op.retry_at) {
                out.line(format!(
                    "The next try is due at {}; a running console or `noctule operations resume {}` makes it.",
                    moment(at),
                    op.id
                ))?;
            }
            // Done here is not done out there: nobody was there to be asked.
            if matches!(kind, OperationKind::Suspend | OperationKind::Resume) && op.plan.is_empty() {
                out.line("Nothing was asked of the network: the profile of its NAS has no way to do it.")?;
            }
            for step in &view.steps {
                let answer = step.answer.as_ref().map(|a| format!(": {a}")).unwrap_or_default();
                out.line(format!("  {} (try {}) {}{answer}", step.step, step.attempt, step.status))?;
            }
        }
    }
    let ip = &subscriber.ipv6;
    out.pairs(&[
        ("state", Some(ip.state.to_string())),
        ("enforcement", Some(ip.enforcement.to_string())),
        ("prefix", ip.prefix.map(|p| p.to_string())),
        ("on hold until", ip.hold_until.map(moment)),
        ("operation", outcome.operation.as_ref().map(|view| view.operation.id.to_string())),
    ])?;
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_of_another_operation_is_refused() {
        let args = Ipv6Args { prefix_len: Some(60), ..Default::default() };
        assert_eq!(options(OperationKind::Allocate, &args).unwrap().prefix_len, Some(60));
        let refused = options(OperationKind::Revoke, &args).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(refused.sentence.contains("--prefix-len belongs to allocate"));
    }
}
