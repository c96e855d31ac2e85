//! Whatever keys, mouse, sizes and answers come in whatever order: no pane panics, and what it draws can not drive a terminal.

use super::sync::world;
use super::testing::{World, task, technician};
use crate::action::TABLE;
use crate::app::{AppConfig, view};
use crate::msg::{Mouse, MouseKind, Msg};
use crate::testing::{Desk, Stub, config, now, text_of};
use chrono::Duration;
use noctule_domain::permission::Role;
use noctule_domain::text::is_dangerous;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

#[derive(Debug, Clone)]
enum Event {
    /// The default keys of an action of the table.
    Action(usize),
    Key(char),
    Paste(String),
    Resize(u16, u16),
    Mouse(u16, u16, MouseKind),
    Tick(i32),
    /// The store changed to this world.
    World(u8),
    /// Technicians and tasks come and go.
    Cut(usize),
    Fail(bool),
    /// The centre stands so now.
    Centre(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let mouse = prop_oneof![Just(MouseKind::Click), Just(MouseKind::Drag), Just(MouseKind::ScrollUp), Just(MouseKind::ScrollDown)];
    prop_oneof![
        12 => (0..TABLE.len()).prop_map(Event::Action),
        6 => prop::char::range(' ', '~').prop_map(Event::Key),
        1 => ".{0,30}".prop_map(Event::Paste),
        2 => (0u16..170, 0u16..60).prop_map(|(w, h)| Event::Resize(w, h)),
        2 => (0u16..130, 0u16..50, mouse).prop_map(|(x, y, kind)| Event::Mouse(x, y, kind)),
        1 => any::<i32>().prop_map(Event::Tick),
        1 => (0u8..3).prop_map(Event::World),
        1 => (0usize..30).prop_map(Event::Cut),
        1 => any::<bool>().prop_map(Event::Fail),
        2 => (0u8..6).prop_map(Event::Centre),
    ]
}

fn play(desk: &mut Desk, event: Event) {
    match event {
        Event::Action(at) => {
            if let Some(keys) = TABLE[at].keys.first() {
                desk.press(keys);
            }
        }
        Event::Key(' ') => desk.press("space"),
        Event::Key(c) => desk.type_text(&c.to_string()),
        Event::Paste(text) => desk.send(Msg::Paste(text)),
        Event::Resize(w, h) => desk.resize(w, h),
        Event::Mouse(column, row, kind) => desk.send(Msg::Mouse(Mouse { kind, column, row })),
        Event::Tick(s) => desk.send(Msg::Tick(now() + Duration::seconds(i64::from(s)))),
        Event::World(which) => {
            let mut world = [World::normal, World::hostile, World::default][usize::from(which)]();
            world.sync = desk.stub.world.take().and_then(|world| world.sync);
            desk.stub.world = Some(world);
            desk.send(Msg::Changed);
        }
        Event::Cut(n) => {
            if let Some(world) = &mut desk.stub.world {
                world.technicians = (n..n + 9).map(|at| technician(at, false)).collect();
                world.tasks = (n..n * 2).map(|at| task(at.max(1), true)).collect();
                world.operations.truncate(n % 8);
                world.network.nases.truncate(n % 7);
                world.overview.alerts.truncate(n % 3);
            }
            desk.send(Msg::Changed);
        }
        Event::Centre(which) => {
            let view = [world::normal, world::away, world::first, world::denied, world::hostile, world::away][usize::from(which)]();
            if let Some(status) = view.status.clone() {
                desk.send(Msg::Sync(Box::new(status)));
            }
            if let Some(world) = &mut desk.stub.world {
                world.sync = Some(view).filter(|_| which < 5);
            }
            desk.send(Msg::Changed);
        }
        Event::Fail(fails) => {
            desk.stub.failing = fails.then_some("the disk is full");
            desk.send(Msg::Changed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_pane_panics_and_none_draws_what_drives_a_terminal(
        pane in prop::sample::select(vec!["1", "3", "4", "5", "6", "7", "8", "9", "9"]),
        role in prop::sample::select(vec![Role::Admin, Role::Noc, Role::Dispatcher, Role::Technician, Role::Viewer]),
        central in any::<bool>(),
        events in prop::collection::vec(event(), 1..40),
    ) {
        let mut stub = Stub::of(30);
        stub.world = Some(World::normal());
        let mut desk = Desk::with(AppConfig { role, central, ..config() }, stub);
        desk.press("f2");
        desk.press(pane);
        for event in events {
            play(&mut desk, event);
            let area = desk.app.screen();
            let mut terminal = Terminal::new(TestBackend::new(area.width, area.height)).expect("a terminal");
            terminal.draw(|frame| view(&desk.app, desk.app.look(), frame)).expect("a frame");
            let text = text_of(terminal.backend().buffer());
            prop_assert!(!text.chars().any(|c| c != '\n' && is_dangerous(c)), "{:?}", text);
        }
    }
}
