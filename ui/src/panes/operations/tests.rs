use crate::action::Action;
use crate::effect::Effect;
use crate::msg::Msg;
use crate::panes::PaneId;
use crate::panes::testing::{World, desk, scenes};
use crate::testing::{now, operation_id, subscriber_id};
use chrono::Duration;
use noctule_domain::lifecycle::{OperationKind, OperationStatus};

#[test]
fn the_list_as_it_is_drawn() {
    scenes("operations", "6", |desk| desk.press("right right j"));
}

#[test]
fn the_journal_as_it_is_drawn() {
    scenes("operations_journal", "6", |desk| desk.press("j enter"));
}

#[test]
fn what_is_open_comes_first_and_the_tabs_turn() {
    let mut desk = desk(World::normal(), "6");
    assert!(desk.frame().contains("[open 2]"), "{}", desk.frame());
    desk.press("right");
    assert!(desk.frame().contains("[failed 3]"), "{}", desk.frame());
    desk.press("right");
    assert!(desk.frame().contains("[all 7]"), "{}", desk.frame());
    desk.press("o");
    assert!(desk.frame().contains("[open 2]"), "{}", desk.frame());
}

#[test]
fn a_waiting_one_is_tried_now_and_a_running_one_not() {
    let mut desk = desk(World::normal(), "6");
    assert_eq!(desk.app.greyed(Action::OperationResume).as_deref(), Some("it is running"));
    desk.press("j t");
    assert_eq!(desk.take_effects(), [Effect::ResumeOperation(operation_id(1))]);
}

#[test]
fn cancelling_names_the_target_and_asks() {
    let mut desk = desk(World::normal(), "6");
    desk.press("j x");
    assert!(desk.frame().contains("Cancel revoke of N-0000162 Bjarne Holm?"), "{}", desk.frame());
    assert!(desk.take_effects().is_empty());
    desk.press("n x y");
    assert_eq!(desk.take_effects(), [Effect::CancelOperation(operation_id(1))]);
}

#[test]
fn a_failed_revoke_is_asked_for_again_and_keeps_its_options() {
    let mut desk = desk(World::normal(), "6");
    desk.press("/");
    desk.type_text("revoke");
    desk.press("enter right right j enter T");
    assert!(desk.frame().contains("Start revoke of N-0000166 Fatima Zahra again?"), "{}", desk.frame());
    desk.press("y");
    match desk.take_effects().as_slice() {
        [Effect::StartOperations { kind: OperationKind::Revoke, targets, options, .. }] => {
            assert_eq!(targets[0].subscriber, subscriber_id(5));
            assert_eq!(options.reason.as_ref().map(|r| r.as_str()), Some("moved away"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_succeeded_is_not_begun_again() {
    let mut desk = desk(World::normal(), "6");
    desk.press("right right /");
    desk.type_text("succeeded");
    desk.press("enter T");
    assert!(desk.take_effects().is_empty());
    assert_eq!(desk.app.greyed(Action::OperationRetry).as_deref(), Some("it succeeded"));
}

#[test]
fn the_journal_follows_the_selection_and_shows_every_try() {
    let mut desk = desk(World::normal(), "6");
    desk.resize(120, 40);
    desk.press("j");
    let frame = desk.frame();
    assert!(frame.contains("try 1") && frame.contains("try 2") && frame.contains("506 Resources"), "{frame}");
    desk.press("k");
    assert!(desk.frame().contains("under way for 4s"), "{}", desk.frame());
}

#[test]
fn the_countdown_is_drawn_when_it_changes_and_not_else() {
    let mut world = World::normal();
    // Nothing else on the screen may have a running age.
    world.operations.retain(|o| o.operation.status == OperationStatus::Waiting);
    let mut desk = desk(world, "6");
    assert!(desk.frame().contains("in 1m"), "{}", desk.frame());
    desk.app.take_dirty();
    desk.send(Msg::Tick(now() + Duration::seconds(1)));
    assert!(!desk.app.take_dirty());
    desk.send(Msg::Tick(now() + Duration::seconds(40)));
    assert!(desk.app.take_dirty());
    assert!(desk.frame().contains("in 35s"), "{}", desk.frame());
    desk.send(Msg::Tick(now() + Duration::seconds(41)));
    assert!(desk.app.take_dirty());
    assert!(desk.frame().contains("in 34s"), "{}", desk.frame());
}

#[test]
fn to_the_subscriber_and_back() {
    let mut desk = desk(World::normal(), "6");
    desk.press("g s");
    assert_eq!(desk.app.pane(), PaneId::Subscribers);
    desk.press("[");
    assert_eq!(desk.app.pane(), PaneId::Operations);
}

#[test]
fn an_operation_that_is_gone_is_said_to_be_gone() {
    let mut desk = desk(World::normal(), "2");
    if let Some(world) = &mut desk.stub.world {
        world.operations.clear();
    }
    // Row 16 of the board has a running operation that the list does not have.
    desk.press("/");
    desk.type_text("number:N-000016");
    desk.press("enter i o");
    assert_eq!(desk.app.pane(), PaneId::Operations);
    assert!(desk.frame().contains("this operation is not among those shown here"), "{}", desk.frame());
}
