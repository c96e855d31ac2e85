//! `update` and `view` never panic, whatever comes in whatever order at whatever size.

use crate::action::{TABLE, parse_sequence};
use crate::app::{AppConfig, update, view};
use crate::effect::Effect;
use crate::look::Depth;
use crate::msg::*;
use crate::query::{Reply, RequestId};
use crate::testing::jobs::{head, job_id};
use crate::testing::{Desk, Stub, config, now, operation_id, row, subscriber_id};
use chrono::Duration;
use crokey::KeyCombination;
use crokey::crossterm::event::{KeyCode, KeyModifiers};
use noctule_domain::SafeText;
use noctule_domain::job::{Course, ItemGroup, ItemRow, ItemState, JobPreview, JobState, JobView, Outcome, Tally};
use noctule_domain::lifecycle::{OperationKind, OperationOptions, OperationStatus};
use noctule_domain::page::{Page, Total};
use noctule_domain::sync::{Link, Outbox, Phase, SyncStatus, Table};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

#[derive(Debug, Clone)]
enum Event {
    Msg(Msg),
    /// All keys of an action of the table.
    Action(usize),
    /// The store answers everything asked so far, or fails, or never answers.
    Settle,
    Fail,
    Forget,
}

fn key() -> impl Strategy<Value = KeyCombination> {
    let code = prop_oneof![
        8 => any::<char>().prop_map(KeyCode::Char),
        8 => prop::char::range(' ', '~').prop_map(KeyCode::Char),
        2 => Just(KeyCode::Enter), 2 => Just(KeyCode::Esc), 2 => Just(KeyCode::Tab), 1 => Just(KeyCode::BackTab),
        1 => Just(KeyCode::Up), 1 => Just(KeyCode::Down), 1 => Just(KeyCode::PageDown), 1 => Just(KeyCode::End),
        1 => Just(KeyCode::Backspace), 1 => Just(KeyCode::Delete), 1 => (0u8..30).prop_map(KeyCode::F), 1 => Just(KeyCode::Null),
    ];
    (code, any::<u8>())
        .prop_map(|(code, bits)| KeyCombination::one_key(code, KeyModifiers::from_bits_truncate(if bits > 200 { bits } else { 0 })))
}

fn event() -> impl Strategy<Value = Event> {
    let page = (0u64..10_000, 0u64..200, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(from, len, before, after, hostile)| {
        Reply::Subscribers(Page {
            rows: (from..from + len).map(|at| row(at, hostile)).collect(),
            more_before: before,
            more_after: after,
            total: Total::Exact(len),
        })
    });
    prop_oneof![
        12 => key().prop_map(|k| Event::Msg(Msg::Key(k))),
        16 => (0..TABLE.len()).prop_map(Event::Action),
        1 => "\\PC{0,40}|.{0,40}".prop_map(|t| Event::Msg(Msg::Paste(t))),
        2 => (0u16..200, 0u16..70).prop_map(|(w, h)| Event::Msg(Msg::Resize(w, h))),
        1 => any::<i32>().prop_map(|s| Event::Msg(Msg::Tick(now() + Duration::seconds(i64::from(s))))),
        1 => (0u16..220, 0u16..80, 0u8..5).prop_map(|(column, row, kind)| {
            let kind = [MouseKind::Click, MouseKind::Drag, MouseKind::Release, MouseKind::ScrollUp, MouseKind::ScrollDown][usize::from(kind)];
            Event::Msg(Msg::Mouse(Mouse { kind, column, row }))
        }),
        1 => (0u64..60, page).prop_map(|(id, reply)| Event::Msg(Msg::Reply { id: RequestId(id), reply })),
        2 => Just(Event::Msg(Msg::Changed)),
        3 => job().prop_map(Event::Msg),
        3 => status().prop_map(|status| Event::Msg(Msg::Sync(Box::new(status)))),
        1 => (0u64..60, 0u32..9, 0u32..9, any::<bool>()).prop_map(|(id, started, queued, refused)| {
            let refused = if refused { vec![("N-1".into(), "\u{1b}[2J".into())] } else { Vec::new() };
            Event::Msg(Msg::OperationsStarted { id: RequestId(id), started, queued, refused })
        }),
        1 => (0u64..60, prop::sample::select(OperationStatus::ALL), prop::sample::select(OperationKind::ALL)).prop_map(|(at, status, kind)| {
            Event::Msg(Msg::OperationEnded(OperationEnded {
                operation: operation_id(at), subscriber: subscriber_id(at), who: "N-1".into(), kind, status, error: Some("\u{9b}31m".into()),
            }))
        }),
        6 => Just(Event::Settle),
        1 => Just(Event::Fail),
        1 => Just(Event::Forget),
    ]
}

/// What is told of jobs, asked for or not: numbers that grow, a preview, a list.
fn job() -> impl Strategy<Value = Msg> {
    let tally = prop::array::uniform10(0u32..2000).prop_map(|n| Tally {
        waiting: n[0],
        running: n[1],
        succeeded: n[2],
        already_there: n[3],
        unproven: n[4],
        refused: n[5],
        unanswered: n[6],
        failed: n[7],
        cancelled: n[8],
        left_out: n[9],
    });
    let rows = |len: usize| -> Vec<ItemRow> {
        let row = |seq: u32| ItemRow {
            seq,
            subscriber: subscriber_id(seq.into()),
            subscriber_number: SafeText::new("N-1"),
            name: SafeText::new(&"\u{1b}[2J\u{202e}".repeat(seq as usize)),
            nas: SafeText::default(),
            canary: false,
            state: ItemState::Ended,
            stage: 0,
            outcome: Some(Outcome::Refused),
            note: Some(SafeText::new("\u{9b}31m")),
            operation: None,
            ended_at: None,
        };
        (0..len as u32).map(row).collect()
    };
    let course = prop_oneof![
        Just(Course::Single { kind: OperationKind::Revoke, options: OperationOptions::default() }),
        Just(Course::Provision { options: OperationOptions::default(), proof_s: 60, undo: true }),
        Just(Course::Deprovision { options: OperationOptions::default() }),
    ];
    (course, prop::sample::select(JobState::ALL), tally, prop::sample::select(ItemGroup::ALL), 0usize..30, 0u8..3).prop_map(
        move |(course, state, tally, group, len, what)| {
            let view = JobView { head: head(course, "\u{1b}]0;x\u{7}", state), tally, per_s: Some(2.5), eta_s: Some(u32::MAX) };
            match what {
                0 => Msg::Jobs(vec![JobBrief { view, first: rows(len) }]),
                1 => {
                    let per_nas = (0..len as u32).map(|n| (SafeText::new("bng \u{9b}"), n)).collect::<Vec<_>>();
                    let preview = JobPreview { job: view, left_out: per_nas.clone(), per_nas, seconds: u64::MAX };
                    Msg::JobPreviewed(Box::new(PreviewedJob { preview, going: rows(len), left_out: rows(len / 2) }))
                }
                _ => Msg::JobItems(Box::new(JobItems {
                    job: job_id(1),
                    course: "revoke".into(),
                    group,
                    rows: rows(len),
                    total: tally.failed,
                })),
            }
        },
    )
}

/// Any status that could come, sense or not.
fn status() -> impl Strategy<Value = SyncStatus> {
    let at = || prop::option::of(any::<i32>().prop_map(|s| now() + Duration::seconds(i64::from(s))));
    let table = || prop::sample::select(Table::ALL);
    let phase = prop_oneof![
        Just(Phase::Idle),
        (table(), any::<u64>(), any::<u64>()).prop_map(|(table, rows, of)| Phase::Copying { table, rows, of }),
        any::<u8>().prop_map(|percent| Phase::Indexing { percent }),
        any::<u64>().prop_map(|rows| Phase::CatchingUp { rows }),
        (table(), any::<u8>()).prop_map(|(table, percent)| Phase::Verifying { table, percent }),
    ];
    let words = prop_oneof![Just(None), ".{0,60}".prop_map(|t| Some(SafeText::new(&t)))];
    let outbox = (any::<u64>(), at(), 0u64..4).prop_map(|(unsent, oldest, conflicts)| Outbox { unsent, oldest, conflicts });
    (prop::sample::select(Link::ALL), at(), at(), phase, words, outbox, prop::option::of(any::<u64>()), any::<bool>()).prop_map(
        |(link, since, fresh_at, phase, note, outbox, lag_ms, follower)| SyncStatus {
            link,
            since,
            note: note.clone(),
            fresh_at,
            lag_ms,
            phase,
            outbox,
            follower,
            login: note,
            role: None,
            consoles: Some(3),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_messages_panics_and_every_frame_can_be_drawn(
        events in prop::collection::vec(event(), 1..60),
        len in prop_oneof![Just(0u64), Just(1), 2u64..300, Just(1_000_000)],
        hostile in any::<bool>(),
        ascii in any::<bool>(),
        central in any::<bool>(),
    ) {
        let mut stub = Stub::of(len);
        stub.hostile = hostile;
        stub.world = Some(if hostile { crate::panes::testing::World::hostile() } else { crate::panes::testing::World::normal() });
        if let (true, Some(world)) = (central, &mut stub.world) {
            world.sync = Some(if hostile { crate::panes::sync::world::hostile() } else { crate::panes::sync::world::normal() });
        }
        let mut desk = Desk::with(AppConfig { central, ..config() }, stub);
        desk.press("2");
        desk.look("dark", Depth::True, ascii);
        let mut open: Vec<Effect> = Vec::new();
        for event in events {
            match event {
                Event::Msg(msg) => {
                    let json = serde_json::to_string(&msg).expect("every message can be recorded");
                    let back = serde_json::from_str::<Msg>(&json);
                    if let (Msg::Sync(_) | Msg::OperationsStarted { .. } | Msg::OperationEnded(_), Ok(back)) = (&msg, &back) {
                        prop_assert_eq!(back, &msg, "{}", json);
                    }
                    match (&msg, &back) {
                        (Msg::Key(key), Ok(Msg::Key(back))) if matches!(key.codes, crokey::OneToThree::One(KeyCode::Char(_))) && !key.modifiers.intersects(!(KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT)) => {
                            prop_assert_eq!(crate::action::canonical(*back), crate::action::canonical(*key), "{}", json);
                        }
                        _ => prop_assert!(back.is_ok(), "{}", json),
                    }
                    open.extend(update(&mut desk.app, msg));
                }
                Event::Action(at) => {
                    for key in TABLE[at].keys.first().and_then(|k| parse_sequence(k)).unwrap_or_default() {
                        open.extend(update(&mut desk.app, Msg::Key(key)));
                    }
                }
                Event::Settle => desk.settle(std::mem::take(&mut open)),
                Event::Fail => {
                    desk.stub.failing = Some("gone");
                    desk.settle(std::mem::take(&mut open));
                    desk.stub.failing = None;
                }
                Event::Forget => open.clear(),
            }
            let area = desk.app.screen();
            let mut terminal = Terminal::new(TestBackend::new(area.width, area.height)).expect("a terminal");
            terminal.draw(|frame| view(&desk.app, desk.app.look(), frame)).expect("a frame");
            let shown = terminal.backend().buffer();
            if ascii {
                for cell in shown.content() {
                    prop_assert!(cell.symbol().is_ascii() || cell.symbol().is_empty(), "{:?}", cell.symbol());
                }
            }
            for cell in shown.content() {
                prop_assert!(!cell.symbol().chars().any(|c| c.is_control()), "{:?}", cell.symbol());
            }
        }
    }

    #[test]
    fn any_size_can_be_drawn(width in 0u16..160, height in 0u16..60, keys in "[1-9?:/iygvM*!e]{0,4}") {
        let mut desk = Desk::board(Stub::of(200));
        desk.resize(width, height);
        desk.type_text(&keys);
        desk.frame();
    }
}
