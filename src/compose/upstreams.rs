//! Commands that ask the upstreams themselves: pools, probes, the NetBox check and its set-up.

use super::{acting, build};
use crate::commands::Context;
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use noctule_domain::ipam::Pool;
use noctule_domain::nas::{Nas, NasReach};
use noctule_domain::{Retry, SafeText};
use noctule_network::netbox::{InitStep, Netbox, NetboxError};
use noctule_network::radius::Probe;
use noctule_network::radius::probe::{Conclusion, Tried};
use noctule_network::upstream::Ipam;
use serde::Serialize;
use std::collections::HashMap;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

/// What a NAS said to a probe, for `nas probe` and `doctor --probe`.
#[derive(Debug, Clone, Serialize)]
pub struct Probed {
    pub nas: SafeText,
    pub reach: NasReach,
    pub round_trip: Option<Duration>,
    /// The answer in words.
    pub words: SafeText,
    /// After a silence: what was tried, and what it says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<Conclusion>,
}

/// Asks each for a session that does not exist, all at once: a silent one takes some seconds more, to find out why. `progress` hears of it.
pub async fn probe(context: &Context, nas: &[Nas], progress: impl Fn(&str)) -> Result<Vec<Probed>, Failure> {
    let services = acting(context).await?;
    let progress = &progress;
    let asked = nas.iter().map(|nas| {
        let services = services.clone();
        async move {
            let probe = services.radius.probe(nas, progress).await;
            if !services.store.is_read_only()
                && let Err(error) = services.authority.nas_health(nas.id, probe.seen.clone()).await
            {
                tracing::warn!(nas = %nas.name, %error, "health of the NAS not stored");
            }
            let Probe { words, seen, round_trip, tried, conclusion } = probe;
            Probed { nas: nas.name.clone(), reach: seen.reach, round_trip, words, tried, conclusion }
        }
    });
    Ok(futures::future::join_all(asked).await)
}

/// The configured pools as NetBox (or the built-in IPAM) has them now, with their history. The look is added to it.
pub async fn pools(context: &Context) -> Result<Vec<Pool>, Failure> {
    let config = &context.loaded.config;
    if !config.ipam.built_in {
        // Says what is missing, before anything else is begun.
        configured(&context.loaded)?;
    }
    let services = acting(context).await?;
    let mut pools = match (&services.built_in, &services.netbox) {
        (Some(built_in), _) => built_in.pools().await.map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))?,
        (None, Some(netbox)) => netbox.check().await.map_err(failure)?.pools,
        (None, None) => Vec::new(),
    };
    let may_note = !services.store.is_read_only() && !services.read_only();
    match &services.central {
        Some(central) => central.pools_outlook_once(&pools).await,
        None if may_note => {
            if let Err(error) = services.store.pools_replace(pools.clone()).await {
                tracing::warn!(%error, "the look at the pools was not stored");
            }
        }
        None => {}
    }
    let mut known: HashMap<i64, Pool> = services.store.pools().await?.into_iter().map(|pool| (pool.id, pool)).collect();
    for pool in &mut pools {
        pool.thresholds = config.ipam.thresholds();
        pool.history = known.remove(&pool.id).map(|known| known.history).unwrap_or_default();
    }
    Ok(pools)
}

/// NetBox, or the built-in IPAM, for doctor: `Ok` is what it is in words and what is amiss (each a sentence with its cure), `Err` that it can
/// not be used.
pub async fn netbox_check(loaded: &Loaded) -> Result<(String, Vec<(String, &'static str)>), Failure> {
    let check = configured(loaded)?.check().await.map_err(failure)?;
    let words = format!("NetBox {}, {} pool(s), {:.0} ms", check.version, check.pools.len(), check.latency.as_secs_f64() * 1000.0);
    let fields = check.custom_fields.iter().map(|p| (p.to_string(), "`noctule init netbox` makes what is missing"));
    let pools = check.pool_problems.iter().map(|p| (p.to_string(), "correct [[netbox.pools]], or the parent in NetBox"));
    Ok((words, fields.chain(pools).collect()))
}

/// Makes the custom fields and the tag in NetBox, after asking unless `yes`.
pub async fn init_netbox(loaded: &Loaded, yes: bool) -> Result<Exit, Failure> {
    let netbox = configured(loaded)?;
    let steps = netbox.plan_init().await.map_err(failure)?;
    if steps.is_empty() {
        println!("NetBox is ready: nothing to do.");
        return Ok(Exit::Ok);
    }
    println!("To do in NetBox:");
    for step in &steps {
        println!("  - {step}");
    }
    let by_hand = steps.iter().any(|step| matches!(step, InitStep::ByHand(_)));
    let ours = steps.iter().any(|step| !matches!(step, InitStep::ByHand(_)));
    if ours {
        if !yes && !confirmed()? {
            println!("Nothing was changed.");
            return Ok(Exit::Ok);
        }
        netbox.apply_init(&steps).await.map_err(failure)?;
        println!("Done.");
    }
    if by_hand {
        return Err(Failure::new(
            Exit::Partly,
            "what stands above as 'by hand' has to be changed in NetBox by a person; then run this again",
        ));
    }
    Ok(Exit::Ok)
}

fn confirmed() -> Result<bool, Failure> {
    let mut input = std::io::stdin().lock();
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "this changes NetBox and asks first; without a terminal say --yes"));
    }
    print!("Do it? [y/N] ");
    let mut answer = String::new();
    let asked = std::io::stdout().flush().and_then(|()| input.read_line(&mut answer));
    asked.map_err(|e| Failure::new(Exit::Internal, format!("the answer could not be read: {e}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn configured(loaded: &Loaded) -> Result<Netbox, Failure> {
    let base = loaded.file.parent().map(Path::to_path_buf).unwrap_or_default();
    match build::netbox(&loaded.config, &Secrets::new(base)) {
        Ok(Some(netbox)) => Ok(netbox),
        Ok(None) => Err(Failure::new(Exit::Config, "no NetBox is configured: set url, token and pools in [netbox]")),
        Err(words) => Err(Failure::new(Exit::Config, words.into_string())),
    }
}

fn failure(error: NetboxError) -> Failure {
    let exit = if error.retry() == Retry::Later { Exit::Unreachable } else { Exit::Refused };
    Failure::new(exit, error.to_string())
}
