//! Repairs. What is about a subscriber is a lifecycle operation like any other: guarded, journaled, audited, one at a time. What belongs to
//! nobody has no subscriber to lock: it is journaled in the file of the findings, before NetBox is asked, and told in the audit log.

use crate::compose::Services;
use crate::exit::{Exit, Failure};
use noctule_domain::audit::AuditEntry;
use noctule_domain::drift::{DriftKind, Finding, Repair};
use noctule_domain::ipam::PrefixStatus;
use noctule_domain::lifecycle::{OperationKind, OperationOptions, Refusal};
use noctule_domain::ports::{AuthorityError, BeginOperation};
use noctule_domain::{OperationId, SafeText};
use noctule_network::lifecycle::{Handle, Started};
use noctule_network::upstream::{Ipam, IpamError, StatusChange};
use noctule_storage::{Mend, MendWhat};
use serde_json::json;
use std::sync::Arc;

/// What became of a repair.
pub enum Repaired {
    /// An operation runs; its end is told as any other's.
    Begun(Handle),
    /// It is done, in words.
    Done(SafeText),
    /// It differs no more.
    Gone,
}

/// Repairs one finding, by its key, as it proposes. It is looked at again first: what is not so any more is not repaired.
pub async fn repair(services: &Arc<Services>, key: &str, reason: Option<SafeText>) -> Result<Repaired, Failure> {
    let actor = services.actor();
    if let Some(why) = &services.read_only {
        return Err(Failure::new(Exit::Guard, why.as_str()));
    }
    let file = services.drift.file()?;
    let Some(kept) = file.finding(key.to_owned()).await? else {
        return Err(Failure::new(Exit::NotFound, format!("there is no finding {} any more", SafeText::bounded(key, 120))));
    };
    let Some(finding) = services.drift.recheck(services, &kept.finding).await? else { return Ok(Repaired::Gone) };
    let needs = finding.repair.needs();
    if !actor.role.allows(needs) {
        let refusal = Refusal::NotPermitted { role: actor.role, needs };
        return Err(AuthorityError::Refused(refusal).into());
    }
    let why = because(&finding, reason);
    match (finding.operation(), finding.repair) {
        (Some((kind, options)), _) => begin(services, &finding, kind, OperationOptions { reason: Some(why), ..options }).await,
        (None, Repair::Retire { rested }) => retire(services, &finding, rested, why).await,
        (None, _) => Err(Failure::new(Exit::Guard, finding.preview(services.drift.hold).join(" "))),
    }
}

/// Kept with the operation and in the audit log: why, and what stood there before.
fn because(finding: &Finding, reason: Option<SafeText>) -> SafeText {
    let found = format!("drift {} ({}): {}", finding.id(), finding.kind, finding.theirs);
    SafeText::new(&reason.map_or_else(|| found.clone(), |reason| format!("{reason}; {found}")))
}

async fn begin(services: &Arc<Services>, finding: &Finding, kind: OperationKind, options: OperationOptions) -> Result<Repaired, Failure> {
    let Some(who) = &finding.who else { return Err(Failure::new(Exit::Guard, "this finding is about no subscriber")) };
    let request = BeginOperation {
        id: OperationId::from_uuid(uuid::Uuid::now_v7()),
        subscriber: who.id,
        kind,
        actor: services.actor(),
        options,
        expected_version: Some(who.version),
    };
    match services.start(request).await? {
        Started::AlreadyThere(_) => Ok(Repaired::Gone),
        Started::Running(handle) => {
            forget_when_ended(services.clone(), finding.clone(), handle.id);
            Ok(Repaired::Begun(handle))
        }
    }
}

/// When the operation has ended, the finding is looked at by itself, so that it does not stand until the next check.
fn forget_when_ended(services: Arc<Services>, finding: Finding, id: OperationId) {
    let mut events = services.executor.events();
    tokio::spawn(async move {
        use noctule_network::lifecycle::Event;
        use tokio::sync::broadcast::error::RecvError;
        loop {
            match events.recv().await {
                Ok(Event::Ended { finished, .. }) if finished.operation.id == id => break,
                Ok(Event::Stopped { operation, .. }) if operation == id => return,
                Err(RecvError::Closed) => return,
                // Its end may be among what was missed: looking again does no harm.
                Err(RecvError::Lagged(_)) => break,
                Ok(_) => {}
            }
        }
        if let Err(failure) = services.drift.recheck(&services, &finding).await {
            tracing::debug!(target: "drift", %failure, "a repaired finding was not looked at again");
        }
    });
}

/// An ownerless prefix: deprecated first, deleted when it has rested.
async fn retire(services: &Arc<Services>, finding: &Finding, rested: bool, why: SafeText) -> Result<Repaired, Failure> {
    let (Some(netbox), Some(id), Some(prefix)) = (&services.netbox, finding.netbox_id, finding.prefix) else {
        return Err(Failure::new(Exit::Config, "no NetBox is configured"));
    };
    let operation = OperationId::from_uuid(uuid::Uuid::now_v7());
    let actor = services.actor();
    let what = if rested { MendWhat::Delete } else { MendWhat::Deprecate };
    let file = services.drift.file()?;
    let now = chrono::Utc::now();
    let mend = Mend {
        operation,
        key: finding.key(),
        netbox_id: Some(id),
        prefix: Some(prefix),
        what,
        actor: actor.name.clone(),
        reason: Some(why.clone()),
        requested_at: now,
    };
    file.mend_begin(mend).await?;
    let entry = |moment: &str, answer: serde_json::Value| AuditEntry {
        tenant: services.store.tenant(),
        at: chrono::Utc::now(),
        actor: actor.name.clone(),
        origin: actor.origin.clone(),
        action: format!("drift-{what}{moment}"),
        target: SafeText::new(&format!("NetBox {id} ({prefix})")),
        operation: Some(operation),
        reason: Some(why.clone()),
        before: json!({ "netbox_id": id, "prefix": prefix, "there": finding.theirs }),
        after: json!(null),
        answers: answer,
    };
    if let Err(failure) = audit(services, entry("-begin", json!(null))).await {
        file.mend_end(operation, SafeText::new(&failure.sentence), chrono::Utc::now()).await?;
        return Err(failure);
    }
    let done = if rested {
        netbox.delete(id, prefix, operation).await
    } else {
        let hold_until = Some(now + services.drift.hold);
        netbox.set_status(&StatusChange { id, expect: prefix, status: PrefixStatus::Deprecated, hold_until, operation }).await
    };
    let words = match &done {
        Ok(()) if rested => SafeText::new(&format!("{prefix} (NetBox id {id}) is deleted")),
        Ok(()) => {
            let until = noctule_domain::sentence::moment(now + services.drift.hold);
            SafeText::new(&format!("{prefix} (NetBox id {id}) is deprecated and rests until {until}; then it is deleted"))
        }
        // It is what was wanted.
        Err(IpamError::Gone(why)) => why.clone(),
        Err(error) => SafeText::new(&error.to_string()),
    };
    file.mend_end(operation, words.clone(), chrono::Utc::now()).await?;
    audit(services, entry("", json!({ "answer": words }))).await?;
    services.drift.recheck(services, finding).await?;
    match done {
        Ok(()) | Err(IpamError::Gone(_)) => Ok(Repaired::Done(words)),
        Err(IpamError::Unreachable(_)) => Err(Failure::new(Exit::Unreachable, words.into_string())),
        Err(IpamError::Unclear(_)) => Err(Failure::new(Exit::Unanswered, words.into_string())),
        Err(_) => Err(Failure::new(Exit::Refused, words.into_string())),
    }
}

/// Into the audit log: the centre's, which says itself who asks, or that of this machine's store.
async fn audit(services: &Services, entry: AuditEntry) -> Result<(), Failure> {
    match &services.central {
        Some(central) => central.prefix_retired(&entry).await?,
        None => drop(services.store.audit_append(entry).await?),
    }
    Ok(())
}

/// What this machine has put to rest is deleted when the rest is over, without a key.
pub(super) async fn delete_rested(services: &Arc<Services>, findings: &[Finding]) {
    let wanted = findings.iter().filter(|f| f.kind == DriftKind::PrefixLeaked && f.repair == Repair::Retire { rested: true });
    for finding in wanted {
        let ours = match services.drift.file() {
            Ok(file) => file.mended(finding.key()).await.unwrap_or(false),
            Err(_) => false,
        };
        if ours && let Err(failure) = retire(services, finding, true, "its rest is over".into()).await {
            tracing::warn!(target: "drift", %failure, "a prefix that has rested was not deleted");
        }
    }
}
