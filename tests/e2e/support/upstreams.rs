//! `noctule sim netbox` and `noctule sim nas` as processes of their own, and a home that is configured for them.

use super::{Home, SUBSCRIBERS, until};
use serde_json::Value;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Once;

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
const NAS_SECRET: &str = "correct horse battery";
pub const POOL: &str = "2001:db8:4000::/48";

/// A process that ends with the test, and what it prints.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn start(home: &Home, name: &str, arguments: &[&str]) -> Self {
        let log = home.path(&format!("{name}.log"));
        let out = File::create(&log).unwrap();
        let child = home.command(arguments).stdout(out.try_clone().unwrap()).stderr(out).stdin(Stdio::null()).spawn().unwrap();
        Self { child, log }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The address in `listens on ADDRESS`.
    fn address(&self) -> String {
        let look = || {
            let log = self.log();
            let rest = log.split_once("listens on ")?.1;
            log.contains('\n').then(|| rest.split_whitespace().next().unwrap_or_default().trim_end_matches(['.', ',']).to_owned())
        };
        until("the simulated upstream listens", look, || self.log())
    }

    fn signal(&self, signal: &str) {
        let ended = Command::new("bash").args(["-c", &format!("kill -{signal} {}", self.child.id())]).status().unwrap();
        assert!(ended.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct SimNetbox {
    process: Process,
    pub url: String,
}

impl SimNetbox {
    pub fn start(home: &Home) -> Self {
        let token = format!("file:{}", home.write("netbox.token", TOKEN));
        let process = Process::start(home, "netbox", &["sim", "netbox", "--listen", "127.0.0.1:0", "--token", &token, "--pool", POOL]);
        let url = process.address();
        Self { process, url }
    }

    /// It stands still, as a machine that is out of breath: what is asked of it stays in its queue.
    pub fn stop(&self) {
        self.process.signal("STOP");
    }

    pub fn go_on(&self) {
        self.process.signal("CONT");
    }

    /// The /56 prefixes that NetBox has, as its own API tells them.
    pub fn delegated(&self) -> Vec<Value> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer: Value = runtime.block_on(async {
            let request = reqwest::Client::new().get(format!("{}/api/ipam/prefixes/?mask_length=56&limit=100", self.url));
            let answer = request.header("Authorization", format!("Token {TOKEN}")).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.json().await.unwrap()
        });
        answer["results"].as_array().unwrap().clone()
    }

    /// The status of its only delegated prefix.
    #[track_caller]
    pub fn status(&self) -> String {
        let prefixes = self.delegated();
        assert_eq!(prefixes.len(), 1, "{prefixes:?}");
        prefixes[0]["status"]["value"].as_str().unwrap().to_owned()
    }
}

pub struct SimNas {
    process: Process,
    pub address: String,
}

impl SimNas {
    pub fn start(home: &Home, behaviour: &str) -> Self {
        let secret = format!("file:{}", home.write("bng-1.secret", NAS_SECRET));
        let process =
            Process::start(home, "nas", &["sim", "nas", "--listen", "127.0.0.1:0", "--secret", &secret, "--behaviour", behaviour]);
        let address = process.address();
        Self { process, address }
    }

    /// How often it has sent an answer with this RADIUS code: 41 Disconnect-ACK, 42 Disconnect-NAK, 44 CoA-ACK, 45 CoA-NAK.
    pub fn answers(&self, code: u8) -> usize {
        self.process.log().lines().filter(|line| line.contains("Answered {") && line.contains(&format!("code: {code},"))).count()
    }
}

/// Both, and a home that knows them: NetBox set up, the NAS and four subscribers imported.
pub struct Upstreams {
    pub netbox: SimNetbox,
    pub nas: SimNas,
}

impl Upstreams {
    pub fn start(home: &Home, behaviour: &str) -> Self {
        let (netbox, nas) = (SimNetbox::start(home), SimNas::start(home, behaviour));
        let config = fs::read_to_string(home.config()).unwrap();
        let section = format!(
            "[netbox]\nurl = \"{}\"\ntoken = \"file:{}\"\ntag = \"noctule\"\n[[netbox.pools]]\nprefix = \"{POOL}\"\n",
            netbox.url,
            home.path("netbox.token").display()
        );
        assert!(config.contains("[netbox]\n"), "the example has a section for NetBox");
        home.write("config/noctule/config.toml", config.replace("[netbox]\n", &section));
        home.run(&["init", "netbox", "--yes"]).ends(0);
        let secret = home.path("bng-1.secret");
        home.import("nas", &format!("name,address,secret\nbng-1,{},file:{}\n", nas.address, secret.display()));
        home.import("subscribers", SUBSCRIBERS);
        Self { netbox, nas }
    }
}
