//! What an operator may write about a subscriber.

use super::row::load;
use crate::audit;
use crate::codec::{bytes, us};
use crate::error::StoreError;
use crate::replica::{self, Field};
use crate::store::{Shared, Store};
use crate::tasks::permitted;
use noctule_domain::audit::AuditEntry;
use noctule_domain::lifecycle::Actor;
use noctule_domain::permission::Permission;
use noctule_domain::subscriber::Subscriber;
use noctule_domain::sync::Change;
use noctule_domain::{SafeText, SubscriberId};
use rusqlite::{Connection, params};
use serde_json::json;
use std::collections::BTreeMap;

fn there(conn: &Connection, shared: &Shared, id: SubscriberId) -> Result<Subscriber, StoreError> {
    load(conn, shared.tenant_key, shared.tenant, id)?.ok_or_else(|| StoreError::NotFound { what: "subscriber", id: id.to_string().into() })
}

fn fresh(subscriber: &Subscriber, expected: Option<i64>) -> Result<(), StoreError> {
    match expected {
        Some(expected) if expected != subscriber.version => Err(StoreError::StaleVersion { expected, found: subscriber.version }),
        _ => Ok(()),
    }
}

impl Store {
    /// Writes the notes of a subscriber, or clears them. Gives the subscriber as it is then.
    pub async fn subscriber_set_notes(
        &self,
        id: SubscriberId,
        expected_version: Option<i64>,
        notes: Option<SafeText>,
        actor: Actor,
    ) -> Result<Subscriber, StoreError> {
        permitted(&actor, &[Permission::SubscriberWrite])?;
        let new = replica::typed(notes.as_ref());
        if self.is_replica() {
            let shared = self.inner.shared.clone();
            return self
                .at_desk(move |desk, side, now| {
                    desk.transaction(side, now, |conn, seen| {
                        let mut subscriber = there(seen.cache, &shared, id)?;
                        seen.overlay.subscriber(&mut subscriber);
                        let mut fields = BTreeMap::new();
                        replica::put(&mut fields, seen, Field::Subscriber(id, "notes"), new)?;
                        if fields.is_empty() {
                            return Ok(subscriber);
                        }
                        fresh(&subscriber, expected_version)?;
                        let target = replica::subscriber_words(seen.cache, id)?;
                        let change = Change::SubscriberEdit { subscriber: id, seen_version: subscriber.version, fields };
                        let queued = subscriber.queued;
                        replica::write(conn, side, seen, &actor, replica::op(change, target, None))?.subscriber(&mut subscriber);
                        subscriber.queued = queued;
                        Ok(subscriber)
                    })
                })
                .await;
        }
        self.write(move |tx, shared| {
            let before = there(tx, shared, id)?;
            let now = shared.now();
            let changed = tx.execute(
                "UPDATE subscribers SET notes = ?3, version = version + 1, updated_at = ?4 WHERE tenant = ?1 AND id = ?2 AND notes IS NOT ?3",
                params![shared.tenant_key, bytes(id.0), new.as_str(), us(now)],
            )?;
            if changed == 0 {
                return Ok(before);
            }
            fresh(&before, expected_version)?;
            let after = there(tx, shared, id)?;
            let entry = AuditEntry {
                tenant: shared.tenant,
                at: now,
                actor: actor.name,
                origin: actor.origin,
                action: "subscriber-notes".into(),
                target: SafeText::new(&format!("subscriber {} ({id})", before.subscriber_number)),
                operation: None,
                reason: None,
                before: json!({ "notes": before.notes, "version": before.version }),
                after: json!({ "notes": after.notes, "version": after.version }),
                answers: json!(null),
            };
            audit::append(tx, shared, entry)?;
            Ok(after)
        })
        .await
    }
}
