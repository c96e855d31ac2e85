//! What the terminal can show, from the environment alone: asking it would block on a slow line.

use noctule_ui::Depth;

/// How many colours, and whether only ASCII. The environment is given as a function so that a test can say it.
pub fn detect(force_ascii: bool, color: Option<bool>, var: impl Fn(&str) -> Option<String>) -> (Depth, bool) {
    let set = |name: &str| var(name).filter(|value| !value.is_empty());
    let term = set("TERM").unwrap_or_default();
    let depth = match color {
        Some(false) => Depth::None,
        None if set("NO_COLOR").is_some() || term == "dumb" || term.starts_with("vt") => Depth::None,
        _ if set("COLORTERM").is_some_and(|v| v == "truecolor" || v == "24bit") => Depth::True,
        // More than the terminal's own sixteen only where it says so: they fit the operator's palette, and tmux and screen keep them.
        _ => Depth::C16,
    };
    // LC_ALL wins over LC_CTYPE wins over LANG, as in the C library.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| set(name)).unwrap_or_default().to_lowercase();
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    // The Linux console has UTF-8 but few glyphs: no braille, no box corners in most fonts.
    (depth, force_ascii || !utf8 || term == "linux" || term.starts_with("vt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(vars: &[(&str, &str)]) -> (Depth, bool) {
        detect(false, None, |name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_decides_colours_and_glyphs() {
        let utf8 = ("LANG", "fi_FI.UTF-8");
        assert_eq!(look(&[utf8, ("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]).0, Depth::True);
        assert_eq!(look(&[utf8, ("TERM", "tmux-256color")]).0, Depth::C16);
        assert_eq!(look(&[utf8, ("TERM", "xterm"), ("NO_COLOR", "1")]).0, Depth::None);
        assert!(!look(&[utf8, ("TERM", "xterm")]).1);
        assert!(look(&[utf8, ("TERM", "linux")]).1, "the Linux console has no braille");
        assert!(look(&[("LANG", "C"), ("TERM", "xterm")]).1);
        assert!(look(&[("LC_ALL", "C"), utf8, ("TERM", "xterm")]).1, "LC_ALL wins");
    }
}
