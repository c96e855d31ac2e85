//! How the console stands with the centre, for the screen and `noctule sync status`: never more than is known.

use super::{Outbox, Table};
use crate::permission::Role;
use crate::{ConsoleId, SafeText, SubscriberId, Timestamp, words};
use serde::{Deserialize, Serialize};

words!(
    /// The connection to the centre.
    Link {
        /// Not tried yet in this run.
        Connecting = "connecting",
        Live = "live",
        /// Connected, but what is shown is older than it should be.
        Delayed = "delayed",
        Offline = "offline",
        /// The centre does not let this operator in any more. Unsent work is kept.
        Denied = "denied",
        /// The centre speaks a newer language: update the program. Unsent work is kept.
        Upgrade = "upgrade",
    }
);

/// What the sync is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Phase {
    #[default]
    Idle,
    /// A whole copy. `of` is the centre's estimate of all rows.
    Copying {
        table: Table,
        rows: u64,
        of: u64,
    },
    /// The copy is there; its indexes are being built. Of 100.
    Indexing {
        percent: u8,
    },
    CatchingUp {
        rows: u64,
    },
    Verifying {
        table: Table,
        percent: u8,
    },
}

/// Everything about the sync in one piece.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncStatus {
    pub link: Link,
    /// Since when `link` is so.
    pub since: Option<Timestamp>,
    /// The words beside it: why offline, what to do.
    pub note: Option<SafeText>,
    /// The centre's time of the last read that this copy holds: "offline since".
    pub fresh_at: Option<Timestamp>,
    /// Milliseconds by which the last change that came was older than its arrival, by the centre's clock.
    pub lag_ms: Option<u64>,
    pub phase: Phase,
    pub outbox: Outbox,
    /// True where another process of this machine syncs this cache, and this one watches.
    pub follower: bool,
    /// As the centre knows this operator.
    pub login: Option<SafeText>,
    pub role: Option<Role>,
    /// Consoles connected now, this one included.
    pub consoles: Option<u32>,
}

impl SyncStatus {
    /// A lag below this is how it always is; from here on it is told.
    pub const NOTABLE_LAG_MS: u64 = 2000;
}

impl Default for SyncStatus {
    fn default() -> Self {
        Self {
            link: Link::Connecting,
            since: None,
            note: None,
            fresh_at: None,
            lag_ms: None,
            phase: Phase::Idle,
            outbox: Outbox::default(),
            follower: false,
            login: None,
            role: None,
            consoles: None,
        }
    }
}

/// Somebody else's console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    pub console: ConsoleId,
    pub login: SafeText,
    /// What it looks at.
    pub subscriber: Option<SubscriberId>,
    pub seen_at: Timestamp,
}

/// The centre's side of `noctule sync status` and `noctule central status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CentreState {
    pub server: SafeText,
    pub schema: i32,
    pub history: String,
    pub standby: bool,
    pub now: Timestamp,
    /// Rows per table, as this operator may see them.
    pub rows: Vec<(Table, u64)>,
    pub consoles: Vec<Other>,
    /// Size of the feed and of the log of ops.
    pub feed: u64,
    pub ops: u64,
}
