//! Sessions of a simulated NAS: what is true on the device. No packet here.

use super::packet::attr;
use super::prefix::decode_prefix;
use ipnet::Ipv6Net;
use noctule_domain::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// An attribute, standard or of a vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttrKey {
    pub vendor: Option<u32>,
    pub typ: u8,
}

impl AttrKey {
    pub const fn standard(typ: u8) -> Self {
        Self { vendor: None, typ }
    }

    pub const fn vendor(vendor: u32, typ: u8) -> Self {
        Self { vendor: Some(vendor), typ }
    }
}

impl std::fmt::Display for AttrKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.vendor {
            Some(vendor) => write!(f, "26-{vendor}-{}", self.typ),
            None => write!(f, "{}", self.typ),
        }
    }
}

/// One live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NasSession {
    pub acct_session_id: String,
    pub username: String,
    pub framed_ipv4: Option<Ipv4Addr>,
    /// The prefix of the link itself.
    pub framed_prefix: Option<Ipv6Net>,
    pub delegated_prefixes: Vec<Ipv6Net>,
    /// Filter-Id in force.
    pub filter: Option<String>,
    /// Rate limit in the vendor's own words.
    pub rate: Option<String>,
    /// Named services that are active.
    pub services: BTreeSet<String>,
    /// Further attributes by which the session may be named: NAS-Port, Calling-Station-Id and the like, as they stand in a packet.
    pub keys: BTreeMap<u8, Vec<u8>>,
    /// Whatever else was set by CoA.
    pub settings: BTreeMap<AttrKey, Vec<u8>>,
    pub since: Timestamp,
}

impl NasSession {
    pub fn new(acct_session_id: impl Into<String>, username: impl Into<String>, since: Timestamp) -> Self {
        Self {
            acct_session_id: acct_session_id.into(),
            username: username.into(),
            framed_ipv4: None,
            framed_prefix: None,
            delegated_prefixes: Vec::new(),
            filter: None,
            rate: None,
            services: BTreeSet::new(),
            keys: BTreeMap::new(),
            settings: BTreeMap::new(),
            since,
        }
    }

    pub fn with_prefix(mut self, prefix: Ipv6Net) -> Self {
        self.delegated_prefixes.push(prefix);
        self
    }

    pub fn with_filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// True when a filter, service, rate or profile with a blocking name is in force.
    pub fn is_blocked(&self, blocking_words: &[String]) -> bool {
        let blocking = |name: &str| {
            let name = name.to_ascii_lowercase();
            blocking_words.iter().any(|word| name.contains(word.as_str()))
        };
        self.filter.as_deref().is_some_and(blocking)
            || self.rate.as_deref().is_some_and(blocking)
            || self.services.iter().any(|s| blocking(s))
            || self.settings.values().any(|v| std::str::from_utf8(v).is_ok_and(blocking))
    }

    /// True when packets of the delegated prefix get through.
    pub fn routes(&self, blocking_words: &[String]) -> bool {
        !self.delegated_prefixes.is_empty() && !self.is_blocked(blocking_words)
    }

    /// Does this identification attribute name this session?
    pub(super) fn is_named_by(&self, typ: u8, value: &[u8]) -> bool {
        match typ {
            attr::USER_NAME => self.username.as_bytes() == value,
            attr::ACCT_SESSION_ID => self.acct_session_id.as_bytes() == value,
            attr::FRAMED_IP_ADDRESS => self.framed_ipv4.is_some_and(|a| a.octets() == value),
            attr::FRAMED_IPV6_PREFIX => self.framed_prefix.is_some() && self.framed_prefix == decode_prefix(value),
            attr::DELEGATED_IPV6_PREFIX => decode_prefix(value).is_some_and(|p| self.delegated_prefixes.contains(&p)),
            _ => self.keys.get(&typ).is_some_and(|key| key == value),
        }
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Delegated(prefixes) => self.delegated_prefixes.clone_from(prefixes),
            Change::Filter(name) => self.filter = Some(name.clone()),
            Change::Rate(rate) => self.rate = Some(rate.clone()),
            Change::ServiceOff(service) => {
                self.services.remove(service);
            }
            Change::ServiceOn(service) => {
                self.services.insert(service.clone());
            }
            Change::Setting(key, value) => {
                self.settings.insert(*key, value.clone());
            }
        }
    }
}

/// What a CoA changes in a session. Values replace all earlier values of the attribute (RFC 5176 section 3.6, note 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Delegated(Vec<Ipv6Net>),
    Filter(String),
    Rate(String),
    ServiceOff(String),
    ServiceOn(String),
    Setting(AttrKey, Vec<u8>),
}

/// What the subscriber's RADIUS profile says at a login.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginProfile {
    pub framed_ipv4: Option<Ipv4Addr>,
    pub framed_prefix: Option<Ipv6Net>,
    pub delegated_prefixes: Vec<Ipv6Net>,
    pub filter: Option<String>,
    pub rate: Option<String>,
    pub services: BTreeSet<String>,
}
