//! Jobs on the screen: the header, the list, what is asked of one, what is told when one stands or ends.

use crate::effect::Effect;
use crate::msg::{JobBrief, Msg};
use crate::testing::{Desk, Stub, now, subscriber_id};
use noctule_domain::JobId;
use noctule_domain::job::{Course, ItemRow, ItemState, JobHead, JobState, JobView, Outcome, Tally, Terms, Wish};
use noctule_domain::lifecycle::{Actor, OperationKind, OperationOptions};
use noctule_domain::permission::Role;

fn job(n: u128, state: JobState, tally: Tally) -> JobBrief {
    let head = JobHead {
        id: JobId(uuid::Uuid::from_u128(n)),
        course: Course::Single { kind: OperationKind::Suspend, options: OperationOptions::default() },
        terms: Terms::default(),
        actor: Actor { name: "mira".into(), role: Role::Noc, origin: "test".into() },
        source: "state:active nas:bng-3 \u{202e}evil 赛三".into(),
        retry_of: None,
        nases: vec!["bng-3".into()],
        made_at: now(),
        started_at: Some(now()),
        ended_at: state.is_over().then(now),
        state,
        wish: Wish::Go,
        why: (state == JobState::Stopped)
            .then(|| "6 of the last 100 ended refused, unanswered or failed (5 % are allowed); 500 have not begun".into()),
        forgiven: 0,
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
