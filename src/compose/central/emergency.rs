//! Rule of emergencies: with the centre away, a Disconnect or CoA for the session in the copy may be sent at once. It is written down
//! before the packet leaves, and told to the centre on its return; the state of the subscriber does not move.

use crate::compose::Services;
use noctule_domain::lifecycle::{Enforcement, OperationKind};
use noctule_domain::nas::Method;
use noctule_domain::permission::Permission;
use noctule_domain::sync::{EmergencyReport, Link};
use noctule_domain::{OpId, OperationId, SafeText, SubscriberId, sentence};
use noctule_network::upstream::{DynamicAuthorization, NasAsk, NasOutcome, Purpose};
use serde::Serialize;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Emergency {
    pub op: OpId,
    pub subscriber: SafeText,
    pub nas: SafeText,
    pub enforcement: Enforcement,
    /// The answer in words.
    pub answer: SafeText,
}

/// Sends it, or says in words why not. Nothing has left when this is an error that speaks of no packet.
pub async fn emergency(services: &Services, id: SubscriberId, kind: OperationKind) -> Result<Emergency, String> {
    let purpose = match kind {
        OperationKind::Activate => Purpose::Activate,
        OperationKind::Suspend => Purpose::Suspend,
        OperationKind::Resume => Purpose::Resume,
        OperationKind::Revoke => Purpose::Revoke,
        OperationKind::Allocate | OperationKind::Release | OperationKind::Reconcile => {
            return Err(format!("{kind} needs NetBox and the centre: nothing of it can be done at once"));
        }
    };
    allowed(services)?;
    let words = |error: noctule_storage::StoreError| error.to_string();
    let subscriber = services.store.subscriber(id).await.map_err(words)?.ok_or("this subscriber is not in the copy any more")?;
    let who = subscriber.subscriber_number.clone();
    let Some(session) = &subscriber.session else {
        return Err(format!("the copy knows no session of {who}, so there is no NAS to ask: nothing was sent"));
    };
    let nas = services.store.nas(session.nas).await.map_err(words)?.ok_or("the NAS of the session is not registered any more")?;
    let method = services.radius.profiles().get(&nas.profile).map(|profile| match purpose {
        Purpose::Activate => profile.activate,
        Purpose::Suspend => profile.suspend,
        Purpose::Resume => profile.resume,
        Purpose::Revoke => Method::DisconnectThenLogin,
    });
    let disconnect = match method {
        Some(Method::DisconnectThenLogin) => true,
        Some(Method::CoaPrefix | Method::CoaFilter | Method::CoaService) => false,
        Some(Method::None) => return Err(format!("the profile {} of {} has no way to {kind}: nothing was sent", nas.profile, nas.name)),
        None => return Err(format!("{} has the profile '{}', and there is none of that name: nothing was sent", nas.name, nas.profile)),
    };
    let what = if disconnect { "Disconnect-Request" } else { "CoA-Request" };
    let report = EmergencyReport {
        operation: OperationId::from_uuid(uuid::Uuid::now_v7()),
        subscriber: id,
        purpose: kind,
        nas: nas.id,
        acct_session_id: Some(session.acct_session_id.clone()),
        request: SafeText::new(&format!("{what} to {} for session {}", nas.name, session.acct_session_id)),
        enforcement: None,
        answer: None,
        began_at: chrono::Utc::now(),
        ended_at: None,
    };
    // Durable first: a console that dies after the packet left must not have forgotten it.
    let op = services
        .store
        .emergency_begin(report, services.actor())
        .await
        .map_err(|error| format!("nothing was sent, because it could not be written down first: {error}"))?;
    let answer = services.radius.ask(&nas, &subscriber, NasAsk { purpose, disconnect, with_session_id: true }).await;
    let (enforcement, said) = match &answer.outcome {
        NasOutcome::Ack { .. } => (Enforcement::Acknowledged, format!("{} acknowledged the {what}", nas.name)),
        NasOutcome::Nak { causes } => (Enforcement::Refused, sentence::nak(&nas.name, causes)),
        NasOutcome::Silence { seconds, .. } => (Enforcement::Unanswered, sentence::silence(&nas.name, answer.sends, *seconds)),
        NasOutcome::NotSent(why) => (Enforcement::None, format!("nothing was sent: {why}")),
    };
    let said = SafeText::new(&said);
    if let Err(error) = services.store.emergency_end(op, enforcement, said.clone(), chrono::Utc::now()).await {
        return Err(format!("{said}. This answer could not be written down ({error}); the centre is told that it may have happened"));
    }
    Ok(Emergency { op, subscriber: who, nas: nas.name, enforcement, answer: said })
}

fn allowed(services: &Services) -> Result<(), String> {
    let Some(central) = &services.central else {
        return Err("no centre is configured: this machine is the authority, use the operation itself".into());
    };
    if let Some(why) = &services.read_only {
        return Err(why.to_string());
    }
    let status = central.status().borrow().clone();
    match status.link {
        Link::Live | Link::Delayed => return Err("the centre is there: use the operation itself, which also moves the state".into()),
        Link::Denied => return Err("the centre does not let this operator in any more: no emergency is allowed from here".into()),
        Link::Connecting => return Err("the centre is still being tried: wait until the header says offline".into()),
        Link::Offline | Link::Upgrade => {}
    }
    match central.role() {
        Some(role) if role.allows(Permission::Ipv6Force) => Ok(()),
        Some(role) => Err(format!("the role {role}, as the centre said last, does not include {}", Permission::Ipv6Force)),
        None => Err("the centre has never said what this operator may do, so no emergency is allowed".into()),
    }
}
