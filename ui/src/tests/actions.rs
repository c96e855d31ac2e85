//! The table of actions, walked: every key reaches its action, no key means two things, the derived texts are complete and checked in.

use crate::action::*;
use crate::app::{App, update};
use crate::msg::Msg;
use crate::panes::PaneId;
use crate::testing::{Desk, Stub, config};

#[test]
fn the_table_is_in_the_order_of_its_enum_and_names_are_unique_kebab_case() {
    for (at, row) in TABLE.iter().enumerate() {
        assert_eq!(row.action as usize, at);
        assert_eq!(Action::from_name(row.name), Some(row.action));
        assert!(row.name.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit()), "{}", row.name);
        assert!(!row.contexts.is_empty() && !row.help.is_empty() && !row.label.is_empty(), "{}", row.name);
    }
}

#[test]
fn every_default_key_parses_and_none_is_a_chord_of_tmux_screen_or_the_terminal() {
    for row in TABLE {
        for key in row.keys {
            let sequence = parse_sequence(key).unwrap_or_else(|| panic!("{}: '{key}'", row.name));
            let label = sequence_label(&sequence);
            assert_eq!(parse_sequence(&label), Some(sequence), "{label}");
            for forbidden in ["ctrl-b", "ctrl-a", "ctrl-s", "ctrl-w", "ctrl-h", "ctrl-j", "ctrl-k", "ctrl-l", "ctrl-q", "f10", "f11"] {
                assert_ne!(label, forbidden, "{}", row.name);
            }
            assert!(label != "ctrl-z" || row.action == Action::SuspendConsole);
        }
    }
}

#[test]
fn no_key_means_two_things_where_both_are_read() {
    let keymap = Keymap::default();
    for stack in STACKS {
        let rows: Vec<_> = TABLE.iter().filter(|row| row.contexts.iter().any(|c| stack.contains(c))).collect();
        for (at, a) in rows.iter().enumerate() {
            for b in &rows[at + 1..] {
                for x in keymap.of(a.action) {
                    for y in keymap.of(b.action) {
                        assert!(
                            !x.starts_with(y) && !y.starts_with(x),
                            "{stack:?}: '{}' of {} and '{}' of {}",
                            sequence_label(x),
                            a.name,
                            sequence_label(y),
                            b.name
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn every_context_is_read_somewhere_and_every_action_reached_by_its_keys() {
    let keymap = Keymap::default();
    for row in TABLE {
        let stacks: Vec<_> = STACKS.iter().filter(|stack| row.contexts.iter().any(|c| stack.contains(c))).collect();
        assert!(!stacks.is_empty(), "{}", row.name);
        for stack in stacks {
            for sequence in keymap.of(row.action) {
                for end in 1..sequence.len() {
                    assert_eq!(keymap.find(stack, &sequence[..end]), Found::Prefix, "{}", row.name);
                }
                assert_eq!(keymap.find(stack, sequence), Found::Action(row.action), "{} in {stack:?}", row.name);
            }
        }
    }
}

#[test]
fn the_panes_read_keys_in_the_stacks_that_were_tested() {
    let mut desk = Desk::new(Stub::of(50));
    for pane in PaneId::ALL {
        desk.press(&pane.number().to_string());
        assert_eq!(desk.app.pane(), *pane);
        let contexts = desk.app.contexts();
        assert!(STACKS.iter().any(|stack| *stack == contexts), "{pane}: {contexts:?}");
    }
    desk.press("2 enter");
    assert_eq!(desk.app.contexts(), [Context::Detail, Context::Global]);
}

#[test]
fn every_key_of_every_pane_either_acts_or_says_why_not() {
    for pane in PaneId::ALL {
        for row in TABLE {
            for sequence in Keymap::default().of(row.action) {
                let mut desk = Desk::new(Stub::of(50));
                desk.press(&pane.number().to_string());
                let contexts = desk.app.contexts();
                if !row.contexts.iter().any(|c| contexts.contains(c)) {
                    continue;
                }
                let reason = desk.app.greyed(row.action);
                for key in sequence {
                    desk.send(Msg::Key(*key));
                }
                assert!(desk.app.pending.is_empty(), "{pane} {}", row.name);
                if let Some(reason) = reason {
                    let said = desk.app.notices().shown().map(|s| s.notice.text.to_string()).unwrap_or_default();
                    assert!(said.contains(&reason), "{pane} {}: '{said}' does not say '{reason}'", row.name);
                }
                desk.frame();
            }
        }
    }
}

#[test]
fn a_dangerous_action_never_acts_before_it_was_confirmed() {
    for row in TABLE.iter().filter(|row| row.weight == Weight::Dangerous) {
        for at in 0..20 {
            let mut desk = Desk::board(Stub::of(50));
            for _ in 0..at {
                desk.press("down");
            }
            desk.take_effects();
            crate::app::dispatch::act(&mut desk.app, row.action, &mut Vec::new());
            let started = |e: &crate::Effect| {
                matches!(e, crate::Effect::StartOperations { .. } | crate::Effect::CancelOperation(_) | crate::Effect::Emergency { .. })
            };
            assert!(!desk.take_effects().iter().any(started), "{}", row.name);
        }
    }
}

#[test]
fn a_viewer_sees_what_it_may_not_do_with_the_reason() {
    let mut viewer = config();
    viewer.role = noctule_domain::permission::Role::Viewer;
    let mut desk = Desk::with(viewer, Stub::of(50));
    desk.press("2");
    assert_eq!(desk.app.greyed(Action::Allocate).as_deref(), Some("needs ipv6.allocate"));
    desk.press("i a");
    assert!(desk.take_effects().is_empty());
    assert!(desk.frame().contains("needs ipv6.allocate"));
}

#[test]
fn read_only_greys_everything_that_writes() {
    let mut config = config();
    config.read_only = Some("the store is newer than this program".into());
    let app = App::new(config);
    for row in TABLE.iter().filter(|row| row.weight != Weight::Safe) {
        assert!(app.greyed(row.action).is_some(), "{}", row.name);
    }
}

#[test]
fn the_palette_finds_and_does() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("ctrl-p");
    desk.type_text("theme");
    desk.press("enter");
    assert!(desk.frame().contains("high-contrast"));
    desk.press("down enter");
    assert_eq!(desk.app.look().theme.name, "light");
}

#[test]
fn the_command_line_does_completes_and_corrects() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press(":");
    desk.type_text("theme ");
    desk.press("tab tab enter");
    assert_eq!(desk.app.look().theme.name, "light");
    desk.press(":");
    desk.type_text("them dark");
    desk.press("enter");
    assert!(desk.frame().contains("did you mean :theme?"), "{}", desk.frame());
    desk.press(":");
    desk.type_text("goto N-000012");
    desk.press("enter");
    assert!(desk.frame().contains("Operations, newest first") || desk.frame().contains("N-000012"));
    assert_eq!(desk.app.contexts()[0], Context::Detail);
}

#[test]
fn history_goes_back_and_forward() {
    let mut desk = Desk::board(Stub::of(50));
    desk.press("enter 6");
    assert_eq!(desk.app.pane(), PaneId::Operations);
    desk.press("[");
    assert_eq!(desk.app.contexts()[0], Context::Detail);
    desk.press("[ [");
    assert_eq!(desk.app.pane(), PaneId::Overview);
    desk.press("] ] ]");
    assert_eq!(desk.app.pane(), PaneId::Operations);
}

#[test]
fn quitting_asks_while_work_is_under_way_and_escape_never_quits() {
    let mut desk = Desk::new(Stub::of(5));
    desk.send(Msg::Work { running: 2, waiting: 1 });
    desk.press("esc esc esc esc");
    assert!(desk.take_effects().is_empty());
    desk.press("ctrl-c");
    assert!(desk.frame().contains("2 running and 1 waiting"));
    assert!(desk.take_effects().is_empty());
    desk.press("y");
    assert_eq!(desk.take_effects(), [crate::Effect::Quit]);
    let mut idle = Desk::new(Stub::of(5));
    idle.press("ctrl-c");
    assert_eq!(idle.take_effects(), [crate::Effect::Quit]);
}

#[test]
fn an_override_replaces_and_an_error_names_line_and_nearest() {
    let (keymap, errors) =
        Keymap::with_overrides("refresh = \"ctrl-r\"\n\nipv6-alocate = [\"x\"]\nfilter = [\"ctrl-foo\"]\nsort = 3\nmark = [\"/\"]\n");
    assert_eq!(keymap.label(Action::Refresh).as_deref(), Some("ctrl-r"));
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|t| t.contains("line 3") && t.contains("ipv6-allocate")), "{texts:?}");
    assert!(texts.iter().any(|t| t.contains("line 4") && t.contains("ctrl-foo")), "{texts:?}");
    assert!(texts.iter().any(|t| t.contains("line 5")), "{texts:?}");
    assert!(texts.iter().any(|t| t.contains("line 6") && t.contains("filter")), "{texts:?}");
    assert_eq!(keymap.label(Action::Filter).as_deref(), Some("/"));
    let (_, errors) = Keymap::with_overrides("filter = [\n");
    assert!(errors[0].to_string().contains("line"), "{errors:?}");
}

#[test]
fn the_default_keymap_file_is_its_own_override() {
    let text: String = default_keymap_toml()
        .lines()
        .map(|l| l.strip_prefix("# ").filter(|l| l.contains(" = [")).unwrap_or("").to_owned() + "\n")
        .collect();
    let (keymap, errors) = Keymap::with_overrides(&text);
    assert_eq!(errors, []);
    assert_eq!(keymap, Keymap::default());
}

#[test]
fn the_checked_in_keymap_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/keymap.toml");
    if std::env::var_os("NOCTULE_BLESS").is_some() {
        std::fs::write(path, default_keymap_toml()).expect("written");
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), default_keymap_toml(), "run the tests with NOCTULE_BLESS=1");
    for row in TABLE {
        assert!(keys_markdown().contains(&format!("`{}`", row.name)));
    }
}

#[test]
fn messages_survive_the_recorder_whatever_key_it_was() {
    use crokey::KeyCombination;
    use crokey::crossterm::event::{KeyCode, KeyModifiers};
    let keys = ['a', 'A', '\u{e4}', '\u{6771}', '-', ' ', '?', '"'].map(|c| KeyCombination::one_key(KeyCode::Char(c), KeyModifiers::NONE));
    for key in keys.into_iter().map(canonical) {
        let json = serde_json::to_string(&Msg::Key(key)).expect("text");
        let Msg::Key(back) = serde_json::from_str(&json).expect(&json) else { panic!("another message") };
        assert_eq!(canonical(back), key, "{json}");
    }
}

#[test]
fn ages_of_minutes_go_on_with_the_clock_so_that_a_list_of_them_rests_in_between() {
    let mut desk = Desk::board(Stub::of(40));
    // The newest row is past its first minute: no age is written in seconds any more.
    update(&mut desk.app, Msg::Tick(crate::testing::now() + chrono::Duration::seconds(60)));
    desk.app.take_dirty();
    for second in 61..120 {
        update(&mut desk.app, Msg::Tick(crate::testing::now() + chrono::Duration::seconds(second)));
        assert!(!desk.app.take_dirty(), "drawn at second {second}");
    }
    update(&mut desk.app, Msg::Tick(crate::testing::now() + chrono::Duration::seconds(120)));
    assert!(desk.app.take_dirty());
}

#[test]
fn idle_draws_nothing_and_a_tick_only_what_changed() {
    let mut desk = Desk::board(Stub::of(3));
    desk.app.take_dirty();
    // Row 0 is 0 s old, row 1 977 s, row 2 1954 s: after one second only row 0 reads differently.
    update(&mut desk.app, Msg::Tick(crate::testing::now() + chrono::Duration::seconds(1)));
    assert!(desk.app.take_dirty());
    desk.press("8");
    desk.app.take_dirty();
    update(&mut desk.app, Msg::Tick(crate::testing::now() + chrono::Duration::seconds(2)));
    assert!(!desk.app.take_dirty(), "the log pane shows no age");
    update(&mut desk.app, Msg::Tick(crate::testing::now() + chrono::Duration::seconds(61)));
    assert!(desk.app.take_dirty(), "the clock went on by a minute");
    update(&mut desk.app, Msg::Focus(false));
    update(&mut desk.app, Msg::Work { running: 0, waiting: 0 });
    assert!(!desk.app.take_dirty());
}
