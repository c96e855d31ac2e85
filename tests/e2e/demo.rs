//! `noctule demo`: the whole life of a prefix by keys, what stays, what goes.

use crate::support::{Home, Term, title, until};
use serde_json::Value;

/// The first subscriber of the board.
fn first(screen: &str) -> Option<String> {
    screen
        .lines()
        .skip(4)
        .map(str::trim)
        .find(|line| line.starts_with("N-"))
        .and_then(|line| line.split_whitespace().next().map(str::to_owned))
}

#[test]
fn a_pending_subscriber_is_taken_through_the_whole_life_by_keys_and_the_store_tells_the_same() {
    let home = Home::empty();
    let term = Term::new(&home, "story", 120, 40);
    term.line("noctule demo --keep kept; echo \"left with $?\"");
    term.wait_for("1 Overview");
    // bng-1 is the NAS that follows the RFC; the session is live, so every step is told to it.
    let filter = "state:pending session:yes mode:pd,dual_stack nas:bng-1";
    term.filter(filter);
    let board = term.wait("pending subscribers only", |screen| first(screen).is_some() && !screen.contains("active"));
    let number = first(&board).unwrap();
    term.keys(&["Enter"]);
    term.wait("the subscriber, pending", |screen| title(screen).starts_with(&number) && title(screen).contains("pending"));

    let screen = term.operate(&["i", "a"], "allocated");
    assert!(title(&screen).contains("2001:db8:"), "the prefix stands in the title: {}", title(&screen));
    term.wait("the answer of NetBox", |screen| screen.contains("allocate succeeded") && screen.contains("(201)"));
    let screen = term.operate(&["i", "c"], "active");
    assert!(title(&screen).contains("acknowledged"), "{}", title(&screen));
    term.wait("the ACK of the NAS", |screen| screen.contains("activate succeeded") && screen.contains("ACK, "));
    term.operate(&["i", "s"], "suspended");
    term.wait_for("suspend succeeded");
    term.operate(&["i", "r"], "active");
    term.wait_for("resume succeeded");
    term.keys(&["i", "v"]);
    term.wait("the question, with the target", |screen| screen.contains(&format!("Revoke {number}")) && screen.contains("y yes"));
    let screen = term.operate(&["y"], "revoked");
    assert!(screen.contains("deprecated in NetBox"), "{screen}");
    // The board says it too, and the filter for pending ones has let it go.
    term.keys(&["Escape"]);
    term.wait("the board without it", |screen| screen.contains("matching") && !screen.contains(&number));
    term.filter(number.as_str());
    term.wait("the board with the new state", |screen| screen.lines().any(|l| l.trim().starts_with(&number) && l.contains("revoked")));
    term.quit();
    term.wait_for("left with 0");

    let kept = ["--config", "kept/config.toml"];
    let status = home.status(&kept, &number);
    assert_eq!(status["ipv6"]["state"], "revoked");
    assert_eq!(status["ipv6"]["enforcement"], "acknowledged", "the Disconnect was confirmed");
    for moment in ["allocated_at", "activated_at", "suspended_at", "resumed_at", "revoked_at", "hold_until"] {
        assert!(status["ipv6"][moment].is_string(), "{moment}: {status}");
    }
    let list = home.run(&[&kept[..], &["operations", "list", "--subscriber", &number, "--json"]].concat()).ends(0).json();
    let words = |view: &Value| {
        let operation = &view["operation"];
        format!("{} {}", operation["kind"].as_str().unwrap(), operation["status"].as_str().unwrap())
    };
    let mut operations: Vec<String> = list.as_array().unwrap().iter().map(words).collect();
    operations.reverse();
    assert_eq!(operations, ["allocate", "activate", "suspend", "resume", "revoke"].map(|kind| format!("{kind} succeeded")));
    let steps = list[0]["steps"].as_array().unwrap();
    let taken: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        taken,
        ["aaa_write", "nas_disconnect", "netbox_deprecate"],
        "no login gets it, the NAS has confirmed, and only then it is released"
    );
    let audit = home.run(&[&kept[..], &["audit", "verify", "--json"]].concat()).ends(0).json();
    assert_eq!(audit["intact"], true);
    // A second demo does not write over it.
    assert!(home.run(&["demo", "--keep", "kept"]).ends(2).err.contains("holds a demo already"));
}

#[test]
fn leaving_a_demo_leaves_nothing_behind_however_it_is_left() {
    for ending in ["keys", "TERM", "HUP"] {
        let home = Home::empty();
        let term = Term::console(&home, "demo", "noctule demo --subscribers 200");
        assert!(home.scratch().iter().any(|name| name.starts_with("noctule-demo-")), "{:?}", home.scratch());
        if ending == "keys" {
            term.quit()
        } else {
            term.signal(ending)
        }
        term.is_restored();
        until("an empty scratch folder", || home.scratch().is_empty().then_some(()), || format!("{ending}: {:?}", home.scratch()));
        for left in ["config", "data", "state"] {
            assert!(!home.path(left).exists(), "{ending}: the demo made {left}");
        }
    }
}

#[test]
fn a_filter_typed_in_one_go_shows_its_own_rows_every_time() {
    let home = Home::empty();
    let term = Term::console(&home, "demo", "noctule demo --subscribers 2000");
    for round in 0..6 {
        for state in ["pending", "suspended", "revoked", "allocated"] {
            let filter = format!("state:{state} mode:pd,dual_stack");
            term.filter(&filter);
            let rows = |screen: &str| -> Vec<String> {
                screen.lines().skip(4).map(str::trim).filter(|line| line.starts_with("N-")).map(str::to_owned).collect()
            };
            term.wait(&format!("round {round}: rows of {filter}"), |screen| {
                let rows = rows(screen);
                // The last line names the selected row and has no state.
                let shown = rows.len().saturating_sub(1);
                !screen.contains("not refreshed") && shown > 5 && rows[..shown].iter().all(|row| row.contains(state))
            });
            term.keys(&["/"]);
            term.wait_for("enter accept");
            term.keys(&["C-u", "Enter"]);
            term.wait("all rows", |screen| !screen.contains("matching"));
        }
    }
}

#[test]
fn a_recording_is_private_and_replays_what_was_seen() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::ready();
    home.import("nas", "name,address,secret\nbng-1,192.0.2.1,env:NOWHERE\n");
    home.import("subscribers", crate::support::SUBSCRIBERS);
    let term = Term::console(&home, "record", "noctule --record session.jsonl");
    term.open("S-2");
    term.quit();
    let mode = std::fs::metadata(home.path("session.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let frames = home.run(&["replay", "--frames", "session.jsonl"]).ends(0).out;
    let frames: Vec<&str> = frames.split("\n--- ").collect();
    assert!(frames.len() > 5, "only {} frames", frames.len());
    let at = |text: &str| frames.iter().position(|frame| frame.contains(text)).unwrap_or_else(|| panic!("no frame shows {text}"));
    assert!(at("Anna Ahonen") < at("Operations, newest first"), "the board came before the detail");
    assert!(at("Operations, newest first") < at("y yes"), "and the question before leaving last");
    // A recording is not written over.
    term.line("noctule --record session.jsonl; echo \"left with $?\"");
    term.wait_for("left with 1");
    term.is_restored();
}
