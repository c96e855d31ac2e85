//! What a running Noctule has: the store, the executor, NetBox, the NASes. Made once from a configuration; the console, the command line
//! and the demo use the same.

use super::central::Central;
use super::drift::Drift;
use crate::console::World;
use noctule_domain::lifecycle::{Actor, OperationStatus, Proofs, expected, last_asked};
use noctule_domain::nas::NasReach;
use noctule_domain::permission::Role;
use noctule_domain::ports::{Authority, AuthorityError, BeginOperation};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{NasId, OperationId, Retry, SafeText, SubscriberId};
use noctule_network::aaa::{AccountingReader, FreeRadius};
use noctule_network::ipam::BuiltIn;
use noctule_network::lifecycle::job::JobRunner;
use noctule_network::lifecycle::{Executor, Started};
use noctule_network::netbox::Netbox;
use noctule_network::radius::RadiusClient;
use noctule_network::upstream::{Aaa, Ipam};
use noctule_storage::{Jobs, OperationFilter, Store, StoreError};
use noctule_ui::msg::UpstreamState;
use noctule_ui::query::{MapView, NetworkView, SubscriberView, SyncView};
use noctule_ui::{Notice, Query, Reply};
use std::sync::Arc;

/// Rows of the outbox that the Sync pane shows at most.
const OUTBOX_SHOWN: u32 = 200;

pub struct Services {
    pub store: Store,
    /// Jobs over many subscribers, and what runs them where this process is the one that does.
    pub jobs: Jobs,
    pub runner: JobRunner,
    pub executor: Executor,
    pub netbox: Option<Arc<Netbox>>,
    /// The built-in IPAM, where it is configured instead of NetBox.
    pub built_in: Option<Arc<BuiltIn>>,
    /// Why the configured NetBox can not be used: no token, a bad URL.
    pub netbox_trouble: Option<SafeText>,
    /// The AAA system of the configuration, and why it can not be used, if so.
    pub aaa: Option<FreeRadius>,
    pub aaa_trouble: Option<SafeText>,
    /// Reads its accounting.
    pub accounting: Option<Arc<AccountingReader>>,
    pub radius: Arc<RadiusClient>,
    /// Where operations begin and end, and the health of NASes is kept: the store, or the centre.
    pub authority: Arc<dyn Authority>,
    /// The centre, where one is configured: the store is then a copy with an outbox.
    pub central: Option<Arc<Central>>,
    /// What hands out prefixes at logins, where one is configured.
    pub logins: Option<Arc<dyn Aaa>>,
    /// Checks for drift, and what they found on this machine.
    pub drift: Arc<Drift>,
    /// As configured; who acts is `actor()`.
    pub operator: Actor,
    pub world: World,
    /// Why nothing may be changed, if so.
    pub read_only: Option<SafeText>,
}

impl Services {
    pub fn read_only(&self) -> bool {
        self.read_only.is_some()
    }

    /// Who acts now: with a centre, by its word and not by the configuration's. It has never spoken: then nothing but looking.
    pub fn actor(&self) -> Actor {
        let mut actor = self.operator.clone();
        if let Some(central) = &self.central {
            actor.name = central.login();
            actor.role = central.role().unwrap_or(Role::Viewer);
        }
        actor
    }

    /// One is configured, usable or not.
    pub fn has_netbox(&self) -> bool {
        self.netbox.is_some() || self.netbox_trouble.is_some()
    }

    /// Where prefixes come from, as the header names it; `None` when nothing is configured.
    pub fn ipam_name(&self) -> Option<&'static str> {
        if self.built_in.is_some() { Some("IPAM") } else { self.has_netbox().then_some("NetBox") }
    }

    /// Begins an operation, unless nothing may be changed.
    pub async fn start(&self, request: BeginOperation) -> Result<Started, AuthorityError> {
        self.may_change()?;
        self.executor.start(request).await
    }

    /// Tries an open operation now, or begins an ended one anew.
    pub async fn resume(&self, id: OperationId) -> Result<Started, AuthorityError> {
        self.may_change()?;
        self.executor.resume(id, OperationId::from_uuid(uuid::Uuid::now_v7()), self.actor()).await
    }

    pub(super) fn may_change(&self) -> Result<(), AuthorityError> {
        match &self.read_only {
            None => Ok(()),
            Some(why) => Err(AuthorityError::Store { message: why.clone(), retry: Retry::AfterFix }),
        }
    }

    /// How many operations run and wait.
    pub async fn work(&self) -> Result<(u64, u64), StoreError> {
        let open = self.store.operations(OperationFilter { open_only: true, status: None, limit: 1000 }).await?;
        let waiting = open.iter().filter(|row| row.status == OperationStatus::Waiting).count() as u64;
        Ok((open.len() as u64 - waiting, waiting))
    }

    /// Asks NetBox for its version and pools (or the built-in IPAM for its pools) and stores the pools. The words are for the header and
    /// the Network pane.
    pub async fn refresh_pools(&self) -> Result<SafeText, SafeText> {
        let said = |error: &dyn std::fmt::Display| SafeText::new(&error.to_string());
        let (mut words, problems, pools) = match (&self.built_in, &self.netbox) {
            (Some(built_in), _) => {
                let problems = built_in.problems().await.map_err(|error| said(&error))?;
                let place = if self.central.is_some() { "the centre" } else { "this machine" };
                (format!("Built-in IPAM, its book is kept by {place}"), problems, built_in.pools().await.map_err(|error| said(&error))?)
            }
            (None, Some(netbox)) => {
                let check = netbox.check().await.map_err(|error| said(&error))?;
                let problems = check.custom_fields.into_iter().chain(check.pool_problems).collect();
                (format!("NetBox {} at {}", check.version, netbox.url()), problems, check.pools)
            }
            (None, None) => return Err(self.netbox_trouble.clone().unwrap_or_else(|| "No NetBox is configured.".into())),
        };
        for problem in problems {
            words.push_str("; ");
            words.push_str(problem.as_str());
        }
        if !self.read_only() && !self.store.is_read_only() {
            match &self.central {
                // What the centre keeps comes back with the copy; with the centre away the old figures stand.
                Some(central) => {
                    central.pools_replace(&pools).await;
                    central.pools_outlook(&pools).await;
                }
                None => self.store.pools_replace(pools).await.map_err(|error| said(&error))?,
            }
        }
        Ok(SafeText::new(&words))
    }

    /// Asks NetBox, and keeps for the header and for `/health` how it does.
    pub async fn hear_netbox(&self) -> Result<SafeText, SafeText> {
        let heard = self.refresh_pools().await;
        match &heard {
            Ok(words) => self.world.set_netbox(UpstreamState::Live, words.clone()),
            Err(words) => {
                tracing::warn!(target: "netbox", "{words}");
                self.world.set_netbox(UpstreamState::Offline, words.clone());
            }
        }
        heard
    }

    /// A harmless request to a NAS; its answer as a notice, its health into the store.
    pub async fn probe_words(&self, id: NasId) -> Notice {
        let nas = match self.store.nas(id).await {
            Ok(Some(nas)) => nas,
            Ok(None) => return Notice::warning("That NAS is not registered any more."),
            Err(error) => return Notice::warning(error.to_string()),
        };
        let probe = self.radius.probe(&nas, |_| {}).await;
        self.world.probed(probe.report(id, chrono::Utc::now()));
        if !self.read_only() {
            let stored = self.authority.nas_health(id, probe.seen.clone()).await;
            if let Err(error) = stored {
                tracing::warn!(nas = %nas.name, %error, "health of the NAS not stored");
            }
        }
        match probe.seen.reach {
            NasReach::Up | NasReach::Busy => Notice::info(probe.words.into_string()),
            NasReach::Silent | NasReach::Unknown => {
                // What was tried, and what it excludes, stands in the detail of the NAS.
                Notice::warning(probe.words.into_string())
            }
        }
    }

    /// A subscriber's number for a sentence; its id when even that can not be read.
    pub async fn name_of(&self, id: SubscriberId) -> SafeText {
        match self.store.subscriber(id).await {
            Ok(Some(subscriber)) => subscriber.subscriber_number,
            _ => SafeText::new(&id.to_string()),
        }
    }

    /// Answers a pane. An error is the operator's sentence.
    pub async fn answer(&self, query: Query) -> Result<Reply, String> {
        self.reply(query).await.map_err(|error| error.to_string())
    }

    async fn reply(&self, query: Query) -> Result<Reply, StoreError> {
        let store = &self.store;
        Ok(match query {
            Query::Subscribers(request) => Reply::Subscribers(store.subscriber_page(request).await?),
            Query::Rows(ids) => Reply::Rows(store.subscriber_lines(ids).await?),
            Query::Subscriber { id, timeline } => match store.subscriber(id).await? {
                None => Reply::Failed("This subscriber is not in the store any more.".into()),
                Some(subscriber) => {
                    let nas_name = self.nas_name(subscriber.nas).await?;
                    let session_nas_name = self.nas_name(subscriber.session.as_ref().map(|s| s.nas)).await?;
                    let timeline = store.subscriber_timeline(id, timeline.into()).await?;
                    let others = self.central.as_ref().map(|central| central.others_at(id)).unwrap_or_default();
                    // With a centre another console may be the one that reads.
                    let told = subscriber.session.as_ref().is_some_and(|session| session.accounting.is_some());
                    let accounting_read = self.accounting.is_some() || told;
                    let proofs = self.proofs_of(&subscriber).await?;
                    let expected = expected(&subscriber.ipv6, last_asked(&timeline), proofs.as_ref(), accounting_read);
                    let view = SubscriberView { subscriber, nas_name, session_nas_name, timeline, others, expected, accounting_read };
                    Reply::Subscriber(Box::new(view))
                }
            },
            Query::Overview => {
                let mut overview = store.overview(chrono::Utc::now()).await?;
                overview.alerts.extend(self.drift.alert().await);
                Reply::Overview(Box::new(overview))
            }
            Query::Drift => match self.drift.view().await {
                Ok(view) => Reply::Drift(Box::new(view)),
                Err(failure) => Reply::Failed(SafeText::new(&failure.sentence)),
            },
            Query::Technicians => Reply::Technicians(store.technicians().await?),
            Query::Tasks => Reply::Tasks(store.tasks().await?),
            Query::Operations { open_only, limit } => {
                Reply::Operations(store.operations(OperationFilter { open_only, status: None, limit: u32::from(limit) }).await?)
            }
            Query::Operation(id) => match store.operation(id).await? {
                Some(view) => Reply::Operation(Box::new(view)),
                None => Reply::Failed("This operation is not in the store any more.".into()),
            },
            Query::Network => {
                let netbox = match &self.netbox {
                    None if self.built_in.is_some() => self.world.netbox().words,
                    None => self.netbox_trouble.clone().unwrap_or_else(|| "No NetBox is configured.".into()),
                    Some(netbox) => {
                        let heard = self.world.netbox();
                        if heard.words.is_empty() { SafeText::new(&format!("Asking {} …", netbox.url())) } else { heard.words }
                    }
                };
                let (pools, nases, probes) = (store.pools().await?, store.nas_rows().await?, self.world.probes());
                Reply::Network(Box::new(NetworkView { pools, nases, netbox, probes }))
            }
            Query::Map => Reply::Map(Box::new(MapView {
                technicians: store.technicians().await?,
                tasks: store.tasks().await?,
                nases: store.nas_rows().await?,
            })),
            Query::Sync => Reply::Sync(Box::new(self.sync_view().await?)),
            Query::Vocabulary => {
                let vocabulary = store.vocabulary().await?;
                Reply::Vocabulary { nas: vocabulary.nas, sites: vocabulary.sites }
            }
        })
    }

    async fn sync_view(&self) -> Result<SyncView, StoreError> {
        let Some(central) = &self.central else {
            let centre = SafeText::default();
            return Ok(SyncView { status: None, centre, rows: Vec::new(), outbox: Vec::new(), conflicts: Vec::new(), others: Vec::new() });
        };
        let status = central.status().borrow().clone();
        Ok(SyncView {
            status: Some(status),
            centre: central.words(),
            rows: self.store.table_counts().await?,
            outbox: self.store.outbox_list(OUTBOX_SHOWN).await?,
            conflicts: self.store.conflicts().await?,
            others: central.others(),
        })
    }

    /// What proves an operation on the NAS that owns the session, else on the one where the subscriber is registered.
    async fn proofs_of(&self, subscriber: &Subscriber) -> Result<Option<Proofs>, StoreError> {
        let Some(id) = subscriber.session.as_ref().map(|session| session.nas).or(subscriber.nas) else { return Ok(None) };
        let nas = self.store.nas(id).await?;
        Ok(nas.and_then(|nas| self.radius.profiles().get(&nas.profile).map(|profile| Proofs::of(&profile))))
    }

    async fn nas_name(&self, id: Option<NasId>) -> Result<Option<SafeText>, StoreError> {
        match id {
            None => Ok(None),
            Some(id) => Ok(self.store.nas(id).await?.map(|nas| nas.name)),
        }
    }
}
