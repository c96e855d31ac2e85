//! The terminal is given back, whatever ends the console.

use crate::support::{Home, Term, until};

#[test]
fn the_terminal_is_given_back_after_leaving_and_after_signals() {
    let home = Home::ready();
    let term = Term::new(&home, "restore", 100, 30);
    for ending in ["keys", "TERM", "HUP", "INT"] {
        term.line("clear; noctule; echo \"left with $?\"");
        term.wait("the console", |screen| screen.contains("Overview") && screen.contains("? help"));
        if ending == "keys" {
            term.quit()
        } else {
            term.signal(ending)
        }
        term.wait_for("left with");
        term.is_restored();
    }
}

#[test]
fn ctrl_z_gives_the_shell_back_and_fg_the_console() {
    let home = Home::ready();
    let term = Term::console(&home, "stop", "noctule");
    for _ in 0..2 {
        term.keys(&["C-z"]);
        term.prompt();
        term.is_restored();
        term.line("clear; fg");
        term.wait("the console again", |screen| screen.contains("1 Overview") && screen.contains("? help"));
    }
    // It still hears keys, and draws anew what something else wrote over.
    term.keys(&["2"]);
    term.wait_for("number");
    term.scribble("ruined");
    term.wait_for("ruined");
    term.keys(&["F6"]);
    term.wait("a clean screen", |screen| !screen.contains("ruined") && screen.contains("? help"));
    term.quit();
    term.is_restored();
}

#[test]
fn leaving_asks_and_no_stays() {
    let home = Home::ready();
    let term = Term::console(&home, "ask", "noctule");
    term.keys(&["q"]);
    term.wait_for("y yes");
    term.keys(&["n"]);
    term.wait("the question gone", |screen| screen.contains("1 Overview") && !screen.contains("y yes"));
    // Escape never leaves.
    term.keys(&["Escape", "Escape"]);
    // Escape and the next key in one read would be that key with Alt: it is pressed again then.
    let board = || {
        term.keys(&["2"]);
        term.screen().contains("number").then_some(())
    };
    until("the board", board, || term.screen());
    term.quit();
    term.is_restored();
}
