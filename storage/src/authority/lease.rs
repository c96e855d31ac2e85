//! Leases: who runs an operation, and what happens to it when that console is gone.

use super::{Fail, held};
use crate::codec::{bytes, us};
use crate::consoles::is_dead;
use crate::operations;
use crate::store::Shared;
use noctule_domain::OperationId;
use rusqlite::{Transaction, params};

pub(super) fn renew(tx: &Transaction<'_>, shared: &Shared, id: OperationId) -> Result<(), Fail> {
    let mut operation = held(tx, shared, id)?;
    operation.lease_until = Some(shared.now() + shared.lease);
    operations::update(tx, shared.tenant_key, &operation)?;
    Ok(())
}

/// An operation of this very process is never taken over: its executor is at it, or will ask for its context.
pub(super) fn take_over(tx: &Transaction<'_>, shared: &Shared) -> Result<Vec<OperationId>, Fail> {
    let now = shared.now();
    let mut taken = Vec::new();
    for mut operation in operations::all_open(tx, shared)? {
        let gone = match operation.lease_owner {
            Some(owner) if owner == shared.console => false,
            Some(owner) => operation.lease_until.is_none_or(|until| until < now) || is_dead(&shared.consoles, owner),
            None => true,
        };
        if !gone {
            continue;
        }
        // A step that left and whose end nobody wrote down: it may have happened.
        let open_steps = tx
            .prepare_cached(
                "UPDATE operation_steps SET status = 'unclear', answer = 'console ended in between', ended_at = ?3
                 WHERE tenant = ?1 AND operation = ?2 AND status = 'started'",
            )?
            .execute(params![shared.tenant_key, bytes(operation.id.0), us(now)])?;
        if open_steps > 0 {
            operation.progress.unclear = true;
        }
        operation.lease_owner = Some(shared.console);
        operation.lease_until = Some(now + shared.lease);
        operations::update(tx, shared.tenant_key, &operation)?;
        taken.push(operation.id);
    }
    Ok(taken)
}
