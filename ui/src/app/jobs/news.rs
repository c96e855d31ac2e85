//! New numbers of the jobs: what of it is told.

use super::words::counts;
use super::{list, one};
use crate::app::App;
use crate::effect::Effect;
use crate::msg::{JobBrief, Notice};
use crate::overlay::Overlay;
use noctule_domain::SafeText;
use noctule_domain::job::{JobState, JobView};
use noctule_domain::overview::Severity;

/// Jobs that are listed at most.
const MAX_JOBS: usize = 20;

/// One that has come to an end, or stands, is told.
pub(in crate::app) fn arrived(app: &mut App, mut jobs: Vec<JobBrief>, effects: &mut Vec<Effect>) {
    jobs.truncate(MAX_JOBS);
    if app.jobs == jobs {
        return;
    }
    for job in &jobs {
        let head = &job.view.head;
        let before = app.jobs.iter().find(|known| known.view.head.id == head.id).map(|known| known.view.head.state);
        let told = head.state.is_over() || head.state == JobState::Stopped;
        // One that began and ended between two looks is news as well; what was over before this console began is none.
        let news = match before {
            Some(before) => before != head.state,
            None => head.ended_at.or(head.started_at).is_some_and(|at| at > app.began),
        };
        if told && news {
            let notice = sum(&job.view);
            if notice.severity != Severity::Info && !app.focused {
                effects.push(Effect::Bell);
            }
            app.notices.report(notice, app.now);
        }
    }
    app.jobs = jobs;
    app.dirty = true;
    let look = app.look.clone();
    if let Some(Overlay::Menu(menu)) = app.overlays.last_mut()
        && let Some(of) = menu.job
    {
        let new = match of {
            None => list(&app.jobs, &look),
            Some(id) => match one(&app.jobs, id, &look) {
                Some(new) => new,
                None => return,
            },
        };
        menu.renew(new);
    }
}

/// The end of a job, or its stop, in one sentence.
fn sum(view: &JobView) -> Notice {
    let (head, tally) = (&view.head, &view.tally);
    let course = head.course.word();
    match (head.state, &head.why) {
        (JobState::Stopped, Some(why)) => {
            Notice { severity: Severity::Critical, text: SafeText::new(&format!("{course} stopped: {why}. J shows it")) }
        }
        (state, _) => {
            let severity = match (tally.failed, tally.bad()) {
                (0, 0) => Severity::Info,
                (0, _) => Severity::Warning,
                _ => Severity::Critical,
            };
            let more = if tally.bad() > 0 { ". J shows who, and tries them again" } else { "" };
            Notice { severity, text: SafeText::new(&format!("{course} is {state}: {}{more}", counts(view))) }
        }
    }
}
