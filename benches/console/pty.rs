//! The real program on a pseudo-terminal of its own: bytes in, bytes out with the time at which they came.

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::screen::Screen;

pub const WIDTH: u16 = 120;
pub const HEIGHT: u16 = 40;

pub struct Console {
    child: Child,
    keys: File,
    output: Receiver<(Instant, Vec<u8>)>,
    pub screen: Screen,
    pub started: Instant,
    pub bytes: u64,
    /// When the last bytes came.
    pub last: Instant,
}

impl Console {
    /// With this configuration in the home folder.
    pub fn start(home: &Path, config: &str) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pseudo-terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let name = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())).to_owned();
        // Linux: O_NOCTTY, so that it does not become the terminal of the bench.
        let slave = OpenOptions::new().read(true).write(true).custom_flags(0o400).open(name).expect("the other side");
        let size = Winsize { ws_row: HEIGHT, ws_col: WIDTH, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).expect("a size");
        let end = || slave.try_clone().expect("a descriptor");
        // setsid makes the terminal the program's own, as a shell does, and becomes the program.
        let mut command = Command::new("setsid");
        let program = std::env::var_os("NOCTULE_BENCH_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_noctule").into());
        command.arg("--ctty").arg(program).arg("--config").arg(home.join(config));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
        command.env("HOME", home).env("XDG_STATE_HOME", home.join("state")).env("XDG_DATA_HOME", home.join("data"));
        command.stdin(end()).stdout(end()).stderr(end());
        let started = Instant::now();
        let child = command.spawn().expect("setsid of util-linux starts the program");
        drop((command, slave));
        let mut master = File::from(master);
        let keys = master.try_clone().expect("a descriptor");
        let (to, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            // At the end of the program Linux says EIO here.
            while let Ok(read @ 1..) = master.read(&mut buffer) {
                if to.send((Instant::now(), buffer[..read].to_vec())).is_err() {
                    break;
                }
            }
        });
        Self { child, keys, output, screen: Screen::new(WIDTH.into(), HEIGHT.into()), started, bytes: 0, last: started }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn press(&mut self, keys: &str) -> Instant {
        let at = Instant::now();
        self.keys.write_all(keys.as_bytes()).expect("the console reads");
        at
    }

    /// Takes what comes until `until`.
    pub fn take_until(&mut self, until: Instant) {
        while self.take(until) {}
    }

    /// Takes the next bytes; false when none came in time.
    fn take(&mut self, until: Instant) -> bool {
        match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((at, bytes)) => {
                self.screen.feed(&bytes);
                self.bytes += bytes.len() as u64;
                self.last = at;
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => panic!("the console has ended:\n{}", self.screen.text()),
        }
    }

    /// When the screen first was as wanted.
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&Screen) -> bool) -> Instant {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !wanted(&self.screen) {
            assert!(self.take(deadline), "{what} never came:\n{}", self.screen.text());
        }
        self.last
    }

    /// Waits until nothing has come for a while.
    pub fn quiet(&mut self, for_ms: u64) {
        while self.take(Instant::now() + Duration::from_millis(for_ms)) {}
    }

    /// SIGTERM, as a closed window sends; gives the time to the end.
    pub fn stop(mut self) -> Duration {
        let begun = Instant::now();
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("it lives");
        let status = self.child.wait().expect("it ends");
        let took = begun.elapsed();
        assert!(status.success(), "the console ended with {status}:\n{}", self.screen.text());
        took
    }
}
