//! `noctule sim …`: a simulated upstream on an address of one's choice, for trying things out and for tests of other programs.

use crate::cli::{SimCommand, SimNasArgs, SimNetboxArgs};
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use noctule_domain::secret::{Secret, SecretRef};
use noctule_sim::nas::{Delay, NasSim, NasSimConfig, Preset, Unlisted};
use noctule_sim::netbox::{NetboxConfig, NetboxSim, SeedPrefix, SimToken};
use std::time::Duration;

pub async fn sim(what: &SimCommand) -> Result<Exit, Failure> {
    match what {
        SimCommand::Nas(args) => nas(args).await,
        SimCommand::Netbox(args) => netbox(args).await,
    }
}

async fn nas(args: &SimNasArgs) -> Result<Exit, Failure> {
    let mut config = NasSimConfig::new(Preset::Strict, secret(&args.secret)?);
    config.bind = args.listen;
    config.name = "sim".to_owned();
    behave(&mut config, &args.behaviour)?;
    let sim = NasSim::start(config).await.map_err(|e| Failure::new(Exit::Usage, format!("the simulated NAS does not start: {e}")))?;
    println!("A simulated NAS listens on {} (UDP), behaviour {}. Ctrl-C ends it.", sim.addr(), args.behaviour);
    let mut events = sim.subscribe();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => println!("{} {:?}", event.at.format("%H:%M:%S%.3f"), event.what),
                Err(tokio::sync::broadcast::error::RecvError::Lagged(n)) => println!("({n} lines left out)"),
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return Ok(Exit::Ok),
            },
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Ok),
        }
    }
}

/// `ack`, `nak:CAUSE`, `silent`, `slow:MILLISECONDS`, `flaky:PERCENT`.
fn behave(config: &mut NasSimConfig, wanted: &str) -> Result<(), Failure> {
    let wrong = || Failure::new(Exit::Usage, "a behaviour is ack, nak:CAUSE, silent, slow:MILLISECONDS or flaky:PERCENT");
    let (word, number) = wanted.split_once(':').unwrap_or((wanted, ""));
    let number = |max: u64| number.parse::<u64>().ok().filter(|n| *n <= max).ok_or_else(wrong);
    let behaviour = &mut config.behaviour;
    // A NAS of any profile: what another vendor's attribute asks for is acknowledged, not refused as unknown.
    behaviour.unlisted = Unlisted::Ignore;
    match word {
        "ack" => behaviour.acks_strangers = true,
        "nak" => {
            behaviour.nak_probability = 1.0;
            behaviour.nak_causes = vec![u32::try_from(number(9999)?).map_err(|_| wrong())?];
        }
        "silent" => behaviour.down = true,
        "slow" => {
            behaviour.acks_strangers = true;
            behaviour.delay = Delay::Fixed(Duration::from_millis(number(60_000)?));
        }
        "flaky" => {
            behaviour.acks_strangers = true;
            behaviour.drop_out = number(100)? as f64 / 100.0;
        }
        _ => return Err(wrong()),
    }
    Ok(())
}

async fn netbox(args: &SimNetboxArgs) -> Result<Exit, Failure> {
    let token = secret(&args.token)?;
    let token = String::from_utf8_lossy(token.expose()).into_owned();
    let config = NetboxConfig {
        listen: args.listen,
        tokens: vec![SimToken::v1(&token)],
        prefixes: args.pools.iter().map(|p| SeedPrefix { is_pool: true, ..SeedPrefix::container(&p.to_string()) }).collect(),
        ..NetboxConfig::default()
    };
    let sim = NetboxSim::start(config).await.map_err(|e| Failure::new(Exit::Usage, format!("the simulated NetBox does not start: {e}")))?;
    println!("A simulated NetBox listens on {}. Ctrl-C ends it.", sim.url());
    for prefix in sim.prefixes() {
        println!("  pool {} has the id {}", prefix.prefix, prefix.id);
    }
    tokio::signal::ctrl_c().await.map_err(|e| Failure::new(Exit::Internal, e.to_string()))?;
    sim.go_down().await;
    Ok(Exit::Ok)
}

fn secret(reference: &str) -> Result<Secret, Failure> {
    let reference: SecretRef =
        reference.parse().map_err(|e: noctule_domain::secret::BadSecretRef| Failure::new(Exit::Usage, e.to_string()))?;
    Secrets::new(".").resolve(&reference).map_err(|e| Failure::new(Exit::Config, e.to_string()))
}
