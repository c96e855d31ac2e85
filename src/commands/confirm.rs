//! Asking before what is dangerous, on the terminal. Without one nobody can say yes.

use crate::exit::{Exit, Failure};
use std::io::{BufRead, IsTerminal, Write};

/// `what` names the action for the sentence without a terminal (`a wipe`), `question` the target. No is a failure that did nothing.
pub fn confirm(what: &str, question: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, format!("{what} asks for confirmation and there is no terminal to ask on: give --yes")));
    }
    eprint!("{question} Go on? [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Guard, "not done: nothing was changed")),
    }
}
