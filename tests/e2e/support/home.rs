//! A home folder of its own, with its own place for scratch files, and the binary in it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub struct Home {
    folder: tempfile::TempDir,
}

/// How one command ended.
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
        let folder = tempfile::Builder::new().prefix("noctule-e2e").tempdir().unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder }
    }

    /// With a configuration as `noctule init` writes it, no NetBox, no NAS.
    pub fn ready() -> Self {
        let home = Self::empty();
        home.run(&["init"]).ends(0);
        home
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
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

    /// What the demo may leave behind.
    pub fn scratch(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("tmp")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// A file that only we can read.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Everything that a process of the test may know of the world.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let binary = Path::new(env!("CARGO_BIN_EXE_noctule")).parent().unwrap();
        let mut path = OsString::from(binary);
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let at = |name: &str| self.path(name).into_os_string();
        vec![
            ("PATH", path),
            ("HOME", self.folder().into()),
            ("XDG_CONFIG_HOME", at("config")),
            ("XDG_DATA_HOME", at("data")),
            ("XDG_STATE_HOME", at("state")),
            ("TMPDIR", at("tmp")),
            ("TMUX_TMPDIR", self.folder().into()),
            ("USER", "anna".into()),
            ("LANG", "C.UTF-8".into()),
        ]
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_noctule"));
        command.args(arguments).env_clear().envs(self.environment()).current_dir(self.folder()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(&[], arguments)
    }

    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let Output { status, stdout, stderr } = self.command(arguments).envs(variables.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Ran { code: status.code().expect("not ended by a signal"), out: text(stdout), err: text(stderr) }
    }

    pub fn import(&self, kind: &str, content: &str) {
        let file = self.write(&format!("{kind}.csv"), content);
        self.run(&["import", kind, &file]).ends(0);
    }

    /// One subscriber as the command line tells it, from the store alone.
    #[track_caller]
    pub fn status(&self, flags: &[&str], number: &str) -> serde_json::Value {
        let arguments = [flags, &["ipv6", "status", number, "--json"]].concat();
        self.run(&arguments).ends(0).json()
    }
}

/// Four subscribers on one NAS.
pub const SUBSCRIBERS: &str = "\
subscriber_number,username,full_name,nas,mode
S-1,anna@isp,Anna Ahonen,bng-1,pd
S-2,ben@isp,Ben Berg,bng-1,dual_stack
S-3,cy@isp,Cy Cruz,bng-1,pd
S-4,di@isp,Di Dahl,bng-1,none
";
