//! The operator's sentences: what happened, what it means now, what to do. Made here and nowhere else, so that the screen, the command
//! line and the audit say the same.

use crate::aaa::{Login, SuspendLogin};
use crate::ipam::{Fit, Forecast, Not, Passed, Pool, PoolLevel, Wanted};
use crate::job::{Course, JobState, Outcome, StageEnd, Threshold, Wish};
use crate::lifecycle::{OperationKind, OperationStatus, Refusal};
use crate::overview::Severity;
use crate::subscriber::Username;
use crate::{SafeText, Timestamp, radius::CauseMeaning, radius::ErrorCause};

mod job;
mod session;

pub use job::{consequence, course_consequence, job_terms, nas_or_none, nobody_goes, span};
pub use session::{Said, delegated, octets, online, proof_expected, traffic};

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
        Refusal::NotReleased => "NetBox still has its prefix; it can go back to pending when that is deleted".to_owned(),
    }
}

fn hint(kind: OperationKind, state: &str) -> String {
    match (kind, state) {
        (OperationKind::Activate, "pending" | "revoked" | "failed") => "; allocate first".into(),
        (OperationKind::Activate, "suspended") => "; resume it instead".into(),
        (OperationKind::Resume, "allocated") => "; activate it instead".into(),
        (OperationKind::Revoke, "pending") => "; there is nothing to revoke".into(),
        (OperationKind::Reconcile, "allocated") => "; activate or revoke it instead".into(),
        (OperationKind::Reconcile, "revoking") => "; revoke it instead".into(),
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

/// A NAS that FreeRADIUS's table of clients does not have.
pub fn no_client(nas: &SafeText, address: std::net::IpAddr) -> String {
    format!(
        "{nas} ({address}) is not in FreeRADIUS's table nas: unless clients.conf has it, its logins and its accounting are not answered"
    )
}

/// FreeRADIUS answers a login only by what stands in radcheck.
pub fn not_in_radcheck(user: &Username) -> String {
    format!(
        "{user} has no row in radcheck: FreeRADIUS finds nothing to check the login by and does not read what is written for it, so no login succeeds. Add its password there (Cleartext-Password, or a hash of it)"
    )
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

/// Why a job stands although nobody paused it: what happens can not be written down.
pub fn job_held(trouble: &str) -> String {
    format!("nothing more begins, because what happens can not be written down: {trouble}; the job then goes on by itself")
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

/// Why no pool can serve this allocation: every pool with its reason.
pub fn no_pool(wanted: &Wanted<'_>, passed: &[Passed]) -> String {
    let mut who: Vec<String> = Vec::new();
    who.extend(wanted.site.map(|site| format!("site {}", SafeText::bounded(site, 60))));
    who.extend(wanted.nas.map(|nas| format!("NAS {}", SafeText::bounded(nas, 60))));
    let who = if who.is_empty() { "a subscriber without site and NAS".to_owned() } else { who.join(", ") };
    let len = wanted.len.map(|len| format!(" with /{len}")).unwrap_or_default();
    if passed.is_empty() {
        return format!("no pool serves {who}{len}: none is configured");
    }
    const SHOWN: usize = 8;
    let mut list: Vec<String> = passed.iter().take(SHOWN).map(|p| format!("{} {}", p.prefix, not_asked(&p.why))).collect();
    if passed.len() > SHOWN {
        list.push(format!("and {} more", passed.len() - SHOWN));
    }
    format!("no pool serves {who}{len}: {}", list.join("; "))
}

/// Why the pools that an operation names are not taken.
pub fn named_pool(len: Option<u8>, passed: &[Passed]) -> String {
    let list: Vec<String> = passed.iter().map(|p| format!("pool {} ({}) {}", p.id, p.prefix, not_asked(&p.why))).collect();
    let len = len.map(|len| format!(" /{len}")).unwrap_or_default();
    format!("no{len} is taken from there: {}", list.join("; "))
}

/// Why a pool is not asked, after its name.
pub fn not_asked(why: &Not) -> String {
    match why {
        Not::ForOthers => "is for other sites or NASes".to_owned(),
        Not::OtherLength(lengths) if lengths.is_empty() => "gives /48 to /64 only".to_owned(),
        Not::OtherLength(lengths) => {
            let list: Vec<String> = lengths.iter().map(|len| format!("/{len}")).collect();
            format!("gives {} only", list.join(", "))
        }
        Not::DoesNotFit => "is not larger than what is asked".to_owned(),
        Not::Closed(Some(status)) => format!("is {status}"),
        Not::Closed(None) => "is closed".to_owned(),
        Not::OtherVrf(vrf) => {
            let table = vrf.map_or_else(|| "the global table".to_owned(), |id| format!("VRF {id}"));
            format!("is in {table}, which the configuration does not say")
        }
        Not::MarkedFull => "is marked as fully utilized in NetBox".to_owned(),
    }
}

/// How long a pool lasts.
pub fn pool_forecast(forecast: &Forecast) -> String {
    let rate = |per_day: f64| if per_day.abs() < 10.0 { format!("{per_day:+.1} a day") } else { format!("{per_day:+.0} a day") };
    match forecast {
        Forecast::NotEnough { hours, of } => format!("not enough data yet ({hours} h of {of} h)"),
        Forecast::Full => "full".to_owned(),
        Forecast::Steady => "does not grow".to_owned(),
        Forecast::Shrinking { per_day } => format!("shrinking ({})", rate(*per_day)),
        Forecast::Growing { per_day, days_left } => format!("full in {} ({})", days(*days_left), rate(*per_day)),
    }
}

/// The same in nine cells: `12 d`, `7 mo`, `> 5 y`, `shrinks`, `-` where nothing is known.
pub fn pool_left(forecast: &Forecast) -> String {
    match forecast {
        Forecast::NotEnough { .. } => "-".to_owned(),
        Forecast::Full => "full".to_owned(),
        Forecast::Steady => "steady".to_owned(),
        Forecast::Shrinking { .. } => "shrinks".to_owned(),
        Forecast::Growing { days_left, .. } => match *days_left {
            d if d < 1.0 => "< 1 d".to_owned(),
            d if d < 90.0 => format!("{d:.0} d"),
            d if d < 730.0 => format!("{:.0} mo", d / 30.4),
            d if d < 1826.0 => format!("{:.0} y", d / 365.25),
            _ => "> 5 y".to_owned(),
        },
    }
}

/// `less than a day`, `12 days`, `7 months`, `more than 5 years`.
pub fn days(days: f64) -> String {
    match days {
        d if d < 1.0 => "less than a day".to_owned(),
        d if d < 1.5 => "1 day".to_owned(),
        d if d < 90.0 => format!("{d:.0} days"),
        d if d < 730.0 => format!("{:.0} months", d / 30.4),
        d if d < 1826.0 => format!("{:.0} years", d / 365.25),
        _ => "more than 5 years".to_owned(),
    }
}

/// `/56 246, /60 3 936`: how many of each length still fit.
pub fn pool_fits(fits: &[Fit]) -> String {
    let list: Vec<String> = fits.iter().map(|fit| format!("/{} {}", fit.len, fit.count)).collect();
    list.join(", ")
}

/// Why a pool wants a look: it is fuller than its thresholds, or will be full soon.
pub fn pool_alert(pool: &Pool) -> Option<(Severity, String)> {
    let forecast = pool.forecast();
    let soon = forecast.days_left().filter(|left| *left <= pool.thresholds.warning_days);
    let severity = match pool.level() {
        PoolLevel::Critical => Severity::Critical,
        PoolLevel::Warning => Severity::Warning,
        PoolLevel::Normal => soon.map(|_| Severity::Warning)?,
    };
    let mut text = format!(
        "pool {} is {:.0} % full ({} of {} /{} used)",
        pool.prefix,
        pool.utilisation(),
        pool.taken(),
        pool.capacity(),
        pool.delegated_len
    );
    if soon.is_some_and(|left| left > 0.0) {
        text.push_str(&format!(", {}", pool_forecast(&forecast)));
    }
    Some((severity, text))
}
