//! One keystroke without a terminal: the message in, the frame into a buffer.

use super::{quantile, say};
use crokey::KeyCombination;
use noctule_domain::lifecycle::{AssignmentMode, Enforcement, Ipv6State};
use noctule_domain::page::{Page, Total};
use noctule_domain::permission::Role;
use noctule_domain::subscriber::{SubscriberRow, SubscriberStatus, Username};
use noctule_domain::{SafeText, SubscriberId};
use noctule_ui::{App, AppConfig, Effect, Msg, Query, Reply, update, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::time::Instant;

pub fn keystroke() {
    let mut config = AppConfig::new(chrono::Utc::now(), "bench", Role::Admin);
    config.size = (super::pty::WIDTH, super::pty::HEIGHT);
    let mut app = App::new(config);
    let effects = app.start();
    answer(&mut app, effects);
    press(&mut app, "2");
    press(&mut app, "/");
    let mut terminal = Terminal::new(TestBackend::new(super::pty::WIDTH, super::pty::HEIGHT)).expect("a terminal");
    let mut times = Vec::new();
    for _ in 0..200 {
        for key in "state:active anna".chars() {
            let name = if key == ' ' { "space".to_owned() } else { key.to_string() };
            let begun = Instant::now();
            let effects = update(&mut app, Msg::Key(name.parse().expect("a key")));
            terminal.draw(|frame| view(&app, app.look(), frame)).expect("draws");
            times.push(begun.elapsed().as_secs_f64() * 1e6);
            answer(&mut app, effects);
        }
        press(&mut app, "ctrl-u");
    }
    assert!(times.len() > 1000);
    say("keystroke_update_and_view_p50", quantile(&times, 0.5), "µs", "");
    say("keystroke_update_and_view_p99", quantile(&times, 0.99), "µs", "");
}

fn press(app: &mut App, key: &str) {
    let key: KeyCombination = key.parse().expect("a key");
    let effects = update(app, Msg::Key(key));
    answer(app, effects);
}

/// A store that answers at once.
fn answer(app: &mut App, mut effects: Vec<Effect>) {
    while let Some(effect) = effects.pop() {
        if let Effect::Ask { id, query: Query::Subscribers(request) } = effect {
            let rows = (0..u32::from(request.limit)).map(row).collect();
            let page = Page { rows, total: Total::AtLeast(10_000), more_before: false, more_after: true };
            effects.extend(update(app, Msg::Reply { id, reply: Reply::Subscribers(page) }));
        }
    }
}

fn row(n: u32) -> SubscriberRow {
    SubscriberRow {
        id: SubscriberId(uuid::Uuid::from_u128(u128::from(n))),
        subscriber_number: SafeText::new(&format!("N-{n:07}")),
        username: Username::new(&format!("user{n}@isp.example")).expect("a user name"),
        full_name: "Björn Åkesson".into(),
        status: SubscriberStatus::Active,
        state: Ipv6State::Active,
        mode: AssignmentMode::Pd,
        enforcement: Enforcement::Observed,
        prefix: format!("2001:db8:{n:x}::/56").parse().ok(),
        nas: Some("bng-1".into()),
        has_session: true,
        running: None,
        queued: None,
        last_error: None,
        hold_until: None,
        since: chrono::Utc::now(),
        version: 1,
    }
}
