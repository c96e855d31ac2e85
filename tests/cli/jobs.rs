//! Many subscribers from the command line: preview, question, sum, and the jobs afterwards. No upstream can be reached here.

use crate::support::Home;

#[test]
fn a_bulk_is_previewed_asked_about_run_and_told_of_each() {
    let home = Home::filled();
    assert_eq!(home.run(&["job", "list", "--json"]).ends(0).json(), serde_json::json!([]), "before the first there are none");
    let dry = home.run(&["ipv6", "suspend", "--filter", "*", "--dry-run", "--json"]).ends(0).json();
    assert_eq!((&dry["dry_run"], &dry["job"]["tally"]["waiting"], &dry["job"]["tally"]["left_out"]), (&true.into(), &1.into(), &2.into()));
    assert_eq!(dry["per_nas"], serde_json::json!([["bng-2", 1]]));
    let text = home.run(&["ipv6", "suspend", "--filter", "*", "--dry-run"]).ends(0).out;
    assert!(text.contains("1 go, 2 do not") && text.contains("not while pending"), "{text}");

    let asked = home.run(&["ipv6", "revoke", "--filter", "*"]).ends(2);
    assert!(asked.err.contains("--yes") && asked.err.contains("revoke of 1"), "{}", asked.err);
    let nobody = home.run(&["ipv6", "suspend", "--filter", "state:suspended", "--yes"]).ends(4);
    assert!(nobody.err.contains("nobody"), "{}", nobody.err);
    home.run(&["ipv6", "suspend", "--filter", "state:nonsense", "--yes"]).ends(2);
    home.run(&["ipv6", "suspend", "S-2", "--dry-run"]).ends(2);
    home.run(&["ipv6", "suspend", "S-2", "--filter", "*"]).ends(2);

    // The secret of its NAS can not be read: nothing leaves, and that is how it ends.
    let ran = home.run(&["ipv6", "suspend", "--filter", "nas:bng-2", "--yes", "--json", "--reason", "dunning"]).ends(11).json();
    assert_eq!((ran["state"].as_str(), &ran["tally"]["failed"]), (Some("done"), &1.into()), "{ran}");
    let id = ran["id"].as_str().unwrap();
    let shown = home.run(&["job", "show", &id[28..]]).ends(0).out;
    assert!(shown.contains("BNG2_SECRET") && shown.contains("S-2") && shown.contains("dunning"), "{shown}");
    let csv = home.run(&["job", "export", id, "--format", "csv", "--bad"]).ends(0).out;
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.lines().nth(1).unwrap().starts_with("S-2,"), "{csv}");
    let json = home.run(&["job", "export", id, "--format", "json"]).ends(0).json();
    assert_eq!(json.as_array().unwrap().len(), 1);
    let again = home.run(&["job", "retry", id, "--dry-run", "--json"]).ends(0).json();
    assert_eq!((again["job"]["retry_of"].as_str(), &again["job"]["tally"]["waiting"]), (Some(id), &1.into()));
    let over = home.run(&["job", "pause", id]).ends(4);
    assert!(over.err.contains("over"), "{}", over.err);
    home.run(&["job", "show", "00000000"]).ends(3);
    assert!(home.run(&["job", "list"]).ends(0).out.contains("suspend"));
}

#[test]
fn a_flow_for_one_says_how_far_it_came() {
    let home = Home::filled();
    let dry = home.run(&["provision", "S-1", "S-2", "--dry-run", "--json"]).ends(0).json();
    assert_eq!((&dry["job"]["tally"]["waiting"], &dry["job"]["tally"]["left_out"]), (&1.into(), &1.into()));
    let ran = home.run(&["deprovision", "S-2", "--yes", "--reason", "moved away"]).ends(11);
    assert!(ran.out.contains("deprovision of 1 chosen") && ran.out.contains("BNG2_SECRET"), "{}", ran.out);
    assert!(home.run(&["ipv6", "status", "S-2"]).ends(0).out.contains("active"), "nothing is released that was not disconnected");
    home.run(&["provision", "S-9", "--yes"]).ends(3);
}
