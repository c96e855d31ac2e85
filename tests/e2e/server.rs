//! `noctule server` as a process: it says when it is ready, answers, takes over what a dead console left, asks NetBox again when told to, and
//! ends well on SIGTERM; after kill -9 the next one begins where it stood.

use crate::support::{Home, Term, Upstreams, until};
use noctule_domain::secret::Secret;
use serde_json::Value;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::time::Duration;

const SECRET: &str = "shared-secret-for-the-test";

struct Server {
    child: Child,
    log: PathBuf,
    url: String,
}

impl Server {
    fn start(home: &Home, name: &str, more: &[&str]) -> Self {
        let log = home.path(&format!("{name}.log"));
        let arguments = [&["server", "--listen", "127.0.0.1:0"], more].concat();
        let child =
            home.command(&arguments).stdout(Stdio::null()).stderr(File::create(&log).unwrap()).stdin(Stdio::null()).spawn().unwrap();
        let read = || fs::read_to_string(&log).unwrap_or_default();
        let listening = || {
            let text = read();
            let rest = text.split_once("listening on ")?.1;
            rest.contains('\n').then(|| rest.split(['\n', '"', ' ']).next().unwrap_or_default().to_owned())
        };
        let url = until("the server listens", listening, read);
        Self { child, log, url }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("bash").args(["-c", &format!("kill -{signal} {}", self.child.id())]).status().unwrap().success());
    }

    fn ends(mut self) -> ExitStatus {
        until("the server ends", || self.child.try_wait().unwrap(), || fs::read_to_string(&self.log).unwrap_or_default())
    }

    fn get(&self, path: &str) -> (u16, Value) {
        ask(reqwest::Client::new().get(format!("{}{path}", self.url)))
    }

    fn hook(&self, body: &str) -> u16 {
        let signature = noctule_server::signature::sign(&Secret::new(SECRET), body.as_bytes());
        let request = reqwest::Client::new().post(format!("{}/hooks/netbox", self.url)).header("X-Hook-Signature", signature);
        ask(request.body(body.to_owned())).0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(request: reqwest::RequestBuilder) -> (u16, Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = request.timeout(Duration::from_secs(30)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    })
}

fn provider() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn configured(home: &Home) {
    let reference = format!("file:{}", home.write("hook.secret", SECRET));
    let config = fs::read_to_string(home.config()).unwrap();
    assert!(config.contains("[server]\n"), "the example has a section for the server");
    home.write("config/noctule/config.toml", config.replace("[server]\n", &format!("[server]\nnetbox_secret = \"{reference}\"\n")));
}

fn hook(request: &str, id: u64) -> String {
    format!(r#"{{"event":"updated","object_type":"ipam.prefix","request_id":"{request}","data":{{"id":{id}}}}}"#)
}

#[test]
fn a_server_takes_over_from_a_dead_console_hears_netbox_and_ends_well() {
    provider();
    let home = Home::ready();
    configured(&home);
    let sims = Upstreams::start(&home, "ack");
    // A console dies while NetBox works.
    let term = Term::console(&home, "console", "noctule");
    term.open("S-1");
    sims.netbox.stop();
    term.keys(&["i", "a"]);
    term.wait("a request under way", |screen| screen.contains("netbox_allocate") && screen.contains("started"));
    term.kill();
    sims.netbox.go_on();

    let server = Server::start(&home, "server", &[]);
    let state = || home.status(&[], "S-1")["ipv6"]["state"].clone();
    until("the server has allocated", || (state() == "allocated").then_some(()), || server.log());
    assert_eq!(sims.netbox.delegated().len(), 1);
    let well = || Some(server.get("/health")).filter(|(status, body)| *status == 200 && body["state"] == "ok");
    let (_, health) = until("all is well", well, || server.get("/health").1.to_string());
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    let names: Vec<&str> = health["upstreams"].as_array().unwrap().iter().filter_map(|part| part["name"].as_str()).collect();
    assert_eq!(names, ["NetBox", "NAS"]);

    // It began with a look at everything. NetBox hints; it is asked again, though its turn has not come.
    until("everything was looked at", || server.log().contains("everything is looked at").then_some(()), || server.log());
    let asked = |log: &str| log.matches("NetBox hints at changes").count();
    assert_eq!(server.hook(&hook("r-1", 7)), 202);
    until("the hint is followed", || (asked(&server.log()) == 1).then_some(()), || server.log());
    assert_eq!(server.hook(&hook("r-1", 7)), 200);

    // Killed: the next one on the same store takes hooks again, also the one that is known no more.
    server.signal("KILL");
    assert!(!server.ends().success());
    let server = Server::start(&home, "again", &["--json"]);
    until("everything was looked at", || server.log().contains("everything is looked at").then_some(()), || server.log());
    assert_eq!(server.hook(&hook("r-1", 7)), 202);
    until("the hint is followed", || (asked(&server.log()) == 1).then_some(()), || server.log());
    for line in server.log().lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["message"].is_string() && line["timestamp"].is_string(), "{line}");
    }
    assert!(!server.log().contains(SECRET));
    server.signal("TERM");
    assert_eq!(server.ends().code(), Some(0));
    assert_eq!(home.run(&["audit", "verify", "--json"]).ends(0).json()["intact"], true);
}

#[test]
fn what_keeps_a_server_from_starting_is_said_before_anything_is_begun() {
    provider();
    let home = Home::ready();
    configured(&home);
    let server = Server::start(&home, "server", &[]);
    let address = server.url.trim_start_matches("http://").to_owned();
    let taken = home.run(&["server", "--listen", &address]).ends(9);
    assert!(taken.err.contains("can not be listened on") && taken.err.contains("--listen"), "{}", taken.err);
    assert_eq!(server.get("/health").0, 200);
    server.signal("INT");
    assert_eq!(server.ends().code(), Some(0));
    // A secret that others can read is none.
    assert!(Command::new("chmod").args(["644", home.path("hook.secret").to_str().unwrap()]).status().unwrap().success());
    let shared = home.run(&["server", "--listen", "127.0.0.1:0"]).ends(9);
    assert!(shared.err.contains("server.netbox_secret") && shared.err.contains("chmod 600"), "{}", shared.err);
    let looking = home.run(&["--read-only", "server"]).ends(4);
    assert!(looking.err.contains("--read-only"), "{}", looking.err);
}
