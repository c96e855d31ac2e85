//! From the command line to a server that runs, and to its end.

use super::health::Watch;
use super::look::Looker;
use super::{log, notify};
use crate::cli::{GlobalArgs, ServerArgs};
use crate::commands::Context;
use crate::compose::{Background, Services, services};
use crate::console::Signals;
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use noctule_domain::SafeText;
use noctule_domain::retry::backoff;
use noctule_domain::secret::{Secret, SecretRef};
use noctule_server::{HookConfig, Hooks, Server, ServerConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a NetBox that is well is asked for its pools.
const POOLS: Duration = Duration::from_secs(60);
/// What waits for the centre has this long to leave at the end.
const LEAVE: Duration = Duration::from_secs(5);

pub async fn server(args: &ServerArgs, flags: &GlobalArgs) -> Result<Exit, Failure> {
    let context = Context::to_write(flags, "server")?;
    let config = &context.loaded.config;
    log::start(&config.log, flags.verbose, args.json)
        .map_err(|error| Failure::new(Exit::Config, format!("the log file can not be written: {error}")))?;
    let secret = match &config.server.netbox_secret {
        Some(reference) => Some(secret(reference.clone(), context.secrets.clone()).await?),
        None => None,
    };
    if context.is_central() {
        crate::compose::ask(&context).await?;
    }
    let listen = args.listen.unwrap_or(config.server.listen);
    // Bound before anything is begun: a second server on the same port must not begin work and then fail.
    let server = Server::bind(ServerConfig::new(listen)).await.map_err(|error| {
        Failure::new(Exit::Config, format!("{listen} can not be listened on: {error}. server.listen or --listen names another address"))
    })?;
    let address = server.address().map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    let mut signals = Signals::new().map_err(|error| Failure::new(Exit::Internal, format!("no signals: {error}")))?;
    let services = services(&context.loaded, context.store.clone(), context.secrets.clone(), context.actor.clone(), None)?;
    let cancel = CancellationToken::new();
    let hooks = Hooks::new(secret, Arc::new(Looker::new(services.clone())), HookConfig::default());
    let own = hooks.clone();
    let background = Background::start(&services, &cancel);
    let netbox = tokio::spawn(watch_netbox(services.clone(), cancel.clone()));
    let looks = tokio::spawn({
        let cancel = cancel.clone();
        async move { own.run(cancel).await }
    });
    let listener = tokio::spawn(server.run(Arc::new(Watch::new(services.clone())), hooks, cancel.clone()));
    if !address.ip().is_loopback() {
        tracing::warn!(
            "{address} is not this machine's own: what passes there is not encrypted; a reverse proxy with TLS belongs in front"
        );
    }
    if services.netbox.is_some() && config.server.netbox_secret.is_none() {
        tracing::info!("webhooks of NetBox are refused: server.netbox_secret is not set");
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "listening on http://{address}");
    notify::tell("READY=1");
    signals.terminated().await;
    tracing::info!("ending: what is under way is durable and goes on with the next start");
    notify::tell("STOPPING=1");
    cancel.cancel();
    let (_, _, _) = tokio::join!(listener, looks, netbox);
    background.ended(LEAVE).await;
    tracing::info!("ended");
    Ok(Exit::Ok)
}

async fn secret(reference: SecretRef, secrets: Secrets) -> Result<Secret, Failure> {
    let shown = reference.clone();
    let wrong = |why: String| Failure::new(Exit::Config, format!("server.netbox_secret ({shown}): {why}"));
    let found = tokio::task::spawn_blocking(move || secrets.resolve(&reference)).await.map_err(|error| wrong(error.to_string()))?;
    found.map_err(|error| wrong(error.to_string()))
}

/// Keeps the pools and the state of NetBox fresh, more slowly while it is away.
async fn watch_netbox(services: Arc<Services>, cancel: CancellationToken) {
    let mut failures = 0u32;
    while services.ipam_name().is_some() && !cancel.is_cancelled() {
        let heard: Result<SafeText, SafeText> = tokio::select! {
            heard = services.hear_netbox() => heard,
            () = cancel.cancelled() => return,
        };
        failures = if heard.is_ok() { 0 } else { failures.saturating_add(1) };
        let wait = match failures {
            0 => POOLS,
            n => backoff(n, Duration::from_secs(2), POOLS, f64::from(n % 7) / 7.0),
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = services.world.ask_now.notified() => {}
            () = cancel.cancelled() => return,
        }
    }
}
