//! Jobs on the screen: how far they are in the header and above the operations, their list, what can be asked of one. What happens is decided
//! by the process that runs them.

use super::App;
use crate::effect::Effect;
use crate::look::Look;
use crate::msg::{JobBrief, Notice};
use crate::overlay::{Confirm, Line, Menu, MenuItem, Overlay, Then};
use crate::widgets::bar;
use noctule_domain::job::{JobState, JobView, Outcome, Wish};
use noctule_domain::overview::Severity;
use noctule_domain::sentence::job_wish_refused;
use noctule_domain::{JobId, SafeText};

/// Jobs that are listed at most.
pub const MAX_JOBS: usize = 20;

/// New numbers of the jobs. One that has come to an end, or stands, is told.
pub(super) fn arrived(app: &mut App, mut jobs: Vec<JobBrief>, effects: &mut Vec<Effect>) {
    jobs.truncate(MAX_JOBS);
    if app.jobs == jobs {
        return;
    }
    for job in &jobs {
        let head = &job.view.head;
        let before = app.jobs.iter().find(|known| known.view.head.id == head.id).map(|known| known.view.head.state);
        let told = head.state.is_over() || head.state == JobState::Stopped;
        // What was over before this console began is no news.
        if told && before.is_some_and(|before| before != head.state) {
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

/// The jobs that are not over, the one that goes first.
pub(crate) fn at_work(jobs: &[JobBrief]) -> Option<&JobView> {
    let open = || jobs.iter().map(|job| &job.view).filter(|view| !view.head.state.is_over() && view.head.state != JobState::Previewed);
    open().find(|view| view.head.state.goes()).or_else(|| open().next())
}

/// The job that is at work, in words.
pub(crate) fn at_work_words(jobs: &[JobBrief]) -> Option<String> {
    at_work(jobs).map(words)
}

pub(crate) fn percent(view: &JobView) -> u32 {
    let total = u64::from(view.tally.total().max(1));
    (u64::from(view.tally.ended()) * 100 / total) as u32
}

/// `suspend 340 of 1000, 12 wrong, 34/s, 20 s left`.
pub(crate) fn words(view: &JobView) -> String {
    let tally = &view.tally;
    let mut words = format!("{} {} of {}", view.head.course.word(), tally.ended(), tally.total());
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

fn left(seconds: u32) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The end of a job, or its stop, in one sentence.
fn sum(view: &JobView) -> Notice {
    let (head, tally) = (&view.head, &view.tally);
    let course = head.course.word();
    let mut parts = Vec::new();
    for outcome in Outcome::ALL.iter().filter(|outcome| **outcome != Outcome::LeftOut) {
        let n = tally.of(*outcome);
        if n > 0 {
            parts.push(format!("{n} {}", outcome.word().replace('_', " ")));
        }
    }
    let parts = parts.join(", ");
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
            let more = if tally.bad() > 0 { ". J shows the first, and tries them again" } else { "" };
            Notice { severity, text: SafeText::new(&format!("{course} is {state}: {parts}{more}")) }
        }
    }
}

/// Every job that is known, newest first.
pub(super) fn list(jobs: &[JobBrief], look: &Look) -> Menu {
    let item = |(at, job): (usize, &JobBrief)| {
        let view = &job.view;
        let share = f64::from(view.tally.ended()) / f64::from(view.tally.total().max(1));
        MenuItem {
            key: char::from_digit(at as u32 + 1, 10).filter(|_| at < 9),
            label: format!("{:<10} {} {:>3} %", view.head.state, bar(share, 12, look), percent(view)),
            help: format!("{}; {}", words(view), view.head.source),
            greyed: None,
            then: Then::Job(view.head.id),
        }
    };
    let mut menu = Menu::new("Jobs: enter opens one", jobs.iter().enumerate().map(item).collect());
    menu.job = Some(None);
    menu
}

/// One job: what can be asked of it, how its items ended, the first that went wrong.
pub(super) fn one(jobs: &[JobBrief], id: JobId, look: &Look) -> Option<Menu> {
    let JobBrief { view, first } = jobs.iter().find(|job| job.view.head.id == id)?;
    let (head, tally) = (&view.head, &view.tally);
    let ask = |key, label: &str, help: &str, wish| MenuItem {
        key: Some(key),
        label: label.to_owned(),
        help: help.to_owned(),
        greyed: job_wish_refused(head.state, wish).or_else(|| (wish == Wish::Go && head.state.goes()).then(|| "it goes".to_owned())),
        then: Then::Effect(Effect::JobWish { job: id, wish }),
    };
    let mut items = vec![
        ask('p', "pause", "nothing new begins; what is under way goes to its end", Wish::Pause),
        ask('u', "go on", "with what has not begun", Wish::Go),
        MenuItem {
            then: Then::Confirm(Box::new(Confirm::with_lines(
                &format!("Cancel {} of {}?", head.course.word(), head.source),
                vec![Line::warning(format!(
                    "{} have not begun, and never will; {} are under way and go to their end.",
                    tally.waiting, tally.running
                ))],
                vec![Then::Effect(Effect::JobWish { job: id, wish: Wish::Cancel })],
            ))),
            ..ask('x', "cancel", "what has not begun never will", Wish::Cancel)
        },
        MenuItem {
            key: Some('r'),
            label: "retry".to_owned(),
            help: format!("a new job with the {} that went wrong", tally.bad()),
            greyed: (tally.bad() == 0).then(|| "nobody went wrong".to_owned()),
            then: Then::Confirm(Box::new(Confirm::typed(
                &format!("{} {} subscribers again?", head.course.word(), tally.bad()),
                vec![Line::plain("Those that were refused, unanswered or failed; each is looked at anew.".to_owned())],
                tally.bad() as usize,
                vec![Then::Effect(Effect::RetryJob(id))],
            ))),
        },
        MenuItem {
            key: Some('e'),
            label: "export".to_owned(),
            help: "every subscriber with its outcome, as CSV".to_owned(),
            greyed: None,
            then: Then::Effect(Effect::ExportJob(id)),
        },
    ];
    let say = |label: String, help: String| MenuItem {
        key: None,
        then: Then::Say(Notice::info(format!("{label}: {help}"))),
        label,
        help,
        greyed: None,
    };
    if let Some(why) = &head.why {
        items.push(say("stopped".to_owned(), why.to_string()));
    }
    let mut counts: Vec<String> = Outcome::ALL
        .iter()
        .map(|o| (*o, tally.of(*o)))
        .filter(|(_, n)| *n > 0)
        .map(|(o, n)| format!("{n} {}", o.word().replace('_', " ")))
        .collect();
    counts.insert(0, format!("{} waiting, {} under way", tally.waiting, tally.running));
    items.push(say("items".to_owned(), counts.join(", ")));
    for row in first {
        let outcome = row.outcome.map_or("", |outcome| outcome.word());
        let note = row.note.as_ref().map_or("", |note| note.as_str());
        items.push(say(format!("{} {outcome}", row.subscriber_number), format!("{} {note}", row.nas)));
    }
    let share = f64::from(tally.ended()) / f64::from(tally.total().max(1));
    let mut menu = Menu::new(&format!("{} {} {} %", words(view), bar(share, 16, look), percent(view)), items);
    menu.job = Some(Some(id));
    Some(menu)
}
