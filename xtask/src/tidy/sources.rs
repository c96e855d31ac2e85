//! Checks of one file: length, module head, what `mod.rs` and `lib.rs` may hold, words that mean "not done", paths of somebody's machine.

/// A longer file is split by topic.
const LONGEST: usize = 600;

/// Words that mean that something is not done. Written apart, so that this file does not hold them.
const UNFINISHED: [&str; 4] = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("FIX", "ME"), concat!("#[", "ignore")];

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: [&str; 4] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/ho", "me/")];

pub(super) fn check(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut say = |line: usize, what: String| findings.push(format!("{name}:{line}: {what}"));
    for (at, line) in text.lines().enumerate() {
        if let Some(path) = MACHINE_PATHS.iter().find(|path| names_a_machine(line, path)) {
            say(at + 1, format!("names a path of one machine ({path}…)"));
        }
    }
    if !name.ends_with(".rs") {
        return findings;
    }
    for (at, line) in text.lines().enumerate() {
        if let Some(word) = UNFINISHED.iter().find(|word| line.contains(**word)) {
            say(at + 1, format!("{word}… means that something is not done: finish it or open an issue"));
        }
    }
    let lines = text.lines().count();
    if lines > LONGEST {
        say(lines, format!("has {lines} lines, {LONGEST} is the limit: split it by topic"));
    }
    // `tests.rs` beside a module says by its name what it is for.
    if !text.trim_start().starts_with("//!") && !name.ends_with("/tests.rs") {
        say(1, "opens without `//!` lines on what it is for and what it may not do".to_owned());
    }
    let file = name.rsplit('/').next().unwrap_or(name);
    if file == "mod.rs" || (file == "lib.rs" && name.ends_with("src/lib.rs")) {
        // The helpers of a folder of tests may stand where the folder begins.
        let items = if name.contains("/tests/") { Vec::new() } else { more_than_a_list(text) };
        if let Some((line, what)) = items.first() {
            let more = if items.len() > 1 { format!(" (and {} items more)", items.len() - 1) } else { String::new() };
            say(*line, format!("`{file}` only names and re-exports modules: move this {what}{more} into a file of its own"));
        }
    }
    findings
}

/// The path stands at the beginning of a word: `"/x/y"` does, `docs/x/y` does not; a lone `/x/` as in a list of words does not either.
fn names_a_machine(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + path.len()..].chars().next();
        before.is_none_or(|c| !(c.is_alphanumeric() || "/_-.~}$*".contains(c))) && after.is_some_and(|c| c.is_alphanumeric())
    })
}

/// Items that hold logic or types, with their lines. Constants, type aliases and macros are let pass: crates keep their few there.
fn more_than_a_list(text: &str) -> Vec<(usize, &'static str)> {
    const ITEMS: [&str; 5] = ["fn", "struct", "enum", "impl", "trait"];
    let mut found = Vec::new();
    let mut in_macro = false;
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("macro_rules!") {
            in_macro = true;
        }
        if line.starts_with('}') {
            in_macro = false;
        }
        if in_macro || line.starts_with([' ', '\t', '/', '#', '}']) {
            continue;
        }
        let mut words = line.split([' ', '<', '(']).filter(|w| !matches!(*w, "pub" | "crate)" | "super)" | "const" | "async" | "unsafe"));
        if let Some(item) = words.next().and_then(|word| ITEMS.iter().find(|item| **item == word)) {
            found.push((at + 1, *item));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "//! What for.\n";

    #[test]
    fn a_file_in_order_has_no_finding() {
        assert_eq!(check("a/src/lib.rs", &format!("{HEAD}pub mod x;\npub use x::Y;\npub type T = u8;\n")), Vec::<String>::new());
        assert_eq!(check("a/src/x.rs", &format!("{HEAD}fn x() {{}}\n")), Vec::<String>::new());
        assert_eq!(check("README.md", "see docs/home/x and https://example.net/home/x\n"), Vec::<String>::new());
    }

    #[test]
    fn each_rule_finds_what_it_is_for() {
        for (name, text, wanted) in [
            ("a/src/x.rs", "fn x() {}\n".to_owned(), "opens without"),
            ("a/src/x.rs", format!("{HEAD}fn x() {{ {}) }}\n", UNFINISHED[0]), "not done"),
            ("a/tests/x.rs", format!("{HEAD}{}]\n", UNFINISHED[3]), "not done"),
            ("a/src/x.rs", format!("{HEAD}{}", "//\n".repeat(LONGEST)), "split it"),
            ("a/src/mod.rs", format!("{HEAD}pub(crate) fn x() {{}}\n"), "move this fn"),
            ("a/src/lib.rs", format!("{HEAD}impl X {{\n}}\n"), "move this impl"),
            ("docs/x.md", format!("in {}anna\n", MACHINE_PATHS[3]), "one machine"),
        ] {
            let found = check(name, &text);
            assert!(found.iter().any(|f| f.contains(wanted)), "{name} {text:?}: {found:?}");
        }
    }
}
