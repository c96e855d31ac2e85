//! The operator's sentences: what happened, what it means now, what to do. Made here and nowhere else, so that the screen, the command
//! line and the audit say the same.

use crate::aaa::{Login, SuspendLogin};
use crate::lifecycle::{OperationKind, OperationStatus, Refusal};
use crate::{SafeText, Timestamp, radius::CauseMeaning, radius::ErrorCause};

/// Why an operation did not begin.
pub fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotPermitted { role, needs } => format!("the role {role} does not include {needs}; ask an admin"),
        Refusal::WrongState { kind, state } => {
            format!("{kind} is not possible while the subscriber is {state}{}", hint(*kind, state.word()))
        }
        Refusal::WrongMode { mode } => {
            format!("the assignment mode is {mode}: only pd and dual_stack take part in prefix delegation")
        }
        Refusal::OnHold { until } => format!("the last prefix rests until {}; after that it can be allocated again", moment(*until)),
        Refusal::Busy { operation, kind, by } => {
            format!(
                "{kind} of {by} is running for this subscriber (operation {}); wait for it or look at it in Operations",
                operation.short()
            )
        }
        Refusal::StaleVersion { expected, found } => {
            format!("the subscriber has changed since you looked (version {found}, you saw {expected}); look again, then decide")
        }
        Refusal::BadPrefixLength { asked } => format!("/{asked} can not be delegated: 48 to 64 can"),
        Refusal::DisconnectRequired => {
            "the network may still hold this prefix: a revoke without Disconnect needs force (permission ipv6.force)".to_owned()
        }
        Refusal::NoPrefix => "the subscriber has no prefix; allocate first".to_owned(),
    }
}

fn hint(kind: OperationKind, state: &str) -> String {
    match (kind, state) {
        (OperationKind::Activate, "pending" | "revoked" | "failed") => "; allocate first".into(),
        (OperationKind::Activate, "suspended") => "; resume it instead".into(),
        (OperationKind::Resume, "allocated") => "; activate it instead".into(),
        (OperationKind::Revoke, "pending") => "; there is nothing to revoke".into(),
        (OperationKind::Allocate, "active" | "suspended") => "; it holds a prefix already".into(),
        _ => String::new(),
    }
}

/// A short reason for a greyed action, at most a line.
pub fn greyed(refused: &Refusal) -> String {
    match refused {
        Refusal::WrongState { state, .. } => format!("not while {state}"),
        Refusal::WrongMode { mode } => format!("mode {mode} delegates no prefix"),
        Refusal::OnHold { until } => format!("on hold until {}", moment(*until)),
        Refusal::Busy { kind, .. } => format!("{kind} is running"),
        Refusal::NotPermitted { needs, .. } => format!("needs {needs}"),
        other => refusal(other),
    }
}

/// A NAK in words.
pub fn nak(nas: &SafeText, causes: &[ErrorCause]) -> String {
    match causes {
        [] => format!("{nas} refused without a reason (NAK without Error-Cause)"),
        // Not a refusal in the operator's sense: there is nothing to change or to end.
        [cause] if cause.meaning() == CauseMeaning::NoSession => format!("{nas} answered {cause}: {}", cause.advice()),
        [cause] => format!("{nas} refused: {cause}: {}", cause.advice()),
        many => {
            let list: Vec<String> = many.iter().map(ToString::to_string).collect();
            format!("{nas} refused: {}", list.join("; "))
        }
    }
}

/// Silence in words: from outside these four look alike.
pub fn silence(nas: &SafeText, sends: u32, seconds: u64) -> String {
    format!(
        "{nas} did not answer ({sends} sends in {seconds} s): wrong secret, our address not allowed, filtered on the way, a clock apart by more than 300 s, or down. It may have done it all the same; asking again is safe"
    )
}

/// What a login gets.
pub fn login(login: &Login) -> String {
    let with = match login.prefixes() {
        (Some(delegated), Some(framed)) => format!("{delegated} and {framed} on the link"),
        (Some(delegated), None) => delegated.to_string(),
        (None, _) => "no prefix of ours".to_owned(),
    };
    match login {
        Login::Normal { .. } | Login::WithoutPrefix => with,
        Login::Suspended { how: SuspendLogin::Reject, .. } => "Access-Reject".to_owned(),
        Login::Suspended { how: SuspendLogin::Group, group, .. } => format!("the group {group}, {with}"),
        Login::Suspended { how: SuspendLogin::Rate, reply, .. } => {
            let reply: Vec<String> = reply.iter().map(|a| format!("{} {}", a.name, a.value)).collect();
            format!("{with}, slowed down ({})", reply.join(", "))
        }
    }
}

/// The end of an operation, for a notice and the command line.
pub fn ended(kind: OperationKind, who: &SafeText, status: OperationStatus, error: Option<&SafeText>) -> String {
    let what = match status {
        OperationStatus::Succeeded => "done",
        OperationStatus::Refused => "refused",
        OperationStatus::Unanswered => "unanswered",
        OperationStatus::Failed => "failed",
        OperationStatus::Cancelled => "cancelled",
        OperationStatus::Running => "running",
        OperationStatus::Waiting => "waiting",
    };
    match error {
        Some(error) => format!("{kind} {who}: {what}: {error}"),
        None => format!("{kind} {who}: {what}"),
    }
}

/// A moment as operators write it, UTC.
pub fn moment(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// An age in one or two units: `12s`, `4m`, `3h10m`, `2d`. The future counts as `0s`.
pub fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3600 => format!("{}m", s / 60),
        s @ 3600..36_000 => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
        s @ 36_000..172_800 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}
