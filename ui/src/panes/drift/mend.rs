//! Repairing and dismissing: when it is possible, and what is asked before.

use super::State;
use crate::app::{Cx, Env, Wish};
use crate::effect::Effect;
use crate::overlay::{Confirm, Line, Overlay, Prompt, Then};
use crate::panes::Tell;
use noctule_domain::drift::KeptFinding;
use noctule_domain::lifecycle::Refusal;
use noctule_domain::permission::Permission;
use noctule_domain::sentence;

/// Most that one key repairs.
pub const AT_ONCE: usize = 500;

pub fn no_repair(kept: &KeptFinding, env: &Env<'_>) -> Option<String> {
    let repair = kept.finding.repair;
    if kept.dismissed.is_some() {
        return Some("it is dismissed; d takes that back".to_owned());
    }
    if !repair.is_possible() {
        return Some("nothing here can know what is right; enter says what to do".to_owned());
    }
    let needs = repair.needs();
    if !env.role.allows(needs) {
        return Some(sentence::greyed(&Refusal::NotPermitted { role: env.role, needs }));
    }
    env.away()
}

/// One: at once, or after a confirmation where it may take somebody's service.
pub fn repair(state: &State, kept: &KeptFinding, cx: &mut Cx<'_>) {
    let finding = &kept.finding;
    let effect = Effect::DriftRepair { keys: vec![finding.key()] };
    if !finding.repair.is_dangerous() {
        return cx.effect(effect);
    }
    let title = format!("Repair {} of {}: {}?", finding.kind.title(), finding.about(), finding.repair.title());
    let confirm = Confirm::yes_no(&title, finding.preview(state.hold()), vec![Then::Effect(effect)]);
    cx.wish(Wish::Overlay(Box::new(Overlay::Confirm(confirm))));
}

/// All of the kind of the selected one that the filter shows: always asked for, a dangerous one by its count.
pub fn repair_alike(state: &State, kept: &KeptFinding, cx: &mut Cx<'_>) {
    let finding = &kept.finding;
    let alike: Vec<&KeptFinding> = state.alike(finding.kind).into_iter().take(AT_ONCE).collect();
    let count = alike.len();
    let title = format!("Repair {count} of '{}': {}?", finding.kind.title(), finding.repair.title());
    let mut lines = vec![Line::warning(format!("{count} findings, one repair each, as by f. The first of them:"))];
    lines.extend(finding.preview(state.hold()).into_iter().map(Line::plain));
    lines.push(Line::plain("About:".to_owned()));
    lines.extend(alike.iter().take(20).map(|k| Line::plain(format!("  {} {}", k.finding.about(), k.finding.theirs))));
    if count > 20 {
        lines.push(Line::plain(format!("  and {} more", count - 20)));
    }
    let then = vec![Then::Effect(Effect::DriftRepair { keys: alike.iter().map(|k| k.finding.key()).collect() })];
    let confirm = match finding.repair.is_dangerous() && count > 1 {
        true => Confirm::typed(&title, lines, count, then),
        false => Confirm::with_lines(&title, lines, then),
    };
    cx.wish(Wish::Overlay(Box::new(Overlay::Confirm(confirm))));
}

pub fn no_dismiss(env: &Env<'_>) -> Option<String> {
    let needs = Permission::SubscriberWrite;
    (!env.role.allows(needs)).then(|| sentence::greyed(&Refusal::NotPermitted { role: env.role, needs }))
}

/// Asks for the reason; a dismissed one comes back at once.
pub fn dismiss(kept: &KeptFinding, cx: &mut Cx<'_>) {
    if kept.dismissed.is_some() {
        return cx.effect(Effect::DriftDismiss { key: kept.finding.key(), why: None });
    }
    let title = format!("Dismiss {} of {}", kept.finding.kind.title(), kept.finding.about());
    let help = "Why may it stay? It comes back when it says something else.";
    let prompt = Prompt::new(&title, help, "", false, |text| Tell::Drift(super::Tell::Dismiss(text)));
    cx.wish(Wish::Overlay(Box::new(Overlay::Prompt(prompt))));
}
