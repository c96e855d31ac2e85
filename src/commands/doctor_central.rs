//! `noctule doctor`, the part about the centre: password, way, TLS, login, role, schema, wake-ups, clocks; and the copy, outbox and lock
//! of this machine. It changes nothing on either side.

use super::doctor::Check;
use super::{Context, doctor_system as system, hostname};
use crate::cli::GlobalArgs;
use crate::compose;
use crate::config::{Loaded, TlsMode};
use noctule_domain::sentence::{age, moment};
use noctule_domain::sync::{PROTOCOL, Replica};
use noctule_domain::{SafeText, Timestamp};
use noctule_sync::connect::{Access, Centre, CentreError, Line};
use std::time::Duration;

/// A wake-up comes within milliseconds; longer than this it does not come.
const ECHO: Duration = Duration::from_secs(3);
/// Clocks that differ by more than this make times on the screen wrong.
const CLOCK_S: i64 = 5;

pub(super) async fn copy(flags: &GlobalArgs, loaded: &Loaded, checks: &mut Vec<Check>) -> Option<Context> {
    let folder = loaded.central_folder();
    let shown = SafeText::new(&folder.to_string_lossy());
    if !folder.exists() {
        checks.push(Check::warn("copy", format!("there is none at {shown} yet"), "`noctule sync now` or the console makes it"));
        return None;
    }
    checks.extend(system::privacy("copy folder", &folder, 0o077, "chmod 700"));
    checks.extend(system::free_space(&folder));
    let context = match Context::to_read(flags, "doctor") {
        Ok(context) => context,
        Err(failure) => {
            let cure = "`noctule wipe` removes the copy and keeps the outbox; then `noctule sync now`";
            checks.push(Check::fail("copy", failure.sentence, cure));
            return None;
        }
    };
    match context.store.position().await {
        Ok(Some(at)) => {
            let old = (chrono::Utc::now() - at.at).num_seconds().max(0);
            checks.push(Check::ok(
                "copy",
                format!("{shown}, as of {} ({} old), made for {}", moment(at.at), age(old), SafeText::new(&at.login)),
            ));
        }
        Ok(None) => checks.push(Check::warn("copy", format!("none is complete at {shown}"), "`noctule sync now` or the console makes it")),
        Err(error) => checks.push(Check::fail("copy", error.to_string(), "`noctule wipe`, then `noctule sync now`; the outbox is kept")),
    }
    match context.store.outbox().await {
        Ok(outbox) if outbox.conflicts > 0 => {
            let words = format!("{} unsent, {} need a decision", outbox.unsent, outbox.conflicts);
            checks.push(Check::warn("outbox", words, "`noctule sync conflicts`, or the Sync pane of the console"));
        }
        Ok(outbox) => checks.push(Check::ok("outbox", format!("{} unsent", outbox.unsent))),
        Err(error) => checks.push(Check::fail("outbox", error.to_string(), "keep a copy of the folder; nothing is ever deleted by itself")),
    }
    let lock = folder.join("sync.lock");
    checks.push(match (lock.exists(), context.store.lead()) {
        (_, true) => Check::ok("sync lock", "free: the next console leads"),
        (true, false) => Check::ok("sync lock", "held: a console of this machine syncs the copy"),
        (false, false) => Check::ok("sync lock", "not taken"),
    });
    Some(context)
}

pub(super) async fn centre(loaded: &Loaded, checks: &mut Vec<Check>) {
    let config = &loaded.config.central;
    if let Some(key) = &config.key_file {
        checks.extend(system::privacy("client key", key, 0o077, "chmod 600"));
    }
    let centre = match compose::reach(loaded).await {
        Ok(centre) => centre,
        Err(failure) => {
            return checks.push(Check::fail("password of the centre", failure.sentence, "`noctule login`, or mend central.password"));
        }
    };
    checks.push(match &centre.config().password {
        Some(_) => Check::ok("password of the centre", "found"),
        None => Check::warn("password of the centre", "none is known", "`noctule login`, unless the centre lets this account in without"),
    });
    let began = std::time::Instant::now();
    let line = match Line::open(centre.config(), Access::Read).await {
        Ok(line) => line,
        Err(error) => return checks.push(unreachable(&error)),
    };
    let tls =
        if config.tls == TlsMode::Off { "without TLS, which never leaves this machine" } else { "TLS, certificate and name verified" };
    let took = began.elapsed().as_secs_f64() * 1000.0;
    checks.push(Check::ok("centre", format!("{} answers in {took:.0} ms, {tls}", SafeText::new(&line.place))));
    if line.standby {
        checks.push(Check::warn("centre", "this host is a standby: it can be read only", "name the primary in central.url too"));
    }
    if config.listen {
        checks.push(wake(&line).await);
    }
    drop(line);
    hello(&centre, checks).await;
}

fn unreachable(error: &CentreError) -> Check {
    let cure = match error {
        CentreError::BadPassword => "`noctule login` with the right one; `noctule central user passwd` gives a new one",
        CentreError::Denied(_) => "ask an administrator: `noctule central user list`",
        CentreError::Untrusted(_) => "check ca_file, and that the certificate carries the very name in central.url",
        CentreError::Upgrade { .. } => "update noctule",
        _ => "check central.url, the way there, and that the server runs",
    };
    Check::fail("centre", error.to_string(), cure)
}

async fn hello(centre: &Centre, checks: &mut Vec<Check>) {
    let answer = match centre.call("hello", &[&PROTOCOL, &centre.config().console.0, &hostname()]).await {
        Ok(answer) => answer,
        Err(error) => {
            let cure = "ask an administrator: `noctule central status` and `noctule central user list`";
            return checks.push(Check::fail("login at the centre", error.to_string(), cure));
        }
    };
    let user = SafeText::new(&centre.config().user);
    match answer["role"].as_str() {
        Some(role) => checks.push(Check::ok("login at the centre", format!("{user} is {}", SafeText::new(role)))),
        None => {
            let words = format!("{user} may log in, but is no operator of tenant {}", centre.config().tenant);
            checks.push(Check::fail("login at the centre", words, "check tenant.id, or ask an administrator: `noctule central user list`"));
            return;
        }
    }
    let minimum = answer["min_protocol"].as_i64().unwrap_or_default();
    checks.push(match minimum > i64::from(PROTOCOL) {
        true => Check::fail("schema of the centre", format!("it speaks protocol {minimum}, this program {PROTOCOL}"), "update noctule"),
        false => Check::ok("schema of the centre", format!("{}, protocol {PROTOCOL}", answer["schema"])),
    });
    if let Ok(there) = serde_json::from_value::<Timestamp>(answer["now"].clone()) {
        let seconds = (chrono::Utc::now() - there).num_seconds();
        checks.push(match seconds.abs() > CLOCK_S {
            true => Check::warn("clock difference", format!("{seconds} s to the centre"), "let this machine's clock be set by NTP"),
            false => Check::ok("clock difference", format!("{seconds} s to the centre")),
        });
    }
}

/// A pooler in transaction mode takes a LISTEN without an error and never delivers: only an echo shows it.
async fn wake(line: &Line) -> Check {
    let channel = format!("noctule_echo_{}", uuid::Uuid::new_v4().simple());
    let asked = line.within(ECHO, "echo", line.client.batch_execute(&format!("LISTEN {channel}; NOTIFY {channel}"))).await;
    if let Err(error) = asked {
        return Check::warn("wake-ups", error.to_string(), "set central.listen = false: the console then only polls");
    }
    match tokio::time::timeout(ECHO, line.echo.notified()).await {
        Ok(()) => Check::ok("wake-ups", "LISTEN works: changes of others come at once"),
        Err(_) => Check::warn(
            "wake-ups",
            "a NOTIFY to ourselves did not come back: a pooler in transaction mode lies between",
            "let the pooler use session mode for this database, or set central.listen = false",
        ),
    }
}
