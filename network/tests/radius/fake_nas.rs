//! A NAS in this process that does what a test tells it to, well or badly. It keeps every datagram that it got.

use md5::{Digest, Md5};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::Instant;

pub const SECRET: &str = "a-secret-of-the-nas-1";

/// One datagram to send back.
pub struct Reply {
    pub bytes: Vec<u8>,
    pub after: Duration,
    /// From another port of the same host.
    pub elsewhere: bool,
}

impl From<Vec<u8>> for Reply {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, after: Duration::ZERO, elsewhere: false }
    }
}

#[derive(Clone)]
pub struct Seen {
    pub from: SocketAddr,
    pub bytes: Vec<u8>,
    pub at: Instant,
}

pub struct FakeNas {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl FakeNas {
    pub async fn start(mut script: impl FnMut(&Seen) -> Vec<Reply> + Send + 'static) -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("binds"));
        let other = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("binds"));
        let address = socket.local_addr().expect("bound");
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let kept = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 5000];
            while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
                let got = Seen { from, bytes: buffer[..len].to_vec(), at: Instant::now() };
                let replies = script(&got);
                kept.lock().expect("not poisoned").push(got);
                for reply in replies {
                    let from_socket = Arc::clone(if reply.elsewhere { &other } else { &socket });
                    if reply.after.is_zero() {
                        let _ = from_socket.send_to(&reply.bytes, from).await;
                    } else {
                        tokio::spawn(async move {
                            tokio::time::sleep(reply.after).await;
                            let _ = from_socket.send_to(&reply.bytes, from).await;
                        });
                    }
                }
            }
        });
        Self { address, seen, task }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }

    /// The session ids asked for, in the order of arrival.
    pub fn sessions(&self) -> Vec<String> {
        self.seen().iter().map(|seen| session_of(&seen.bytes)).collect()
    }
}

impl Drop for FakeNas {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn session_of(request: &[u8]) -> String {
    let attributes = noctule_network::radius::codec::attributes(request).expect("our own request");
    attributes.iter().find(|a| a.kind == 44).map(|a| String::from_utf8_lossy(&a.value).into_owned()).unwrap_or_default()
}

/// An authentic ACK.
pub fn ack(request: &[u8]) -> Vec<u8> {
    answer(request, request[0] + 1, &[], SECRET)
}

/// An authentic NAK with one cause.
pub fn nak(request: &[u8], cause: u32) -> Vec<u8> {
    answer(request, request[0] + 2, &[&[101, 6], cause.to_be_bytes().as_slice()].concat(), SECRET)
}

/// An answer with the right Response Authenticator for this secret.
pub fn answer(request: &[u8], code: u8, attributes: &[u8], secret: &str) -> Vec<u8> {
    let len = u16::try_from(20 + attributes.len()).expect("short").to_be_bytes();
    let mut bytes = vec![code, request[1], len[0], len[1]];
    bytes.extend_from_slice(&request[4..20]);
    bytes.extend_from_slice(attributes);
    let digest = Md5::digest([bytes.as_slice(), secret.as_bytes()].concat());
    bytes[4..20].copy_from_slice(&digest);
    bytes
}

/// Waits until `condition` holds; fails after ten seconds.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "waited 10 s for: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
