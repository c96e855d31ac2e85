//! Imports: good, bad, hostile.

use crate::support::{Home, NAS, SUBSCRIBERS, mode};
use std::fs;

fn count(home: &Home) -> usize {
    home.run(&["subscriber", "list", "--json"]).ends(0).json().as_array().unwrap().len()
}

#[test]
fn good_rows_are_stored_and_a_second_import_changes_only_what_the_file_says() {
    let home = Home::filled();
    assert_eq!(count(&home), 3);
    let shown = home.run(&["subscriber", "show", "S-2", "--json"]).ends(0).json();
    assert_eq!(shown["ipv6"]["state"], "active");
    assert_eq!(shown["ipv6"]["prefix"], "2001:db8:1::/56");
    assert_eq!(shown["position"], serde_json::Value::Null);
    // Only a name, and a state that an import must not touch.
    home.import("subscribers", "subscriber_number,username,full_name,ipv6_state\nS-1,anna@isp,Anna New,\nS-2,ben@isp,Ben,pending\n")
        .ends(0);
    let anna = home.run(&["subscriber", "show", "S-1", "--json"]).ends(0).json();
    assert_eq!(anna["full_name"], "Anna New");
    assert_eq!(anna["email"], "anna@example.net", "a column that is not in the file keeps its value");
    assert_eq!(anna["position"]["lat"], 52.5);
    assert_eq!(anna["ipv6"]["mode"], "pd");
    assert_eq!(home.run(&["subscriber", "show", "S-2", "--json"]).json()["ipv6"]["state"], "active");
    // An empty field clears.
    home.import("subscribers", "subscriber_number,username,full_name,email\nS-1,anna@isp,Anna New,\n").ends(0);
    assert_eq!(home.run(&["subscriber", "show", "S-1", "--json"]).json()["email"], serde_json::Value::Null);
    assert_eq!(count(&home), 3);
}

#[test]
fn one_bad_row_and_nothing_is_stored_unless_the_good_ones_are_asked_for() {
    let home = Home::ready();
    home.import("nas", NAS).ends(0);
    let file = "subscriber_number,username,full_name,nas,pd_size,lat,lng\n\
                S-1,anna,Anna,bng-1,56,,\n\
                S-2,,No Name,bng-1,,,\n\
                S-3,cy,Cy,bng-9,,,\n\
                S-4,di,Di,bng-1,33,,\n\
                S-5,ed,Ed,bng-1,,91,0\n\
                S-1,fi,Fi,bng-1,,,\n\
                S-7,anna,Gi,bng-1,,,\n";
    let ran = home.import("subscribers", file).ends(2);
    for wanted in [
        "line 3: username: is empty",
        "line 4: there is no NAS named 'bng-9'",
        "line 5: pd_size",
        "line 6: lat, lng",
        "line 7: subscriber_number: stands on line 2 already",
        "line 8: ",
    ] {
        assert!(ran.out.contains(wanted), "{wanted} in\n{}", ran.out);
    }
    assert!(ran.out.contains("6 of 7 rows are bad, so nothing was stored"), "{}", ran.out);
    assert_eq!(count(&home), 0);
    let path = home.path("subscribers.csv");
    let path = path.to_str().unwrap();
    home.run(&["import", "subscribers", path, "--dry-run"]).ends(2);
    let ran = home.run(&["import", "subscribers", path, "--skip-bad", "--json"]).ends(11).json();
    assert_eq!((&ran["rows"], &ran["imported"], &ran["bad"]), (&7.into(), &1.into(), &6.into()));
    assert_eq!(ran["errors"][0]["line"], 3);
    assert_eq!(count(&home), 1);
}

#[test]
fn a_dry_run_stores_nothing() {
    let home = Home::ready();
    home.import("nas", NAS).ends(0);
    let file = home.write("s.csv", SUBSCRIBERS);
    let ran = home.run(&["import", "subscribers", &file, "--dry-run"]).ends(0);
    assert!(ran.out.contains("3 rows checked, 0 bad"));
    assert_eq!(count(&home), 0);
}

#[test]
fn a_wrong_header_is_refused_with_the_nearest_name() {
    let home = Home::ready();
    let ran = home.import("subscribers", "subscriber_number,user_name,full_name\nS-1,a,A\n").ends(2);
    assert!(ran.err.contains("did you mean 'username'?"), "{}", ran.err);
    let ran = home.import("subscribers", "").ends(2);
    assert!(ran.err.contains("empty"), "{}", ran.err);
    let ran = home.run(&["import", "subscribers", "nowhere.csv"]).ends(2);
    assert!(ran.err.contains("nowhere.csv"), "{}", ran.err);
}

#[test]
fn hostile_text_can_not_drive_a_terminal() {
    let home = Home::ready();
    let long = "x".repeat(10_000);
    let mut file = b"subscriber_number,username,full_name,notes\n".to_vec();
    file.extend_from_slice(b"S-1,ok,\x1b[31mRed\x1b]0;title\x07,\xc2\x9b2J and \0 nul\n");
    file.extend_from_slice("S-2,fine,rev\u{202e}ersed \u{2066}name,".as_bytes());
    file.extend_from_slice(b"short\n");
    file.extend_from_slice(b"S-3,bad\x1b[2Jname,Name,\n");
    file.extend_from_slice("S-4,zero\u{200b}width,Name,\n".as_bytes());
    file.extend_from_slice(b"S-5,latin,J\xf6rg,\n");
    file.extend_from_slice(format!("S-6,{},Name,\n", "u".repeat(254)).as_bytes());
    file.extend_from_slice(format!("S-7,seven,Name,{long}\n").as_bytes());
    let ran = home.import("subscribers", &file).ends(2);
    for wanted in [
        "line 4: username",
        "line 5: username",
        "line 6: full_name: not UTF-8",
        "line 7: username: a user name has at most 253 bytes",
        "line 8: notes: has 10000 bytes, 2048 at most",
    ] {
        assert!(ran.out.contains(wanted), "{wanted} in\n{}", ran.out);
    }
    let path = home.path("subscribers.csv");
    home.run(&["import", "subscribers", path.to_str().unwrap(), "--skip-bad"]).ends(11);
    assert_eq!(count(&home), 2);
    let outputs = [
        ran.out,
        home.run(&["subscriber", "list"]).out,
        home.run(&["subscriber", "show", "S-1"]).out,
        home.run(&["subscriber", "show", "S-2"]).out,
        home.run(&["export", "subscribers"]).out,
        home.run(&["export", "subscribers", "--format", "json"]).out,
        home.run(&["subscriber", "show", "\u{1b}[31m\u{202e}x"]).err,
        home.run(&["subscriber", "list", "nas:\u{1b}[31m", "state:\u{9b}x"]).err,
    ];
    for output in outputs {
        let bad = output.chars().find(|c| *c != '\n' && noctule_domain::text::is_dangerous(*c));
        assert_eq!(bad, None, "{output}");
    }
}

#[test]
fn an_endless_row_is_stopped() {
    let home = Home::ready();
    let mut file = b"subscriber_number,username,full_name\nS-1,a,\"".to_vec();
    file.extend(std::iter::repeat_n(b'x', 3 << 20));
    let ran = home.import("subscribers", &file).ends(2);
    assert!(ran.err.contains("line 2") && ran.err.contains("quotation mark"), "{}", ran.err);
}

#[test]
fn only_the_first_thousand_bad_rows_are_shown_and_all_are_counted() {
    let home = Home::ready();
    let mut file = "subscriber_number,username,full_name\n".to_owned();
    for n in 0..2500 {
        file.push_str(&format!("S-{n},,Name\n"));
    }
    let ran = home.import("subscribers", &file).ends(2);
    assert_eq!(ran.out.lines().filter(|line| line.starts_with("line ")).count(), 1000);
    assert!(ran.out.contains("1500 more bad rows") && ran.out.contains("2500 of 2500"), "{}", &ran.out[ran.out.len() - 300..]);
}

#[test]
fn a_secret_in_a_nas_file_is_refused_or_put_into_a_private_file() {
    let home = Home::ready();
    let file = home.write("nas.csv", "name,address,secret\nbng-1,192.0.2.1,hunter2hunter2hunter2\n");
    let ran = home.run(&["import", "nas", &file]).ends(2);
    assert!(ran.out.contains("line 2: secret:") && ran.out.contains("--secrets-dir"), "{}", ran.out);
    home.run(&["import", "nas", &file, "--secrets-dir", "secrets", "--dry-run"]).ends(0);
    assert!(!home.path("secrets").exists(), "a dry run writes no secret");
    home.run(&["import", "nas", &file, "--secrets-dir", "secrets"]).ends(0);
    let secret = home.path("secrets/bng-1.secret");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "hunter2hunter2hunter2");
    assert_eq!(mode(&secret), 0o600);
    let listed = home.run(&["nas", "list", "--json"]).ends(0).json();
    assert_eq!(listed[0]["nas"]["secret"], format!("file:{}", secret.display()));
    let doctor = home.run(&["doctor"]);
    assert!(doctor.out.contains("NAS bng-1") && doctor.out.contains("secret found"), "{}", doctor.out);
    home.run(&["export", "nas"]).ends(0);
    home.run(&["export", "audit", "--format", "json"]).ends(0);
    home.never_printed("hunter2");
    let store = fs::read(home.store()).unwrap();
    assert!(!store.windows(7).any(|w| w == b"hunter2"), "the store holds the reference, never the secret");
}

#[test]
fn technicians_and_tasks_refer_to_each_other() {
    let home = Home::filled();
    home.import(
        "technicians",
        "employee_id,name,home_lat,home_lng,skills,work_from,work_to,time_zone\nT1,Tess,52.5,13.4,splicing;ont,07:30,16:00,Europe/Berlin\n",
    )
    .ends(0);
    let tasks = "number;title;type;status;priority;subscriber;technician;scheduled_at;depends_on\n\
                 K1;Dig;trenching;pending;high;S-1;;2026-11-23T08:00:00+01:00;\n\
                 K2;Splice;splicing;assigned;normal;S-1;T1;;K1\n";
    home.import("tasks", tasks).ends(0);
    let bad = home.import("tasks", "number,title,status,technician\nK3,X,assigned,\nK4,Y,asigned,T1\nK5,Z,,T9\n").ends(2);
    for wanted in ["line 2: technician: is empty", "did you mean 'assigned'?", "line 4: there is no technician T9"] {
        assert!(bad.out.contains(wanted), "{wanted} in {}", bad.out);
    }
    let out = home.run(&["export", "tasks"]).ends(0).out;
    assert!(out.contains("K2,Splice,splicing,assigned,normal,S-1,T1,"), "{out}");
    assert!(out.contains("2026-11-23T07:00:00.000000Z"), "{out}");
    let file = home.write("again.csv", &out);
    home.run(&["import", "tasks", &file]).ends(0);
    let file = home.write("again-t.csv", home.run(&["export", "technicians"]).ends(0).out);
    home.run(&["import", "technicians", &file]).ends(0);
}
