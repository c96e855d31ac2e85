//! Ports that stay ours. A port of the ephemeral range can be taken by any outgoing connection while its server is down, and then "restart
//! on the same port" fails now and then; so ports are taken from below that range, and a lock file keeps other test processes away.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};

use crate::TestbedError;
use crate::account::shared_folder;

const TRIES: u32 = 400;
const LOWEST: u64 = 12_000;

/// A port of 127.0.0.1 that no other test of this user takes as long as this value lives.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    // The lock is on the open file: it ends with this value, or with the process.
    _lock: File,
}

impl Port {
    /// Finds a port that nobody listens on and that no other test holds.
    pub(crate) fn take() -> Result<Self, TestbedError> {
        let width = ephemeral_start().saturating_sub(LOWEST).max(1);
        for _ in 0..TRIES {
            let number = u16::try_from(LOWEST + random() % width).unwrap_or(u16::MAX);
            if let Some(port) = Self::lock(number)?
                && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
            {
                return Ok(port);
            }
        }
        Err(TestbedError::NoPort { tries: TRIES })
    }

    /// Takes this very port; none when another test holds it.
    pub(crate) fn lock(number: u16) -> Result<Option<Self>, TestbedError> {
        let folder = shared_folder()?.join("ports");
        fs::create_dir_all(&folder).map_err(TestbedError::file("the folder can not be made", &folder))?;
        let path = folder.join(number.to_string());
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(TestbedError::file("the lock file can not be opened", &path))?;
        Ok(lock.try_lock().is_ok().then_some(Self { number, _lock: lock }))
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

/// Where the ephemeral ports of this machine begin.
fn ephemeral_start() -> u64 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .filter(|start| *start > LOWEST + 1000)
        .unwrap_or(32_768)
}

/// Spread, not secret: two processes that start at once must not walk the same row of ports.
fn random() -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    high ^ low.rotate_left(17)
}
