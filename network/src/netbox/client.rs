//! The client itself and its reads: parents, look-ups by operation id and by prefix. Writing is in `allocate` and `change`.

use super::batch::Line;
use super::config::{NetboxConfig, OPERATION_FIELD, PoolConfig, PoolRef};
use super::error::{Doing, Garbage, NetboxError, Why};
use super::http::{Call, Http, Reply};
use super::remote::{FIELDS, RemotePrefix};
use ipnet::Ipv6Net;
use noctule_domain::OperationId;
use noctule_domain::ipam::Fit;
use reqwest::Method;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// More than this in flight gains nothing (one lock in the server) and can block all its workers.
const IN_FLIGHT: usize = 2;
/// How long a good check of set-up and parents is believed.
pub(super) const BELIEVED: Duration = Duration::from_secs(600);

/// A NetBox. Cheap to share behind an `Arc`; holds no connection while idle.
pub struct Netbox {
    pub(super) http: Http,
    pub(super) config: NetboxConfig,
    pub(super) in_flight: Semaphore,
    pub(super) line: Line,
    known: Mutex<Known>,
}

#[derive(Default)]
pub(super) struct Known {
    pub version: Option<(u32, u32)>,
    pub ready_at: Option<Instant>,
    pub parents: HashMap<i64, (Instant, RemotePrefix)>,
    /// Ids of the configured pools, by their place in the configuration.
    pub places: HashMap<usize, (Instant, i64)>,
    /// Children of a parent, as counted last, ours since then added.
    pub used: HashMap<i64, (Instant, u64)>,
    /// What still fits into a parent, with the count of children that it was read at.
    pub free: HashMap<i64, (Instant, u64, Vec<Fit>)>,
}

impl std::fmt::Debug for Netbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Netbox").field("url", &self.config.url).finish_non_exhaustive()
    }
}

impl Netbox {
    /// Reads the CA file and checks URL and token; asks NetBox nothing.
    pub fn new(config: NetboxConfig) -> Result<Self, NetboxError> {
        let http = Http::new(&config)?;
        Ok(Self { http, config, in_flight: Semaphore::new(IN_FLIGHT), line: Line::default(), known: Mutex::default() })
    }

    /// Where it is, as configured.
    pub fn url(&self) -> &str {
        &self.config.url
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get<'a>(&self, doing: Doing, path: impl Into<String>) -> Call<'a> {
        Call::new(doing, Method::GET, path, self.config.timeouts.read)
    }

    /// A list of prefixes with the total that NetBox names.
    pub(super) async fn list(&self, doing: Doing, query: Vec<(&str, String)>) -> Result<(Vec<RemotePrefix>, Option<u64>), NetboxError> {
        let reply = self.http.send(self.get(doing, "ipam/prefixes/").query(query)).await?.ok(doing)?;
        let odd = |shape| NetboxError::Garbage { doing, status: 200, what: Garbage::Unexpected(shape) };
        let results = reply.json.get("results").and_then(Value::as_array).ok_or_else(|| odd("no results"))?;
        let list = results.iter().map(RemotePrefix::read).collect::<Result<Vec<_>, _>>().map_err(odd)?;
        Ok((list, reply.json.get("count").and_then(Value::as_u64)))
    }

    /// The one prefix that carries the operation id. Every result is checked to carry it: NetBox ignores filters that it does not know
    /// and then sends everything.
    pub(super) async fn look_up(&self, operation: OperationId) -> Result<Option<RemotePrefix>, NetboxError> {
        let query = vec![("cf_operation_id", operation.to_string()), ("limit", "10".to_owned()), ("fields", FIELDS.to_owned())];
        let (mut found, count) = self.list(Doing::LookUp, query).await?;
        if found.iter().any(|p| !p.carries(operation)) {
            return Err(NetboxError::FilterIgnored { field: OPERATION_FIELD });
        }
        if found.len() > 1 || count.is_some_and(|c| c > 1) {
            return Err(NetboxError::Twice { operation, prefixes: found.iter().map(|p| p.prefix).collect() });
        }
        Ok(found.pop())
    }

    pub(super) async fn look_up_prefix(
        &self,
        doing: Doing,
        prefix: Ipv6Net,
        vrf: Option<i64>,
    ) -> Result<Option<RemotePrefix>, NetboxError> {
        let query =
            vec![("prefix", prefix.to_string()), ("vrf_id", vrf_filter(vrf)), ("limit", "10".to_owned()), ("fields", FIELDS.to_owned())];
        let (mut found, _) = self.list(doing, query).await?;
        if found.iter().any(|p| p.prefix != prefix || p.vrf != vrf) {
            return Err(NetboxError::FilterIgnored { field: "prefix" });
        }
        if found.len() > 1 {
            return Err(NetboxError::Duplicate { prefix, ids: found.iter().map(|p| p.id).collect() });
        }
        Ok(found.pop())
    }

    /// One prefix with its ETag (4.6); `None` is a 404 of the API.
    pub(super) async fn fetch(&self, doing: Doing, id: i64) -> Result<Option<(RemotePrefix, Option<String>)>, NetboxError> {
        let reply = self.http.send(self.get(doing, format!("ipam/prefixes/{id}/"))).await?;
        if is_missing(&reply) {
            return Ok(None);
        }
        let reply = reply.ok(doing)?;
        let odd = |shape| NetboxError::Garbage { doing, status: reply.status, what: Garbage::Unexpected(shape) };
        let prefix = RemotePrefix::read(&reply.json).map_err(odd)?;
        if prefix.id != id {
            return Err(odd("another id"));
        }
        Ok(Some((prefix, reply.etag)))
    }

    /// The parent of an allocation, read at most every ten minutes.
    pub(super) async fn parent(&self, id: i64) -> Result<RemotePrefix, NetboxError> {
        if let Some((_, parent)) = self.known().parents.get(&id).filter(|(at, _)| at.elapsed() < BELIEVED) {
            return Ok(parent.clone());
        }
        let (parent, _) = self.fetch(Doing::ReadParent, id).await?.ok_or_else(|| not_visible(id))?;
        self.remember(&parent);
        Ok(parent)
    }

    pub(super) fn remember(&self, parent: &RemotePrefix) {
        self.known().parents.insert(parent.id, (Instant::now(), parent.clone()));
    }

    /// A configured pool as it is in NetBox now.
    pub(super) async fn resolve(&self, pool: &PoolConfig) -> Result<Option<RemotePrefix>, NetboxError> {
        let parent = match pool.parent {
            PoolRef::Id(id) => self.fetch(Doing::ReadParent, id).await?.map(|(p, _)| p),
            PoolRef::Prefix(prefix) => self.look_up_prefix(Doing::ReadParent, prefix.trunc(), pool.vrf).await?,
        };
        if let Some(parent) = &parent {
            self.remember(parent);
        }
        Ok(parent)
    }
}

pub(super) fn vrf_filter(vrf: Option<i64>) -> String {
    vrf.map_or_else(|| "null".to_owned(), |id| id.to_string())
}

/// 404 by the API itself, which answers in JSON; a 404 page comes from something else.
pub(super) fn is_missing(reply: &Reply) -> bool {
    reply.status == 404 && !reply.json.is_null()
}

pub(super) fn not_visible(pool: i64) -> NetboxError {
    NetboxError::Refused {
        doing: Doing::Allocate,
        status: 404,
        why: Why::ParentNotVisible(pool),
        detail: noctule_domain::SafeText::default(),
    }
}
