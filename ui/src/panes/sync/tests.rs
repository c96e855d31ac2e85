use super::world::{self, op_id};
use crate::action::Action;
use crate::app::AppConfig;
use crate::effect::Effect;
use crate::look::Depth;
use crate::msg::Msg;
use crate::panes::PaneId;
use crate::panes::testing::{World, buffer_of, shot};
use crate::query::SyncView;
use crate::testing::{Desk, Stub, config, now};
use chrono::Duration;
use noctule_domain::permission::Role;
use noctule_domain::sync::{Answer, Link, Outbox, Phase, Resolution, SyncStatus, Table};

/// A console with a centre that stands so, on the Sync pane.
pub(crate) fn desk(view: Option<SyncView>) -> Desk {
    let mut stub = Stub::of(50);
    let central = view.is_some();
    stub.world = Some(World { sync: view.clone(), ..World::normal() });
    let mut desk = Desk::with(AppConfig { central, role: Role::Admin, ..config() }, stub);
    if let Some(status) = view.and_then(|view| view.status) {
        desk.send(Msg::Sync(Box::new(status)));
    }
    desk.press("9");
    desk.take_effects();
    desk
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (60, 15)];

/// A name, and how the centre stands in it.
type Case = (&'static str, fn() -> Option<SyncView>);

fn pictures(name: &str, cases: &[Case], scene: fn(&mut Desk)) {
    for (width, height) in SIZES {
        for (case, view) in cases {
            let draw = |theme: &str, depth: Depth, ascii: bool| {
                let mut desk = desk(view());
                desk.look(theme, depth, ascii);
                desk.resize(width, height);
                scene(&mut desk);
                buffer_of(&desk)
            };
            shot(&format!("{name}_{case}_{width}x{height}"), *case == "normal", &draw);
        }
    }
}

fn empty() -> SyncView {
    SyncView { others: Vec::new(), ..world::view(world::live()) }
}

fn first_copy() -> SyncView {
    SyncView { rows: Vec::new(), ..world::view(world::copying()) }
}

#[test]
fn the_pane_as_it_is_drawn() {
    pictures(
        "sync",
        &[
            ("normal", || Some(world::normal())),
            ("empty", || Some(empty())),
            ("alone", || None),
            ("offline", || Some(world::away())),
            ("first", || Some(world::first())),
            ("denied", || Some(world::denied())),
            ("hostile", || Some(world::hostile())),
        ],
        |_| {},
    );
    pictures("sync", &[("copying", || Some(first_copy()))], |desk| {
        let mut status = world::copying();
        for second in 1..=3 {
            desk.send(Msg::Tick(now() + Duration::seconds(second)));
            status.phase = Phase::Copying { table: Table::Subscribers, rows: 410_233 + second as u64 * 96_000, of: 1_004_331 };
            desk.send(Msg::Sync(Box::new(status.clone())));
        }
        desk.send(Msg::Tick(now() + Duration::seconds(4)));
    });
}

#[test]
fn the_pane_when_the_store_does_not_answer() {
    pictures("sync", &[("failed", || Some(world::away()))], |desk| {
        desk.stub.failing = Some("the store did not answer: the disk is full. Free some space, then press r");
        desk.send(Msg::Changed);
        desk.send(Msg::Tick(now() + Duration::seconds(95)));
    });
}

#[test]
fn a_conflict_as_it_is_drawn() {
    let normal: &[Case] = &[("normal", || Some(world::normal())), ("hostile", || Some(world::hostile()))];
    pictures("sync_conflict", normal, |desk| desk.press("enter"));
    pictures("sync_conflict_of_who", &[("normal", || Some(world::normal()))], |desk| desk.press("j enter"));
    pictures("sync_refusal", &[("normal", || Some(world::normal()))], |desk| desk.press("j j enter"));
    pictures("sync_waiting", &[("normal", || Some(world::normal()))], |desk| desk.press("j j j j enter"));
}

fn resolved(desk: &mut Desk) -> Vec<(u64, Resolution)> {
    let mut out = Vec::new();
    for effect in desk.take_effects() {
        if let Effect::Resolve { op, resolution } = effect {
            out.push(((op.0.as_u128() & 0xffff) as u64, resolution));
        }
    }
    out
}

#[test]
fn one_key_decides_and_a_decision_that_is_not_possible_says_why() {
    for (key, resolution) in [("m", Resolution::Mine), ("t", Resolution::Theirs), ("b", Resolution::Both), ("x", Resolution::Theirs)] {
        let mut desk = desk(Some(world::normal()));
        desk.press("enter");
        desk.press(key);
        assert_eq!(resolved(&mut desk), [(1, resolution)]);
        assert!(desk.app.overlays.is_empty());
    }
    // Who does the task takes one value.
    let mut desk = desk(Some(world::normal()));
    desk.press("j enter b");
    assert_eq!(resolved(&mut desk), []);
    assert!(desk.frame().contains("technician takes one value"), "{}", desk.frame());
    assert!(desk.frame().contains("Bjarne Holm (E-001)") && desk.frame().contains("Carmen"), "names, not ids: {}", desk.frame());
    desk.press("m");
    assert_eq!(resolved(&mut desk), [(2, Resolution::Mine)]);
}

#[test]
fn a_refusal_is_put_away_and_can_not_be_forced_through() {
    let mut desk = desk(Some(world::normal()));
    desk.press("j j enter");
    assert!(desk.frame().contains("it is suspended already, by paul"), "{}", desk.frame());
    assert!(desk.frame().contains("two invoices open"), "what was typed stays readable: {}", desk.frame());
    desk.press("m b");
    assert_eq!(resolved(&mut desk), []);
    desk.press("y y");
    match desk.take_effects().as_slice() {
        [Effect::Copy(text)] => assert!(text.contains("two invoices open") && text.contains("N-000002"), "{text}"),
        other => panic!("{other:?}"),
    }
    desk.press("esc");
    assert_eq!(resolved(&mut desk), [], "leaving it decides nothing");
    desk.press("enter x");
    assert_eq!(resolved(&mut desk), [(3, Resolution::Theirs)]);
}

#[test]
fn everything_typed_can_be_copied_from_the_row_and_from_the_sheet() {
    let mut desk = desk(Some(world::normal()));
    desk.press("y y enter y y");
    let copies: Vec<String> =
        desk.take_effects().into_iter().filter_map(|e| if let Effect::Copy(text) = e { Some(text) } else { None }).collect();
    assert_eq!(copies.len(), 2);
    assert_eq!(copies[0], copies[1]);
    assert!(copies[0].contains("second floor.\nRing twice") && copies[0].contains("number 14"), "{}", copies[0]);
}

#[test]
fn what_waits_is_read_and_not_decided() {
    let mut desk = desk(Some(world::normal()));
    desk.press("j j j enter");
    assert!(desk.frame().contains("waits for the centre"), "{}", desk.frame());
    assert!(desk.frame().contains("N-000002 Chidi Okafor"), "{}", desk.frame());
    desk.press("m t b");
    assert_eq!(resolved(&mut desk), []);
    desk.press("q");
    assert!(desk.app.overlays.is_empty());
}

#[test]
fn the_page_scrolls_to_its_end_and_back_and_leads_to_whom_others_look_at() {
    let mut desk = desk(Some(world::away()));
    desk.resize(60, 15);
    assert!(!desk.frame().contains("Other consoles"));
    for _ in 0..80 {
        desk.press("j");
    }
    assert!(desk.frame().contains("very.long"), "{}", desk.frame());
    for _ in 0..80 {
        desk.press("k");
    }
    assert!(desk.frame().contains("centre   "), "{}", desk.frame());
    desk.press("G k k");
    assert!(desk.frame().contains("anna.k"), "{}", desk.frame());
    desk.press("enter");
    assert_eq!(desk.app.pane(), PaneId::Subscribers);
    assert!(desk.frame().contains("N-000003"), "{}", desk.frame());
    let mut idle = self::desk(Some(world::normal()));
    idle.press("G k");
    assert_eq!(idle.app.greyed(Action::Open).as_deref(), Some("this console looks at no subscriber"));
}

#[test]
fn every_line_is_reached_by_the_page_alone() {
    for view in [world::normal(), world::away(), world::hostile(), world::first()] {
        let mut desk = desk(Some(view));
        desk.resize(60, 15);
        desk.press("G");
        assert!(!desk.frame().lines().nth(12).unwrap_or_default().ends_with('\u{2193}'), "{}", desk.frame());
        for _ in 0..400 {
            desk.press("pageup");
        }
        assert!(desk.frame().contains("centre   "), "{}", desk.frame());
    }
}

#[test]
fn numbers_that_change_ask_anew_and_rows_that_arrive_do_not() {
    let mut desk = desk(Some(world::normal()));
    let asked = |desk: &mut Desk, status: SyncStatus| {
        let effects = crate::app::update(&mut desk.app, Msg::Sync(Box::new(status)));
        let n = effects.iter().filter(|e| matches!(e, Effect::Ask { .. })).count();
        desk.settle(effects);
        n
    };
    let status = world::normal().status.expect("a centre");
    assert_eq!(asked(&mut desk, status.clone()), 0);
    assert_eq!(asked(&mut desk, SyncStatus { phase: Phase::CatchingUp { rows: 400 }, ..status.clone() }), 0);
    assert_eq!(asked(&mut desk, SyncStatus { outbox: Outbox::default(), ..status.clone() }), 1);
    desk.press("8");
    assert_eq!(asked(&mut desk, status), 0, "nobody looks at it");
}

#[test]
fn a_conflict_that_arrives_is_what_enter_opens_unless_a_line_was_chosen() {
    for chosen in [false, true] {
        let mut before = world::normal();
        let conflicts = std::mem::take(&mut before.conflicts);
        let mut desk = desk(Some(before));
        if chosen {
            desk.press("j j");
        }
        if let Some(view) = desk.stub.world.as_mut().and_then(|world| world.sync.as_mut()) {
            view.conflicts = conflicts;
        }
        desk.send(Msg::Changed);
        desk.press("enter");
        let opened = matches!(desk.app.overlays.last(), Some(crate::overlay::Overlay::Sheet(_)))
            && desk.frame().contains("Somebody else changed the same");
        assert_eq!(opened, !chosen, "{}", desk.frame());
    }
}

#[test]
fn what_waits_for_a_decision_is_not_called_at_the_centre_even_before_its_number_is_told() {
    let mut view = world::normal();
    view.outbox.clear();
    if let Some(status) = &mut view.status {
        status.outbox = Outbox::default();
    }
    let mut desk = desk(Some(view));
    desk.resize(120, 40);
    let frame = desk.frame();
    assert!(frame.contains("Everything else that was done here is at the centre."), "{frame}");
}

#[test]
fn a_conflict_that_goes_away_leaves_its_neighbour_selected() {
    let mut desk = desk(Some(world::normal()));
    desk.press("j");
    if let Some(view) = desk.stub.world.as_mut().and_then(|world| world.sync.as_mut()) {
        view.conflicts.retain(|c| c.op.id != op_id(2));
    }
    desk.send(Msg::Changed);
    desk.press("enter");
    assert!(matches!(desk.app.overlays.last(), Some(crate::overlay::Overlay::Sheet(_))));
}

#[test]
fn sync_now_is_a_key_everywhere_and_greyed_without_a_centre() {
    let mut desk = desk(Some(world::away()));
    desk.press("2");
    desk.take_effects();
    desk.press("f9");
    assert!(desk.take_effects().contains(&Effect::SyncNow));
    desk.press("R");
    assert!(desk.take_effects().contains(&Effect::SyncNow));
    let mut alone = self::desk(None);
    alone.press("f9 R");
    assert!(!alone.take_effects().contains(&Effect::SyncNow));
    assert!(alone.app.greyed(Action::SyncNow).is_some());
}

#[test]
fn a_stalled_copy_says_so_and_a_finished_one_says_nothing() {
    let mut desk = desk(Some(first_copy()));
    for second in 1..60 {
        desk.send(Msg::Tick(now() + Duration::seconds(second)));
    }
    assert!(desk.frame().contains("nothing moves"), "{}", desk.frame());
    desk.send(Msg::Sync(Box::new(world::live())));
    assert!(!desk.frame().contains("copying"), "{}", desk.frame());
}

#[test]
fn an_answer_without_a_name_for_its_kind_is_still_readable() {
    let mut view = world::normal();
    view.conflicts[0].answer = Answer::Gone;
    view.conflicts[1].answer = Answer::Conflict { collisions: Vec::new(), applied: Vec::new() };
    let mut desk = desk(Some(view));
    desk.press("enter");
    assert!(desk.frame().contains("It is not there any more, or not for you."), "{}", desk.frame());
    assert!(desk.frame().contains("Ring twice"), "{}", desk.frame());
    desk.press("x j enter b");
    assert_eq!(resolved(&mut desk), [(1, Resolution::Theirs)]);
}

#[test]
fn a_link_that_changes_is_drawn_and_the_same_status_is_not() {
    let mut desk = desk(Some(world::normal()));
    desk.app.take_dirty();
    let status = world::normal().status.expect("a centre");
    desk.send(Msg::Sync(Box::new(status.clone())));
    assert!(!desk.app.take_dirty());
    desk.send(Msg::Sync(Box::new(SyncStatus { link: Link::Delayed, ..status })));
    assert!(desk.app.take_dirty());
}

/// A phase after so many seconds.
type At = fn(u64) -> Phase;

#[test]
fn every_phase_says_how_far_it_is() {
    let mut desk = desk(Some(first_copy()));
    desk.resize(100, 30);
    let phases: [(At, &[&str]); 4] = [
        (
            |n| Phase::Copying { table: Table::TimeEntries, rows: n * 50_000, of: 0 },
            &["copying time entries: 200,000 rows", "50,000 rows/s"],
        ),
        (|n| Phase::Indexing { percent: n as u8 * 10 }, &["building the indexes", "40 %, about 6s left"]),
        (|n| Phase::CatchingUp { rows: n * 120 }, &["catching up: 480 rows changed so far", "120 rows/s"]),
        (|n| Phase::Verifying { table: Table::Tasks, percent: n as u8 }, &["comparing tasks with the centre", "4 %, about 1m left"]),
    ];
    let mut second = 0;
    for (phase, said) in phases {
        for n in 1..=4 {
            second += 1;
            desk.send(Msg::Tick(now() + Duration::seconds(second)));
            desk.send(Msg::Sync(Box::new(SyncStatus { phase: phase(n), ..world::live() })));
        }
        for words in said {
            assert!(desk.frame().contains(words), "{words}: {}", desk.frame());
        }
    }
}

#[test]
fn both_can_stand_only_where_both_said_something() {
    for (yours, theirs, why) in [("", "ring", "yours is empty"), ("ring", " \n", "theirs is empty")] {
        let mut view = world::normal();
        if let Answer::Conflict { collisions, .. } = &mut view.conflicts[0].answer {
            collisions[0].yours = serde_json::json!(yours);
            collisions[0].theirs = serde_json::json!(theirs);
        }
        let mut desk = desk(Some(view));
        desk.press("enter b");
        assert_eq!(resolved(&mut desk), []);
        assert!(desk.frame().contains(why), "{}", desk.frame());
    }
}

#[test]
fn a_read_only_console_decides_nothing() {
    let mut stub = Stub::of(5);
    stub.world = Some(World { sync: Some(world::normal()), ..World::normal() });
    let config = AppConfig { central: true, read_only: Some("the store is newer than this program".into()), ..config() };
    let mut desk = Desk::with(config, stub);
    desk.press("9 enter m t b");
    assert_eq!(resolved(&mut desk), []);
    assert!(desk.frame().contains("read-only"), "{}", desk.frame());
}
