//! `noctule nas profiles` and `noctule nas profile check`: what kinds of NAS are spoken to, and how.

use super::{Out, Table};
use crate::cli::GlobalArgs;
use crate::compose;
use crate::config::{Environment, load};
use crate::exit::{Exit, Failure};
use noctule_domain::SafeText;
use noctule_domain::nas::NasProfile;
use noctule_network::radius::sheet::{Row, identification, sheet};
use noctule_network::radius::{Profiles, profiles as files};
use serde::Serialize;
use std::path::Path;

pub use noctule_network::radius::sheet::markdown;

/// A profile with what follows from it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    profile: &'a NasProfile,
    /// The file, or `built in`.
    origin: String,
    operations: Vec<Row>,
}

impl<'a> Shown<'a> {
    fn new(profiles: &Profiles, profile: &'a NasProfile) -> Self {
        Self { profile, origin: origin(profiles, &profile.key), operations: sheet(profile) }
    }
}

fn origin(profiles: &Profiles, key: &str) -> String {
    profiles.origin(key).map_or_else(|| "built in".to_owned(), |file| SafeText::new(&file.to_string_lossy()).into_string())
}

pub fn profiles(flags: &GlobalArgs, name: Option<&str>, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let profiles = compose::profiles(&load(flags, &Environment::of_process())?)?;
    let Some(name) = name else { return list(&profiles, json, out) };
    let Some(profile) = profiles.get(&name.to_ascii_lowercase()) else {
        let hint = crate::near::hint(name, profiles.iter().map(|profile| profile.key.as_str()));
        return Err(Failure::new(Exit::NotFound, format!("there is no NAS profile '{}'{hint}", SafeText::bounded(name, 60))));
    };
    if json {
        out.json(&Shown::new(&profiles, &profile))?;
        return Ok(Exit::Ok);
    }
    show(&profile, &origin(&profiles, &profile.key), out)?;
    Ok(Exit::Ok)
}

fn list(profiles: &Profiles, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    if json {
        out.json(&profiles.iter().map(|profile| Shown::new(profiles, profile)).collect::<Vec<_>>())?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["key", "title", "activate", "suspend", "resume", "port", "window", "from"]);
    for profile in profiles.iter() {
        table.row(vec![
            profile.key.clone(),
            SafeText::new(&profile.title).into_string(),
            profile.activate.to_string(),
            profile.suspend.to_string(),
            profile.resume.to_string(),
            profile.port.to_string(),
            profile.window.to_string(),
            origin(profiles, &profile.key),
        ]);
    }
    out.table(&table)?;
    Ok(Exit::Ok)
}

fn show(profile: &NasProfile, origin: &str, out: &mut Out) -> Result<(), Failure> {
    let r = &profile.retransmit;
    let yes = |is: bool| if is { "yes" } else { "no" };
    let safe = |text: &str| SafeText::new(text).into_string();
    let transport = match profile.transport {
        noctule_domain::nas::Transport::Udp => "udp".to_owned(),
        noctule_domain::nas::Transport::Radsec => format!("radsec, certificate for {}", safe(&profile.tls_name)),
    };
    let login = &profile.login;
    let how = match login.suspend {
        noctule_domain::aaa::SuspendLogin::Reject => "reject".to_owned(),
        noctule_domain::aaa::SuspendLogin::Group => format!("group {}", safe(&login.group)),
        noctule_domain::aaa::SuspendLogin::Rate => {
            let reply: Vec<String> = login.reply.iter().map(|reply| safe(&format!("{} = {}", reply.name, reply.value))).collect();
            format!("rate: {}", reply.join(", "))
        }
    };
    out.pairs(&[
        ("profile", Some(profile.key.clone())),
        ("title", Some(safe(&profile.title))),
        ("from", Some(origin.to_owned())),
        ("named by", Some(identification(profile))),
        ("transport", Some(transport)),
        ("port", Some(profile.port.to_string())),
        ("in flight", Some(format!("{} at most", profile.window))),
        ("rate", Some(profile.rate_per_s.map_or_else(|| "without limit".to_owned(), |rate| format!("{rate} a second")))),
        ("identifiers", Some(format!("rest {} s after use", profile.identifier_rest_s))),
        ("repeats", Some(format!("after {} s, doubled up to {} s, {} sends in {} s", r.irt_s, r.mrt_s, r.mrc, r.mrd_s))),
        ("signs requests", Some(yes(profile.sign_requests).to_owned())),
        ("signed answers", Some(profile.signed_answers.to_string())),
        ("timestamps", Some(yes(profile.event_timestamp).to_owned())),
        ("suspended login", Some(how)),
        ("link prefix", Some(yes(login.framed_prefix).to_owned())),
        ("proof within", Some(format!("{} s", profile.proof.deadline_s))),
        ("an ACK", profile.ack_note.as_deref().map(safe)),
    ])?;
    out.line("")?;
    let mut table = Table::new(&["operation", "method", "request", "proved by", "sends"]);
    for row in sheet(profile) {
        let mut sends = row.sends.iter().map(|(name, value)| safe(&format!("{name} = {value}")));
        let request = row.request.unwrap_or("-").to_owned();
        let first = sends.next().unwrap_or_else(|| "-".to_owned());
        table.row(vec![row.operation.to_string(), row.method.to_string(), request, row.verification.to_string(), first]);
        for more in sends {
            table.row(vec![String::new(), String::new(), String::new(), String::new(), more]);
        }
    }
    out.table(&table)
}

/// A file, read as the console would read it.
pub fn check(file: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let name = SafeText::new(&file.to_string_lossy()).into_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        let exit = if error.kind() == std::io::ErrorKind::NotFound { Exit::NotFound } else { Exit::Config };
        Failure::new(exit, format!("{name} can not be read: {error}"))
    })?;
    let profile = files::parse(&name, &text).map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
    show(&profile, &name, out)?;
    let built_in = files::get(&profile.key).is_some();
    let place = if built_in { "it takes the place of the built-in one" } else { "NASes are given it by this key" };
    out.line("")?;
    out.line(format!("{name} is a good profile: {place}, once the file lies in the folder [radius] profiles_dir"))?;
    Ok(Exit::Ok)
}
