//! The link to the centre while a console runs: the sync, its status, presence, requests of the outbox begun on return. Beside it all that a process needs of the centre once: the login, the authority, one round of sync for a command.

use super::gate::Gate;
use super::leader::LeaderFile;
use super::memory::Memory;
use super::{Answers, begin_queued, dead, place};
use crate::commands::{Context, hostname};
use crate::compose::Services;
use crate::config::{CentralPlace, Loaded};
use crate::exit::{Exit, Failure};
use crate::secrets::{SecretError, Secrets};
use noctule_domain::audit::AuditEntry;
use noctule_domain::ipam::Pool;
use noctule_domain::lifecycle::{Proofs, Told};
use noctule_domain::permission::Role;
use noctule_domain::ports::{Authority, AuthorityError, Heard};
use noctule_domain::sync::{LifecycleRequest, Link, Op, Other, PROTOCOL, Phase, Replica, SyncStatus};
use noctule_domain::{Retry, SafeText, SubscriberId};
use noctule_storage::{MethodsOf, PoolTold, Store};
use noctule_sync::authority::CentralAuthority;
use noctule_sync::connect::{Centre, CentreError};
use noctule_sync::run::{Syncer, SyncerConfig};
use noctule_sync::verify::VerifyReport;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

/// A request of the outbox that did not get through is tried again after this.
const AGAIN: Duration = Duration::from_secs(5);
/// After a password that could not be found, it is looked for again this often.
const PASSWORD: Duration = Duration::from_secs(15);

pub struct Central {
    loaded: Loaded,
    store: Store,
    secrets: Secrets,
    methods: MethodsOf,
    gate: Arc<Gate>,
    authority: Mutex<Option<CentralAuthority>>,
    memory: Memory,
    leader: LeaderFile,
    status: watch::Sender<SyncStatus>,
    others: Mutex<Vec<Other>>,
    looked: watch::Sender<Option<SubscriberId>>,
    poke: Notify,
    words: SafeText,
}

/// Why a round of the link ended.
enum Round {
    /// Begin anew: another password, or this process leads now.
    Again,
    Over,
}

impl Central {
    pub fn new(loaded: &Loaded, store: &Store, secrets: &Secrets) -> Result<Arc<Self>, Failure> {
        let url = loaded.config.central.url.as_deref().unwrap_or_default();
        let words = CentralPlace::parse(url).map(|place| place.words()).unwrap_or_default();
        Ok(Arc::new(Self {
            loaded: loaded.clone(),
            store: store.clone(),
            secrets: secrets.clone(),
            methods: super::super::methods(loaded)?,
            gate: Arc::default(),
            authority: Mutex::default(),
            memory: Memory::read(&loaded.central_folder()),
            leader: LeaderFile::new(&loaded.central_folder()),
            status: watch::Sender::new(SyncStatus::default()),
            others: Mutex::default(),
            looked: watch::Sender::new(None),
            poke: Notify::new(),
            words,
        }))
    }

    pub fn gate(&self) -> Arc<Gate> {
        self.gate.clone()
    }

    pub fn status(&self) -> watch::Receiver<SyncStatus> {
        self.status.subscribe()
    }

    /// Hosts and database.
    pub fn words(&self) -> SafeText {
        self.words.clone()
    }

    /// As the centre knows this operator; before it has ever spoken, as configured.
    pub fn login(&self) -> SafeText {
        self.memory.get().map_or_else(|| place::login(&self.loaded), |known| known.login)
    }

    /// By the centre's last word. `None`: it has never spoken.
    pub fn role(&self) -> Option<Role> {
        self.memory.get().map(|known| known.role)
    }

    /// Other consoles that are connected, as the centre told last.
    pub fn others(&self) -> Vec<Other> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those that look at this subscriber now.
    pub fn others_at(&self, subscriber: SubscriberId) -> Vec<Other> {
        self.others().into_iter().filter(|other| other.subscriber == Some(subscriber)).collect()
    }

    pub fn look_at(&self, subscriber: Option<SubscriberId>) {
        self.looked.send_if_modified(|now| {
            let changed = *now != subscriber;
            *now = subscriber;
            changed
        });
    }

    /// Try the centre now, and push.
    pub fn sync_now(&self) {
        self.poke.notify_one();
    }

    /// True while nothing can be asked of the centre: a request is then kept in the outbox instead of waiting for a time-out.
    pub fn is_away(&self) -> bool {
        matches!(self.status.borrow().link, Link::Offline | Link::Upgrade)
    }

    pub fn is_live(&self) -> bool {
        matches!(self.status.borrow().link, Link::Live | Link::Delayed)
    }

    /// Asks for the password where it can only be asked for before the screen is taken.
    pub fn ask_before(loaded: &Loaded, secrets: &Secrets) -> Result<(), SecretError> {
        place::ask_before(loaded, secrets)
    }

    /// The pools as NetBox has them, told to the centre. With the centre away the old figures stand, which is no trouble of NetBox's.
    pub async fn pools_replace(&self, pools: &[Pool]) {
        let authority = self.authority.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (true, Some(authority)) = (self.is_live(), authority)
            && let Err(error) = authority.pools_replace(pools).await
        {
            tracing::debug!(%error, "the pools were not told to the centre");
        }
    }

    /// A prefix that belongs to nobody is about to be put to rest or deleted, or was: into the centre's audit log.
    pub async fn prefix_retired(&self, entry: &AuditEntry) -> Result<(), AuthorityError> {
        let authority = self.authority.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match authority {
            Some(authority) => authority.prefix_retired(entry).await,
            None => Err(AuthorityError::Store { message: "the centre is not connected yet".into(), retry: Retry::Later }),
        }
    }

    /// Sessions that accounting told, kept by the centre.
    pub async fn sessions_told(&self, told: &[Told], proofs: &BTreeMap<String, Proofs>) -> Result<Heard, AuthorityError> {
        let authority = self.authority.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match authority {
            Some(authority) => authority.sessions_told(told, proofs).await,
            None => Err(AuthorityError::Store { message: "the centre is not connected yet".into(), retry: Retry::Later }),
        }
    }

    /// The authority, once the gate is open.
    pub(super) fn authority(&self) -> Option<CentralAuthority> {
        self.authority.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds this look to the history that all consoles share, and takes the history from there.
    pub async fn pools_outlook(&self, pools: &[Pool]) {
        if self.is_live() {
            self.pools_outlook_once(pools).await;
        }
    }

    /// As `pools_outlook`, for a command: no link is kept, so nobody knows whether the centre is there before it is asked.
    pub async fn pools_outlook_once(&self, pools: &[Pool]) {
        let Some(authority) = self.authority() else { return };
        // A viewer only looks.
        if let Err(error) = authority.pools_seen(pools).await {
            tracing::debug!(%error, "the look at the pools was not told to the centre");
        }
        match authority.pools_told().await {
            Ok(told) => {
                let told = told.into_iter().map(|(id, of)| (id, PoolTold { history: of.history, fits: of.fits }));
                self.store.set_pools_told(told.collect());
            }
            Err(error) => tracing::debug!(%error, "the history of the pools was not told by the centre"),
        }
    }

    /// Finds the password and opens the gate. Nothing is asked of the network yet. Blocks a thread for as long as a password program takes.
    pub async fn open(&self) -> Result<Centre, Failure> {
        let (loaded, secrets) = (self.loaded.clone(), self.secrets.clone());
        let found = tokio::task::spawn_blocking(move || place::password(&loaded, &secrets)).await;
        let password = found
            .map_err(|error| Failure::new(Exit::Internal, format!("the password of the centre: {error}")))?
            .map_err(|error| Failure::new(Exit::Config, format!("the password of the centre: {error}")))?;
        let url = self.loaded.config.central.url.as_deref().unwrap_or_default();
        let config = place::centre_config(&self.loaded, url, self.store.tenant(), self.store.console(), password)?;
        let centre = Centre::new(config);
        let folder = self.loaded.central_folder();
        let authority = CentralAuthority::new(centre.clone(), self.methods.clone(), Arc::new(move || dead::consoles(&folder)));
        self.gate.open(Arc::new(authority.clone()) as Arc<dyn Authority>);
        *self.authority.lock().unwrap_or_else(PoisonError::into_inner) = Some(authority);
        Ok(centre)
    }

    /// What the sync needs, for a centre that was opened.
    pub fn syncer_config(&self, centre: &Centre) -> Result<SyncerConfig, Failure> {
        let config = &self.loaded.config.central;
        let read = match &config.read_url {
            None => None,
            Some(url) => {
                let password = centre.config().password.clone();
                Some(place::centre_config(&self.loaded, url, self.store.tenant(), self.store.console(), password)?)
            }
        };
        let store = self.store.clone();
        Ok(SyncerConfig {
            centre: centre.config().clone(),
            read,
            replica: Arc::new(self.store.clone()),
            lead: Arc::new(move || store.lead()),
            poll: config.poll(),
            listen: config.listen,
            host: hostname(),
        })
    }

    /// For a command: one push and pull, a whole copy where there is none. Learns login and role on the way.
    pub async fn once(&self, centre: &Centre, progress: &dyn Fn(&SyncStatus)) -> Result<(), Failure> {
        let config = self.syncer_config(centre)?;
        let told = |status: &SyncStatus| {
            self.memory.hear(status, self.store.is_read_only());
            self.status.send_replace(status.clone());
            progress(status);
        };
        noctule_sync::run::once(&config, &told).await?;
        Ok(())
    }

    /// For a command: is the centre there? Its answer stands in the status.
    pub async fn try_once(&self) {
        let centre = match self.open().await {
            Ok(centre) => centre,
            Err(failure) => return self.trouble(Link::Offline, SafeText::new(&failure.sentence)),
        };
        match centre.call("hello", &[&PROTOCOL, &centre.config().console.0, &hostname()]).await {
            Ok(_) => self.status.send_modify(|status| status.link = Link::Live),
            Err(error) => self.trouble(link_of(&error), SafeText::new(&error.to_string())),
        }
    }

    /// Compares the copy with the centre by checksums; unless `only_look`, what differs is fetched.
    pub async fn verify(&self, context: &Context, only_look: bool) -> Result<VerifyReport, Failure> {
        super::command::ask(context).await?;
        let config = self.syncer_config(&self.open().await?)?;
        let progress = crate::commands::Progress::new();
        let told = |status: Phase| progress.sync(&SyncStatus { phase: status, ..SyncStatus::default() });
        let from = config.read.as_ref().unwrap_or(&config.centre);
        let report = match only_look {
            true => noctule_sync::verify::compare(from, &config.host, &self.store, &told).await?,
            false => noctule_sync::verify::verify(from, &config.host, &self.store, &told).await?,
        };
        Ok(report)
    }

    /// Keeps the link for as long as a console runs.
    pub async fn run(self: Arc<Self>, services: Arc<Services>, cancel: CancellationToken) {
        self.first_status().await;
        loop {
            let centre = match self.open().await {
                Ok(centre) => centre,
                Err(failure) => {
                    self.trouble(Link::Offline, SafeText::new(&failure.sentence));
                    tokio::select! {
                        () = tokio::time::sleep(PASSWORD) => continue,
                        () = self.poke.notified() => continue,
                        () = cancel.cancelled() => return,
                    }
                }
            };
            let round = self.drive(&centre, &services, &cancel).await;
            match round {
                Round::Again => {}
                Round::Over => return,
            }
        }
    }

    /// What is known before the centre has been asked: how old the copy is, what waits.
    async fn first_status(&self) {
        let mut status = self.status.borrow().clone();
        if let Ok(Some(position)) = self.store.position().await {
            status.fresh_at = Some(position.at);
            status.login = Some(SafeText::new(&position.login));
        }
        status.role = self.role();
        status.outbox = self.store.outbox().await.unwrap_or_default();
        self.status.send_replace(status);
    }

    fn trouble(&self, link: Link, note: SafeText) {
        self.status.send_modify(|status| {
            if status.link != link {
                status.since = Some(chrono::Utc::now());
            }
            status.link = link;
            status.note = Some(note);
        });
    }

    fn tell(&self, mut status: SyncStatus) {
        if status.follower {
            // The one that leads hears it from the centre, and writes it down.
            self.memory.read_again();
        } else if matches!(status.link, Link::Live | Link::Delayed) {
            self.memory.hear(&status, self.store.is_read_only());
        }
        if !status.follower && !self.store.is_read_only() {
            self.leader.say(&status);
        }
        status.login = status.login.or_else(|| self.memory.get().map(|known| known.login));
        // The role is asked for all the time, also while the link is down.
        status.role = status.role.or_else(|| self.role());
        self.status.send_replace(status);
    }

    fn set_others(&self, others: Vec<Other>) {
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) = others;
    }

    /// The sync itself, which leads or watches as the lock of the copy says, and takes over when the leader is gone.
    async fn drive(&self, centre: &Centre, services: &Arc<Services>, cancel: &CancellationToken) -> Round {
        let config = match self.syncer_config(centre) {
            Ok(config) => config,
            Err(failure) => {
                self.trouble(Link::Offline, SafeText::new(&failure.sentence));
                cancel.cancelled().await;
                return Round::Over;
            }
        };
        let syncer = Syncer::start(config);
        let (mut status, mut looked) = (syncer.status(), self.looked.subscribe());
        let first = *looked.borrow_and_update();
        syncer.look_at(first);
        let queued = tokio::spawn(begin_all(services.clone(), syncer.lifecycle()));
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let round = loop {
            tokio::select! {
                changed = status.changed() => {
                    if changed.is_err() {
                        break Round::Again;
                    }
                    let now = status.borrow_and_update().clone();
                    self.tell(now);
                }
                Ok(()) = looked.changed() => syncer.look_at(*looked.borrow_and_update()),
                () = self.poke.notified() => {
                    // A new password may have been given to `noctule login` meanwhile.
                    if self.status.borrow().link == Link::Denied {
                        break Round::Again;
                    }
                    syncer.sync_now();
                }
                _ = tick.tick() => self.set_others(syncer.others()),
                () = cancel.cancelled() => break Round::Over,
            }
        };
        queued.abort();
        syncer.stop().await;
        round
    }
}

/// What an error of the centre means for the header.
pub fn link_of(error: &CentreError) -> Link {
    match error {
        CentreError::Denied(_) | CentreError::BadPassword => Link::Denied,
        CentreError::Upgrade { .. } => Link::Upgrade,
        _ => Link::Offline,
    }
}

/// Requests of the outbox, one after the other, in the order in which they were made.
async fn begin_all(services: Arc<Services>, mut requests: mpsc::Receiver<(Op, LifecycleRequest)>) {
    while let Some((op, request)) = requests.recv().await {
        loop {
            match begin_queued(&services, &op, request.clone()).await {
                // Handed out again with the next connection; while this one stands, it is tried again here.
                Ok(Answers::Later(why)) if services.central.as_ref().is_some_and(|central| central.is_live()) => {
                    tracing::debug!(op = %op.id, %why, "a request of the outbox is tried again");
                    tokio::time::sleep(AGAIN).await;
                }
                // Dropping the handle of one that runs lets go of nothing: the executor drives it.
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(op = %op.id, %error, "the answer to a request of the outbox could not be kept");
                    break;
                }
            }
        }
    }
}
