//! Start, configuration, help, completions, exit codes.

use crate::support::{Home, mode};
use std::fs;

#[test]
fn init_writes_a_private_commented_configuration_once() {
    let home = Home::empty();
    let ran = home.run(&["init"]).ends(0);
    assert!(ran.out.contains("config.toml"));
    assert_eq!(mode(&home.config()), 0o600);
    assert_eq!(mode(home.config().parent().unwrap()), 0o700);
    let first = fs::read_to_string(home.config()).unwrap();
    assert!(first.contains("# token = ") && !first.contains("00000000-0000"));
    let again = home.run(&["init"]).ends(4);
    assert!(again.err.contains("--force"), "{}", again.err);
    assert_eq!(fs::read_to_string(home.config()).unwrap(), first);
    home.run(&["init", "--force"]).ends(0);
    let second = fs::read_to_string(home.config()).unwrap();
    assert_ne!(first, second, "a tenant of its own each time");
    assert_eq!(mode(&home.config()), 0o600);
}

#[test]
fn a_broken_configuration_names_file_line_and_the_nearest_key_and_ends_with_9() {
    let home = Home::filled();
    let mut text = fs::read_to_string(home.config()).unwrap();
    text.push_str("\n[netbox]\nallow_plain_htp = true\n");
    fs::write(home.config(), text.replacen("[netbox]\n", "#[netbox]\n", 1)).unwrap();
    let line = fs::read_to_string(home.config()).unwrap().lines().position(|l| l.starts_with("allow_plain_htp")).unwrap() + 1;
    let ran = home.run(&["subscriber", "list"]).ends(9);
    assert!(ran.err.contains(&format!("config.toml line {line}")), "{}", ran.err);
    assert!(ran.err.contains("did you mean 'allow_plain_http'?"), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1);
    assert!(ran.out.is_empty());
}

#[test]
fn a_secret_in_a_configuration_is_refused_and_not_repeated() {
    let home = Home::ready();
    let text = fs::read_to_string(home.config()).unwrap().replace("[netbox]\n", "[netbox]\ntoken = \"nbt_hunter2hunter2\"\n");
    fs::write(home.config(), text).unwrap();
    let ran = home.run(&["doctor"]).ends(1);
    assert!(ran.out.contains("never written out"), "{}", ran.out);
    home.run(&["subscriber", "list"]).ends(9);
    home.never_printed("hunter2");
}

#[test]
fn exit_codes_tell_one_trouble_from_another() {
    let home = Home::ready();
    home.run(&["no-such-command"]).ends(2);
    home.run(&["--help"]).ends(0);
    home.run(&["--version"]).ends(0);
    // No store yet.
    assert!(home.run(&["subscriber", "list"]).ends(10).err.contains("there is no store"));
    let filled = Home::filled();
    assert!(filled.run(&["subscriber", "show", "S-9"]).ends(3).err.contains("S-9"));
    filled.run(&["operations", "show", "0199a0b4-0000-7000-8000-000000000001"]).ends(3);
    filled.run(&["nas", "probe", "bng-9"]).ends(3);
    filled.run(&["subscriber", "list", "stat:active"]).ends(2);
    filled.run(&["subscriber", "list", "--config", "nowhere.toml"]).ends(9);
    let file = filled.write("x.csv", crate::support::SUBSCRIBERS);
    assert!(filled.run(&["--read-only", "import", "subscribers", &file]).ends(4).err.contains("--read-only"));
    // A revoke asks; without a terminal nobody can answer.
    assert!(filled.run(&["ipv6", "revoke", "S-2"]).ends(2).err.contains("--yes"));
    assert!(filled.run(&["ipv6", "suspend", "S-2", "--pool", "3"]).ends(2).err.contains("belongs to allocate"));
    // Something that is no store.
    let odd = filled.write("odd.db", "this is not a database, but long enough to look at: ".repeat(50));
    let ran = filled.run(&["subscriber", "list", "--store", &odd]).ends(10);
    assert!(ran.err.contains("not a Noctule store"), "{}", ran.err);
    assert_eq!(fs::read(&odd).unwrap().len(), 52 * 50, "it was not touched");
}

#[test]
fn a_store_of_a_newer_program_is_left_alone() {
    let home = Home::filled();
    let conn = rusqlite::Connection::open(home.store()).unwrap();
    conn.pragma_update(None, "user_version", 9999).unwrap();
    drop(conn);
    let before = fs::read(home.store()).unwrap();
    let file = home.write("x.csv", crate::support::SUBSCRIBERS);
    for arguments in [&["subscriber", "list"][..], &["import", "subscribers", &file], &["audit", "verify"]] {
        let ran = home.run(arguments).ends(10);
        assert!(ran.err.contains("newer Noctule"), "{}", ran.err);
    }
    assert_eq!(fs::read(home.store()).unwrap(), before);
}

#[test]
fn help_documents_every_exit_code() {
    let help = Home::empty().run(&["--help"]).ends(0).out;
    for code in 0..=12 {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{code}  "))), "code {code} in\n{help}");
    }
}

#[test]
fn completions_are_made_for_each_shell_and_bash_takes_them() {
    let home = Home::empty();
    for (shell, sign) in [("bash", "_noctule"), ("zsh", "#compdef noctule"), ("fish", "complete -c noctule")] {
        let ran = home.run(&["completions", shell]).ends(0);
        assert!(ran.out.contains(sign) && ran.out.contains("subscriber"), "{shell}");
    }
    let script = home.write("noctule.bash", home.run(&["completions", "bash"]).out);
    let checked = std::process::Command::new("bash").args(["-n", &script]).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn man_pages_are_written_for_every_command() {
    let home = Home::empty();
    let dir = home.path("man");
    home.run(&["man", dir.to_str().unwrap()]).ends(0);
    for page in ["noctule.1", "noctule-import.1", "noctule-ipv6-allocate.1"] {
        let text = fs::read_to_string(dir.join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::io::Read;
    use std::process::Stdio;
    let home = Home::empty();
    let mut child = home.command().args(["completions", "zsh"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(child.wait().unwrap().success(), "{err}");
    assert_eq!(err, "");
}
