//! Beginning lifecycle operations from the screens: the guard for greying, the preview for a bulk, the confirmation. What really happens
//! is decided by the store with the same guard; this only never offers what can not be.

use super::{Cx, Env};
use crate::action::Action;
use crate::effect::{Effect, OperationTarget};
use crate::msg::Notice;
use crate::overlay::{Confirm, Line, Overlay, Then};
use noctule_domain::job::{Course, Entry};
use noctule_domain::lifecycle::{Facts, Guard, OperationKind, OperationOptions, guard};
use noctule_domain::subscriber::{Subscriber, SubscriberRow};
use noctule_domain::{OperationId, SafeText, SubscriberId, sentence};
use std::collections::BTreeSet;

/// More than so many at once are a job: a preview of the whole set, canaries, a threshold.
pub const FEW: usize = 3;
/// Seconds that the first proof of a provision is waited for.
pub const PROOF_S: u32 = 60;

/// A subscriber as far as the guard and the preview look at it.
#[derive(Debug, Clone)]
pub struct Subject {
    pub id: SubscriberId,
    /// Number and name, for sentences.
    pub who: SafeText,
    pub facts: Facts,
}

impl Subject {
    pub fn of_row(row: &SubscriberRow) -> Self {
        Self {
            id: row.id,
            who: SafeText::bounded(&format!("{} {}", row.subscriber_number, row.full_name), 80),
            facts: Facts {
                state: row.state,
                mode: row.mode,
                enforcement: row.enforcement,
                hold_until: row.hold_until,
                has_prefix: row.prefix.is_some(),
                // A row does not carry it; the store, which does, decides.
                has_netbox_id: row.prefix.is_some(),
                version: row.version,
                running: row.running.map(busy),
            },
        }
    }

    pub fn of_subscriber(s: &Subscriber, running: Option<(OperationId, OperationKind, SafeText)>) -> Self {
        Self {
            id: s.id,
            who: SafeText::bounded(&format!("{} {}", s.subscriber_number, s.full_name), 80),
            facts: Facts {
                state: s.ipv6.state,
                mode: s.ipv6.mode,
                enforcement: s.ipv6.enforcement,
                hold_until: s.ipv6.hold_until,
                has_prefix: s.ipv6.prefix.is_some(),
                has_netbox_id: s.ipv6.netbox_prefix_id.is_some(),
                version: s.version,
                running: running.or(s.running.map(busy)),
            },
        }
    }
}

/// A row says that an operation runs, not which: an operation id is enough to refuse.
fn busy(id: OperationId) -> (OperationId, OperationKind, SafeText) {
    (id, OperationKind::Allocate, "a console".into())
}

/// The operation that an action begins.
pub fn kind_of(action: Action) -> Option<OperationKind> {
    match action {
        Action::Allocate | Action::AllocateWith => Some(OperationKind::Allocate),
        Action::Activate => Some(OperationKind::Activate),
        Action::Suspend | Action::SuspendWith => Some(OperationKind::Suspend),
        Action::Resume => Some(OperationKind::Resume),
        Action::Revoke | Action::RevokeWith => Some(OperationKind::Revoke),
        _ => None,
    }
}

/// The action of an operation; release has none, the system begins it.
pub fn action_of(kind: OperationKind) -> Option<Action> {
    match kind {
        OperationKind::Allocate => Some(Action::Allocate),
        OperationKind::Activate => Some(Action::Activate),
        OperationKind::Suspend => Some(Action::Suspend),
        OperationKind::Resume => Some(Action::Resume),
        OperationKind::Revoke => Some(Action::Revoke),
        OperationKind::Release | OperationKind::Reconcile => None,
    }
}

/// Why `kind` can not begin for this one; `None` when it can.
pub fn refusal(kind: OperationKind, subject: &Subject, options: &OperationOptions, env: &Env<'_>) -> Option<String> {
    if subject.facts.running.is_some() {
        return Some("an operation is running".to_owned());
    }
    match guard(kind, &subject.facts, options, env.role, Some(subject.facts.version), env.now) {
        Guard::Go => None,
        Guard::AlreadyThere => Some(format!("already {}", subject.facts.state)),
        Guard::Refused(refused) => Some(sentence::greyed(&refused)),
    }
}

/// The course that an action begins: several operations one after the other.
pub fn course_of(action: Action) -> Option<Course> {
    let options = OperationOptions::default;
    match action {
        Action::Provision | Action::ProvisionWith => Some(Course::Provision { options: options(), proof_s: PROOF_S, undo: false }),
        Action::Deprovision | Action::DeprovisionWith => Some(Course::Deprovision { options: options() }),
        _ => None,
    }
}

/// Why a course can not begin for this one; `None` when it can.
pub fn course_refusal(course: &Course, subject: &Subject, env: &Env<'_>) -> Option<String> {
    if subject.facts.running.is_some() {
        return Some("an operation is running".to_owned());
    }
    match course.entry(&subject.facts, env.role, Some(subject.facts.version), env.now) {
        Entry::At(_) => None,
        Entry::AlreadyThere => Some(format!("already {}", subject.facts.state)),
        Entry::Refused(refused) => Some(sentence::greyed(&refused)),
    }
}

/// What of the subjects the operator has before the eyes.
#[derive(Debug, Default)]
pub struct Sight {
    pub under_cursor: Option<SubscriberId>,
    /// Marked under another filter, and not in the list now.
    pub hidden: BTreeSet<SubscriberId>,
}

/// Begins `kind` for the subjects. One that is not dangerous begins at once; a revoke, a forced one and every bulk asks first, naming
/// target and count and listing who is refused and why. So does a single one that is not under the cursor: a mark that was forgotten, or
/// that the filter hides, must not act in silence.
pub fn begin(kind: OperationKind, subjects: &[Subject], sight: &Sight, options: OperationOptions, cx: &mut Cx<'_>) {
    let env = cx.env;
    let mut subjects: Vec<&Subject> = subjects.iter().collect();
    subjects.sort_by(|a, b| a.who.as_str().cmp(b.who.as_str()));
    let mut going = Vec::new();
    let mut refused = Vec::new();
    for subject in subjects {
        match refusal(kind, subject, &options, &env) {
            None => going.push(subject),
            Some(why) => refused.push((subject, why)),
        }
    }
    let targets: Vec<OperationTarget> =
        going.iter().map(|s| OperationTarget { subscriber: s.id, expected_version: Some(s.facts.version) }).collect();
    if targets.is_empty() {
        let text = match refused.first() {
            None => format!("{kind}: select or mark a subscriber first"),
            Some((subject, why)) if refused.len() == 1 => format!("{kind} {}: {why}", subject.who),
            Some((subject, why)) => format!("{kind}: refused for all {}; the first: {}: {why}", refused.len(), subject.who),
        };
        return cx.notice(Notice::warning(text));
    }
    let count = targets.len();
    let dangerous = kind == OperationKind::Revoke || options.force;
    let effect = Effect::StartOperations { id: cx.request_id(), kind, targets, options: options.clone() };
    let elsewhere = going.len() == 1 && sight.under_cursor.is_some_and(|id| going[0].id != id);
    if count == 1 && refused.is_empty() && !dangerous && !elsewhere {
        return cx.effect(effect);
    }
    let mut lines = Vec::new();
    if elsewhere {
        lines.push(Line::warning("It is marked; the cursor stands on another row.".to_owned()));
    }
    let hidden = going.iter().filter(|s| sight.hidden.contains(&s.id)).count();
    lines.extend(hidden_line(hidden).filter(|_| !elsewhere));
    if let Some(away) = env.away() {
        lines.push(Line::warning(format!(
            "The centre is away ({away}): it is kept in the outbox, and asked again when the centre is back."
        )));
    }
    lines.extend(sentence::consequence(kind, &options).into_iter().map(Line::plain));
    if !refused.is_empty() {
        lines.push(Line::warning(format!("{} of {} are refused:", refused.len(), refused.len() + count)));
        lines.extend(refused.iter().map(|(s, why)| Line::refused(format!("{}: {why}", s.who))));
    }
    if count > 1 {
        lines.push(Line::good(format!("{count} will go:")));
        lines.extend(going.iter().map(|s| Line::plain(format!("  {} ({})", s.who, s.facts.state))));
    }
    let what = capitalised(kind.word());
    let title = match going.as_slice() {
        [one] => format!("{what} {}?", one.who),
        many => format!("{what} {} subscribers?", many.len()),
    };
    let then = vec![Then::Effect(effect)];
    let confirm =
        if dangerous && count > 1 { Confirm::typed(&title, lines, count, then) } else { Confirm::with_lines(&title, lines, then) };
    cx.wish(super::Wish::Overlay(Box::new(Overlay::Confirm(confirm))));
}

/// Marks that the present filter hides.
pub fn hidden_line(hidden: usize) -> Option<Line> {
    let (were, them) = if hidden == 1 { ("was", "it") } else { ("were", "them") };
    (hidden > 0).then(|| Line::warning(format!("{hidden} of them {were} marked under another filter; the present one hides {them}.")))
}

pub(crate) fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
