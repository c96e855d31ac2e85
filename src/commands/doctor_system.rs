//! What doctor looks at outside of Noctule: file modes, free space, the clock, the terminal.

use super::doctor::Check;
use noctule_domain::SafeText;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Below this many bytes free, the store is at risk.
const LITTLE: u64 = 100 << 20;
/// The day this was written: a clock before it is wrong.
const WRITTEN: i64 = 1_795_392_000;

pub(super) fn privacy(what: &str, path: &Path, forbidden: u32, cure: &str) -> Vec<Check> {
    let shown = SafeText::new(&path.to_string_lossy());
    match std::fs::metadata(path) {
        Err(error) => vec![Check::fail(what, format!("{shown}: {error}"), "check that you may read it")],
        Ok(facts) => {
            let mode = facts.permissions().mode() & 0o777;
            if mode & forbidden == 0 {
                vec![Check::ok(what, format!("{shown} is private (mode {mode:04o})"))]
            } else {
                vec![Check::warn(what, format!("{shown} is open to others (mode {mode:04o})"), format!("{cure} {shown}"))]
            }
        }
    }
}

/// Free space where the store is. The standard library can not ask; `df -P` of POSIX can. Where that is missing, nothing is said.
pub(super) fn free_space(folder: &Path) -> Option<Check> {
    let output =
        Command::new("df").arg("-Pk").arg("--").arg(folder).stdin(Stdio::null()).stderr(Stdio::null()).env("LC_ALL", "C").output().ok()?;
    let free = parse_df(&String::from_utf8_lossy(&output.stdout))?;
    Some(if free < LITTLE {
        Check::warn("disk", format!("{} free where the store is", bytes(free)), "free some space before the disk is full")
    } else {
        Check::ok("disk", format!("{} free where the store is", bytes(free)))
    })
}

/// Fourth column of the last line, in KiB. The name of the file system may hold spaces, so it is counted from the sign of percent.
fn parse_df(text: &str) -> Option<u64> {
    let line = text.lines().last()?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let percent = words.iter().position(|word| word.ends_with('%'))?;
    words.get(percent.checked_sub(1)?)?.parse::<u64>().ok()?.checked_mul(1024)
}

pub(super) fn bytes(n: u64) -> String {
    match n {
        n if n < 10 << 10 => format!("{n} bytes"),
        n if n < 10 << 20 => format!("{} KiB", n >> 10),
        n if n < 10 << 30 => format!("{} MiB", n >> 20),
        n => format!("{} GiB", n >> 30),
    }
}

pub(super) fn clock() -> Vec<Check> {
    let now = chrono::Utc::now();
    let words = format!("{} UTC", now.format("%Y-%m-%d %H:%M:%S"));
    if now.timestamp() < WRITTEN {
        let cure = "set the clock: a NAS drops requests whose Event-Timestamp is more than 300 s away, and the audit log would lie";
        return vec![Check::fail("clock", format!("{words}, which is before this program was made"), cure)];
    }
    vec![match synchronised() {
        Some(false) => Check::warn(
            "clock",
            format!("{words}, not synchronised"),
            "run an NTP client: a NAS may drop requests when clocks are more than 300 s apart",
        ),
        Some(true) => Check::ok("clock", format!("{words}, synchronised")),
        None => Check::ok("clock", words),
    }]
}

/// What systemd knows of it; `None` where it is not there.
fn synchronised() -> Option<bool> {
    let output = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

pub(super) fn terminal() -> Vec<Check> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let (term, colours) = (variable("TERM"), variable("COLORTERM"));
    let mut checks = Vec::new();
    checks.push(match term.as_str() {
        "" => Check::warn("terminal", "TERM is not set", "start from a terminal, or use --plain"),
        "dumb" => Check::warn("terminal", "TERM is dumb: no full screen", "use --plain, or another terminal"),
        _ => {
            let depth = match () {
                () if !variable("NO_COLOR").is_empty() => "no colour (NO_COLOR)",
                () if matches!(colours.as_str(), "truecolor" | "24bit") => "true colour",
                () if term.contains("256color") => "256 colours",
                () => "16 colours",
            };
            Check::ok("terminal", format!("{}, {depth}", SafeText::bounded(&term, 60)))
        }
    });
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().map(|name| variable(name)).find(|value| !value.is_empty()).unwrap_or_default();
    let lower = locale.to_lowercase();
    checks.push(if lower.contains("utf-8") || lower.contains("utf8") {
        Check::ok("locale", format!("{}: UTF-8", SafeText::bounded(&locale, 60)))
    } else {
        Check::warn("locale", format!("'{}' is not UTF-8", SafeText::bounded(&locale, 60)), "set LANG=C.UTF-8, or use --ascii")
    });
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Level;

    #[test]
    fn free_space_is_read_whatever_the_name_of_the_file_system() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n//server/a b 1000 400 600 40% /mnt/x y\n";
        assert_eq!(parse_df(text), Some(600 * 1024));
        assert_eq!(parse_df(""), None);
        assert_eq!(parse_df("df: no such file"), None);
        assert_eq!(bytes(5), "5 bytes");
        assert_eq!(bytes(3 << 30), "3072 MiB");
    }

    #[test]
    fn a_file_open_to_others_is_a_warning_with_its_cure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        std::fs::write(&file, "").unwrap();
        for (mode, level) in [(0o600, Level::Ok), (0o644, Level::Warn)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(privacy("x", &file, 0o077, "chmod 600")[0].level, level);
        }
        assert_eq!(privacy("x", &folder.path().join("gone"), 0o077, "")[0].level, Level::Fail);
    }
}
