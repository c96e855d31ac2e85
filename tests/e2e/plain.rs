//! Without a full screen: TERM=dumb, `--plain`, a pipe.

use crate::support::{Home, SUBSCRIBERS, Term};

#[test]
fn dumb_terminals_and_plain_print_lines_and_end() {
    let home = Home::ready();
    home.import("nas", "name,address,secret\nbng-1,192.0.2.1,env:NOWHERE\n");
    home.import("subscribers", SUBSCRIBERS);
    let term = Term::new(&home, "plain", 120, 40);
    for command in ["TERM=dumb noctule", "noctule --plain"] {
        term.line(&format!("clear; {command}; echo \"left with $?\""));
        let screen = term.wait_for("left with 0");
        assert!(screen.contains("noctule --help"), "{screen}");
        term.is_restored();
    }
    let out = home.run_with(&[("TERM", "dumb")], &["--plain"]).ends(0).out;
    assert!(out.is_ascii() && !out.contains('\u{1b}'), "{out}");
    for wanted in ["Anna Ahonen", "S-4", "bng-1"] {
        assert!(out.contains(wanted), "{wanted} is missing in\n{out}");
    }
    // Into a pipe it is the plain form without being asked.
    assert_eq!(home.run(&[]).ends(0).out.lines().count(), out.lines().count());
}
