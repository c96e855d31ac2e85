//! The subscriber: who it is, what service it has, and where its IPv6 prefix stands.

use crate::lifecycle::{AssignmentMode, Enforcement, Ipv6State, OperationKind};
use crate::{NasId, OperationId, SafeText, SubscriberId, TenantId, Timestamp, geo::LatLng, words};
use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

words!(
    /// The commercial state, kept by billing; beside the IPv6 lifecycle, not the same.
    SubscriberStatus {
        Pending = "pending",
        Active = "active",
        Suspended = "suspended",
        Disconnected = "disconnected",
        Terminated = "terminated",
        Quarantined = "quarantined",
    }
);

/// A RADIUS User-Name: 1 to 253 bytes, nothing that a terminal or a log would obey. It is refused at the edge, never altered,
/// because an altered name would be somebody else's session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUsername {
    #[error("a user name can not be empty")]
    Empty,
    #[error("a user name has at most 253 bytes, this one has {0}")]
    TooLong(usize),
    #[error("a user name can not hold control or invisible characters: {0}")]
    Unprintable(SafeText),
}

impl Username {
    pub fn new(raw: &str) -> Result<Self, BadUsername> {
        if raw.is_empty() {
            return Err(BadUsername::Empty);
        }
        if raw.len() > 253 {
            return Err(BadUsername::TooLong(raw.len()));
        }
        if !SafeText::is_clean(raw) {
            return Err(BadUsername::Unprintable(SafeText::bounded(raw, 80)));
        }
        Ok(Self(raw.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Username {
    type Error = BadUsername;
    fn try_from(raw: String) -> Result<Self, Self::Error> {
        Self::new(&raw)
    }
}

impl From<Username> for String {
    fn from(name: Username) -> Self {
        name.0
    }
}

impl std::fmt::Display for Username {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// A whole subscriber, as the detail pane, `show --json` and the executor see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscriber {
    pub id: SubscriberId,
    pub tenant: TenantId,
    pub subscriber_number: SafeText,
    pub username: Username,
    pub full_name: SafeText,
    pub email: Option<SafeText>,
    pub phone: Option<SafeText>,
    pub status: SubscriberStatus,
    pub service_type: Option<SafeText>,
    pub download_kbps: Option<u32>,
    pub upload_kbps: Option<u32>,
    pub service_address: Option<SafeText>,
    pub position: Option<LatLng>,
    pub site: Option<SafeText>,
    pub nas: Option<NasId>,
    pub vlan: Option<u16>,
    pub circuit_id: Option<SafeText>,
    pub remote_id: Option<SafeText>,
    pub onu_serial: Option<SafeText>,
    pub cpe_mac: Option<SafeText>,
    pub static_ipv4: Option<Ipv4Addr>,
    pub ipv6: Ipv6Record,
    /// The customer card: billing's flag and words, shown, never computed here.
    pub balance_flag: bool,
    pub suspend_reason: Option<SafeText>,
    pub notes: Option<SafeText>,
    pub session: Option<Session>,
    /// The operation that runs for this subscriber now, if one does.
    pub running: Option<OperationId>,
    /// Asked for while the centre was away: waits in the outbox of this console.
    #[serde(default)]
    pub queued: Option<OperationKind>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The IPv6 side of a subscriber.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ipv6Record {
    pub state: Ipv6State,
    pub mode: AssignmentMode,
    pub enforcement: Enforcement,
    /// Words beside the enforcement: the Error-Cause of a refusal, "no session", "no answer".
    pub enforcement_note: Option<SafeText>,
    /// While revoked and on hold this is still the old prefix.
    pub prefix: Option<Ipv6Net>,
    pub vrf: Option<i64>,
    pub pd_size: Option<u8>,
    /// Kept until NetBox has confirmed the deletion.
    pub netbox_prefix_id: Option<i64>,
    pub hold_until: Option<Timestamp>,
    pub last_error: Option<SafeText>,
    pub allocated_at: Option<Timestamp>,
    pub activated_at: Option<Timestamp>,
    pub suspended_at: Option<Timestamp>,
    pub resumed_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
    /// When `state` last changed: the age on the board.
    pub since: Timestamp,
}

impl Ipv6Record {
    /// A new subscriber's record.
    pub fn pending(mode: AssignmentMode, since: Timestamp) -> Self {
        Self {
            state: Ipv6State::Pending,
            mode,
            enforcement: Enforcement::None,
            enforcement_note: None,
            prefix: None,
            vrf: None,
            pd_size: None,
            netbox_prefix_id: None,
            hold_until: None,
            last_error: None,
            allocated_at: None,
            activated_at: None,
            suspended_at: None,
            resumed_at: None,
            revoked_at: None,
            failed_at: None,
            since,
        }
    }
}

/// A live session, according to accounting or an import. `nas` is the NAS that owns it: CoA and Disconnect go there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub nas: NasId,
    pub acct_session_id: SafeText,
    pub framed_ipv4: Option<Ipv4Addr>,
    pub delegated_prefix: Option<Ipv6Net>,
    pub started_at: Timestamp,
    /// The last Interim-Update, where accounting tells of it.
    pub seen_at: Timestamp,
    /// What only accounting tells; an import knows nothing of it.
    #[serde(default)]
    pub accounting: Option<SessionAccounting>,
}

impl Session {
    /// Nothing was heard of it for so long that it may be over: a NAS that lost its memory sends no Stop.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.accounting.is_some() && now - self.seen_at > STALE_AFTER
    }
}

/// Longer than any usual interval of Interim-Updates (RFC 2869 section 2.1 asks for at least ten minutes between them).
pub const STALE_AFTER: chrono::Duration = chrono::Duration::hours(2);

/// A session's row in the AAA system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionAccounting {
    /// Unique there: the same session told again has the same key.
    pub key: SafeText,
    pub framed_prefix: Option<Ipv6Net>,
    /// From the subscriber and to it.
    pub input_octets: u64,
    pub output_octets: u64,
}

/// One line of the board: what a page carries for each subscriber.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubscriberRow {
    pub id: SubscriberId,
    pub subscriber_number: SafeText,
    pub username: Username,
    pub full_name: SafeText,
    pub status: SubscriberStatus,
    pub state: Ipv6State,
    pub mode: AssignmentMode,
    pub enforcement: Enforcement,
    pub prefix: Option<Ipv6Net>,
    pub nas: Option<SafeText>,
    pub has_session: bool,
    pub running: Option<OperationId>,
    /// Asked for while the centre was away: waits in the outbox of this console.
    #[serde(default)]
    pub queued: Option<OperationKind>,
    pub last_error: Option<SafeText>,
    pub hold_until: Option<Timestamp>,
    pub since: Timestamp,
    pub version: i64,
}
