//! One private cluster: its folder, its server process, its end. The server is a child of this process and its folder is known to a
//! watcher, so neither outlives the test, however the test ends.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::binaries::Binaries;
use super::certificates::Authority;
use super::database::without_settings;
use super::options::PostgresOptions;
use super::{settings, template};
use crate::TestbedError;
use crate::account::Account;
use crate::ports::Port;
use crate::watcher::{STOP_SERVER, Watcher};

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// How often a server that starts or stops is looked at; there is nothing to wait on that works for both.
const LOOK: Duration = Duration::from_millis(3);
const PORT_TRIES: u32 = 5;
const LOG_TAIL: usize = 4096;

/// A running private cluster on 127.0.0.1. Dropped: its server is stopped at once and its folder removed; the same happens when the process
/// is killed.
#[derive(Debug)]
pub struct Postgres {
    // Fields are dropped in this order: the watcher stops the server and removes the folders, then the child is collected.
    _watcher: Watcher,
    server: Server,
    port: Port,
    folder: PathBuf,
    data: PathBuf,
    password: String,
    options: PostgresOptions,
    binaries: Binaries,
    account: Account,
    authority: Option<Arc<Authority>>,
}

/// The server process; none while it is stopped.
#[derive(Debug, Default)]
struct Server(Option<Child>);

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // The watcher has stopped it already; should that have failed, nothing is left but this.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Postgres {
    /// Starts a cluster as most tests want it.
    pub fn start() -> Result<Self, TestbedError> {
        Self::start_with(PostgresOptions::default())
    }

    /// The cluster that the tests of this process share, started when first asked for. Make a database of your own in it; do not stop it.
    /// It ends with the process.
    pub fn shared() -> Result<&'static Self, TestbedError> {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = STARTING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(running) = SHARED.get() {
            return Ok(running);
        }
        let started = Self::start()?;
        Ok(SHARED.get_or_init(|| started))
    }

    /// Starts a cluster.
    pub fn start_with(options: PostgresOptions) -> Result<Self, TestbedError> {
        Self::build(options, |cluster| {
            let copy = template::copy_to(&cluster.binaries, &cluster.account, &cluster.data)?;
            cluster.password = copy.password;
            if cluster.options.tls {
                let authority = Authority::make()?;
                authority.equip_server(&cluster.data, &cluster.options.dns_names, &cluster.account)?;
                authority.equip_clients(&cluster.client_folder())?;
                cluster.authority = Some(Arc::new(authority));
            }
            Ok(())
        })
    }

    /// Makes the folders, lets `fill` make the data folder, writes the settings and starts.
    pub(crate) fn build(options: PostgresOptions, fill: impl FnOnce(&mut Self) -> Result<(), TestbedError>) -> Result<Self, TestbedError> {
        let binaries = Binaries::find()?;
        let account = Account::find()?;
        let asked = options.port;
        let port = match asked {
            Some(number) => Port::lock(number)?.ok_or_else(|| TestbedError::Server {
                port: number,
                what: "was not started: another test holds this port".to_owned(),
                log: String::new(),
            })?,
            None => Port::take()?,
        };

        let temporary = tempfile::Builder::new()
            .prefix("noctule-pg-")
            .tempdir()
            .map_err(TestbedError::file("the folder can not be made", std::env::temp_dir()))?;
        let folder = temporary.path().to_owned();
        let mode = |path: &Path, bits| {
            fs::set_permissions(path, fs::Permissions::from_mode(bits))
                .map_err(TestbedError::file("the folder's mode can not be set", path))
        };
        mode(&folder, 0o711)?;
        account.must_reach(&folder)?;
        let sockets = folder.join("s");
        fs::create_dir(&sockets).map_err(TestbedError::file("the folder can not be made", &sockets))?;
        mode(&sockets, 0o755)?;
        account.own(&sockets)?;
        let (room, name) = match &options.folder {
            Some(given) => {
                account.must_reach(given)?;
                (given.clone(), format!("data-{}", port.number()))
            }
            None => (folder.clone(), "data".to_owned()),
        };
        let data = room.join(&name);
        let watcher = Watcher::start(STOP_SERVER, &room, &[&Path::new(".").join(&name), &folder])?;
        // From here on the watcher removes the folder.
        let _ = temporary.keep();

        let mut cluster = Self {
            _watcher: watcher,
            server: Server::default(),
            port,
            folder,
            data,
            password: String::new(),
            options,
            binaries,
            account,
            authority: None,
        };
        fill(&mut cluster)?;
        let mut tries = 1;
        loop {
            cluster.write_settings()?;
            match cluster.launch() {
                // Somebody outside the tests took the port between our look and the server's.
                Err(TestbedError::Server { log, .. }) if asked.is_none() && tries < PORT_TRIES && log.contains("could not bind") => {
                    tries += 1;
                    cluster.port = Port::take()?;
                }
                Err(other) => return Err(other),
                Ok(()) => return Ok(cluster),
            }
        }
    }

    /// A copy of `origin`'s data has its passwords and certificates too.
    pub(crate) fn take_over_secrets(&mut self, origin: &Self) -> Result<(), TestbedError> {
        self.password.clone_from(&origin.password);
        self.authority.clone_from(&origin.authority);
        self.authority.as_ref().map_or(Ok(()), |authority| authority.equip_clients(&self.client_folder()))
    }

    fn write_settings(&self) -> Result<(), TestbedError> {
        let configuration = settings::configuration(&self.options, self.port(), &self.socket_dir());
        for (name, text) in [("postgresql.conf", configuration), ("pg_hba.conf", settings::access(&self.options))] {
            let path = self.data.join(name);
            fs::write(&path, text).map_err(TestbedError::file("the file can not be written", &path))?;
            self.account.own(&path)?;
        }
        Ok(())
    }

    /// Starts the server process and waits until it accepts connections.
    fn launch(&mut self) -> Result<(), TestbedError> {
        let path = self.log_path();
        let log = File::options().create(true).append(true).open(&path).map_err(TestbedError::file("the log can not be opened", &path))?;
        let errors = log.try_clone().map_err(TestbedError::file("the log can not be opened", &path))?;
        let program = self.binaries.path("postgres");
        let mut command = self.account.command(&program);
        without_settings(&mut command);
        command.arg("-D").arg(&self.data).current_dir(&self.folder).stdin(Stdio::null()).stdout(log).stderr(errors);
        // Ctrl-C at the terminal, or a runner that kills the group of a test, must reach the test first.
        command.process_group(0);
        let child = command.spawn().map_err(|source| TestbedError::Spawn { program: program.display().to_string(), source })?;
        let pid = child.id();
        self.server = Server(Some(child));

        let deadline = Instant::now() + START_LIMIT;
        loop {
            if self.is_ready(pid) {
                return Ok(());
            }
            if let Some(ended) = self.ended()? {
                return Err(self.trouble(format!("ended while it started ({ended})")));
            }
            if Instant::now() > deadline {
                return Err(self.trouble(format!("did not accept connections within {START_LIMIT:?}")));
            }
            thread::sleep(LOOK);
        }
    }

    /// The eighth line of postmaster.pid, by which pg_ctl knows too.
    fn is_ready(&self, pid: u32) -> bool {
        let Ok(text) = fs::read_to_string(self.data.join("postmaster.pid")) else { return false };
        let mut lines = text.lines();
        lines.next().and_then(|line| line.trim().parse().ok()) == Some(pid) && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    /// How the server process ended, when it has ended.
    fn ended(&mut self) -> Result<Option<std::process::ExitStatus>, TestbedError> {
        let Some(child) = self.server.0.as_mut() else { return Ok(None) };
        let status = child.try_wait().map_err(|source| TestbedError::Spawn { program: "postgres".to_owned(), source })?;
        if status.is_some() {
            self.server.0 = None;
        }
        Ok(status)
    }

    fn stop(&mut self, signal: Signal, way: &str) -> Result<(), TestbedError> {
        let Some(pid) = self.server.0.as_ref().and_then(|child| Pid::from_raw(i32::try_from(child.id()).ok()?)) else { return Ok(()) };
        // It is our child and has not been waited for, so the number is still its own.
        kill_process(pid, signal)
            .map_err(|error| TestbedError::Spawn { program: format!("kill of the server ({way})"), source: error.into() })?;
        let deadline = Instant::now() + STOP_LIMIT;
        while self.ended()?.is_none() {
            if Instant::now() > deadline {
                return Err(self.trouble(format!("did not stop within {STOP_LIMIT:?} ({way})")));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Stops the server in good order: sessions are ended, a checkpoint is written. Nothing happens when it is stopped.
    pub fn stop_fast(&mut self) -> Result<(), TestbedError> {
        self.stop(Signal::INT, "fast")
    }

    /// Stops the server as a crash would: the next start recovers. Nothing happens when it is stopped.
    pub fn stop_immediate(&mut self) -> Result<(), TestbedError> {
        self.stop(Signal::QUIT, "immediate")
    }

    /// Kills every process of the server with -9, as the loss of power would (what had reached the kernel is kept).
    pub fn kill9(&mut self) -> Result<(), TestbedError> {
        self.stop(Signal::KILL, "killed")?;
        // The children of a killed postmaster notice and end; they would hold the port and the shared memory for a moment.
        let known = fs::metadata(&self.data).map_err(TestbedError::file("the folder can not be looked at", &self.data))?;
        let deadline = Instant::now() + STOP_LIMIT;
        loop {
            let left = working_in((known.dev(), known.ino()));
            if left.is_empty() {
                return Ok(());
            }
            for pid in left {
                // It may have ended by itself in between.
                let _ = kill_process(pid, Signal::KILL);
            }
            if Instant::now() > deadline {
                return Err(self.trouble("left processes that can not be killed".to_owned()));
            }
            thread::sleep(LOOK);
        }
    }

    /// Starts the server again on the same port and data, after any of the ways to stop it. Nothing happens when it runs.
    pub fn start_again(&mut self) -> Result<(), TestbedError> {
        if self.is_running()? { Ok(()) } else { self.launch() }
    }

    /// Stops the server in good order and starts it again on the same port.
    pub fn restart(&mut self) -> Result<(), TestbedError> {
        self.stop_fast()?;
        self.start_again()
    }

    /// Waits until connections are accepted, such as after a crash from which the server recovers by itself; an error after 60 seconds.
    pub fn wait_ready(&self) -> Result<(), TestbedError> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let told = self.psql(&self.superuser_dsn("postgres"), "SELECT 1")?;
            if told.is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.trouble(format!("did not accept connections within {START_LIMIT:?} ({})", told.stderr.trim())));
            }
            thread::sleep(LOOK);
        }
    }

    /// Whether the server process runs.
    pub fn is_running(&mut self) -> Result<bool, TestbedError> {
        self.ended()?;
        Ok(self.server.0.is_some())
    }

    /// Where it listens: always 127.0.0.1.
    pub fn host(&self) -> &str {
        "127.0.0.1"
    }

    /// The TCP port, the same for as long as this value lives.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The folder of the unix socket (passwords are asked for there too).
    pub fn socket_dir(&self) -> PathBuf {
        self.folder.join("s")
    }

    /// The data folder. It belongs to the user that runs the server.
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// The name of the superuser.
    pub fn superuser(&self) -> &str {
        "postgres"
    }

    /// The password of the superuser.
    pub fn superuser_password(&self) -> &str {
        &self.password
    }

    /// What the server has written into its log since it was first started.
    pub fn log(&self) -> Result<String, TestbedError> {
        let path = self.log_path();
        let bytes = fs::read(&path).map_err(TestbedError::file("the log can not be read", &path))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(crate) fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    pub(crate) fn options(&self) -> &PostgresOptions {
        &self.options
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn client_folder(&self) -> PathBuf {
        self.folder.join("clients")
    }

    pub(crate) fn authority(&self) -> Result<&Authority, TestbedError> {
        self.authority.as_deref().ok_or(TestbedError::NoTls)
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// An error that carries the end of the server's log.
    pub(crate) fn trouble(&self, what: String) -> TestbedError {
        let log = self.log().unwrap_or_default();
        let from = log.len().saturating_sub(LOG_TAIL);
        let from = (from..log.len()).find(|index| log.is_char_boundary(*index)).unwrap_or(0);
        TestbedError::Server { port: self.port(), what, log: log[from..].to_owned() }
    }
}

/// The processes whose working folder is this one, by device and file number: PostgreSQL's are those in its data folder.
fn working_in(folder: (u64, u64)) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let known = fs::metadata(entry.path().join("cwd")).ok()?;
            ((known.dev(), known.ino()) == folder).then(|| Pid::from_raw(pid)).flatten()
        })
        .collect()
}
