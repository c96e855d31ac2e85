//! The screen while rows arrive from a centre: a first copy, then a big increment. Somebody works all the while, and each key is timed until
//! what it does stands on the screen. Server, console and bench share the machine, which is harder on the console than life is.

use super::centre::{Centre, LAST};
use super::outside::{FILTER_ROW, ms, status, thousands};
use super::pty::Console;
use super::screen::Screen;
use super::{load, quantile, say};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// 25 keys a second: the fastest of typists, or a key held down.
const PACE: Duration = Duration::from_millis(40);
/// Where the board says which subscriber is selected.
const SELECTED_ROW: usize = super::pty::HEIGHT as usize - 2;
/// Nobody waits longer for anything here.
const PATIENCE: Duration = Duration::from_secs(900);

pub fn measure(folder: &Path, rows: u64) {
    let centre = Centre::start(folder, rows);
    say("centre_subscribers", rows as f64, "rows", "");
    say("centre_load_of_the_machine_before", load(), "processes", "");
    copy(&centre);
    increment(&centre);
    say("centre_load_of_the_machine_after", load(), "processes", "");
}

/// A console without a copy, from its start until the copy is complete.
fn copy(centre: &Centre) {
    let mut hands = Hands::on(centre.console());
    let begun = hands.console.started;
    let first = hands.console.wait("the first frame", |screen| screen.row(0).contains("noctule"));
    let mut shown = Shown::default();
    let whole = format!("{} subscribers", thousands(centre.rows));
    let ended = loop {
        assert!(begun.elapsed() < PATIENCE, "the copy never ended:\n{}", hands.console.screen.text());
        hands.key("pane", "9", |screen| screen.row(2).starts_with(" centre "));
        shown.look(&hands.console.screen);
        hands.key("pane", "2", |screen| {
            screen.has("number▲") || screen.has("first copy of the centre") || screen.row(2).contains("subscribers")
        });
        if copied(&hands.console.screen) && hands.console.screen.has(&whole) {
            break Instant::now();
        }
        hands.filter("anna");
        shown.look(&hands.console.screen);
    };
    say("centre_copy_first_frame", ms(first - begun), "ms", "target=50");
    say("centre_copy_seconds", (ended - begun).as_secs_f64(), "s", "");
    hands.tell("centre_copy");
    // Shares of a hundred that were seen, of the copy and of the indexes. Too few would be a bar that stands still.
    say("centre_copy_shares_shown", shown.shares.len() as f64, "values", "");
    say("centre_copy_share_longest_still", ms(shown.still), "ms", "");
    assert!(shown.bar, "the bar was never seen");
    assert!(shown.shares.len() >= 3, "the progress did not move: {:?}", shown.shares);
    // The 300 MB of the first sync.
    hands.end("centre_copy", "target=286");
}

/// A console with the copy, while a fifth of all rows changes.
fn increment(centre: &Centre) {
    let rows = (centre.rows / 5).max(1);
    let mut hands = Hands::on(centre.console());
    hands.console.wait("the centre live", copied);
    hands.console.press("2");
    hands.console.wait("the board", |screen| screen.has(&format!("{} subscribers", thousands(centre.rows))));
    hands.console.quiet(500);
    let begun = Instant::now();
    let (arrived, sent) = std::thread::scope(|scope| {
        let change = scope.spawn(|| {
            centre.change(rows, 2_000);
            begun.elapsed()
        });
        loop {
            assert!(begun.elapsed() < PATIENCE, "the changes never came:\n{}", hands.console.screen.text());
            hands.walk();
            hands.filter_until(&LAST.to_lowercase(), LAST);
            if hands.found {
                break (begun.elapsed(), change.join().expect("the changes are made"));
            }
        }
    });
    say("centre_increment_rows", rows as f64, "rows", "");
    say("centre_increment_seconds_at_the_centre", sent.as_secs_f64(), "s", "");
    say("centre_increment_seconds_until_found", arrived.as_secs_f64(), "s", "");
    hands.tell("centre_increment");
    hands.end("centre_increment", "target=100");
}

/// The link is live and nothing is being copied.
fn copied(screen: &Screen) -> bool {
    let header = screen.row(0);
    header.contains("●centre") && !["copying", "indexing", "catching"].iter().any(|word| header.contains(word))
}

/// The progress as it was seen.
#[derive(Default)]
struct Shown {
    shares: Vec<(String, u8)>,
    changed: Option<Instant>,
    still: Duration,
    bar: bool,
}

impl Shown {
    /// In the header of every pane: `copying 41 %`; the bar in the Sync pane.
    fn look(&mut self, screen: &Screen) {
        self.bar |= (3..12).any(|y| screen.row(y).contains('█') && screen.row(y).contains(" %"));
        let header = screen.row(0);
        let words: Vec<&str> = header.split_whitespace().collect();
        let found = words.windows(3).find(|w| w[2] == "%" && (w[0].ends_with("copying") || w[0].ends_with("indexing")));
        let Some((word, share)) = found.and_then(|w| Some((w[0].to_owned(), w[1].parse::<u8>().ok()?))) else { return };
        let now = Instant::now();
        if let Some((before, at)) = self.shares.last() {
            if *before == word && *at == share {
                self.still = self.still.max(now - self.changed.unwrap_or(now));
                return;
            }
            assert!(*before != word || *at < share, "{word} went back from {at} % to {share} %");
        }
        self.shares.push((word, share));
        self.changed = Some(now);
    }
}

/// Somebody who works, and how long each key took.
struct Hands {
    console: Console,
    drawn: Vec<(&'static str, f64)>,
    verbose: bool,
    found: bool,
}

impl Hands {
    fn on(console: Console) -> Self {
        Self { console, drawn: Vec::new(), verbose: std::env::var_os("NOCTULE_BENCH_VERBOSE").is_some(), found: false }
    }

    /// A key, until what it does is on the screen.
    fn key(&mut self, kind: &'static str, key: &str, done: impl Fn(&Screen) -> bool) {
        assert!(!done(&self.console.screen), "{kind} {key:?} is done before it is pressed:\n{}", self.console.screen.text());
        let at = self.console.press(key);
        let took = ms(self.console.wait(&format!("{kind} {key:?}"), done).saturating_duration_since(at));
        if self.verbose && took > 16.0 {
            eprintln!("  {took:6.1} ms  {kind} {key:?}  {}", self.console.screen.row(0).trim_end());
        }
        self.drawn.push((kind, took));
        self.console.take_until(at + PACE);
    }

    fn filter(&mut self, text: &str) {
        self.filter_until(text, "\0");
    }

    /// Types a filter, looks whether this is found, and drops the filter.
    fn filter_until(&mut self, text: &str, wanted: &str) {
        self.key("open filter", "/", |screen| screen.row(FILTER_ROW).starts_with('/'));
        let mut typed = String::from("/");
        for key in text.chars() {
            typed.push(key);
            let key = key.to_string();
            self.key("filter", &key, |screen| screen.row(FILTER_ROW).starts_with(&typed));
        }
        self.console.take_until(Instant::now() + 3 * PACE);
        self.found |= (3..SELECTED_ROW).any(|y| self.console.screen.row(y).contains(wanted));
        let at = self.console.press("\x15");
        self.console.take_until(at + PACE);
        self.key("close filter", "\r", |screen| !screen.row(FILTER_ROW).starts_with('/'));
    }

    /// Down some rows, some pages, and back to the top.
    fn walk(&mut self) {
        // The whole board is back after the filter, which is a search and not a key.
        self.console.wait("a selection", |screen| screen.row(SELECTED_ROW).starts_with("C-"));
        let keys = [("cursor", "j", 6), ("page", "\x1b[6~", 4), ("cursor", "k", 3), ("page", "\x1b[5~", 2)];
        for (kind, key, times) in keys {
            for _ in 0..times {
                let before = number(&self.console.screen);
                self.key(kind, key, |screen| screen.row(SELECTED_ROW).starts_with("C-") && number(screen) != before);
            }
        }
        let at = self.console.press("\x1b[H");
        self.console.take_until(at + 3 * PACE);
    }

    fn tell(&self, name: &str) {
        let of = |kind: Option<&str>| -> Vec<f64> {
            self.drawn.iter().filter(|(k, _)| kind.is_none_or(|kind| kind == *k)).map(|(_, took)| *took).collect()
        };
        let all = of(None);
        say(&format!("{name}_keys"), all.len() as f64, "keys", "");
        say(&format!("{name}_key_drawn_p50"), quantile(&all, 0.5), "ms", "target=16");
        say(&format!("{name}_key_drawn_p99"), quantile(&all, 0.99), "ms", "target=16");
        say(&format!("{name}_key_drawn_worst"), quantile(&all, 1.0), "ms", "");
        say(&format!("{name}_keys_over_budget"), all.iter().filter(|took| **took > 16.0).count() as f64, "keys", "");
        if self.verbose {
            for kind in ["pane", "cursor", "page", "open filter", "filter", "close filter"] {
                let some = of(Some(kind));
                if !some.is_empty() {
                    let (p50, p99, worst) = (quantile(&some, 0.5), quantile(&some, 0.99), quantile(&some, 1.0));
                    eprintln!("  {name} {kind}: {} keys, {p50:.1} {p99:.1} {worst:.1} ms (p50, p99, worst)", some.len());
                }
            }
        }
    }

    /// Says the highest memory and ends the console.
    fn end(self, name: &str, target: &str) {
        say(&format!("{name}_memory_highest"), status(self.console.pid(), "VmHWM:"), "MiB", target);
        if self.verbose {
            threads(self.console.pid(), name);
        }
        self.console.stop();
    }
}

fn number(screen: &Screen) -> String {
    screen.row(SELECTED_ROW).split_whitespace().next().unwrap_or_default().to_owned()
}

/// Who ran, and who waited for a processor: a thread that waits long was hindered by the others of the machine.
fn threads(pid: u32, what: &str) {
    for task in fs::read_dir(format!("/proc/{pid}/task")).expect("it lives").flatten() {
        let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let times: Vec<f64> = read("schedstat").split_whitespace().filter_map(|n| n.parse().ok()).collect();
        if let [ran, waited, times] = times[..] {
            let (ran, waited) = (ran / 1e6, waited / 1e6);
            eprintln!("  {what} thread {:16} ran {ran:9.1} ms, waited {waited:9.1} ms for a processor, {times} times", read("comm").trim());
        }
    }
}
