//! A job before it begins: what is asked for, and what is shown before the operator says yes: how many go on each NAS, who does not and why,
//! how long it takes. The set is fixed then; nothing has been begun.

use crate::app::{App, dispatch, lifecycle};
use crate::effect::{Effect, JobSet};
use crate::msg::{Notice, PreviewedJob};
use crate::overlay::{Confirm, Line, Overlay, Then};
use crate::panes::{PaneId, thousands};
use noctule_domain::JobId;
use noctule_domain::job::{Course, ItemGroup, ItemRow, Wish};
use noctule_domain::sentence;

/// Reasons and NASes that are listed; the rest is a sum.
const LISTED: usize = 12;

/// What the operator wants to see.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// A new set, with what has to be said before its preview.
    New { course: Course, set: JobSet, lines: Vec<Line> },
    /// The preview of a job that is there.
    Again(JobId),
    /// Those of a job that stand so.
    Items { job: JobId, group: ItemGroup },
}

/// A question about a job that is under way, and where the operator was when it left.
#[derive(Debug)]
pub struct Previewing {
    pane: PaneId,
    lines: Vec<Line>,
    /// Made for this question: forgotten where the answer is no.
    new: bool,
}

/// Asks; the answer opens by itself only where the operator has waited for it.
pub(in crate::app) fn ask(app: &mut App, asked: Asked, effects: &mut Vec<Effect>) {
    let (effect, lines, new) = match asked {
        Asked::New { course, set, lines } => {
            let who = match &set {
                JobSet::These(ids) => format!("{} subscriber{}", thousands(ids.len() as u64), if ids.len() == 1 { "" } else { "s" }),
                JobSet::Filter(text) => format!("everybody that matches {text}"),
                JobSet::BadOf(_) => "those that went wrong".to_owned(),
            };
            dispatch::say(app, Notice::info(format!("{}: looking at {who}", course.word())));
            (Effect::PreviewJob { course, set }, lines, true)
        }
        Asked::Again(job) => (Effect::ShowPreview(job), Vec::new(), false),
        Asked::Items { job, group } => (Effect::AskJobItems { job, group }, Vec::new(), false),
    };
    app.previewing = Some(Previewing { pane: app.pane, lines, new });
    effects.push(effect);
}

/// Whether an answer may open above what the operator looks at: keys that were meant for something else must not reach it.
pub(super) fn is_welcome(app: &App, asked: Option<&Previewing>) -> bool {
    let typing = app.contexts().contains(&crate::action::Context::Input);
    asked.is_some_and(|asked| asked.pane == app.pane) && app.overlays.is_empty() && app.pending.is_empty() && !typing
}

pub(in crate::app) fn arrived(app: &mut App, answer: PreviewedJob, effects: &mut Vec<Effect>) {
    let asked = app.previewing.take();
    let preview = &answer.preview;
    let (head, go) = (&preview.job.head, preview.job.tally.waiting);
    if go == 0 {
        effects.push(Effect::DropPreview(head.id));
        return dispatch::say(app, Notice::warning(sentence::nobody_goes(preview)));
    }
    if !is_welcome(app, asked.as_ref()) {
        let words = format!("{} of {}: {go} can go. J shows the preview, and begins it", head.course.word(), head.source);
        return dispatch::say(app, Notice::info(words));
    }
    let Some(Previewing { lines, new, .. }) = asked else { return };
    app.overlays.push(Overlay::Confirm(confirm(&answer, lines, new)));
    app.dirty = true;
}

fn confirm(answer: &PreviewedJob, mut lines: Vec<Line>, new: bool) -> Confirm {
    let preview = &answer.preview;
    let (head, tally) = (&preview.job.head, &preview.job.tally);
    let go = tally.waiting;
    lines.extend(sentence::course_consequence(&head.course).into_iter().map(Line::plain));
    match (preview.per_nas.as_slice(), go + tally.left_out) {
        ([(nas, _)], 1) => {
            lines.push(Line::plain(format!("On {}; about {}.", sentence::nas_or_none(nas), sentence::span(preview.seconds))))
        }
        _ => lines.extend(of_many(answer)),
    }
    let word = lifecycle::capitalised(head.course.word());
    let title = match answer.going.as_slice() {
        [one] if go == 1 => format!("{word} {} {}?", one.subscriber_number, one.name),
        _ => format!("{word} {} subscribers ({})?", thousands(go.into()), head.source),
    };
    let begun = Notice::info(format!("{} of {} begins; J shows how far it is", head.course.word(), thousands(go.into())));
    let then = vec![Then::Effect(Effect::JobWish { job: head.id, wish: Wish::Go }), Then::Say(begun)];
    let confirm = match head.course.wants_count(go) {
        true => Confirm::typed(&title, lines, go as usize, then),
        false => Confirm::with_lines(&title, lines, then),
    };
    if new { confirm.otherwise(vec![Then::Effect(Effect::DropPreview(head.id))]) } else { confirm }
}

/// How many go where, who does not and why, how it goes, and the first by name.
fn of_many(answer: &PreviewedJob) -> Vec<Line> {
    let preview = &answer.preview;
    let tally = &preview.job.tally;
    let go = tally.waiting;
    let count = |n: u32| thousands(n.into());
    let mut lines = Vec::new();
    lines.push(Line::good(format!("{} of {} go:", count(go), count(go + tally.left_out))));
    lines.extend(counted(&preview.per_nas, |nas| sentence::nas_or_none(nas).to_owned(), "NASes", Line::plain));
    if tally.left_out > 0 {
        lines.push(Line::warning(format!("{} do not:", count(tally.left_out))));
        lines.extend(counted(&preview.left_out, |why| why.to_string(), "reasons", Line::warning));
    }
    lines.push(Line::plain(format!("{}.", sentence::job_terms(preview))));
    lines.extend(named(&answer.left_out, tally.left_out, "do not go"));
    lines.extend(named(&answer.going, go, "go"));
    lines
}

/// `   1,200  bng-1`, the most first; what is too much for a screen is a sum.
fn counted<'a, T>(
    all: &'a [(T, u32)],
    name: impl Fn(&T) -> String + 'a,
    what: &'a str,
    line: fn(String) -> Line,
) -> impl Iterator<Item = Line> + 'a {
    let shown = all.iter().take(LISTED).map(move |(of, n)| line(format!("{:>9}  {}", thousands((*n).into()), name(of))));
    let rest: u32 = all.iter().skip(LISTED).map(|(_, n)| n).sum();
    let more = (rest > 0).then(|| line(format!("{:>9}  {} other {what}", thousands(rest.into()), all.len() - LISTED)));
    shown.chain(more)
}

/// The first of them by name, and how many are not named.
fn named(rows: &[ItemRow], all: u32, what: &str) -> Vec<Line> {
    if rows.is_empty() {
        return Vec::new();
    }
    let more = all.saturating_sub(rows.len() as u32);
    let first =
        if more > 0 { format!("The first that {what}; {} more are in J:", thousands(more.into())) } else { format!("Those that {what}:") };
    let mut lines = vec![Line::plain(first)];
    lines.extend(rows.iter().map(|row| {
        let note = row.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        Line::refused(format!("{} {}{note}", row.subscriber_number, row.name))
    }));
    lines
}
