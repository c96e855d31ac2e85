//! A prefix as NetBox shows it, read with suspicion: every part that is used is checked for its type.

use super::config::{HOLD_FIELD, OPERATION_FIELD, SUBSCRIBER_FIELD, TenantRef};
use crate::upstream::Allocation;
use ipnet::Ipv6Net;
use noctule_domain::ipam::PrefixStatus;
use noctule_domain::{SafeText, Timestamp};
use serde_json::Value;

/// The attributes that are asked for in lists.
pub(super) const FIELDS: &str = "id,prefix,vrf,status,tenant,description,mark_utilized,custom_fields,last_updated";

/// A prefix seen in NetBox.
#[derive(Debug, Clone, PartialEq)]
pub struct RemotePrefix {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
    /// `None` when the operator of NetBox has added statuses of their own; the word is in `status_word`.
    pub status: Option<PrefixStatus>,
    pub status_word: SafeText,
    /// Id and slug of its NetBox tenant.
    pub tenant: Option<(i64, SafeText)>,
    pub description: SafeText,
    pub mark_utilized: bool,
    pub operation_id: Option<SafeText>,
    pub subscriber_id: Option<SafeText>,
    pub hold_until: Option<SafeText>,
    pub last_updated: Option<Timestamp>,
}

impl RemotePrefix {
    /// The error names what is wrong with the shape.
    pub fn read(json: &Value) -> Result<Self, &'static str> {
        let map = json.as_object().ok_or("not an object")?;
        let id = map.get("id").and_then(Value::as_i64).ok_or("no id")?;
        let prefix: Ipv6Net = map.get("prefix").and_then(Value::as_str).ok_or("no prefix")?.parse().map_err(|_| "not an IPv6 prefix")?;
        let vrf = match map.get("vrf") {
            None | Some(Value::Null) => None,
            Some(Value::Number(n)) => Some(n.as_i64().ok_or("odd VRF")?),
            Some(object) => Some(object.get("id").and_then(Value::as_i64).ok_or("odd VRF")?),
        };
        let tenant = match map.get("tenant") {
            None | Some(Value::Null) => None,
            Some(object) => {
                let id = object.get("id").unwrap_or(object).as_i64().ok_or("odd tenant")?;
                let slug = object.get("slug").and_then(Value::as_str).map(|t| SafeText::bounded(t, 100));
                Some((id, slug.unwrap_or_default()))
            }
        };
        let status = map.get("status").ok_or("no status")?;
        let word = status.get("value").unwrap_or(status).as_str().ok_or("odd status")?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(|t| SafeText::bounded(t, 200));
        let custom = |name: &str| text(map.get("custom_fields").and_then(|c| c.get(name)));
        Ok(Self {
            id,
            prefix: prefix.trunc(),
            vrf,
            status: PrefixStatus::from_word(word),
            status_word: SafeText::bounded(word, 60),
            tenant,
            description: text(map.get("description")).unwrap_or_default(),
            mark_utilized: map.get("mark_utilized").and_then(Value::as_bool).unwrap_or(false),
            operation_id: custom(OPERATION_FIELD),
            subscriber_id: custom(SUBSCRIBER_FIELD),
            hold_until: custom(HOLD_FIELD),
            last_updated: map.get("last_updated").and_then(Value::as_str).and_then(moment),
        })
    }

    pub fn carries(&self, operation: noctule_domain::OperationId) -> bool {
        self.operation_id.as_ref().is_some_and(|id| id.as_str() == operation.to_string())
    }

    /// Belongs to the tenant that the configuration names; without one any will do.
    pub(super) fn belongs_to(&self, wanted: Option<&TenantRef>) -> bool {
        match (wanted, &self.tenant) {
            (None, _) => true,
            (Some(TenantRef::Id(id)), Some((is, _))) => id == is,
            (Some(TenantRef::Slug(slug)), Some((_, is))) => slug.as_str() == is.as_str(),
            (Some(_), None) => false,
        }
    }

    /// The moment in `hold_until`, however NetBox writes it.
    pub fn hold(&self) -> Option<Timestamp> {
        self.hold_until.as_ref().and_then(|h| moment(h.as_str()))
    }

    pub(super) fn allocation(&self, adopted: bool) -> Option<Allocation> {
        Some(Allocation { id: self.id, prefix: self.prefix, vrf: self.vrf, status: self.status?, adopted })
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(Into::into)
}

/// As it is written into `hold_until`: whole seconds, so that it reads back equal.
pub(super) fn written(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
