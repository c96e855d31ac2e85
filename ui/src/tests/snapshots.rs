//! Frames as an operator sees them, at the sizes that are promised.

use crate::app::AppConfig;
use crate::look::Depth;
use crate::msg::{Msg, Notice, Upstream, UpstreamKind, UpstreamState};
use crate::panes::sync::world;
use crate::panes::testing::World;
use crate::testing::{Desk, Stub, config, now};
use chrono::Duration;
use noctule_domain::ConsoleId;
use noctule_domain::lifecycle::OperationKind;
use noctule_domain::sync::Other;

const SIZES: &[(u16, u16)] = &[(80, 24), (120, 40), (60, 15)];
const LOOKS: &[(&str, &str, Depth, bool)] = &[("dark", "dark", Depth::C16, false), ("ascii", "mono", Depth::None, true)];

fn desk(stub: Stub) -> Desk {
    let mut desk = Desk::board(stub);
    let up = |name: &str, kind, state, ago: i64| Upstream {
        name: name.into(),
        kind,
        state,
        since: Some(now() - Duration::seconds(ago)),
        note: None,
    };
    desk.send(Msg::Upstreams(vec![
        up("store", UpstreamKind::Store, UpstreamState::Live, 0),
        up("netbox", UpstreamKind::Netbox, UpstreamState::Offline, 250),
    ]));
    desk.send(Msg::Work { running: 1, waiting: 0 });
    desk
}

/// The same scene at every size, in dark and in mono ASCII.
fn snap(name: &str, stub: fn() -> Stub, scene: fn(&mut Desk)) {
    for (width, height) in SIZES {
        for (look, theme, depth, ascii) in LOOKS {
            let mut desk = desk(stub());
            desk.look(theme, *depth, *ascii);
            desk.resize(*width, *height);
            scene(&mut desk);
            insta::assert_snapshot!(format!("{name}_{width}x{height}_{look}"), desk.frame());
        }
    }
}

fn normal() -> Stub {
    Stub::of(5000)
}

fn hostile() -> Stub {
    let mut stub = Stub::of(40);
    stub.hostile = true;
    stub
}

#[test]
fn board() {
    snap("board", normal, |desk| desk.press("j j"));
}

#[test]
fn board_with_marks_and_a_bulk_before_it_goes() {
    snap("board_bulk", normal, |desk| desk.press("v j j j j j j j j j j v i s"));
}

#[test]
fn board_empty() {
    snap("board_empty", || Stub::of(0), |_| {});
}

#[test]
fn board_without_a_match() {
    snap("board_no_match", normal, |desk| {
        desk.press("/");
        desk.type_text("number:999999");
        desk.press("enter");
    });
}

#[test]
fn board_with_hostile_names() {
    snap("board_hostile", hostile, |_| {});
}

#[test]
fn filter_with_completion() {
    snap("filter_completion", normal, |desk| {
        desk.press("/");
        desk.type_text("state:active en");
    });
}

#[test]
fn filter_with_an_error() {
    snap("filter_error", normal, |desk| {
        desk.press("/");
        desk.type_text("anna stat:active");
    });
}

#[test]
fn detail() {
    snap("detail", normal, |desk| desk.press("j j enter"));
}

#[test]
fn detail_of_a_failed_one_with_a_hostile_name() {
    snap("detail_failed_hostile", hostile, |desk| desk.press("j j j j j j enter"));
}

#[test]
fn which_key() {
    snap("which_key", normal, |desk| desk.press("j j i"));
}

#[test]
fn help() {
    snap("help", normal, |desk| desk.press("?"));
}

#[test]
fn palette() {
    snap("palette", normal, |desk| {
        desk.press("ctrl-p");
        desk.type_text("rev");
    });
}

#[test]
fn command_line() {
    snap("command", normal, |desk| {
        desk.press(":");
        desk.type_text("s");
    });
}

#[test]
fn confirm_of_a_revoke() {
    snap("confirm_revoke", normal, |desk| desk.press("j j i v"));
}

#[test]
fn confirm_of_many() {
    snap("confirm_bulk_revoke", normal, |desk| desk.press("v j j j j j j j i v"));
}

#[test]
fn menu_of_allocate() {
    snap("menu_allocate", normal, |desk| desk.press("i A"));
}

#[test]
fn notices() {
    snap("notices", normal, |desk| {
        desk.send(Msg::Notice(Notice::warning(
            "bng-1 did not answer (5 sends in 30 s): wrong secret, our address not allowed, filtered on the way, a clock apart by more than 300 s, or down. It may have done it all the same; asking again is safe",
        )));
        desk.send(Msg::Notice(Notice::info("allocate N-000123: done")));
        desk.press("g n");
    });
}

/// A console with a centre that is away, seen whole.
fn snap_away(name: &str, scene: fn(&mut Desk)) {
    for (width, height) in SIZES {
        for (look, theme, depth, ascii) in LOOKS {
            let mut stub = Stub::of(5000);
            stub.queued = Some(OperationKind::Suspend);
            stub.others = vec![Other {
                console: ConsoleId(uuid::Uuid::from_u128(1)),
                login: "anna.k".into(),
                subscriber: None,
                seen_at: now() - Duration::seconds(130),
            }];
            stub.world = Some(World { sync: Some(world::away()), ..World::normal() });
            let mut desk = Desk::with(AppConfig { central: true, ..config() }, stub);
            desk.send(Msg::Sync(Box::new(world::offline())));
            desk.look(theme, *depth, *ascii);
            desk.resize(*width, *height);
            scene(&mut desk);
            insta::assert_snapshot!(format!("away_{name}_{width}x{height}_{look}"), desk.frame());
        }
    }
}

#[test]
fn away_from_the_centre() {
    snap_away("overview", |desk| desk.press("1"));
    snap_away("board", |desk| desk.press("2 j j"));
    snap_away("detail", |desk| desk.press("2 j j enter"));
    snap_away("emergency", |desk| desk.press("2 j j enter ! d"));
    snap_away("emergency_keys", |desk| desk.press("2 j j !"));
    snap_away("notes", |desk| {
        desk.press("2 j j e alt-enter alt-enter");
        desk.type_text("The gate code is 12, ring twice. The dog is loud and does nothing; the lift is out of order until Friday.");
        desk.press("alt-enter");
    });
    snap_away("notes_asking", |desk| desk.press("2 j j e x esc"));
}

#[test]
fn too_small_says_one_honest_sentence() {
    let mut desk = desk(normal());
    for (width, height) in [(59, 15), (60, 14), (20, 5), (1, 1), (0, 0)] {
        desk.resize(width, height);
        let frame = desk.frame();
        assert!(frame.trim().is_empty() || frame.contains("small") || width < 20, "{frame}");
    }
    desk.resize(20, 5);
    insta::assert_snapshot!("too_small_20x5", desk.frame());
}
