//! A job in few words: how much of it was tried, how much of that went wrong, how long it still takes.

use crate::msg::JobBrief;
use noctule_domain::job::{ItemGroup, JobState, JobView};

/// The jobs that are not over, the one that goes first.
pub(crate) fn at_work(jobs: &[JobBrief]) -> Option<&JobView> {
    let open = || jobs.iter().map(|job| &job.view).filter(|view| !view.head.state.is_over() && view.head.state != JobState::Previewed);
    open().find(|view| view.head.state.goes()).or_else(|| open().next())
}

/// The job that is at work, in words.
pub(crate) fn at_work_words(jobs: &[JobBrief]) -> Option<String> {
    at_work(jobs).map(words)
}

/// What was tried, of all. A job that was cancelled in its middle stands where it was left.
pub(super) fn share(view: &JobView) -> f64 {
    f64::from(view.tally.tried()) / f64::from(view.tally.total().max(1))
}

pub(crate) fn percent(view: &JobView) -> u32 {
    let total = u64::from(view.tally.total().max(1));
    (u64::from(view.tally.tried()) * 100 / total) as u32
}

/// `suspend 340 of 1000, 12 wrong, 34/s, 20 s left`.
pub(super) fn words(view: &JobView) -> String {
    let tally = &view.tally;
    let mut words = format!("{} {} of {}", view.head.course.word(), tally.tried(), tally.total());
    if tally.bad() > 0 {
        words.push_str(&format!(", {} wrong", tally.bad()));
    }
    if view.head.state.goes() {
        if let Some(per_s) = view.per_s {
            words.push_str(&format!(", {per_s:.0}/s"));
        }
        if let Some(eta) = view.eta_s {
            words.push_str(&format!(", {} left", left(eta)));
        }
    } else {
        words.push_str(&format!(", {}", view.head.state));
    }
    words
}

/// In as few cells as may be: it stands in the header of a list.
fn left(seconds: u32) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `994 succeeded, 6 refused`: every group that holds somebody.
pub(super) fn counts(view: &JobView) -> String {
    let groups = ItemGroup::ALL.iter().map(|group| (group, view.tally.group(*group))).filter(|(_, n)| *n > 0);
    groups.map(|(group, n)| format!("{n} {}", group.title())).collect::<Vec<_>>().join(", ")
}
