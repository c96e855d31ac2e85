//! The board: filter, marks, bulk, paging, replies that come late.

use crate::app::update;
use crate::effect::Effect;
use crate::msg::Msg;
use crate::query::{Query, Reply};
use crate::testing::{Desk, Stub, now, row, subscriber_id};
use chrono::Duration;
use noctule_domain::job::Wish;
use noctule_domain::lifecycle::OperationKind;

fn started(effects: &[Effect]) -> Vec<(OperationKind, Vec<u64>)> {
    effects
        .iter()
        .filter_map(|e| match e {
            Effect::StartOperations { kind, targets, .. } => {
                Some((*kind, targets.iter().map(|t| (t.subscriber.uuid().as_u128() & 0xffff) as u64).collect()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn allocate_begins_at_once_and_revoke_asks_first() {
    // Row 0 is pending.
    let mut desk = Desk::board(Stub::of(50));
    desk.press("i a");
    assert_eq!(started(&desk.take_effects()), [(OperationKind::Allocate, vec![0])]);
    // Row 2 is active.
    desk.press("j j i v");
    assert!(desk.frame().contains("Revoke N-000002"), "{}", desk.frame());
    assert_eq!(started(&desk.take_effects()), []);
    desk.press("enter");
    assert_eq!(started(&desk.take_effects()), [], "a habit of the fingers is not a yes");
    desk.press("y");
    assert_eq!(started(&desk.take_effects()), [(OperationKind::Revoke, vec![2])]);
}

#[test]
fn a_suspend_with_a_reason_takes_a_word_of_the_menu_or_ones_own() {
    // Row 2 is active.
    let reason = |keys: &str, typed: &str| {
        let mut desk = Desk::board(Stub::of(50));
        desk.press(keys);
        if !typed.is_empty() {
            desk.type_text(typed);
            desk.press("enter");
        }
        desk.take_effects().into_iter().find_map(|effect| match effect {
            Effect::StartOperations { kind, options, .. } => Some((kind, options.reason.map(|text| text.as_str().to_owned()))),
            _ => None,
        })
    };
    assert_eq!(reason("j j i S", ""), None, "it asks first");
    assert_eq!(reason("j j i S d", ""), Some((OperationKind::Suspend, Some("dunning".to_owned()))));
    assert_eq!(reason("j j i S o", "moved out"), Some((OperationKind::Suspend, Some("moved out".to_owned()))));
    assert_eq!(reason("j j i s", ""), Some((OperationKind::Suspend, None)));
}

#[test]
fn one_mark_that_is_not_under_the_cursor_asks_before_it_begins() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("space k i a");
    assert_eq!(started(&desk.take_effects()), [(OperationKind::Allocate, vec![0])], "under the cursor it begins at once");
    desk.press("j j i a");
    assert!(desk.frame().contains("the cursor stands on another row"), "{}", desk.frame());
    assert_eq!(started(&desk.take_effects()), []);
    desk.press("y");
    assert_eq!(started(&desk.take_effects()), [(OperationKind::Allocate, vec![0])]);
}

#[test]
fn what_is_not_possible_says_why() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("i c");
    assert!(desk.frame().contains("not while pending"), "{}", desk.frame());
    desk.press("i");
    assert!(desk.frame().contains("resume (not while pending)"), "which-key: {}", desk.frame());
    desk.press("esc");
    assert!(!desk.frame().contains("resume (not"));
}

#[test]
fn a_bulk_shows_who_goes_and_who_is_refused_and_wants_its_count_when_dangerous() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("v j j j j j j j G");
    desk.press("i v");
    let frame = desk.frame();
    assert!(frame.contains("do not:") && frame.contains("not while pending"), "{frame}");
    let count: usize = frame.split("Revoke ").nth(1).and_then(|t| t.split(' ').next()).and_then(|n| n.parse().ok()).expect("a count");
    let go = |desk: &mut Desk| desk.take_effects().iter().any(|e| matches!(e, Effect::JobWish { wish: Wish::Go, .. }));
    desk.press("y enter");
    assert!(!go(&mut desk));
    desk.press("backspace");
    desk.type_text(&count.to_string());
    desk.press("enter");
    assert!(go(&mut desk));
}

#[test]
fn a_bulk_of_nobody_begins_nothing() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("space j j j j j space");
    desk.press("i r");
    assert!(desk.app.overlays.is_empty());
    assert_eq!(started(&desk.take_effects()), []);
}

#[test]
fn marks_survive_filters_and_pages_and_can_be_undone() {
    let mut desk = Desk::board(Stub::of(5000));
    desk.press("space space");
    desk.press("/");
    desk.type_text("state:active");
    desk.press("enter");
    assert!(desk.frame().contains("2 marked"));
    desk.press("esc");
    assert!(!desk.frame().contains("marked"));
    desk.press("u");
    assert!(desk.frame().contains("2 marked"));
    desk.press("u");
    assert!(!desk.frame().contains("matching state:active"));
    desk.press("U U");
    assert!(!desk.frame().contains("2 marked"));
}

#[test]
fn mark_all_goes_page_after_page_and_stops_at_the_most() {
    let mut desk = Desk::board(Stub::of(3500));
    desk.press("M");
    assert!(desk.frame().contains("3,500 marked"), "{}", desk.frame());
    let mut million = Desk::board(Stub::of(1_000_000));
    million.press("M");
    assert!(million.frame().contains("10,000 marked"), "{}", million.frame());
    assert!(million.stub.made.get() < 13_000);
}

#[test]
fn typing_a_filter_over_a_million_rows_costs_a_page_a_key() {
    let mut desk = Desk::board(Stub::of(1_000_000));
    desk.stub.made.set(0);
    desk.press("/");
    let text = "anna state:active";
    desk.type_text(text);
    desk.frame();
    assert!(desk.stub.made.get() <= 100 * text.len() as u64, "{}", desk.stub.made.get());
    // Far down the list too.
    desk.press("esc G");
    assert!(desk.frame().contains("N-999999"));
    desk.stub.made.set(0);
    desk.press("k k k k pageup");
    assert!(desk.stub.made.get() <= 200);
}

#[test]
fn scrolling_far_keeps_a_bounded_window_in_one_piece() {
    let mut desk = Desk::board(Stub::of(20_000));
    for _ in 0..200 {
        desk.press("pagedown");
    }
    let (rows, _) = desk.app.panes.subscribers.loaded();
    assert!(rows.len() <= 600, "{}", rows.len());
    let numbers: Vec<u128> = rows.iter().map(|r| r.id.uuid().as_u128()).collect();
    assert!(numbers.windows(2).all(|w| w[1] == w[0] + 1), "rows are neither lost nor repeated");
    for _ in 0..300 {
        desk.press("pageup");
    }
    assert_eq!(desk.app.panes.subscribers.loaded().1, Some(subscriber_id(0)));
}

#[test]
fn a_filter_stands_there_as_it_was_typed_to_its_end() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("/");
    desk.type_text("session:yes");
    desk.press("enter");
    assert!(desk.frame().contains("matching session:yes"), "{}", desk.frame());
}

#[test]
fn a_wrong_filter_says_where_and_leaves_the_list() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("/");
    desk.type_text("stat:active");
    let frame = desk.frame();
    assert!(frame.contains("did you mean 'state:'?"), "{frame}");
    desk.press("enter");
    assert!(desk.app.contexts().contains(&crate::action::Context::Input), "it stays open until it is right");
    desk.press("esc");
    assert!(desk.frame().contains("50 subscribers"));
}

#[test]
fn completion_and_history_of_the_filter() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("/");
    desk.type_text("sta");
    desk.press("tab");
    desk.type_text("act");
    desk.press("tab enter");
    assert!(desk.frame().contains("matching state:active"), "{}", desk.frame());
    desk.press("esc / up enter");
    assert!(desk.frame().contains("matching state:active"));
    desk.press("/");
    desk.type_text(" nas:");
    desk.press("tab tab enter");
    assert!(desk.frame().contains("nas:bng-2"), "names come from the store: {}", desk.frame());
}

#[test]
fn a_stale_reply_is_ignored() {
    let mut desk = Desk::board(Stub::of(50));
    let mut asks = Vec::new();
    let press = |desk: &mut Desk, c: char| -> Vec<Effect> {
        update(&mut desk.app, Msg::Key(crokey::KeyCombination::from(crokey::crossterm::event::KeyCode::Char(c))))
    };
    press(&mut desk, '/');
    for c in ['a', 'b'] {
        asks.extend(press(&mut desk, c).into_iter().filter_map(|e| match e {
            Effect::Ask { id, query: Query::Subscribers(_) } => Some(id),
            _ => None,
        }));
    }
    let [first, second] = asks[..] else { panic!("one question a key: {asks:?}") };
    let page = |at: u64| noctule_domain::page::Page {
        rows: vec![row(at, false)],
        more_before: false,
        more_after: false,
        total: noctule_domain::page::Total::Exact(1),
    };
    desk.send(Msg::Reply { id: second, reply: Reply::Subscribers(page(22)) });
    desk.app.take_dirty();
    desk.send(Msg::Reply { id: first, reply: Reply::Subscribers(page(11)) });
    assert!(!desk.app.take_dirty());
    assert!(desk.frame().contains("N-000022") && !desk.frame().contains("N-000011"));
}

#[test]
fn an_answer_that_promises_rows_which_never_come_is_not_asked_for_ever() {
    // The stub has one subscriber, and the page is a far one with more before it: what is asked then comes back empty, and promises again.
    let mut desk = Desk::board(Stub::of(1));
    let effects = update(&mut desk.app, Msg::Changed);
    let [Effect::Ask { id, .. }] = effects[..] else { panic!("one question: {effects:?}") };
    let page = noctule_domain::page::Page {
        rows: vec![row(101, false)],
        more_before: true,
        more_after: false,
        total: noctule_domain::page::Total::Exact(1),
    };
    // Settling fails where it is asked without end.
    desk.send(Msg::Reply { id, reply: Reply::Subscribers(page) });
    assert!(desk.frame().contains("N-000101"));
}

#[test]
fn a_store_that_changes_all_the_time_is_shown_all_the_same() {
    let mut desk = Desk::board(Stub::of(50));
    let first = update(&mut desk.app, Msg::Changed);
    assert_eq!(first.len(), 1);
    for _ in 0..10 {
        assert_eq!(update(&mut desk.app, Msg::Changed), [], "one question at a time");
    }
    desk.settle(first);
    assert!(desk.frame().contains("N-000000"));
}

#[test]
fn a_failed_question_keeps_what_was_shown() {
    let mut desk = Desk::board(Stub::of(50));
    desk.stub.failing = Some("the store does not answer");
    desk.press("r");
    let frame = desk.frame();
    assert!(frame.contains("N-000000") && frame.contains("not refreshed: the store does not answer"), "{frame}");
}

#[test]
fn the_detail_shows_every_answer_and_goes_to_the_neighbour() {
    let mut desk = Desk::board(Stub::of(50));
    desk.resize(120, 60);
    desk.press("j j enter");
    let frame = desk.frame();
    assert!(frame.contains("CoA-NAK Error-Cause=503"), "{frame}");
    assert!(frame.contains("201: 2001:db8:1:100::/56"), "{frame}");
    desk.press("n");
    assert!(desk.frame().contains("N-000003"));
    desk.press("q");
    assert!(desk.frame().contains("subscribers"));
}

#[test]
fn copying_takes_the_marks_or_the_row() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("y n");
    assert_eq!(desk.take_effects(), [Effect::Copy("N-000000".into())]);
    desk.press("space space y n");
    assert_eq!(desk.take_effects(), [Effect::Copy("N-000000\nN-000001".into())]);
    desk.press("esc y j");
    let Some(Effect::Copy(json)) = desk.take_effects().pop() else { panic!("copied") };
    assert!(serde_json::from_str::<noctule_domain::subscriber::SubscriberRow>(&json).is_ok());
}

#[test]
fn sort_and_columns_are_remembered() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press(":");
    desk.type_text("sort prefix desc");
    desk.press("enter");
    let saved = |desk: &mut Desk| {
        desk.take_effects().into_iter().rev().find_map(|e| match e {
            Effect::SavePreferences(p) => Some(p),
            _ => None,
        })
    };
    let preferences = saved(&mut desk).expect("saved");
    assert!(preferences.sort.is_some_and(|s| s.descending));
    desk.press(":");
    desk.type_text("columns prefix name");
    desk.press("enter");
    assert_eq!(saved(&mut desk).expect("saved").columns, ["prefix", "name"]);
    assert!(!desk.frame().contains("network "));
}

#[test]
fn an_age_is_redrawn_when_its_text_changes_and_not_before() {
    let mut desk = Desk::board(Stub::of(1));
    // The one row is 0 s old.
    desk.send(Msg::Tick(now() + Duration::seconds(61)));
    desk.app.take_dirty();
    desk.send(Msg::Tick(now() + Duration::seconds(62)));
    assert!(!desk.app.take_dirty());
    desk.send(Msg::Tick(now() + Duration::seconds(118)));
    assert!(!desk.app.take_dirty());
    desk.send(Msg::Tick(now() + Duration::seconds(120)));
    assert!(desk.app.take_dirty());
}

#[test]
fn marks_that_are_pages_away_are_asked_anew_before_they_go() {
    let mut desk = Desk::board(Stub::of(3000));
    desk.press("space space space G");
    // Meanwhile everybody was allocated.
    desk.stub.state = Some(noctule_domain::lifecycle::Ipv6State::Allocated);
    desk.send(Msg::Changed);
    desk.press("i c");
    assert!(desk.frame().contains("Activate 3 subscribers?"), "{}", desk.frame());
    desk.press("y");
    let effects = desk.take_effects();
    let Some(Effect::StartOperations { targets, .. }) = effects.last() else { panic!("begun: {}", effects.len()) };
    assert!(targets.iter().all(|t| t.expected_version == Some(4)), "with the versions of now");
    // More than a few are a job, of which the store looks at everybody anew.
    desk.press("M i c");
    assert!(desk.frame().contains("Activate 3,000 subscribers"), "{}", desk.frame());
}

#[test]
fn the_mouse_selects_opens_scrolls_and_changes_panes_when_it_is_on() {
    use crate::msg::{Mouse, MouseKind};
    let mut desk = Desk::board(Stub::of(500));
    let click = |desk: &mut Desk, column, row| desk.send(Msg::Mouse(Mouse { kind: MouseKind::Click, column, row }));
    click(&mut desk, 5, 8);
    assert_eq!(desk.app.panes.subscribers.loaded().1, Some(subscriber_id(0)), "off at first");
    desk.press("f2");
    click(&mut desk, 5, 8);
    assert_eq!(desk.app.panes.subscribers.loaded().1, Some(subscriber_id(4)));
    desk.send(Msg::Mouse(Mouse { kind: MouseKind::ScrollDown, column: 5, row: 8 }));
    assert_eq!(desk.app.panes.subscribers.loaded().1, Some(subscriber_id(7)));
    click(&mut desk, 54, 1);
    assert_eq!(desk.app.pane(), crate::panes::PaneId::Log);
    assert!(desk.frame().contains("mouse"));
}

#[test]
fn a_change_of_the_store_does_not_throw_the_operator_to_the_top() {
    let mut desk = Desk::board(Stub::of(20_000));
    for _ in 0..60 {
        desk.press("pagedown");
    }
    let before = desk.app.panes.subscribers.loaded().1;
    desk.send(Msg::Changed);
    assert_eq!(desk.app.panes.subscribers.loaded().1, before);
    // The first loaded row leaves the list: the store can only answer from its beginning.
    desk.stub.gone = desk.app.panes.subscribers.loaded().0.first().map(|row| (row.id.uuid().as_u128() & 0xffff_ffff) as u64);
    desk.send(Msg::Changed);
    assert_eq!(desk.app.panes.subscribers.loaded().1, before);
}

#[test]
fn keys_do_nothing_while_nothing_can_be_seen() {
    let mut desk = Desk::board(Stub::of(50));
    desk.resize(20, 5);
    desk.press("i a");
    assert_eq!(started(&desk.take_effects()), []);
    desk.press("ctrl-c");
    assert_eq!(desk.take_effects(), [Effect::Quit]);
}
