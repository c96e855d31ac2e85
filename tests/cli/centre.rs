//! A machine with a centre: a private PostgreSQL, set up by the commands themselves, and operators who come in by them.

use crate::support::{Home, NAS, SUBSCRIBERS};
use noctule_testbed::{Link, Postgres};
use std::fs;

const PASSWORD: &str = "correct horse battery";

/// A centre with a tenant, made by `central init`, and an owner's machine.
pub struct Centre {
    pub server: &'static Postgres,
    pub database: noctule_testbed::Database,
    owner: Home,
    tenant: String,
}

impl Centre {
    pub fn start() -> Self {
        let server = Postgres::shared().unwrap();
        let database = server.create_database().unwrap();
        let owner = Home::ready();
        let config = fs::read_to_string(owner.config()).unwrap();
        let tenant = config.lines().find_map(|line| line.strip_prefix("id = \"")).unwrap().trim_end_matches('"').to_owned();
        let centre = Self { server, database, owner, tenant };
        let made = centre.owns(&["central", "init", "--tenant-name", "Example Fibre", "--json"]).ends(0).json();
        assert_eq!((&made["tenant"], &made["new"]), (&centre.tenant.as_str().into(), &true.into()));
        centre
    }

    fn dsn(&self) -> String {
        format!("postgresql://{}@{}:{}/{}", self.server.superuser(), self.server.host(), self.server.port(), self.database.name())
    }

    /// A command of the owner.
    pub fn owns(&self, arguments: &[&str]) -> crate::support::Ran {
        let dsn = self.dsn();
        let owner =
            [("NOCTULE_CENTRAL_OWNER_DSN", dsn.as_str()), ("PGPASSWORD", self.server.superuser_password()), ("THE_PASSWORD", PASSWORD)];
        self.owner.run_with(&owner, arguments)
    }

    /// A login of its own name in this cluster, which the tests share.
    fn login(&self, name: &str) -> String {
        format!("{name}_{}", &self.tenant[self.tenant.len() - 8..])
    }

    pub fn add(&self, name: &str, role: &str) -> String {
        let login = self.login(name);
        self.owns(&["central", "user", "add", &login, "--role", role, "--password-from", "env:THE_PASSWORD"]).ends(0);
        login
    }

    /// The machine of an operator.
    pub fn machine(&self, login: &str) -> Home {
        self.machine_at(login, self.server.port())
    }

    fn machine_at(&self, login: &str, port: u16) -> Home {
        let home = Home::ready();
        let config = fs::read_to_string(home.config()).unwrap();
        let own = config.lines().find(|line| line.starts_with("id = \"")).unwrap().to_owned();
        let section = format!(
            "[central]\nurl = \"postgresql://127.0.0.1:{port}/{}\"\nuser = \"{login}\"\npassword = \"env:THE_PASSWORD\"\ntls = \"off\"\n\
             connect_timeout_s = 2\ntimeout_s = 5\n",
            self.database.name()
        );
        let config = config.replace(&own, &format!("id = \"{}\"", self.tenant)).replace("[central]\n", &section);
        fs::write(home.config(), config).unwrap();
        home.set("THE_PASSWORD", PASSWORD);
        home
    }
}

const TECHNICIANS: &str = "employee_id,name\nT1,Tess\nT2,Urho\n";
const TASKS: &str =
    "number,title,type,status,subscriber,technician\nK1,Splice at the corner,splicing,assigned,S-1,T1\nK2,Dig,trenching,pending,S-1,\n";

/// NASes, technicians, subscribers without a state, tasks: imported into the centre by an admin.
pub fn fill(home: &Home) {
    home.import("nas", NAS).ends(0);
    let plain = SUBSCRIBERS.replace("active,2001:db8:1::/56", ",");
    home.import("subscribers", plain).ends(0);
    home.import("technicians", TECHNICIANS).ends(0);
    home.import("tasks", TASKS).ends(0);
}

#[test]
fn a_centre_is_set_up_filled_and_read_by_another_machine() {
    let centre = Centre::start();
    let again = centre.owns(&["central", "init", "--tenant-name", "Example Fibre"]).ends(0);
    assert!(again.out.contains("up to date") && again.out.contains("is there"), "{}", again.out);
    centre.owns(&["central", "upgrade"]).ends(0);
    let status = centre.owns(&["central", "status", "--json"]).ends(0).json();
    assert!(status["schema"].as_i64().unwrap() > 0, "{status}");
    let (admin, noc) = (centre.add("anna", "admin"), centre.add("ben", "noc"));
    let users = centre.owns(&["central", "user", "list", "--json"]).ends(0).json();
    assert_eq!(users.as_array().unwrap().len(), 2, "{users}");
    // An owner's machine needs no configuration where there is one tenant, and is told of its login, not of an operator's.
    let (dsn, bare) = (centre.dsn(), Home::empty());
    let as_owner = |password: &str| {
        bare.run_with(&[("NOCTULE_CENTRAL_OWNER_DSN", &dsn), ("PGPASSWORD", password)], &["central", "user", "list", "--json"])
    };
    assert_eq!(as_owner(centre.server.superuser_password()).ends(0).json(), users);
    let refused = as_owner("wrong").ends(4);
    assert!(refused.err.contains("PGPASSWORD") && !refused.err.contains("unsent work"), "{}", refused.err);

    let one = centre.machine(&admin);
    assert!(one.run(&["subscriber", "list"]).ends(10).err.contains("noctule sync now"));
    fill(&one);
    // What the centre does not take is told line by line, and then nothing is stored: here a state, which only a load may bring.
    let stated = SUBSCRIBERS.replace("S-", "X-").replace("@isp", "@other").replace("2001:db8:1::", "2001:db8:9::");
    let ran = one.import("subscribers", &stated).ends(2);
    assert!(ran.out.contains("line 3") && ran.out.contains("central load") && ran.out.contains("nothing was stored"), "{}", ran.out);
    let rows = one.run(&["subscriber", "list", "--json"]).ends(0).json();
    assert_eq!(rows.as_array().unwrap().len(), 3, "{rows}");
    let file = one.write("stated.csv", &stated);
    let ran = one.run(&["import", "subscribers", &file, "--skip-bad", "--json"]).ends(11).json();
    assert_eq!((&ran["imported"], &ran["bad"]), (&2.into(), &1.into()), "{ran}");

    let two = centre.machine(&noc);
    let now = two.run(&["sync", "now", "--json"]).ends(0).json();
    assert_eq!(now["unsent"], 0);
    let listed = two.run(&["subscriber", "list", "--json"]).ends(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 5, "{listed}");
    assert!(two.import("nas", NAS).ends(4).err.contains("import"), "a noc may not import");
    let status = two.run(&["sync", "status", "--json"]).ends(0).json();
    assert_eq!((&status["link"], &status["role"], &status["login"]), (&"live".into(), &"noc".into(), &noc.as_str().into()));
    assert_eq!(status["differs"].as_array().unwrap().len(), 0, "{status}");
    let verified = two.run(&["sync", "verify", "--check"]).ends(0);
    assert!(verified.out.contains("the same"), "{}", verified.out);
    let audit = two.run(&["audit", "verify", "--json"]);
    assert!(audit.code == 0 || audit.err.contains("may not read the audit log"), "{}{}", audit.out, audit.err);
    assert_eq!(one.run(&["audit", "verify", "--json"]).ends(0).json()["intact"], true);
    let list = one.run(&["audit", "list"]).ends(0);
    assert!(list.out.contains("import-subscribers"), "{}", list.out);
    let doctor = two.run(&["doctor"]);
    for wanted in ["centre", "is noc", "LISTEN works", "without TLS", "sync lock"] {
        assert!(doctor.out.contains(wanted), "{wanted} in {}", doctor.out);
    }
    for home in [&one, &two, &centre.owner] {
        home.never_printed(PASSWORD);
        home.never_printed(centre.server.superuser_password());
    }
}

#[test]
fn what_is_changed_on_one_machine_is_pushed_and_read_on_the_other_and_a_conflict_is_decided() {
    let centre = Centre::start();
    let admin = centre.add("anna", "admin");
    let one = centre.machine(&admin);
    fill(&one);
    let two = centre.machine(&admin);
    two.run(&["sync", "now"]).ends(0);
    one.run(&["task", "status", "K1", "in_progress"]).ends(0);
    one.run(&["subscriber", "note", "S-1", "gate 12"]).ends(0);
    one.run(&["clock", "in", "T1"]).ends(0);
    two.run(&["sync", "now"]).ends(0);
    let tasks = two.run(&["task", "list", "--json"]).ends(0).json();
    assert_eq!(tasks.as_array().unwrap().iter().find(|task| task["number"] == "K1").unwrap()["status"], "in_progress");
    assert_eq!(two.run(&["subscriber", "show", "S-1", "--json"]).ends(0).json()["notes"], "gate 12");
    assert_eq!(two.run(&["clock", "list", "Tess", "--json"]).ends(0).json()[0]["kind"], "regular");
    // Both replace the same notes; the second has not seen the first.
    one.run(&["subscriber", "note", "S-1", "dog!", "--replace"]).ends(0);
    let ran = two.run(&["subscriber", "note", "S-1", "ring twice", "--replace"]).ends(4);
    assert!(ran.out.contains("'ring twice'") && ran.out.contains("'dog!'"), "{}", ran.out);
    let conflicts = two.run(&["sync", "conflicts", "--json"]).ends(0).json();
    let op = conflicts[0]["op"]["id"].as_str().unwrap();
    two.run(&["sync", "resolve", op, "mine"]).ends(0);
    assert!(two.run(&["sync", "conflicts"]).ends(0).out.contains("nothing"));
    one.run(&["sync", "now"]).ends(0);
    assert_eq!(one.run(&["subscriber", "show", "S-1", "--json"]).ends(0).json()["notes"], "ring twice");
}

#[test]
fn without_the_centre_changes_wait_and_requests_are_kept_only_when_asked() {
    let centre = Centre::start();
    let admin = centre.add("anna", "admin");
    let link = Link::to(format!("127.0.0.1:{}", centre.server.port()).parse().unwrap()).unwrap();
    let home = centre.machine_at(&admin, link.addr().port());
    fill(&home);
    link.refuse();
    let ran = home.run(&["task", "status", "K1", "in_progress"]).ends(12);
    assert!(ran.out.contains("waits in the outbox"), "{}", ran.out);
    assert_eq!(home.run(&["task", "list", "--json"]).ends(0).json().as_array().unwrap().iter().filter(|t| t["unsent"] == true).count(), 1);
    // What changes nothing is no change, so none waits.
    let ran = home.run(&["task", "status", "K1", "in_progress"]).ends(0);
    assert!(ran.out.contains("as it was before") && !ran.out.contains("outbox"), "{}", ran.out);
    let ran = home.run(&["ipv6", "allocate", "S-1"]).ends(7);
    assert!(ran.err.contains("--queue"), "{}", ran.err);
    let queued = home.run(&["ipv6", "allocate", "S-1", "--queue", "--json"]).ends(12).json();
    assert_eq!(queued["queued"], true);
    let status = home.run(&["sync", "status", "--json"]).ends(0).json();
    assert_eq!((&status["link"], &status["outbox"]["unsent"]), (&"offline".into(), &2.into()), "{status}");
    let outbox = home.run(&["sync", "outbox"]).ends(0);
    assert!(outbox.out.contains("allocate") && outbox.out.contains("status"), "{}", outbox.out);
    // No session is known, so there is nobody to disconnect.
    assert!(home.run(&["ipv6", "emergency-disconnect", "S-1", "--yes"]).ends(4).err.contains("no session"));
    link.pass();
    // No NetBox is configured here: begun, it ends in words; the change of the task is in.
    home.run(&["sync", "now"]);
    let two = centre.machine(&admin);
    two.run(&["sync", "now"]).ends(0);
    let tasks = two.run(&["task", "list", "--json"]).ends(0).json();
    assert_eq!(tasks.as_array().unwrap().iter().find(|task| task["number"] == "K1").unwrap()["status"], "in_progress");
    let operations = two.run(&["operations", "list", "--json"]).ends(0).json();
    assert_eq!(operations[0]["kind"], "allocate", "{operations}");
    assert!(home.run(&["ipv6", "emergency-disconnect", "S-1", "--yes"]).ends(4).err.contains("the centre is there"));
}

#[test]
fn a_copy_that_never_came_whole_is_not_taken_for_an_empty_one() {
    let centre = Centre::start();
    let login = centre.add("noc", "noc");
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = centre.machine_at(&login, nowhere);
    home.run(&["sync", "now"]).ends(7);
    for command in [&["subscriber", "list"][..], &["task", "list", "--json"], &["subscriber", "show", "S-1"], &["export", "subscribers"]] {
        let ran = home.run(command).ends(10);
        assert!(ran.out.is_empty() && ran.err.contains("never came whole"), "{command:?}: {} {}", ran.out, ran.err);
    }
}

#[test]
fn a_row_with_a_session_that_the_centre_refuses_is_one_bad_row() {
    let centre = Centre::start();
    let home = centre.machine(&centre.add("root", "admin"));
    fill(&home);
    let header = "subscriber_number,username,full_name,ipv6_state,prefix,acct_session_id,session_nas";
    let file = home.write("live.csv", format!("{header}\nL-1,l1@isp,Live One,active,2001:db8:1:100::/56,sess-1,bng-1\n"));
    let report = home.run(&["import", "subscribers", &file, "--json"]).ends(2).json();
    assert_eq!((&report["rows"], &report["bad"], &report["imported"]), (&1.into(), &1.into(), &0.into()), "{report}");
    assert!(report["errors"][0]["reason"].as_str().unwrap().contains("central load"), "{report}");
}

#[test]
fn a_revoked_operator_is_told_keeps_what_was_not_sent_and_wipes_the_copy() {
    let centre = Centre::start();
    let (admin, gone) = (centre.add("anna", "admin"), centre.add("mikko", "dispatcher"));
    fill(&centre.machine(&admin));
    let home = centre.machine(&gone);
    home.run(&["sync", "now"]).ends(0);
    assert!(centre.owns(&["central", "user", "revoke", &gone]).ends(2).err.contains("--yes"));
    centre.owns(&["central", "user", "revoke", &gone, "--yes"]).ends(0);
    let ran = home.run(&["sync", "now"]).ends(4);
    assert!(ran.err.contains("does not let this operator in"), "{}", ran.err);
    home.run(&["task", "note", "K1", "the fuse box is behind the door"]).ends(12);
    assert_eq!(home.run(&["sync", "status", "--json"]).ends(0).json()["link"], "denied");
    assert!(home.run(&["wipe"]).ends(2).err.contains("--yes"));
    // A process that works on it would go on with files that are gone.
    let lock = walk(&home.path("data")).into_iter().find(|path| path.ends_with("sync.lock")).unwrap();
    let held = fs::File::open(&lock).unwrap();
    held.try_lock().unwrap();
    assert!(home.run(&["wipe", "--yes", "--unsent-too"]).ends(4).err.contains("close it first"));
    drop(held);
    let wiped = home.run(&["wipe", "--yes"]).ends(0);
    assert!(wiped.out.contains("1 unsent"), "{}", wiped.out);
    assert_eq!(home.run(&["sync", "status", "--json"]).ends(0).json()["outbox"]["unsent"], 1);
    home.run(&["wipe", "--yes", "--unsent-too"]).ends(0);
    let left: Vec<_> = walk(&home.path("data"));
    assert!(left.iter().all(|file| !String::from_utf8_lossy(&fs::read(file).unwrap()).contains("fuse box")), "{left:?}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { files.extend(walk(&entry.path())) } else { files.push(entry.path()) }
    }
    files
}

#[test]
fn a_single_machine_is_loaded_into_an_empty_tenant_with_its_states() {
    let centre = Centre::start();
    let admin = centre.add("anna", "admin");
    // The owner's machine has a store of its own.
    centre.owner.import("nas", NAS).ends(0);
    centre.owner.import("subscribers", SUBSCRIBERS).ends(0);
    centre.owner.import("technicians", TECHNICIANS).ends(0);
    centre.owner.import("tasks", TASKS).ends(0);
    let dry = centre.owns(&["central", "load", "--dry-run"]).ends(0);
    assert!(dry.out.contains("subscribers: 3 rows"), "{}", dry.out);
    assert!(centre.owns(&["central", "load"]).ends(2).err.contains("--yes"));
    let loaded = centre.owns(&["central", "load", "--yes", "--json"]).ends(0).json();
    assert_eq!((&loaded["loaded"]["subscribers"], &loaded["refused"]), (&3.into(), &0.into()), "{loaded}");
    assert!(centre.owns(&["central", "load", "--yes"]).ends(4).err.contains("not empty"));
    let home = centre.machine(&admin);
    home.run(&["sync", "now"]).ends(0);
    let ben = home.run(&["subscriber", "show", "S-2", "--json"]).ends(0).json();
    let before = centre.owner.run(&["subscriber", "show", "S-2", "--json"]).ends(0).json();
    for key in ["id", "version", "ipv6", "nas", "notes", "full_name"] {
        assert_eq!(ben[key], before[key], "{key}");
    }
    // A technician comes in by the employee id.
    let mikko = centre.login("mikko");
    let add = ["central", "user", "add", &mikko, "--role", "technician", "--password-from", "env:THE_PASSWORD"];
    assert!(centre.owns(&add).ends(2).err.contains("--technician"));
    centre.owns(&[&add[..], &["--technician", "T1"]].concat()).ends(0);
    let home = centre.machine(&mikko);
    home.run(&["sync", "now"]).ends(0);
    let tasks = home.run(&["task", "list", "--json"]).ends(0).json();
    assert_eq!(tasks.as_array().unwrap().len(), 1, "own tasks only: {tasks}");
}

#[test]
fn a_machine_without_a_centre_says_so() {
    let home = Home::filled();
    for arguments in [&["sync", "status"][..], &["sync", "now"], &["sync", "verify"], &["login"], &["logout"], &["wipe", "--yes"]] {
        assert!(home.run(arguments).ends(9).err.contains("no centre is configured"), "{arguments:?}");
    }
    assert!(home.run(&["central", "status"]).ends(2).err.contains("NOCTULE_CENTRAL_OWNER_DSN"));
    let ran = home.run(&["central", "status", "--dsn", "postgresql://me:hunter2@127.0.0.1/x"]).ends(2);
    assert!(ran.err.contains("PGPASSWORD"), "{}", ran.err);
    assert!(home.run(&["central", "status", "--dsn", "postgresql://me@db.example/x?sslmode=disable"]).ends(2).err.contains("verify-full"));
    assert!(home.run(&["ipv6", "allocate", "S-1", "--queue"]).ends(2).err.contains("--queue"));
    assert!(home.run(&["ipv6", "emergency-disconnect", "S-1", "--yes"]).ends(4).err.contains("no centre"));
    home.never_printed("hunter2");
}

#[test]
fn notes_tasks_and_time_work_on_a_single_machine_too() {
    let home = Home::filled();
    home.import("technicians", TECHNICIANS).ends(0);
    home.import("tasks", TASKS).ends(0);
    home.run(&["subscriber", "note", "S-1", "gate 12"]).ends(0);
    home.run(&["subscriber", "note", "S-1", "dog"]).ends(0);
    assert_eq!(home.run(&["subscriber", "show", "S-1", "--json"]).json()["notes"], "gate 12; dog");
    home.run(&["task", "note", "K2", "take the long ladder"]).ends(0);
    home.run(&["task", "assign", "K2", "Urho"]).ends(0);
    home.run(&["task", "status", "K1", "in_progress"]).ends(0);
    let tasks = home.run(&["task", "list", "--technician", "T2", "--json"]).ends(0).json();
    assert_eq!((&tasks[0]["number"], &tasks[0]["notes"]), (&"K2".into(), &"take the long ladder".into()));
    home.run(&["task", "assign", "K2", "-"]).ends(0);
    home.run(&["technician", "status", "T1", "on_break"]).ends(0);
    assert_eq!(home.run(&["technician", "list", "--json"]).ends(0).json()[0]["status"], "on_break");
    home.run(&["clock", "in", "T2", "--kind", "travel", "--task", "K2"]).ends(0);
    home.run(&["clock", "in", "T2"]).ends(4);
    home.run(&["clock", "out", "T2"]).ends(0);
    let entries = home.run(&["clock", "list", "T2", "--json"]).ends(0).json();
    assert_eq!((&entries[0]["kind"], entries[0]["ended_at"].is_string()), (&"travel".into(), true));
    assert!(home.run(&["task", "status", "K9", "ready"]).ends(3).err.contains("K9"));
    assert!(home.run(&["clock", "in", "Nobody"]).ends(3).err.contains("Nobody"));
    assert_eq!(home.run(&["audit", "verify", "--json"]).ends(0).json()["intact"], true);
}

#[test]
fn a_password_in_the_configuration_is_refused_in_words_and_not_repeated() {
    let home = Home::ready();
    let config = fs::read_to_string(home.config()).unwrap();
    for (section, wanted) in [
        ("url = \"postgresql://anna:hunter2@db1/x\"", "central.user"),
        ("url = \"postgresql://db1/x\"\npassword = \"file:pw\"", "in clear"),
        ("url = \"postgresql://db1/x\"\npassword = \"hunter2hunter2\"", "never written out"),
        ("url = \"postgresql://db1/x\"\ntls = \"off\"", "another machine"),
        ("url = \"postgresql://db1/x\"\ncert_file = \"a.pem\"", "key_file"),
        ("url = \"postgresql://db1/x\"\npoll_s = 0", "from 1 to 300"),
        ("read_url = \"postgresql://db1/x\"", "central.url"),
    ] {
        fs::write(home.config(), config.replace("[central]\n", &format!("[central]\n{section}\n"))).unwrap();
        let ran = home.run(&["sync", "status"]).ends(9);
        assert!(ran.err.contains(wanted) && ran.err.contains("config.toml line"), "{section}: {}", ran.err);
    }
    home.never_printed("hunter2");
}

#[test]
fn a_password_that_is_to_be_asked_for_needs_a_terminal() {
    let home = Home::ready();
    let config = fs::read_to_string(home.config()).unwrap();
    let section = "[central]\nurl = \"postgresql://127.0.0.1:1/x\"\ntls = \"off\"\npassword = \"prompt\"\n";
    fs::write(home.config(), config.replace("[central]\n", section)).unwrap();
    let ran = home.run_alone(&["sync", "now"]);
    assert!(ran.ends(9).err.contains("no terminal"));
    assert!(home.run_alone(&["login"]).ends(2).err.contains("nothing to keep in the keyring"));
}

#[test]
fn a_prefix_is_allocated_through_the_centre_and_the_other_machine_knows_it() {
    use noctule_sim::netbox::{NetboxConfig, NetboxSim, SeedPrefix, SimToken};
    const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let pool = SeedPrefix { is_pool: true, ..SeedPrefix::container("2001:db8:4000::/48") };
    let sim = NetboxConfig { tokens: vec![SimToken::v1(TOKEN)], prefixes: vec![pool], ..NetboxConfig::default() };
    let sim = runtime.block_on(NetboxSim::start(sim)).unwrap();
    let centre = Centre::start();
    let (admin, noc, viewer) = (centre.add("anna", "admin"), centre.add("ben", "noc"), centre.add("vera", "viewer"));
    fill(&centre.machine(&admin));
    let [one, two, looks] = [&noc, &noc, &viewer].map(|login| {
        let home = centre.machine(login);
        let config = fs::read_to_string(home.config()).unwrap();
        let section = format!(
            "[netbox]\nurl = \"{}\"\ntoken = \"env:NETBOX_TOKEN\"\ntag = \"noctule\"\n[[netbox.pools]]\nprefix = \"2001:db8:4000::/48\"\n",
            sim.url()
        );
        fs::write(home.config(), config.replace("[netbox]\n", &section)).unwrap();
        home.set("NETBOX_TOKEN", TOKEN);
        home.run(&["sync", "now"]).ends(0);
        home
    });
    one.run(&["init", "netbox", "--yes"]).ends(0);
    let done = one.run(&["ipv6", "allocate", "S-1", "--json"]).ends(0).json();
    let prefix = done["subscriber"]["ipv6"]["prefix"].clone();
    assert_eq!((&done["subscriber"]["ipv6"]["state"], prefix.is_string()), (&"allocated".into(), true), "{done}");
    assert!(!done["operation"]["steps"].as_array().unwrap().is_empty(), "the journal came back: {done}");
    // The other machine has not heard of it yet; the centre has, and says so.
    assert_eq!(two.run(&["subscriber", "show", "S-1", "--json"]).ends(0).json()["ipv6"]["state"], "pending");
    assert!(two.run(&["ipv6", "allocate", "S-1"]).ends(0).out.contains("allocated already"));
    two.run(&["ipv6", "activate", "S-1", "--no-coa"]).ends(0);
    two.run(&["sync", "now"]).ends(0);
    let shown = two.run(&["subscriber", "show", "S-1", "--json"]).ends(0).json();
    assert_eq!((&shown["ipv6"]["state"], &shown["ipv6"]["prefix"]), (&"active".into(), &prefix));
    // By the centre's word, whatever the configuration says.
    let refused = looks.run(&["ipv6", "suspend", "S-1"]).ends(4);
    assert!(refused.err.contains("viewer"), "{}", refused.err);
    assert_eq!(sim.prefixes().iter().filter(|p| p.prefix.to_string().ends_with("/56")).count(), 1);
    runtime.block_on(sim.go_down());
}
