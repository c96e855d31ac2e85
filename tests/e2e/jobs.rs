//! Many at once, and flows, by keys: the preview, the question, the end, who stands how.

use crate::support::{Home, Term, title};

#[test]
fn everybody_that_matches_goes_after_a_preview_and_a_typed_count_and_a_key_shows_who() {
    let home = Home::empty();
    let term = Term::console(&home, "bulk", "noctule demo --subscribers 400");
    term.filter("state:active session:yes");
    term.keys(&["i", "f"]);
    term.wait_for("For everybody that matches state:active");
    term.keys(&["s"]);
    let preview = term.wait_for("Type ");
    for part in ["subscribers (state:active session:yes)?", "bng-1", "go first; then the rest", "; about "] {
        assert!(preview.contains(part), "{part}: {preview}");
    }
    let count = preview.split("Type ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    // A habit of the fingers is not a yes.
    term.keys(&["y", "Enter"]);
    term.wait_for("more: y");
    term.keys(&["BSpace"]);
    term.text(&count);
    term.keys(&["Enter"]);
    term.wait_for(&format!("suspend is done: {count} succeeded"));
    term.keys(&["J", "Enter"]);
    term.wait("the job at its end", |screen| screen.contains(&format!("suspend {count} of {count}, done")));
    term.keys(&["1"]);
    term.wait_for(&format!("{count} succeeded of suspend"));
    term.keys(&["Enter"]);
    term.wait("one of them", |screen| title(screen).contains("suspended") && title(screen).contains("N-"));
    term.keys(&["Escape"]);
    // One that was looked at and not begun leaves nothing.
    term.filter("state:suspended session:yes");
    term.keys(&["i", "f", "r"]);
    term.wait_for("Type ");
    term.keys(&["Escape"]);
    term.wait("the board", |screen| !screen.contains("Type "));
    term.keys(&["J"]);
    term.wait("the jobs", |screen| screen.contains("Jobs: enter opens one") && !screen.contains("previewed"));
    term.keys(&["Escape"]);
    term.wait("the board", |screen| !screen.contains("Jobs: enter opens one"));
    term.quit();
}

#[test]
fn one_subscriber_is_provisioned_and_deprovisioned_by_keys() {
    let home = Home::empty();
    let term = Term::console(&home, "flow", "noctule demo --subscribers 400");
    term.filter("state:pending mode:pd,dual_stack nas:bng-1 session:yes");
    term.keys(&["Enter"]);
    term.wait("a pending one", |screen| title(screen).contains("pending"));
    term.keys(&["i", "P"]);
    term.wait_for("without waiting for the proof");
    term.keys(&["n"]);
    term.wait("the question", |screen| screen.contains("Provision N-") && screen.contains("y yes"));
    term.operate(&["y"], "active");
    term.wait_for("provision is done: 1 succeeded");
    term.keys(&["i", "d"]);
    term.wait("the question", |screen| screen.contains("Deprovision N-") && screen.contains("nothing is released before the NAS confirms"));
    term.operate(&["y"], "revoked");
    term.wait_for("deprovision is done: 1 succeeded");
    term.quit();
}
