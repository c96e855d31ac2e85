use crate::action::Action;
use crate::effect::Effect;
use crate::panes::PaneId;
use crate::panes::testing::{World, desk, nas_id, scenes};

#[test]
fn the_network_as_it_is_drawn() {
    scenes("network", "7", |desk| desk.press("j j j j"));
}

#[test]
fn enter_on_a_pool_and_on_a_nas_leads_to_their_subscribers() {
    let mut desk = desk(World::normal(), "7");
    desk.press("enter");
    assert_eq!(desk.app.pane(), PaneId::Subscribers);
    assert!(desk.frame().contains("prefix:2001:db8:100::/40"), "{}", desk.frame());
    desk.press("7 right enter");
    assert!(desk.frame().contains("nas:bng-0"), "{}", desk.frame());
}

#[test]
fn a_nas_is_probed_and_a_disabled_one_not() {
    let mut desk = desk(World::normal(), "7");
    assert_eq!(desk.app.greyed(Action::NasProbe).as_deref(), Some("select a NAS"));
    desk.press("right j p");
    assert_eq!(desk.take_effects(), [Effect::ProbeNas(nas_id(1))]);
    desk.press("G");
    assert_eq!(desk.app.greyed(Action::NasProbe).as_deref(), Some("this NAS is disabled"));
}

#[test]
fn what_a_probe_of_a_silent_nas_showed_as_it_is_drawn() {
    scenes("network_probe", "7", |desk| desk.press("right j j j d"));
}

#[test]
fn the_detail_opens_scrolls_and_closes() {
    let mut desk = desk(World::normal(), "7");
    desk.press("right j j j d");
    assert!(desk.frame().contains("bng-3 did not answer") && !desk.frame().contains("bng-0"), "{}", desk.frame());
    desk.press("G");
    assert!(desk.frame().contains("all three without a word"), "{}", desk.frame());
    desk.press("p");
    assert_eq!(desk.take_effects(), [Effect::ProbeNas(nas_id(3))]);
    desk.press("esc");
    assert!(desk.frame().contains("bng-0"), "{}", desk.frame());
    // Another row begins at its top.
    desk.press("d G d k d");
    assert!(desk.frame().contains("bng-2  juniper at"), "{}", desk.frame());
}

#[test]
fn pools_are_read_anew_by_a_key() {
    let mut desk = desk(World::normal(), "7");
    desk.press("P");
    assert_eq!(desk.take_effects(), [Effect::RefreshPools]);
}

#[test]
fn a_copied_nas_says_nothing_of_its_secret() {
    let mut desk = desk(World::normal(), "7");
    desk.press("right y j");
    match desk.take_effects().as_slice() {
        [Effect::Copy(json)] => {
            assert!(json.contains("bng-0"));
            assert!(!json.contains("secret") && !json.contains("NEVER"), "{json}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn words_narrow_both_sections() {
    let mut desk = desk(World::normal(), "7");
    desk.press("/");
    desk.type_text("silent");
    desk.press("enter");
    let frame = desk.frame();
    assert!(frame.contains("no pool matches") && frame.contains("bng-3") && !frame.contains("bng-0"), "{frame}");
}
