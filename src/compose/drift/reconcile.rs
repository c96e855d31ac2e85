//! Setting NetBox, AAA and the NAS to what the state of a subscriber says. The state does not move, so this is no lifecycle operation; one
//! that runs or begins meanwhile goes first. What is written is what the row says before, and when the row is another one after, it is
//! written again: the last word is always that of the state.

use super::repair::{Repaired, audit};
use crate::compose::Services;
use crate::exit::{Exit, Failure};
use noctule_domain::aaa::login_of;
use noctule_domain::audit::AuditEntry;
use noctule_domain::drift::{DriftSource, Finding, wanted_status};
use noctule_domain::lifecycle::{Ipv6State, Refusal};
use noctule_domain::ports::AuthorityError;
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{OperationId, SafeText};
use noctule_network::netbox::PutBack;
use noctule_network::upstream::{AaaError, DynamicAuthorization, IpamError, LoginWrite, NasAsk, NasOutcome, Purpose};
use noctule_storage::{Mend, MendWhat};
use serde_json::json;
use std::sync::Arc;

/// How often a row that moves is written again.
const TRIES: u32 = 5;

pub(super) async fn reconcile(services: &Arc<Services>, finding: &Finding, nas: bool, why: SafeText) -> Result<Repaired, Failure> {
    let Some(who) = &finding.who else { return Err(Failure::new(Exit::Guard, "this finding is about no subscriber")) };
    let operation = OperationId::from_uuid(uuid::Uuid::now_v7());
    let actor = services.actor();
    let what = match (nas, finding.kind.source()) {
        (true, _) => MendWhat::AskNas,
        (false, DriftSource::Aaa) => MendWhat::Login,
        _ => MendWhat::PutBack,
    };
    let file = services.drift.file()?;
    let mut row = idle(services, finding).await?;
    file.mend_begin(Mend {
        operation,
        key: finding.key(),
        netbox_id: finding.netbox_id,
        prefix: finding.prefix,
        what,
        actor: actor.name.clone(),
        reason: Some(why.clone()),
        requested_at: chrono::Utc::now(),
    })
    .await?;
    let entry = |moment: &str, answer: serde_json::Value| AuditEntry {
        tenant: services.store.tenant(),
        at: chrono::Utc::now(),
        actor: actor.name.clone(),
        origin: actor.origin.clone(),
        action: format!("drift-{}{moment}", what.word().replace('_', "-")),
        target: SafeText::new(&format!("subscriber {} ({})", who.number, who.id)),
        operation: Some(operation),
        reason: Some(why.clone()),
        before: json!({ "here": finding.ours, "there": finding.theirs }),
        after: json!(null),
        answers: answer,
    };
    audit(services, entry("-begin", json!(null))).await?;
    let mut done = write(services, &row, what, operation).await;
    for _ in 0..TRIES {
        let now = idle(services, finding).await;
        match now {
            Ok(now) if now.version == row.version => break,
            Ok(now) => {
                row = now;
                done = write(services, &row, what, operation).await;
            }
            // An operation has begun: it writes what it needs itself, and what is left is found by the next check.
            Err(_) => break,
        }
    }
    let words = match &done {
        Ok(words) => words.clone(),
        Err(failure) => SafeText::new(&failure.sentence),
    };
    file.mend_end(operation, words.clone(), chrono::Utc::now()).await?;
    audit(services, entry("", json!({ "answer": words }))).await?;
    let still = services.drift.recheck(services, finding).await?;
    match (done, still) {
        (Err(failure), _) => Err(failure),
        // A NAS is believed when accounting shows it.
        (Ok(words), Some(_)) if nas => Ok(Repaired::Done(words)),
        (Ok(_), Some(_)) => {
            Err(Failure::new(Exit::Refused, format!("it was written, and it is not so: somebody else writes it too ({words})")))
        }
        (Ok(words), None) => Ok(Repaired::Done(words)),
    }
}

/// The subscriber, if no operation runs for it.
async fn idle(services: &Services, finding: &Finding) -> Result<Subscriber, Failure> {
    let Some(who) = &finding.who else { return Err(Failure::new(Exit::Guard, "this finding is about no subscriber")) };
    let gone = || Failure::new(Exit::NotFound, "the subscriber is not in the store any more");
    let row = services.store.subscriber(who.id).await?.ok_or_else(gone)?;
    match row.running {
        None => Ok(row),
        Some(id) => {
            let running = services.store.operation(id).await?;
            let refused = |kind, by| Failure::from(AuthorityError::Refused(Refusal::Busy { operation: id, kind, by }));
            Err(match running {
                Some(view) => refused(view.operation.kind, view.operation.actor.name),
                None => Failure::new(Exit::Guard, "an operation is running for this subscriber; wait for it"),
            })
        }
    }
}

async fn write(services: &Services, row: &Subscriber, what: MendWhat, operation: OperationId) -> Result<SafeText, Failure> {
    match what {
        MendWhat::PutBack => put_back(services, row, operation).await,
        MendWhat::Login => login(services, row, operation).await,
        _ => ask_nas(services, row).await,
    }
}

async fn put_back(services: &Services, row: &Subscriber, operation: OperationId) -> Result<SafeText, Failure> {
    let record = &row.ipv6;
    let resting = record.state == Ipv6State::Revoked && record.hold_until.is_some();
    let wanted = (&services.netbox, record.netbox_prefix_id, record.prefix, wanted_status(record.state, resting));
    let (Some(netbox), Some(id), Some(prefix), Some(status)) = wanted else {
        return Err(Failure::new(Exit::Guard, format!("a subscriber that is {} says nothing of NetBox", record.state)));
    };
    let hold_until = record.hold_until.filter(|_| resting);
    let back = PutBack { id, prefix, vrf: record.vrf, status, hold_until, operation };
    netbox.put_back(&back).await.map_err(of_ipam)?;
    Ok(SafeText::new(&format!("NetBox {id} is {prefix} and {status} again")))
}

async fn login(services: &Services, row: &Subscriber, operation: OperationId) -> Result<SafeText, Failure> {
    let Some(aaa) = &services.logins else { return Err(Failure::new(Exit::Config, "no AAA system is configured")) };
    let profile = match row.session.as_ref().map(|s| s.nas).or(row.nas) {
        Some(id) => services.store.nas(id).await?.and_then(|nas| services.drift.profile(&nas.profile)),
        None => None,
    };
    let profile = profile.map(|p| p.login.clone()).unwrap_or_default();
    let ask = LoginWrite {
        operation,
        subscriber: row.id,
        version: row.version,
        username: row.username.clone(),
        login: login_of(&row.ipv6, &profile),
    };
    aaa.write(&ask).await.map_err(|error| {
        let exit = match &error {
            AaaError::Refused(_) => Exit::Refused,
            AaaError::Unreachable(_) => Exit::Unreachable,
            AaaError::Unclear(_) => Exit::Unanswered,
        };
        Failure::new(exit, error.to_string())
    })?;
    Ok(SafeText::new(&format!("AAA hands out to {} what {} says", row.username, row.ipv6.state)))
}

/// The NAS that owns the session is asked for what the state says; it is believed when accounting shows it.
async fn ask_nas(services: &Services, row: &Subscriber) -> Result<SafeText, Failure> {
    let none = || Failure::new(Exit::Guard, "no NAS is registered for this subscriber, so none can be asked");
    let id = row.session.as_ref().map(|s| s.nas).or(row.nas).ok_or_else(none)?;
    let nas = services.store.nas(id).await?.ok_or_else(none)?;
    let profile = services.drift.profile(&nas.profile);
    let by_disconnect = |method: Option<noctule_domain::nas::Method>| method == Some(noctule_domain::nas::Method::DisconnectThenLogin);
    let (purpose, disconnect) = match row.ipv6.state {
        Ipv6State::Active => (Purpose::Activate, by_disconnect(profile.as_ref().map(|p| p.activate))),
        Ipv6State::Suspended => (Purpose::Suspend, by_disconnect(profile.as_ref().map(|p| p.suspend))),
        _ => (Purpose::Revoke, true),
    };
    let answer = services.radius.ask(&nas, row, NasAsk { purpose, disconnect, with_session_id: row.session.is_some() }).await;
    if !answer.seen.is_nothing()
        && let Err(error) = services.authority.nas_health(nas.id, answer.seen.clone()).await
    {
        tracing::warn!(nas = %nas.name, %error, "health of the NAS not stored");
    }
    match answer.outcome {
        NasOutcome::Ack { .. } => Ok(SafeText::new(&format!("{} acknowledged; accounting has to show it", nas.name))),
        NasOutcome::Nak { causes } => Err(Failure::new(Exit::Refused, noctule_domain::sentence::nak(&nas.name, &causes))),
        NasOutcome::Silence { seconds, .. } => {
            Err(Failure::new(Exit::Unanswered, noctule_domain::sentence::silence(&nas.name, answer.sends, seconds)))
        }
        NasOutcome::NotSent(why) => Err(Failure::new(Exit::Unreachable, why.into_string())),
    }
}

fn of_ipam(error: IpamError) -> Failure {
    let exit = match &error {
        IpamError::Unreachable(_) => Exit::Unreachable,
        IpamError::Unclear(_) => Exit::Unanswered,
        _ => Exit::Refused,
    };
    Failure::new(exit, error.to_string())
}
