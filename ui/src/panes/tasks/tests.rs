use crate::action::Action;
use crate::app::AppConfig;
use crate::effect::Effect;
use crate::panes::PaneId;
use crate::panes::testing::{World, desk, scenes, task_id, technician_id};
use crate::testing::{Desk, Stub, config};
use noctule_domain::permission::Role;
use noctule_domain::task::TaskStatus;

#[test]
fn the_list_as_it_is_drawn() {
    scenes("tasks", "4", |desk| desk.press("j j"));
}

#[test]
fn the_board_as_it_is_drawn() {
    scenes("tasks_board", "4", |desk| desk.press("b right right right j"));
}

#[test]
fn the_detail_as_it_is_drawn() {
    scenes("tasks_detail", "4", |desk| desk.press("j j j enter"));
}

#[test]
fn the_picker_as_it_is_drawn() {
    scenes("tasks_assign", "4", |desk| desk.press("a down"));
}

/// On the tasks, in a role.
fn as_role(role: Role, actor: &str) -> Desk {
    let mut stub = Stub::of(10);
    stub.world = Some(World::normal());
    let base = config();
    let mut desk = Desk::with(AppConfig { role, actor: actor.into(), ..base }, stub);
    desk.press("4");
    desk.take_effects();
    desk
}

fn go(desk: &mut Desk, number: &str) {
    desk.press("/");
    desk.type_text(number);
    desk.press("enter");
}

#[test]
fn a_dispatcher_changes_a_status_through_the_menu() {
    let mut desk = as_role(Role::Dispatcher, "dora");
    // Assigned.
    go(&mut desk, "T-0002");
    desk.press("m i");
    assert_eq!(
        desk.take_effects(),
        [Effect::SetTaskStatus { task: task_id(2), expected_version: 5, to: TaskStatus::InProgress, reason: None }]
    );
}

#[test]
fn a_block_is_asked_for_its_reason_and_not_sent_without() {
    let mut desk = as_role(Role::Dispatcher, "dora");
    go(&mut desk, "T-0002");
    desk.press("m b enter");
    assert!(desk.take_effects().is_empty(), "no reason yet");
    desk.type_text("no key");
    desk.press("enter");
    let sent = desk.take_effects();
    assert_eq!(
        sent,
        [Effect::SetTaskStatus { task: task_id(2), expected_version: 5, to: TaskStatus::Blocked, reason: Some("no key".into()) }]
    );
}

#[test]
fn what_may_not_follow_is_greyed_with_its_reason() {
    let mut desk = as_role(Role::Dispatcher, "dora");
    // Ready, nobody has it.
    go(&mut desk, "T-0001");
    desk.press("m");
    assert!(desk.frame().contains("needs a technician: assign one first"), "{}", desk.frame());
    desk.press("a");
    assert!(desk.take_effects().is_empty());
}

#[test]
fn a_technician_is_picked_by_typing() {
    let mut desk = as_role(Role::Dispatcher, "dora");
    go(&mut desk, "T-0001");
    desk.press("a");
    desk.type_text("eero e-004");
    desk.press("enter");
    // E-004 is unavailable: nothing goes.
    assert!(desk.take_effects().is_empty());
    desk.press("esc a");
    desk.type_text("e-000");
    desk.press("enter");
    assert_eq!(desk.take_effects(), [Effect::AssignTask { task: task_id(1), expected_version: 5, technician: Some(technician_id(0)) }]);
    assert!(!desk.frame().contains("Assign T-0001"));
}

#[test]
fn unassigning_names_nobody() {
    let mut desk = as_role(Role::Dispatcher, "dora");
    go(&mut desk, "T-0002");
    desk.press("A");
    assert_eq!(desk.take_effects(), [Effect::AssignTask { task: task_id(2), expected_version: 5, technician: None }]);
    desk.press("esc");
    go(&mut desk, "T-0001");
    assert_eq!(desk.app.greyed(Action::TaskUnassign).as_deref(), Some("nobody has it"));
}

#[test]
fn a_technician_changes_only_own_tasks() {
    let mut desk = as_role(Role::Technician, "carmen de la cruz y montoya");
    go(&mut desk, "T-0002");
    assert_eq!(desk.app.greyed(Action::TaskStatus), None, "Carmen has it");
    desk.press("esc");
    go(&mut desk, "T-0003");
    assert!(desk.app.greyed(Action::TaskStatus).is_some_and(|why| why.contains("it is the task of")));
    assert!(desk.app.greyed(Action::TaskAssign).is_some_and(|why| why.contains("field.write")));
}

#[test]
fn a_viewer_changes_nothing() {
    let mut desk = as_role(Role::Viewer, "vera");
    desk.press("m a A");
    assert!(desk.take_effects().is_empty());
}

#[test]
fn ended_tasks_are_hidden_until_asked_for() {
    let mut desk = desk(World::normal(), "4");
    assert!(!desk.frame().contains("completed"));
    desk.press("o s s S g g");
    assert!(desk.frame().contains("completed"), "{}", desk.frame());
}

#[test]
fn the_columns_of_the_board_follow_the_selection() {
    let mut desk = desk(World::normal(), "4");
    desk.press("b");
    assert!(!desk.frame().contains("paused"), "{}", desk.frame());
    desk.press("right right right right right right right");
    assert!(desk.frame().contains("paused"), "{}", desk.frame());
    desk.press("enter");
    assert!(desk.frame().contains("Status       "), "{}", desk.frame());
    desk.press("q");
    assert_eq!(desk.app.pane(), PaneId::Tasks);
}

#[test]
fn to_the_subscriber_and_the_map() {
    let mut desk = desk(World::normal(), "4");
    go(&mut desk, "T-0003");
    desk.press("g s");
    assert_eq!(desk.app.pane(), PaneId::Subscribers);
    desk.press("[ g m");
    assert_eq!(desk.app.pane(), PaneId::Map);
    assert!(desk.frame().contains("T-0003"), "{}", desk.frame());
}
