//! A private FreeRADIUS that plays a NAS. It is required: a test that needs it fails, with the name of the package, when it is missing.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const SECRET: &str = "testing123";

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    prefix: tempfile::TempDir,
}

impl Server {
    /// Starts one on a free port and waits until it listens.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// One that takes RADIUS over TLS as well, on `port`, with the certificates of a folder.
    pub fn start_with_tls(port: u16, certificates: &std::path::Path) -> Self {
        Self::start_with(&[port.to_string().as_ref(), certificates.as_os_str()])
    }

    fn start_with(more: &[&std::ffi::OsStr]) -> Self {
        for _ in 0..5 {
            if let Some(server) = Self::try_start(more) {
                return server;
            }
        }
        panic!("FreeRADIUS did not start in five tries");
    }

    fn try_start(more: &[&std::ffi::OsStr]) -> Option<Self> {
        let port = free_port();
        let prefix = tempfile::Builder::new().prefix("noctule-freeradius").tempdir().expect("a temporary folder");
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/freeradius-nas/start.sh");
        // The server ends when this pipe closes: on Drop, and also when this process dies.
        let mut child = Command::new("sh")
            .arg(script)
            .args([prefix.path().as_os_str(), port.to_string().as_ref()])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = child.try_wait().expect("our own child") {
                let mut words = String::new();
                let _ = std::io::Read::read_to_string(&mut child.stderr.take().expect("piped"), &mut words);
                if words.contains("not installed") {
                    panic!("{words}");
                }
                eprintln!("FreeRADIUS ended at once ({status}): {words}{}", log(&prefix));
                return None;
            }
            if log(&prefix).contains("Ready to process requests") {
                return Some(Self { child, address, prefix });
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("FreeRADIUS does not listen after 30 s: {}", log(&prefix));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn log(&self) -> String {
        log(&self.prefix)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn log(prefix: &tempfile::TempDir) -> String {
    ["check.log", "server.log", "radius.log"]
        .iter()
        .filter_map(|name| std::fs::read_to_string(prefix.path().join("log").join(name)).ok())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A port on which nobody listens, below the range from which the system gives ports to others.
fn free_port() -> u16 {
    let start = 20_000 + (std::process::id() % 5_000) as u16 * 2;
    (start..32_000)
        .find(|port| ["127.0.0.1", "::1"].iter().all(|host| UdpSocket::bind((*host, *port)).is_ok()))
        .expect("a free UDP port between 20000 and 32000")
}
