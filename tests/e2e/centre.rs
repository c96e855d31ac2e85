//! Two consoles on two machines, and a centre between them that goes away and comes back.

use crate::support::{Home, SUBSCRIBERS, Term};
use noctule_testbed::{Database, Link, Postgres};
use std::fs;

pub const PASSWORD: &str = "correct horse battery";
const TASKS: &str = "number,title,type,status,subscriber,notes\nK1,Splice at the corner,splicing,pending,S-1,old\n";

/// A tenant of its own in a private server, and the port of a line to it that can fail.
pub struct Centre {
    pub server: &'static Postgres,
    pub database: Database,
    tenant: String,
    pub line: Link,
}

impl Centre {
    pub fn start() -> Self {
        let server = Postgres::shared().unwrap();
        let database = server.create_database().unwrap();
        let line = Link::to(format!("127.0.0.1:{}", server.port()).parse().unwrap()).unwrap();
        let centre = Self { server, database, tenant: uuid::Uuid::now_v7().to_string(), line };
        centre.owns(&["central", "init", "--tenant-id", &centre.tenant, "--tenant-name", "Example Fibre"]);
        centre
    }

    fn owns(&self, arguments: &[&str]) {
        let home = Home::ready();
        let config = fs::read_to_string(home.config()).unwrap();
        let own = config.lines().find(|line| line.starts_with("id = \"")).unwrap().to_owned();
        home.write("config/noctule/config.toml", config.replace(&own, &format!("id = \"{}\"", self.tenant)));
        let dsn = format!("postgresql://{}@127.0.0.1:{}/{}", self.server.superuser(), self.server.port(), self.database.name());
        let secret = self.server.superuser_password();
        home.run_with(&[("NOCTULE_CENTRAL_OWNER_DSN", &dsn), ("PGPASSWORD", secret), ("THE_PASSWORD", PASSWORD)], arguments).ends(0);
    }

    /// The machine of an operator who is let in as this role.
    pub fn machine(&self, name: &str, role: &str, port: u16) -> Home {
        let login = format!("{name}_{}", &self.tenant[self.tenant.len() - 6..]);
        self.owns(&["central", "user", "add", &login, "--role", role, "--password-from", "env:THE_PASSWORD"]);
        let home = Home::ready();
        let config = fs::read_to_string(home.config()).unwrap();
        let own = config.lines().find(|line| line.starts_with("id = \"")).unwrap().to_owned();
        let section = format!(
            "[central]\nurl = \"postgresql://127.0.0.1:{port}/{}\"\nuser = \"{login}\"\npassword = \"env:THE_PASSWORD\"\ntls = \"off\"\n\
             poll_s = 1\nconnect_timeout_s = 2\ntimeout_s = 2\n",
            self.database.name()
        );
        let config = config.replace(&own, &format!("id = \"{}\"", self.tenant)).replace("[central]\n", &section);
        home.write("config/noctule/config.toml", config);
        home
    }
}

/// Replaces the notes of the selected task, which are `before`.
#[track_caller]
fn rewrite(term: &Term<'_>, before: &str, text: &str) {
    term.keys(&["4"]);
    term.wait_for("K1");
    term.keys(&["e"]);
    term.wait("the notes open", |screen| screen.contains("Notes of") || screen.contains("notes of"));
    term.keys(&vec!["BSpace"; before.len()]);
    term.text(text);
    term.keys(&["Enter"]);
}

#[test]
fn two_consoles_share_one_truth_and_work_on_without_the_centre() {
    let centre = Centre::start();
    let (one_home, two_home) =
        (centre.machine("anna", "admin", centre.server.port()), centre.machine("ben", "admin", centre.line.addr().port()));
    let with = [("THE_PASSWORD", PASSWORD)];
    for (kind, rows) in [("nas", "name,address,secret\nbng-1,192.0.2.1,env:X\n"), ("subscribers", SUBSCRIBERS), ("tasks", TASKS)] {
        let file = one_home.write(&format!("{kind}.csv"), rows);
        one_home.run_with(&with, &["import", kind, &file]).ends(0);
    }
    let command = format!("THE_PASSWORD='{PASSWORD}' noctule");
    let one = Term::console(&one_home, "one", &command);
    // The first start on this machine: the screen is there at once, and the copy comes.
    let two = Term::console(&two_home, "two", &command);
    for console in [&one, &two] {
        console.wait("the centre live", |screen| screen.lines().next().is_some_and(|line| line.contains("●centre")));
        console.open("S-1");
    }
    one.keys(&["e"]);
    one.wait_for("Notes of S-1");
    one.text("gate 12, ring twice");
    one.keys(&["Enter"]);
    one.wait_for("gate 12, ring twice");
    two.wait_for("gate 12, ring twice");
    // Who else is there.
    one.wait("the other console", |screen| screen.contains("ben_"));

    // Packets are dropped, nobody says no.
    centre.line.blackhole();
    two.wait("offline in the header", |screen| screen.lines().next().is_some_and(|line| line.contains("offline")));
    // A command beside the console knows what the console knows, and does not wait for a push that can not come.
    let began = std::time::Instant::now();
    let kept = two_home.run_with(&with, &["subscriber", "note", "S-2", "first line\nsecond line"]).ends(12);
    assert!(kept.err.contains("is not connected with the centre") && kept.err.contains("goes on trying"), "{}", kept.err);
    assert!(began.elapsed() < std::time::Duration::from_secs(14), "it waited: {:?}", began.elapsed());
    let row = two_home.run_with(&with, &["subscriber", "show", "S-2", "--json"]).ends(0).json();
    assert_eq!(row["notes"], "first line\nsecond line");
    rewrite(&two, "old", "ben was here");
    two.wait("what waits, in the header", |screen| screen.lines().next().is_some_and(|line| line.contains("unsent")));
    rewrite(&one, "old", "anna was here");
    one.wait_for("anna was here");

    // Back: both changed the same text, so it is decided, by one key.
    centre.line.pass();
    two.wait("the conflict in the header", |screen| {
        screen.lines().next().is_some_and(|line| line.contains("conflict") || line.contains("decide"))
    });
    two.keys(&["9"]);
    two.wait_for("somebody else changed notes");
    two.keys(&["Enter"]);
    let screen = two.wait_for("keep mine");
    assert!(screen.contains("ben was here") && screen.contains("anna was here"), "{screen}");
    two.keys(&["m"]);
    one.wait_for("ben was here");
    one.quit();
    two.quit();
    let status = two_home.run_with(&with, &["sync", "status", "--json"]).ends(0).json();
    assert_eq!((&status["outbox"]["unsent"], &status["outbox"]["conflicts"]), (&0.into(), &0.into()), "{status}");
    two_home.run_with(&with, &["sync", "verify", "--check"]).ends(0);
}
