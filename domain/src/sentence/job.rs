//! What a job is about to do, in words.

use crate::SafeText;
use crate::job::{Course, JobPreview};
use crate::lifecycle::{OperationKind, OperationOptions};

/// A length of time that lies ahead: `20 s`, `3 min 20 s`, `2 h 5 min`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// What an operation does to each subscriber; nothing where its name says it.
pub fn consequence(kind: OperationKind, options: &OperationOptions) -> Vec<String> {
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
    out.into_iter().map(str::to_owned).collect()
}

/// What a course does to each subscriber.
pub fn course_consequence(course: &Course) -> Vec<String> {
    match course {
        Course::Single { kind, options } => consequence(*kind, options),
        Course::Provision { proof_s, undo, .. } => {
            let proof = match proof_s {
                0 => "is not waited for".to_owned(),
                seconds => format!("is waited for until accounting shows it, {} at most", span((*seconds).into())),
            };
            let undo = if *undo { "gives the prefix back" } else { "keeps the prefix as allocated" };
            vec![
                format!("Each is allocated a prefix, its login is written, it is activated, and {proof}."),
                format!("Who has a prefix already goes on from there. An activation that goes wrong {undo}."),
            ]
        }
        Course::Deprovision { options } => {
            let mut out = vec!["Each is suspended, where there is something to suspend, then revoked.".to_owned()];
            out.extend(consequence(OperationKind::Revoke, options));
            out
        }
    }
}

/// How carefully it begins, how fast it goes, when it stops by itself, how long it takes.
pub fn job_terms(preview: &JobPreview) -> String {
    let (terms, go) = (&preview.job.head.terms, preview.job.tally.waiting);
    let rate = terms.rate_per_nas.map_or_else(String::new, |rate| format!(", {rate}/s on each NAS"));
    let of = match terms.threshold.of_last {
        Some(100) => "of the last hundred".to_owned(),
        Some(n) => format!("of the last {n}"),
        None => "of all".to_owned(),
    };
    let canaries = terms.canaries(go.max(1));
    format!(
        "{canaries} go first; then the rest{rate}, until more than {} % {of} go wrong; about {}",
        terms.threshold.percent,
        span(preview.seconds)
    )
}

/// Nobody of a set can go.
pub fn nobody_goes(preview: &JobPreview) -> String {
    let why: Vec<String> = preview.left_out.iter().map(|(why, n)| format!("{n} {why}")).collect();
    let course = preview.job.head.course.word();
    let why = if why.is_empty() { "there is nobody".to_owned() } else { why.join("; ") };
    format!("{course}: nobody of {} can go: {why}", preview.job.head.source)
}

/// The name of a NAS in a count; a subscriber without one is counted too.
pub fn nas_or_none(nas: &SafeText) -> &str {
    if nas.is_empty() { "no NAS" } else { nas.as_str() }
}
