//! The list of jobs, and one of them: what can be asked of it, and how its subscribers stand, each group with the key that shows exactly
//! those.

use super::words::{share, words};
use super::{Asked, percent};
use crate::effect::{Effect, JobSet};
use crate::look::Look;
use crate::msg::{JobBrief, Notice};
use crate::overlay::{Confirm, Line, Menu, MenuItem, Then};
use crate::panes::thousands;
use crate::widgets::bar;
use noctule_domain::JobId;
use noctule_domain::job::{ItemGroup, JobState, JobView, Wish};
use noctule_domain::sentence::job_wish_refused;

/// Every job that is known, newest first.
pub(in crate::app) fn list(jobs: &[JobBrief], look: &Look) -> Menu {
    let item = |(at, job): (usize, &JobBrief)| {
        let view = &job.view;
        MenuItem {
            key: char::from_digit(at as u32 + 1, 10).filter(|_| at < 9),
            label: format!("{:<10} {} {:>3} %", view.head.state, bar(share(view), 12, look), percent(view)),
            help: format!("{}; {}", words(view), view.head.source),
            greyed: None,
            then: Then::Job(view.head.id),
        }
    };
    let mut menu = Menu::new("Jobs: enter opens one", jobs.iter().enumerate().map(item).collect());
    menu.job = Some(None);
    menu
}

/// One job. One that was only looked at can be begun from here.
pub(in crate::app) fn one(jobs: &[JobBrief], id: JobId, look: &Look) -> Option<Menu> {
    let JobBrief { view, first } = jobs.iter().find(|job| job.view.head.id == id)?;
    let mut items = if view.head.state == JobState::Previewed { before(view) } else { asked_of(view) };
    items.push(MenuItem {
        key: Some('e'),
        label: "export".to_owned(),
        help: "every subscriber with its outcome, as CSV".to_owned(),
        greyed: None,
        then: Then::Effect(Effect::ExportJob(id)),
    });
    if let Some(why) = &view.head.why {
        let then = Then::Say(Notice::warning(why.as_str()));
        let label = if view.head.state.goes() { "stands" } else { "stopped" };
        items.push(MenuItem { key: None, label: label.to_owned(), help: why.to_string(), greyed: None, then });
    }
    items.extend(groups(view, first));
    let mut menu = Menu::new(&format!("{} {} {} %", words(view), bar(share(view), 16, look), percent(view)), items);
    menu.job = Some(Some(id));
    Some(menu)
}

/// What may become of a preview.
fn before(view: &JobView) -> Vec<MenuItem> {
    let id = view.head.id;
    vec![
        MenuItem {
            key: Some('b'),
            label: "begin\u{2026}".to_owned(),
            help: "shows what will happen, and asks".to_owned(),
            greyed: (view.tally.waiting == 0).then(|| "nobody of them can go".to_owned()),
            then: Then::Preview(Box::new(Asked::Again(id))),
        },
        MenuItem {
            key: Some('x'),
            label: "forget".to_owned(),
            help: "it was only looked at; nothing was begun".to_owned(),
            greyed: None,
            then: Then::Effect(Effect::DropPreview(id)),
        },
    ]
}

fn asked_of(view: &JobView) -> Vec<MenuItem> {
    let (head, tally) = (&view.head, &view.tally);
    let id = head.id;
    let ask = |key, label: &str, help: &str, wish| MenuItem {
        key: Some(key),
        label: label.to_owned(),
        help: help.to_owned(),
        greyed: job_wish_refused(head.state, wish).or_else(|| (wish == Wish::Go && head.state.goes()).then(|| "it goes".to_owned())),
        then: Then::Effect(Effect::JobWish { job: id, wish }),
    };
    vec![
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
            label: "retry\u{2026}".to_owned(),
            help: format!("a new job with the {} that were refused, unanswered or failed", tally.bad()),
            greyed: (tally.bad() == 0).then(|| "nobody went wrong".to_owned()),
            then: Then::Preview(Box::new(Asked::New { course: head.course.clone(), set: JobSet::BadOf(id), lines: Vec::new() })),
        },
    ]
}

/// How its subscribers stand: every group that holds somebody, what wants a look first. The first that went wrong is told beside its group.
fn groups(view: &JobView, first: &[noctule_domain::job::ItemRow]) -> Vec<MenuItem> {
    let (id, tally) = (view.head.id, &view.tally);
    let held = ItemGroup::ALL.iter().copied().filter(|group| tally.group(*group) > 0);
    held.enumerate()
        .map(|(at, group)| {
            let n = tally.group(group);
            let example = first.iter().find(|row| row.outcome.is_some_and(|outcome| group.holds().contains(&outcome.word())));
            let help = match example {
                Some(row) => format!("{}: {}", row.subscriber_number, row.note.as_ref().map_or("", |note| note.as_str())),
                None => meaning(group).to_owned(),
            };
            MenuItem {
                key: char::from_digit(at as u32 + 1, 10),
                label: format!("{:>9} {}", thousands(n.into()), group.title()),
                help,
                greyed: None,
                then: Then::Items { job: id, group },
            }
        })
        .collect()
}

fn meaning(group: ItemGroup) -> &'static str {
    match group {
        ItemGroup::Refused => "by a guard, NetBox or the NAS: a clear no",
        ItemGroup::Unanswered => "the NAS was silent; it may have done it all the same",
        ItemGroup::Failed => "nothing could be sent, or an upstream could not be reached",
        ItemGroup::Unproven => "done and acknowledged; accounting did not show it in time",
        ItemGroup::NotTried => "not begun, or cancelled before it had an effect",
        ItemGroup::UnderWay => "begun, and not at its end",
        ItemGroup::Succeeded => "done",
        ItemGroup::AlreadyThere => "nothing was to be done",
        ItemGroup::LeftOut => "refused before it began: the preview says why",
    }
}
