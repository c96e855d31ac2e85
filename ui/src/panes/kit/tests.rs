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
