//! `noctule demo`: a made-up provider on a store in a scratch folder, with a simulated NetBox and simulated NASes on loopback ports of
//! their own. What the operator does there goes through exactly the code that talks to the real ones; only addresses differ.

use super::build::services_with;
use super::demo_aaa::{SimAaa, nas_login};
use super::demo_fill::fill;
use super::{Services, run_console};
use crate::cli::{DemoArgs, GlobalArgs};
use crate::commands::{actor, store_options};
use crate::config::{Config, Folders, Loaded, NetboxConfig, PoolConfig};
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use noctule_domain::aaa::login_of;
use noctule_domain::secret::SecretRef;
use noctule_domain::subscriber::Subscriber;
use noctule_network::radius::profiles;
use noctule_sim::aaa::AaaSim;
use noctule_sim::nas::NasSim;
use noctule_sim::netbox::{DEFAULT_TOKEN, Fault, NetboxSim, On, Say, SeedPrefix};
use noctule_sim::world::{Trouble, World, WorldConfig, bad_minute};
use noctule_storage::Store;
use noctule_ui::Notice;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the NASes are probed.
const PROBE: Duration = Duration::from_secs(15);
/// How often people in the field move.
const STEP: Duration = Duration::from_secs(3);

pub async fn demo(args: &DemoArgs, flags: &GlobalArgs) -> Result<Exit, Failure> {
    let scratch = Scratch::make(args.keep.as_deref())?;
    let demo = Demo::start(args, flags, &scratch.path).await?;
    let mut notices = vec![Notice::info(
        "This provider is made up; its NetBox and NASes are simulated, and everything else is real. F1 or ? for help, 2 for subscribers.",
    )];
    if args.bad_minute {
        notices.push(Notice::warning("A bad minute is coming: slow and dead NASes, a NetBox that answers 500."));
    }
    let exit = run_console(demo.services.clone(), &demo.loaded, flags, notices, true).await;
    demo.stop().await;
    scratch.leave();
    exit
}

/// A running demo.
pub struct Demo {
    pub services: Arc<Services>,
    pub loaded: Loaded,
    pub netbox: Arc<NetboxSim>,
    pub nases: Vec<NasSim>,
    pub aaa: AaaSim,
    cancel: CancellationToken,
}

impl Demo {
    /// Makes the provider in `folder`, which must be there, private, and without a store.
    pub async fn start(args: &DemoArgs, flags: &GlobalArgs, folder: &Path) -> Result<Self, Failure> {
        let failed = |what: &str, error: &dyn std::fmt::Display| Failure::new(Exit::Internal, format!("{what}: {error}"));
        let secrets = folder.join("nas-secrets");
        let mut config = WorldConfig::new(args.seed, chrono::Utc::now());
        config.subscribers = u64::from(args.subscribers);
        config.secrets.clone_from(&secrets);
        let world = tokio::task::spawn_blocking(move || World::generate(config)).await.map_err(|e| failed("the demo world", &e))?;

        let aaa = AaaSim::new();
        let mut nases = Vec::new();
        for (i, mut sim) in world.nas_sims().into_iter().enumerate() {
            private_write(&secrets, world.nases[i].name.as_str(), world.nas_secret(i).expose())?;
            let known = aaa.clone();
            sim.login = Some(Arc::new(move |username: &str| nas_login(&known.login(username)?)));
            let nas = NasSim::start(sim).await.map_err(|e| failed("the simulated NAS", &e))?;
            aaa.hears(&nas, world.nases[i].nas_ip.unwrap_or_else(|| world.nases[i].address.ip()));
            nases.push(nas);
        }
        let prefixes = world.netbox_seed().map(|p| SeedPrefix {
            prefix: p.prefix.to_string(),
            status: p.status.word().to_owned(),
            description: p.description.into_string(),
            operation_id: p.owner.as_ref().map(|o| o.operation.to_string()),
            subscriber_id: p.owner.as_ref().map(|o| o.subscriber_number.to_string()),
            hold_until: p.owner.as_ref().and_then(|o| o.hold_until).map(|t| t.to_rfc3339()),
            is_pool: p.is_pool,
            ..SeedPrefix::default()
        });
        let sim = noctule_sim::netbox::NetboxConfig { prefixes: prefixes.collect(), ..Default::default() };
        let netbox = Arc::new(NetboxSim::start(sim).await.map_err(|e| failed("the simulated NetBox", &e))?);
        private_write(folder, "netbox-token", DEFAULT_TOKEN.as_bytes())?;

        let loaded = loaded(&world, flags, folder, &netbox)?;
        let kept = format!(
            "# The store of a demo; its simulated NetBox and NASes are gone.\n[tenant]\nid = \"{}\"\nname = \"Example Fibre\"\n\n[store]\npath = \"noctule.db\"\n",
            world.tenant
        );
        private_write(folder, "config.toml", kept.as_bytes())?;
        let mut options = store_options(&loaded)?;
        options.has_aaa = true;
        let store = Store::open(&loaded.store_path(), options)?;
        let addresses: Vec<_> = nases.iter().map(NasSim::addr).collect();
        fill(&store, &world, &addresses, &|subscriber| seed(&aaa, &world, subscriber)).await?;
        let upstream = Arc::new(SimAaa(aaa.clone()));
        let services = services_with(&loaded, store, Secrets::new(folder), actor(&loaded, "demo"), Some(upstream), None)?;

        let cancel = CancellationToken::new();
        let run = |work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
            let cancel = cancel.clone();
            tokio::spawn(async move {
                tokio::select! { () = work => {}, () = cancel.cancelled() => {} }
            });
        };
        if args.bad_minute {
            run(Box::pin(play(nases.clone(), netbox.clone())));
        }
        run(Box::pin(probe(services.clone())));
        run(Box::pin(drive(services.clone(), world)));
        Ok(Self { services, loaded, netbox, nases, aaa, cancel })
    }

    pub async fn stop(self) {
        self.cancel.cancel();
        self.netbox.go_down().await;
    }
}

fn loaded(world: &World, flags: &GlobalArgs, folder: &Path, netbox: &NetboxSim) -> Result<Loaded, Failure> {
    let mut config = Config::default();
    config.tenant.id = Some(world.tenant);
    config.tenant.name = Some("Example Fibre".into());
    config.operator.name = Some("demo".into());
    config.store.path = Some(folder.join("noctule.db"));
    config.console.ascii = flags.ascii;
    config.console.plain = flags.plain;
    if let Some(theme) = flags.theme.as_deref().and_then(crate::config::Theme::from_word) {
        config.console.theme = theme;
    }
    config.netbox = NetboxConfig {
        url: Some(netbox.url()),
        token: Some(SecretRef::File(folder.join("netbox-token"))),
        tag: Some("noctule".to_owned()),
        pools: world
            .pools()
            .into_iter()
            .map(|p| PoolConfig { id: Some(p.id), vrf: p.vrf, delegated_len: Some(p.delegated_len), ..PoolConfig::default() })
            .collect(),
        ..NetboxConfig::default()
    };
    let folders = Folders { config: folder.to_owned(), data: folder.to_owned(), state: folder.to_owned() };
    Ok(Loaded { config, folders, file: folder.join("config.toml"), file_found: false, read_only: flags.read_only })
}

/// Puts into AAA what a login of this subscriber gets by its state.
fn seed(aaa: &AaaSim, world: &World, subscriber: &Subscriber) {
    let nas = subscriber.session.as_ref().map(|session| session.nas).or(subscriber.nas);
    let profile = world.nases.iter().find(|known| Some(known.id) == nas).and_then(|nas| profiles::get(&nas.profile));
    let profile = profile.map(|profile| profile.login.clone()).unwrap_or_default();
    aaa.seed([(subscriber.username.clone(), login_of(&subscriber.ipv6, &profile))]);
}

/// Asks each NAS something harmless now and then, so that the Network pane of the demo has round-trips to show. A console does not: on a
/// real NAS that is the operator's key to press.
async fn probe(services: Arc<Services>) {
    loop {
        if let Ok(rows) = services.store.nas_rows().await {
            let asked = rows.iter().map(|row| services.probe_words(row.nas.id));
            futures::future::join_all(asked).await;
        }
        tokio::time::sleep(PROBE).await;
    }
}

/// People drive about.
async fn drive(services: Arc<Services>, mut world: World) {
    loop {
        tokio::time::sleep(STEP).await;
        for (technician, fix) in world.step(STEP) {
            if let Err(error) = services.store.technician_fix(technician, fix).await {
                tracing::debug!(%error, "a position was not stored");
            }
        }
    }
}

/// The bad minute, once, a little after the start.
async fn play(nases: Vec<NasSim>, netbox: Arc<NetboxSim>) {
    tokio::time::sleep(Duration::from_secs(15)).await;
    let normal: Vec<_> = nases.iter().map(NasSim::behaviour).collect();
    let began = tokio::time::Instant::now();
    for trouble in bad_minute(nases.len()) {
        tokio::time::sleep_until(began + trouble.at).await;
        tracing::warn!(target: "demo", "{}", trouble.words);
        match &trouble.what {
            Trouble::NetboxFails { .. } => netbox.random_faults(On::Any, 1.0, 1, vec![Fault::Say(Say::Html500)]),
            Trouble::NetboxWell => netbox.clear_faults(),
            what => {
                if let Some(i) = what.nas() {
                    nases[i].behave(|behaviour| {
                        what.apply(behaviour, &normal[i]);
                    });
                }
            }
        }
    }
}

fn private_write(folder: &Path, name: &str, secret: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let path = folder.join(name);
    let write = || -> std::io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(secret)
    };
    write().map_err(|e| Failure::new(Exit::Internal, format!("{} can not be written: {e}", path.display())))
}

/// The folder of a demo: a scratch one, removed at the end (also of a panic), or the operator's own, kept.
struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    fn make(keep: Option<&Path>) -> Result<Self, Failure> {
        use std::os::unix::fs::DirBuilderExt;
        let path =
            keep.map_or_else(|| std::env::temp_dir().join(format!("noctule-demo-{}", uuid::Uuid::now_v7().simple())), Path::to_path_buf);
        // References to secrets that do not begin at the root are looked for beside the configuration, which is in this folder.
        let path = std::path::absolute(&path)
            .map_err(|e| Failure::new(Exit::Internal, format!("the folder {} can not be named: {e}", path.display())))?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|e| Failure::new(Exit::Internal, format!("the folder {} can not be made: {e}", path.display())))?;
        if path.join("noctule.db").exists() {
            let shown = path.display();
            // Its simulated NetBox and NASes ended with the demo that made it; new ones would know nothing of what was done since.
            return Err(Failure::new(
                Exit::Usage,
                format!("{shown} holds a demo already: look at it with `noctule --config {shown}/config.toml`, or name another folder"),
            ));
        }
        Ok(Self { path, keep: keep.is_some() })
    }

    fn leave(&self) {
        if self.keep {
            println!("The store of this demo is kept. Look at it: noctule --config {}", self.path.join("config.toml").display());
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
