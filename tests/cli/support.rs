//! A home folder of its own, the binary in it, and files with good rows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub struct Home {
    folder: tempfile::TempDir,
    /// Everything that was printed, so that each test can look for secrets at its end.
    printed: std::cell::RefCell<String>,
    variables: std::cell::RefCell<Vec<(String, String)>>,
}

/// How one run ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

impl Home {
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), printed: Default::default(), variables: Default::default() }
    }

    /// With a configuration made by `init`.
    pub fn ready() -> Self {
        let home = Self::empty();
        home.run(&["init"]).ends(0);
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn config(&self) -> PathBuf {
        self.path("config/noctule/config.toml")
    }

    pub fn store(&self) -> PathBuf {
        self.path("data/noctule/noctule.db")
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_noctule"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("USER", "anna")
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command.envs(self.variables.borrow().iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.ended(self.command().args(arguments).output().unwrap())
    }

    /// A variable of all runs from here on.
    pub fn set(&self, name: &str, value: &str) {
        self.variables.borrow_mut().push((name.to_owned(), value.to_owned()));
    }

    /// Without a controlling terminal, whatever the tests themselves have.
    pub fn run_alone(&self, arguments: &[&str]) -> Ran {
        let own = self.command();
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(own.get_program()).args(arguments).env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.ended(command.output().unwrap())
    }

    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        self.ended(self.command().envs(variables.iter().copied()).args(arguments).output().unwrap())
    }

    fn ended(&self, output: Output) -> Ran {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
        let ran = Ran { code: output.status.code().expect("not ended by a signal"), out: text(&output.stdout), err: text(&output.stderr) };
        let mut printed = self.printed.borrow_mut();
        printed.push_str(&ran.out);
        printed.push_str(&ran.err);
        ran
    }

    /// Nothing that was printed so far holds this.
    #[track_caller]
    pub fn never_printed(&self, secret: &str) {
        assert!(!self.printed.borrow().contains(secret), "a secret was printed");
    }

    pub fn import(&self, kind: &str, content: impl AsRef<[u8]>) -> Ran {
        let file = self.write(&format!("{kind}.csv"), content);
        self.run(&["import", kind, &file])
    }

    /// A NAS and three subscribers.
    pub fn filled() -> Self {
        let home = Self::ready();
        home.import("nas", NAS).ends(0);
        home.import("subscribers", SUBSCRIBERS).ends(0);
        home
    }
}

pub const NAS: &str =
    "name,address,secret,profile,site\nbng-1,192.0.2.1,env:BNG1_SECRET,generic,north\nbng-2,[2001:db8::2]:3800,env:BNG2_SECRET,,south\n";

pub const SUBSCRIBERS: &str = "\
subscriber_number,username,full_name,email,nas,site,lat,lng,mode,ipv6_state,prefix
S-1,anna@isp,Anna Ångström,anna@example.net,bng-1,north,52.5,13.4,pd,,
S-2,ben@isp,\"Ben, the second\",,bng-2,south,,,dual_stack,active,2001:db8:1::/56
S-3,cy@isp,赛 三,,bng-1,north,0,0,none,,
";

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
