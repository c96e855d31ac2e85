//! What the client needs to know of a NetBox: where it is, with which token, from which parents prefixes are taken.

use super::error::{NetboxError, Setup};
use ipnet::Ipv6Net;
use noctule_domain::SafeText;
use noctule_domain::ipam::{PoolPolicy, PoolRule};
use noctule_domain::secret::Secret;
use reqwest::Url;
use std::path::PathBuf;
use std::time::Duration;

/// The custom field on ipam.prefix that makes an allocation happen once: text, unique, exact.
pub const OPERATION_FIELD: &str = "operation_id";
/// The subscriber's number, text.
pub const SUBSCRIBER_FIELD: &str = "subscriber_id";
/// Until when a released prefix rests; text or datetime.
pub const HOLD_FIELD: &str = "hold_until";

#[derive(Debug, Clone)]
pub struct NetboxConfig {
    /// `https://netbox.example.net`, with the path when NetBox is not at the root. A trailing `/` or `/api` does not matter.
    pub url: String,
    /// Version 1 (40 characters) or version 2 (`nbt_<key>.<secret>`).
    pub token: Secret,
    pub pools: Vec<PoolConfig>,
    /// NetBox tenant of prefixes from a pool that the configuration does not name.
    pub tenant: Option<TenantRef>,
    /// In which order pools that serve equally are asked.
    pub rule: PoolRule,
    /// Slug of a tag that every allocation gets.
    pub tag: Option<String>,
    /// PEM file of a private CA, beside those of the system.
    pub extra_ca: Option<PathBuf>,
    pub timeouts: Timeouts,
    /// Allows http:// to another host than this one: the token then crosses the network in clear text.
    pub allow_plain_http: bool,
}

impl NetboxConfig {
    pub fn new(url: impl Into<String>, token: Secret, pools: Vec<PoolConfig>) -> Self {
        Self {
            url: url.into(),
            token,
            pools,
            tenant: None,
            rule: PoolRule::InOrder,
            tag: None,
            extra_ca: None,
            timeouts: Timeouts::default(),
            allow_plain_http: false,
        }
    }
}

/// A parent prefix from which delegations are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    pub parent: PoolRef,
    /// NetBox id of the VRF that the parent must be in; `None` is the global table.
    pub vrf: Option<i64>,
    /// Whom it serves, with which lengths.
    pub policy: PoolPolicy,
    /// NetBox tenant that every prefix made from it belongs to.
    pub tenant: Option<TenantRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolRef {
    /// NetBox id of the parent prefix.
    Id(i64),
    Prefix(Ipv6Net),
}

/// A tenant of NetBox, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantRef {
    Id(i64),
    Slug(String),
}

impl TenantRef {
    /// Digits alone are an id, anything else a slug.
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Slug(text.to_owned()), Self::Id)
    }
}

impl std::fmt::Display for TenantRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Slug(slug) => f.write_str(SafeText::bounded(slug, 100).as_str()),
        }
    }
}

impl PoolConfig {
    pub fn new(parent: PoolRef, vrf: Option<i64>, policy: PoolPolicy) -> Self {
        Self { parent, vrf, policy, tenant: None }
    }

    /// For everybody, any length.
    pub fn id(id: i64, vrf: Option<i64>, delegated_len: u8) -> Self {
        Self::new(PoolRef::Id(id), vrf, PoolPolicy::open(delegated_len))
    }

    pub fn prefix(prefix: Ipv6Net, vrf: Option<i64>, delegated_len: u8) -> Self {
        Self::new(PoolRef::Prefix(prefix), vrf, PoolPolicy::open(delegated_len))
    }
}

/// A restarting NetBox lets connections hang for 20 s and more; short timeouts with retries only prolong that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    pub read: Duration,
    /// Allocations wait for one lock of the whole server.
    pub allocate: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), read: Duration::from_secs(30), allocate: Duration::from_secs(60) }
    }
}

/// The base of every request, without a slash at the end, and whether it is this machine.
pub(super) fn base(config: &NetboxConfig) -> Result<(String, bool), NetboxError> {
    let shown = SafeText::bounded(&config.url, 200);
    let bad = || NetboxError::Config(Setup::BadUrl(shown.clone()));
    let url = Url::parse(config.url.trim()).map_err(|_| bad())?;
    // Credentials in the URL would be shown in every message.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NetboxError::Config(Setup::CredentialsInUrl));
    }
    let host = url.host_str().ok_or_else(bad)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if loopback || config.allow_plain_http => {}
        "http" => return Err(NetboxError::Config(Setup::PlainHttp(SafeText::bounded(host, 200)))),
        _ => return Err(bad()),
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api").unwrap_or(path);
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    Ok((format!("{}://{host}{port}{path}", url.scheme()), loopback))
}
