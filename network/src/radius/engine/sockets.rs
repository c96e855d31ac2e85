//! The source ports: unconnected UDP sockets, so that an answer from another address of the NAS is seen too. One family each, opened
//! when identifiers run short, up to a limit, never closed before the engine ends.

use crate::radius::engine::EngineConfig;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::net::UdpSocket;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub fn of(address: &SocketAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// A socket and its number.
pub type Numbered = (usize, Arc<UdpSocket>);

/// The sockets of one family.
pub struct Sockets {
    family: Family,
    open: RwLock<Vec<Arc<UdpSocket>>>,
    opening: Mutex<()>,
}

impl Sockets {
    pub fn new(family: Family) -> Self {
        Self { family, open: RwLock::new(Vec::new()), opening: Mutex::new(()) }
    }

    /// Socket number `index`; those up to it are opened when they are not yet. The second value lists them: each needs a receiver.
    pub fn get(&self, index: usize, config: &EngineConfig) -> io::Result<(Arc<UdpSocket>, Vec<Numbered>)> {
        if let Some(socket) = self.existing(index) {
            return Ok((socket, Vec::new()));
        }
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let mut opened = Vec::new();
        loop {
            if let Some(socket) = self.existing(index) {
                return Ok((socket, opened));
            }
            let socket = Arc::new(UdpSocket::from_std(bind(self.family, config)?.into())?);
            let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
            opened.push((open.len(), Arc::clone(&socket)));
            open.push(socket);
        }
    }

    fn existing(&self, index: usize) -> Option<Arc<UdpSocket>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }

    pub fn count(&self) -> usize {
        self.open.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A bound, non-blocking socket with an enlarged receive buffer.
pub fn bind(family: Family, config: &EngineConfig) -> io::Result<Socket> {
    let (domain, any) = match family {
        Family::V4 => (Domain::IPV4, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        Family::V6 => (Domain::IPV6, IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
    };
    let source = match config.source {
        None => any,
        Some(source) if source.is_ipv4() == any.is_ipv4() => source,
        Some(source) => {
            return Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("requests leave from {source}, and the NAS has an address of the other family"),
            ));
        }
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    if family == Family::V6 {
        socket.set_only_v6(true)?;
    }
    // The system may give less; that is no reason not to work.
    let _ = socket.set_recv_buffer_size(config.receive_buffer);
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(source, 0).into())?;
    Ok(socket)
}
