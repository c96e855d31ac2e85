//! A console inside of the test itself, for stories in which nobody is killed: store, sync, a link.

use super::console::{Jumping, open};
use super::outbox;
use super::place::{Login, Place};
use noctule_domain::lifecycle::Actor;
use noctule_domain::sync::{Link as Status, Replica, SyncStatus};
use noctule_domain::{SafeText, TaskId};
use noctule_storage::Store;
use noctule_sync::run::{Syncer, SyncerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything in a story may take: generous, for a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

pub struct Seat {
    pub login: Login,
    pub store: Store,
    pub syncer: Syncer,
    pub folder: TempDir,
}

impl Seat {
    pub fn new(place: &Place, who: &str, hosts: &[SocketAddr]) -> Self {
        let login = place.logins.iter().find(|login| login.name == who).expect("a login").clone();
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path(), place.tenant, &login.name, Arc::new(Jumping::default()));
        let replica: Arc<dyn Replica> = Arc::new(store.clone());
        let leading = store.clone();
        let syncer = Syncer::start(SyncerConfig {
            centre: place.config(&login, hosts),
            read: None,
            replica,
            lead: Arc::new(move || leading.lead()),
            poll: Duration::from_millis(400),
            listen: true,
            host: "story".to_owned(),
        });
        Self { login, store, syncer, folder }
    }

    pub fn status(&self) -> SyncStatus {
        self.syncer.status().borrow().clone()
    }

    /// Waits until the status is as wanted.
    pub async fn wait(&self, what: &str, wanted: impl Fn(&SyncStatus) -> bool) -> SyncStatus {
        let mut status = self.syncer.status();
        let found = tokio::time::timeout(LIMIT, status.wait_for(|status| wanted(status))).await;
        match found {
            Ok(status) => status.expect("the sync lives").clone(),
            Err(_) => panic!("{} within {LIMIT:?}: {what}; it is {:?}", self.login.name, self.status()),
        }
    }

    /// Live, with rows, and nothing of its own on the way.
    pub async fn quiet(&self) {
        let began = Instant::now();
        loop {
            let tasks = self.store.tasks().await.expect("tasks are shown").len();
            let waits = outbox::all(self.folder.path()).iter().any(|kept| kept.state == "unsent" || kept.state == "answered");
            if self.status().link == Status::Live && tasks > 0 && !waits {
                return;
            }
            assert!(began.elapsed() < LIMIT, "{} is not quiet within {LIMIT:?}: {:?}", self.login.name, self.status());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn actor(&self, origin: &str) -> Actor {
        Actor { name: self.login.name.as_str().into(), role: self.login.role, origin: origin.into() }
    }

    /// Writes a note; gives how long the call took.
    pub async fn note(&self, task: TaskId, text: &str) -> Duration {
        let began = Instant::now();
        let after = self.store.task_set_notes(task, None, Some(SafeText::new(text)), self.actor(text)).await.expect("the note is taken");
        let took = began.elapsed();
        assert_eq!(after.notes.as_ref().map(SafeText::as_str), Some(text), "what was typed is shown at once");
        took
    }
}
