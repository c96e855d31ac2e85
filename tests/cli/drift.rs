//! `noctule drift` as a shell sees it, against a simulated NetBox: what was changed by hand is found, shown, and repaired after a yes; on a
//! machine that works alone, and with a centre, whose audit log then has it.

use crate::centre::Centre;
use crate::support::{Home, NAS, Ran};
use noctule_sim::netbox::{NetboxConfig, NetboxSim, SeedPrefix, SeedVrf, SimToken};
use noctule_testbed::{Accounting, FreeRadius};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::Stdio;
use tokio::runtime::Runtime;

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
const POOL: &str = "2001:db8:4000::/48";
const ANNA: &str = "2001:db8:4000:100::/56";
const BEN: &str = "2001:db8:4000:200::/56";
const LOADED: &str = "2001:db8:4000:300::/56";

/// A NetBox with these delegations of nobody; its clock is so many minutes behind ours.
fn netbox(prefixes: &[&str], behind: i64) -> (Runtime, NetboxSim) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let pool = SeedPrefix { is_pool: true, ..SeedPrefix::container(POOL) };
    let held = prefixes.iter().map(|prefix| SeedPrefix { prefix: (*prefix).to_owned(), status: "active".into(), ..Default::default() });
    let config = NetboxConfig {
        tokens: vec![SimToken::v1(TOKEN)],
        prefixes: std::iter::once(pool).chain(held).collect(),
        vrfs: vec![SeedVrf { name: "lab".to_owned(), rd: "65000:1".to_owned(), enforce_unique: true }],
        clock_ahead: -chrono::Duration::minutes(behind),
        ..NetboxConfig::default()
    };
    let sim = runtime.block_on(NetboxSim::start(config)).unwrap();
    (runtime, sim)
}

fn reach(home: &Home, sim: &NetboxSim) {
    let config = fs::read_to_string(home.config()).unwrap();
    let section = format!("[netbox]\nurl = \"{}\"\ntoken = \"env:NETBOX_TOKEN\"\n[[netbox.pools]]\nprefix = \"{POOL}\"\n", sim.url());
    fs::write(home.config(), config.replace("[netbox]\n", &section)).unwrap();
    home.set("NETBOX_TOKEN", TOKEN);
}

/// As somebody in the web pages of NetBox.
fn patch(runtime: &Runtime, sim: &NetboxSim, id: i64, body: Value) {
    // The client wants one, although nothing here is encrypted.
    rustls::crypto::ring::default_provider().install_default().ok();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/api/ipam/prefixes/{id}/", sim.url());
        let answer = client.patch(url).header("Authorization", format!("Token {TOKEN}")).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    });
}

fn id_of(sim: &NetboxSim, prefix: &str) -> i64 {
    sim.prefixes().iter().find(|p| p.prefix.to_string() == prefix).unwrap().id
}

fn status_of(sim: &NetboxSim, prefix: &str) -> String {
    sim.prefix(id_of(sim, prefix)).unwrap().status.to_owned()
}

/// What stands, as `kind about`.
fn kinds(home: &Home) -> Vec<String> {
    let listed = home.run(&["drift", "list", "--json"]).ends(0).json();
    let of = |kept: &Value| {
        let finding = &kept["finding"];
        let about = finding["who"]["number"].as_str().or(finding["prefix"].as_str()).unwrap();
        format!("{} {about}", finding["kind"].as_str().unwrap())
    };
    let mut found: Vec<String> = listed.as_array().unwrap().iter().map(of).collect();
    found.sort();
    found
}

/// The id of the one finding of this kind.
fn id(home: &Home, kind: &str) -> String {
    let listed = home.run(&["drift", "list", "--kind", kind]).ends(0);
    let line = listed.out.lines().find(|line| line.contains(kind)).unwrap_or_else(|| panic!("no {kind} in {}", listed.out));
    line.split_whitespace().next().unwrap().to_owned()
}

/// With a terminal, on which somebody types.
fn typed(home: &Home, answer: &str, arguments: &[&str]) -> Ran {
    let own = home.command();
    let words: Vec<String> =
        std::iter::once(own.get_program().to_str().unwrap()).chain(arguments.iter().copied()).map(|word| format!("'{word}'")).collect();
    let mut command = std::process::Command::new("script");
    command.args(["-q", "-e", "-c", &words.join(" "), "/dev/null"]).env_clear().current_dir(home.path(""));
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("SHELL", "/bin/sh");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn actions(home: &Home) -> String {
    home.run(&["audit", "list"]).ends(0).out
}

#[test]
fn what_differs_is_found_shown_and_repaired_after_a_yes() {
    let (runtime, sim) = netbox(&[ANNA], 0);
    let home = Home::ready();
    reach(&home, &sim);
    home.import("nas", NAS).ends(0);
    let rows = format!(
        "subscriber_number,username,full_name,nas,mode,ipv6_state,prefix\nS-1,anna@isp,Anna,bng-1,pd,active,{ANNA}\nS-2,ben@isp,Ben,bng-1,pd,active,{BEN}\n"
    );
    home.import("subscribers", rows).ends(0);
    // Imported, and not in NetBox at all.
    let ran = home.run(&["drift", "check"]).ends(13);
    assert!(ran.out.contains("prefix_gone") && ran.out.contains(&format!("NetBox has no {BEN}")), "{}", ran.out);
    let shown = home.run(&["drift", "show", &id(&home, "prefix_gone")]).ends(0).out;
    assert!(shown.contains(&format!("enter {BEN} in NetBox")), "{shown}");
    let refused = home.run(&["drift", "repair", &id(&home, "prefix_gone")]);
    assert!(refused.code != 0 && refused.err.contains("No repair from here"), "{}{}", refused.out, refused.err);
    let seed = SeedPrefix { prefix: BEN.to_owned(), status: "active".into(), ..Default::default() };
    let ben = sim.add_prefix(&seed).unwrap();
    home.run(&["drift", "check"]).ends(0);

    // One that takes nobody's service is repaired at once.
    patch(&runtime, &sim, ben, serde_json::json!({ "status": "deprecated" }));
    home.run(&["drift", "check"]).ends(13);
    assert_eq!(kinds(&home), ["status_edited S-2"]);
    let shown = home.run(&["drift", "show", &id(&home, "status_edited")]).ends(0).out;
    assert!(shown.contains("Will set the status of NetBox") && shown.contains("The state does not move"), "{shown}");
    let done = home.run(&["drift", "repair", &id(&home, "status_edited"), "--reason", "seen by hand"]).ends(0);
    assert!(done.out.contains("reconcile S-2: done"), "{}", done.out);
    assert_eq!(status_of(&sim, BEN), "active");
    assert_eq!(kinds(&home), [""; 0]);
    assert!(home.run(&["operations", "list"]).ends(0).out.contains("reconcile"));

    // Several, and dangerous ones, show what they will do and ask.
    for (prefix, operation) in [("2001:db8:4000:e00::/56", "1"), ("2001:db8:4000:f00::/56", "2")] {
        let operation = format!("01900000-0000-7000-8000-00000000000{operation}");
        sim.add_prefix(&SeedPrefix::delegated(prefix, "active", &operation, "S-9")).unwrap();
    }
    home.run(&["drift", "check"]).ends(13);
    let repair = ["drift", "repair", "--kind", "prefix_leaked"];
    let asked = home.run_alone(&repair).ends(2);
    assert!(asked.err.contains("Will set NetBox") && asked.err.contains("there is no terminal to ask on"), "{}", asked.err);
    let no = typed(&home, "n\n", &repair);
    assert!(
        no.code != 0 && no.out.contains("2 finding(s) will be repaired. Go on?") && no.out.contains("nothing was changed"),
        "{}",
        no.out
    );
    assert_eq!(status_of(&sim, "2001:db8:4000:e00::/56"), "active");
    let yes = typed(&home, "y\n", &repair);
    assert_eq!(yes.code, 0, "{}", yes.out);
    for prefix in ["2001:db8:4000:e00::/56", "2001:db8:4000:f00::/56"] {
        assert_eq!(status_of(&sim, prefix), "deprecated");
    }
    home.run(&["drift", "check"]).ends(0);
    let told = actions(&home);
    for action in ["ipv6-reconcile", "drift-deprecate"] {
        assert!(told.contains(action), "{action} in {told}");
    }
    assert!(home.run(&["audit", "verify"]).ends(0).out.contains("ntact"));
    runtime.block_on(sim.go_down());
}

/// The centre's database holds the AAA tables too, as small providers have it.
#[test]
fn with_a_centre_what_differs_is_repaired_by_its_operations_and_its_audit_log_has_it() {
    // Behind, so that what is changed now is not taken for the work of an operation that the copy does not know yet.
    let (runtime, sim) = netbox(&[LOADED], 10);
    let centre = Centre::start();
    FreeRadius::make_schema(centre.server, &centre.database).unwrap();
    let (admin, noc) = (centre.add("anna", "admin"), centre.add("ben", "noc"));
    let sql = |text: &str| centre.server.query(centre.database.dsn(), text).unwrap();
    let machine = |login: &str| {
        let home = centre.machine(login);
        reach(&home, &sim);
        let config = fs::read_to_string(home.config()).unwrap();
        fs::write(home.config(), config.replace("[aaa]\n", "[aaa]\ndsn = \"central\"\n")).unwrap();
        home
    };
    let one = machine(&admin);
    one.import("nas", NAS).ends(0);
    let rows =
        "subscriber_number,username,full_name,nas,mode\nS-1,anna@isp,Anna,bng-1,pd\nS-2,ben@isp,Ben,bng-1,pd\nS-3,cy@isp,Cy,bng-1,pd\n";
    one.import("subscribers", rows).ends(0);
    // What the check prints is what the owner has to do, for each operator who writes.
    for login in [&admin, &noc] {
        let home = machine(login);
        let check = home.run(&["aaa", "check"]).ends(11);
        assert!(check.out.contains("GRANT"), "{}", check.out);
        let statements = home.run(&["aaa", "init", "--print"]).ends(0).out;
        sql(&statements.replace(" CONCURRENTLY", ""));
        home.run(&["aaa", "check"]).ends(0);
    }
    sql("DROP INDEX noctule_radacct_changed");
    let check = one.run(&["aaa", "check"]).ends(11);
    assert!(check.out.contains("slow  index: radacct by its last change: without it"), "{}", check.out);
    sql("CREATE INDEX noctule_radacct_changed ON radacct (acctupdatetime)");
    one.run(&["aaa", "init", "--yes"]).ends(0);
    let two = machine(&noc);
    two.run(&["sync", "now"]).ends(0);
    for number in ["S-1", "S-2"] {
        two.run(&["ipv6", "allocate", number]).ends(0);
        two.run(&["ipv6", "activate", number, "--no-coa"]).ends(0);
    }
    // Nobody has made the user: a login can not succeed, whatever is written for it.
    let shown = two.run(&["aaa", "show", "anna@isp"]).ends(0);
    assert!(shown.out.contains("warning: anna@isp has no row in radcheck"), "{}", shown.out);
    sql("INSERT INTO radcheck (username, attribute, op, value) VALUES ('anna@isp', 'Cleartext-Password', ':=', 'pw')");
    let shown = two.run(&["aaa", "show", "anna@isp"]).ends(0);
    assert!(!shown.out.contains("warning"), "{}", shown.out);

    // By hand: a status, a row of AAA, a prefix of nobody; and one that was revoked long ago.
    two.run(&["sync", "now"]).ends(0);
    let of = |number: &str| two.run(&["subscriber", "show", number, "--json"]).ends(0).json()["ipv6"].clone();
    let (anna, ben) = (of("S-1"), of("S-2"));
    let prefix = |record: &Value| record["prefix"].as_str().unwrap().to_owned();
    patch(&runtime, &sim, anna["netbox_prefix_id"].as_i64().unwrap(), serde_json::json!({ "status": "deprecated" }));
    // Re-parented: into a VRF that is none of ours.
    patch(&runtime, &sim, ben["netbox_prefix_id"].as_i64().unwrap(), serde_json::json!({ "vrf": 1 }));
    sql("UPDATE radreply SET value = '2001:db8:eeee::/56' WHERE username = 'ben@isp' AND lower(attribute) = 'delegated-ipv6-prefix'");
    let leak = "2001:db8:4000:f00::/56";
    sim.add_prefix(&SeedPrefix::delegated(leak, "active", "01900000-0000-7000-8000-000000000001", "S-9")).unwrap();
    sql("UPDATE noctule.subscribers SET state = 'revoked', since = now() - interval '100 days', revoked_at = now() WHERE number = 'S-3'");
    two.run(&["drift", "check"]).ends(13);
    let mut wanted = vec!["aaa_other_prefix S-2".to_owned(), format!("prefix_leaked {leak}"), format!("prefix_stranger {LOADED}")];
    wanted.extend(["revoked_too_long S-3".to_owned(), "status_edited S-1".to_owned(), "prefix_moved S-2".to_owned()]);
    wanted.sort();
    assert_eq!(kinds(&two), wanted);

    let done = two.run(&["drift", "repair", &id(&two, "status_edited")]).ends(0);
    assert!(done.out.contains("reconcile S-1: done"), "{}", done.out);
    assert_eq!(status_of(&sim, &prefix(&anna)), "active");
    two.run(&["drift", "repair", &id(&two, "aaa_other_prefix")]).ends(0);
    // The row is another version since the last repair: the copy hears of it first.
    two.run(&["drift", "repair", &id(&two, "prefix_moved")]).ends(0);
    let moved = sim.prefix(ben["netbox_prefix_id"].as_i64().unwrap()).unwrap();
    assert_eq!((moved.vrf, moved.status), (None, "active"));
    assert!(sql("SELECT value FROM radreply WHERE username = 'ben@isp'").contains(&prefix(&ben)));
    two.run(&["drift", "repair", &id(&two, "revoked_too_long")]).ends(0);
    assert_eq!(sql("SELECT state FROM noctule.subscribers WHERE number = 'S-3'").trim(), "pending");
    two.run(&["drift", "repair", &id(&two, "prefix_leaked"), "--yes"]).ends(0);
    assert_eq!(status_of(&sim, leak), "deprecated");
    // The centre says who did it, and what was there.
    let told = actions(&one);
    for action in ["ipv6-reconcile-begin", "ipv6-reconcile", "drift-deprecate-begin", "drift-deprecate"] {
        assert!(told.contains(action), "{action} in {told}");
    }
    assert!(told.contains(&noc), "{told}");
    let bodies = sql("SELECT body FROM noctule.audit WHERE body LIKE '%ipv6-reconcile%' OR body LIKE '%drift-deprecate%'");
    assert!(bodies.contains("2001:db8:eeee::/56") && bodies.contains("deprecated"), "{bodies}");
    assert_eq!(one.run(&["audit", "verify", "--json"]).ends(0).json()["intact"], true);

    // Accounting lies in the centre's database too: what it shows goes into the centre, and comes to the others with their copy.
    let radius = FreeRadius::start_on(centre.server, &centre.database).unwrap();
    let names = format!("Delegated-IPv6-Prefix = {}", prefix(&anna));
    radius.account(&Accounting { kind: "Start", username: "anna@isp", session: "8100F2", nas: "192.0.2.1", more: &[&names] }).unwrap();
    let read = two.run(&["aaa", "read", "--json"]).ends(0).json();
    assert_eq!((&read["put"], &read["observed"]), (&1.into(), &1.into()), "{read}");
    let again = two.run(&["aaa", "read", "--json"]).ends(0).json();
    assert_eq!((&again["put"], &again["observed"]), (&0.into(), &0.into()), "{again}");
    one.run(&["sync", "now"]).ends(0);
    let seen = one.run(&["subscriber", "show", "S-1", "--json"]).ends(0).json();
    assert_eq!((&seen["session"]["acct_session_id"], &seen["ipv6"]["enforcement"]), (&"8100F2".into(), &"observed".into()), "{seen}");
    runtime.block_on(sim.go_down());
}
