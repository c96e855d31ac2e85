//! `noctule doctor`: looks at everything that the console needs, one line each: ok, warn or fail, with the cure. It changes nothing.

use super::doctor_system as system;
use super::{Context, Out};
use crate::cli::{DoctorArgs, GlobalArgs};
use crate::compose;
use crate::config::{Environment, Folders, Loaded, load, unknown_variables};
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use noctule_domain::SafeText;
use noctule_domain::nas::{Nas, NasReach};
use serde::Serialize;
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub what: String,
    pub level: Level,
    pub words: String,
    pub cure: Option<String>,
}

impl Check {
    pub fn ok(what: impl Into<String>, words: impl Into<String>) -> Self {
        Self { what: what.into(), level: Level::Ok, words: words.into(), cure: None }
    }

    pub fn warn(what: impl Into<String>, words: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { what: what.into(), level: Level::Warn, words: words.into(), cure: Some(cure.into()) }
    }

    pub fn fail(what: impl Into<String>, words: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { what: what.into(), level: Level::Fail, words: words.into(), cure: Some(cure.into()) }
    }
}

pub async fn run(flags: &GlobalArgs, args: &DoctorArgs, out: &mut Out) -> Result<Exit, Failure> {
    let environment = Environment::of_process();
    let mut checks = Vec::new();
    match load(flags, &environment) {
        Err(error) => checks.push(Check::fail("configuration", error.to_string(), "correct it, or write a new one with `noctule init`")),
        Ok(loaded) => {
            configuration(&loaded, &environment, &mut checks);
            folders(&loaded, &mut checks);
            let context = match loaded.config.central.is_on() {
                true => {
                    let context = super::doctor_central::copy(flags, &loaded, &mut checks).await;
                    super::doctor_central::centre(&loaded, &mut checks).await;
                    context
                }
                false => store(flags, &loaded, &mut checks).await,
            };
            netbox(&loaded, &mut checks).await;
            aaa(&loaded, &mut checks).await;
            if let Some(context) = context {
                nases(&context, args.probe, &mut checks).await;
            }
        }
    }
    checks.extend(system::clock());
    checks.extend(system::terminal());
    let failed = checks.iter().filter(|check| check.level == Level::Fail).count();
    if args.json {
        out.json(&serde_json::json!({ "checks": checks, "failed": failed }))?;
    } else {
        print(&checks, out)?;
    }
    Ok(if failed == 0 { Exit::Ok } else { Exit::Internal })
}

fn print(checks: &[Check], out: &mut Out) -> Result<(), Failure> {
    let width = checks.iter().map(|check| check.what.chars().count()).max().unwrap_or(0);
    for check in checks {
        let (word, tint) = match check.level {
            Level::Ok => ("ok  ", 32),
            Level::Warn => ("warn", 33),
            Level::Fail => ("fail", 31),
        };
        out.line(format!("{}  {:width$}  {}", out.tinted(word, tint), check.what, check.words))?;
        if let Some(cure) = &check.cure {
            out.line(format!("      {:width$}  to do: {cure}", ""))?;
        }
    }
    Ok(())
}

fn configuration(loaded: &Loaded, environment: &Environment, checks: &mut Vec<Check>) {
    let shown = SafeText::new(&loaded.file.to_string_lossy());
    checks.push(match (loaded.file_found, loaded.config.tenant.id) {
        (true, Some(_)) => Check::ok("configuration", format!("{shown} is valid")),
        (true, None) => {
            Check::fail("configuration", format!("{shown} has no tenant id"), "set tenant.id; `noctule init` in a new place shows one")
        }
        (false, Some(_)) => Check::ok("configuration", "from environment variables only"),
        (false, None) => Check::fail("configuration", format!("there is none at {shown}"), "`noctule init` writes one"),
    });
    for (found, near) in unknown_variables(environment.0.keys().map(String::as_str)) {
        checks.push(Check::warn("environment", format!("{found} has no effect"), format!("did you mean {near}?")));
    }
}

fn folders(loaded: &Loaded, checks: &mut Vec<Check>) {
    let Folders { config, .. } = &loaded.folders;
    if loaded.file_found {
        checks.extend(system::privacy("configuration file", &loaded.file, 0o077, "chmod 600"));
        if loaded.file.starts_with(config) {
            checks.extend(system::privacy("configuration folder", config, 0o022, "chmod 700"));
        }
    }
    if loaded.config.central.is_on() {
        return;
    }
    let store = loaded.store_path();
    if store.exists() {
        checks.extend(system::privacy("store file", &store, 0o077, "chmod 600"));
    }
    if let Some(folder) = store.parent().filter(|folder| folder.exists()) {
        checks.extend(system::free_space(folder));
    }
}

async fn store(flags: &GlobalArgs, loaded: &Loaded, checks: &mut Vec<Check>) -> Option<Context> {
    let path = loaded.store_path();
    let shown = SafeText::new(&path.to_string_lossy());
    if !path.exists() {
        checks.push(Check::warn(
            "store",
            format!("there is none at {shown} yet"),
            "`noctule import subscribers FILE.csv` or the console makes it",
        ));
        return None;
    }
    let context = match Context::to_read(flags, "doctor") {
        Ok(context) => context,
        Err(failure) => {
            checks.push(Check::fail("store", failure.sentence, "see docs/troubleshooting.md, part store; nothing is ever deleted"));
            return None;
        }
    };
    checks.push(Check::ok("store", format!("{shown} opens, {}", size(&path))));
    match context.store.check_integrity().await {
        Ok(found) if found.is_empty() => checks.push(Check::ok("store integrity", "whole")),
        Ok(found) => checks.push(Check::fail(
            "store integrity",
            format!("damaged: {}", found.iter().take(3).map(SafeText::as_str).collect::<Vec<_>>().join("; ")),
            "stop all consoles, copy the file, export what can be read, then set the file aside and import again",
        )),
        Err(error) => checks.push(Check::fail("store integrity", error.to_string(), "try again; if it stays, set the file aside")),
    }
    match context.store.audit_verify().await {
        Ok(noctule_domain::audit::AuditVerdict::Intact { records, .. }) => {
            checks.push(Check::ok("audit log", format!("intact, {records} records")));
        }
        Ok(noctule_domain::audit::AuditVerdict::Broken { seq, why }) => checks.push(Check::fail(
            "audit log",
            format!("broken at record {seq}: {why}"),
            "somebody or something changed the file: keep a copy, find out who, see docs/troubleshooting.md",
        )),
        Err(error) => checks.push(Check::fail("audit log", error.to_string(), "try again")),
    }
    Some(context)
}

fn size(path: &Path) -> String {
    let bytes = std::fs::metadata(path).map(|m| m.len()).unwrap_or(0);
    system::bytes(bytes)
}

async fn aaa(loaded: &Loaded, checks: &mut Vec<Check>) {
    if !loaded.config.aaa.is_on() {
        return;
    }
    let cure = "look at [aaa] in the configuration; see docs/aaa.md";
    let client = match compose::aaa_client(loaded) {
        Ok(client) => client,
        Err(failure) => return checks.push(Check::fail("AAA", failure.sentence, cure)),
    };
    checks.push(match client.check().await {
        Err(error) => Check::fail("AAA", error.to_string(), cure),
        Ok(check) if check.is_fine() => Check::ok("AAA", format!("{}, as {}", check.server, check.login)),
        Ok(check) => {
            let amiss: Vec<String> =
                check.findings.iter().filter(|finding| !finding.fine).map(|finding| finding.what.to_string()).collect();
            let needed = check.findings.iter().any(|finding| !finding.fine && finding.needed);
            let words = format!("missing: {}", amiss.join(", "));
            let cure = "`noctule aaa check` says more, `noctule aaa init` makes it";
            if needed { Check::fail("AAA", words, cure) } else { Check::warn("AAA", words, cure) }
        }
    });
}

async fn netbox(loaded: &Loaded, checks: &mut Vec<Check>) {
    let config = &loaded.config.netbox;
    if loaded.config.ipam.built_in {
        let pools = loaded.config.ipam.pools.len();
        checks.push(Check::ok("IPAM", format!("built in, {pools} pool(s); `noctule pools` shows them")));
        return;
    }
    let Some(url) = &config.url else {
        checks.push(Check::warn(
            "NetBox",
            "none is configured: nothing can be allocated",
            "set netbox.url and netbox.token, or ipam.built_in and [[ipam.pools]]",
        ));
        return;
    };
    let base = loaded.file.parent().unwrap_or(Path::new("."));
    match &config.token {
        None => {
            checks.push(Check::fail("NetBox token", "none is configured", "set netbox.token to env:, file: or command:"));
            return;
        }
        Some(reference) => match resolve(Secrets::new(base), reference.clone()).await {
            Ok(_) => checks.push(Check::ok("NetBox token", "found")),
            Err(words) => {
                checks.push(Check::fail("NetBox token", words, "mend the reference in netbox.token"));
                return;
            }
        },
    }
    if config.pools.is_empty() {
        checks.push(Check::warn("NetBox pools", "none is configured: nothing can be allocated", "add [[netbox.pools]]"));
    }
    match compose::netbox_check(loaded).await {
        Ok((words, problems)) => {
            checks.push(Check::ok("NetBox", words));
            for (problem, cure) in problems {
                checks.push(Check::warn("NetBox", problem, cure));
            }
        }
        Err(failure) => checks.push(Check::fail(
            "NetBox",
            format!("{}: {}", SafeText::new(url), failure.sentence),
            "check netbox.url, the token's rights and the way there",
        )),
    }
}

async fn resolve(secrets: Secrets, reference: noctule_domain::secret::SecretRef) -> Result<bool, String> {
    let found = tokio::task::spawn_blocking(move || secrets.resolve(&reference).map(|secret| secret.is_weak())).await;
    match found {
        Ok(Ok(weak)) => Ok(weak),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("reading it failed inside".into()),
    }
}

async fn nases(context: &Context, probe: bool, checks: &mut Vec<Check>) {
    let rows = match context.store.nas_rows().await {
        Ok(rows) => rows,
        Err(error) => {
            checks.push(Check::fail("NASes", error.to_string(), "see the store above"));
            return;
        }
    };
    if rows.is_empty() {
        checks.push(Check::warn("NASes", "none is registered: nothing on the network can be changed", "`noctule import nas FILE.csv`"));
    }
    let mut reachable: Vec<Nas> = Vec::new();
    for nas in rows.into_iter().map(|row| row.nas).filter(|nas| nas.enabled) {
        let what = format!("NAS {}", nas.name);
        match resolve(context.secrets.clone(), nas.secret.clone()).await {
            Err(words) => checks.push(Check::fail(what, words, "mend the reference of its secret and import it again")),
            Ok(true) => {
                checks.push(Check::warn(
                    what,
                    "its secret is weak (under 16 bytes, or a well-known one)",
                    "set a long random one on both sides",
                ));
                reachable.push(nas);
            }
            Ok(false) => {
                checks.push(Check::ok(what, format!("{} with profile {}, secret found", nas.address, nas.profile)));
                reachable.push(nas);
            }
        }
    }
    if !probe || reachable.is_empty() {
        return;
    }
    match compose::probe(context, &reachable, |_| {}).await {
        Err(failure) => checks.push(Check::fail("NAS probe", failure.sentence, "try again")),
        Ok(probed) => {
            for row in probed {
                let what = format!("NAS {} answers", row.nas);
                checks.push(match row.reach {
                    NasReach::Up => Check::ok(what, row.words.into_string()),
                    NasReach::Busy => Check::warn(what, row.words.into_string(), "look at the load of the NAS"),
                    NasReach::Silent | NasReach::Unknown => Check::fail(
                        what,
                        row.words.into_string(),
                        "check secret, our address in its list of clients, filters on the way, clocks",
                    ),
                });
            }
        }
    }
}
