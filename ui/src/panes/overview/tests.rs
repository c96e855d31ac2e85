use crate::action::Action;
use crate::panes::PaneId;
use crate::panes::testing::{World, desk, scenes};

#[test]
fn the_overview_as_it_is_drawn() {
    scenes("overview", "1", |desk| desk.press("j"));
}

#[test]
fn enter_on_a_state_opens_the_board_with_its_filter() {
    let mut desk = desk(World::normal(), "1");
    // Two alerts, then the states: pending, allocated, active.
    desk.press("j j j j enter");
    assert_eq!(desk.app.pane(), PaneId::Subscribers);
    assert!(desk.frame().contains("state:active"), "{}", desk.frame());
}

#[test]
fn an_alert_leads_to_its_rows_and_one_without_a_filter_says_so() {
    let mut desk = desk(World::normal(), "1");
    // The critical one stands first; no filter stands behind it.
    assert!(desk.app.greyed(Action::OpenAlert).is_some());
    desk.press("enter");
    assert_eq!(desk.app.pane(), PaneId::Overview);
    desk.press("j enter");
    assert_eq!(desk.app.pane(), PaneId::Subscribers);
    assert!(desk.frame().contains("state:revoking age:>1h"), "{}", desk.frame());
}

#[test]
fn operations_and_the_field_lead_to_their_panes() {
    let mut desk = desk(World::normal(), "1");
    desk.press("j j j j j j j j j enter");
    assert_eq!(desk.app.pane(), PaneId::Operations);
    desk.press("1 G enter");
    assert_eq!(desk.app.pane(), PaneId::Technicians);
    assert!(desk.frame().contains("/unavailable"), "{}", desk.frame());
}

#[test]
fn what_the_network_has_not_proved_leads_to_those_subscribers() {
    let mut desk = desk(World::normal(), "1");
    desk.press("j j j j j j j j j j j j enter");
    assert_eq!(desk.app.pane(), PaneId::Subscribers);
    assert!(desk.frame().contains("matching enforcement:acknowledged age:<24h"), "{}", desk.frame());
    desk.press("1 j enter");
    assert!(desk.frame().contains("matching enforcement:unanswered"), "{}", desk.frame());
}

#[test]
fn on_a_wide_screen_left_and_right_change_the_column() {
    let mut desk = desk(World::normal(), "1");
    desk.resize(120, 40);
    desk.press("g g right enter");
    assert_eq!(desk.app.pane(), PaneId::Overview, "the critical alert has no rows");
    desk.press("left enter");
    assert_eq!(desk.app.pane(), PaneId::Subscribers);
    assert!(desk.frame().contains("state:pending"), "{}", desk.frame());
}

#[test]
fn an_answer_that_says_nothing_new_draws_nothing() {
    let mut desk = desk(World::normal(), "1");
    desk.app.take_dirty();
    desk.send(crate::msg::Msg::Changed);
    assert!(!desk.app.take_dirty());
    if let Some(world) = &mut desk.stub.world {
        world.overview.waiting = 7;
    }
    desk.send(crate::msg::Msg::Changed);
    assert!(desk.app.take_dirty());
}
