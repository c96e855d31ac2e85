//! Operations from the command line, where no upstream can be reached.

use crate::support::Home;

#[test]
fn an_operation_is_found_by_the_end_of_its_id_as_the_sentences_show_it() {
    let home = Home::filled();
    let ended = home.run(&["ipv6", "allocate", "S-1", "--json"]).json();
    let id = ended["operation"]["operation"]["id"].as_str().unwrap().to_owned();
    let whole = home.run(&["operations", "show", &id]).ends(0).out;
    assert!(whole.contains(&id), "{whole}");
    assert_eq!(home.run(&["operations", "show", &id[28..]]).ends(0).out, whole);
    assert_eq!(home.run(&["operations", "show", &id[28..].to_uppercase()]).ends(0).out, whole);
    let other = if id.ends_with("000000") { "111111" } else { "000000" };
    let gone = home.run(&["operations", "cancel", other]).ends(3);
    assert!(gone.err.contains("ends in"), "{}", gone.err);
    for wrong in ["123", "nothing", "\u{1b}[31m"] {
        let ran = home.run(&["operations", "show", wrong]).ends(2);
        assert!(ran.err.contains("its last eight characters") && !ran.err.contains('\u{1b}'), "{}", ran.err);
    }
}

#[test]
fn an_operation_whose_secret_can_not_be_read_never_left_and_says_so_by_its_code() {
    let home = Home::filled();
    let ran = home.run(&["ipv6", "suspend", "S-2"]).ends(7);
    assert!(ran.out.contains("BNG2_SECRET") && ran.out.contains("active"), "{}", ran.out);
}

#[test]
fn a_suspend_without_a_nas_does_not_say_that_anybody_stopped() {
    let home = Home::filled();
    home.import("subscribers", "subscriber_number,username,full_name,mode,ipv6_state,prefix\nS-7,g@isp,Gus,pd,active,2001:db8:7::/56\n")
        .ends(0);
    let ran = home.run(&["ipv6", "suspend", "S-7"]).ends(7);
    assert!(ran.out.contains("no NAS is registered"), "{}", ran.out);
    assert!(home.run(&["ipv6", "status", "S-7"]).ends(0).out.contains("active"));
}

#[test]
fn with_nothing_open_there_is_nothing_to_resume() {
    let home = Home::filled();
    assert!(home.run(&["operations", "resume", "--all"]).ends(0).out.contains("no operation is open"));
}
