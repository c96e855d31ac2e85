//! Objects as the JSON that NetBox answers with, key for key. 4.4 lacks `owner` and a few more.

use super::config::Version;
use super::db::{Change, CustomField, Db, Journal, Named, Prefix};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// As JSON bodies write a moment.
pub fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// As the ETag header writes the same moment.
pub fn etag(at: DateTime<Utc>) -> String {
    format!("W/\"{}\"", at.to_rfc3339_opts(SecondsFormat::Micros, false))
}

fn label(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

pub fn choice(word: &str) -> Value {
    json!({ "value": word, "label": label(word) })
}

fn family(prefix: &Prefix) -> Value {
    json!({ "value": prefix.net.family, "label": format!("IPv{}", prefix.net.family) })
}

fn named(host: &str, path: &str, object: Option<&Named>) -> Value {
    object.map_or(Value::Null, |o| {
        json!({ "id": o.id, "url": format!("http://{host}/api/{path}/{}/", o.id), "display": o.name, "name": o.name, "slug": o.slug, "description": o.description })
    })
}

/// How much a stored object knows of its place: NetBox answers an allocation before the tree is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Counted,
    /// Children and depth read 0, as in the 201 of available-prefixes without tags.
    Stale,
}

pub fn vrf(db: &Db, host: &str, id: Option<i64>) -> Value {
    id.and_then(|id| db.vrf(id)).map_or(Value::Null, |v| {
        json!({ "id": v.id, "url": format!("http://{host}/api/ipam/vrfs/{}/", v.id), "display": format!("{} ({})", v.name, v.rd),
                "name": v.name, "rd": v.rd, "description": "" })
    })
}

pub fn custom_fields(db: &Db, prefix: &Prefix) -> Value {
    let mut fields: Vec<&CustomField> = db.fields.iter().filter(|f| f.on_prefixes()).collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    fields.into_iter().map(|f| (f.name.clone(), prefix.custom.get(&f.name).cloned().unwrap_or(Value::Null))).collect::<Map<_, _>>().into()
}

pub fn prefix(db: &Db, host: &str, p: &Prefix, place: Place) -> Value {
    let (children, depth) = if place == Place::Counted { db.place(p) } else { (0, 0) };
    let tags: Vec<Value> = p.tags.iter().filter_map(|id| db.tags.iter().find(|t| t.id == *id)).map(|t| tag_brief(host, t)).collect();
    let mut out = json!({
        "id": p.id,
        "url": format!("http://{host}/api/ipam/prefixes/{}/", p.id),
        "display_url": format!("http://{host}/ipam/prefixes/{}/", p.id),
        "display": p.net.to_string(),
        "family": family(p),
        "prefix": p.net.to_string(),
        "vrf": vrf(db, host, p.vrf),
        "scope_type": null, "scope_id": null, "scope": null,
        "tenant": named(host, "tenancy/tenants", p.tenant.and_then(|id| db.tenants.iter().find(|t| t.id == id))),
        "vlan": null,
        "status": choice(p.status),
        "role": named(host, "ipam/roles", p.role.and_then(|id| db.roles.iter().find(|r| r.id == id))),
        "is_pool": p.is_pool,
        "mark_utilized": p.mark_utilized,
        "description": p.description,
        "owner": null,
        "comments": p.comments,
        "tags": tags,
        "custom_fields": custom_fields(db, p),
        "created": moment(p.created),
        "last_updated": moment(p.updated),
        "children": children,
        "_depth": depth,
    });
    if let (Version::V4_4, Some(map)) = (db.version, out.as_object_mut()) {
        map.remove("owner");
    }
    out
}

pub fn prefix_brief(db: &Db, host: &str, p: &Prefix) -> Value {
    json!({
        "id": p.id,
        "url": format!("http://{host}/api/ipam/prefixes/{}/", p.id),
        "display": p.net.to_string(),
        "family": family(p),
        "prefix": p.net.to_string(),
        "description": p.description,
        "_depth": db.place(p).1,
    })
}

/// The flat form of change records.
pub fn prefix_data(db: &Db, p: &Prefix) -> Value {
    let tags: Vec<&str> = p.tags.iter().filter_map(|id| db.tags.iter().find(|t| t.id == *id)).map(|t| t.name.as_str()).collect();
    let mut out = json!({
        "vrf": p.vrf, "role": p.role, "tags": tags, "vlan": null, "owner": null, "prefix": p.net.to_string(), "status": p.status,
        "tenant": p.tenant, "is_pool": p.is_pool, "comments": p.comments, "scope_id": null, "scope_type": null,
        "description": p.description, "custom_fields": p.custom, "mark_utilized": p.mark_utilized,
    });
    if let (Version::V4_4, Some(map)) = (db.version, out.as_object_mut()) {
        map.remove("owner");
    }
    out
}

fn tag_brief(host: &str, t: &Named) -> Value {
    json!({
        "id": t.id,
        "url": format!("http://{host}/api/extras/tags/{}/", t.id),
        "display_url": format!("http://{host}/extras/tags/{}/", t.id),
        "display": t.name, "name": t.name, "slug": t.slug, "color": t.color,
    })
}

pub fn tag(db: &Db, host: &str, t: &Named) -> Value {
    let mut out = tag_brief(host, t);
    if let Some(map) = out.as_object_mut() {
        map.insert("description".into(), t.description.clone().into());
        map.insert("weight".into(), 1000.into());
        map.insert("object_types".into(), json!([]));
        if db.version == Version::V4_6 {
            map.insert("tagged_items".into(), db.prefixes.values().filter(|p| p.tags.contains(&t.id)).count().into());
        }
        map.insert("created".into(), moment(t.created).into());
        map.insert("last_updated".into(), moment(t.created).into());
    }
    out
}

pub fn field(db: &Db, host: &str, f: &CustomField) -> Value {
    let type_label = match f.kind.as_str() {
        "datetime" => "Date & time".to_owned(),
        other => label(other),
    };
    let mut display = if f.label.is_empty() { label(&f.name.replace('_', " ")) } else { f.label.clone() };
    if display.is_empty() {
        display.clone_from(&f.name);
    }
    let data_type = match f.kind.as_str() {
        "integer" => "integer",
        "boolean" => "boolean",
        "datetime" => "string",
        _ => "string",
    };
    let mut out = json!({
        "id": f.id,
        "url": format!("http://{host}/api/extras/custom-fields/{}/", f.id),
        "display_url": format!("http://{host}/extras/custom-fields/{}/", f.id),
        "display": display,
        "object_types": f.object_types,
        "type": { "value": f.kind, "label": type_label },
        "related_object_type": null, "data_type": data_type, "name": f.name, "label": f.label, "group_name": "",
        "description": f.description, "required": false, "unique": f.unique, "search_weight": 1000,
        "filter_logic": choice(&f.filter_logic),
        "ui_visible": { "value": "always", "label": "Always" },
        "ui_editable": { "value": "yes", "label": "Yes" },
        "is_cloneable": false, "default": null, "related_object_filter": null, "weight": 100,
        "validation_minimum": null, "validation_maximum": null, "validation_regex": "", "validation_schema": null,
        "choice_set": null, "owner": null, "comments": "",
        "created": moment(f.created), "last_updated": moment(f.created),
    });
    if let (Version::V4_4, Some(map)) = (db.version, out.as_object_mut()) {
        map.remove("owner");
        map.remove("validation_schema");
    }
    out
}

pub fn change(db: &Db, host: &str, c: &Change) -> Value {
    let verb = match c.action {
        "create" => "created",
        "delete" => "deleted",
        _ => "updated",
    };
    let mut out = json!({
        "id": c.id,
        "url": format!("http://{host}/api/core/object-changes/{}/", c.id),
        "display_url": format!("http://{host}/core/changelog/{}/", c.id),
        "display": format!("IPAM | prefix {} {verb} by {}", c.repr, c.user),
        "time": moment(c.time),
        "user": { "id": 1, "url": format!("http://{host}/api/users/users/1/"), "display": c.user, "username": c.user },
        "user_name": c.user,
        "request_id": c.request.to_string(),
        "action": { "value": c.action, "label": label(verb) },
        "changed_object_type": "ipam.prefix",
        "changed_object_id": c.object,
        "changed_object": db.prefixes.get(&c.object).map_or(Value::Null, |p| prefix_brief(db, host, p)),
        "object_repr": c.repr,
        "message": c.message,
        "prechange_data": c.before,
        "postchange_data": c.after,
    });
    if let (Version::V4_4, Some(map)) = (db.version, out.as_object_mut()) {
        map.remove("object_repr");
    }
    out
}

pub fn journal(db: &Db, host: &str, j: &Journal) -> Value {
    json!({
        "id": j.id,
        "url": format!("http://{host}/api/extras/journal-entries/{}/", j.id),
        "display_url": format!("http://{host}/extras/journal-entries/{}/", j.id),
        "display": format!("{} ({})", j.created.format("%Y-%m-%d %H:%M"), label(&j.kind)),
        "assigned_object_type": "ipam.prefix",
        "assigned_object_id": j.prefix,
        "assigned_object": db.prefixes.get(&j.prefix).map_or(Value::Null, |p| prefix_brief(db, host, p)),
        "created": moment(j.created),
        "created_by": 1,
        "kind": choice(&j.kind),
        "comments": j.comments,
        "tags": [], "custom_fields": {},
        "last_updated": moment(j.created),
    })
}
