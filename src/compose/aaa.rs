//! The AAA system, from the configuration: the client, the reader of its accounting, and the book that the sessions are told to.

use super::Services;
use super::central::{self, Central};
use crate::commands::{Context, hostname};
use crate::config::{AaaNames, CentralPlace, Loaded, TlsMode};
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use async_trait::async_trait;
use noctule_domain::aaa::{AaaUser, AccountingSession};
use noctule_domain::lifecycle::{Proofs, Told};
use noctule_domain::permission::Permission;
use noctule_domain::ports::{AuthorityError, Awaiting, Heard, SessionBook};
use noctule_domain::subscriber::Username;
use noctule_domain::{SafeText, SubscriberId, Timestamp};
use noctule_network::aaa::{AaaConfig, AccountingReader, ClientCertificate, FreeRadius, Names, ReaderConfig, Tls};
use noctule_network::radius::profiles::Profiles;
use noctule_network::upstream::{Aaa, AaaError, LoginWrite};
use noctule_storage::Store;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The client of the configured AAA system: `None` when none is configured, words when it can not be used as it is configured. Nothing is asked
/// of the network; a password program is run.
pub(super) fn client(loaded: &Loaded, secrets: &Secrets) -> Result<Option<FreeRadius>, SafeText> {
    let settings = &loaded.config.aaa;
    let Some(dsn) = &settings.dsn else { return Ok(None) };
    let words = |text: String| SafeText::new(&text);
    let (url, user, password, tls) = if settings.is_central() {
        let url = loaded.config.central.url.clone().unwrap_or_default();
        let password = central::password(loaded, secrets).map_err(|e| words(format!("the password of the centre, for [aaa]: {e}")))?;
        (url, central::login(loaded), password, central::tls(&loaded.config.central))
    } else {
        let password = match &settings.password {
            None => None,
            Some(reference) => {
                Some(secrets.resolve(reference).map_err(|e| words(format!("the password of the AAA database ({reference}): {e}")))?)
            }
        };
        let user = settings.user.clone().filter(|user| !user.is_empty()).unwrap_or_else(|| loaded.config.operator_name());
        (dsn.clone(), user, password, own_tls(loaded))
    };
    let place = CentralPlace::parse(&url).map_err(|why| words(format!("aaa.dsn: {why}")))?;
    Ok(Some(FreeRadius::new(AaaConfig {
        hosts: place.hosts,
        database: place.database,
        user: user.into_string(),
        password,
        tls,
        schema: settings.schema.clone(),
        names: match settings.names {
            AaaNames::Escaped => Names::Escaped,
            AaaNames::Plain => Names::Plain,
        },
        connect_timeout: Duration::from_secs(settings.connect_timeout_s.into()),
        timeout: Duration::from_secs(settings.timeout_s.into()),
        application: format!("noctule {} aaa", env!("CARGO_PKG_VERSION")),
    })))
}

fn own_tls(loaded: &Loaded) -> Tls {
    let settings = &loaded.config.aaa;
    match settings.tls {
        TlsMode::Off => Tls::Off,
        TlsMode::VerifyFull => Tls::VerifyFull {
            ca: settings.ca_file.clone(),
            client: settings
                .cert_file
                .clone()
                .zip(settings.key_file.clone())
                .map(|(certificate, key)| ClientCertificate { certificate, key }),
        },
    }
}

/// An AAA system that is configured and can not be used. Every call says why, and that nothing left this machine.
pub(super) struct UnusableAaa(pub SafeText);

impl UnusableAaa {
    fn said<T>(&self) -> Result<T, AaaError> {
        Err(AaaError::Unreachable(self.0.clone()))
    }
}

#[async_trait]
impl Aaa for UnusableAaa {
    async fn write(&self, _: &LoginWrite) -> Result<(), AaaError> {
        self.said()
    }

    async fn user(&self, _: &Username) -> Result<Option<AaaUser>, AaaError> {
        self.said()
    }

    async fn sessions_of(&self, _: &Username) -> Result<Vec<AccountingSession>, AaaError> {
        self.said()
    }

    async fn users_after(&self, _: Option<&Username>, _: u32) -> Result<Vec<AaaUser>, AaaError> {
        self.said()
    }
}

/// The centre keeps the sessions; what is asked of them is read from the copy.
struct CentreBook {
    store: Store,
    central: Arc<Central>,
}

#[async_trait]
impl SessionBook for CentreBook {
    async fn awaiting(&self, after: Timestamp, limit: u32) -> Result<Vec<Awaiting>, AuthorityError> {
        self.store.awaiting(after, limit).await
    }

    async fn known(&self, after: Option<SubscriberId>, limit: u32) -> Result<Vec<(SubscriberId, Username)>, AuthorityError> {
        self.store.known(after, limit).await
    }

    async fn told(&self, told: Vec<Told>, proofs: Arc<BTreeMap<String, Proofs>>) -> Result<Heard, AuthorityError> {
        self.central.sessions_told(&told, &proofs).await
    }
}

/// The reader of accounting: one for the centre of a tenant, or for this store.
pub(super) fn reader(
    loaded: &Loaded,
    aaa: &FreeRadius,
    store: &Store,
    central: Option<&Arc<Central>>,
    profiles: &Profiles,
) -> Arc<AccountingReader> {
    let settings = &loaded.config.aaa;
    let tenant = store.tenant();
    let (book, lock): (Arc<dyn SessionBook>, _) = match central {
        Some(central) => (Arc::new(CentreBook { store: store.clone(), central: central.clone() }), format!("centre {tenant}")),
        None => (Arc::new(store.clone()), format!("store {tenant} {} {}", hostname(), store.path().display())),
    };
    let config = ReaderConfig { poll: settings.poll(), whole: settings.whole() };
    Arc::new(AccountingReader::new(aaa.clone(), book, proofs(profiles), lock, config))
}

/// What each known profile takes for a proof.
pub(super) fn proofs(profiles: &Profiles) -> Arc<BTreeMap<String, Proofs>> {
    Arc::new(profiles.iter().map(|profile| (profile.key.clone(), Proofs::of(profile))).collect())
}

/// Reads accounting for as long as this process runs. With a centre only while it is there and takes our word.
pub(super) async fn read(services: Arc<Services>, cancel: CancellationToken) {
    let Some(reader) = services.accounting.clone() else { return };
    let Some(central) = &services.central else {
        tokio::select! { () = reader.run() => {}, () = cancel.cancelled() => {} }
        return;
    };
    let mut status = central.status();
    loop {
        tokio::select! {
            live = status.wait_for(|_| central.is_live()) => if live.is_err() { return },
            () = cancel.cancelled() => return,
        }
        if services.actor().role.allows(Permission::Ipv6Activate) {
            tokio::select! {
                () = reader.run() => {}
                gone = status.wait_for(|_| !central.is_live()) => if gone.is_err() { return },
                () = cancel.cancelled() => return,
            }
        }
        tokio::select! { () = tokio::time::sleep(Duration::from_secs(1)) => {}, () = cancel.cancelled() => return }
    }
}

/// For commands: the client, or why there is none.
pub fn aaa_client(loaded: &Loaded) -> Result<FreeRadius, Failure> {
    let base = loaded.file.parent().map(Path::to_path_buf).unwrap_or_default();
    match client(loaded, &Secrets::new(base)) {
        Ok(Some(client)) => Ok(client),
        Ok(None) => Err(Failure::new(Exit::Config, "no AAA system is configured: set dsn in [aaa]")),
        Err(words) => Err(Failure::new(Exit::Config, words.into_string())),
    }
}

pub fn aaa_failure(error: AaaError) -> Failure {
    let exit = if matches!(error, AaaError::Refused(_)) { Exit::Refused } else { Exit::Unreachable };
    Failure::new(exit, error.to_string())
}

/// What a login gets, whether one can succeed at all, and its sessions.
pub async fn aaa_user(aaa: &FreeRadius, name: &Username) -> Result<(Option<AaaUser>, bool, Vec<AccountingSession>), Failure> {
    let user = aaa.user(name).await.map_err(aaa_failure)?;
    let checked = aaa.in_radcheck(name).await.map_err(aaa_failure)?;
    Ok((user, checked, aaa.sessions_of(name).await.map_err(aaa_failure)?))
}

/// Tells the centre that logins of this tenant are written, once they can be.
pub async fn aaa_use(loaded: &Loaded) -> Result<(), Failure> {
    central::reach(loaded).await?.call("aaa_use", &[&true]).await?;
    Ok(())
}

/// All of accounting, once. `None`: another process reads.
pub async fn read_accounting(context: &Context) -> Result<Option<Heard>, Failure> {
    let services = super::acting(context).await?;
    let Some(reader) = &services.accounting else {
        let why = services.aaa_trouble.clone().unwrap_or_else(|| "no accounting is configured: set dsn in [aaa]".into());
        return Err(Failure::new(Exit::Config, why.into_string()));
    };
    reader.once().await.map_err(|why| Failure::new(Exit::Unreachable, why.into_string()))
}
