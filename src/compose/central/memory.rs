//! What the centre said last of this operator, kept beside the copy: with the centre away it decides what may be asked for and whether an
//! emergency is allowed (the centre decides again when it is told). A small file of its own; unreadable counts as "nothing was said".

use crate::config::write_private;
use noctule_domain::permission::Role;
use noctule_domain::sync::SyncStatus;
use noctule_domain::{SafeText, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    pub login: SafeText,
    pub role: Role,
    pub at: Timestamp,
}

pub struct Memory {
    file: PathBuf,
    now: Mutex<Option<Remembered>>,
}

impl Memory {
    /// In the folder of the copy.
    pub fn read(folder: &Path) -> Self {
        let memory = Self { file: Self::file(folder), now: Mutex::default() };
        memory.read_again();
        memory
    }

    /// Takes up what another process of this machine wrote.
    pub fn read_again(&self) {
        if let Some(found) = std::fs::read(&self.file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        }
    }

    pub fn file(folder: &Path) -> PathBuf {
        folder.join("operator.json")
    }

    pub fn get(&self) -> Option<Remembered> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what a status of a live link says. Written only when it changed; a disk that is full loses the note and nothing else.
    pub fn hear(&self, status: &SyncStatus, read_only: bool) {
        let (Some(login), Some(role)) = (status.login.clone(), status.role) else { return };
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.as_ref().is_some_and(|before| before.login == login && before.role == role) {
            return;
        }
        let heard = Remembered { login, role, at: chrono::Utc::now() };
        if !read_only
            && let Ok(bytes) = serde_json::to_vec(&heard)
            && let Err(error) = write_private(&self.file, &bytes, true)
        {
            tracing::warn!(%error, "the operator's role could not be kept");
        }
        *now = Some(heard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_the_centre_is_remembered_and_rubbish_is_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let memory = Memory::read(folder.path());
        assert_eq!(memory.get(), None);
        let status = SyncStatus { login: Some("anna".into()), role: Some(Role::Noc), ..SyncStatus::default() };
        memory.hear(&status, false);
        // A link that is down says nothing of the role: what was heard stays.
        memory.hear(&SyncStatus::default(), false);
        assert_eq!(Memory::read(folder.path()).get().map(|m| m.role), Some(Role::Noc));
        std::fs::write(Memory::file(folder.path()), b"{\"role\":").expect("written");
        assert_eq!(Memory::read(folder.path()).get(), None);
    }
}
