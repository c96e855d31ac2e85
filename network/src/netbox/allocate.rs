//! One allocation, once and only once: the operation id travels in a unique custom field of the same POST, every 201 is checked, and an
//! earlier try is adopted, never repeated. Whose turn it is, alone or in a list, is the business of `batch`. The rules are those of docs on NetBox: only available-prefixes, no other path writes the id.

use super::choose::Target;
use super::client::{Netbox, is_missing, not_visible};
use super::config::{OPERATION_FIELD, SUBSCRIBER_FIELD, TenantRef};
use super::error::{Doing, Garbage, NetboxError};
use super::http::{Call, Reply};
use super::remote::RemotePrefix;
use super::words;
use crate::upstream::{AllocateAsk, Allocation};
use ipnet::Ipv6Net;
use noctule_domain::ipam::{LENGTHS, PrefixStatus};
use noctule_domain::{OperationId, SafeText};
use reqwest::Method;
use serde_json::{Value, json};

/// What one POST came to.
pub(super) enum Posted {
    Here(Allocation),
    /// A clear "no room here": the next pool may be asked.
    NoRoom,
}

impl Netbox {
    pub(super) async fn post(&self, ask: &AllocateAsk, target: &Target) -> Result<Posted, NetboxError> {
        let doing = Doing::Allocate;
        let parent = &target.parent;
        let body = self.element(ask, target);
        let path = format!("ipam/prefixes/{}/available-prefixes/", parent.id);
        let reply = self.http.send(Call::new(doing, Method::POST, path, self.config.timeouts.allocate).body(body)).await?;
        match reply.status {
            201 => self.verify(ask, target, RemotePrefix::read(&reply.json).map_err(odd)?).await.map(Posted::Here),
            // Any other success is not what NetBox says here: somebody else answered.
            200 | 202..300 => Err(NetboxError::Garbage { doing, status: reply.status, what: Garbage::Unexpected("not a 201") }),
            409 if !reply.json.is_null() => Ok(Posted::NoRoom),
            404 if is_missing(&reply) => {
                self.known().parents.remove(&parent.id);
                Err(not_visible(parent.id))
            }
            400 if reply.json.is_null() || names_the_field(&reply) => self.already_used(ask, &reply).await.map(Posted::Here),
            _ => Err(reply.refused(doing)),
        }
    }

    /// The body of one allocation, alone or in a list.
    pub(super) fn element(&self, ask: &AllocateAsk, target: &Target) -> Value {
        let mut body = json!({
            "prefix_length": target.len,
            "status": PrefixStatus::Reserved.word(),
            "description": words::description(ask.subscriber_number.as_str(), ask.username.as_str()),
            "custom_fields": { OPERATION_FIELD: ask.operation.to_string(), SUBSCRIBER_FIELD: ask.subscriber_number.as_str() },
            "changelog_message": words::allocated(ask.operation),
        });
        if let Some(tag) = &self.config.tag {
            body["tags"] = json!([{ "slug": tag }]);
        }
        match &target.tenant {
            Some(TenantRef::Id(id)) => body["tenant"] = json!(id),
            Some(TenantRef::Slug(slug)) => body["tenant"] = json!({ "slug": slug }),
            None => {}
        }
        body
    }

    /// A 400 that names our field: most likely "must have a unique value", which means that an earlier try won. The text may be
    /// translated or cut off on the way, so the look-up decides.
    async fn already_used(&self, ask: &AllocateAsk, reply: &Reply) -> Result<Allocation, NetboxError> {
        match self.look_up(ask.operation).await {
            Ok(Some(found)) => self.adopt(ask, found).await,
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
    pub(super) async fn verify(&self, ask: &AllocateAsk, target: &Target, made: RemotePrefix) -> Result<Allocation, NetboxError> {
        if made.carries(ask.operation) {
            if let (None, Some(allocation)) = (mismatch(Some(target.len), std::slice::from_ref(target), &made), made.allocation(false)) {
                return Ok(allocation);
            }
            // What the answer shows is not what was asked for.
            return self.stored(ask).await;
        }
        // Without its id the prefix could never be found again: 4.4 drops custom fields that it does not know.
        self.known().ready_at = None;
        self.take_back(ask.operation, made.id, made.prefix).await
    }

    /// After a 201 that can not be believed: what is stored decides.
    pub(super) async fn stored(&self, ask: &AllocateAsk) -> Result<Allocation, NetboxError> {
        match self.look_up(ask.operation).await {
            Ok(Some(stored)) => self.adopt(ask, stored).await,
            Ok(None) => Err(odd("a prefix that is not the one asked for")),
            Err(error) => Err(NetboxError::Doubt(Box::new(error))),
        }
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
    pub(super) async fn adopt(&self, ask: &AllocateAsk, found: RemotePrefix) -> Result<Allocation, NetboxError> {
        let possible = self.possible(ask).await.map_err(|error| NetboxError::Doubt(Box::new(error)))?;
        match (mismatch(ask.prefix_len, &possible, &found), found.allocation(true)) {
            (None, Some(allocation)) => Ok(allocation),
            (what, _) => {
                let what = what.unwrap_or_else(|| format!("has the status {}", found.status_word));
                Err(NetboxError::NotAsAsked { id: found.id, prefix: found.prefix, what: SafeText::bounded(&what, 200) })
            }
        }
    }
}

fn odd(shape: &'static str) -> NetboxError {
    NetboxError::Garbage { doing: Doing::Allocate, status: 201, what: Garbage::Unexpected(shape) }
}

/// Every pool that was asked, or named, said that it has no room.
pub(super) fn exhausted(ask: &AllocateAsk, targets: &[Target]) -> NetboxError {
    let pools = if ask.pools.is_empty() { targets.iter().map(|t| t.parent.id).collect() } else { ask.pools.clone() };
    NetboxError::Exhausted { len: ask.prefix_len, pools }
}

/// Failed while reading, when no POST of this operation ever left: nothing can be stored, whatever the answer was worth.
pub(super) fn unasked(ask: &AllocateAsk, error: NetboxError) -> NetboxError {
    if !ask.maybe_earlier && error.is_unclear() { NetboxError::Unasked(Box::new(error)) } else { error }
}

/// The text names our custom field, in whatever language and shape.
fn names_the_field(reply: &Reply) -> bool {
    reply.json.to_string().contains(OPERATION_FIELD)
}

/// What about this prefix is not as asked: `None` is well.
pub(super) fn mismatch(len: Option<u8>, parents: &[Target], made: &RemotePrefix) -> Option<String> {
    let is = made.prefix.prefix_len();
    if len.is_some_and(|len| len != is) || !LENGTHS.contains(&is) {
        let asked = len.map_or("prefix of 48 to 64 bits".to_owned(), |len| format!("/{len}"));
        return Some(format!("is a /{is}, not the {asked} asked for"));
    }
    let around: Vec<&Target> = parents.iter().filter(|t| t.parent.prefix.contains(&made.prefix)).collect();
    let Some(first) = around.first() else {
        return Some("lies outside of the pools asked".to_owned());
    };
    // Without a length of its own the operation asked for the pool's.
    if len.is_none() && !around.iter().any(|t| t.len == is) {
        return Some(format!("is a /{is}, not the /{} of the pool", first.len));
    }
    let Some(home) = around.iter().find(|t| t.parent.vrf == made.vrf) else {
        let name = |vrf: Option<i64>| vrf.map_or_else(|| "the global table".to_owned(), |id| format!("VRF {id}"));
        return Some(format!("is in {}, not in {}", name(made.vrf), name(first.parent.vrf)));
    };
    if !around.iter().any(|t| t.parent.vrf == made.vrf && made.belongs_to(t.tenant.as_ref())) {
        let is =
            made.tenant.as_ref().map_or_else(|| "no NetBox tenant".to_owned(), |(id, slug)| format!("the NetBox tenant {slug} ({id})"));
        let should = home.tenant.as_ref().map(ToString::to_string).unwrap_or_default();
        return Some(format!("belongs to {is}, not to {should}"));
    }
    match made.status {
        Some(PrefixStatus::Reserved | PrefixStatus::Active) => None,
        _ => Some(format!("is {}, so it is released or not a delegation", made.status_word)),
    }
}
