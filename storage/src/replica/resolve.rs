//! What the operator decides about collisions and refusals. Nothing typed is dropped: what is left aside stays in the history.

use super::desk::{self, NewOp};
use super::edit::version_of;
use crate::error::StoreError;
use crate::store::Store;
use noctule_domain::lifecycle::Actor;
use noctule_domain::sync::{Answer, Change, Collision, Conflict, FieldChange, Resolution};
use noctule_domain::{OpId, SafeText};
use serde_json::Value;
use std::collections::BTreeMap;

impl Store {
    /// Collisions and refusals that wait for a decision, oldest first.
    pub async fn conflicts(&self) -> Result<Vec<Conflict>, StoreError> {
        self.at_desk(|desk, side, _| desk::conflicts(&desk.conn, side)).await
    }

    /// `Mine`: asks the centre again, having seen theirs. `Both`: texts, theirs first. `Theirs`: leaves theirs; a refusal is put away as
    /// seen. `Mine` and `Both` are for collisions only.
    pub async fn conflict_resolve(&self, op: OpId, resolution: Resolution, actor: Actor) -> Result<(), StoreError> {
        self.at_desk(move |desk, side, now| {
            desk.urgent(side, now, |conn, seen| {
                let Some(conflict) = desk::conflict(conn, side, op)? else {
                    return Err(StoreError::NotFound { what: "conflict", id: op.to_string().into() });
                };
                if resolution != Resolution::Theirs {
                    let change = again(&conflict, resolution, version_of(seen.cache, &conflict.op.change)?)?;
                    let mut new = NewOp::new(change, conflict.target.to_string());
                    new.reason.clone_from(&conflict.op.reason);
                    desk::append(conn, side, seen, &actor, new)?;
                }
                Ok(desk::resolved(conn, op, resolution)?)
            })
        })
        .await
    }
}

/// The change that is asked for again, with theirs as what was seen.
fn again(conflict: &Conflict, resolution: Resolution, version: i64) -> Result<Change, StoreError> {
    let Answer::Conflict { collisions, .. } = &conflict.answer else {
        return Err(StoreError::Refused("the centre refused this: put it away, and do anew what is still wanted".into()));
    };
    let fields: BTreeMap<String, FieldChange> = collisions
        .iter()
        .map(|collision| {
            let new = if resolution == Resolution::Both { both(collision)? } else { collision.yours.clone() };
            Ok((collision.field.clone(), FieldChange { was: collision.theirs.clone(), new }))
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(match &conflict.op.change {
        Change::TaskEdit { task, .. } => Change::TaskEdit { task: *task, seen_version: version, fields },
        Change::SubscriberEdit { subscriber, .. } => Change::SubscriberEdit { subscriber: *subscriber, seen_version: version, fields },
        Change::TechnicianEdit { technician, .. } => Change::TechnicianEdit { technician: *technician, seen_version: version, fields },
        _ => return Err(StoreError::Refused("only an edit can be asked for again: do anew what is still wanted".into())),
    })
}

/// Theirs, a line break, mine.
fn both(collision: &Collision) -> Result<Value, StoreError> {
    const TEXTS: [&str; 3] = ["notes", "blocked_reason", "address"];
    if !TEXTS.contains(&collision.field.as_str()) {
        let name = SafeText::bounded(&collision.field.replace('_', " "), 40);
        return Err(StoreError::Refused(format!("{name} has one value: keep mine or theirs").into()));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (theirs, mine) = (text(&collision.theirs), text(&collision.yours));
    Ok(Value::String(if theirs.is_empty() || mine.is_empty() { theirs + &mine } else { format!("{theirs}\n{mine}") }))
}
