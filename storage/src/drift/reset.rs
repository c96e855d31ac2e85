//! Back to pending: a subscriber that was revoked long ago and of which nothing is held any more.

use crate::audit;
use crate::error::StoreError;
use crate::operations;
use crate::store::Store;
use crate::subscribers::row::{load, write_ipv6};
use crate::tasks::permitted;
use noctule_domain::audit::AuditEntry;
use noctule_domain::lifecycle::{Actor, Ipv6State};
use noctule_domain::permission::Permission;
use noctule_domain::subscriber::{Ipv6Record, Subscriber};
use noctule_domain::{SafeText, SubscriberId};
use serde_json::json;

impl Store {
    /// One transaction with its audit record. Refused while an operation runs, while NetBox still has the prefix, and in another state.
    pub async fn back_to_pending(
        &self,
        id: SubscriberId,
        expected_version: i64,
        reason: SafeText,
        actor: Actor,
    ) -> Result<Subscriber, StoreError> {
        permitted(&actor, &[Permission::Ipv6Revoke])?;
        self.write(move |tx, shared| {
            let there =
                |found: Option<Subscriber>| found.ok_or_else(|| StoreError::NotFound { what: "subscriber", id: id.to_string().into() });
            let before = there(load(tx, shared.tenant_key, shared.tenant, id)?)?;
            if before.version != expected_version {
                return Err(StoreError::StaleVersion { expected: expected_version, found: before.version });
            }
            if before.ipv6.state != Ipv6State::Revoked {
                return Err(StoreError::Refused(
                    format!("the subscriber is {}: only a revoked one goes back to pending", before.ipv6.state).into(),
                ));
            }
            if before.ipv6.netbox_prefix_id.is_some() {
                return Err(StoreError::Refused("NetBox still has the prefix: it goes back to pending when that is deleted".into()));
            }
            if operations::open_of(tx, shared, id)?.is_some() {
                return Err(StoreError::Refused("an operation is running for this subscriber; wait for it".into()));
            }
            let now = shared.now();
            let record = Ipv6Record { pd_size: before.ipv6.pd_size, ..Ipv6Record::pending(before.ipv6.mode, now) };
            write_ipv6(tx, shared.tenant_key, id, &before.ipv6, &record, now)?;
            let after = there(load(tx, shared.tenant_key, shared.tenant, id)?)?;
            let entry = AuditEntry {
                tenant: shared.tenant,
                at: now,
                actor: actor.name.clone(),
                origin: actor.origin.clone(),
                action: "drift-reset".into(),
                target: SafeText::new(&format!("subscriber {} ({id})", before.subscriber_number)),
                operation: None,
                reason: Some(reason),
                before: json!(before.ipv6),
                after: json!(after.ipv6),
                answers: json!(null),
            };
            audit::append(tx, shared, entry)?;
            Ok(after)
        })
        .await
    }
}
