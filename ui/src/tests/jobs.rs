//! Jobs on the screen: the header, the list, what is asked of one, what is told when one stands or ends.

use crate::app::{AppConfig, update};
use crate::effect::Effect;
use crate::effect::JobSet;
use crate::msg::JobItems;
use crate::msg::{JobBrief, Msg};
use crate::testing::jobs::{head, job_id};
use crate::testing::{Desk, Stub, config, now, subscriber_id};
use noctule_domain::job::{Course, ItemGroup, ItemRow, ItemState, JobHead, JobState, JobView, Outcome, Tally, Wish};
use noctule_domain::lifecycle::{OperationKind, OperationOptions};

fn job(n: u128, state: JobState, tally: Tally) -> JobBrief {
    let course = Course::Single { kind: OperationKind::Suspend, options: OperationOptions::default() };
    let head = JobHead {
        id: job_id(n),
        why: (state == JobState::Stopped)
            .then(|| "6 of the last 100 ended refused, unanswered or failed (5 % are allowed); 500 have not begun".into()),
        ..head(course, "state:active nas:bng-3 \u{202e}evil 赛三", state)
    };
    let first = (0..tally.refused.min(5))
        .map(|seq| ItemRow {
            seq,
            subscriber: subscriber_id(u64::from(seq)),
            subscriber_number: format!("N-{seq:06}").as_str().into(),
            name: "Anna Virtanen".into(),
            nas: "bng-3".into(),
            canary: false,
            state: ItemState::Ended,
            stage: 0,
            outcome: Some(Outcome::Refused),
            note: Some("bng-3 refused: 404 invalid request".into()),
            operation: None,
            ended_at: Some(now()),
        })
        .collect();
    JobBrief { view: JobView { head, tally, per_s: Some(34.2), eta_s: Some(75) }, first }
}

fn half() -> Tally {
    Tally { waiting: 500, running: 16, succeeded: 478, refused: 6, ..Tally::default() }
}

#[test]
fn a_running_job_stands_in_the_header_and_above_the_operations() {
    let mut desk = Desk::board(Stub::of(5));
    desk.send(Msg::Jobs(vec![job(1, JobState::Running, half())]));
    assert!(desk.frame().lines().next().unwrap().contains("suspend 48 %"), "{}", desk.frame());
    desk.press("6");
    assert!(desk.frame().contains("suspend 484 of 1000, 6 wrong, 34/s, 2 min left"), "{}", desk.frame());
    desk.press("J");
    insta::assert_snapshot!("jobs_list_80x24", desk.frame());
    desk.press("enter");
    insta::assert_snapshot!("job_80x24", desk.frame());
    // The numbers go on while it is open.
    desk.send(Msg::Jobs(vec![job(1, JobState::Running, Tally { waiting: 0, running: 1, succeeded: 993, refused: 6, ..Tally::default() })]));
    assert!(desk.frame().contains("999 of 1000"), "{}", desk.frame());
    desk.take_effects();
    desk.press("p");
    let effects = desk.take_effects();
    assert!(matches!(effects.last(), Some(Effect::JobWish { wish: Wish::Pause, .. })), "{effects:?}");
}

#[test]
fn a_stop_is_told_and_to_cancel_is_asked_about() {
    let mut desk = Desk::board(Stub::of(5));
    desk.send(Msg::Jobs(vec![job(1, JobState::Running, half())]));
    desk.send(Msg::Jobs(vec![job(1, JobState::Stopped, half())]));
    assert!(desk.frame().contains("suspend stopped: 6 of the last 100"), "{}", desk.frame());
    desk.press("J");
    desk.press("enter");
    desk.take_effects();
    desk.press("x");
    assert!(desk.frame().contains("500 have not begun"), "{}", desk.frame());
    assert!(desk.take_effects().iter().all(|e| !matches!(e, Effect::JobWish { .. })), "not before the answer");
    desk.press("y");
    assert!(desk.take_effects().iter().any(|e| matches!(e, Effect::JobWish { wish: Wish::Cancel, .. })));
    // What is worse stays on the line until it is put away.
    desk.press("esc");
    desk.send(Msg::Jobs(vec![job(1, JobState::Done, Tally { succeeded: 1000, ..Tally::default() })]));
    assert!(desk.frame().contains("suspend is done: 1000 succeeded"), "{}", desk.frame());
}

#[test]
fn a_job_that_began_and_ended_between_two_looks_is_told_and_an_old_one_is_not() {
    let ended = |n, at| {
        let mut job = job(n, JobState::Done, Tally { succeeded: 1, ..Tally::default() });
        job.view.head.ended_at = Some(at);
        job
    };
    let old = ended(1, now() - chrono::Duration::hours(1));
    let mut desk = Desk::board(Stub::of(5));
    desk.send(Msg::Jobs(vec![old.clone()]));
    assert!(!desk.frame().contains("suspend is done"), "{}", desk.frame());
    desk.send(Msg::Jobs(vec![ended(2, now() + chrono::Duration::seconds(1)), old]));
    assert!(desk.frame().contains("suspend is done: 1 succeeded"), "{}", desk.frame());
}

/// The wish that began a job, if one did.
fn begun(desk: &mut Desk) -> bool {
    desk.take_effects().iter().any(|effect| matches!(effect, Effect::JobWish { wish: Wish::Go, .. }))
}

#[test]
fn a_job_says_at_its_end_how_everybody_stands_and_a_key_shows_exactly_those() {
    let mut desk = Desk::board(Stub::of(50));
    let tally = Tally {
        succeeded: 400,
        already_there: 3,
        unproven: 2,
        refused: 60,
        unanswered: 20,
        failed: 15,
        cancelled: 500,
        left_out: 7,
        ..Tally::default()
    };
    desk.send(Msg::Jobs(vec![job(1, JobState::Cancelled, tally)]));
    desk.press("J enter");
    insta::assert_snapshot!("job_ended_80x24", desk.frame());
    // What was never tried is no part of what was done.
    assert!(desk.frame().contains("suspend 500 of 1000, 95 wrong, cancelled"), "{}", desk.frame());
    desk.take_effects();
    desk.press("1");
    assert_eq!(desk.take_effects(), [Effect::AskJobItems { job: job_id(1), group: ItemGroup::Refused }]);
    let row = |seq: u32, name: &str| ItemRow {
        seq,
        subscriber: subscriber_id(u64::from(seq)),
        subscriber_number: format!("N-{seq:06}").as_str().into(),
        name: name.into(),
        nas: "bng-3".into(),
        canary: false,
        state: ItemState::Ended,
        stage: 0,
        outcome: Some(Outcome::Refused),
        note: Some("bng-3 refused: 506 resources unavailable".into()),
        operation: None,
        ended_at: Some(now()),
    };
    let rows = vec![row(0, "Anna Virtanen"), row(1, "a\u{202e}gnp.exe \u{1b}[2J"), row(2, &"x".repeat(500))];
    let items = JobItems { job: job_id(1), course: "suspend".into(), group: ItemGroup::Refused, rows, total: 60 };
    desk.send(Msg::JobItems(Box::new(items.clone())));
    insta::assert_snapshot!("job_items_80x24", desk.frame());
    desk.press("enter");
    assert!(desk.frame().contains("N-000000 Anna M\u{fc}ller"), "it leads to the subscriber: {}", desk.frame());
    // Nobody waits for it any more: it does not open above what the operator is doing.
    desk.send(Msg::JobItems(Box::new(items)));
    assert!(desk.app.overlays.is_empty());
    assert!(desk.frame().contains("60 refused of suspend: J shows them"), "{}", desk.frame());
}

#[test]
fn a_bulk_shows_its_counts_per_nas_its_refusals_and_its_time_before_it_begins() {
    for (width, height) in [(80, 24), (120, 40), (60, 15)] {
        for ascii in [false, true] {
            let mut desk = Desk::board(Stub::of(3000));
            desk.look("mono", crate::look::Depth::None, ascii);
            desk.resize(width, height);
            desk.press("M i s");
            let look = if ascii { "ascii" } else { "mono" };
            let frame = desk.frame();
            assert!(!ascii || frame.is_ascii());
            insta::assert_snapshot!(format!("job_preview_{width}x{height}_{look}"), frame);
        }
    }
}

#[test]
fn a_large_bulk_begins_when_its_count_was_typed_and_is_forgotten_where_it_was_not() {
    let mut desk = Desk::board(Stub::of(3000));
    desk.press("M i s");
    let frame = desk.frame();
    let count: String = frame.split("Type ").nth(1).expect("a count is asked for").chars().take_while(char::is_ascii_digit).collect();
    desk.take_effects();
    desk.press("y enter");
    assert!(!begun(&mut desk), "a habit of the fingers is not a yes");
    desk.press("backspace");
    desk.type_text(&count);
    desk.press("enter");
    assert_eq!(desk.take_effects(), [Effect::JobWish { job: job_id(1), wish: Wish::Go }]);
    desk.press("i s esc");
    assert!(desk.take_effects().contains(&Effect::DropPreview(job_id(1))));
}

#[test]
fn a_preview_that_comes_late_does_not_take_the_keys_of_somebody_who_went_on() {
    let mut desk = Desk::board(Stub::of(50));
    let mut late = Desk::board(Stub::of(50));
    desk.press("v j j j j j j j j j j v");
    for keys in ["6", "/", "y"] {
        let mut effects = Vec::new();
        for key in ["i", "s"] {
            effects.extend(update(&mut desk.app, Msg::Key(key.parse().expect("a key"))));
        }
        let Some(Effect::PreviewJob { course, set }) = effects.pop() else { panic!("{effects:?}") };
        desk.press(keys);
        // The store answers only now.
        late.take_effects();
        let answer = crate::testing::jobs::preview(&late.stub, course, &set);
        desk.send(Msg::JobPreviewed(Box::new(answer)));
        assert!(desk.app.overlays.is_empty(), "{keys}: {}", desk.frame());
        desk.press("esc 2 esc g g");
        assert!(!begun(&mut desk));
        desk.press("v j j j j j j j j j j v");
    }
}

#[test]
fn a_preview_waits_among_the_jobs_until_it_is_begun_or_forgotten() {
    let mut desk = Desk::board(Stub::of(50));
    let tally = Tally { waiting: 40, left_out: 10, ..Tally::default() };
    desk.send(Msg::Jobs(vec![job(1, JobState::Previewed, tally)]));
    assert!(!desk.frame().lines().next().unwrap().contains("suspend"), "nothing is under way");
    desk.press("J enter");
    insta::assert_snapshot!("job_previewed_80x24", desk.frame());
    desk.take_effects();
    desk.press("b");
    assert_eq!(desk.take_effects(), [Effect::ShowPreview(job_id(1))]);
    desk.press("J enter x");
    assert_eq!(desk.take_effects(), [Effect::DropPreview(job_id(1))]);
}

#[test]
fn a_flow_of_one_and_of_many_is_previewed_and_asked_for() {
    // Row 0 is pending, row 2 active.
    let mut desk = Desk::board(Stub::of(50));
    desk.press("i p");
    let frame = desk.frame();
    assert!(frame.contains("Provision N-000000 Anna") && frame.contains("until accounting shows it"), "{frame}");
    assert!(!begun(&mut desk));
    desk.press("y");
    assert!(begun(&mut desk));
    desk.press("j j i p");
    assert!(desk.frame().contains("already active"), "{}", desk.frame());
    desk.press("i d");
    insta::assert_snapshot!("deprovision_80x24", desk.frame());
    desk.press("y");
    assert!(begun(&mut desk));
    desk.press("i P u");
    desk.press("esc");
    desk.press("k k i P u");
    let undone =
        desk.take_effects().into_iter().any(|e| matches!(e, Effect::PreviewJob { course: Course::Provision { undo: true, .. }, .. }));
    assert!(undone);
    desk.press("esc j j i D");
    desk.type_text("moved out");
    desk.press("enter");
    let reason = desk.take_effects().into_iter().find_map(|effect| match effect {
        Effect::PreviewJob { course, .. } => course.reason().map(|reason| reason.to_string()),
        _ => None,
    });
    assert_eq!(reason.as_deref(), Some("moved out"));
}

#[test]
fn everybody_that_matches_a_filter_goes_without_being_marked() {
    let mut desk = Desk::board(Stub::of(1_000_000));
    desk.press("i f");
    assert!(desk.frame().contains("/ narrows the board first"), "{}", desk.frame());
    desk.press("/");
    desk.type_text("state:active");
    desk.press("enter i f");
    insta::assert_snapshot!("on_filter_80x24", desk.frame());
    desk.take_effects();
    desk.press("s");
    let course = Course::Single { kind: OperationKind::Suspend, options: OperationOptions::default() };
    assert_eq!(desk.take_effects(), [Effect::PreviewJob { course, set: JobSet::Filter("state:active".into()) }]);
    assert!(desk.frame().contains("(state:active)?"), "{}", desk.frame());
}

#[test]
fn a_job_waits_for_the_centre() {
    let mut desk = Desk::with(AppConfig { central: true, ..config() }, Stub::of(50));
    desk.send(Msg::Sync(Box::new(crate::panes::sync::world::offline())));
    desk.press("2 i p");
    assert!(desk.frame().contains("the centre is away"), "{}", desk.frame());
    assert!(desk.take_effects().iter().all(|effect| !matches!(effect, Effect::PreviewJob { .. })));
}
