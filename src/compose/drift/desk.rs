//! The desk of the drift checks: one check at a time, what it finds kept in this machine's file, and the quick look in between.

use crate::compose::Services;
use crate::config::{DriftConfig, Loaded};
use crate::console::SystemClock;
use crate::exit::{Exit, Failure};
use noctule_domain::drift::{CheckProgress, DriftKind, DriftView, Finding, Report};
use noctule_domain::overview::{Alert, Severity};
use noctule_domain::secret::Secret;
use noctule_domain::{SafeText, TenantId, Timestamp};
use noctule_network::drift::{CheckConfig, CheckFailed, Checker, PrefixSource};
use noctule_network::radius::profiles::Profiles;
use noctule_storage::DriftFile;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A copy is seconds behind the centre: suspicions are looked at again after this.
const SETTLE: Duration = Duration::from_secs(15);
/// What NetBox changed later than so long ago may be the work of an operation that the copy does not know yet.
const YOUNG: chrono::Duration = chrono::Duration::minutes(5);

/// How fast NetBox is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Somebody waits for it.
    Quick,
    /// In the background: with rests.
    Gentle,
}

pub struct Drift {
    path: PathBuf,
    tenant: TenantId,
    key: Option<Secret>,
    profiles: Arc<Profiles>,
    pub(super) config: DriftConfig,
    pub(super) hold: chrono::Duration,
    file: Mutex<Option<DriftFile>>,
    progress: watch::Sender<Option<CheckProgress>>,
    running: Mutex<Option<CancellationToken>>,
}

impl Drift {
    pub fn new(loaded: &Loaded, profiles: Arc<Profiles>) -> Result<Self, Failure> {
        let central = loaded.config.central.is_on();
        let path = if central { loaded.central_folder().join("drift.db") } else { loaded.store_path().with_extension("drift.db") };
        let key = if central { crate::commands::store_key(loaded)? } else { None };
        let tenant = loaded.config.tenant_id()?;
        let hold = chrono::Duration::hours(loaded.config.store.hold_hours.into());
        let config = loaded.config.drift.clone();
        Ok(Self {
            path,
            tenant,
            key,
            profiles,
            config,
            hold,
            file: Mutex::default(),
            progress: watch::Sender::new(None),
            running: Mutex::default(),
        })
    }

    /// For a command that only looks at what was found.
    pub fn of(loaded: &Loaded) -> Result<Self, Failure> {
        Self::new(loaded, Arc::new(Profiles::built_in()))
    }

    /// The file of the findings, opened when it is first needed.
    pub fn file(&self) -> Result<DriftFile, Failure> {
        let mut slot = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*slot {
            return Ok(file.clone());
        }
        let file = DriftFile::open(&self.path, self.tenant, self.key.as_ref(), chrono::Utc::now())?;
        *slot = Some(file.clone());
        Ok(file)
    }

    /// What stands; empty where no check ever ran here.
    pub async fn view(&self) -> Result<DriftView, Failure> {
        let hold_s = self.hold.num_seconds();
        if !self.path.exists() {
            return Ok(DriftView { hold_s, ..DriftView::default() });
        }
        Ok(DriftView { hold_s, ..self.file()?.view().await? })
    }

    /// For the Overview: how many findings stand, when some do. A file that can not be read is told by the pane.
    pub async fn alert(&self) -> Option<Alert> {
        let view = self.view().await.ok()?;
        let standing: Vec<_> = view.findings.iter().filter(|kept| kept.dismissed.is_none()).collect();
        let critical = standing.iter().filter(|kept| kept.severity() == Severity::Critical).count();
        let severity = standing.iter().map(|kept| kept.severity()).max()?;
        let text = match critical {
            0 => format!("{} of drift: something differs", findings(standing.len())),
            n => format!("{} of drift, {n} critical", findings(standing.len())),
        };
        let since = standing.iter().filter(|kept| kept.severity() == severity).map(|kept| kept.first_seen).min();
        Some(Alert { severity, text: SafeText::new(&text), since, filter: Some("drift:".to_owned()) })
    }

    /// How many critical findings stand.
    pub async fn critical(&self) -> u64 {
        let Ok(view) = self.view().await else { return 0 };
        view.findings.iter().filter(|kept| kept.dismissed.is_none() && kept.severity() == Severity::Critical).count() as u64
    }

    /// Returns when what is kept changed, by this process.
    pub async fn changed(&self) {
        match self.file() {
            Ok(file) => drop(file.changes().changed().await),
            Err(_) => std::future::pending().await,
        }
    }

    /// Where the running check of this process is.
    pub fn progress(&self) -> watch::Receiver<Option<CheckProgress>> {
        self.progress.subscribe()
    }

    /// A whole check. Its findings are kept, unless nothing may be written.
    /// `pace`: the rest between two pages of NetBox.
    pub async fn check(&self, services: &Services, kinds: Vec<DriftKind>, pace: Pace) -> Result<Report, Failure> {
        let stop = CancellationToken::new();
        {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if running.is_some() {
                return Err(Failure::new(Exit::Guard, "a check is running here; it is on the Drift pane"));
            }
            *running = Some(stop.clone());
        }
        // Also when the caller goes away in the middle.
        let _ended = Ended(self);
        self.run(services, kinds, pace, stop).await
    }

    /// Stops the running check of this process, if one runs.
    pub fn stop(&self) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().map(CancellationToken::cancel).is_some()
    }

    async fn run(&self, services: &Services, kinds: Vec<DriftKind>, pace: Pace, stop: CancellationToken) -> Result<Report, Failure> {
        let writes = !services.read_only() && !services.store.is_read_only();
        let _only = if writes { Some(self.only()?) } else { None };
        let mut checker = self.checker(services, stop)?;
        let pause = if pace == Pace::Gentle { Duration::from_millis(self.config.pause_ms.into()) } else { Duration::ZERO };
        checker.set(kinds, pause);
        let begun = match writes {
            true => Some((self.file()?, self.file()?.begin(chrono::Utc::now()).await?)),
            false => None,
        };
        let mut seen = checker.watch();
        let check = checker.check();
        tokio::pin!(check);
        let report = loop {
            tokio::select! {
                report = &mut check => break report,
                changed = seen.changed() => if changed.is_ok() {
                    self.progress.send_replace(seen.borrow_and_update().clone());
                },
            }
        };
        let report = report.map_err(failure)?;
        if let Some((file, number)) = begun {
            file.end(number, report.clone()).await?;
        }
        Ok(report)
    }

    /// One process of this machine checks at a time: NetBox would be read twice for the same.
    fn only(&self) -> Result<File, Failure> {
        let lock = self.path.with_extension("lock");
        let io = |error: std::io::Error| Failure::new(Exit::Store, format!("{}: {error}", lock.display()));
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&lock).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => Err(Failure::new(
                Exit::Guard,
                "another Noctule on this machine is checking for drift; look at what it finds when it is done",
            )),
            Err(std::fs::TryLockError::Error(error)) => Err(io(error)),
        }
    }

    pub(super) fn checker(&self, services: &Services, stop: CancellationToken) -> Result<Checker, Failure> {
        let prefixes: Option<Arc<dyn PrefixSource>> = match (&services.netbox, &services.netbox_trouble) {
            (Some(netbox), _) => Some(netbox.clone()),
            (None, Some(why)) => return Err(Failure::new(Exit::Config, why.as_str())),
            (None, None) => None,
        };
        let profiles = self.profiles.clone();
        let mut config = CheckConfig::new(Arc::new(SystemClock), Arc::new(move |key| profiles.get(key)));
        config.limits = self.config.limits();
        config.page = self.config.page as usize;
        if services.central.is_some() {
            config.settle = SETTLE;
            config.young = YOUNG;
        }
        Ok(Checker::new(Arc::new(services.store.clone()), prefixes, services.logins.clone(), config, stop))
    }

    /// Looks at these objects of NetBox by themselves, as when NetBox told that they changed.
    pub async fn look_at(&self, services: &Services, ids: &[i64]) -> Result<usize, Failure> {
        let checker = self.checker(services, CancellationToken::new())?;
        let (keys, found) = checker.look_at(ids).await.map_err(failure)?;
        self.note(keys, found).await
    }

    /// The same by value, where no id is known.
    pub async fn look_at_prefix(&self, services: &Services, prefix: ipnet::Ipv6Net, vrf: Option<i64>) -> Result<usize, Failure> {
        let checker = self.checker(services, CancellationToken::new())?;
        let (keys, found) = checker.look_at_prefix(prefix, vrf).await.map_err(failure)?;
        self.note(keys, found).await
    }

    /// Looks at what NetBox changed or deleted since. False: that is too much, a whole check is due.
    pub async fn poll(&self, services: &Services, since: Timestamp) -> Result<bool, Failure> {
        let checker = self.checker(services, CancellationToken::new())?;
        match checker.poll(since).await.map_err(failure)? {
            None => Ok(false),
            Some((keys, found)) => {
                if !keys.is_empty() {
                    self.note(keys, found).await?;
                }
                Ok(true)
            }
        }
    }

    async fn note(&self, keys: Vec<String>, found: Vec<Finding>) -> Result<usize, Failure> {
        let count = found.len();
        self.file()?.looked_at(keys, found, chrono::Utc::now()).await?;
        Ok(count)
    }

    /// One finding anew: as it stands now, or gone. What is kept says so from now on.
    pub async fn recheck(&self, services: &Services, finding: &Finding) -> Result<Option<Finding>, Failure> {
        let checker = self.checker(services, CancellationToken::new())?;
        let still = checker.recheck(finding).await.map_err(failure)?;
        self.file()?.looked_at(vec![finding.key()], still.iter().cloned().collect(), chrono::Utc::now()).await?;
        Ok(still)
    }
}

/// Says that no check runs any more, however it ended.
struct Ended<'a>(&'a Drift);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.progress.send_replace(None);
    }
}

fn findings(n: usize) -> String {
    if n == 1 { "1 finding".to_owned() } else { format!("{n} findings") }
}

pub(super) fn failure(error: CheckFailed) -> Failure {
    let exit = match &error {
        CheckFailed::Stopped => Exit::Guard,
        CheckFailed::Rows(_) => Exit::Store,
    };
    Failure::new(exit, SafeText::new(&error.to_string()).into_string())
}
