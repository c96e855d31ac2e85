use crate::action::Action;
use crate::effect::Effect;
use crate::msg::Msg;
use crate::panes::PaneId;
use crate::panes::testing::{World, desk, scenes, technician_id};
use noctule_domain::geo::LatLng;

#[test]
fn the_map_as_it_is_drawn() {
    scenes("map", "5", |desk| desk.press("n"));
}

#[test]
fn the_map_with_its_legend() {
    scenes("map_legend", "5", |desk| desk.press("e"));
}

#[test]
fn a_search_selects_and_enter_opens() {
    let mut world = World::normal();
    world.technicians.clear();
    world.tasks.clear();
    let mut desk = desk(world, "5");
    desk.press("/");
    desk.type_text("bng-1");
    desk.press("enter");
    assert!(desk.frame().contains("NAS up"), "{}", desk.frame());
    desk.press("enter");
    assert_eq!(desk.app.pane(), PaneId::Network);
    desk.press("[");
    assert!(desk.frame().contains("NAS up"), "{}", desk.frame());
}

#[test]
fn a_cluster_opens_a_list_of_all_who_stand_there() {
    let mut world = World::normal();
    let here = LatLng { lat: 60.17, lng: 24.94 };
    for t in &mut world.technicians {
        if let Some(fix) = &mut t.fix {
            fix.at = here;
        }
    }
    world.tasks.clear();
    world.network.nases.clear();
    let mut desk = desk(world, "5");
    desk.press("n enter");
    let frame = desk.frame();
    assert!(frame.contains("20 stand here") && frame.contains("Aino Virtanen"), "{frame}");
    desk.press("enter");
    assert_eq!(desk.app.pane(), PaneId::Technicians);
}

#[test]
fn an_ended_task_is_shown_where_ended_ones_are_hidden() {
    let mut world = World::normal();
    world.technicians.clear();
    world.network.nases.clear();
    world.tasks.retain(|t| t.number.as_str() == "T-0006");
    let mut desk = desk(world, "5");
    assert_eq!(desk.app.greyed(Action::MapNext).as_deref(), Some("nothing here has a position"));
    desk.press("o e n enter");
    assert_eq!(desk.app.pane(), PaneId::Tasks);
    let frame = desk.frame();
    assert!(frame.contains("T-0006") && frame.contains("1 ended, shown") && !frame.contains("not among"), "{frame}");
}

#[test]
fn layers_are_toggled_and_fit_shows_what_is_left() {
    let mut desk = desk(World::normal(), "5");
    desk.press("o n");
    assert!(desk.frame().contains("hidden: NASes"), "{}", desk.frame());
    desk.press("0");
    assert!(desk.app.greyed(Action::MapFit).is_none());
}

#[test]
fn the_marker_is_remembered() {
    let mut desk = desk(World::normal(), "5");
    desk.press("d");
    assert!(desk.take_effects().iter().any(|e| matches!(e, Effect::SavePreferences(p) if p.map_marker == "block")));
    let braille = |c: char| ('\u{2801}'..='\u{28ff}').contains(&c);
    let blocks = desk.frame();
    assert!(!blocks.chars().any(braille), "{blocks}");
    assert!(blocks.chars().any(|c| ('\u{2596}'..='\u{259f}').contains(&c)), "{blocks}");
    desk.press("d d");
    assert!(desk.frame().chars().any(braille));
    assert!(desk.take_effects().iter().any(|e| matches!(e, Effect::SavePreferences(p) if p.map_marker == "braille")));
}

#[test]
fn a_pan_by_one_cell_moves_less_than_a_jump_and_both_end_following() {
    let mut desk = desk(World::normal(), "5");
    let first = desk.frame();
    desk.press("L");
    let cell = desk.frame();
    desk.press("H");
    assert_eq!(desk.frame(), first, "one cell there and back");
    desk.press("right");
    assert_ne!(desk.frame(), cell);
    desk.press("left up down left right");
    assert_ne!(cell, first);
}

#[test]
fn a_followed_technician_stays_on_the_screen() {
    let mut desk = desk(World::normal(), "5");
    desk.press("/");
    desk.type_text("aino");
    desk.press("enter F + + +");
    assert!(desk.frame().contains("followed"), "{}", desk.frame());
    if let Some(world) = &mut desk.stub.world
        && let Some(t) = world.technicians.iter_mut().find(|t| t.id == technician_id(0))
        && let Some(fix) = &mut t.fix
    {
        fix.at = LatLng { lat: 61.5, lng: 23.8 };
    }
    desk.send(Msg::Changed);
    let frame = desk.frame();
    assert!(frame.contains("followed") && frame.matches("Aino").count() > 1, "{frame}");
    desk.press("left");
    assert!(!desk.frame().contains("followed"), "a pan ends it");
}

#[test]
fn the_same_answer_draws_nothing() {
    let mut desk = desk(World::normal(), "5");
    desk.app.take_dirty();
    desk.send(Msg::Changed);
    assert!(!desk.app.take_dirty());
}
