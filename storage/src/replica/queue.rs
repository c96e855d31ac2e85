//! What waits for the centre and is more than an edit: lifecycle requests, emergencies, and the lists that show the outbox.

use super::desk::{self, NewOp};
use super::edit::subscriber_words;
use super::heal;
use crate::codec::{bytes, json};
use crate::error::StoreError;
use crate::store::Store;
use crate::{operations, subscribers};
use noctule_domain::lifecycle::{Actor, Enforcement, Facts, Guard, guard};
use noctule_domain::permission::Permission;
use noctule_domain::sync::{Change, EmergencyReport, LifecycleRequest, Op, OpState, Table};
use noctule_domain::{OpId, OperationId, SafeText, Timestamp, sentence};
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

impl Store {
    /// Keeps a lifecycle request until the centre is back. Durable when it returns. Refused in words when it is not possible from what is
    /// shown now; the centre checks again.
    pub async fn queue_lifecycle(&self, id: OperationId, request: LifecycleRequest, actor: Actor) -> Result<(), StoreError> {
        let shared = self.inner.shared.clone();
        self.at_desk(move |desk, side, now| {
            desk.transaction(side, now, |conn, seen| {
                let subscriber = subscribers::row::load(seen.cache, shared.tenant_key, shared.tenant, request.subscriber)?
                    .ok_or_else(|| StoreError::NotFound { what: "subscriber", id: request.subscriber.to_string().into() })?;
                if let Some(kind) = seen.overlay.queued(request.subscriber) {
                    return Err(StoreError::Refused(
                        format!(
                            "{kind} waits in the outbox for {} already; it begins when the centre is back",
                            subscriber.subscriber_number
                        )
                        .into(),
                    ));
                }
                let running = operations::open_of(seen.cache, &shared, request.subscriber)?;
                let record = &subscriber.ipv6;
                let facts = Facts::of(&subscriber, running);
                match guard(request.kind, &facts, &request.options, actor.role, Some(request.seen_version), seen.now) {
                    Guard::Go => {}
                    Guard::AlreadyThere => {
                        return Err(StoreError::Refused(format!("the subscriber is {} already: nothing to do", record.state).into()));
                    }
                    Guard::Refused(refusal) => return Err(StoreError::Refused(sentence::refusal(&refusal).into())),
                }
                let target = subscriber_words(seen.cache, request.subscriber)?;
                let reason = request.options.reason.clone();
                let op = NewOp { id: OpId(id.0), change: Change::Lifecycle(request), reason, target, under_way: false };
                desk::append(conn, side, seen, &actor, op).map(drop)
            })
        })
        .await
    }

    /// Lifecycle requests that wait, oldest first. The id of the operation is that of the op.
    pub async fn queued_lifecycle(&self, limit: u32) -> Result<Vec<(Op, LifecycleRequest)>, StoreError> {
        self.at_desk(move |desk, side, _| {
            let ops = desk::unsent(&desk.conn, side, u32::MAX)?;
            let requests = ops.into_iter().filter_map(|op| match op.change.clone() {
                Change::Lifecycle(request) => Some((op, request)),
                _ => None,
            });
            Ok(requests.take(limit as usize).collect())
        })
        .await
    }

    /// Writes down that a Disconnect or CoA is about to leave while the centre is away. Durable when it returns: send only then. Pushed
    /// when [`Store::emergency_end`] has completed it, or this process is dead.
    pub async fn emergency_begin(&self, report: EmergencyReport, actor: Actor) -> Result<OpId, StoreError> {
        self.at_desk(move |desk, side, now| {
            if !actor.role.allows(Permission::Ipv6Force) {
                let refusal = noctule_domain::lifecycle::Refusal::NotPermitted { role: actor.role, needs: Permission::Ipv6Force };
                return Err(StoreError::Refused(sentence::refusal(&refusal).into()));
            }
            desk.transaction(side, now, |conn, seen| {
                let target = subscriber_words(seen.cache, report.subscriber)?;
                let op =
                    NewOp { id: OpId(Uuid::now_v7()), change: Change::Emergency(Box::new(report)), reason: None, target, under_way: true };
                desk::append(conn, side, seen, &actor, op).map(|laid| laid.op.id)
            })
        })
        .await
    }

    /// Completes an emergency with what the NAS did; from now on it can be pushed.
    pub async fn emergency_end(&self, op: OpId, enforcement: Enforcement, answer: SafeText, at: Timestamp) -> Result<(), StoreError> {
        self.at_desk(move |desk, side, now| {
            desk.urgent(side, now, |conn, _| {
                let text: Option<String> = conn
                    .query_row("SELECT change FROM ops WHERE id = ?1 AND state = 'unsent'", [bytes(op.0)], |row| row.get(0))
                    .optional()?;
                let not_there = || StoreError::NotFound { what: "emergency under way", id: op.to_string().into() };
                let change = text.and_then(|t| serde_json::from_str::<Change>(&t).ok()).ok_or_else(not_there)?;
                let Change::Emergency(mut report) = change else { return Err(not_there()) };
                report.enforcement = Some(enforcement);
                report.answer = Some(answer.clone());
                report.ended_at = Some(super::edit::cut(at));
                conn.execute(
                    "UPDATE ops SET change = ?2, under_way = NULL WHERE id = ?1",
                    params![bytes(op.0), json(&Change::Emergency(report))?],
                )?;
                Ok(())
            })
        })
        .await
    }

    /// What waits in the outbox, oldest first: the op, where it stands, what it is about.
    pub async fn outbox_list(&self, limit: u32) -> Result<Vec<(Op, OpState, SafeText)>, StoreError> {
        self.at_desk(move |desk, side, _| desk::list(&desk.conn, side, limit)).await
    }

    /// Rows of each table that travels, as they are here.
    pub async fn table_counts(&self) -> Result<Vec<(Table, u64)>, StoreError> {
        self.read(|conn, shared| Ok(heal::counts(conn, shared.tenant_key)?)).await
    }

    /// Rows of the centre that can not be shown here, with the reason; empty on a machine that works alone.
    pub async fn misfits(&self, limit: u32) -> Result<Vec<(Table, Uuid, SafeText)>, StoreError> {
        self.read(move |conn, _| Ok(heal::misfits(conn, limit)?)).await
    }
}
