//! Reading for reconciliation: whole pools in the order of ids, a few objects again by id, and what changed or was deleted since. Every
//! answer is checked against what was asked, as NetBox sends everything for a filter that it does not know.

use super::client::{Netbox, vrf_filter};
use super::error::{Doing, Garbage, NetboxError};
use super::remote::{FIELDS, RemotePrefix};
use crate::drift::{Parent, PrefixSource};
use crate::upstream::IpamError;
use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::drift::NetboxRow;
use noctule_domain::{OperationId, Timestamp};
use serde_json::Value;
use std::collections::HashSet;

/// Ids of one look-up: a request line of NetBox ends at 4094 bytes.
const IDS: usize = 100;
/// Changes that one poll reads at most; with more a whole check is due.
const CHANGES: usize = 1000;

#[async_trait]
impl PrefixSource for Netbox {
    async fn parents(&self) -> Result<Vec<Parent>, IpamError> {
        let pools = self.all_pools().await?;
        if pools.len() < self.config.pools.len() {
            // One that can not be read would make all that lies in it look gone.
            let missing = self.config.pools.len() - pools.len();
            let words = format!(
                "{missing} of the configured pools can not be seen in NetBox: without them a check would call everything in them gone"
            );
            return Err(IpamError::Refused(noctule_domain::SafeText::new(&words)));
        }
        Ok(pools.into_iter().map(|pool| Parent { id: pool.id, prefix: pool.prefix, vrf: pool.vrf, children: pool.used }).collect())
    }

    async fn page(&self, parent: &Parent, after: i64, limit: usize) -> Result<Vec<NetboxRow>, IpamError> {
        Ok(self.scan_page(parent.prefix, parent.vrf, after + 1, limit).await?.into_iter().map(row).collect())
    }

    async fn by_ids(&self, ids: &[i64]) -> Result<Vec<NetboxRow>, IpamError> {
        let mut out = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS) {
            let mut query: Vec<(&str, String)> = some.iter().map(|id| ("id", id.to_string())).collect();
            query.push(("limit", "1000".to_owned()));
            query.push(("fields", FIELDS.to_owned()));
            let (page, _) = self.list(Doing::Scan, query).await?;
            if page.iter().any(|p| !some.contains(&p.id)) {
                return Err(NetboxError::FilterIgnored { field: "id" }.into());
            }
            out.extend(page.into_iter().map(row));
        }
        Ok(out)
    }

    async fn by_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<Vec<NetboxRow>, IpamError> {
        let query =
            vec![("prefix", prefix.to_string()), ("vrf_id", vrf_filter(vrf)), ("limit", "50".to_owned()), ("fields", FIELDS.to_owned())];
        let (page, _) = self.list(Doing::Scan, query).await?;
        if page.iter().any(|p| p.prefix != prefix || p.vrf != vrf) {
            return Err(NetboxError::FilterIgnored { field: "prefix" }.into());
        }
        Ok(page.into_iter().map(row).collect())
    }

    async fn by_operation(&self, operation: OperationId) -> Result<Vec<NetboxRow>, IpamError> {
        let query = vec![("cf_operation_id", operation.to_string()), ("limit", "50".to_owned()), ("fields", FIELDS.to_owned())];
        let (page, _) = self.list(Doing::LookUp, query).await?;
        if page.iter().any(|p| !p.carries(operation)) {
            return Err(NetboxError::FilterIgnored { field: super::config::OPERATION_FIELD }.into());
        }
        Ok(page.into_iter().map(row).collect())
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Option<Vec<i64>>, IpamError> {
        let since_text = since.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let mut ids: HashSet<i64> = HashSet::new();
        let query = vec![
            ("last_updated__gte", since_text.clone()),
            ("ordering", "id".to_owned()),
            ("limit", CHANGES.to_string()),
            ("fields", FIELDS.to_owned()),
        ];
        let (page, _) = self.list(Doing::Scan, query).await?;
        if page.iter().any(|p| p.last_updated.is_none_or(|at| at < since)) {
            return Err(NetboxError::FilterIgnored { field: "last_updated__gte" }.into());
        }
        if page.len() >= CHANGES {
            return Ok(None);
        }
        ids.extend(page.iter().map(|p| p.id));
        let Some(deleted) = self.deleted_since(since, &since_text).await? else { return Ok(None) };
        ids.extend(deleted);
        let mut ids: Vec<i64> = ids.into_iter().collect();
        ids.sort_unstable();
        Ok(Some(ids))
    }
}

impl Netbox {
    /// Ids of prefixes that were deleted, by the object changes (kept 90 days by default). The token may not be allowed to read them: then
    /// deletions are seen by the whole check only.
    async fn deleted_since(&self, since: Timestamp, since_text: &str) -> Result<Option<Vec<i64>>, NetboxError> {
        let doing = Doing::Scan;
        let query = [
            ("changed_object_type", "ipam.prefix".to_owned()),
            ("action", "delete".to_owned()),
            ("time_after", since_text.to_owned()),
            ("limit", CHANGES.to_string()),
        ];
        let reply = match self.http.send(self.get(doing, "core/object-changes/").query(query)).await?.ok(doing) {
            Err(NetboxError::Refused { .. }) => return Ok(Some(Vec::new())),
            other => other?,
        };
        let odd = |shape| NetboxError::Garbage { doing, status: 200, what: Garbage::Unexpected(shape) };
        let results = reply.json.get("results").and_then(Value::as_array).ok_or_else(|| odd("no results"))?;
        if results.len() >= CHANGES {
            return Ok(None);
        }
        let mut ids = Vec::new();
        for change in results {
            let word = |key: &str| change.get(key).map(|v| v.get("value").unwrap_or(v)).and_then(Value::as_str).unwrap_or_default();
            let at = change.get("time").and_then(Value::as_str).and_then(|t| chrono::DateTime::parse_from_rfc3339(t).ok());
            // Filters that are ignored send what was not asked for: it is left out by itself.
            let wanted = word("action") == "delete" && word("changed_object_type") == "ipam.prefix" && at.is_some_and(|at| at >= since);
            ids.extend(change.get("changed_object_id").and_then(Value::as_i64).filter(|_| wanted));
        }
        Ok(Some(ids))
    }
}

fn row(p: RemotePrefix) -> NetboxRow {
    let hold_until = p.hold();
    NetboxRow {
        id: p.id,
        prefix: p.prefix,
        vrf: p.vrf,
        status: p.status,
        status_word: p.status_word,
        operation: p.operation_id,
        subscriber: p.subscriber_id,
        hold_until,
        updated_at: p.last_updated,
    }
}
