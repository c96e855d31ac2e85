//! `noctule aaa init|check|show|read`.

use super::confirm::confirm;
use super::out::cell;
use super::{Context, Out, Table};
use crate::cli::{AaaCommand, GlobalArgs};
use crate::compose;
use crate::config::{Environment, load};
use crate::exit::{Exit, Failure};
use noctule_domain::SafeText;
use noctule_domain::nas::Nas;
use noctule_domain::permission::Permission;
use noctule_domain::sentence::{self, moment};
use noctule_domain::subscriber::Username;
use noctule_network::aaa::AaaCheck;

pub async fn run(flags: &GlobalArgs, what: &AaaCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        AaaCommand::Init { yes, print } => init(flags, *yes, *print, out).await,
        AaaCommand::Check { json } => check(flags, *json, out).await,
        AaaCommand::Show { user, json } => show(flags, user, *json, out).await,
        AaaCommand::Read { json } => read(flags, *json, out).await,
    }
}

fn findings(check: &AaaCheck, out: &mut Out) -> Result<(), Failure> {
    out.line(format!("{}, as {}", check.server, check.login))?;
    for finding in &check.findings {
        let (word, tint) = match (finding.fine, finding.needed) {
            (true, _) => ("ok  ", 32),
            (false, false) => ("slow", 33),
            (false, true) => ("fail", 31),
        };
        let words = if finding.fine { String::new() } else { format!(": {}", finding.words) };
        out.line(format!("{}  {}{words}", out.tinted(word, tint), finding.what))?;
        for statement in &finding.sql {
            out.line(format!("      {}", statement.replace('\n', "\n      ")))?;
        }
    }
    Ok(())
}

/// Registered NASes that FreeRADIUS's list of clients does not have. Where there is no list or no store yet, nobody is one.
async fn strangers(flags: &GlobalArgs, clients: &[String]) -> Result<Vec<Nas>, Failure> {
    let Ok(context) = Context::to_read(flags, "aaa check") else { return Ok(Vec::new()) };
    if clients.is_empty() {
        return Ok(Vec::new());
    }
    let rows = context.store.nas_rows().await?;
    let unknown = |nas: &Nas| nas.enabled && !clients.iter().any(|entry| nas.may_be_client(entry));
    Ok(rows.into_iter().map(|row| row.nas).filter(unknown).collect())
}

async fn check(flags: &GlobalArgs, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let loaded = load(flags, &Environment::of_process())?;
    let aaa = compose::aaa_client(&loaded)?;
    let check = aaa.check().await.map_err(compose::aaa_failure)?;
    let clients = aaa.clients().await.map_err(compose::aaa_failure)?;
    let strangers = strangers(flags, clients.as_deref().unwrap_or_default()).await?;
    if json {
        let names: Vec<&SafeText> = strangers.iter().map(|nas| &nas.name).collect();
        out.json(&serde_json::json!({ "server": check.server, "login": check.login, "findings": check.findings, "not_clients": names }))?;
    } else {
        findings(&check, out)?;
        for nas in &strangers {
            out.line(format!("{}  {}", out.tinted("warn", 33), sentence::no_client(&nas.name, nas.address.ip())))?;
        }
        if !check.is_fine() {
            out.line("to do: `noctule aaa init`, or have the owner of the database run `noctule aaa init --print`")?;
        }
    }
    Ok(if check.is_fine() { Exit::Ok } else { Exit::Partly })
}

async fn init(flags: &GlobalArgs, yes: bool, print: bool, out: &mut Out) -> Result<Exit, Failure> {
    let loaded = load(flags, &Environment::of_process())?;
    let aaa = compose::aaa_client(&loaded)?;
    let check = aaa.check().await.map_err(compose::aaa_failure)?;
    let sql = check.sql();
    if print {
        for statement in &sql {
            out.line(format!("{statement};"))?;
        }
        return Ok(Exit::Ok);
    }
    if sql.is_empty() {
        out.line("The AAA database is ready: nothing to do.")?;
    } else {
        out.line("To do in the AAA database:")?;
        for statement in &sql {
            out.line(format!("  {}", statement.replace('\n', "\n  ")))?;
        }
        out.flush()?;
        if !yes {
            confirm("a change of the AAA database", "Indexes are made without stopping accounting, which may take minutes.")?;
        }
        aaa.init(&sql, &|statement| eprintln!("{}", statement.lines().next().unwrap_or_default())).await.map_err(compose::aaa_failure)?;
        out.line("Done.")?;
    }
    if loaded.config.central.is_on() {
        compose::aaa_use(&loaded).await?;
        out.line("The centre knows that logins of this tenant are written in an AAA system.")?;
    }
    let after = aaa.check().await.map_err(compose::aaa_failure)?;
    if !after.is_fine() {
        findings(&after, out)?;
        return Ok(Exit::Partly);
    }
    Ok(Exit::Ok)
}

async fn show(flags: &GlobalArgs, user: &str, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let loaded = load(flags, &Environment::of_process())?;
    let name = Username::new(user).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let aaa = compose::aaa_client(&loaded)?;
    let (found, checked, sessions) = compose::aaa_user(&aaa, &name).await?;
    if json {
        out.json(&serde_json::json!({ "user": found, "in_radcheck": checked, "sessions": sessions }))?;
        return Ok(if found.is_some() || !sessions.is_empty() { Exit::Ok } else { Exit::NotFound });
    }
    let list = |nets: &[ipnet::Ipv6Net]| (!nets.is_empty()).then(|| nets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    match &found {
        None => out.line(format!("the AAA system has no row for {name}"))?,
        Some(user) => out.pairs(&[
            ("user", Some(user.username.to_string())),
            ("delegated prefix", list(&user.delegated).or(Some("none".into()))),
            ("framed prefix", list(&user.framed)),
            ("rejected", user.rejected.then(|| "yes: Auth-Type := Reject".to_owned())),
            ("groups", (!user.groups.is_empty()).then(|| SafeText::new(&user.groups.join(", ")).into_string())),
            ("written by", user.operation.map(|operation| format!("operation {operation}"))),
        ])?,
    }
    if !checked {
        out.line(out.tinted(&format!("warning: {}", sentence::not_in_radcheck(&name)), 33))?;
    }
    if sessions.is_empty() {
        out.line("no session of the last week")?;
    } else {
        let mut table = Table::new(&["session", "NAS", "since", "heard", "ended", "prefix", "framed", "in", "out", "cause"]);
        for session in &sessions {
            table.row(vec![
                session.acct_session_id.to_string(),
                session.nas_address.to_string(),
                moment(session.started_at),
                moment(session.updated_at),
                cell(session.stopped_at.map(moment)),
                cell(session.delegated_prefix),
                cell(session.framed_prefix),
                session.input_octets.to_string(),
                session.output_octets.to_string(),
                cell(session.terminate_cause.clone()),
            ]);
        }
        out.table(&table)?;
    }
    Ok(if found.is_some() || !sessions.is_empty() { Exit::Ok } else { Exit::NotFound })
}

async fn read(flags: &GlobalArgs, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_write(flags, "aaa read")?.copied().await?;
    context.need(Permission::Ipv6Activate)?;
    let Some(heard) = compose::read_accounting(&context).await? else {
        out.line("another console reads accounting just now: it tells what it finds")?;
        return Ok(Exit::Ok);
    };
    if json {
        out.json(&heard)?;
        return Ok(Exit::Ok);
    }
    out.line(format!("{} session(s) written, {} ended, {} operation(s) observed", heard.put, heard.ended, heard.observed))?;
    if heard.strangers > 0 {
        out.line(format!("{} user(s) of accounting are no subscribers here", heard.strangers))?;
    }
    if !heard.unknown_nas.is_empty() {
        let names: Vec<String> = heard.unknown_nas.iter().map(ToString::to_string).collect();
        out.line(format!("not registered as NAS: {}", names.join(", ")))?;
    }
    Ok(Exit::Ok)
}
