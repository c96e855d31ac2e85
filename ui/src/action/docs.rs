//! Texts derived from the table: the key reference of the manual and the keymap file with every default. Both are checked in; a test of
//! theirs fails when they are stale.

use super::{Group, TABLE, key_label, parse_sequence};

/// `docs/keys.md`.
pub fn keys_markdown() -> String {
    let mut out = String::from(
        "# Keys\n\nMade from the table of actions (`ui/src/action/table.rs`) by `cargo xtask gen`; do not edit.\n\n\
         Every key can be changed in the keymap file (`noctule doctor` says where it is; a template with all defaults is\n\
         `assets/keymap.toml`). Keys of a sequence are pressed one after the other; after the first, a panel shows what may follow.\n\
         Every action can also be found by name in the palette (`ctrl-p`) and typed as a command (`:ipv6-allocate`).\n",
    );
    for group in Group::ALL {
        let rows: Vec<_> = TABLE.iter().filter(|row| row.group == *group).collect();
        if rows.is_empty() {
            continue;
        }
        out.push_str(&format!(
            "\n## {}\n\n| keys | action | what it does | where | weight | needs |\n|---|---|---|---|---|---|\n",
            title(*group)
        ));
        for row in rows {
            let keys = row.keys.iter().map(|text| format!("`{}`", shown(text))).collect::<Vec<_>>().join(" ");
            let contexts = row.contexts.iter().map(|c| c.word()).collect::<Vec<_>>().join(", ");
            out.push_str(&format!("| {keys} | `{}` | {} | {contexts} | {} | {} |\n", row.name, row.help, row.weight, row.needs));
        }
    }
    out
}

/// `assets/keymap.toml`: every action with its default keys, each line commented out.
pub fn default_keymap_toml() -> String {
    let mut out = String::from(
        "# The keymap, with every default. Copy it, take the '#' from a line and change it; what is left out keeps its default.\n\
         # A key: \"a\", \"A\", \"ctrl-p\", \"alt-left\", \"f5\", \"space\", \"enter\", \"esc\", \"tab\", \"backtab\", \"pageup\". A sequence: \"g g\".\n\
         # No keys at all: []. Avoid ctrl-a, ctrl-b, ctrl-s, ctrl-w, ctrl-h/j/k/l: tmux, screen and the terminal want them.\n",
    );
    for group in Group::ALL {
        let rows: Vec<_> = TABLE.iter().filter(|row| row.group == *group).collect();
        if rows.is_empty() {
            continue;
        }
        out.push_str(&format!("\n# {}\n", title(*group)));
        for row in rows {
            let keys = row.keys.iter().map(|text| format!("{:?}", shown(text))).collect::<Vec<_>>().join(", ");
            out.push_str(&format!("# {} = [{keys}]  # {}\n", row.name, row.help));
        }
    }
    out
}

/// Headline of a group in the help and the manual.
pub fn title(group: Group) -> &'static str {
    match group {
        Group::Console => "The console",
        Group::Panes => "Panes",
        Group::Move => "Moving",
        Group::List => "Lists",
        Group::Lifecycle => "IPv6 lifecycle",
        Group::Copy => "Copying",
        Group::Field => "Field service",
        Group::Operations => "Operations",
        Group::Network => "Network",
        Group::Sync => "Sync with the centre",
        Group::Drift => "Drift",
        Group::Emergency => "Emergency, with the centre away",
        Group::Map => "Map",
        Group::Typing => "Typing, choosing, confirming",
    }
}

fn shown(text: &str) -> String {
    parse_sequence(text).map_or_else(|| text.to_owned(), |keys| keys.iter().map(|k| key_label(*k)).collect::<Vec<_>>().join(" "))
}
