//! The columns of the list of findings.

use crate::app::Env;
use crate::look::{Look, Tone};
use crate::widgets::{Cell, Column, age};
use noctule_domain::drift::KeptFinding;
use noctule_domain::overview::Severity;

pub const COLUMNS: &[Column] = &[
    Column { title: "Severity", min: 8, max: 8, rank: 0 },
    Column { title: "Age", min: 6, max: 6, rank: 0 },
    Column { title: "What", min: 17, max: 21, rank: 0 },
    Column { title: "About", min: 9, max: 18, rank: 0 },
    Column { title: "Prefix", min: 18, max: 24, rank: 2 },
    Column { title: "There", min: 20, max: 60, rank: 3 },
    Column { title: "Repair", min: 10, max: 22, rank: 1 },
];

/// What the filter looks at.
pub fn texts(kept: &KeptFinding) -> Vec<String> {
    let finding = &kept.finding;
    let mut out = vec![
        kept.severity().word().to_owned(),
        finding.kind.word().to_owned(),
        finding.kind.title().to_owned(),
        finding.about().into_string(),
        finding.ours.to_string(),
        finding.theirs.to_string(),
        finding.repair.title().to_owned(),
        finding.id(),
    ];
    out.extend(finding.prefix.map(|p| p.to_string()));
    out.extend(finding.who.as_ref().map(|who| who.username.to_string()));
    out.extend(kept.dismissed.as_ref().map(|d| format!("{} {}", d.by, d.why)));
    out
}

pub fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical => Tone::Danger,
        Severity::Warning => Tone::Warning,
        Severity::Info => Tone::Info,
    }
}

pub fn cells<'a>(kept: &'a KeptFinding, env: &Env<'_>, look: &Look) -> Vec<Cell<'a>> {
    let finding = &kept.finding;
    let text = look.style(Tone::Text);
    let muted = look.style(Tone::Muted);
    let by_severity = if kept.dismissed.is_some() { muted } else { look.style(tone(kept.severity())) };
    let repair = if finding.repair.is_possible() { text } else { muted };
    vec![
        vec![(kept.severity().word().into(), by_severity)],
        vec![(format!("{:>6}", age(kept.first_seen, env.now)).into(), muted)],
        vec![(finding.kind.title().into(), text)],
        vec![(finding.about().into_string().into(), text)],
        vec![(finding.prefix.map(|p| p.to_string()).unwrap_or_default().into(), text)],
        vec![(finding.theirs.as_str().into(), muted)],
        vec![(if kept.dismissed.is_some() { "dismissed" } else { finding.repair.title() }.into(), repair)],
    ]
}
