use crate::action::Action;
use crate::effect::Effect;
use crate::msg::Msg;
use crate::panes::PaneId;
use crate::panes::testing::{World, desk, scenes};
use crate::testing::now;
use chrono::Duration;

#[test]
fn the_list_as_it_is_drawn() {
    scenes("technicians", "3", |desk| desk.press("j j"));
}

#[test]
fn the_detail_as_it_is_drawn() {
    scenes("technicians_detail", "3", |desk| desk.press("j enter"));
}

#[test]
fn typing_narrows_and_escape_shows_everyone() {
    let mut desk = desk(World::normal(), "3");
    desk.press("/");
    desk.type_text("on_job carmen");
    desk.press("enter");
    let frame = desk.frame();
    assert!(frame.contains("/on_job carmen") && frame.contains(" of 24"), "{frame}");
    assert!(!frame.contains("Aino"), "{frame}");
    desk.press("esc");
    assert!(desk.frame().contains("Aino"));
}

#[test]
fn the_selection_stays_with_the_person_when_the_order_changes() {
    let mut desk = desk(World::normal(), "3");
    desk.press("j j j y i");
    let before = desk.take_effects();
    desk.press("s t");
    desk.press("y i");
    let after: Vec<_> = desk.take_effects();
    assert!(before.iter().any(|e| matches!(e, Effect::Copy(_))));
    assert_eq!(before, after);
    if let Some(world) = &mut desk.stub.world {
        world.technicians.reverse();
        world.technicians.truncate(23);
    }
    desk.send(Msg::Changed);
    desk.press("y i");
    assert_eq!(desk.take_effects(), before);
}

#[test]
fn on_the_map_and_to_the_tasks() {
    let mut desk = desk(World::normal(), "3");
    desk.press("g m");
    assert_eq!(desk.app.pane(), PaneId::Map);
    assert!(desk.frame().contains("Aino Virtanen"), "{}", desk.frame());
    desk.press("[ t");
    assert_eq!(desk.app.pane(), PaneId::Tasks);
    assert!(desk.frame().contains("only of Aino"), "{}", desk.frame());
}

#[test]
fn without_a_position_the_map_is_greyed() {
    let mut world = World::normal();
    world.technicians.iter_mut().for_each(|t| t.fix = None);
    let desk = desk(world, "3");
    assert_eq!(desk.app.greyed(Action::ShowOnMap).as_deref(), Some("no position was received"));
}

#[test]
fn fresh_positions_cost_no_frame_each_second() {
    let mut world = World::normal();
    for t in &mut world.technicians {
        if let Some(fix) = &mut t.fix {
            fix.device_time = now() - Duration::seconds(5);
        }
    }
    let mut desk = desk(world, "3");
    desk.app.take_dirty();
    desk.send(Msg::Tick(now() + Duration::seconds(1)));
    assert!(!desk.app.take_dirty());
    desk.send(Msg::Tick(now() + Duration::seconds(116)));
    assert!(desk.app.take_dirty(), "the minute changed");
    assert!(!desk.frame().contains("fresh"), "{}", desk.frame());
}
