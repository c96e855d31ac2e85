//! Terminals as they are: small, old, without colour, without UTF-8, changing their size.

use crate::support::{Home, Term, until};

const PANES: [(&str, &str); 8] = [
    ("1", "Overview"),
    ("2", "Subscribers"),
    ("3", "Technicians"),
    ("4", "Tasks"),
    ("5", "Map"),
    ("6", "Operations"),
    ("7", "Network"),
    ("8", "Log"),
];

fn filled() -> Home {
    let home = Home::ready();
    home.import("nas", "name,address,secret,lat,lng\nbng-1,192.0.2.1,env:NOWHERE,60.2,24.9\n");
    home.import("subscribers", crate::support::SUBSCRIBERS);
    home.import(
        "subscribers",
        "subscriber_number,username,full_name,nas\nS-9,hostile@isp,\"Å\u{202e}gren \u{1b}[31m佐藤 \u{9b}2J\",bng-1\n",
    );
    home.import("technicians", "employee_id,name,home_lat,home_lng\nT-1,Märta Lönnrot,60.25,24.95\n");
    home.import("tasks", "number,title,type,status,priority,technician\nK-1,Spleißen,splicing,assigned,high,T-1\n");
    home
}

/// Shows every pane and hands each screen to `check`.
fn walk(term: &Term<'_>, check: impl Fn(&str, &str)) {
    for (key, name) in PANES {
        term.keys(&[key]);
        // The tab of the present pane has its name in full at any width; others may have their number only.
        let screen = term.wait(name, |screen| screen.lines().nth(1).is_some_and(|tabs| tabs.contains(name)) && screen.contains("? help"));
        check(name, &screen);
    }
}

#[test]
fn panes_are_ascii_where_it_is_asked_for_or_the_terminal_has_no_more() {
    let home = filled();
    for (at, command) in ["noctule --ascii", "TERM=linux noctule", "LANG=C noctule", "noctule --theme mono --ascii"].into_iter().enumerate()
    {
        let term = Term::new(&home, &format!("ascii{at}"), 80, 24);
        term.line(command);
        term.wait_for("Overview");
        walk(&term, |pane, screen| {
            let odd: Vec<&str> = screen.lines().filter(|line| !line.is_ascii()).collect();
            assert!(odd.is_empty(), "{command}, {pane}: {odd:?}\n{screen}");
            assert!(screen.lines().all(|line| line.len() <= 80), "{command}, {pane}: a line is too long");
        });
        term.filter("S-1");
        term.wait_for("Anna Ahonen");
        term.quit();
    }
}

#[test]
fn no_color_and_mono_send_no_colour() {
    let home = filled();
    for (at, command) in ["NO_COLOR=1 noctule", "noctule --color never", "noctule --theme mono"].into_iter().enumerate() {
        let term = Term::new(&home, &format!("mono{at}"), 80, 24);
        let bytes = home.path("bytes");
        std::fs::write(&bytes, "").unwrap();
        term.copy_bytes_to(&bytes);
        term.line(command);
        term.wait_for("Overview");
        walk(&term, |_, _| {});
        term.filter("S-9");
        term.quit();
        let sent = String::from_utf8_lossy(&std::fs::read(&bytes).unwrap()).into_owned();
        assert!(sent.len() > 5000, "the bytes of the screens were copied");
        for piece in sent.split("\u{1b}[").skip(1) {
            let Some(end) = piece.find(|c: char| c.is_ascii_alphabetic()) else { continue };
            if &piece[end..=end] != "m" {
                continue;
            }
            for number in piece[..end].split(';').filter_map(|n| n.parse::<u16>().ok()) {
                let colour = (30..=38).contains(&number) || (40..=48).contains(&number) || (90..=107).contains(&number);
                assert!(!colour, "{command}: a colour was sent: {:?}", &piece[..=end]);
            }
        }
    }
}

#[test]
fn hostile_names_are_shown_and_do_not_drive_the_terminal() {
    let home = filled();
    let term = Term::console(&home, "hostile", "noctule");
    term.filter("hostile");
    let board = term.wait_for("S-9");
    assert!(board.contains("佐藤"), "{board}");
    term.keys(&["Enter"]);
    let detail = term.wait_for("Operations, newest first");
    assert!(detail.lines().next().unwrap().starts_with("noctule"), "the header is where it was: {detail}");
    for c in board.chars().chain(detail.chars()).filter(|c| *c != '\n') {
        assert!(!noctule_domain::text::is_dangerous(c), "{c:?} on the screen");
    }
    term.quit();
}

#[test]
fn a_terminal_too_small_says_so_and_growing_brings_everything_back() {
    let home = filled();
    let term = Term::new(&home, "small", 20, 5);
    term.line("noctule --record small.jsonl");
    let screen = term.wait_for("too small");
    assert!(screen.contains("20x5"), "{screen}");
    // What the console has heard so far: keys and news of the size come on two ways, and either may be first.
    let recording = || std::fs::read_to_string(home.path("small.jsonl")).unwrap_or_default();
    let heard = |what: &str, times: usize| {
        until(what, || (recording().matches(what).count() >= times).then_some(()), || format!("{}\n{}", term.screen(), recording()));
    };
    // Keys in the dark do no harm.
    term.keys(&["2", "j", "i", "a"]);
    heard("\"Key\"", 4);
    term.resize(80, 24);
    heard("\"Resize\"", 1);
    term.keys(&["2"]);
    let screen = term.wait("the board", |screen| screen.contains("Subscribers") && screen.contains("S-1"));
    assert!(screen.contains("? help"), "80x24 has a footer: {screen}");
    for (width, height) in [(60, 15), (200, 60), (20, 5), (1, 1), (120, 40)] {
        term.resize(width, height);
        if width >= 60 {
            term.wait(&format!("the board at {width}x{height}"), |screen| {
                screen.contains("S-1") && screen.lines().next().unwrap().contains("noctule")
            });
        }
    }
    term.quit();
    assert_eq!(home.status(&[], "S-1")["ipv6"]["state"], "pending");
}
