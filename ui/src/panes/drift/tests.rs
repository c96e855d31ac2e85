use crate::action::Action;
use crate::effect::Effect;
use crate::msg::Msg;
use crate::panes::testing::{World, desk, scenes};
use crate::testing::now;
use chrono::Duration;
use noctule_domain::drift::CheckProgress;
use noctule_domain::drift::DriftView;

#[test]
fn the_list_as_it_is_drawn() {
    scenes("drift", "0", |desk| desk.press("j"));
}

#[test]
fn a_finding_with_both_sides_as_it_is_drawn() {
    scenes("drift_detail", "0", |desk| desk.press("enter"));
}

fn progress(done: u64) -> Option<CheckProgress> {
    Some(CheckProgress { started_at: now() - Duration::seconds(60), phase: "NetBox".into(), done, total: 40_000, suspected: 12 })
}

#[test]
fn a_running_check_as_it_is_drawn() {
    scenes("drift_checking", "0", |desk| {
        desk.send(Msg::Drift { progress: progress(10_000), critical: 3 });
    });
}

#[test]
fn never_checked_checking_and_nothing_found_are_told_apart() {
    let mut world = World::normal();
    world.drift = DriftView::default();
    let mut never = desk(world.clone(), "0");
    assert!(never.frame().contains("No check has ended on this machine yet."), "{}", never.frame());
    never.send(Msg::Drift { progress: progress(1), critical: 0 });
    assert!(never.frame().contains("The first check of this machine is running."), "{}", never.frame());
    world.drift.last = World::normal().drift.last;
    let nothing = desk(world, "0");
    assert!(nothing.frame().contains("Nothing stands, as far as it could be read."), "{}", nothing.frame());
}

#[test]
fn the_progress_tells_how_long_it_will_take() {
    let mut desk = desk(World::normal(), "0");
    desk.resize(120, 40);
    desk.send(Msg::Drift { progress: progress(10_000), critical: 1 });
    assert!(desk.frame().contains("3m left"), "{}", desk.frame());
    assert_eq!(desk.app.greyed(Action::DriftCheck).as_deref(), Some("a check is running; X stops it"));
    desk.press("X");
    assert_eq!(desk.take_effects(), [Effect::DriftStop]);
}

#[test]
fn a_harmless_repair_is_one_key_and_a_dangerous_one_asks() {
    let mut desk = desk(World::normal(), "0");
    // Sorted as the store gives them: the leak first.
    desk.press("f");
    assert!(desk.frame().contains("Repair leaked prefix of NetBox 4711: put to rest?"), "{}", desk.frame());
    assert!(desk.frame().contains("to deprecated, then delete it after"), "{}", desk.frame());
    assert!(desk.take_effects().is_empty());
    desk.press("y");
    assert_eq!(desk.take_effects(), [Effect::DriftRepair { keys: vec!["prefix_leaked/netbox:4711".into()] }]);
    desk.press("/");
    desk.type_text("status_edited");
    desk.press("enter f");
    assert!(matches!(desk.take_effects().as_slice(), [Effect::DriftRepair { keys }] if keys.len() == 1));
}

#[test]
fn all_of_a_kind_are_repaired_after_their_number_was_said() {
    let mut desk = desk(World::normal(), "0");
    desk.press("/");
    desk.type_text("status_edited");
    desk.press("enter F");
    assert!(desk.frame().contains("Repair 3 of 'status edited': reconcile?"), "{}", desk.frame());
    desk.press("y");
    assert!(matches!(desk.take_effects().as_slice(), [Effect::DriftRepair { keys }] if keys.len() == 3));
}

#[test]
fn what_nobody_can_know_is_left_to_a_person() {
    let mut desk = desk(World::normal(), "0");
    desk.press("/");
    desk.type_text("prefix_stranger");
    desk.press("enter");
    let why = desk.app.greyed(Action::DriftRepair).expect("greyed");
    assert!(why.contains("enter says what to do"), "{why}");
}

#[test]
fn a_dismissal_wants_a_reason_and_can_be_taken_back() {
    let mut desk = desk(World::normal(), "0");
    desk.press("d enter");
    assert!(desk.take_effects().is_empty(), "no reason, no dismissal");
    desk.type_text("known, ticket 7");
    desk.press("enter");
    assert!(matches!(desk.take_effects().as_slice(), [Effect::DriftDismiss { why: Some(why), .. }] if why.as_str() == "known, ticket 7"));
    desk.press("left d");
    assert!(matches!(desk.take_effects().as_slice(), [Effect::DriftDismiss { why: None, .. }]));
}

#[test]
fn the_header_says_when_something_is_critical() {
    let mut desk = desk(World::normal(), "1");
    desk.resize(120, 40);
    desk.send(Msg::Drift { progress: None, critical: 3 });
    assert!(desk.frame().contains("3 drift"), "{}", desk.frame());
}
