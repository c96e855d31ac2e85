//! Local changes of a copy: checked against what the screen shows, written as ops, shown as they will be.

use super::Side;
use super::desk::{NewOp, Seen, append};
use super::overlay::{Field, Overlay};
use crate::codec::{self, bytes};
use crate::error::StoreError;
use noctule_domain::lifecycle::Actor;
use noctule_domain::sync::{Change, FieldChange};
use noctule_domain::{OpId, SafeText};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::collections::BTreeMap;

use super::cache::TENANT_KEY;

pub(crate) type Fields = BTreeMap<String, FieldChange>;

/// The value of a field as the screen shows it, whole: a text with its line breaks, not as it was made harmless.
pub(crate) fn now_is(seen: &Seen<'_>, field: Field<'_>) -> Result<Value, StoreError> {
    if let Some(laid) = seen.overlay.field(field) {
        return Ok(laid);
    }
    stored(seen.cache, field)
}

/// What the cache alone says.
pub(crate) fn stored(cache: &Connection, field: Field<'_>) -> Result<Value, StoreError> {
    let (table, id, name) = match field {
        Field::Task(id, name) => ("tasks", id.0, name),
        Field::Subscriber(id, name) => ("subscribers", id.0, name),
        Field::Technician(id, name) => ("technicians", id.0, name),
    };
    // The names are ours: those of the domain's list of columns.
    let found = cache
        .prepare_cached(&format!("SELECT {name} FROM {table} WHERE tenant = ?1 AND id = ?2"))?
        .query_row(params![TENANT_KEY, bytes(id)], |row| {
            Ok(match row.get_ref(0)? {
                ValueRef::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(id) => uuid::Uuid::from_slice(id).map_or(Value::Null, |id| Value::String(id.to_string())),
                ValueRef::Integer(n) if name.ends_with("_at") => {
                    chrono::DateTime::from_timestamp_micros(n).and_then(|at| serde_json::to_value(at).ok()).unwrap_or_default()
                }
                ValueRef::Integer(n) => n.into(),
                ValueRef::Real(r) => r.into(),
                ValueRef::Null => Value::Null,
            })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Puts a field into `fields` when it changes.
pub(crate) fn put(fields: &mut Fields, seen: &Seen<'_>, field: Field<'_>, new: Value) -> Result<(), StoreError> {
    let was = now_is(seen, field)?;
    let (Field::Task(_, name) | Field::Subscriber(_, name) | Field::Technician(_, name)) = field;
    if was != new {
        fields.insert(name.to_owned(), FieldChange { was, new });
    }
    Ok(())
}

/// The text that the operator typed. A line break that the screen had shown as a picture is one again.
pub(crate) fn typed(text: Option<&SafeText>) -> Value {
    match text.map(|t| t.as_str().replace('\u{240a}', "\n")) {
        Some(text) if !text.is_empty() => Value::String(text),
        _ => Value::Null,
    }
}

/// Writes the op, and gives the overlay that it alone makes: what is returned is shown with it.
pub(crate) fn write(conn: &Connection, side: &Side, seen: &Seen<'_>, actor: &Actor, op: NewOp) -> Result<Overlay, StoreError> {
    let laid = append(conn, side, seen, actor, op)?;
    Ok(Overlay::build([&laid]))
}

/// An op about `change` with a reason.
pub(crate) fn op(change: Change, target: String, reason: Option<SafeText>) -> NewOp {
    NewOp { id: OpId(uuid::Uuid::now_v7()), change, reason, target, under_way: false }
}

/// What a subscriber is called in lists: its name and number.
pub(crate) fn subscriber_words(cache: &Connection, id: noctule_domain::SubscriberId) -> Result<String, StoreError> {
    let found: Option<(String, String)> = cache
        .prepare_cached("SELECT full_name, number FROM subscribers WHERE tenant = ?1 AND id = ?2")?
        .query_row(params![TENANT_KEY, bytes(id.0)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match found {
        Some((name, number)) if name.is_empty() => format!("subscriber {number}"),
        Some((name, number)) => format!("subscriber {number} {name}"),
        None => format!("subscriber {}", id.short()),
    })
}

/// The version of a row in the cache; 0 when it is not there.
pub(crate) fn version_of(cache: &Connection, change: &Change) -> Result<i64, StoreError> {
    let field = match change {
        Change::TaskEdit { task, .. } => Field::Task(*task, "version"),
        Change::SubscriberEdit { subscriber, .. } => Field::Subscriber(*subscriber, "version"),
        Change::TechnicianEdit { technician, .. } => Field::Technician(*technician, "version"),
        _ => return Ok(0),
    };
    Ok(stored(cache, field)?.as_i64().unwrap_or(0))
}

/// A time as JSON has it.
pub(crate) fn cut(at: noctule_domain::Timestamp) -> noctule_domain::Timestamp {
    codec::cut(at)
}
