//! A console with a centre, as a whole: the header, presence, requests that are kept, notes, emergencies, sums of many operations.

use crate::action::Action;
use crate::app::{AppConfig, update};
use crate::effect::Effect;
use crate::look::Depth;
use crate::msg::{Msg, OperationEnded, Upstream, UpstreamKind, UpstreamState};
use crate::panes::PaneId;
use crate::panes::sync::world;
use crate::panes::testing::World;
use crate::testing::{Desk, Stub, config, now, operation_id, subscriber_id};
use chrono::Duration;
use noctule_domain::lifecycle::{OperationKind, OperationStatus};
use noctule_domain::permission::Role;
use noctule_domain::sync::{Link, Other, Outbox, Phase, SyncStatus, Table};
use noctule_domain::time_entry::TimeEntryKind;
use noctule_domain::{ConsoleId, SubscriberId};

fn desk_of(stub: Stub, status: SyncStatus) -> Desk {
    let mut desk = Desk::with(AppConfig { central: true, ..config() }, stub);
    desk.send(Msg::Sync(Box::new(status)));
    desk.take_effects();
    desk
}

fn board(status: SyncStatus) -> Desk {
    let mut desk = desk_of(Stub::of(50), status);
    desk.press("2");
    desk.take_effects();
    desk
}

fn header(desk: &Desk) -> String {
    desk.frame().lines().next().unwrap_or_default().to_owned()
}

fn upstreams(desk: &mut Desk, netbox: UpstreamState, nas: UpstreamState) {
    let up = |name: &str, kind, state| Upstream { name: name.into(), kind, state, since: Some(now() - Duration::minutes(4)), note: None };
    desk.send(Msg::Upstreams(vec![
        up("store", UpstreamKind::Store, UpstreamState::Live),
        up("central", UpstreamKind::Central, UpstreamState::Offline),
        up("netbox", UpstreamKind::Netbox, netbox),
        up("nas", UpstreamKind::Nas, nas),
    ]));
}

#[test]
fn the_header_says_how_old_everything_is_and_what_gives_way_is_decided() {
    use UpstreamState::{Live, Offline};
    let mut desk = desk_of(Stub::of(5), world::live());
    upstreams(&mut desk, Live, Live);
    let words = |desk: &Desk| header(desk).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(&desk), "noctule Nordnetz mira noc ●store ●netbox ●nas ●centre live 09:30");
    // Wide: everything in full, the centre once.
    desk.send(Msg::Sync(Box::new(world::offline())));
    upstreams(&mut desk, Offline, Live);
    desk.send(Msg::Work { running: 1, waiting: 0 });
    desk.resize(140, 40);
    let wide = header(&desk);
    assert!(
        wide.contains("○netbox offline 4m  ↻1 running  !2 to decide  ↑12 unsent  ○centre offline since 06:20 (3h10m)  09:30"),
        "{wide}"
    );
    assert!(!wide.contains("central"), "said once: {wide}");
    // At 80 columns who we are and what is in order go, then words get shorter; nothing that is wrong is lost.
    desk.resize(80, 24);
    assert_eq!(words(&desk), "noctule Nordnetz ○netbox 4m ↻1 !2 ↑12 ○centre offline 3h10m 09:30");
    // With everything at once the centre and the clock are the last to stay.
    upstreams(&mut desk, Offline, Offline);
    desk.send(Msg::Work { running: 1234, waiting: 567 });
    let full = header(&desk);
    assert!(full.contains("!2") && full.contains("↑12") && full.contains("○centre offline 3h10m") && full.ends_with("09:30"), "{full}");
    desk.resize(60, 15);
    let narrow = header(&desk);
    assert!(narrow.contains("○centre offline 3h10m") && narrow.ends_with("09:30"), "{narrow}");
    desk.look("mono", Depth::None, true);
    assert!(header(&desk).is_ascii() && header(&desk).contains("!centre offline 3h10m"), "{}", header(&desk));
}

#[test]
fn without_a_centre_the_header_says_nothing_of_one() {
    let mut desk = Desk::new(Stub::of(5));
    desk.send(Msg::Sync(Box::new(world::offline())));
    assert!(!header(&desk).contains("centre"), "{}", header(&desk));
}

#[test]
fn the_header_goes_on_with_the_clock() {
    let late = SyncStatus { link: Link::Delayed, fresh_at: Some(now() - Duration::seconds(12)), ..world::live() };
    let mut desk = desk_of(Stub::of(5), late);
    desk.press("8");
    assert!(header(&desk).contains("delayed by 12s"), "{}", header(&desk));
    desk.app.take_dirty();
    desk.send(Msg::Tick(now() + Duration::seconds(1)));
    assert!(desk.app.take_dirty());
    assert!(header(&desk).contains("delayed by 13s"), "{}", header(&desk));
    desk.send(Msg::Sync(Box::new(SyncStatus { phase: Phase::Indexing { percent: 30 }, ..world::live() })));
    assert!(header(&desk).contains("indexing 30 %"), "{}", header(&desk));
}

fn looks(desk: &mut Desk) -> Vec<Option<SubscriberId>> {
    desk.take_effects().into_iter().filter_map(|e| if let Effect::LookAt(id) = e { Some(id) } else { None }).collect()
}

fn tick(desk: &mut Desk, ms: i64) {
    desk.send(Msg::Tick(now() + Duration::milliseconds(ms)));
}

#[test]
fn others_are_told_of_a_detail_at_once_and_of_a_row_after_a_second() {
    let mut desk = desk_of(Stub::of(50), world::live());
    desk.press("2 j");
    assert_eq!(looks(&mut desk), [], "scrolling tells nothing");
    tick(&mut desk, 400);
    tick(&mut desk, 1000);
    assert_eq!(looks(&mut desk), [], "not a second yet");
    tick(&mut desk, 1400);
    assert_eq!(looks(&mut desk), [Some(subscriber_id(1))]);
    tick(&mut desk, 9000);
    assert_eq!(looks(&mut desk), [], "once");
    desk.press("j");
    assert_eq!(looks(&mut desk), [None], "gone from there");
    desk.press("enter");
    assert_eq!(looks(&mut desk), [Some(subscriber_id(2))]);
    desk.press("n");
    assert_eq!(looks(&mut desk), [Some(subscriber_id(3))]);
    desk.press("6");
    assert_eq!(looks(&mut desk), [None]);
    desk.press("2");
    assert_eq!(looks(&mut desk), [Some(subscriber_id(3))]);
    let mut alone = Desk::board(Stub::of(50));
    alone.press("enter");
    assert_eq!(looks(&mut alone), [], "nobody to tell");
}

#[test]
fn who_else_looks_is_said_above_the_fields() {
    let other = |login: &str, seconds| Other {
        console: ConsoleId(uuid::Uuid::from_u128(seconds as u128)),
        login: login.into(),
        subscriber: Some(subscriber_id(0)),
        seen_at: now() - Duration::seconds(seconds),
    };
    let mut stub = Stub::of(50);
    stub.others = vec![other("anna.k", 12)];
    let mut desk = desk_of(stub, world::live());
    desk.press("2 enter");
    assert!(desk.frame().contains("anna.k looks at this too (seen 12s ago)"), "{}", desk.frame());
    desk.stub.others.push(other("paul", 40));
    desk.send(Msg::Changed);
    assert!(desk.frame().contains("anna.k and paul look at this too"), "{}", desk.frame());
    desk.press("G");
    assert!(desk.frame().contains("version"), "the end can be scrolled to: {}", desk.frame());
}

#[test]
fn what_is_kept_in_the_outbox_is_said_and_shown() {
    let mut desk = board(world::offline());
    desk.press("i a");
    let id = desk
        .take_effects()
        .into_iter()
        .find_map(|e| if let Effect::StartOperations { id, .. } = e { Some(id) } else { None })
        .expect("begun");
    desk.stub.queued = Some(OperationKind::Allocate);
    desk.send(Msg::OperationsStarted { id, started: 0, queued: 1, refused: Vec::new() });
    desk.send(Msg::Changed);
    desk.resize(140, 24);
    let frame = desk.frame();
    assert!(frame.contains("1 kept in the outbox: asked again when the centre is back"), "{frame}");
    assert!(frame.contains("⇢ pending") && frame.contains("⇢ allocate"), "{frame}");
    desk.send(Msg::Tick(now() + Duration::seconds(90)));
    assert!(desk.frame().contains("allocate is queued: kept in the outbox"), "{}", desk.frame());
    desk.press("enter");
    assert!(desk.frame().contains("⇢ allocate queued"), "{}", desk.frame());
    desk.send(Msg::OperationsStarted { id, started: 0, queued: 2, refused: vec![("N-7".into(), "already active".into())] });
    assert!(desk.frame().contains("1 refused (the first: N-7: already active); 2 kept"), "{}", desk.frame());
}

#[test]
fn a_confirmation_says_that_the_centre_is_away() {
    let mut desk = board(world::offline());
    desk.press("j j i v");
    assert!(desk.frame().contains("it is kept in the outbox"), "{}", desk.frame());
    let mut live = board(world::live());
    live.press("j j i v");
    assert!(!live.frame().contains("outbox"), "{}", live.frame());
}

fn emergencies(desk: &mut Desk) -> Vec<(SubscriberId, OperationKind)> {
    let pick = |e| if let Effect::Emergency { subscriber, purpose } = e { Some((subscriber, purpose)) } else { None };
    desk.take_effects().into_iter().filter_map(pick).collect()
}

#[test]
fn an_emergency_goes_past_the_centre_only_when_it_is_away_and_after_a_yes() {
    let mut desk = board(world::offline());
    // Row 2 is active and has a session.
    desk.press("j j");
    assert_eq!(desk.app.greyed(Action::EmergencyDisconnect), None);
    desk.press("! d");
    let frame = desk.frame();
    assert!(frame.contains("EMERGENCY: disconnect N-000002") && frame.contains("bng-3") && frame.contains("journaled"), "{frame}");
    assert_eq!(emergencies(&mut desk), []);
    desk.press("n ! d enter");
    assert_eq!(emergencies(&mut desk), [], "a habit of the fingers is not a yes");
    desk.press("y");
    assert_eq!(emergencies(&mut desk), [(subscriber_id(2), OperationKind::Revoke)]);
    desk.press("enter ! s");
    assert!(desk.frame().contains("bng-1, for session 0A1B2C3D"), "the detail knows the session: {}", desk.frame());
    desk.press("y");
    assert_eq!(emergencies(&mut desk), [(subscriber_id(2), OperationKind::Suspend)]);
}

#[test]
fn an_emergency_is_greyed_with_its_reason() {
    let why = |desk: &Desk| desk.app.greyed(Action::EmergencySuspend).unwrap_or_default();
    let mut live = board(world::live());
    live.press("j j");
    assert_eq!(why(&live), "the centre is there: use suspend or revoke");
    assert!(!live.frame().contains("emergency"), "no place in the footer: {}", live.frame());
    live.press("! d");
    assert_eq!(emergencies(&mut live), []);
    let mut late = board(SyncStatus { link: Link::Delayed, fresh_at: Some(now() - Duration::seconds(90)), ..world::live() });
    late.press("j j");
    assert_eq!(why(&late), "", "connected and silent is as good as away");
    late.press("k");
    assert_eq!(why(&late), "no session is known here");
    late.press("space j");
    assert_eq!(why(&late), "one at a time: drop the marks first (Esc)");
    let alone = Desk::board(Stub::of(5));
    assert_eq!(why(&alone), "this machine works alone: use suspend or revoke");
    let mut viewer = Desk::with(AppConfig { central: true, role: Role::Dispatcher, ..config() }, Stub::of(5));
    viewer.send(Msg::Sync(Box::new(SyncStatus { role: None, ..world::offline() })));
    viewer.press("2 j j");
    assert_eq!(why(&viewer), "needs ipv6.force");
}

fn ended(at: u64, status: OperationStatus) -> Msg {
    let bad = status != OperationStatus::Succeeded;
    Msg::OperationEnded(OperationEnded {
        operation: operation_id(at),
        subscriber: subscriber_id(at),
        who: format!("N-{at:06}").into(),
        kind: OperationKind::Allocate,
        status,
        error: bad.then(|| "the pool is full".into()),
    })
}

/// A console whose centre is away: there many are requests of their own, and no job.
fn away() -> Desk {
    let mut desk = Desk::with(AppConfig { central: true, ..config() }, Stub::of(50));
    desk.send(Msg::Sync(Box::new(world::offline())));
    desk.press("2");
    desk
}

/// Begins an allocation of the pending rows among the first of the board.
fn bulk(desk: &mut Desk) -> (crate::RequestId, Vec<u64>) {
    desk.press("v");
    for _ in 0..36 {
        desk.press("j");
    }
    desk.press("v i a y");
    let begun = desk.take_effects().into_iter().find_map(|e| match e {
        Effect::StartOperations { id, targets, .. } => {
            Some((id, targets.iter().map(|t| (t.subscriber.uuid().as_u128() & 0xffff) as u64).collect()))
        }
        _ => None,
    });
    begun.expect("a bulk")
}

#[test]
fn the_ends_of_many_are_told_as_one_sum() {
    let mut desk = away();
    let (id, rows) = bulk(&mut desk);
    assert!(rows.len() > 4, "{rows:?}");
    desk.send(Msg::Focus(false));
    // One ends before it was told how many began.
    desk.send(ended(rows[0], OperationStatus::Failed));
    desk.send(Msg::OperationsStarted { id, started: rows.len() as u32, queued: 0, refused: Vec::new() });
    for at in &rows[1..rows.len() - 1] {
        desk.send(ended(*at, OperationStatus::Succeeded));
        assert!(!desk.frame().contains("allocated,") && desk.take_effects().is_empty());
    }
    desk.send(ended(rows[rows.len() - 1], OperationStatus::Refused));
    desk.resize(160, 30);
    let frame = desk.frame();
    let sum = format!(
        "{} allocated, 1 refused, 1 failed; the first: N-{:06}: the pool is full. Operations (6) has each",
        rows.len() - 2,
        rows[0]
    );
    assert!(frame.contains(&sum), "{frame}");
    assert_eq!(desk.take_effects(), [Effect::Bell], "one bell");
    let said: Vec<String> = desk.app.notices().all().map(|s| s.notice.text.to_string()).collect();
    assert_eq!(said.iter().filter(|s| s.contains("the pool is full")).count(), 3, "each failure is in the list as well: {said:?}");
    // What comes later, for the same one, is told as ever.
    desk.send(ended(rows[1], OperationStatus::Succeeded));
    assert_eq!(desk.app.notices().all().next().map(|s| s.notice.text.to_string()), Some(format!("allocate N-{:06}: done", rows[1])));
}

#[test]
fn a_bulk_that_waits_for_something_is_told_as_far_as_it_came_once() {
    let mut desk = away();
    let (id, rows) = bulk(&mut desk);
    desk.send(Msg::OperationsStarted { id, started: rows.len() as u32, queued: 0, refused: Vec::new() });
    desk.send(ended(rows[0], OperationStatus::Succeeded));
    let so_far = |desk: &Desk| desk.app.notices().all().filter(|s| s.notice.text.as_str().starts_with("so far")).count();
    for second in 1..30 {
        desk.send(Msg::Tick(now() + Duration::seconds(second)));
    }
    assert_eq!(so_far(&desk), 0);
    for second in 30..300 {
        desk.send(Msg::Tick(now() + Duration::seconds(second)));
    }
    assert_eq!(so_far(&desk), 1);
    let said = desk.app.notices().all().next().map(|s| s.notice.text.to_string());
    assert_eq!(said, Some(format!("so far 1 allocated; {} still under way", rows.len() - 1)));
    desk.send(ended(rows[1], OperationStatus::Succeeded));
    for second in 300..400 {
        desk.send(Msg::Tick(now() + Duration::seconds(second)));
    }
    assert_eq!(so_far(&desk), 2, "another end, another rest");
}

#[test]
fn a_bulk_of_which_few_began_is_told_one_by_one() {
    let mut desk = away();
    let (id, rows) = bulk(&mut desk);
    let refused = rows[2..].iter().map(|at| (format!("N-{at}").into(), "busy".into())).collect();
    desk.send(Msg::OperationsStarted { id, started: 2, queued: 0, refused });
    desk.send(ended(rows[0], OperationStatus::Succeeded));
    assert!(desk.app.notices().all().any(|s| s.notice.text.as_str().ends_with(": done")));
}

#[test]
fn marks_that_the_present_filter_hides_are_told_before_a_bulk() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("space j j j j j j space");
    desk.press("/");
    desk.type_text("number:N-000021");
    desk.press("enter i a");
    assert!(desk.frame().contains("2 of them were marked under another filter"), "{}", desk.frame());
    desk.press("esc esc esc space j j j j j j space i a");
    assert!(desk.frame().contains("will go") && !desk.frame().contains("another filter"), "{}", desk.frame());
}

#[test]
fn notes_of_a_subscriber_are_written_in_several_lines_and_never_lost() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("j e");
    assert!(desk.frame().contains("Notes of N-000001") && desk.frame().contains("Dog. Call before."), "{}", desk.frame());
    desk.press("alt-enter");
    desk.type_text("Gate 12");
    desk.press("esc");
    assert!(desk.frame().contains("Throw away what was typed?"), "{}", desk.frame());
    desk.press("n");
    desk.send(Msg::Paste("\nthird\u{1b}[2J line".into()));
    desk.press("enter");
    let sent = desk.take_effects();
    match sent.as_slice() {
        [Effect::SetSubscriberNotes { subscriber, expected_version: 3, notes: Some(notes) }] => {
            assert_eq!(*subscriber, subscriber_id(1));
            assert_eq!(notes.as_str(), "Dog. Call before.\u{240a}Gate 12\u{240a}third[2J line");
        }
        other => panic!("{other:?}"),
    }
    // The store did not take them: what was typed can be brought back.
    desk.press("e");
    assert!(desk.frame().contains("Ctrl-R typed last"), "{}", desk.frame());
    desk.press("ctrl-r");
    assert!(desk.frame().contains("Gate 12"), "{}", desk.frame());
    desk.press("esc y");
    assert!(desk.app.overlays.is_empty() && desk.take_effects().is_empty());
    desk.press("e enter");
    assert!(desk.take_effects().is_empty() && desk.frame().contains("nothing was changed"), "{}", desk.frame());
    // From the detail, and emptied.
    desk.press("enter e ctrl-u enter");
    assert!(matches!(desk.take_effects().as_slice(), [Effect::SetSubscriberNotes { notes: None, .. }]));
}

#[test]
fn an_editor_does_not_open_by_itself_over_something_else() {
    let mut desk = Desk::board(Stub::of(50));
    let asked = update(&mut desk.app, Msg::Key("e".parse().expect("a key")));
    desk.press("4");
    desk.settle(asked);
    assert!(desk.app.overlays.is_empty());
    let mut viewer = Desk::with(AppConfig { role: Role::Viewer, ..config() }, Stub::of(5));
    viewer.press("2 e");
    assert!(viewer.app.overlays.is_empty() && viewer.frame().contains("needs subscriber.write"), "{}", viewer.frame());
}

#[test]
fn notes_of_a_task_and_what_the_centre_has_not_yet() {
    let mut world = World::normal();
    world.tasks.iter_mut().for_each(|t| t.unsent = true);
    let mut stub = Stub::of(5);
    stub.world = Some(world);
    let mut desk = Desk::with(AppConfig { role: Role::Dispatcher, ..config() }, stub);
    desk.press("4");
    assert!(desk.frame().contains("↑ Install ONT"), "{}", desk.frame());
    desk.press("e");
    desk.type_text(" Ring.");
    desk.press("enter");
    match desk.take_effects().as_slice() {
        [Effect::SetTaskNotes { expected_version: 5, notes: Some(notes), .. }] => assert!(notes.as_str().ends_with("Ring."), "{notes}"),
        other => panic!("{other:?}"),
    }
    desk.press("enter");
    assert!(desk.frame().contains("waits in the outbox"), "{}", desk.frame());
    desk.press("q b");
    assert!(desk.frame().contains("T-0020↑ Install") || desk.frame().contains("↑ "), "{}", desk.frame());
}

#[test]
fn technicians_are_clocked_in_with_a_kind_and_out() {
    let mut world = World::normal();
    world.technicians[1].clocked_in_at = Some(now() - Duration::minutes(92));
    let name = world.technicians[1].name.to_string();
    let mut stub = Stub::of(5);
    stub.world = Some(world);
    let mut desk = Desk::with(AppConfig { role: Role::Dispatcher, ..config() }, stub);
    desk.press("3");
    assert_eq!(desk.app.greyed(Action::ClockOut).as_deref(), Some("not clocked in"));
    desk.press("c t");
    assert!(matches!(desk.take_effects().as_slice(), [Effect::Clock { to: Some(TimeEntryKind::Travel), .. }]));
    desk.press("/");
    desk.type_text("clocked_in");
    desk.press("enter");
    assert!(desk.app.greyed(Action::ClockIn).is_some_and(|why| why.contains("clocked in since 07:58")));
    desk.press("enter");
    assert!(desk.frame().contains("since 07:58 (1h32m)"), "{}", desk.frame());
    desk.press("C");
    assert!(matches!(desk.take_effects().as_slice(), [Effect::Clock { to: None, .. }]));
    // A technician only clocks himself.
    let other = AppConfig { role: Role::Technician, actor: "somebody else".into(), ..config() };
    let mut own = Desk::with(other, std::mem::replace(&mut desk.stub, Stub::of(0)));
    own.press("3 /");
    own.type_text("clocked_in");
    own.press("enter");
    assert_eq!(own.app.greyed(Action::ClockOut), Some(format!("it is the time of {name}")));
}

#[test]
fn the_overview_leads_to_what_the_centre_wants() {
    let mut stub = Stub::of(5);
    stub.world = Some(World { sync: Some(world::away()), ..World::normal() });
    let mut desk = desk_of(stub, world::offline());
    let frame = desk.frame();
    assert!(frame.contains("the centre is offline, 12 unsent: go on working") && frame.contains("3h10m"), "{frame}");
    assert!(frame.contains("2 changes of yours wait for a decision"), "{frame}");
    // The critical one of the pool comes first.
    desk.press("g g j enter");
    assert_eq!(desk.app.pane(), PaneId::Sync);
    desk.press("1 g g");
    desk.send(Msg::Sync(Box::new(SyncStatus { link: Link::Denied, outbox: Outbox::default(), ..world::offline() })));
    assert!(desk.frame().contains("does not let you in any more"), "{}", desk.frame());
    desk.send(Msg::Sync(Box::new(world::live())));
    assert!(!desk.frame().contains("centre is") && !desk.frame().contains("does not let you"), "{}", desk.frame());
}

#[test]
fn the_overdue_alert_leads_to_the_tasks_that_are() {
    for (text, filter) in [("13 tasks overdue", None), ("some are late", Some("tasks:overdue"))] {
        let mut world = World::normal();
        world.overview.alerts.truncate(1);
        world.overview.alerts[0].text = text.into();
        world.overview.alerts[0].filter = filter.map(str::to_owned);
        let mut stub = Stub::of(5);
        stub.world = Some(world);
        let mut desk = Desk::new(stub);
        desk.press("g g enter");
        assert_eq!(desk.app.pane(), PaneId::Tasks);
        assert!(desk.frame().contains("/overdue"), "{}", desk.frame());
    }
}

#[test]
fn a_board_without_a_copy_says_why() {
    let mut desk = desk_of(Stub::of(0), SyncStatus { fresh_at: None, ..world::offline() });
    desk.press("2");
    assert!(desk.frame().contains("There is no copy of the centre on this machine yet"), "{}", desk.frame());
    let copying = Phase::Copying { table: Table::Subscribers, rows: 410, of: 1000 };
    desk.send(Msg::Sync(Box::new(SyncStatus { fresh_at: None, phase: copying, ..world::live() })));
    assert!(desk.frame().contains("The first copy of the centre is being made: copying 41 %"), "{}", desk.frame());
}

#[test]
fn with_a_centre_it_says_what_the_operator_may_do_and_what_is_seen_is_his() {
    let mut stub = Stub::of(5);
    stub.world = Some(World::normal());
    let login = AppConfig { role: Role::Admin, central: true, actor: "mikko".into(), ..config() };
    let mut desk = Desk::with(login, stub);
    desk.press("4 j");
    assert_eq!(desk.app.greyed(Action::TaskAssign), None);
    desk.send(Msg::Sync(Box::new(SyncStatus { role: Some(Role::Technician), ..world::live() })));
    assert_eq!(desk.app.greyed(Action::TaskAssign).as_deref(), Some("needs field.write"));
    assert_eq!(desk.app.greyed(Action::TaskNotes), None, "no other tasks are seen than those of the login");
    desk.press("3");
    assert_eq!(desk.app.greyed(Action::ClockIn), None);
    assert!(header(&desk).contains("mikko technician"), "{}", header(&desk));
}
