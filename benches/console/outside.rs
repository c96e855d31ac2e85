//! What the operator waits for, and what the machine pays for it.

use super::pty::Console;
use super::store::{self, Home, PLAIN, WITH_NETBOX};
use super::{quantile, say};
use noctule_domain::subscriber::SubscriberRow;
use std::fs;
use std::time::{Duration, Instant};

const STARTS: usize = 40;
/// What is measured: `cargo bench --bench console -- results` measures only those.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    All,
    Results,
}

/// Row of the screen on which the filter is typed.
pub const FILTER_ROW: usize = 2;

/// From exec to the first frame, with everything in the cache of the system.
pub fn start(home: &Home) {
    let (mut frame, mut facts, mut end) = (Vec::new(), Vec::new(), Vec::new());
    let mut with_netbox = Vec::new();
    let total = thousands(home.delegating);
    for run in 0..STARTS + 3 {
        let mut console = Console::start(&home.folder, PLAIN);
        let begun = console.started;
        let first = console.wait("the first frame", |screen| !screen.blank());
        let known = console.wait("the overview", |screen| screen.has(&total));
        console.quiet(50);
        let ended = console.stop();
        let mut console = Console::start(&home.folder, WITH_NETBOX);
        let asks = ms(console.wait("the first frame", |screen| !screen.blank()) - console.started);
        console.wait("the overview", |screen| screen.has(&total));
        console.stop();
        if run >= 3 {
            frame.push(ms(first - begun));
            facts.push(ms(known - begun));
            end.push(ms(ended));
            with_netbox.push(asks);
        }
    }
    say("start_first_frame_p50", quantile(&frame, 0.5), "ms", "target=50");
    say("start_first_frame_p95", quantile(&frame, 0.95), "ms", "target=50");
    say("start_first_frame_with_netbox_p50", quantile(&with_netbox, 0.5), "ms", "target=50");
    say("start_first_frame_with_netbox_p95", quantile(&with_netbox, 0.95), "ms", "target=50");
    say("start_overview_filled_p50", quantile(&facts, 0.5), "ms", "");
    say("start_overview_filled_p95", quantile(&facts, 0.95), "ms", "");
    say("end_after_sigterm_p50", quantile(&end, 0.5), "ms", "");
}

/// A working day in two minutes: idle, typing, scrolling, idle.
pub fn work(home: &Home, samples: &[SubscriberRow], part: Part) {
    let mut console = Console::start(&home.folder, PLAIN);
    console.wait("the overview", |screen| screen.has(&thousands(home.delegating)));
    console.quiet(500);
    say("memory_after_start", resident(console.pid()), "MiB", "target=100");
    if part == Part::All {
        idle(&mut console, "overview");
    }
    console.press("2");
    console.wait("the board", |screen| screen.has(&format!("{} subscribers", thousands(home.rows))));
    console.quiet(300);
    if part == Part::All {
        typing(&mut console, home, samples);
    }
    results(&mut console, home, samples);
    if part == Part::Results {
        console.stop();
        return;
    }
    scroll(&mut console);
    for pane in ["3", "4", "5", "6", "7", "8", "1", "2"] {
        console.press(pane);
        console.quiet(200);
    }
    say("memory_after_work", resident(console.pid()), "MiB", "target=100");
    say("memory_highest", status(console.pid(), "VmHWM:"), "MiB", "target=100");
    idle(&mut console, "subscribers");
    console.stop();
}

/// Fast typing, key after key while earlier results are still being looked for: until each character stands in the filter.
fn typing(console: &mut Console, home: &Home, samples: &[SubscriberRow]) {
    let mut drawn = Vec::new();
    for row in samples {
        store::warm(home);
        for text in [by_prefix(row), by_user(row), by_name(row)] {
            open_filter(console);
            let mut typed = String::from("/");
            for key in text.chars() {
                typed.push(key);
                let at = console.press(key.encode_utf8(&mut [0; 4]));
                let seen = console.wait(&format!("{typed:?}"), |screen| screen.row(FILTER_ROW).starts_with(&typed));
                drawn.push(ms(seen - at));
                // 25 keys a second: the fastest of typists, or a key held down.
                console.take_until(at + Duration::from_millis(40));
            }
            close_filter(console);
        }
    }
    say("keys_typed", drawn.len() as f64, "keys", "");
    say("key_drawn_p50", quantile(&drawn, 0.5), "ms", "target=16");
    say("key_drawn_p99", quantile(&drawn, 0.99), "ms", "target=16");
    say("key_drawn_worst", quantile(&drawn, 1.0), "ms", "");
}

/// Typing at a walk: from each key to the last change of the screen that it led to.
fn results(console: &mut Console, home: &Home, samples: &[SubscriberRow]) {
    let verbose = std::env::var_os("NOCTULE_BENCH_VERBOSE").is_some();
    let texts: [(&str, Typed); 3] = [("prefix", by_prefix), ("user_name", by_user), ("part_of_name", by_name)];
    for (what, text) in texts {
        let (mut each, mut last_key) = (Vec::new(), Vec::new());
        let mut cached = f64::INFINITY;
        for row in samples.iter().take(12) {
            store::warm(home);
            open_filter(console);
            let text = text(row);
            for (n, key) in text.chars().enumerate() {
                let at = console.press(key.encode_utf8(&mut [0; 4]));
                console.take_until(at + Duration::from_millis(120));
                let took = ms(console.last.saturating_duration_since(at));
                each.push(took);
                if verbose && took > 15.0 {
                    eprintln!("  {took:6.1} ms  {}", text.chars().take(n + 1).collect::<String>());
                }
                if n + 1 == text.chars().count() {
                    last_key.push(took);
                }
            }
            // What was looked for stands there.
            let wanted = if what == "part_of_name" { part(row) } else { row.subscriber_number.to_string() };
            assert!((4..38).any(|y| console.screen.row(y).contains(&wanted)), "{text}: no {wanted} in\n{}", console.screen.text());
            close_filter(console);
            cached = cached.min(store::in_cache(home).unwrap_or(f64::NAN));
        }
        if cached.is_finite() {
            say(&format!("results_{what}_store_in_memory"), cached, "%", "");
        }
        say(&format!("results_{what}_p50"), quantile(&each, 0.5), "ms", "target=30");
        say(&format!("results_{what}_p95"), quantile(&each, 0.95), "ms", "target=30");
        say(&format!("results_{what}_whole_p95"), quantile(&last_key, 0.95), "ms", "target=30");
    }
}

fn scroll(console: &mut Console) {
    let mut times = Vec::new();
    for key in ["\x1b[6~", "\x1b[F", "\x1b[5~", "\x1b[H"] {
        let times_each = if key.ends_with('~') { 60 } else { 3 };
        for _ in 0..times_each {
            let at = console.press(key);
            console.take_until(at + Duration::from_millis(40));
            times.push(ms(console.last.saturating_duration_since(at)));
        }
        console.quiet(200);
    }
    say("scroll_a_page_p95", quantile(&times, 0.95), "ms", "");
}

/// Ten seconds within one minute of the clock, in which nothing may be written, and a whole minute with its clock and its ages.
fn idle(console: &mut Console, pane: &str) {
    console.quiet(1500);
    let second = || chrono::Utc::now().timestamp().rem_euclid(60);
    while second() > 48 || second() < 1 {
        console.take_until(Instant::now() + Duration::from_millis(200));
    }
    let (bytes, cpu) = spent(console, Duration::from_secs(10));
    say(&format!("idle_{pane}_bytes_in_10_s"), bytes, "bytes", "target=0");
    say(&format!("idle_{pane}_cpu"), cpu, "%_of_a_core", "target=0.5");
    if pane == "overview" {
        let (bytes, _) = spent(console, Duration::from_secs(60));
        say(&format!("idle_{pane}_bytes_in_a_minute"), bytes, "bytes", "");
    }
}

fn spent(console: &mut Console, time: Duration) -> (f64, f64) {
    let (bytes, cpu, begun) = (console.bytes, cpu_ns(console.pid()), Instant::now());
    console.take_until(begun + time);
    let share = (cpu_ns(console.pid()) - cpu) / begun.elapsed().as_nanos() as f64 * 100.0;
    ((console.bytes - bytes) as f64, share)
}

fn open_filter(console: &mut Console) {
    console.press("/");
    console.wait("the filter", |screen| screen.row(FILTER_ROW).starts_with('/'));
    console.quiet(60);
}

/// Empties and leaves it.
fn close_filter(console: &mut Console) {
    console.press("\x15");
    console.quiet(150);
    console.press("\r");
    console.wait("the board", |screen| !screen.row(FILTER_ROW).starts_with('/'));
    console.quiet(60);
}

/// What of a row is typed.
type Typed = fn(&SubscriberRow) -> String;

fn by_prefix(row: &SubscriberRow) -> String {
    format!("prefix:{}", row.prefix.expect("samples hold one"))
}

fn by_user(row: &SubscriberRow) -> String {
    row.username.as_str().split('@').next().unwrap_or_default().to_owned()
}

/// The middle of a name.
fn by_name(row: &SubscriberRow) -> String {
    part(row)
}

fn part(row: &SubscriberRow) -> String {
    let family = row.full_name.as_str().split_whitespace().last().unwrap_or_default();
    family.chars().skip(1).take(5).collect()
}

/// Nanoseconds on a processor, all threads.
fn cpu_ns(pid: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it lives").flatten();
    let ran = |text: String| text.split_whitespace().next().and_then(|n| n.parse::<f64>().ok());
    tasks.filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok().and_then(ran)).sum()
}

fn resident(pid: u32) -> f64 {
    status(pid, "VmRSS:")
}

pub fn status(pid: u32, key: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let line = text.lines().find_map(|line| line.strip_prefix(key)).expect("Linux says so");
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).expect("a number") / 1024.0
}

pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
