//! An idle console sends no byte and takes next to no time of the processor.

use crate::support::{Home, Term, until};
use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long it is watched. This is what is measured, not a pause.
const WATCHED: Duration = Duration::from_secs(5);

fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in parentheses may hold blanks; user and system time are the 14th and 15th field.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn an_idle_console_writes_nothing_and_costs_next_to_nothing() {
    let home = Home::ready();
    let term = Term::console(&home, "idle", "noctule");
    let bytes = home.path("bytes");
    fs::write(&bytes, "").unwrap();
    term.copy_bytes_to(&bytes);
    let size = || fs::metadata(&bytes).unwrap().len();
    // That bytes are seen at all: a pane is drawn.
    term.keys(&["7"]);
    until("bytes of a drawn pane", || (size() > 100).then_some(()), || term.screen());
    let pid = term.program();
    // Settled when nothing came for a second; the clock in the title is drawn once a minute, so the turn of the minute is avoided.
    let mut last = (size(), Instant::now());
    let settled = || {
        if size() != last.0 {
            last = (size(), Instant::now());
        }
        let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60;
        (last.1.elapsed() > Duration::from_secs(1) && (2..50).contains(&second)).then_some(())
    };
    until("a console at rest", settled, || term.screen());

    let (bytes_before, ticks_before, began) = (size(), ticks(pid), Instant::now());
    std::thread::sleep(WATCHED);
    let (written, worked, watched) = (size() - bytes_before, ticks(pid) - ticks_before, began.elapsed().as_secs_f64());
    // A tick is 10 ms on every Linux.
    let share = worked as f64 / watched;
    println!("idle for {watched:.1} s: {written} bytes, {worked} ticks ({share:.2} % of a core)");
    assert_eq!(written, 0, "an idle console writes nothing");
    assert!(share < 3.0, "{share:.2} % of a core while idle");
    term.keys(&["2"]);
    until("bytes again after a key", || (size() > bytes_before).then_some(()), || term.screen());
    term.quit();
}
