//! What the executor asks of the outside, as traits: NetBox (or another IPAM), an AAA system and a NAS. An answer always says how sure it is.

use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::aaa::{AaaUser, AccountingSession, Login};
use noctule_domain::ipam::{Pool, PrefixStatus};
use noctule_domain::nas::{Nas, NasSeen};
use noctule_domain::radius::ErrorCause;
use noctule_domain::subscriber::{Subscriber, Username};
use noctule_domain::{OperationId, SafeText, SubscriberId, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// Where prefixes come from and go back to.
#[async_trait]
pub trait Ipam: Send + Sync + 'static {
    /// As the journal names it.
    fn name(&self) -> &'static str {
        "NetBox"
    }

    /// Allocates the next free prefix of `ask.pool`, tagged with the operation id. An earlier try with the same id is adopted, never
    /// repeated: calling this again after any failure is safe.
    async fn allocate(&self, ask: &AllocateAsk) -> Result<Allocation, IpamError>;

    /// The prefix that carries this operation id, if one does. Two of them are an error (`Refused`), never "the first".
    async fn find_by_operation(&self, operation: OperationId) -> Result<Option<Allocation>, IpamError>;

    /// The one prefix with exactly this value in this VRF.
    async fn find_by_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<Option<Allocation>, IpamError>;

    /// Sets the status; `hold_until` goes into the custom field `hold_until` with `deprecated`. Already so is success.
    /// A prefix that has gone, or is not `expect` any more, is `Gone`.
    async fn set_status(&self, change: &StatusChange) -> Result<(), IpamError>;

    /// Sets value, VRF and status to what they have to be, after somebody else changed them. Already so is success. An IPAM whose book nobody
    /// else writes has only the status to put back.
    async fn put_back(&self, back: &PutBack) -> Result<(), IpamError> {
        let PutBack { id, prefix, status, hold_until, operation, .. } = *back;
        self.set_status(&StatusChange { id, expect: prefix, status, hold_until, operation }).await
    }

    /// Deletes a prefix that has rested; 404 is success. Refused when the object is not `expect` (somebody re-used the id).
    async fn delete(&self, id: i64, expect: Ipv6Net, operation: OperationId) -> Result<(), IpamError>;

    /// The configured pools with what is used of them.
    async fn pools(&self) -> Result<Vec<Pool>, IpamError>;
}

#[derive(Debug, Clone, PartialEq)]
pub struct AllocateAsk {
    pub operation: OperationId,
    /// Pools that the operation names, by id: tried in this order, the next one only after a clear "no room". Empty: chosen from the
    /// configured ones, by `site`, `nas` and the rule.
    pub pools: Vec<i64>,
    /// `None`: what the chosen pool gives by itself.
    pub prefix_len: Option<u8>,
    pub site: Option<SafeText>,
    /// Name of the subscriber's NAS.
    pub nas: Option<SafeText>,
    pub subscriber_number: SafeText,
    pub username: SafeText,
    /// True when an earlier try of this operation may have been stored: look before asking.
    pub maybe_earlier: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Allocation {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
    pub status: PrefixStatus,
    /// Found by the operation id instead of newly made.
    pub adopted: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StatusChange {
    pub id: i64,
    pub expect: Ipv6Net,
    pub status: PrefixStatus,
    pub hold_until: Option<Timestamp>,
    pub operation: OperationId,
}

/// What the object of a subscriber's prefix has to be.
#[derive(Debug, Clone, PartialEq)]
pub struct PutBack {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
    pub status: PrefixStatus,
    pub hold_until: Option<Timestamp>,
    pub operation: OperationId,
}

/// How a call to the IPAM failed. The words are the operator's: what it said, what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IpamError {
    /// A clear no (4xx): nothing was stored.
    #[error("{0}")]
    Refused(SafeText),
    /// No pool that serves this subscriber has room for this length.
    #[error("{0}")]
    Exhausted(SafeText),
    /// The object is not there, or is another one now.
    #[error("{0}")]
    Gone(SafeText),
    /// What is stored under this operation id is not what was asked for. It is there, and nobody holds it.
    #[error("{0}")]
    NotAsAsked(SafeText),
    /// Not reached (refused connection, unknown host, TLS): nothing was delivered.
    #[error("{0}")]
    Unreachable(SafeText),
    /// Time-out, reset, every 5xx, garbage: it may have been stored, now or later.
    #[error("{0}")]
    Unclear(SafeText),
}

/// What decides a login and keeps the accounting: the SQL tables of a FreeRADIUS, or another AAA system.
#[async_trait]
pub trait Aaa: Send + Sync + 'static {
    /// Writes what a new login of this user gets, all of it in one transaction. The same again changes nothing, so asking again after any
    /// failure is safe. A write of an older operation that arrives after that of a newer one is refused.
    async fn write(&self, ask: &LoginWrite) -> Result<(), AaaError>;

    /// What stands there for one user; `None` when nothing of it is known.
    async fn user(&self, username: &Username) -> Result<Option<AaaUser>, AaaError>;

    /// The sessions of one user, newest first: the open ones, and those that ended lately.
    async fn sessions_of(&self, username: &Username) -> Result<Vec<AccountingSession>, AaaError>;

    /// Users in the order of their names (ASCII without case, then by bytes), after `after`, at most `limit`; an empty page is the end.
    async fn users_after(&self, after: Option<&Username>, limit: u32) -> Result<Vec<AaaUser>, AaaError>;
}

#[derive(Debug, Clone, PartialEq)]
pub struct LoginWrite {
    pub operation: OperationId,
    /// Whose login it is, and the version of its record that the operation saw. The authority raises it with every operation that ends, so
    /// it says which of two writes is the older one, also where the clocks of their consoles disagree.
    pub subscriber: SubscriberId,
    pub version: i64,
    pub username: Username,
    pub login: Login,
}

/// How a call to the AAA system failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AaaError {
    /// A clear no: nothing was stored.
    #[error("{0}")]
    Refused(SafeText),
    /// Not reached: nothing was delivered.
    #[error("{0}")]
    Unreachable(SafeText),
    /// The connection broke in between: it may have been stored.
    #[error("{0}")]
    Unclear(SafeText),
}

/// Who can be told to change or end a session.
#[async_trait]
pub trait DynamicAuthorization: Send + Sync + 'static {
    /// One request by the profile of the NAS, retransmitted as RFC 5080 says, until an authentic answer or the deadline.
    async fn ask(&self, nas: &Nas, subscriber: &Subscriber, ask: NasAsk) -> NasAnswer;

    /// The same for work of which there is much: its requests let the others go first. `None`: it makes no difference.
    fn for_bulk(&self) -> Option<Arc<dyn DynamicAuthorization>> {
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Activate,
    Suspend,
    Resume,
    Revoke,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NasAsk {
    pub purpose: Purpose,
    /// CoA, or Disconnect where the method of the profile is that.
    pub disconnect: bool,
    /// Name the session by its Acct-Session-Id; false after a 503, to ask by User-Name alone.
    pub with_session_id: bool,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct NasAnswer {
    pub outcome: NasOutcome,
    /// Datagrams sent; 0 when nothing left.
    pub sends: u32,
    pub round_trip: Option<Duration>,
    /// The request in words, for the journal: `Disconnect-Request User-Name=… Acct-Session-Id=…`, no secret.
    pub request: SafeText,
    /// What the exchange told of the NAS, to be added to its health.
    pub seen: NasSeen,
}

#[derive(Debug, Clone, PartialEq)]
pub enum NasOutcome {
    Ack {
        causes: Vec<ErrorCause>,
    },
    Nak {
        causes: Vec<ErrorCause>,
    },
    /// Nothing authentic came. The words tell what was dropped, if anything (`answer came from …`, `2 forged answers dropped`).
    Silence {
        seconds: u64,
        note: Option<SafeText>,
    },
    /// Nothing left this machine: secret not readable, no socket, no way to name the session.
    NotSent(SafeText),
}
