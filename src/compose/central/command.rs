//! The centre for a command: opened when the command needs it, asked once, and what was changed here is pushed before the command ends.

use super::leader::Leader;
use super::{Central, place};
use crate::commands::{Context, Progress};
use crate::compose::{Services, services};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use noctule_domain::sync::{Conflict, Replica};
use noctule_domain::{ConsoleId, OpId, SafeText};
use noctule_sync::connect::Centre;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a command waits for the console that leads to push what the command wrote.
const LEADER: Duration = Duration::from_secs(15);
/// Between two looks at the outbox.
const LOOK: Duration = Duration::from_millis(100);

/// Where a change went.
#[derive(Debug)]
pub enum Sent {
    /// No centre is configured: it is done.
    Here,
    /// The centre has it.
    Centre,
    /// It waits in the outbox, and why.
    Kept(SafeText),
    /// The centre answered, and it needs a decision.
    Conflict(Box<Conflict>),
}

/// The services of a command that acts. With a centre its gate is open: the password was found, nothing was asked of the network yet.
pub async fn acting(context: &Context) -> Result<Arc<Services>, Failure> {
    let services = services(&context.loaded, context.store.clone(), context.secrets.clone(), context.actor.clone(), None)?;
    if let Some(central) = &services.central {
        ask(context).await?;
        central.open().await?;
    }
    Ok(services)
}

/// The centre of a command; an error where none is configured.
pub fn central_of(context: &Context) -> Result<Arc<Central>, Failure> {
    if !context.is_central() {
        return Err(Failure::new(Exit::Config, "no centre is configured: set url in [central]"));
    }
    Central::new(&context.loaded, &context.store, &context.secrets)
}

/// The centre of a configuration, without a copy: its password was found, nothing was asked of the network yet.
pub async fn reach(loaded: &Loaded) -> Result<Centre, Failure> {
    let base = loaded.file.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    let (secrets, own) = (Secrets::new(base), loaded.clone());
    let found = tokio::task::spawn_blocking(move || {
        place::ask_before(&own, &secrets)?;
        place::password(&own, &secrets)
    });
    let password = found
        .await
        .map_err(|error| Failure::new(Exit::Internal, format!("the password of the centre: {error}")))?
        .map_err(|error| Failure::new(Exit::Config, format!("the password of the centre: {error}")))?;
    let url = loaded.config.central.url.as_deref().unwrap_or_default();
    let console = ConsoleId::from_uuid(uuid::Uuid::now_v7());
    Ok(Centre::new(place::centre_config(loaded, url, loaded.config.tenant_id()?, console, password)?))
}

/// Asks for the password where it is to be asked for. A command has no screen that it could disturb.
pub async fn ask(context: &Context) -> Result<(), Failure> {
    let (loaded, secrets) = (context.loaded.clone(), context.secrets.clone());
    let asked = tokio::task::spawn_blocking(move || Central::ask_before(&loaded, &secrets)).await;
    asked
        .map_err(|error| Failure::new(Exit::Internal, format!("the password of the centre: {error}")))?
        .map_err(|error| Failure::new(Exit::Config, format!("the password of the centre: {error}")))
}

/// Pushes and pulls once. Where a console of this machine leads, it does that, and this waits for it a little.
pub async fn fresh(context: &Context, central: &Central) -> Result<(), Failure> {
    if !context.store.lead() && pushed_by_leader(context).await? {
        return Ok(());
    }
    ask(context).await?;
    let centre = central.open().await?;
    let progress = Progress::new();
    central.once(&centre, &|status| progress.sync(status)).await
}

/// The console that leads pushes what the command wrote. Where it has said that it can not, this does not wait; `false`: it has gone, and this
/// process leads.
async fn pushed_by_leader(context: &Context) -> Result<bool, Failure> {
    let (began, folder) = (Instant::now(), context.loaded.central_folder());
    let progress = Progress::new();
    while context.store.outbox().await.map_err(replica)?.unsent > 0 {
        if context.store.lead() {
            return Ok(false);
        }
        if let Some(why) = Leader::read(&folder).and_then(|leader| leader.away()) {
            return Err(Failure::new(Exit::Queued, format!("{why}; it goes on trying")));
        }
        if began.elapsed() > LEADER {
            return Err(Failure::new(Exit::Queued, "the console that runs here has not pushed it yet; it goes on trying"));
        }
        progress.say("it is kept here; waiting for the console that runs here to push it");
        tokio::time::sleep(LOOK).await;
    }
    Ok(true)
}

/// After a change was written to the outbox: brings it to the centre, or says why it waits.
pub async fn send(context: &Context, before: &HashSet<OpId>) -> Result<Sent, Failure> {
    if !context.is_central() {
        return Ok(Sent::Here);
    }
    let central = central_of(context)?;
    if let Err(failure) = fresh(context, &central).await {
        return match failure.exit {
            Exit::Unreachable | Exit::Unanswered | Exit::Guard | Exit::Config | Exit::Refused | Exit::Queued => {
                Ok(Sent::Kept(SafeText::new(&failure.sentence)))
            }
            _ => Err(failure),
        };
    }
    let new = context.store.conflicts().await?.into_iter().find(|conflict| !before.contains(&conflict.op.id));
    Ok(new.map_or(Sent::Centre, |conflict| Sent::Conflict(Box::new(conflict))))
}

pub(super) fn replica(error: noctule_domain::sync::ReplicaError) -> Failure {
    Failure::new(Exit::Store, error.to_string())
}
