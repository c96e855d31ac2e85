//! `noctule login`, `logout` and `wipe`: the password in the kernel's keyring, the copy on the disk.

use super::{Context, Out, Progress, confirm};
use crate::cli::{GlobalArgs, LoginArgs, WipeArgs};
use crate::compose::{self, Memory};
use crate::config::{Environment, Loaded, load};
use crate::exit::{Exit, Failure};
use crate::keyring;
use crate::secrets::ask_on_terminal;
use noctule_domain::secret::SecretRef;
use noctule_domain::sync::{PROTOCOL, Replica};
use noctule_domain::{ConsoleId, SafeText};
use noctule_sync::connect::{Centre, CentreError};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

pub async fn login(flags: &GlobalArgs, args: &LoginArgs, out: &mut Out) -> Result<Exit, Failure> {
    let loaded = load(flags, &Environment::of_process())?;
    let name = keyring_name(&loaded)?;
    let url = loaded.config.central.url.clone().unwrap_or_default();
    let who = compose::login(&loaded);
    let asked = {
        let words = format!("Password of {who} at the centre: ");
        tokio::task::spawn_blocking(move || ask_on_terminal(&words)).await
    };
    let password = asked
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let mut tried = None;
    if !args.offline {
        let console = ConsoleId::from_uuid(uuid::Uuid::now_v7());
        let centre = Centre::new(compose::centre_config(&loaded, &url, loaded.config.tenant_id()?, console, Some(password.clone()))?);
        let progress = Progress::new();
        progress.say("asking the centre");
        match centre.call("hello", &[&PROTOCOL, &console.0, &super::hostname()]).await {
            Ok(hello) => tried = hello["role"].as_str().map(SafeText::new),
            Err(error @ (CentreError::BadPassword | CentreError::Denied(_))) => return Err(error.into()),
            Err(error) => eprintln!("noctule: it was kept without being tried: {error}"),
        }
    }
    let keep = args.keep.map(|hours| Duration::from_secs(u64::from(hours) * 3600));
    let kept = tokio::task::spawn_blocking(move || keyring::put(&name, &password, keep)).await;
    kept.map_err(|error| Failure::new(Exit::Internal, error.to_string()))?
        .map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
    let until = match args.keep {
        Some(hours) => format!("for {hours} h"),
        None => "until logout or reboot".to_owned(),
    };
    out.line(match tried {
        Some(role) => format!("{who} may come in as {role}; the kernel keeps the password {until}"),
        None => format!("the kernel keeps the password of {who} {until}"),
    })?;
    Ok(Exit::Ok)
}

pub fn logout(flags: &GlobalArgs, out: &mut Out) -> Result<Exit, Failure> {
    let loaded = load(flags, &Environment::of_process())?;
    let name = keyring_name(&loaded)?;
    let gone = keyring::forget(&name).map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
    out.line(if gone { "the password is gone from the kernel's keyring" } else { "there was no password in the kernel's keyring" })?;
    Ok(Exit::Ok)
}

/// Under which name the password is kept; an error in words where the configuration takes it from elsewhere.
fn keyring_name(loaded: &Loaded) -> Result<String, Failure> {
    if !loaded.config.central.is_on() {
        return Err(Failure::new(Exit::Config, "no centre is configured: set url in [central]"));
    }
    match &loaded.config.central.password {
        None => Ok(compose::keyring_name(loaded)),
        Some(SecretRef::Keyring(name)) => Ok(name.clone()),
        Some(other) => {
            let sentence = format!("central.password is {other}: there is nothing to keep in the keyring. Remove it, or set keyring:NAME");
            Err(Failure::new(Exit::Usage, sentence))
        }
    }
}

pub async fn wipe(flags: &GlobalArgs, args: &WipeArgs, out: &mut Out) -> Result<Exit, Failure> {
    let loaded = load(flags, &Environment::of_process())?;
    if !loaded.config.central.is_on() {
        return Err(Failure::new(
            Exit::Config,
            "no centre is configured: a single-machine store is not a copy, and is never removed by this",
        ));
    }
    if loaded.read_only {
        return Err(super::context::read_only("wipe"));
    }
    let folder = loaded.central_folder();
    let shown = SafeText::new(&folder.to_string_lossy());
    if !folder.exists() {
        out.line(format!("there is no copy at {shown}: nothing to remove"))?;
        return Ok(Exit::Ok);
    }
    if in_use(&folder) {
        let sentence = format!(
            "a noctule that runs here works on the copy at {shown}: close it first, else it goes on with files that have no name any more, \
             and what is changed there is lost; nothing was removed"
        );
        return Err(Failure::new(Exit::Guard, sentence));
    }
    let unsent = unsent(flags).await;
    if !args.yes {
        let waits = match (&unsent, args.unsent_too) {
            (Ok(0), _) => String::new(),
            (Ok(n), true) => format!(" {n} change(s) that the centre has not taken ARE LOST."),
            (Ok(n), false) => format!(" {n} change(s) that the centre has not taken stay."),
            (Err(failure), true) => format!(" The outbox can not be read ({}); what it holds IS LOST.", failure.sentence),
            (Err(_), false) => " The outbox stays.".to_owned(),
        };
        confirm("a wipe", &format!("The copy at {shown} is removed.{waits}"))?;
    }
    let (place, also) = (folder.clone(), args.unsent_too);
    let wiped = tokio::task::spawn_blocking(move || noctule_storage::wipe(&place, also)).await;
    wiped
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?
        .map_err(|error| Failure::new(Exit::Store, format!("the copy at {shown} could not be removed whole: {error}")))?;
    // What the centre said of the operator goes with the copy.
    let _ = std::fs::remove_file(Memory::file(&folder));
    out.line(match (unsent, args.unsent_too) {
        (Ok(n), false) if n > 0 => {
            format!("the copy is removed; {n} unsent change(s) are kept and pushed when this operator is let in again")
        }
        _ => "the copy is removed".to_owned(),
    })?;
    Ok(Exit::Ok)
}

/// Whether a live process holds the lock of the sync or that of a console.
fn in_use(folder: &Path) -> bool {
    let held = |path: &Path| File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
    let consoles = std::fs::read_dir(folder.join("consoles")).into_iter().flatten().flatten();
    held(&folder.join("sync.lock")) || consoles.map(|entry| entry.path()).any(|path| held(&path))
}

async fn unsent(flags: &GlobalArgs) -> Result<u64, Failure> {
    let context = Context::to_read(flags, "wipe")?;
    Ok(context.store.outbox().await.map_err(|error| Failure::new(Exit::Store, error.to_string()))?.unsent)
}
