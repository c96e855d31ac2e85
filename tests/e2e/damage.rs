//! A damaged store, a broken configuration, a store that can not be written: said in words, nothing lost.

use crate::support::{Home, SUBSCRIBERS, Term, Upstreams};
use std::fs;

fn filled() -> Home {
    let home = Home::ready();
    home.import("nas", "name,address,secret\nbng-1,192.0.2.1,env:NOWHERE\n");
    home.import("subscribers", SUBSCRIBERS);
    home
}

/// Files of the store's folder that are not the store itself.
fn set_aside(home: &Home) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(home.store().parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().contains("damaged")).collect()
}

#[test]
fn a_damaged_store_is_set_aside_and_said_so() {
    for how in ["pages", "not a database"] {
        let home = filled();
        let mut bytes = fs::read(home.store()).unwrap();
        if how == "pages" {
            let end = bytes.len();
            bytes[4096..end].iter_mut().for_each(|byte| *byte ^= 0xa5);
        } else {
            bytes = b"this was never a database, and it is longer than a header has to be for anybody to notice".repeat(20);
        }
        fs::write(home.store(), &bytes).unwrap();
        // A command changes nothing: it only says what is wrong.
        let said = home.run(&["subscriber", "list"]).ends(10).err;
        assert!(said.contains("noctule.db"), "{said}");
        assert_eq!(fs::read(home.store()).unwrap(), bytes);

        let term = Term::new(&home, "damaged", 160, 40);
        term.line("noctule");
        let screen = term.wait("the sentence", |screen| screen.contains("1 Overview") && screen.contains("damaged"));
        assert!(screen.contains("kept as noctule.db"), "{screen}");
        let kept = set_aside(&home);
        assert!(kept.iter().any(|file| fs::read(file).unwrap() == bytes), "{how}: kept as it was: {kept:?}");
        term.quit();
        // The new store is whole.
        home.import("nas", "name,address,secret\nbng-1,192.0.2.1,env:NOWHERE\n");
        home.import("subscribers", SUBSCRIBERS);
    }
}

#[test]
fn a_broken_configuration_starts_read_only_with_line_and_nearest_name() {
    let home = filled();
    let config = fs::read_to_string(home.config()).unwrap();
    let broken = config.replace("[console]\n", "[console]\nthme = \"dark\"\n");
    let line = broken.lines().position(|line| line.starts_with("thme")).unwrap() + 1;
    home.write("config/noctule/config.toml", &broken);
    let said = home.run(&["subscriber", "list"]).ends(9).err;
    assert!(said.contains(&line.to_string()) && said.contains("theme"), "{said}");

    let term = Term::new(&home, "broken", 160, 40);
    term.line("noctule");
    let screen = term.wait("the sentence", |screen| screen.contains("READ-ONLY") && screen.contains("thme"));
    assert!(screen.contains(&format!("line {line}")) && screen.contains("theme"), "{screen}");
    term.quit();
    home.write("config/noctule/config.toml", &config);
    assert_eq!(home.status(&[], "S-1")["ipv6"]["state"], "pending", "the store is as it was");
}

#[test]
fn a_token_that_can_not_be_read_stops_in_words_and_is_not_taken_for_no_netbox() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::ready();
    let sims = Upstreams::start(&home, "ack");
    // An imported prefix that NetBox has: revoked without asking NetBox, it would be lost there.
    let row =
        "subscriber_number,username,full_name,nas,mode,ipv6_state,prefix\nS-7,eve@isp,Eve,bng-1,pd,allocated,2001:db8:4000:700::/56\n";
    home.import("subscribers", row);
    fs::set_permissions(home.path("netbox.token"), fs::Permissions::from_mode(0o644)).unwrap();
    let term = Term::console(&home, "token", "noctule");
    term.open("S-1");
    term.keys(&["i", "a"]);
    let screen = term.wait_for("allocate failed");
    assert!(screen.contains("netbox.token") && !screen.contains("no NetBox is configured"), "{screen}");
    assert_eq!(home.status(&[], "S-1")["ipv6"]["state"], "pending");
    term.keys(&["Escape"]);
    // Escape and the next key in one read would be that key with Alt.
    term.wait("the board again", |screen| screen.contains("matching"));
    term.open("S-7");
    term.keys(&["i", "v"]);
    term.wait_for("y yes");
    term.operate(&["y"], "revoking");
    term.wait_for("revoke waiting");
    term.quit();
    assert_eq!(sims.netbox.delegated().len(), 0);
}

#[test]
fn read_only_refuses_every_operation_in_words() {
    let home = filled();
    let term = Term::console(&home, "readonly", "noctule --read-only");
    term.wait_for("READ-ONLY");
    term.open("S-1");
    term.keys(&["i", "a"]);
    term.wait_for("read-only");
    term.quit();
    assert_eq!(home.status(&[], "S-1")["version"], 1);
    let list = home.run(&["operations", "list", "--json"]).ends(0).json();
    assert_eq!(list.as_array().unwrap().len(), 0);
}
