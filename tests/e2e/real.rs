//! The console against a NetBox and a NAS that are processes of their own: what the screen says has happened there.

use crate::support::{Home, Term, Upstreams, title};

#[test]
fn every_step_of_a_life_reaches_netbox_and_the_nas() {
    let home = Home::ready();
    let sims = Upstreams::start(&home, "ack");
    let term = Term::console(&home, "console", "noctule");
    term.open("S-1");

    term.operate(&["i", "a"], "allocated");
    assert_eq!(sims.netbox.status(), "reserved");
    let stored = sims.netbox.delegated().remove(0);
    let (prefix, id) = (stored["prefix"].as_str().unwrap().to_owned(), stored["id"].to_string());
    let screen = term.screen();
    assert!(title(&screen).contains(&prefix), "{prefix}: {}", title(&screen));
    assert!(screen.lines().any(|line| line.contains("NetBox id") && line.contains(&id)), "{id}: {screen}");
    let operations = home.run(&["operations", "list", "--json"]).ends(0).json();
    assert_eq!(stored["custom_fields"]["operation_id"], operations[0]["id"], "the operation stands in NetBox");

    term.operate(&["i", "c"], "active");
    assert_eq!(sims.netbox.status(), "active");
    term.operate(&["i", "s"], "suspended");
    assert_eq!(sims.nas.answers(44), 1, "one CoA was acknowledged");
    term.operate(&["i", "r"], "active");
    assert_eq!(sims.nas.answers(44), 2);

    // A revoke asks first, and "no" changes nothing anywhere.
    term.keys(&["i", "v"]);
    term.wait_for("Revoke S-1");
    term.keys(&["n"]);
    term.wait("the question gone", |screen| !screen.contains("y yes"));
    assert_eq!((sims.netbox.status().as_str(), sims.nas.answers(41)), ("active", 0));
    term.keys(&["i", "v"]);
    term.wait_for("y yes");
    term.operate(&["y"], "revoked");
    assert_eq!(sims.nas.answers(41), 1, "the Disconnect was acknowledged");
    assert_eq!(sims.netbox.status(), "deprecated", "and the prefix rests");
    assert_eq!(home.status(&[], "S-1")["ipv6"]["state"], "revoked");

    // One that delegates no prefix is refused in words, and nothing leaves.
    term.keys(&["Escape"]);
    // Escape and the next key in one read would be that key with Alt.
    term.wait("the board again", |screen| screen.contains("matching"));
    term.open("S-4");
    term.keys(&["i", "a"]);
    term.wait_for("delegates no prefix");
    assert_eq!(sims.netbox.delegated().len(), 1);
    term.quit();
}

#[test]
fn what_the_nas_refuses_is_said_with_its_cause_and_nothing_is_released() {
    let home = Home::ready();
    let sims = Upstreams::start(&home, "nak:501");
    let term = Term::console(&home, "console", "noctule");
    term.open("S-2");
    term.operate(&["i", "a"], "allocated");
    term.operate(&["i", "c"], "active");
    term.keys(&["i", "s"]);
    let screen = term.wait_for("suspend refused");
    assert!(screen.contains("501 Administratively Prohibited"), "{screen}");
    assert!(title(&screen).contains("active") && title(&screen).contains("refused"), "still active: {}", title(&screen));
    term.keys(&["i", "v"]);
    term.wait_for("y yes");
    term.operate(&["y"], "revoking");
    term.wait_for("revoke refused");
    assert_eq!(sims.netbox.status(), "active", "not released before the NAS confirms");
    assert_eq!(sims.nas.answers(41), 0);
    assert!(sims.nas.answers(42) > 0 && sims.nas.answers(45) > 0);
    term.quit();
}

#[test]
fn a_console_killed_while_netbox_works_is_taken_over_by_the_next_with_one_prefix_and_no_more() {
    let home = Home::ready();
    let sims = Upstreams::start(&home, "ack");
    let term = Term::console(&home, "console", "noctule");
    term.open("S-3");
    sims.netbox.stop();
    term.keys(&["i", "a"]);
    term.wait("a request under way", |screen| screen.contains("netbox_allocate") && screen.contains("started"));
    term.kill();
    assert_eq!(home.status(&[], "S-3")["ipv6"]["state"], "pending");
    sims.netbox.go_on();
    // Nobody could give the terminal back; a shell can.
    term.line("reset; clear; noctule");
    term.wait_for("1 Overview");
    term.open("S-3");
    let screen = term.wait("the operation finished", |screen| title(screen).contains("allocated") && screen.contains("allocate succeeded"));
    let prefixes = sims.netbox.delegated();
    assert_eq!(prefixes.len(), 1, "{prefixes:?}");
    assert!(title(&screen).contains(prefixes[0]["prefix"].as_str().unwrap()), "{screen}");
    term.quit();
    assert_eq!(home.run(&["audit", "verify", "--json"]).ends(0).json()["intact"], true);
}
