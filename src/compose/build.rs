//! From a configuration to running services. Nothing is asked of an upstream here: a NetBox that is away must not keep the screen away.

use super::Services;
use super::central::{Central, CentralBook};
use super::drift::Drift;
use super::unusable::Unusable;
use crate::commands::Context;
use crate::config::{Config, Loaded};
use crate::console::{SystemClock, World};
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use noctule_domain::SafeText;
use noctule_domain::ipam::PrefixBook;
use noctule_domain::lifecycle::{Actor, Methods};
use noctule_domain::ports::Authority;
use noctule_network::ipam::{BuiltIn, BuiltInPool};
use noctule_network::lifecycle::job::JobRunner;
use noctule_network::lifecycle::{Executor, ExecutorConfig, Upstreams};
use noctule_network::netbox::{Netbox, NetboxConfig, PoolConfig, PoolRef, TenantRef, Timeouts};
use noctule_network::radius::Profiles;
use noctule_network::radius::profiles::load_dir;
use noctule_network::radius::{ClientCertificate, Engine, EngineConfig, RadiusClient, RadsecFiles};
use noctule_network::upstream::{Aaa, Ipam};
use noctule_storage::{Jobs, MethodsOf, OpenError, Store};
use std::path::Path;
use std::sync::Arc;

/// The NAS profiles in force: the built-in ones, and those of the configured folder over them.
pub fn profiles(loaded: &Loaded) -> Result<Profiles, Failure> {
    match &loaded.config.radius.profiles_dir {
        None => Ok(Profiles::built_in()),
        Some(folder) => load_dir(folder).map_err(|e| Failure::new(Exit::Config, format!("the NAS profiles in {}: {e}", folder.display()))),
    }
}

/// What RADIUS over TLS trusts and shows.
fn radsec(loaded: &Loaded) -> Result<RadsecFiles, Failure> {
    let radius = &loaded.config.radius;
    let client = match (&radius.radsec_cert_file, &radius.radsec_key_file) {
        (Some(certificate), Some(key)) => Some(ClientCertificate { certificate: certificate.clone(), key: key.clone() }),
        (None, None) => None,
        _ => return Err(Failure::new(Exit::Config, "[radius]: radsec_cert_file and radsec_key_file belong together: set both or none")),
    };
    Ok(RadsecFiles { ca: radius.radsec_ca_file.clone(), client })
}

/// The methods of NAS profiles, built-in and of the configured folder, for the store.
pub fn methods(loaded: &Loaded) -> Result<MethodsOf, Failure> {
    let profiles = profiles(loaded)?;
    Ok(Arc::new(move |key| profiles.get(key).map(|p| Methods { activate: p.activate, suspend: p.suspend, resume: p.resume })))
}

/// The client of the configured NetBox: `None` when none is configured, words when it can not be used as it is configured.
pub(super) fn netbox(config: &Config, secrets: &Secrets) -> Result<Option<Netbox>, SafeText> {
    let settings = &config.netbox;
    let Some(url) = &settings.url else { return Ok(None) };
    let words = |text: String| SafeText::new(&text);
    let reference = settings.token.as_ref().ok_or_else(|| words("NetBox has no token: set token in [netbox]".to_owned()))?;
    let token = secrets.resolve(reference).map_err(|e| words(format!("the token of NetBox ({reference}): {e}")))?;
    let tenant = settings.tenant.as_deref().map(TenantRef::parse);
    let pools = settings
        .pools
        .iter()
        .filter_map(|pool| {
            let parent = match (pool.id, pool.prefix) {
                (Some(id), _) => PoolRef::Id(id),
                (None, Some(prefix)) => PoolRef::Prefix(prefix),
                (None, None) => return None,
            };
            let mut wanted = PoolConfig::new(parent, pool.vrf, pool.policy());
            wanted.tenant = pool.netbox_tenant.as_deref().map(TenantRef::parse).or_else(|| tenant.clone());
            Some(wanted)
        })
        .collect();
    let mut wanted = NetboxConfig::new(url.clone(), token, pools);
    wanted.tag.clone_from(&settings.tag);
    wanted.tenant = tenant;
    wanted.rule = settings.pool_rule;
    wanted.extra_ca.clone_from(&settings.ca_file);
    wanted.allow_plain_http = settings.allow_plain_http;
    wanted.timeouts = Timeouts { connect: settings.connect_timeout(), read: settings.timeout(), ..Timeouts::default() };
    Netbox::new(wanted).map(Some).map_err(|e| words(e.to_string()))
}

/// The built-in IPAM, where it is configured: its book is kept by the store, or by the centre for all consoles.
pub(super) fn built_in(config: &Config, store: &Store, central: Option<&Arc<Central>>) -> Option<BuiltIn> {
    let settings = &config.ipam;
    let pools = settings.pools.iter().filter_map(|pool| {
        let policy = pool.as_pool().policy();
        Some(BuiltInPool { prefix: pool.prefix?, vrf: pool.vrf, description: pool.description.clone(), policy })
    });
    let book: Arc<dyn PrefixBook> = match central {
        Some(central) => Arc::new(CentralBook(central.clone())),
        None => Arc::new(store.clone()),
    };
    settings.built_in.then(|| BuiltIn::new(book, pools.collect(), settings.pool_rule))
}

/// Puts everything together. `read_only` says why nothing may be changed, if so.
pub fn services(
    loaded: &Loaded,
    store: Store,
    secrets: Secrets,
    actor: Actor,
    read_only: Option<SafeText>,
) -> Result<Arc<Services>, Failure> {
    services_with(loaded, store, secrets, actor, None, read_only)
}

/// The same with an AAA system that is not in the configuration: the one of the demo.
pub fn services_with(
    loaded: &Loaded,
    store: Store,
    secrets: Secrets,
    actor: Actor,
    aaa: Option<Arc<dyn Aaa>>,
    read_only: Option<SafeText>,
) -> Result<Arc<Services>, Failure> {
    let (netbox, netbox_trouble) = match netbox(&loaded.config, &secrets) {
        Ok(netbox) => (netbox.map(Arc::new), None),
        Err(words) => (None, Some(words)),
    };
    let own_secrets = secrets.clone();
    let central = if store.is_replica() { Some(Central::new(loaded, &store, &secrets)?) } else { None };
    store.set_pool_thresholds(loaded.config.ipam.thresholds());
    let built_in = built_in(&loaded.config, &store, central.as_ref()).map(Arc::new);
    let engine = EngineConfig { source: loaded.config.radius.source, radsec: radsec(loaded)?, ..EngineConfig::default() };
    let engine = Engine::new(engine).map_err(|e| Failure::new(Exit::Internal, format!("no UDP socket for RADIUS: {e}")))?;
    let resolve =
        move |reference: &noctule_domain::secret::SecretRef| secrets.resolve(reference).map_err(|e| SafeText::new(&e.to_string()));
    let profiles = Arc::new(profiles(loaded)?);
    let radius = Arc::new(RadiusClient::new(engine, Arc::new(resolve), profiles.clone()));
    let mut config = ExecutorConfig::new(Arc::new(SystemClock));
    config.hold = chrono::Duration::from_std(loaded.config.hold()).unwrap_or(config.hold);
    let ipam = match (&netbox, &netbox_trouble) {
        _ if built_in.is_some() => built_in.clone().map(|built_in| built_in as Arc<dyn Ipam>),
        (Some(netbox), _) => Some(netbox.clone() as Arc<dyn Ipam>),
        // Not the same as none: what stands in NetBox must not be taken for absent because its token can not be read.
        (None, Some(why)) => Some(Arc::new(Unusable(why.clone())) as Arc<dyn Ipam>),
        (None, None) => None,
    };
    let authority: Arc<dyn Authority> = match &central {
        Some(central) => central.gate(),
        None => Arc::new(store.clone()),
    };
    let (own, aaa_trouble) = match super::aaa::client(loaded, &own_secrets) {
        Ok(client) => (client.filter(|_| aaa.is_none()), None),
        Err(words) => (None, Some(words)),
    };
    let accounting = own
        .as_ref()
        .filter(|_| loaded.config.aaa.accounting)
        .map(|client| super::aaa::reader(loaded, client, &store, central.as_ref(), &profiles));
    let aaa = match (aaa, &own, &aaa_trouble) {
        (Some(given), ..) => Some(given),
        (None, Some(client), _) => Some(Arc::new(client.clone()) as Arc<dyn Aaa>),
        (None, None, Some(why)) => Some(Arc::new(super::aaa::UnusableAaa(why.clone())) as Arc<dyn Aaa>),
        (None, None, None) => None,
    };
    let upstreams = Upstreams { ipam, aaa: aaa.clone(), nas: radius.clone(), profiles: profiles.clone() };
    let executor = Executor::new(authority.clone(), upstreams, config);
    let jobs = jobs_beside(loaded, &store, store.is_read_only() || read_only.is_some())?;
    let leader = jobs.clone();
    let runner = JobRunner::new(
        executor.clone(),
        Arc::new(jobs.clone()),
        Arc::new(store.clone()),
        Arc::new(SystemClock),
        Arc::new(move || leader.lead()),
    );
    let (operator, world) = (actor, World::default());
    let logins = aaa;
    let aaa = own;
    let drift = Arc::new(Drift::new(loaded, profiles)?);
    Ok(Arc::new(Services {
        store,
        jobs,
        runner,
        executor,
        netbox,
        built_in,
        netbox_trouble,
        aaa,
        aaa_trouble,
        accounting,
        radius,
        authority,
        central,
        logins,
        drift,
        operator,
        world,
        read_only,
    }))
}

/// The jobs of a command that needs nothing else. For reading they need not be there.
pub fn open_jobs(context: &Context, read_only: bool) -> Result<Jobs, Failure> {
    jobs_beside(&context.loaded, &context.store, read_only)
}

/// The file of jobs lies beside the store, or beside the outbox. A damaged one is set aside, never deleted: it must not keep anybody from work.
fn jobs_beside(loaded: &Loaded, store: &Store, read_only: bool) -> Result<Jobs, Failure> {
    let folder = store.path().parent().map(Path::to_path_buf).unwrap_or_default();
    let mut options = crate::commands::store_options(loaded)?;
    options.read_only = read_only;
    match Jobs::open(&folder, &options) {
        Err(error @ (OpenError::Damaged { .. } | OpenError::NotADatabase { .. })) if !read_only => {
            let aside = noctule_storage::set_aside(&folder.join("jobs.db"))
                .map_err(|e| Failure::new(Exit::Store, format!("{error}; it could not be set aside either: {e}")))?;
            tracing::error!(%error, kept = %aside.display(), "the file of jobs was damaged: it is kept aside, and a new one begun");
            Ok(Jobs::open(&folder, &options)?)
        }
        other => Ok(other?),
    }
}
