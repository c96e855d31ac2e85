//! Allocating once and only once: the operation id travels in a unique custom field of the same POST, every 201 is checked, and an
//! earlier try is adopted, never repeated. The rules are those of docs on NetBox: only available-prefixes, no other path writes the id.

use super::client::{Netbox, is_missing, not_visible};
use super::config::{OPERATION_FIELD, SUBSCRIBER_FIELD};
use super::error::{Doing, Garbage, NetboxError, Why};
use super::http::{Call, Reply};
use super::remote::RemotePrefix;
use super::words;
use crate::upstream::{AllocateAsk, Allocation};
use ipnet::Ipv6Net;
use noctule_domain::ipam::PrefixStatus;
use noctule_domain::{OperationId, SafeText};
use reqwest::Method;
use serde_json::json;

/// What one POST came to.
enum Posted {
    Here(Allocation),
    /// A clear "no room here": the next pool may be asked.
    NoRoom,
}

impl Netbox {
    pub(super) async fn allocate_once(&self, ask: &AllocateAsk) -> Result<Allocation, NetboxError> {
        // The semaphore is never closed.
        let _turn = self.in_flight.acquire().await.map_err(|_| NetboxError::NoPool)?;
        let mut pools = ask.pools.clone();
        if pools.is_empty() {
            pools = self.configured_pools().await.map_err(|e| before(ask, e))?;
        }
        if ask.maybe_earlier {
            // A refused look-up tells nothing of the earlier try, so it must not end the operation.
            if let Some(found) = self.look_up(ask.operation).await.map_err(|e| NetboxError::Doubt(Box::new(e)))? {
                return self.adopt(ask, &pools, found).await;
            }
        }
        self.ready().await.map_err(|e| unasked(ask, e))?;
        for pool in &pools {
            let parent = self.parent(*pool).await.map_err(|e| unasked(ask, e))?;
            // A length equal to the parent's would make a copy of the parent where duplicates are allowed.
            if ask.prefix_len <= parent.prefix.prefix_len() {
                continue;
            }
            match self.post(ask, &pools, &parent).await? {
                Posted::Here(allocation) => return Ok(allocation),
                Posted::NoRoom => tracing::debug!(pool, len = ask.prefix_len, "no room in this pool"),
            }
        }
        if pools.is_empty() { Err(NetboxError::NoPool) } else { Err(NetboxError::Exhausted { len: ask.prefix_len, pools }) }
    }

    async fn configured_pools(&self) -> Result<Vec<i64>, NetboxError> {
        let mut ids = Vec::new();
        for pool in &self.config.pools {
            if let Some(parent) = self.resolve(pool).await? {
                ids.push(parent.id);
            }
        }
        Ok(ids)
    }

    async fn post(&self, ask: &AllocateAsk, pools: &[i64], parent: &RemotePrefix) -> Result<Posted, NetboxError> {
        let doing = Doing::Allocate;
        let mut body = json!({
            "prefix_length": ask.prefix_len,
            "status": PrefixStatus::Reserved.word(),
            "description": words::description(ask.subscriber_number.as_str(), ask.username.as_str()),
            "custom_fields": { OPERATION_FIELD: ask.operation.to_string(), SUBSCRIBER_FIELD: ask.subscriber_number.as_str() },
            "changelog_message": words::allocated(ask.operation),
        });
        if let Some(tag) = &self.config.tag {
            body["tags"] = json!([{ "slug": tag }]);
        }
        let path = format!("ipam/prefixes/{}/available-prefixes/", parent.id);
        let reply = self.http.send(Call::new(doing, Method::POST, path, self.config.timeouts.allocate).body(body)).await?;
        match reply.status {
            201 => self.verify(ask, pools, parent, &reply).await.map(Posted::Here),
            // Any other success is not what NetBox says here: somebody else answered.
            200 | 202..300 => Err(NetboxError::Garbage { doing, status: reply.status, what: Garbage::Unexpected("not a 201") }),
            409 if !reply.json.is_null() => Ok(Posted::NoRoom),
            404 if is_missing(&reply) => {
                self.known().parents.remove(&parent.id);
                Err(not_visible(parent.id))
            }
            400 if reply.json.is_null() || names_the_field(&reply) => self.already_used(ask, pools, &reply).await.map(Posted::Here),
            _ => Err(reply.refused(doing)),
        }
    }

    /// A 400 that names our field: most likely "must have a unique value", which means that an earlier try won. The text may be
    /// translated or cut off on the way, so the look-up decides.
    async fn already_used(&self, ask: &AllocateAsk, pools: &[i64], reply: &Reply) -> Result<Allocation, NetboxError> {
        match self.look_up(ask.operation).await {
            Ok(Some(found)) => self.adopt(ask, pools, found).await,
            Ok(None)
                if !reply.json.is_null()
                    && reply.json.get("custom_fields").is_none()
                    && !reply.detail.as_str().contains("Invalid value") =>
            {
                Err(NetboxError::Hidden { operation: ask.operation })
            }
            Ok(None) => Err(reply.refused(Doing::Allocate)),
            // The 4.6 answer to a missing field; the look-up without the field says so too.
            Err(NetboxError::FilterIgnored { .. }) if reply.json.get("custom_fields").is_some() => {
                self.known().ready_at = None;
                Err(reply.refused(Doing::Allocate))
            }
            Err(error) => Err(NetboxError::Doubt(Box::new(error))),
        }
    }

    /// A 201 proves nothing by itself: the object must be the one that was asked for, with the operation id really stored.
    async fn verify(&self, ask: &AllocateAsk, pools: &[i64], parent: &RemotePrefix, reply: &Reply) -> Result<Allocation, NetboxError> {
        let odd = |shape| NetboxError::Garbage { doing: Doing::Allocate, status: reply.status, what: Garbage::Unexpected(shape) };
        let made = RemotePrefix::read(&reply.json).map_err(odd)?;
        if made.carries(ask.operation) {
            if let (None, Some(allocation)) = (mismatch(ask, std::slice::from_ref(parent), &made), made.allocation(false)) {
                return Ok(allocation);
            }
            // What the answer shows is not what was asked for. What is stored decides.
            return match self.look_up(ask.operation).await {
                Ok(Some(stored)) => self.adopt(ask, pools, stored).await,
                Ok(None) => Err(odd("a prefix that is not the one asked for")),
                Err(error) => Err(NetboxError::Doubt(Box::new(error))),
            };
        }
        // Without its id the prefix could never be found again: 4.4 drops custom fields that it does not know.
        self.known().ready_at = None;
        self.take_back(ask.operation, made.id, made.prefix).await
    }

    async fn take_back(&self, operation: OperationId, id: i64, prefix: Ipv6Net) -> Result<Allocation, NetboxError> {
        let left = |error: NetboxError| NetboxError::LeftBehind { id, prefix, cause: SafeText::bounded(&error.to_string(), 400) };
        let (stored, etag) = match self.fetch(Doing::PutBack, id).await {
            Ok(Some(found)) => found,
            Ok(None) => return Err(NetboxError::IdNotStored { id, prefix }),
            Err(error) => return Err(left(error)),
        };
        if stored.prefix != prefix || stored.operation_id.is_some() {
            // Not the object that was just made: hands off.
            let what = SafeText::bounded(&format!("is not the object that the answer showed ({})", stored.prefix), 200);
            return Err(NetboxError::NotAsAsked { id, prefix, what });
        }
        let message = words::taken_back(operation);
        let body = json!({ "status": PrefixStatus::Deprecated.word(), "changelog_message": message });
        let path = format!("ipam/prefixes/{id}/");
        let call = Call::new(Doing::PutBack, Method::PATCH, path.as_str(), self.config.timeouts.read).body(body).if_match(etag.as_deref());
        let etag = self.http.send(call).await.and_then(|r| r.ok(Doing::PutBack)).map_err(left)?.etag;
        let call = Call::new(Doing::PutBack, Method::DELETE, path, self.config.timeouts.read)
            .body(json!({ "changelog_message": message }))
            .if_match(etag.as_deref());
        let reply = self.http.send(call).await.map_err(left)?;
        if reply.status == 204 || is_missing(&reply) {
            Err(NetboxError::IdNotStored { id, prefix })
        } else {
            Err(left(reply.refused(Doing::PutBack)))
        }
    }

    /// Takes what an earlier try stored, when it is what is asked for now.
    async fn adopt(&self, ask: &AllocateAsk, pools: &[i64], found: RemotePrefix) -> Result<Allocation, NetboxError> {
        let mut parents = Vec::new();
        for pool in pools {
            match self.parent(*pool).await {
                Ok(parent) => parents.push(parent),
                // It can not be compared with a parent that is not visible; the others may hold it.
                Err(NetboxError::Refused { why: Why::ParentNotVisible(_), .. }) => {}
                Err(error) => return Err(NetboxError::Doubt(Box::new(error))),
            }
        }
        match (mismatch(ask, &parents, &found), found.allocation(true)) {
            (None, Some(allocation)) => Ok(allocation),
            (what, _) => {
                let what = what.unwrap_or_else(|| format!("has the status {}", found.status_word));
                Err(NetboxError::NotAsAsked { id: found.id, prefix: found.prefix, what: SafeText::bounded(&what, 200) })
            }
        }
    }
}

/// Failed before the look-up for an earlier try: it may be stored, if there was one.
fn before(ask: &AllocateAsk, error: NetboxError) -> NetboxError {
    if ask.maybe_earlier { NetboxError::Doubt(Box::new(error)) } else { unasked(ask, error) }
}

/// Failed while reading, when no POST of this operation ever left: nothing can be stored, whatever the answer was worth.
fn unasked(ask: &AllocateAsk, error: NetboxError) -> NetboxError {
    if !ask.maybe_earlier && error.is_unclear() { NetboxError::Unasked(Box::new(error)) } else { error }
}

/// The text names our custom field, in whatever language and shape.
fn names_the_field(reply: &Reply) -> bool {
    reply.json.to_string().contains(OPERATION_FIELD)
}

/// What about this prefix is not as asked: `None` is well.
fn mismatch(ask: &AllocateAsk, parents: &[RemotePrefix], made: &RemotePrefix) -> Option<String> {
    if made.prefix.prefix_len() != ask.prefix_len {
        return Some(format!("is a /{}, not the /{} asked for", made.prefix.prefix_len(), ask.prefix_len));
    }
    let Some(parent) = parents.iter().find(|p| p.prefix.contains(&made.prefix)) else {
        return Some("lies outside of the pools asked".to_owned());
    };
    if !parents.iter().any(|p| p.prefix.contains(&made.prefix) && p.vrf == made.vrf) {
        let name = |vrf: Option<i64>| vrf.map_or_else(|| "the global table".to_owned(), |id| format!("VRF {id}"));
        return Some(format!("is in {}, not in {}", name(made.vrf), name(parent.vrf)));
    }
    match made.status {
        Some(PrefixStatus::Reserved | PrefixStatus::Active) => None,
        _ => Some(format!("is {}, so it is released or not a delegation", made.status_word)),
    }
}
