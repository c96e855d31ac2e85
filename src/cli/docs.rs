//! docs/cli.md, made from the definition of the command line.

use super::Cli;
use crate::exit::Exit;
use clap::CommandFactory;
use std::fmt::Write;

/// The definition, for completions and man pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The reference of all commands in Markdown.
pub fn markdown() -> String {
    let mut root = command();
    root.build();
    let mut out = String::from(
        "# Command line\n\n<!-- Made by `cargo xtask gen` from src/cli. Do not edit: the build fails when this file is stale. -->\n\n",
    );
    out.push_str("Every command also takes the global options of the first section.\n\n");
    section(&mut out, &mut root, true);
    out.push_str("## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        let _ = writeln!(out, "| {} | {} |", exit.code(), exit.meaning());
    }
    out
}

fn section(out: &mut String, command: &mut clap::Command, top: bool) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let about = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let _ = writeln!(out, "## {name}\n\n{about}\n\n```text\n{}\n```\n", usage.trim().trim_start_matches("Usage: "));
    let rows: Vec<String> = command
        .get_arguments()
        .filter(|arg| (top || !arg.is_global_set()) && !arg.is_hide_set())
        .filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"))
        .map(row)
        .collect();
    if !rows.is_empty() {
        let _ = writeln!(out, "| argument | meaning |\n|---|---|");
        for row in rows {
            let _ = writeln!(out, "{row}");
        }
        out.push('\n');
    }
    for sub in command.get_subcommands_mut() {
        if sub.get_name() != "help" {
            section(out, sub, false);
        }
    }
}

fn row(arg: &clap::Arg) -> String {
    let values: Vec<String> =
        arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).filter(|_| arg.get_action().takes_values()).collect();
    let mut shown = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, None) => String::new(),
    };
    for value in values {
        let value = value.to_uppercase();
        shown = if shown.is_empty() { value } else { format!("{shown} {value}") };
    }
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let known: Vec<String> =
        arg.get_possible_values().iter().filter(|_| arg.get_action().takes_values()).map(|v| format!("`{}`", v.get_name())).collect();
    if !known.is_empty() {
        help = format!("{help}{}one of {}", if help.is_empty() { "" } else { ": " }, known.join(", "));
    }
    let default: Vec<_> = arg.get_default_values().iter().filter_map(|v| v.to_str()).collect();
    if !default.is_empty() && arg.get_action().takes_values() {
        help = format!("{help} (default {})", default.join(" "));
    }
    format!("| `{}` | {} |", shown.replace('|', "\\|"), help.replace('|', "\\|").replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent_and_every_command_has_a_line_of_help() {
        command().debug_assert();
        fn walk(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for arg in command.get_arguments() {
                let known = arg.get_possible_values().len() > 1;
                assert!(arg.get_help().is_some() || known || arg.is_positional(), "{} {} has no help", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&command());
    }

    #[test]
    fn the_reference_names_every_command_and_code() {
        let text = markdown();
        for wanted in ["## noctule ipv6 allocate", "## noctule import", "--if-version N", "## noctule operations resume", "| 11 |"] {
            assert!(text.contains(wanted), "{wanted} is missing in:\n{text}");
        }
    }
}
