//! Putting an object back to what its subscriber's state says, after somebody else changed it: value, VRF and status in one PATCH.

use super::client::{Netbox, is_missing};
use super::config::HOLD_FIELD;
use super::error::{Doing, Garbage, NetboxError};
use super::http::Call;
use super::remote::{RemotePrefix, written};
use super::words;
use crate::upstream::PutBack;
use noctule_domain::SafeText;
use reqwest::Method;
use serde_json::json;

/// How often a 412 is answered by looking again.
const TRIES: u32 = 3;

impl Netbox {
    /// Already so is success. Asking again after any failure is safe. NetBox refuses a value that another object has, where it looks.
    pub(super) async fn put_it_back(&self, back: &PutBack) -> Result<(), NetboxError> {
        let (id, expect, doing) = (back.id, back.prefix, Doing::SetStatus);
        for _ in 0..TRIES {
            let Some((present, etag)) = self.fetch(doing, id).await? else {
                return Err(NetboxError::Gone { id, expect, found: None });
            };
            if is_so(&present, back) {
                return Ok(());
            }
            // NetBox itself would store a copy of what another object holds where it does not look.
            if (present.prefix, present.vrf) != (back.prefix, back.vrf)
                && let Some(other) = self.look_up_prefix(doing, back.prefix, back.vrf).await?
            {
                let found = SafeText::new(&format!("{} is there already, under NetBox id {}", back.prefix, other.id));
                return Err(NetboxError::Gone { id, expect, found: Some(found) });
            }
            let mut body = json!({
                "prefix": back.prefix.to_string(),
                "vrf": back.vrf,
                "status": back.status.word(),
                "changelog_message": words::status_set(back.status.word(), back.operation),
            });
            if let Some(until) = back.hold_until {
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
                    return if now.id == id && is_so(&now, back) {
                        Ok(())
                    } else {
                        Err(odd("another prefix, VRF or status than the one set"))
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
}

fn is_so(present: &RemotePrefix, back: &PutBack) -> bool {
    (present.prefix, present.vrf, present.status) == (back.prefix, back.vrf, Some(back.status))
        && back.hold_until.is_none_or(|until| present.hold().is_some_and(|at| at.timestamp() == until.timestamp()))
}
