//! Trying now, cancelling and starting again: when each is possible, and what is asked before.

use super::{State, columns};
use crate::app::{Cx, Env, Wish};
use crate::effect::{Effect, OperationTarget};
use crate::overlay::{Confirm, Overlay, Then};
use noctule_domain::lifecycle::{OperationKind, OperationRow, OperationStatus, ReconcileWhat};
use noctule_domain::permission::needed_for;
use noctule_domain::sentence;

fn not_permitted(row: &OperationRow, env: &Env<'_>) -> Option<String> {
    let needs = needed_for(row.kind);
    (!env.role.allows(needs)).then(|| sentence::greyed(&noctule_domain::lifecycle::Refusal::NotPermitted { role: env.role, needs }))
}

pub fn no_resume(row: &OperationRow, env: &Env<'_>) -> Option<String> {
    match row.status {
        OperationStatus::Waiting => not_permitted(row, env),
        OperationStatus::Running => Some("it is running".to_owned()),
        status => Some(format!("it has ended ({status}); T starts again")),
    }
}

pub fn no_cancel(row: &OperationRow, env: &Env<'_>) -> Option<String> {
    if row.status.is_open() { not_permitted(row, env) } else { Some(format!("it has ended ({})", row.status)) }
}

pub fn no_retry(row: &OperationRow, env: &Env<'_>) -> Option<String> {
    match row.status {
        OperationStatus::Running => Some("it is running".to_owned()),
        OperationStatus::Waiting => Some("it is waiting; t tries now".to_owned()),
        OperationStatus::Succeeded => Some("it succeeded".to_owned()),
        _ if row.kind == OperationKind::Release => Some("the system begins a release when the rest is over".to_owned()),
        _ => not_permitted(row, env),
    }
}

pub fn cancel(row: &OperationRow, cx: &mut Cx<'_>) {
    let title = format!("Cancel {} of {}?", row.kind, columns::who(row));
    let mut lines = vec!["It ends without effect. When a step may already have acted, the cancellation is refused.".to_owned()];
    lines.extend(row.step.map(|step| format!("Now at step {} of {}: {step}, try {}.", row.step_index + 1, row.steps, row.attempts.max(1))));
    let confirm = Confirm::yes_no(&title, lines, vec![Then::Effect(Effect::CancelOperation(row.id))]);
    cx.wish(Wish::Overlay(Box::new(Overlay::Confirm(confirm))));
}

/// Begins an ended operation anew, with the options it had. A revoke and a forced one are asked for again.
pub fn retry(state: &State, row: &OperationRow, cx: &mut Cx<'_>) {
    let options = state.journal().map(|view| view.operation.options.clone()).unwrap_or_default();
    let (forced, what) = (options.force, options.reconcile_what());
    let effect = Effect::StartOperations {
        id: cx.request_id(),
        kind: row.kind,
        targets: vec![OperationTarget { subscriber: row.subscriber, expected_version: None }],
        options,
    };
    let asks_nas = row.kind == OperationKind::Reconcile && what == ReconcileWhat::Nas;
    if row.kind != OperationKind::Revoke && !forced && !asks_nas {
        return cx.effect(effect);
    }
    let title = format!("Start {} of {} again?", row.kind, columns::who(row));
    let mut lines = vec!["1 subscriber. The session is disconnected first; nothing is released before the NAS confirms.".to_owned()];
    if asks_nas {
        lines = vec!["1 subscriber. The NAS is asked for what the state says: a session may be ended.".to_owned()];
    }
    if forced {
        lines = vec!["1 subscriber. FORCE: it goes on although the NAS refuses or does not answer.".to_owned()];
    }
    lines.extend(row.error.as_ref().map(|error| format!("Last time: {error}")));
    cx.wish(Wish::Overlay(Box::new(Overlay::Confirm(Confirm::yes_no(&title, lines, vec![Then::Effect(effect)])))));
}
