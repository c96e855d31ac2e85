//! Emergencies: the centre is cut off, and a session has to go now. The real binary, a NAS that is a process of its own, a real PostgreSQL behind a
//! line that drops its packets.

use crate::centre::{Centre, PASSWORD};
use crate::support::{Home, SimNas, Term, title};

const WITH: [(&str, &str); 1] = [("THE_PASSWORD", PASSWORD)];

/// An admin's machine with everything in the centre: one NAS, one subscriber with a session on it, one without.
fn filled(centre: &Centre) -> (Home, SimNas) {
    let admin = centre.machine("anna", "admin", centre.server.port());
    let nas = SimNas::start(&admin, "ack");
    let secret = admin.path("bng-1.secret");
    let people =
        "subscriber_number,username,full_name,nas,mode,acct_session_id\nS-1,anna@isp,Anna,bng-1,pd,0A1B2C3D\nS-2,ben@isp,Ben,bng-1,pd,\n";
    let rows =
        [("nas", format!("name,address,secret\nbng-1,{},file:{}\n", nas.address, secret.display())), ("subscribers", people.to_owned())];
    for (kind, text) in rows {
        let file = admin.write(&format!("{kind}.csv"), text);
        admin.run_with(&WITH, &["import", kind, &file]).ends(0);
    }
    (admin, nas)
}

#[test]
fn a_disconnect_leaves_without_the_centre_once_and_is_told_to_it_on_its_return() {
    let centre = Centre::start();
    let (_admin, nas) = filled(&centre);
    let port = centre.line.addr().port();
    let (noc, desk) = (centre.machine("nina", "noc", port), centre.machine("dora", "dispatcher", port));
    for home in [&noc, &desk] {
        home.run_with(&WITH, &["sync", "now"]).ends(0);
    }
    let disconnect = |home: &Home, who: &str| home.run_with(&WITH, &["ipv6", "emergency-disconnect", who, "--yes"]);
    // With the centre there it is no emergency.
    assert!(disconnect(&noc, "S-1").ends(4).err.contains("the centre is there"));
    assert_eq!(nas.answers(41), 0);

    centre.line.blackhole();
    assert!(disconnect(&desk, "S-1").ends(4).err.contains("ipv6.force"), "by the role that the centre said last");
    assert!(disconnect(&noc, "S-2").ends(4).err.contains("no session"));
    assert_eq!(nas.answers(41), 0, "nothing has left");
    let done = disconnect(&noc, "S-1").ends(0);
    assert!(done.out.contains("bng-1 acknowledged the Disconnect-Request") && done.out.contains("outbox"), "{}", done.out);
    assert_eq!(nas.answers(41), 1);
    let waiting = noc.run_with(&WITH, &["sync", "outbox", "--json"]).ends(0).json();
    let change = waiting[0]["op"]["change"].to_string();
    assert!(waiting.as_array().unwrap().len() == 1 && change.contains("acknowledged") && change.contains("0A1B2C3D"), "{waiting}");
    assert_eq!(noc.run_with(&WITH, &["ipv6", "status", "S-1", "--json"]).ends(0).json()["ipv6"]["state"], "pending", "the state stands");

    centre.line.pass();
    for _ in 0..2 {
        noc.run_with(&WITH, &["sync", "now"]).ends(0);
    }
    let told = "SELECT count(*) FROM noctule.audit WHERE body::jsonb->'entry'->>'action' = 'ipv6-emergency'";
    assert_eq!(centre.server.query(centre.database.dsn(), told).unwrap(), "1", "told once, however often is synced");
    let operations = noc.run_with(&WITH, &["operations", "list", "--json"]).ends(0).json();
    assert_eq!(operations.as_array().unwrap().len(), 1, "{operations}");
    assert!(operations[0]["error"].as_str().is_some_and(|error| error.contains("The state did not move")), "{operations}");
    assert_eq!(nas.answers(41), 1, "and nothing left again");
}

#[test]
fn on_the_screen_it_is_done_while_the_centre_is_away_and_told_when_it_is_back() {
    let centre = Centre::start();
    let (_admin, nas) = filled(&centre);
    let noc = centre.machine("nils", "noc", centre.line.addr().port());
    let term = Term::console(&noc, "console", &format!("THE_PASSWORD='{PASSWORD}' noctule"));
    let first = |screen: &str, words: &str| screen.lines().next().is_some_and(|line| line.contains(words));
    term.wait("the centre live", |screen| first(screen, "●centre"));
    term.open("S-1");
    centre.line.blackhole();
    term.wait("offline in the header", |screen| first(screen, "offline"));
    term.keys(&["!", "d"]);
    term.wait_for("y yes");
    term.keys(&["y"]);
    term.wait_for("acknowledged the Disconnect-Request");
    assert_eq!(nas.answers(41), 1);
    let screen = term.screen();
    assert!(title(&screen).contains("pending"), "the state stands: {}", title(&screen));
    centre.line.pass();
    term.wait("live again and nothing unsent", |screen| first(screen, "●centre") && !first(screen, "unsent"));
    term.quit();
    assert_eq!(nas.answers(41), 1);
}
