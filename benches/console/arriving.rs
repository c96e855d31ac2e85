//! The screen while rows arrive from a centre: a first copy, then a big increment. Somebody works all the while, and each key is timed until
//! what it does stands on the screen. Server, console and bench share the machine, which is harder on the console than life is.

use super::centre::{Centre, LAST};
use super::hands::Hands;
use super::outside::{ms, thousands};
use super::screen::Screen;
use super::{load, say};
use std::path::Path;
use std::time::{Duration, Instant};

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
