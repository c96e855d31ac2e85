//! Two consoles, and a command, on one store.

use crate::support::{Home, Term, Upstreams, title};

#[test]
fn what_one_console_or_command_does_the_other_shows_without_a_key() {
    let home = Home::ready();
    let _sims = Upstreams::start(&home, "ack");
    let one = Term::console(&home, "one", "noctule");
    let two = Term::console(&home, "two", "noctule");
    one.open("S-1");
    two.open("S-1");
    one.operate(&["i", "a"], "allocated");
    two.wait("allocated in the other console", |screen| title(screen).contains("allocated"));
    two.operate(&["i", "c"], "active");
    one.wait("active in the first console", |screen| title(screen).contains("active"));
    home.run(&["ipv6", "suspend", "S-1", "--reason", "dunning"]).ends(0);
    for console in [&one, &two] {
        console.wait("suspended by a command", |screen| title(screen).contains("suspended"));
    }
    // The first console leaves; the second works on.
    one.quit();
    two.operate(&["i", "r"], "active");
    two.quit();
}
