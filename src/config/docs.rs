//! docs/config.md, made from the table of keys.

use super::init::EXAMPLE;
use super::keys::{IPAM_POOL_KEYS, KEYS, Key, Kind, POOL_KEYS, env_name};
use std::fmt::Write;

/// The reference in Markdown.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Configuration\n\n<!-- Made by `cargo xtask gen` from src/config/keys.rs. Do not edit: the build fails when this file is stale. -->\n\n\
         `noctule init` writes a commented file into the configuration folder (`~/.config/noctule/config.toml` on Linux; `--config FILE` and\n\
         `NOCTULE_CONFIG` name another). Layers, the later wins: defaults, the file, environment variables, options of the command line.\n\n\
         A key that does not exist is an error that names file, line, key and the nearest key. Commands then end with code 9; the console\n\
         starts read-only and shows the message. Relative paths are meant from the folder of the file; `~/` is the home folder.\n\n\
         Secrets are given by reference only: `env:NAME`, `file:PATH` (a file that only you can read, mode 0600 or stricter; a symbolic link to\n\
         one is fine), `command:PROGRAM ARGUMENTS` (started without a shell, 10 seconds, first 4 KiB; a newline at the end is cut) or\n\
         `keyring:NAME` (the Linux kernel's keyring: memory, gone at logout or reboot).\n\n",
    );
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            let _ = write!(
                out,
                "{}## [{section}]\n\n| key | takes | default | variable |\n|---|---|---|---|\n",
                if out.ends_with("|\n") { "\n" } else { "" }
            );
            for row in KEYS.iter().filter(|k| k.section == section) {
                line(&mut out, row);
            }
            out.push('\n');
            for row in KEYS.iter().filter(|k| k.section == section) {
                let _ = writeln!(out, "- `{}`: {}", row.name, row.help);
            }
            out.push('\n');
            match section {
                "netbox" => pools(&mut out, POOL_KEYS),
                "ipam" => pools(&mut out, IPAM_POOL_KEYS),
                _ => {}
            }
        }
    }
    let _ = write!(out, "## The example\n\n```toml\n{}```\n", EXAMPLE);
    out
}

fn pools(out: &mut String, keys: &[Key]) {
    let section = keys.first().map_or("", |key| key.section);
    let _ = write!(out, "### [[{section}]]\n\n| key | takes | default | variable |\n|---|---|---|---|\n");
    keys.iter().for_each(|row| line(out, row));
    out.push('\n');
    for row in keys {
        let _ = writeln!(out, "- `{}`: {}", row.name, row.help);
    }
    out.push('\n');
}

fn line(out: &mut String, key: &Key) {
    let takes = match key.kind {
        Kind::Text => "text".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Flag => "`true` or `false`".to_owned(),
        Kind::Number { min, max: i64::MAX } => format!("number from {min}"),
        Kind::Number { min, max } => format!("number, {min} to {max}"),
        Kind::Word(words) => words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "),
        Kind::Secret => "reference to a secret".to_owned(),
        Kind::Texts => "list of texts".to_owned(),
        Kind::Numbers { min, max } => format!("list of numbers, {min} to {max}"),
        Kind::Tables => "tables".to_owned(),
    };
    let default = if key.default.is_empty() { "".to_owned() } else { format!("`{}`", key.default) };
    let variable = if key.section.contains('.') { None } else { env_name(key) };
    let _ = writeln!(out, "| `{}` | {takes} | {default} | {} |", key.name, variable.map(|v| format!("`{v}`")).unwrap_or_default());
}
