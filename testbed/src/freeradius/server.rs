//! The server process. It is a child of this process and its folder is known to a watcher, so neither outlives the test.

use std::fs::{self, File};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::configuration::{Place, Sql, radiusd, stock};
use crate::account::euid;
use crate::ports::Port;
use crate::watcher::{STOP_BY_NUMBER, Watcher};
use crate::{Database, Postgres, TestbedError, process};

const START_LIMIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);
const TRIES: u32 = 5;

/// A running private FreeRADIUS on 127.0.0.1 whose users, replies and accounting are the tables of one database.
#[derive(Debug)]
pub struct FreeRadius {
    // The watcher stops the server and removes the folder, then the child is collected.
    _watcher: Watcher,
    server: Server,
    pub(super) folder: PathBuf,
    authentication: Port,
    accounting: Port,
    pub(super) secret: String,
}

#[derive(Debug)]
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl FreeRadius {
    /// Makes the stock tables in `database`, as the package has them, and starts a server on them.
    pub fn start(postgres: &Postgres, database: &Database) -> Result<Self, TestbedError> {
        Self::make_schema(postgres, database)?;
        Self::start_on(postgres, database)
    }

    /// The stock tables alone.
    pub fn make_schema(postgres: &Postgres, database: &Database) -> Result<(), TestbedError> {
        let path = missing()?.join("mods-config/sql/main/postgresql/schema.sql");
        let schema = fs::read_to_string(&path).map_err(TestbedError::file("the stock schema of FreeRADIUS can not be read", &path))?;
        postgres.query(database.dsn(), &schema).map(drop)
    }

    /// Starts a server on tables that are there.
    pub fn start_on(postgres: &Postgres, database: &Database) -> Result<Self, TestbedError> {
        let mut last = None;
        for _ in 0..TRIES {
            match Self::try_start(postgres, database) {
                // Somebody outside the tests took the port between our look and the server's.
                Err(error @ TestbedError::Server { .. }) => last = Some(error),
                other => return other,
            }
        }
        Err(last.unwrap_or(TestbedError::NoPort { tries: TRIES }))
    }

    fn try_start(postgres: &Postgres, database: &Database) -> Result<Self, TestbedError> {
        let stock = missing()?;
        let program = program()?;
        let (authentication, accounting) = (udp_port()?, udp_port()?);
        let temporary = tempfile::Builder::new()
            .prefix("noctule-aaa-")
            .tempdir()
            .map_err(TestbedError::file("the folder can not be made", std::env::temp_dir()))?;
        let folder = temporary.path().to_owned();
        let secret = uuid::Uuid::new_v4().simple().to_string();
        // Root's server becomes the account of the package; anybody else's stays what it is.
        let user = (euid() == 0 && has_account("freerad")).then_some("freerad");
        let place = Place {
            folder: &folder,
            authentication: authentication.number(),
            accounting: accounting.number(),
            secret: &secret,
            user,
            sql: Sql {
                host: postgres.host(),
                port: postgres.port(),
                login: postgres.superuser(),
                password: postgres.superuser_password(),
                database: database.name(),
            },
        };
        for (name, text) in [("radiusd.conf", radiusd(&place, &stock)), ("dictionary", String::new()), ("radius.log", String::new())] {
            let path = folder.join(name);
            fs::write(&path, text).map_err(TestbedError::file("the file can not be written", &path))?;
        }
        if let Some(user) = user {
            let mut command = Command::new("chown");
            command.args(["-R", &format!("{user}:{user}")]).arg(&folder);
            process::must(command, "", Duration::from_secs(10))?;
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))
            .map_err(TestbedError::file("the folder's mode can not be set", &folder))?;

        let log_path = folder.join("start.log");
        let log = File::create(&log_path).map_err(TestbedError::file("the log can not be opened", &log_path))?;
        let errors = log.try_clone().map_err(TestbedError::file("the log can not be opened", &log_path))?;
        let child = Command::new(&program)
            .args(["-f", "-n", "radiusd", "-d"])
            .arg(&folder)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // Ctrl-C at the terminal, or a runner that kills the group of a test, must reach the test first.
            .process_group(0)
            .spawn()
            .map_err(|source| TestbedError::Spawn { program: program.display().to_string(), source })?;
        let number = child.id().to_string();
        let server = Server(child);
        let watcher = Watcher::start(STOP_BY_NUMBER, Path::new("/"), &[Path::new(&number), &folder])?;
        let _ = temporary.keep();
        let mut radius = Self { _watcher: watcher, server, folder, authentication, accounting, secret };
        radius.wait_ready()?;
        Ok(radius)
    }

    fn wait_ready(&mut self) -> Result<(), TestbedError> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if self.log().contains("Ready to process requests") {
                return Ok(());
            }
            let ended = self.server.0.try_wait().map_err(|source| TestbedError::Spawn { program: "freeradius".to_owned(), source })?;
            if let Some(status) = ended {
                return Err(self.trouble(format!("(FreeRADIUS) ended while it started ({status})")));
            }
            if Instant::now() > deadline {
                return Err(self.trouble(format!("(FreeRADIUS) did not listen within {START_LIMIT:?}")));
            }
            thread::sleep(LOOK);
        }
    }

    fn trouble(&self, what: String) -> TestbedError {
        TestbedError::Server { port: self.authentication_port(), what, log: self.log() }
    }

    /// What the server has written.
    pub fn log(&self) -> String {
        ["start.log", "radius.log"].iter().filter_map(|name| fs::read_to_string(self.folder.join(name)).ok()).collect()
    }

    /// UDP port for Access-Request.
    pub fn authentication_port(&self) -> u16 {
        self.authentication.number()
    }

    /// UDP port for Accounting-Request.
    pub fn accounting_port(&self) -> u16 {
        self.accounting.number()
    }
}

fn missing() -> Result<PathBuf, TestbedError> {
    stock().ok_or(TestbedError::FreeRadiusMissing)
}

fn program() -> Result<PathBuf, TestbedError> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .flat_map(|folder| ["freeradius", "radiusd"].map(|name| folder.join(name)))
        .find(|path| path.is_file())
        .ok_or(TestbedError::FreeRadiusMissing)
}

fn has_account(name: &str) -> bool {
    fs::read_to_string("/etc/passwd").is_ok_and(|users| users.lines().any(|line| line.split(':').next() == Some(name)))
}

/// A port that is ours by its lock and on which nobody listens for datagrams.
fn udp_port() -> Result<Port, TestbedError> {
    for _ in 0..TRIES {
        let port = Port::take()?;
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port.number())).is_ok() {
            return Ok(port);
        }
    }
    Err(TestbedError::NoPort { tries: TRIES })
}
