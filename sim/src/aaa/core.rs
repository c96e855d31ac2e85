//! The state, what is done to it, and what goes wrong on the way. It lives in memory, or in a file that several processes use one after the
//! other, so that it outlives a client that is killed.

use ipnet::Ipv6Net;
use noctule_domain::aaa::{AaaUser, AccountingSession, Login, SuspendLogin};
use noctule_domain::subscriber::Username;
use noctule_domain::{OperationId, SafeText};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What goes wrong with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AaaFault {
    /// A clear no.
    Refused,
    /// Not reached.
    Down,
    /// The connection broke before it was stored.
    LostBefore,
    /// It was stored, and nobody was told.
    LostAfter,
}

/// How a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AaaTrouble {
    Refused(SafeText),
    Unreachable(SafeText),
    Unclear(SafeText),
}

/// A user as it was written last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoginRow {
    pub login: Login,
    pub operation: Option<OperationId>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    pub users: BTreeMap<String, LoginRow>,
    /// Oldest first; a session told again takes the place of what stood there.
    pub sessions: Vec<AccountingSession>,
    script: VecDeque<AaaFault>,
    down: bool,
    /// Every write that was stored, in order.
    pub written: Vec<(OperationId, String, Login)>,
}

/// The simulated system. Clones are the same system.
#[derive(Debug, Clone, Default)]
pub struct AaaSim {
    state: Arc<Mutex<State>>,
    file: Option<PathBuf>,
}

impl AaaSim {
    pub fn new() -> Self {
        Self::default()
    }

    /// One that is kept in a file: what another process wrote there is seen at the next call.
    pub fn kept(file: PathBuf) -> Self {
        Self { state: Arc::default(), file: Some(file) }
    }

    /// Reads the file, if there is one, and writes it when something was changed: whole or not at all.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut State) -> (T, bool)) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // One after the other, whichever process; a lock ends with its holder.
        let lock = self.file.as_ref().map(|file| {
            let lock = std::fs::File::create(file.with_extension("lock")).expect("the lock of the AAA system");
            lock.lock().expect("the lock of the AAA system");
            lock
        });
        if let Some(text) = self.file.as_ref().and_then(|file| std::fs::read(file).ok()) {
            *state = serde_json::from_slice(&text).expect("what this wrote can be read");
        }
        let (value, changed) = work(&mut state);
        if let Some(file) = self.file.as_ref().filter(|_| changed) {
            let new = file.with_extension(format!("new-{}", std::process::id()));
            let text = serde_json::to_vec(&*state).expect("the state is JSON");
            std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, file)).expect("the file of the AAA system is written");
        }
        drop(lock);
        value
    }

    // --- what a client asks

    /// Writes what a new login of this user gets.
    pub fn write(&self, operation: OperationId, username: &Username, login: &Login) -> Result<(), AaaTrouble> {
        self.with(|state| {
            if state.down {
                return (Err(down()), false);
            }
            let fault = state.script.pop_front();
            match fault {
                Some(AaaFault::Refused) => {
                    return (Err(AaaTrouble::Refused("AAA refused: permission denied for table radreply".into())), true);
                }
                Some(AaaFault::Down) => return (Err(down()), true),
                Some(AaaFault::LostBefore) => return (Err(lost()), true),
                Some(AaaFault::LostAfter) | None => {}
            }
            let name = username.as_str().to_owned();
            state.users.insert(name.clone(), LoginRow { login: login.clone(), operation: Some(operation) });
            state.written.push((operation, name, login.clone()));
            (if fault.is_some() { Err(lost()) } else { Ok(()) }, true)
        })
    }

    pub fn user(&self, username: &Username) -> Result<Option<AaaUser>, AaaTrouble> {
        self.read(|state| state.users.get(username.as_str()).map(|row| user(username.clone(), row)))
    }

    /// Newest first.
    pub fn sessions_of(&self, username: &Username) -> Result<Vec<AccountingSession>, AaaTrouble> {
        self.read(|state| state.sessions.iter().rev().filter(|session| session.username == *username).cloned().collect())
    }

    /// In the order of ASCII without case, then of bytes.
    pub fn users_after(&self, after: Option<&Username>, limit: u32) -> Result<Vec<AaaUser>, AaaTrouble> {
        let key = |name: &str| (name.to_ascii_lowercase(), name.to_owned());
        self.read(|state| {
            let mut rows: Vec<_> =
                state.users.iter().filter(|(name, _)| after.is_none_or(|after| key(name) > key(after.as_str()))).collect();
            rows.sort_by_key(|(name, _)| key(name));
            let named = |(name, row): (&String, &LoginRow)| Username::new(name).ok().map(|name| user(name, row));
            rows.into_iter().filter_map(named).take(limit as usize).collect()
        })
    }

    fn read<T>(&self, work: impl FnOnce(&State) -> T) -> Result<T, AaaTrouble> {
        self.with(|state| (if state.down { Err(down()) } else { Ok(work(state)) }, false))
    }

    // --- by hand

    /// What a login of this user gets now; `None` where nothing was ever written.
    pub fn login(&self, username: &str) -> Option<Login> {
        self.with(|state| (state.users.get(username).map(|row| row.login.clone()), false))
    }

    /// The prefix that a login of this user is handed now.
    pub fn hands_out(&self, username: &str) -> Option<Ipv6Net> {
        self.login(username).and_then(|login| login.prefixes().0)
    }

    /// Puts users there, as somebody did before us.
    pub fn seed(&self, users: impl IntoIterator<Item = (Username, Login)>) {
        self.with(|state| {
            let rows = users.into_iter().map(|(name, login)| (name.into(), LoginRow { login, operation: None }));
            (state.users.extend(rows), true)
        });
    }

    /// The next writes go wrong like this, one after the other.
    pub fn script(&self, faults: impl IntoIterator<Item = AaaFault>) {
        self.with(|state| (state.script.extend(faults), true));
    }

    pub fn set_down(&self, down: bool) {
        self.with(|state| (state.down = down, true));
    }

    /// Every write that was stored, in order.
    pub fn written(&self) -> Vec<(OperationId, String, Login)> {
        self.with(|state| (state.written.clone(), false))
    }
}

fn user(username: Username, row: &LoginRow) -> AaaUser {
    let (delegated, framed) = row.login.prefixes();
    let (rejected, groups) = match &row.login {
        Login::Suspended { how: SuspendLogin::Reject, .. } => (true, Vec::new()),
        Login::Suspended { how: SuspendLogin::Group, group, .. } => (false, vec![group.clone()]),
        _ => (false, Vec::new()),
    };
    let list = |prefix: Option<Ipv6Net>| prefix.into_iter().collect();
    AaaUser { username, delegated: list(delegated), framed: list(framed), rejected, groups, operation: row.operation }
}

fn down() -> AaaTrouble {
    AaaTrouble::Unreachable("AAA is not reached: connection refused".into())
}

fn lost() -> AaaTrouble {
    AaaTrouble::Unclear("the connection to AAA broke".into())
}
