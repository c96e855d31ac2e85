//! How the process that leads the sync stands with the centre, told to the other processes of this machine by a small file beside the copy: a
//! command need not wait for a push that can not come. Believed only while somebody holds the lock of the sync.

use crate::config::write_private;
use noctule_domain::sync::{Link, SyncStatus};
use noctule_domain::{SafeText, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    pub link: Link,
    pub note: Option<SafeText>,
    pub since: Option<Timestamp>,
}

impl Leader {
    fn file(folder: &Path) -> PathBuf {
        folder.join("link.json")
    }

    /// What the leader said last; unreadable counts as "nothing was said".
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(Self::file(folder)).ok()?).ok()
    }

    /// Why nothing is pushed now, if so.
    pub fn away(&self) -> Option<SafeText> {
        let state = match self.link {
            Link::Offline => "is not connected with the centre",
            Link::Denied => "is not let in by the centre",
            Link::Upgrade => "is too old for the centre",
            Link::Connecting | Link::Live | Link::Delayed => return None,
        };
        let note = self.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        Some(SafeText::new(&format!("the console that runs here {state}{note}")))
    }
}

/// The side that writes it: when it changed, and never where nothing may be written.
pub struct LeaderFile {
    folder: PathBuf,
    said: Mutex<Option<Leader>>,
}

impl LeaderFile {
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), said: Mutex::default() }
    }

    pub fn say(&self, status: &SyncStatus) {
        let now = Leader { link: status.link, note: status.note.clone(), since: status.since };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.as_ref().is_some_and(|before| before.link == now.link) {
            return;
        }
        // A disk that is full loses the note: commands then wait as if nothing were known.
        if let Ok(bytes) = serde_json::to_vec(&now)
            && let Err(error) = write_private(&Leader::file(&self.folder), &bytes, true)
        {
            tracing::debug!(%error, "the state of the link could not be told to other processes");
        }
        *said = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_the_link_is_told_and_only_one_that_keeps_changes_here_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Leader::read(folder.path()), None);
        let file = LeaderFile::new(folder.path());
        let mut status = SyncStatus { link: Link::Offline, note: Some("db1 does not answer".into()), ..SyncStatus::default() };
        file.say(&status);
        let away = Leader::read(folder.path()).and_then(|leader| leader.away()).expect("away");
        assert_eq!(away.as_str(), "the console that runs here is not connected with the centre: db1 does not answer");
        for link in [Link::Connecting, Link::Live, Link::Delayed] {
            status.link = link;
            file.say(&status);
            assert_eq!(Leader::read(folder.path()).expect("said").away(), None);
        }
        std::fs::write(Leader::file(folder.path()), b"{").expect("written");
        assert_eq!(Leader::read(folder.path()), None);
    }
}
