//! Changing and deleting a prefix that we hold: looked at first, changed only when it is still the one expected, with If-Match where
//! NetBox has it (4.6).

use super::client::{Netbox, is_missing};
use super::config::HOLD_FIELD;
use super::error::{Doing, Garbage, NetboxError};
use super::http::Call;
use super::remote::{RemotePrefix, written};
use super::words;
use crate::upstream::StatusChange;
use ipnet::Ipv6Net;
use noctule_domain::ipam::PrefixStatus;
use noctule_domain::{OperationId, SafeText};
use reqwest::Method;
use serde_json::json;

/// How often a 412 is answered by looking again.
const TRIES: u32 = 3;

impl Netbox {
    pub(super) async fn change_status(&self, change: &StatusChange) -> Result<(), NetboxError> {
        let (id, expect, doing) = (change.id, change.expect, Doing::SetStatus);
        for _ in 0..TRIES {
            let Some((present, etag)) = self.fetch(doing, id).await? else {
                return Err(NetboxError::Gone { id, expect, found: None });
            };
            if present.prefix != expect {
                return Err(NetboxError::Gone { id, expect, found: Some(SafeText::new(&present.prefix.to_string())) });
            }
            if is_so(&present, change) {
                return Ok(());
            }
            let mut body =
                json!({ "status": change.status.word(), "changelog_message": words::status_set(change.status.word(), change.operation) });
            if let Some(until) = change.hold_until {
                body["custom_fields"] = json!({ HOLD_FIELD: written(until) });
            }
            let call = Call::new(doing, Method::PATCH, format!("ipam/prefixes/{id}/"), self.config.timeouts.read)
                .body(body)
                .if_match(etag.as_deref());
            let reply = self.http.send(call).await?;
            match reply.status {
                200 => {
                    let odd = |shape| NetboxError::Garbage { doing, status: 200, what: Garbage::Unexpected(shape) };
                    let now = RemotePrefix::read(&reply.json).map_err(odd)?;
                    return if now.id == id && now.prefix == expect && now.status == Some(change.status) {
                        Ok(())
                    } else {
                        Err(odd("another prefix or status than the one set"))
                    };
                }
                412 => continue,
                404 if is_missing(&reply) => return Err(NetboxError::Gone { id, expect, found: None }),
                201..300 => return Err(NetboxError::Garbage { doing, status: reply.status, what: Garbage::Unexpected("not a 200") }),
                _ => return Err(reply.refused(doing)),
            }
        }
        Err(NetboxError::Contended { id, prefix: expect })
    }

    pub(super) async fn delete_rested(&self, id: i64, expect: Ipv6Net, operation: OperationId) -> Result<(), NetboxError> {
        let doing = Doing::Delete;
        for _ in 0..TRIES {
            let Some((present, etag)) = self.fetch(doing, id).await? else {
                return Ok(());
            };
            let ours = present.status == Some(PrefixStatus::Deprecated) || present.carries(operation);
            if present.prefix != expect || !ours {
                let found = SafeText::new(&present.prefix.to_string());
                return Err(NetboxError::NotOurs { id, expect, found, status: present.status_word });
            }
            let call = Call::new(doing, Method::DELETE, format!("ipam/prefixes/{id}/"), self.config.timeouts.read)
                .body(json!({ "changelog_message": words::deleted(operation) }))
                .if_match(etag.as_deref());
            let reply = self.http.send(call).await?;
            match reply.status {
                204 => return Ok(()),
                404 if is_missing(&reply) => return Ok(()),
                412 => continue,
                200..204 | 205..300 => {
                    return Err(NetboxError::Garbage { doing, status: reply.status, what: Garbage::Unexpected("not a 204") });
                }
                _ => return Err(reply.refused(doing)),
            }
        }
        Err(NetboxError::Contended { id, prefix: expect })
    }
}

/// Nothing left to do: the status, and the hold when one is asked for.
fn is_so(present: &RemotePrefix, change: &StatusChange) -> bool {
    present.status == Some(change.status)
        && change.hold_until.is_none_or(|until| present.hold().is_some_and(|at| at.timestamp() == until.timestamp()))
}
