use super::*;

#[test]
fn digits_are_grouped() {
    assert_eq!(thousands(0), "0");
    assert_eq!(thousands(999), "999");
    assert_eq!(thousands(1_000), "1,000");
    assert_eq!(thousands(1_234_567), "1,234,567");
    assert_eq!(count(1, "task", "tasks"), "1 task");
}

#[test]
fn a_selection_stays_with_its_row_and_falls_to_its_neighbour() {
    let mut roll = Roll::default();
    roll.settle(&[1, 2, 3, 4], 10);
    assert_eq!(roll.id(), Some(1));
    roll.select(3, &[1, 2, 3, 4], 10);
    roll.settle(&[9, 8, 3, 1], 10);
    assert_eq!(roll.id(), Some(3));
    roll.settle(&[9, 8, 7], 10);
    assert_eq!(roll.id(), Some(7));
    roll.settle(&[], 10);
    assert_eq!(roll.id(), None);
    roll.settle(&[5], 10);
    assert_eq!(roll.id(), Some(5));
}

#[test]
fn words_narrow_and_a_minus_excludes() {
    let mut find = Find::default();
    find.set("Anna on_job");
    assert!(find.matches(&["anna li", "on_job"]));
    assert!(!find.matches(&["anna li", "available"]));
    find.set("-on_job");
    assert!(!find.matches(&["anna li", "on_job"]));
    assert!(find.matches(&["anna li"]));
    find.drop();
    assert!(find.is_empty() && find.matches(&[]));
}

#[test]
fn a_filter_value_with_blanks_is_quoted() {
    assert_eq!(filter_value("bng-3"), "bng-3");
    let filter = noctule_domain::filter::parse(&format!("nas:{}", filter_value("old \"box\" 7"))).expect("parses");
    assert_eq!(filter.terms[0].matcher, noctule_domain::filter::Matcher::Nas(vec!["old box 7".into()]));
}

#[test]
fn what_was_gone_to_and_never_came_is_said_once() {
    let mut roll = Roll::default();
    roll.settle(&[1, 2], 10);
    roll.select(7, &[1, 2], 10);
    assert_eq!(roll.id(), Some(1), "until it comes, nothing moves");
    assert_eq!((roll.lost(), roll.lost()), (Some(7), None));
    roll.select(7, &[1, 2], 10);
    roll.settle(&[1, 2, 7], 10);
    assert_eq!((roll.id(), roll.lost()), (Some(7), None));
}

#[test]
fn while_the_store_is_asked_a_pane_says_so() {
    for pane in ["1", "3", "4", "5", "6", "7"] {
        let mut app = crate::app::App::new(crate::testing::config());
        let mut effects = app.start();
        for key in crate::action::parse_sequence(pane).expect("a key") {
            effects.extend(crate::app::update(&mut app, crate::msg::Msg::Key(key)));
        }
        assert!(!effects.is_empty());
        let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(80, 24)).expect("a terminal");
        terminal.draw(|frame| crate::app::view(&app, app.look(), frame)).expect("a frame");
        assert!(crate::testing::text_of(terminal.backend().buffer()).contains("Asking the store"), "pane {pane}");
    }
}
