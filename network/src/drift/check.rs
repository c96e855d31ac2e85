//! One check from beginning to end, and the quick look at a few objects in between.

use super::config::CheckConfig;
use super::names::Named;
use super::source::{Parent, PrefixSource};
use super::suspects::Suspects;
use crate::upstream::{Aaa, AaaError, IpamError};
use ipnet::Ipv6Net;
use noctule_domain::drift::{
    CheckProgress, DriftRow, DriftRows, DriftSource, Finding, Parents, Report, RowsError, SourceReport, Subject, netbox_alone, netbox_pair,
};
use noctule_domain::{SafeText, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Why a check came to no end: it was told to stop, or the rows themselves could not be read. A source that fails is no failure of the
/// check: it is told in the report.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CheckFailed {
    #[error("the check was stopped; what was found before stays as it was")]
    Stopped,
    #[error("{0}")]
    Rows(SafeText),
}

/// Why a pass ended early.
#[derive(Debug)]
pub(super) enum Step {
    Stopped,
    Rows(RowsError),
    Netbox(IpamError),
    Aaa(AaaError),
}

impl From<RowsError> for Step {
    fn from(error: RowsError) -> Self {
        Self::Rows(error)
    }
}

impl From<IpamError> for Step {
    fn from(error: IpamError) -> Self {
        Self::Netbox(error)
    }
}

impl From<AaaError> for Step {
    fn from(error: AaaError) -> Self {
        Self::Aaa(error)
    }
}

impl Step {
    /// The words of a source that failed; what ends the whole check is the error.
    fn of_source(self) -> Result<SafeText, CheckFailed> {
        match self {
            Self::Stopped => Err(CheckFailed::Stopped),
            Self::Rows(error) => Err(CheckFailed::Rows(error.message)),
            Self::Netbox(error) => Ok(SafeText::new(&error.to_string())),
            Self::Aaa(error) => Ok(SafeText::new(&error.to_string())),
        }
    }
}

pub struct Checker {
    pub(super) rows: Arc<dyn DriftRows>,
    pub(super) prefixes: Option<Arc<dyn PrefixSource>>,
    pub(super) aaa: Option<Arc<dyn Aaa>>,
    pub(super) config: CheckConfig,
    stop: CancellationToken,
    progress: watch::Sender<Option<CheckProgress>>,
    parents: Mutex<Option<Vec<Parent>>>,
}

impl Checker {
    /// `prefixes` and `aaa` are `None` where none is configured.
    pub fn new(
        rows: Arc<dyn DriftRows>,
        prefixes: Option<Arc<dyn PrefixSource>>,
        aaa: Option<Arc<dyn Aaa>>,
        config: CheckConfig,
        stop: CancellationToken,
    ) -> Self {
        Self { rows, prefixes, aaa, config, stop, progress: watch::Sender::new(None), parents: Mutex::default() }
    }

    /// Only these kinds (empty: all), and how long to rest between two pages of NetBox.
    pub fn set(&mut self, kinds: Vec<noctule_domain::drift::DriftKind>, pause: std::time::Duration) {
        self.config.kinds = kinds;
        self.config.pause = pause;
    }

    /// Where the running check is; `None` while none runs.
    pub fn watch(&self) -> watch::Receiver<Option<CheckProgress>> {
        self.progress.subscribe()
    }

    /// The whole check.
    pub async fn check(&self) -> Result<Report, CheckFailed> {
        let report = self.run().await;
        self.progress.send_replace(None);
        report
    }

    async fn run(&self) -> Result<Report, CheckFailed> {
        let started_at = self.config.clock.now();
        let rows = self.rows.count().await.map_err(|e| CheckFailed::Rows(e.message))?;
        self.progress.send_replace(Some(CheckProgress { started_at, phase: "NetBox".into(), done: 0, total: rows, suspected: 0 }));
        let mut suspects = Suspects::default();
        let mut sources = Vec::new();
        let mut parents = Parents::default();
        let mut objects = None;
        if let Some(source) = &self.prefixes {
            let mut report = SourceReport { source: DriftSource::Netbox, read: 0, whole: false, trouble: None };
            match source.parents().await {
                Err(error) => report.trouble = Some(SafeText::new(&error.to_string())),
                Ok(pools) => {
                    parents = self.remember(&pools);
                    let children: u64 = pools.iter().map(|p| p.children).sum();
                    self.progress.send_if_modified(|p| p.as_mut().map(|p| p.total += children).is_some());
                    let (read, done) = self.objects(&**source, &pools, &parents, &mut suspects).await;
                    report.read = read;
                    match done {
                        Ok(all) => {
                            report.whole = true;
                            objects = Some(all);
                        }
                        Err(step) => report.trouble = Some(step.of_source()?),
                    }
                }
            }
            sources.push(report);
        }
        self.phase(if self.aaa.is_some() { "AAA and sessions" } else { "subscribers and sessions" });
        let mut named = Named::default();
        self.names(&parents, objects.as_ref(), &mut suspects, &mut named).await.map_err(failed)?;
        sources.push(SourceReport { source: DriftSource::Rows, read: named.rows, whole: true, trouble: None });
        if self.aaa.is_some() {
            let unknown = (self.prefixes.is_some() && parents.0.is_empty())
                .then(|| SafeText::from("our pools could not be read, so what AAA hands out of them is not known"));
            let trouble = named.aaa.as_ref().map(|error| SafeText::new(&error.to_string())).or(unknown);
            sources.push(SourceReport { source: DriftSource::Aaa, read: named.users, whole: trouble.is_none(), trouble });
        }
        self.phase("looking again");
        if suspects.count() > 0 && !self.config.settle.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(self.config.settle) => {}
                () = self.stop.cancelled() => return Err(CheckFailed::Stopped),
            }
        }
        let findings = self.confirmed(&mut suspects, &parents, &mut sources).await?;
        let kinds = self.config.kinds.clone();
        Ok(Report { started_at, ended_at: self.config.clock.now(), sources, more: suspects.more(), findings, kinds })
    }

    /// What stands on a second look. A source that fails now was not read to its end: nothing of it has gone.
    async fn confirmed(
        &self,
        suspects: &mut Suspects,
        parents: &Parents,
        sources: &mut [SourceReport],
    ) -> Result<Vec<Finding>, CheckFailed> {
        let mut findings = Vec::new();
        let suspected = suspects.take();
        for source in sources.iter_mut() {
            let of_it: Vec<Finding> = suspected.iter().filter(|f| f.kind.source() == source.source).cloned().collect();
            let mut looked = self.again(of_it, parents).await;
            if source.source == DriftSource::Netbox
                && let Ok(found) = &mut looked
            {
                match self.crossings_again(&suspects.crossing).await {
                    Ok(crossing) => found.extend(crossing),
                    Err(step) => looked = Err(step),
                }
            }
            match looked {
                Ok(found) => findings.extend(found),
                Err(step) => {
                    source.whole = false;
                    source.trouble = Some(step.of_source()?);
                }
            }
        }
        findings.sort_by_key(Finding::key);
        findings.dedup_by_key(|finding| finding.key());
        Ok(findings)
    }

    /// Looks at these objects of NetBox alone, as after a webhook or a poll: the keys that were looked at, and what of them stands.
    pub async fn look_at(&self, ids: &[i64]) -> Result<(Vec<String>, Vec<Finding>), CheckFailed> {
        self.look(ids).await.map_err(failed)
    }

    /// The same by value, when no id is known.
    pub async fn look_at_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<(Vec<String>, Vec<Finding>), CheckFailed> {
        let Some(source) = &self.prefixes else { return Ok((Vec::new(), Vec::new())) };
        let mut ids: Vec<i64> = source.by_prefix(prefix, vrf).await.map_err(|e| failed(e.into()))?.iter().map(|o| o.id).collect();
        let held = self.rows.holders(vec![(0, prefix, vrf)]).await.map_err(|e| failed(e.into()))?;
        ids.extend(held.iter().filter_map(|(_, row)| row.netbox_id));
        self.look_at(&ids).await
    }

    /// What NetBox changed or deleted since, looked at. `None`: too much, a whole check is due.
    pub async fn poll(&self, since: Timestamp) -> Result<Option<(Vec<String>, Vec<Finding>)>, CheckFailed> {
        let Some(source) = &self.prefixes else { return Ok(Some(Default::default())) };
        match source.changed_since(since).await.map_err(|e| failed(e.into()))? {
            None => Ok(None),
            Some(ids) => Ok(Some(self.look_at(&ids).await?)),
        }
    }

    async fn look(&self, ids: &[i64]) -> Result<(Vec<String>, Vec<Finding>), Step> {
        let (mut keys, mut suspected) = (Vec::new(), Vec::new());
        let Some(source) = &self.prefixes else { return Ok((keys, suspected)) };
        let known = self.parents.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let pools = match known {
            Some(pools) => pools,
            None => source.parents().await?,
        };
        let parents = self.remember(&pools);
        let now = self.config.clock.now();
        for some in ids.chunks(100) {
            let objects: std::collections::HashMap<i64, _> = source.by_ids(some).await?.into_iter().map(|o| (o.id, o)).collect();
            let wanted = some.iter().map(|id| match objects.get(id) {
                Some(o) => (*id, o.prefix, o.vrf),
                // Gone: only a row that names the id can be meant. The unspecified prefix is nobody's.
                None => (*id, Ipv6Net::default(), None),
            });
            let holders: std::collections::HashMap<i64, DriftRow> = self.rows.holders(wanted.collect()).await?.into_iter().collect();
            for id in some {
                use noctule_domain::drift::DriftKind as K;
                let object = objects.get(id);
                let subject = holders.get(id).map(|row| Subject::Subscriber(row.id));
                let prefix = [K::PrefixLeaked, K::PrefixStranger].map(|kind| (kind, Subject::Prefix(*id)));
                let row = [K::PrefixGone, K::PrefixChanged, K::PrefixMoved, K::StatusEdited];
                let of_row = subject.into_iter().flat_map(|subject| row.map(|kind| (kind, subject.clone())));
                keys.extend(prefix.into_iter().chain(of_row).map(|(kind, subject)| format!("{kind}/{subject}")));
                match (holders.get(id), object) {
                    (Some(row), object) => {
                        let named = DriftRow { netbox_id: Some(*id), ..row.clone() };
                        suspected.extend(netbox_pair(&named, object, &parents));
                    }
                    // What lies in no pool of ours is no business of ours.
                    (None, Some(object))
                        if pools.iter().any(|p| p.vrf == object.vrf && p.prefix.contains(&object.prefix) && p.id != *id) =>
                    {
                        suspected.extend(netbox_alone(object, now));
                    }
                    (None, _) => {}
                }
            }
        }
        let found = self.again(suspected, &parents).await?;
        Ok((keys, found))
    }

    /// One finding, as it stands now; `None`: it is not so any more.
    pub async fn recheck(&self, finding: &Finding) -> Result<Option<Finding>, CheckFailed> {
        let pools = match &self.prefixes {
            None => Vec::new(),
            Some(source) => source.parents().await.map_err(|e| failed(e.into()))?,
        };
        let parents = self.remember(&pools);
        let found = self.again(vec![finding.clone()], &parents).await.map_err(failed)?;
        Ok(found.into_iter().find(|found| found.key() == finding.key()))
    }

    fn remember(&self, pools: &[Parent]) -> Parents {
        *self.parents.lock().unwrap_or_else(PoisonError::into_inner) = Some(pools.to_vec());
        Parents(pools.iter().map(|p| (p.prefix, p.vrf)).collect())
    }

    pub(super) fn suspect(&self, suspects: &mut Suspects, finding: Option<Finding>) {
        if let Some(finding) = finding.filter(|f| self.config.wants(f.kind)) {
            suspects.add(finding);
        }
    }

    pub(super) fn stop_if_told(&self) -> Result<(), Step> {
        if self.stop.is_cancelled() { Err(Step::Stopped) } else { Ok(()) }
    }

    fn phase(&self, phase: &'static str) {
        self.progress.send_if_modified(|p| p.as_mut().map(|p| p.phase = phase.into()).is_some());
    }

    pub(super) fn progress(&self, more: u64, suspected: u64) {
        self.progress.send_if_modified(|p| {
            p.as_mut()
                .map(|p| {
                    p.done += more;
                    p.total = p.total.max(p.done);
                    p.suspected = suspected;
                })
                .is_some()
        });
    }
}

fn failed(step: Step) -> CheckFailed {
    match step {
        Step::Stopped => CheckFailed::Stopped,
        Step::Rows(error) => CheckFailed::Rows(error.message),
        Step::Netbox(error) => CheckFailed::Rows(SafeText::new(&error.to_string())),
        Step::Aaa(error) => CheckFailed::Rows(SafeText::new(&error.to_string())),
    }
}
