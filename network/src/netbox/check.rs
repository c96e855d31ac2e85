//! What `doctor` and the start ask: is this a NetBox that can be trusted with allocations? Version, custom fields, parents. It only reads.

use super::client::{BELIEVED, Netbox, vrf_filter};
use super::config::{HOLD_FIELD, OPERATION_FIELD, PoolConfig, PoolRef, SUBSCRIBER_FIELD, TenantRef};
use super::error::{Doing, Garbage, NetboxError, Why};
use super::remote::RemotePrefix;
use ipnet::Ipv6Net;
use noctule_domain::SafeText;
use noctule_domain::ipam::{Fit, Pool, PrefixStatus, free_fits, told_lengths};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long the free space of a parent is believed while its count moves.
const FREE_READ: Duration = Duration::from_secs(300);
/// With more children than this the free space is not read: it takes NetBox seconds, and its answer grows with the holes.
const CROWDED: u64 = 20_000;
/// Oldest NetBox that is written to: changelog messages (4.4) and unique custom fields (4.1).
const OLDEST: (u32, u32) = (4, 4);

#[derive(Debug, Clone, PartialEq)]
pub struct NetboxCheck {
    pub version: SafeText,
    /// What is wrong with the custom fields; empty is well.
    pub custom_fields: Vec<SafeText>,
    pub pools: Vec<Pool>,
    /// What is wrong with the pools: not visible, another VRF, deprecated, marked as full. NetBox itself looks at none of it.
    pub pool_problems: Vec<SafeText>,
    /// Round trip of the version request.
    pub latency: Duration,
}

impl NetboxCheck {
    pub fn is_well(&self) -> bool {
        self.custom_fields.is_empty() && self.pool_problems.is_empty()
    }
}

/// What is known of one custom field.
pub(super) struct FieldSeen {
    pub name: String,
    pub kind: String,
    pub unique: bool,
    pub exact: bool,
}

impl Netbox {
    /// Asks for everything that allocating relies on. An error is a NetBox that can not be talked to or is too old; what can be put
    /// right is in the answer.
    pub async fn check(&self) -> Result<NetboxCheck, NetboxError> {
        let begun = Instant::now();
        let version = self.version().await?;
        let latency = begun.elapsed();
        let custom_fields = match self.fields().await {
            Ok(fields) => problems(&fields),
            Err(NetboxError::Refused { why: Why::NoPermission, .. }) => {
                vec![SafeText::new("the custom fields can not be checked: the token needs view on extras.customfield")]
            }
            Err(error) => return Err(error),
        };
        let mut pools = Vec::new();
        let mut pool_problems = Vec::new();
        let mut seen = Vec::new();
        for pool in &self.config.pools {
            match self.resolve(pool).await {
                Ok(Some(parent)) => {
                    seen.push((name(pool), parent.vrf, parent.prefix));
                    pool_problems.extend(doubts(pool, &parent).into_iter().map(|p| SafeText::new(&p)));
                    pools.push(self.counted(pool, parent).await?);
                }
                Ok(None) => pool_problems.push(SafeText::new(&missing(pool))),
                Err(error @ (NetboxError::Duplicate { .. } | NetboxError::FilterIgnored { .. })) => {
                    pool_problems.push(SafeText::new(&error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        pool_problems.extend(overlaps(&seen).into_iter().map(|p| SafeText::new(&p)));
        pool_problems.extend(self.missing_tenants().await?);
        Ok(NetboxCheck { version, custom_fields, pools, pool_problems, latency })
    }

    /// NetBox tenants that the configuration names and NetBox does not show.
    async fn missing_tenants(&self) -> Result<Vec<SafeText>, NetboxError> {
        let mut wanted: Vec<&TenantRef> = self.config.tenant.iter().collect();
        for tenant in self.config.pools.iter().filter_map(|pool| pool.tenant.as_ref()) {
            if !wanted.contains(&tenant) {
                wanted.push(tenant);
            }
        }
        let mut out = Vec::new();
        for tenant in wanted {
            let (key, value) = match tenant {
                TenantRef::Id(id) => ("id", id.to_string()),
                TenantRef::Slug(slug) => ("slug", slug.clone()),
            };
            let call = self.get(Doing::Tenants, "tenancy/tenants/").query([(key, value), ("limit", "2".to_owned())]);
            match self.http.send(call).await?.ok(Doing::Tenants) {
                Ok(reply) => {
                    let results = reply.json.get("results").and_then(Value::as_array);
                    // The filter may be ignored, so each result is looked at.
                    let there = results.is_some_and(|list| list.iter().any(|t| named_so(t, tenant)));
                    if !there {
                        out.push(SafeText::new(&format!(
                            "the tenant {tenant} is not in NetBox, or the token may not see it: allocations would be refused"
                        )));
                    }
                }
                Err(NetboxError::Refused { why: Why::NoPermission, .. }) => {
                    out.push(SafeText::new(&format!("the tenant {tenant} can not be checked: the token needs view on tenancy.tenant")));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(out)
    }

    /// The version in words; refuses one that is too old, or an answer that is no NetBox's.
    pub(super) async fn version(&self) -> Result<SafeText, NetboxError> {
        let doing = Doing::Status;
        let reply = self.http.send(self.get(doing, "status/")).await?.ok(doing)?;
        let odd = || NetboxError::Garbage { doing, status: 200, what: Garbage::Unexpected("no netbox-version") };
        let text = reply.json.get("netbox-version").and_then(Value::as_str).ok_or_else(odd)?;
        let number = parse_version(text).ok_or_else(odd)?;
        let shown = SafeText::bounded(text, 40);
        if number < OLDEST {
            return Err(NetboxError::TooOld { version: shown });
        }
        self.known().version = Some(number);
        Ok(shown)
    }

    pub(super) async fn fields(&self) -> Result<Vec<FieldSeen>, NetboxError> {
        let doing = Doing::Fields;
        let query = [("object_type", "ipam.prefix".to_owned()), ("limit", "1000".to_owned())];
        let reply = self.http.send(self.get(doing, "extras/custom-fields/").query(query)).await?.ok(doing)?;
        let odd = || NetboxError::Garbage { doing, status: 200, what: Garbage::Unexpected("no results") };
        let results = reply.json.get("results").and_then(Value::as_array).ok_or_else(odd)?;
        // The filter may be ignored, so the types of each field are looked at.
        let on_prefixes = |f: &&Value| {
            f.get("object_types").and_then(Value::as_array).is_none_or(|types| types.iter().any(|t| t.as_str() == Some("ipam.prefix")))
        };
        let word =
            |f: &Value, key: &str| f.get(key).map(|v| v.get("value").unwrap_or(v)).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(results
            .iter()
            .filter(on_prefixes)
            .map(|f| FieldSeen {
                name: word(f, "name"),
                kind: word(f, "type"),
                unique: f.get("unique").and_then(Value::as_bool).unwrap_or(false),
                exact: word(f, "filter_logic") == "exact",
            })
            .collect())
    }

    /// Before an allocation: the set-up was good within the last ten minutes. A token that may not read custom fields is believed; what
    /// NetBox then stores is checked anyway.
    pub(super) async fn ready(&self) -> Result<(), NetboxError> {
        if self.known().ready_at.is_some_and(|at| at.elapsed() < BELIEVED) {
            return Ok(());
        }
        self.version().await?;
        match self.fields().await {
            Ok(fields) => {
                let problems = problems(&fields);
                if !problems.is_empty() {
                    return Err(NetboxError::Fields(problems));
                }
            }
            Err(NetboxError::Refused { why: Why::NoPermission, .. }) => {}
            Err(error) => return Err(error),
        }
        self.known().ready_at = Some(Instant::now());
        Ok(())
    }

    /// The pool with its children counted, in its own VRF only.
    pub(super) async fn counted(&self, pool: &PoolConfig, parent: RemotePrefix) -> Result<Pool, NetboxError> {
        let query = vec![
            ("within", parent.prefix.to_string()),
            ("vrf_id", vrf_filter(parent.vrf)),
            ("limit", "1".to_owned()),
            ("fields", super::remote::FIELDS.to_owned()),
        ];
        let (first, count) = self.list(Doing::CountPool, query).await?;
        let odd = |shape| NetboxError::Garbage { doing: Doing::CountPool, status: 200, what: Garbage::Unexpected(shape) };
        if first.iter().any(|p| !parent.prefix.contains(&p.prefix) || p.vrf != parent.vrf) {
            return Err(NetboxError::FilterIgnored { field: "within" });
        }
        let used = count.ok_or_else(|| odd("no count"))?;
        self.known().used.insert(parent.id, (Instant::now(), used));
        let fits = self.free_fits(pool, &parent, used).await;
        Ok(Pool {
            id: parent.id,
            prefix: parent.prefix,
            vrf: parent.vrf,
            // A status of the operator's own is shown as active; `check` names it.
            status: parent.status.unwrap_or(PrefixStatus::Active),
            description: parent.description,
            delegated_len: pool.policy.delegated_len,
            used,
            seen_at: chrono::Utc::now(),
            fits,
            history: Vec::new(),
            thresholds: Default::default(),
        })
    }

    /// How many of each length still fit. NetBox works on that answer the longer the more children there are, so it is asked when the count
    /// has moved, at most every five minutes, and not at all of a crowded parent; a failure only means that it is not known.
    async fn free_fits(&self, pool: &PoolConfig, parent: &RemotePrefix, used: u64) -> Vec<Fit> {
        let known = self.known().free.get(&parent.id).cloned();
        if let Some((at, counted, fits)) = &known
            && (*counted == used || at.elapsed() < FREE_READ)
        {
            return fits.clone();
        }
        if used > CROWDED {
            return Vec::new();
        }
        let call = self.get(Doing::CountPool, format!("ipam/prefixes/{}/available-prefixes/", parent.id));
        let blocks: Option<Vec<u8>> = match self.http.send(call).await.and_then(|r| r.ok(Doing::CountPool)) {
            Ok(reply) => reply.json.as_array().and_then(|list| list.iter().map(|b| block_len(b, parent.prefix)).collect()),
            Err(error) => {
                tracing::debug!(pool = parent.id, %error, "the free space was not read");
                None
            }
        };
        let Some(blocks) = blocks else { return known.map(|(_, _, fits)| fits).unwrap_or_default() };
        let lengths = told_lengths(parent.prefix.prefix_len(), pool.policy.delegated_len, &pool.policy.lengths);
        let fits = free_fits(blocks.into_iter().map(|len| (len, 1)), &lengths);
        self.known().free.insert(parent.id, (Instant::now(), used, fits.clone()));
        fits
    }

    pub(super) async fn all_pools(&self) -> Result<Vec<Pool>, NetboxError> {
        let mut pools = Vec::new();
        for pool in &self.config.pools {
            // One that is not there is the business of `check`; the others are still shown.
            if let Some(parent) = self.resolve(pool).await? {
                pools.push(self.counted(pool, parent).await?);
            }
        }
        Ok(pools)
    }
}

/// The length of a free block; `None` for something that is none, or that lies elsewhere.
fn block_len(block: &Value, parent: Ipv6Net) -> Option<u8> {
    let net: Ipv6Net = block.get("prefix")?.as_str()?.parse().ok()?;
    parent.contains(&net).then_some(net.prefix_len())
}

/// `4.6.8`, `v4.4.10-Docker-3.2`: major and minor.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().trim_start_matches('v').split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What is wrong with the custom fields, one sentence each.
pub(super) fn problems(fields: &[FieldSeen]) -> Vec<SafeText> {
    let mut out = Vec::new();
    match fields.iter().find(|f| f.name == OPERATION_FIELD) {
        None => out.push(format!("the custom field {OPERATION_FIELD} does not exist on ipam.prefix")),
        Some(field) => {
            if field.kind != "text" {
                out.push(format!("the custom field {OPERATION_FIELD} is of type {}, not text", field.kind));
            }
            if !field.unique {
                out.push(format!("the custom field {OPERATION_FIELD} is not unique"));
            }
            if !field.exact {
                out.push(format!("the filter logic of the custom field {OPERATION_FIELD} is not exact"));
            }
        }
    }
    for (name, kinds) in [(SUBSCRIBER_FIELD, &["text"][..]), (HOLD_FIELD, &["text", "datetime"][..])] {
        match fields.iter().find(|f| f.name == name) {
            None => out.push(format!("the custom field {name} does not exist on ipam.prefix")),
            Some(field) if !kinds.contains(&field.kind.as_str()) => {
                out.push(format!("the custom field {name} is of type {}, not {}", field.kind, kinds.join(" or ")));
            }
            Some(_) => {}
        }
    }
    out.iter().map(|p| SafeText::bounded(p, 200)).collect()
}

fn name(pool: &PoolConfig) -> String {
    match pool.parent {
        PoolRef::Id(id) => format!("pool {id}"),
        PoolRef::Prefix(prefix) => format!("pool {prefix}"),
    }
}

fn table(vrf: Option<i64>) -> String {
    vrf.map_or_else(|| "the global table".to_owned(), |id| format!("VRF {id}"))
}

fn missing(pool: &PoolConfig) -> String {
    format!("{} is not in {} of NetBox, or the token may not see it", name(pool), table(pool.vrf))
}

fn named_so(tenant: &Value, wanted: &TenantRef) -> bool {
    match wanted {
        TenantRef::Id(id) => tenant.get("id").and_then(Value::as_i64) == Some(*id),
        TenantRef::Slug(slug) => tenant.get("slug").and_then(Value::as_str) == Some(slug),
    }
}

/// Parents of one VRF that lie in each other: NetBox would hand out of one what the other seems to have.
fn overlaps(seen: &[(String, Option<i64>, Ipv6Net)]) -> Vec<String> {
    let mut out = Vec::new();
    for (at, (one, vrf, prefix)) in seen.iter().enumerate() {
        for (other, _, inner) in seen[at + 1..].iter().filter(|(_, v, _)| v == vrf) {
            if prefix.contains(inner) || inner.contains(prefix) {
                out.push(format!(
                    "{one} ({prefix}) and {other} ({inner}) overlap: their counts are not true, and the inner one may block the outer"
                ));
            }
        }
    }
    out
}

fn doubts(pool: &PoolConfig, parent: &RemotePrefix) -> Vec<String> {
    let mut out = Vec::new();
    let who = format!("{} ({})", name(pool), parent.prefix);
    if parent.vrf != pool.vrf {
        out.push(format!("{who} is in {}, the configuration says {}", table(parent.vrf), table(pool.vrf)));
    }
    match parent.status {
        Some(PrefixStatus::Container | PrefixStatus::Active) => {}
        _ => out.push(format!("{who} has the status {}; a pool is a container or active", parent.status_word)),
    }
    if parent.mark_utilized {
        out.push(format!("{who} is marked as fully utilized in NetBox"));
    }
    let lengths = if pool.policy.lengths.is_empty() { std::slice::from_ref(&pool.policy.delegated_len) } else { &pool.policy.lengths };
    for len in lengths.iter().filter(|len| **len <= parent.prefix.prefix_len() || **len > 64) {
        out.push(format!("no /{len} can be delegated from {who}"));
    }
    out
}
