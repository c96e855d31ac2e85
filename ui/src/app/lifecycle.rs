//! Beginning lifecycle operations from the screens: the guard for greying, the preview for a bulk, the confirmation. What really happens
//! is decided by the store with the same guard; this only never offers what can not be.

use super::{Cx, Env};
use crate::action::Action;
use crate::effect::{Effect, OperationTarget};
use crate::msg::Notice;
use crate::overlay::{Confirm, Line, Overlay, Then};
use noctule_domain::lifecycle::{Facts, Guard, OperationKind, OperationOptions, guard};
use noctule_domain::subscriber::{Subscriber, SubscriberRow};
use noctule_domain::{OperationId, SafeText, SubscriberId, sentence};
use std::collections::BTreeSet;

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
        OperationKind::Release => None,
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
    if hidden > 0 && !elsewhere {
        let text = format!(
            "{hidden} of them {} marked under another filter; the present one hides {}.",
            if hidden == 1 { "was" } else { "were" },
            if hidden == 1 { "it" } else { "them" }
        );
        lines.push(Line::warning(text));
    }
    if let Some(away) = env.away() {
        lines.push(Line::warning(format!(
            "The centre is away ({away}): it is kept in the outbox, and asked again when the centre is back."
        )));
    }
    lines.extend(consequence(kind, &options).map(|text| Line::plain(text.to_owned())));
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

fn consequence(kind: OperationKind, options: &OperationOptions) -> impl Iterator<Item = &'static str> {
    let mut out = Vec::new();
    match kind {
        OperationKind::Revoke => {
            out.push(if options.send_disconnect {
                "Disconnect comes first; nothing is released before the NAS confirms it."
            } else {
                "No Disconnect is sent: the network may go on using the prefix."
            });
            out.push(if options.release_to_netbox {
                "The prefix then rests in NetBox and is deleted when its hold is over."
            } else {
                "The prefix stays in NetBox."
            });
        }
        OperationKind::Suspend => out.push("IPv6 stops on the NAS; the prefix is kept."),
        _ => {}
    }
    if options.force {
        out.push("FORCE: it goes on although the NAS refuses or does not answer.");
    }
    out.into_iter()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
