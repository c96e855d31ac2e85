//! Somebody who works at a console, and how long each key took until what it does stood on the screen.

use super::outside::{FILTER_ROW, ms, status};
use super::pty::Console;
use super::screen::Screen;
use super::{quantile, say};
use std::fs;
use std::time::{Duration, Instant};

/// 25 keys a second: the fastest of typists, or a key held down.
const PACE: Duration = Duration::from_millis(40);
/// Where the board says which subscriber is selected.
const SELECTED_ROW: usize = super::pty::HEIGHT as usize - 2;

/// Somebody who works, and how long each key took.
pub struct Hands {
    pub console: Console,
    drawn: Vec<(&'static str, f64)>,
    verbose: bool,
    /// What was looked for stood in the list.
    pub found: bool,
}

impl Hands {
    pub fn on(console: Console) -> Self {
        Self { console, drawn: Vec::new(), verbose: std::env::var_os("NOCTULE_BENCH_VERBOSE").is_some(), found: false }
    }

    /// A key, until what it does is on the screen.
    pub fn key(&mut self, kind: &'static str, key: &str, done: impl Fn(&Screen) -> bool) {
        assert!(!done(&self.console.screen), "{kind} {key:?} is done before it is pressed:\n{}", self.console.screen.text());
        let at = self.console.press(key);
        let took = ms(self.console.wait(&format!("{kind} {key:?}"), done).saturating_duration_since(at));
        if self.verbose && took > 16.0 {
            eprintln!("  {took:6.1} ms  {kind} {key:?}  {}", self.console.screen.row(0).trim_end());
        }
        self.drawn.push((kind, took));
        self.console.take_until(at + PACE);
    }

    pub fn filter(&mut self, text: &str) {
        self.filter_until(text, "\0");
    }

    /// Types a filter, looks whether this is found, and drops the filter.
    pub fn filter_until(&mut self, text: &str, wanted: &str) {
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
    pub fn walk(&mut self) {
        // The whole board is back after the filter, which is a search and not a key.
        self.console.wait("a selection", is_selected);
        let keys = [("cursor", "j", 6), ("page", "\x1b[6~", 4), ("cursor", "k", 3), ("page", "\x1b[5~", 2)];
        for (kind, key, times) in keys {
            for _ in 0..times {
                let before = number(&self.console.screen);
                self.key(kind, key, |screen| is_selected(screen) && number(screen) != before);
            }
        }
        let at = self.console.press("\x1b[H");
        self.console.take_until(at + 3 * PACE);
    }

    pub fn tell(&self, name: &str) {
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
    pub fn end(self, name: &str, target: &str) {
        say(&format!("{name}_memory_highest"), status(self.console.pid(), "VmHWM:"), "MiB", target);
        if self.verbose {
            threads(self.console.pid(), name);
        }
        self.console.stop();
    }
}

/// The line says who is selected, and nothing else.
pub fn is_selected(screen: &Screen) -> bool {
    let number = number(screen);
    number.starts_with("C-") || number.starts_with("N-")
}

pub fn number(screen: &Screen) -> String {
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
