//! The console with a real FreeRADIUS behind it: what a login gets is what the screen says, and accounting shows on the screen.

use crate::support::{Home, Term, Upstreams, title};
use noctule_testbed::{Accounting, FreeRadius, Postgres};
use std::fs;

#[test]
fn radius_hands_out_what_the_screen_says_and_accounting_is_seen_on_it() {
    let home = Home::ready();
    let _sims = Upstreams::start(&home, "ack");
    let postgres = Postgres::shared().unwrap();
    let database = postgres.create_database().unwrap();
    let radius = FreeRadius::start(postgres, &database).unwrap();
    let user = home.run(&["subscriber", "show", "S-1", "--json"]).ends(0).json()["username"].as_str().unwrap().to_owned();
    postgres
        .query(
            database.dsn(),
            &format!("INSERT INTO radcheck (username, attribute, op, value) VALUES ('{user}', 'Cleartext-Password', ':=', 'pw')"),
        )
        .unwrap();
    let password = home.write("aaa.password", postgres.superuser_password());
    let config = fs::read_to_string(home.config()).unwrap();
    let section = format!(
        "[aaa]\ndsn = \"postgres://127.0.0.1:{}/{}\"\nuser = \"postgres\"\npassword = \"file:{password}\"\ntls = \"off\"\npoll_s = 1\n",
        postgres.port(),
        database.name()
    );
    home.write("config/noctule/config.toml", config.replace("[aaa]\n", &section));
    assert!(home.run(&["aaa", "check"]).ends(11).out.contains("noctule_login"));
    home.run(&["aaa", "init", "--yes"]).ends(0);
    home.run(&["aaa", "check"]).ends(0);
    // FreeRADIUS's own list of clients does not have the NAS; then it has.
    let clients = |sql: &str| postgres.query(database.dsn(), sql).unwrap();
    clients("INSERT INTO nas (nasname, shortname, secret) VALUES ('192.0.2.200', 'other', 'x')");
    assert!(home.run(&["aaa", "check"]).ends(0).out.contains("is not in FreeRADIUS's table nas"));
    clients("UPDATE nas SET nasname = '127.0.0.0/8'");
    assert!(!home.run(&["aaa", "check"]).ends(0).out.contains("table nas"));

    let login = || radius.login(&user, "pw").unwrap();
    let term = Term::console(&home, "console", "noctule");
    term.open("S-1");
    term.operate(&["i", "a"], "allocated");
    assert!(login().all("Delegated-IPv6-Prefix").is_empty(), "nothing before the activation");
    term.operate(&["i", "c"], "active");
    let prefix = login().all("Delegated-IPv6-Prefix").first().map(|prefix| (*prefix).to_owned()).unwrap();
    assert!(title(&term.screen()).contains(&prefix));

    // The subscriber logs in, the NAS tells it, the screen shows it.
    let names = format!("Delegated-IPv6-Prefix = {prefix}");
    let mut told =
        Accounting { kind: "Start", username: &user, session: "8100F2", nas: "127.0.0.1", more: &[&names, "Acct-Input-Octets = 5000"] };
    radius.account(&told).unwrap();
    let screen = term.wait("observed in accounting", |screen| screen.contains("observed") && screen.contains("8100F2"));
    assert!(screen.contains("seen in accounting"), "{screen}");
    for part in ["yes on ", "as here", "0 B from the subscriber", "last heard"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    told.kind = "Interim-Update";
    radius.account(&told).unwrap();
    term.wait_for("5.00 kB from the subscriber");

    term.operate(&["i", "s"], "suspended");
    assert!(!login().accepted);
    term.operate(&["i", "r"], "active");
    assert_eq!(login().all("Delegated-IPv6-Prefix"), [prefix.as_str()]);
    term.keys(&["i", "v"]);
    term.wait_for("y yes");
    term.operate(&["y"], "revoked");
    assert!(login().all("Delegated-IPv6-Prefix").is_empty(), "never again");
    told.kind = "Stop";
    radius.account(&told).unwrap();
    term.wait("the end of the session", |screen| screen.contains("ended in accounting"));
    term.quit();

    let shown = home.run(&["aaa", "show", &user]).ends(0).out;
    assert!(shown.contains("none") && shown.contains("8100F2") && shown.contains("written by"), "{shown}");
    assert_eq!(home.run(&["audit", "verify", "--json"]).ends(0).json()["intact"], true);
}
