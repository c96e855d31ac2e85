//! The operator's sentences: what happened, what it means now, what to do. Made here and nowhere else, so that the screen, the command
//! line and the audit say the same.

use crate::aaa::{Login, SuspendLogin};
use crate::job::{Course, JobState, Outcome, StageEnd, Threshold, Wish};
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

/// Accounting shows an open session that has what was asked for.
pub fn seen_open(at: Timestamp, session: &SafeText) -> String {
    format!("seen in accounting {}, session {session}", at.format("%H:%M:%S UTC"))
}

/// Accounting shows the end of a session.
pub fn seen_ended(at: Timestamp, session: &SafeText) -> String {
    format!("ended in accounting {}, session {session}", at.format("%H:%M:%S UTC"))
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

/// Why a job stopped by itself.
pub fn job_stopped(canary: bool, bad: u32, among: u32, in_all: u32, threshold: &Threshold, left: u32) -> String {
    let most = threshold.absolute.filter(|most| in_all > *most);
    let what = match (canary, most) {
        (_, Some(most)) => format!("{in_all} ended refused, unanswered or failed, and {most} are allowed"),
        (true, None) => format!("{bad} of the first {among} ended refused, unanswered or failed"),
        (false, None) => {
            let of = if threshold.of_last.is_some() { "the last " } else { "all " };
            format!("{bad} of {of}{among} ended refused, unanswered or failed ({} % are allowed)", threshold.percent)
        }
    };
    format!("{what}; {left} have not begun. Look at the first errors, then let it go on or cancel it")
}

/// What is left of a subscriber whose course ends in the middle.
pub fn left_in_the_middle(course: &Course, next: u8) -> String {
    match (course, next) {
        (Course::Provision { .. }, 1) => "the prefix is allocated and kept; it was not activated".into(),
        (Course::Provision { .. }, _) => "it is activated; its proof was not waited for".into(),
        (Course::Deprovision { .. }, _) => "it is suspended and keeps its prefix; it was not revoked".into(),
        (Course::Single { .. }, _) => "it was begun".into(),
    }
}

/// The note of an item that has ended: what the last stage said, and what it leaves behind.
pub fn item_note(course: &Course, stage: u8, did: bool, outcome: Outcome, end: StageEnd, note: Option<SafeText>) -> Option<SafeText> {
    let left = match (course, outcome) {
        (Course::Provision { .. }, Outcome::Unproven) => {
            Some("activated; accounting has not shown it yet (it may not have logged in)".to_owned())
        }
        (Course::Provision { .. }, _) if stage >= course.len() => Some(match end {
            StageEnd::Done | StageEnd::AlreadyThere => "the prefix was given back".to_owned(),
            _ => "the prefix could NOT be given back: look at the subscriber".to_owned(),
        }),
        (Course::Provision { .. } | Course::Deprovision { .. }, outcome) if outcome.is_bad() && did => {
            Some(left_in_the_middle(course, stage))
        }
        _ => None,
    };
    match (note, left) {
        (Some(note), Some(left)) => Some(SafeText::new(&format!("{note}; {left}"))),
        (None, Some(left)) => Some(SafeText::new(&left)),
        (note, None) => note,
    }
}

/// Why something can not be asked of a job in this state.
pub fn job_wish_refused(state: JobState, wish: Wish) -> Option<String> {
    match (state, wish) {
        (JobState::Cancelled | JobState::Done, _) => Some(format!("the job is over ({state})")),
        (JobState::Cancelling, Wish::Go | Wish::Pause) => Some("the job is being cancelled: what is under way goes to its end".to_owned()),
        (JobState::Previewed, Wish::Pause) => Some("the job has not begun".to_owned()),
        (JobState::Stopped, Wish::Pause) => Some("the job has stopped by its threshold already".to_owned()),
        (_, Wish::Preview) => Some("a job that was begun is not a preview any more".to_owned()),
        _ => None,
    }
}
