//! What RADIUS hands out to a login, and what accounting tells of sessions, without the tables behind it. Several AAA systems can stand
//! behind the same words.

use crate::{OperationId, SafeText, Timestamp, subscriber::Username, words};
use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

words!(
    /// What the login of a suspended subscriber gets; the NAS profile chooses.
    SuspendLogin {
        /// Access-Reject.
        Reject = "reject",
        /// Access-Accept by a group of the AAA system (walled garden), without the subscriber's own prefix.
        Group = "group",
        /// Access-Accept with the prefix and with reply attributes that slow it down.
        Rate = "rate",
    }
);

/// A reply attribute by its dictionary name, as FreeRADIUS writes it: `Mikrotik-Rate-Limit := 64k/64k`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyAttribute {
    pub name: String,
    pub value: String,
}

/// How the logins of subscribers on one kind of NAS are written: a section of its profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoginProfile {
    pub suspend: SuspendLogin,
    /// The group of a suspended subscriber, with `suspend = "group"`.
    pub group: String,
    /// What is added to the reply of a suspended subscriber, with `suspend = "rate"`.
    pub reply: Vec<ReplyAttribute>,
    /// Also write Framed-IPv6-Prefix: the first /64 of the delegated prefix is the one of the link.
    pub framed_prefix: bool,
}

impl Default for LoginProfile {
    fn default() -> Self {
        Self { suspend: SuspendLogin::Reject, group: "noctule-suspended".to_owned(), reply: Vec::new(), framed_prefix: false }
    }
}

/// What a new login of one user is to get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// The service, with these prefixes.
    Normal {
        delegated: Option<Ipv6Net>,
        framed: Option<Ipv6Net>,
    },
    Suspended {
        how: SuspendLogin,
        group: String,
        reply: Vec<ReplyAttribute>,
        delegated: Option<Ipv6Net>,
        framed: Option<Ipv6Net>,
    },
    /// No prefix of ours: before an activation, and from a revoke on. Whatever else the user has stays.
    WithoutPrefix,
}

/// A user as the AAA system has it, as far as it is ours to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AaaUser {
    pub username: Username,
    pub delegated: Vec<Ipv6Net>,
    pub framed: Vec<Ipv6Net>,
    /// A check that lets nobody in (`Auth-Type := Reject`).
    pub rejected: bool,
    pub groups: Vec<String>,
    /// The operation that wrote it last, if it was ours.
    pub operation: Option<OperationId>,
}

/// One session as accounting has it: an open row has no `stopped_at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountingSession {
    /// Unique in the AAA system; the same row told again has the same key.
    pub key: SafeText,
    pub acct_session_id: SafeText,
    pub username: Username,
    /// The NAS by its own address (NAS-IP-Address, NAS-IPv6-Address).
    pub nas_address: IpAddr,
    pub framed_ipv4: Option<Ipv4Addr>,
    pub framed_prefix: Option<Ipv6Net>,
    pub delegated_prefix: Option<Ipv6Net>,
    pub started_at: Timestamp,
    /// The last Interim-Update, else the start.
    pub updated_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
    /// From the subscriber (Acct-Input-Octets) and to it (Acct-Output-Octets), with the gigawords.
    pub input_octets: u64,
    pub output_octets: u64,
    pub terminate_cause: Option<SafeText>,
}
