//! The machine: given a plan, the progress and the answer of the step that just ended, what follows. Pure, so that every path through
//! every failure can be walked in a test.

use super::{Enforcement, Ipv6State, OperationKind, OperationStatus, StepKind, guard::target};
use crate::SafeText;
use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};

/// What an operation has come to. Stored after every step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Index of the step that is to run, or runs, or ran last.
    pub at: usize,
    /// Tries of the present step.
    pub attempts: u32,
    /// A try of the present step ended unclear: NetBox may have stored it. Cleared when the step is done.
    pub unclear: bool,
    /// An allocation had an unclear try and still ended without a prefix: a late one may land. The janitor looks for it.
    pub watch: bool,
    /// What the allocation gave.
    pub prefix: Option<Ipv6Net>,
    pub netbox_prefix_id: Option<i64>,
    pub vrf: Option<i64>,
    /// What the network did, as far as this operation knows.
    pub enforcement: Enforcement,
    pub enforcement_note: Option<SafeText>,
    /// What the record said of the network before this operation asked it anything; put back when nothing could be sent.
    pub before: Option<(Enforcement, Option<SafeText>)>,
    /// The operation ended short of its goal after AAA was written: how it ends when AAA says again what the state says.
    pub restore: Option<Restore>,
}

/// An end that waits for AAA to be put back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restore {
    pub status: OperationStatus,
    pub error: SafeText,
    /// AAA confirmed it.
    pub done: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            at: 0,
            attempts: 0,
            unclear: false,
            watch: false,
            prefix: None,
            netbox_prefix_id: None,
            vrf: None,
            enforcement: Enforcement::None,
            enforcement_note: None,
            before: None,
            restore: None,
        }
    }
}

/// How a step ended. The words are for the operator.
#[derive(Debug, Clone, PartialEq)]
pub enum StepAnswer {
    /// An allocation gave this prefix (new, or adopted by operation id).
    Allocated { prefix: Ipv6Net, netbox_prefix_id: i64, vrf: Option<i64> },
    /// NetBox or AAA did it, or it was so already.
    Done,
    /// The NAS sent an ACK.
    Acknowledged,
    /// Accounting showed it before, or instead of, an answer.
    Observed,
    /// NAK 503: no session there.
    NoSession,
    /// A clear no: nothing happened.
    Refused(SafeText),
    /// The upstream was not reached: nothing was delivered.
    Unreachable(SafeText),
    /// Time-out, reset, 5xx: it may have happened.
    Unclear(SafeText),
    /// The NAS did not answer any of the sends.
    Unanswered(SafeText),
    /// Nothing left for the NAS: no secret, no socket, no way to name the session.
    NotSent(SafeText),
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    Run(StepKind),
    /// Try the same step again later.
    Wait(SafeText),
    End(Box<Ended>),
}

/// The outcome that the store commits in one transaction with the subscriber row.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub status: OperationStatus,
    /// The state after; `None` leaves it.
    pub state: Option<Ipv6State>,
    /// `None` leaves it: the operation asked nothing of the network.
    pub enforcement: Option<Enforcement>,
    pub enforcement_note: Option<SafeText>,
    pub error: Option<SafeText>,
    /// Revoke ended well and NetBox keeps the prefix for its rest.
    pub begin_hold: bool,
    /// NetBox confirmed that the prefix has gone: forget its id, prefix and hold.
    pub forget_prefix: bool,
}

/// The first thing to do: the step at `progress.at`, or the end when there is none. An end that waits for AAA comes before both.
pub fn first(kind: OperationKind, plan: &[StepKind], progress: &Progress) -> Next {
    match (&progress.restore, plan.get(progress.at)) {
        (Some(restore), _) if restore.done => end(kind, progress, restore.status, None, restore.error.clone()),
        (Some(_), _) => Next::Run(StepKind::AaaRestore),
        (None, Some(step)) => Next::Run(*step),
        (None, None) => Next::End(Box::new(success(kind, plan, progress))),
    }
}

/// Takes the answer of the step that `first` names, updates the progress, says what follows. `force` goes on past a NAS that refuses or is
/// silent.
pub fn advance(kind: OperationKind, plan: &[StepKind], progress: &mut Progress, force: bool, answer: StepAnswer) -> Next {
    use StepAnswer as A;
    if progress.restore.is_some() {
        return restored(kind, plan, progress, answer);
    }
    let Some(&step) = plan.get(progress.at) else { return first(kind, plan, progress) };
    match answer {
        A::Allocated { prefix, netbox_prefix_id, vrf } => {
            progress.prefix = Some(prefix);
            progress.netbox_prefix_id = Some(netbox_prefix_id);
            progress.vrf = vrf;
            go_on(kind, plan, progress)
        }
        A::Done => go_on(kind, plan, progress),
        A::Acknowledged => network(kind, plan, progress, Enforcement::Acknowledged, None),
        A::Observed => network(kind, plan, progress, Enforcement::Observed, None),
        A::NoSession => network(kind, plan, progress, Enforcement::None, Some("no session on the NAS (503)".into())),
        A::Unclear(why) => {
            progress.unclear = true;
            Next::Wait(why)
        }
        // Not delivered, and nothing is under way from before: stop in words, everything as it was.
        A::Unreachable(why) if !progress.unclear && may_stop(kind, progress) => {
            short(kind, plan, progress, OperationStatus::Failed, None, why)
        }
        A::Unreachable(why) => Next::Wait(why),
        A::Refused(why) if step.is_nas() => nas_said_no(kind, plan, progress, force, Enforcement::Refused, why),
        A::Unanswered(why) => nas_said_no(kind, plan, progress, force, Enforcement::Unanswered, why),
        // A try before a crash may have left, even if this one could not.
        A::NotSent(why) if progress.unclear => nas_said_no(kind, plan, progress, force, Enforcement::Unanswered, why),
        A::NotSent(why) => {
            let (enforcement, note) = progress.before.clone().unwrap_or((Enforcement::None, None));
            progress.enforcement = enforcement;
            progress.enforcement_note = note;
            short(kind, plan, progress, OperationStatus::Failed, None, why)
        }
        A::Refused(why) => {
            let state = (step == StepKind::NetboxAllocate).then_some(Ipv6State::Failed);
            progress.watch = step == StepKind::NetboxAllocate && progress.unclear;
            short(kind, plan, progress, OperationStatus::Refused, state, why)
        }
    }
}

/// AAA is asked until it has confirmed: a state that a login does not get is not left behind.
fn restored(kind: OperationKind, plan: &[StepKind], progress: &mut Progress, answer: StepAnswer) -> Next {
    use StepAnswer as A;
    match answer {
        A::Unclear(why) => {
            progress.unclear = true;
            Next::Wait(why)
        }
        A::Refused(why) | A::Unreachable(why) | A::Unanswered(why) | A::NotSent(why) => Next::Wait(why),
        A::Done | A::Acknowledged | A::Observed | A::NoSession | A::Allocated { .. } => {
            if let Some(restore) = &mut progress.restore {
                restore.done = true;
            }
            progress.attempts = 0;
            progress.unclear = false;
            first(kind, plan, progress)
        }
    }
}

fn network(kind: OperationKind, plan: &[StepKind], progress: &mut Progress, enforcement: Enforcement, note: Option<SafeText>) -> Next {
    progress.enforcement = enforcement;
    progress.enforcement_note = note;
    go_on(kind, plan, progress)
}

fn go_on(kind: OperationKind, plan: &[StepKind], progress: &mut Progress) -> Next {
    progress.at += 1;
    progress.attempts = 0;
    progress.unclear = false;
    first(kind, plan, progress)
}

/// A NAK or silence ends the operation short of its goal: the state stays (a revoke stays `revoking`), nothing is released.
fn nas_said_no(
    kind: OperationKind,
    plan: &[StepKind],
    progress: &mut Progress,
    force: bool,
    enforcement: Enforcement,
    why: SafeText,
) -> Next {
    if force {
        return network(kind, plan, progress, enforcement, Some(why));
    }
    progress.enforcement = enforcement;
    progress.enforcement_note = Some(why.clone());
    let status = if enforcement == Enforcement::Refused { OperationStatus::Refused } else { OperationStatus::Unanswered };
    short(kind, plan, progress, status, None, why)
}

/// True when AAA holds, or may hold, what the goal says while the state does not move there. A revoke is not taken back: it stays `revoking`,
/// and AAA without the prefix.
fn aaa_is_ahead(kind: OperationKind, plan: &[StepKind], progress: &Progress) -> bool {
    let written = |at| progress.at > at || (progress.at == at && progress.unclear);
    // A reconcile writes what the state says: AAA is never ahead of it.
    let goal_is_ahead = !matches!(kind, OperationKind::Revoke | OperationKind::Reconcile);
    goal_is_ahead && plan.iter().position(|step| *step == StepKind::AaaWrite).is_some_and(written)
}

/// The end short of the goal; where AAA was written, after that was taken back.
fn short(
    kind: OperationKind,
    plan: &[StepKind],
    progress: &mut Progress,
    status: OperationStatus,
    state: Option<Ipv6State>,
    why: SafeText,
) -> Next {
    if !aaa_is_ahead(kind, plan, progress) {
        return end(kind, progress, status, state, why);
    }
    progress.restore = Some(Restore { status, error: why, done: false });
    progress.attempts = 0;
    progress.unclear = false;
    first(kind, plan, progress)
}

/// True where stopping leaves nothing half done: no step has had an effect, or (allocate) what had one is recorded at the end, or (reconcile)
/// each step by itself sets something right. A revoke
/// never stops for an upstream that is away: the subscriber is `revoking` and the release is tried until it is clear.
fn may_stop(kind: OperationKind, progress: &Progress) -> bool {
    match kind {
        OperationKind::Allocate | OperationKind::Reconcile => true,
        OperationKind::Revoke => false,
        _ => progress.at == 0,
    }
}

fn end(kind: OperationKind, progress: &Progress, status: OperationStatus, state: Option<Ipv6State>, why: SafeText) -> Next {
    let asked = progress.before.is_some() || progress.enforcement != Enforcement::None || progress.enforcement_note.is_some();
    // Once a delete of the old prefix went through, the row must not name it any more, whatever came after.
    let forget_prefix = kind == OperationKind::Allocate && progress.at > 0;
    Next::End(Box::new(Ended {
        status,
        state,
        enforcement: asked.then_some(progress.enforcement),
        enforcement_note: progress.enforcement_note.clone(),
        error: Some(why),
        begin_hold: false,
        forget_prefix,
    }))
}

fn success(kind: OperationKind, plan: &[StepKind], progress: &Progress) -> Ended {
    let asked = plan.iter().any(|step| step.is_nas());
    let reset = plan.contains(&StepKind::Reset);
    Ended {
        status: OperationStatus::Succeeded,
        state: if reset { Some(Ipv6State::Pending) } else { target(kind) },
        enforcement: match kind {
            // A new prefix, or one given back, is on no network.
            OperationKind::Allocate | OperationKind::Release => Some(Enforcement::None),
            OperationKind::Reconcile if reset => Some(Enforcement::None),
            OperationKind::Reconcile => asked.then_some(progress.enforcement),
            _ => Some(if asked { progress.enforcement } else { Enforcement::None }),
        },
        enforcement_note: progress.enforcement_note.clone(),
        error: None,
        begin_hold: kind == OperationKind::Revoke && plan.contains(&StepKind::NetboxDeprecate),
        forget_prefix: kind == OperationKind::Release || reset,
    }
}
