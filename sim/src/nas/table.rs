//! The sessions of one NAS with indexes by session id and user name, in the order in which they came.

use super::session::NasSession;
use std::collections::{BTreeMap, HashMap};

/// Key of a session within its table; never used again.
pub(super) type Slot = u64;

#[derive(Debug, Clone, Default)]
pub(super) struct SessionTable {
    rows: BTreeMap<Slot, NasSession>,
    by_id: HashMap<String, Slot>,
    by_user: HashMap<String, Vec<Slot>>,
    next: Slot,
}

impl SessionTable {
    /// Adds a session; one with the same Acct-Session-Id is replaced.
    pub fn insert(&mut self, session: NasSession) {
        self.remove(&session.acct_session_id);
        let slot = self.next;
        self.next += 1;
        self.by_id.insert(session.acct_session_id.clone(), slot);
        self.by_user.entry(session.username.clone()).or_default().push(slot);
        self.rows.insert(slot, session);
    }

    pub fn remove(&mut self, id: &str) -> Option<NasSession> {
        let slot = self.by_id.remove(id)?;
        let session = self.rows.remove(&slot)?;
        if let Some(slots) = self.by_user.get_mut(&session.username) {
            slots.retain(|s| *s != slot);
            if slots.is_empty() {
                self.by_user.remove(&session.username);
            }
        }
        Some(session)
    }

    pub fn take_all(&mut self) -> Vec<NasSession> {
        self.by_id.clear();
        self.by_user.clear();
        std::mem::take(&mut self.rows).into_values().collect()
    }

    pub fn get(&self, slot: Slot) -> Option<&NasSession> {
        self.rows.get(&slot)
    }

    /// For changes of what is not indexed: neither the session id nor the user name.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut NasSession> {
        self.rows.get_mut(&slot)
    }

    pub fn slot_of(&self, id: &str) -> Option<Slot> {
        self.by_id.get(id).copied()
    }

    pub fn of_user(&self, username: &str) -> &[Slot] {
        self.by_user.get(username).map_or(&[], Vec::as_slice)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Slot, &NasSession)> {
        self.rows.iter().map(|(slot, session)| (*slot, session))
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }
}
