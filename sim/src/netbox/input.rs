//! Bodies of prefixes: from JSON into a draft, with NetBox's errors in NetBox's words. Serializer errors come all at once; the rules of
//! the model (custom fields, uniqueness) come after them, one at a time.

use super::config::{SimToken, Version};
use super::db::{Db, Prefix, STATUSES, Vrf};
use super::net::{BadNet, Net};
use serde_json::{Map, Value, json};

/// What may stand in the `prefix` attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefixRule {
    /// Chosen by the server (available-prefixes).
    Ignored,
    Required,
    Optional,
}

/// The JSON that a 400 (or, on 4.4 for a malformed prefix, a 500) carries.
#[derive(Debug, Clone, PartialEq)]
pub enum BadInput {
    Fields(Map<String, Value>),
    /// 4.4 stumbles over a malformed prefix.
    KeyError,
}

impl BadInput {
    pub fn one(field: &str, text: String) -> Self {
        Self::Fields(Map::from_iter([(field.to_owned(), json!([text]))]))
    }
}

/// Serializer part: types, choices, related objects. Changes `draft`.
pub fn read(db: &Db, user: &SimToken, body: &Map<String, Value>, rule: PrefixRule, draft: &mut Prefix) -> Result<(), BadInput> {
    let mut errors = Map::new();
    let mut fail = |field: &str, text: String| {
        errors.insert(field.to_owned(), json!([text]));
    };
    if rule != PrefixRule::Ignored {
        match body.get("prefix") {
            None if rule == PrefixRule::Required => fail("prefix", "This field is required.".into()),
            None => {}
            Some(Value::String(text)) => match Net::parse(text) {
                Ok(net) if net.len == 0 => fail("prefix", "Cannot create prefix with /0 mask.".into()),
                Ok(net) => draft.net = net,
                Err(BadNet::HostBits(net)) => fail("prefix", format!("{text} is not a valid prefix. Did you mean {net}?")),
                Err(BadNet::Garbage) if db.version == Version::V4_4 => return Err(BadInput::KeyError),
                Err(BadNet::Garbage) => fail("prefix", format!("Invalid IP prefix format: {text}")),
            },
            Some(_) => fail("prefix", "This field may not be null.".into()),
        }
        match body.get("vrf").map(|v| related(v, db.vrfs.iter(), |v: &Vrf| v.id, |v| &v.name, "name")) {
            Some(Ok(vrf)) => draft.vrf = vrf,
            Some(Err(text)) => fail("vrf", text),
            None => {}
        }
    }
    // 4.6 looks a related object up by attributes only among those that the token may view; by id it does not look.
    let may_look = db.version == Version::V4_4 || user.sees_everything();
    for (field, objects) in [("tenant", &db.tenants), ("role", &db.roles)] {
        let Some(value) = body.get(field) else { continue };
        let hidden = value.is_object() && !may_look;
        let seen: &[_] = if hidden { &[] } else { objects };
        match related(value, seen.iter(), |o| o.id, |o| &o.slug, "slug") {
            Ok(id) if field == "tenant" => draft.tenant = id,
            Ok(id) => draft.role = id,
            Err(text) => fail(field, text),
        }
    }
    match body.get("status") {
        None => {}
        Some(Value::String(word)) => match STATUSES.iter().find(|s| *s == word) {
            Some(status) => draft.status = status,
            None => fail("status", format!("{word} is not a valid choice.")),
        },
        Some(other) => fail("status", format!("{other} is not a valid choice.")),
    }
    for (field, target) in [("is_pool", &mut draft.is_pool), ("mark_utilized", &mut draft.mark_utilized)] {
        match body.get(field) {
            None => {}
            Some(Value::Bool(value)) => *target = *value,
            Some(_) => fail(field, "Must be a valid boolean.".into()),
        }
    }
    if let Some(value) = body.get("description") {
        match value.as_str() {
            Some(text) if text.chars().count() > 200 => fail("description", "Ensure this field has no more than 200 characters.".into()),
            Some(text) => draft.description = text.to_owned(),
            None => fail("description", "Not a valid string.".into()),
        }
    }
    if let Some(text) = body.get("comments").and_then(Value::as_str) {
        draft.comments = text.to_owned();
    }
    for field in ["tags", "add_tags", "remove_tags"] {
        let Some(value) = body.get(field) else { continue };
        if field != "tags" && db.version == Version::V4_4 {
            continue;
        }
        match read_tags(db, value) {
            Ok(tags) if field == "tags" => draft.tags = tags,
            Ok(tags) if field == "add_tags" => {
                for tag in tags {
                    if !draft.tags.contains(&tag) {
                        draft.tags.push(tag);
                    }
                }
            }
            Ok(tags) => draft.tags.retain(|t| !tags.contains(t)),
            Err(text) => fail(field, text),
        }
    }
    if let Some(value) = body.get("custom_fields") {
        match value.as_object() {
            None => fail(
                "custom_fields",
                "Invalid data format. Custom field data must be passed as a dictionary mapping field names to their values.".into(),
            ),
            Some(values) => {
                let unknown = values.keys().find(|name| db.field(name).is_none());
                match unknown {
                    Some(name) if db.version == Version::V4_6 => {
                        let text = format!("Custom field '{name}' does not exist for this object type.");
                        errors.insert("custom_fields".to_owned(), json!({ name: text }));
                    }
                    _ => {
                        for (name, value) in values.iter().filter(|(name, _)| db.field(name).is_some()) {
                            if value.is_null() {
                                draft.custom.remove(name);
                            } else {
                                draft.custom.insert(name.clone(), value.clone());
                            }
                        }
                    }
                }
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(BadInput::Fields(errors)) }
}

/// Model part: values of custom fields, their uniqueness, uniqueness of the prefix. `draft.id` is 0 for a new object.
pub fn clean(db: &Db, draft: &Prefix, prefix_changed: bool) -> Result<(), BadInput> {
    for field in db.fields.iter().filter(|f| f.on_prefixes()) {
        let Some(value) = draft.custom.get(&field.name) else { continue };
        let wrong = match (field.kind.as_str(), value) {
            ("text" | "longtext" | "url", Value::String(_)) => None,
            ("text" | "longtext" | "url", _) => Some("Value must be a string."),
            ("datetime", Value::String(text)) if chrono::DateTime::parse_from_rfc3339(text).is_ok() => None,
            ("datetime", _) => Some("Date and time values must be in ISO 8601 format."),
            ("integer", Value::Number(n)) if n.is_i64() => None,
            ("integer", _) => Some("Value must be an integer."),
            _ => None,
        };
        if let Some(why) = wrong {
            return Err(BadInput::one("__all__", format!("Invalid value for custom field '{}': {why}", field.name)));
        }
        if field.unique && value.as_str().is_some_and(|text| db.holding(&field.name, text).iter().any(|id| *id != draft.id)) {
            return Err(BadInput::one("__all__", format!("Custom field '{}' must have a unique value.", field.name)));
        }
    }
    if prefix_changed {
        let vrf = draft.vrf.and_then(|id| db.vrf(id));
        if vrf.map_or(db.enforce_global_unique, |v| v.enforce_unique)
            && db.space.exactly(draft.vrf.unwrap_or(-1), draft.net).any(|key| key.id != draft.id)
        {
            let table = vrf.map_or("global table".to_owned(), |v| format!("VRF {} ({})", v.name, v.rd));
            return Err(BadInput::one("prefix", format!("Duplicate prefix found in {table}: {}", draft.net)));
        }
    }
    Ok(())
}

fn related<'a, T: 'a>(
    value: &Value,
    mut objects: impl Iterator<Item = &'a T>,
    id: impl Fn(&T) -> i64,
    name: impl Fn(&'a T) -> &'a str,
    key: &str,
) -> Result<Option<i64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Number(n) => objects
            .find(|o| Some(id(o)) == n.as_i64())
            .map(|o| Some(id(o)))
            .ok_or_else(|| format!("Related object not found using the provided numeric ID: {n}")),
        Value::Object(attributes) => {
            let wanted = attributes.get(key).and_then(Value::as_str).unwrap_or_default();
            let by_id = attributes.get("id").and_then(Value::as_i64);
            objects
                .find(|o| name(o) == wanted || Some(id(o)) == by_id)
                .map(|o| Some(id(o)))
                .ok_or_else(|| format!("Related object not found using the provided attributes: {}", python_dict(attributes)))
        }
        other => Err(format!(
            "Related objects must be referenced by numeric ID or by dictionary of attributes. Received an unrecognized value: {other}"
        )),
    }
}

fn read_tags(db: &Db, value: &Value) -> Result<Vec<i64>, String> {
    let Some(list) = value.as_array() else {
        return Err("Expected a list of items.".to_owned());
    };
    let mut ids = Vec::new();
    for item in list {
        if let Some(id) = related(item, db.tags.iter(), |t| t.id, |t| &t.slug, "slug")? {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn python_dict(map: &Map<String, Value>) -> String {
    let items: Vec<String> = map
        .iter()
        .map(|(k, v)| match v {
            Value::String(text) => format!("'{k}': '{text}'"),
            other => format!("'{k}': {other}"),
        })
        .collect();
    format!("{{{}}}", items.join(", "))
}
