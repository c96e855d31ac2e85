//! For tests: the preview of a job as the store would make it of the stub's rows.

use super::{Stub, now, place};
use crate::app::lifecycle::Subject;
use crate::effect::JobSet;
use crate::msg::PreviewedJob;
use noctule_domain::JobId;
use noctule_domain::job::{
    Course, Entry, ItemRow, ItemState, JobHead, JobPreview, JobState, JobView, NasLoad, Outcome, Tally, Terms, Wish, estimate,
};
use noctule_domain::lifecycle::Actor;
use noctule_domain::permission::Role;
use noctule_domain::{SafeText, sentence};
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) fn job_id(n: u128) -> JobId {
    JobId(uuid::Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0000 + n))
}

pub(crate) fn head(course: Course, source: &str, state: JobState) -> JobHead {
    JobHead {
        id: job_id(1),
        course,
        terms: Terms::default(),
        actor: Actor { name: "mira".into(), role: Role::Noc, origin: "test".into() },
        source: SafeText::new(source),
        retry_of: None,
        nases: Vec::new(),
        made_at: now(),
        started_at: (state != JobState::Previewed).then(now),
        ended_at: state.is_over().then(now),
        state,
        wish: if state == JobState::Previewed { Wish::Preview } else { Wish::Go },
        why: None,
        forgiven: 0,
    }
}

/// Most rows that the stub looks at for a filter.
const MATCHED: u64 = 2_500;

pub(crate) fn preview(stub: &Stub, course: Course, set: &JobSet) -> PreviewedJob {
    let (rows, source): (Vec<_>, _) = match set {
        JobSet::These(ids) => (ids.iter().map(|id| stub.row(place(*id))).collect(), format!("{} chosen", ids.len())),
        JobSet::Filter(text) => ((0..stub.len.min(MATCHED)).map(|at| stub.row(at)).collect(), text.clone()),
        JobSet::BadOf(_) => ((0..6).map(|at| stub.row(at)).collect(), "what was refused".to_owned()),
    };
    let (mut going, mut left_out) = (Vec::new(), Vec::new());
    let (mut per_nas, mut why) = (BTreeMap::<SafeText, u32>::new(), BTreeMap::<SafeText, u32>::new());
    for (seq, row) in rows.iter().enumerate() {
        let facts = Subject::of_row(row).facts;
        let refused = match course.entry(&facts, Role::Noc, Some(row.version), now()) {
            Entry::At(_) => None,
            Entry::AlreadyThere => Some(format!("already {}", row.state)),
            Entry::Refused(refusal) => Some(sentence::greyed(&refusal)),
        };
        let note = refused.as_deref().map(SafeText::new);
        let nas = row.nas.clone().unwrap_or_default();
        let item = ItemRow {
            seq: seq as u32,
            subscriber: row.id,
            subscriber_number: row.subscriber_number.clone(),
            name: row.full_name.clone(),
            nas: nas.clone(),
            canary: false,
            state: if note.is_some() { ItemState::Ended } else { ItemState::Waiting },
            stage: 0,
            outcome: note.as_ref().map(|_| Outcome::LeftOut),
            note: note.clone(),
            operation: None,
            ended_at: None,
        };
        match note {
            None => {
                *per_nas.entry(nas).or_default() += 1;
                going.push(item);
            }
            Some(note) => {
                *why.entry(note).or_default() += 1;
                left_out.push(item);
            }
        }
    }
    let most_first = |counts: BTreeMap<SafeText, u32>| {
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        counts
    };
    let tally = Tally { waiting: going.len() as u32, left_out: left_out.len() as u32, ..Tally::default() };
    let per_nas = most_first(per_nas);
    let load = |(_, items): &(SafeText, u32)| NasLoad { items: *items, window: 16, rate: None, round_trip: Duration::from_millis(20) };
    let loads: Vec<_> = per_nas.iter().map(load).collect();
    let seconds = estimate(&Terms::default(), course.len(), &loads).as_secs_f64().ceil() as u64;
    let job = JobView { head: head(course, &source, JobState::Previewed), tally, per_s: None, eta_s: None };
    going.truncate(100);
    left_out.truncate(100);
    PreviewedJob { preview: JobPreview { job, per_nas, left_out: most_first(why), seconds }, going, left_out }
}
