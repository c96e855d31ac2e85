//! Lists, exports, the audit log, doctor.

use crate::support::{Home, NAS, SUBSCRIBERS, mode};
use std::fs;

#[test]
fn lists_are_aligned_filtered_sorted_and_without_colour() {
    let home = Home::filled();
    let ran = home.run(&["subscriber", "list"]).ends(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 4);
    let column = lines[0].find("user name").unwrap();
    assert!(lines[1..].iter().all(|line| line[column..].contains("@isp")), "{}", ran.out);
    assert!(!ran.out.contains('\x1b'));
    assert!(home.run(&["--color", "always", "subscriber", "list"]).out.contains("\x1b[1m"));
    assert_eq!(home.run_with(&[("NO_COLOR", "1")], &["subscriber", "list"]).out, ran.out);
    let numbers = |arguments: &[&str]| -> Vec<String> {
        let rows = home.run(&[&["subscriber", "list", "--json"], arguments].concat()).ends(0).json();
        rows.as_array().unwrap().iter().map(|row| row["subscriber_number"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(numbers(&["state:active"]), ["S-2"]);
    assert_eq!(numbers(&["nas:bng-1", "--sort", "-number"]), ["S-3", "S-1"]);
    assert_eq!(numbers(&["2001:db8:1::5"]), ["S-2"]);
    assert_eq!(numbers(&["--limit", "1"]), ["S-1"]);
    assert!(home.run(&["subscriber", "list", "--limit", "1"]).out.contains("there are more"));
    assert!(home.run(&["subscriber", "list", "state:failed"]).ends(0).out.contains("no subscriber matches"));
}

#[test]
fn a_subscriber_is_found_by_number_user_name_id_and_address() {
    let home = Home::filled();
    let by_number = home.run(&["subscriber", "show", "S-2", "--json"]).ends(0).json();
    let id = by_number["id"].as_str().unwrap();
    for text in ["ben@isp", id, "2001:db8:1:0:1::1"] {
        assert_eq!(home.run(&["subscriber", "show", text, "--json"]).ends(0).json()["id"], id, "{text}");
    }
    let text = home.run(&["ipv6", "status", "S-2"]).ends(0).out;
    assert!(text.contains("2001:db8:1::/56") && text.contains("bng-2") && text.contains("active since"), "{text}");
}

#[test]
fn an_export_imports_into_another_store_as_it_was() {
    let home = Home::filled();
    let csv = home.run(&["export", "subscribers"]).ends(0).out;
    // A session that the file knows of comes along.
    home.import("subscribers", "subscriber_number,username,full_name,acct_session_id,session_nas,framed_ipv4\nS-2,ben@isp,\"Ben, the second\",8a3f01,bng-1,192.0.2.77\n")
        .ends(0);
    let csv_before = csv;
    let csv = home.run(&["export", "subscribers"]).ends(0).out;
    assert!(csv.contains("8a3f01,bng-1,192.0.2.77") && csv != csv_before, "{csv}");
    home.import("subscribers", "subscriber_number,username,full_name,session_nas\nS-2,ben@isp,\"Ben, the second\",bng-1\n").ends(2);
    let other = Home::ready();
    other.import("nas", home.run(&["export", "nas"]).ends(0).out).ends(0);
    other.import("subscribers", &csv).ends(0);
    assert_eq!(other.run(&["export", "subscribers"]).ends(0).out, csv);
    assert!(csv.contains("\"Ben, the second\"") && csv.contains("赛 三"));
    assert_eq!(home.run(&["export", "subscribers", "--filter", "state:active"]).out.lines().count(), 2);
    let json = home.run(&["export", "subscribers", "--format", "json"]).ends(0).json();
    assert_eq!(json.as_array().unwrap().len(), 3);
    home.run(&["export", "nas", "--filter", "x"]).ends(2);
}

#[test]
fn an_export_into_a_file_is_private_and_whole() {
    let home = Home::filled();
    let file = home.path("out.csv");
    let ran = home.run(&["export", "subscribers", "-o", file.to_str().unwrap()]).ends(0);
    assert!(ran.out.contains("wrote 3 rows"));
    assert_eq!(mode(&file), 0o600);
    assert_eq!(fs::read_to_string(&file).unwrap(), home.run(&["export", "subscribers"]).out);
    home.run(&["export", "subscribers", "-o", "no/such/folder/x.csv"]).ends(2);
    let left =
        fs::read_dir(home.path("")).unwrap().filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains("partial")).count();
    assert_eq!(left, 0);
}

#[test]
fn imports_are_audited_and_a_changed_record_is_found() {
    let home = Home::filled();
    let intact = home.run(&["audit", "verify", "--json"]).ends(0).json();
    assert_eq!((&intact["intact"], &intact["records"]), (&true.into(), &2.into()));
    let listed = home.run(&["audit", "list"]).ends(0).out;
    assert!(listed.contains("import-subscribers") && listed.contains("anna"), "{listed}");
    let newest = home.run(&["audit", "list", "--limit", "1", "--json"]).ends(0).json();
    assert_eq!(newest[0]["entry"]["action"], "import-subscribers");
    assert_eq!(newest[0]["entry"]["after"]["new"], 3);
    let conn = rusqlite::Connection::open(home.store()).unwrap();
    let triggers: Vec<String> = conn
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for trigger in triggers {
        conn.execute_batch(&format!("DROP TRIGGER \"{trigger}\"")).unwrap();
    }
    let changed = conn.execute("UPDATE audit SET body = replace(body, 'anna', 'eve') WHERE seq = 1", []).unwrap();
    assert_eq!(changed, 1);
    drop(conn);
    let broken = home.run(&["audit", "verify"]).ends(1);
    assert!(broken.out.contains("broken at record 1"), "{}", broken.out);
    assert_eq!(home.run(&["audit", "verify", "--json"]).ends(1).json()["intact"], false);
    assert!(home.run(&["doctor"]).ends(1).out.contains("broken at record 1"));
}

#[test]
fn doctor_names_each_trouble_with_its_cure_and_no_secret() {
    let home = Home::empty();
    let ran = home.run(&["doctor"]).ends(1);
    assert!(ran.out.contains("fail  configuration") && ran.out.contains("noctule init"), "{}", ran.out);
    home.run(&["init"]).ends(0);
    home.import("nas", NAS).ends(0);
    home.import("subscribers", SUBSCRIBERS).ends(0);
    let secrets = [("BNG1_SECRET", "weak-hunter2"), ("BNG2_SECRET", "long-enough-hunter2-secret"), ("NOCTULE_NETBOX_URI", "x")];
    let ran = home.run_with(&secrets, &["doctor"]).ends(0);
    for wanted in [
        "ok    configuration",
        "ok    store integrity",
        "ok    audit log",
        "warn  NAS bng-1",
        "weak",
        "ok    NAS bng-2",
        "did you mean NOCTULE_NETBOX_URL?",
        "256 colours",
    ] {
        assert!(ran.out.contains(wanted), "{wanted} in\n{}", ran.out);
    }
    let json = home.run_with(&secrets, &["doctor", "--json"]).ends(0).json();
    assert_eq!(json["failed"], 0);
    let without = home.run(&["doctor"]).ends(1);
    assert!(without.out.contains("fail  NAS bng-1") && without.out.contains("BNG1_SECRET is not set"), "{}", without.out);
    fs::set_permissions(home.config(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    assert!(home.run_with(&secrets, &["doctor"]).ends(0).out.contains("chmod 600"));
    home.never_printed("hunter2");
}

#[test]
fn one_long_name_does_not_push_the_other_columns_out_of_sight() {
    let home = Home::filled();
    home.import("subscribers", format!("subscriber_number,username,full_name\nS-9,long@isp,{}\n", "名".repeat(300))).ends(0);
    let list = home.run(&["subscriber", "list"]).ends(0).out;
    let row = list.lines().find(|line| line.starts_with("S-9")).unwrap();
    assert!(row.contains("名…") && row.contains("pending") && row.chars().count() < 160, "{row}");
    assert!(home.run(&["export", "subscribers"]).out.contains(&"名".repeat(300)), "an export is whole");
}
