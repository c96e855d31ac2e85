//! Tests of the simulated NAS over real sockets, with the vectors of `tests/fixtures/radius`.

mod bench;
mod knobs;
mod presets;
mod truth;
mod vectors;

use super::*;
use noctule_domain::Timestamp;
use noctule_domain::ports::Clock;
use noctule_domain::secret::Secret;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;

pub const SECRET: &str = "a-secret-of-this-test";
/// Long enough for a slow machine; nothing waits for it when all is well.
pub const LONG: Duration = Duration::from_secs(10);

pub struct FixedClock(pub i64);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp(self.0, 0).expect("a time")
    }
}

pub fn secret() -> Secret {
    Secret::new(SECRET)
}

pub fn anna() -> NasSession {
    let mut session = NasSession::new("s-1", "anna@isp.example", at()).with_prefix("2001:db8:100:4200::/56".parse().unwrap());
    session.framed_ipv4 = Some("100.64.0.1".parse().unwrap());
    session.keys.insert(attr::CALLING_STATION_ID, b"00-00-5e-00-53-01".to_vec());
    session
}

pub fn at() -> Timestamp {
    Timestamp::from_timestamp(1_795_000_000, 0).expect("a time")
}

pub async fn start(preset: Preset, behave: impl FnOnce(&mut Behaviour)) -> NasSim {
    let mut config = NasSimConfig::new(preset, secret()).session(anna()).behave(behave);
    config.clock = Arc::new(FixedClock(at().timestamp()));
    NasSim::start(config).await.expect("starts")
}

pub fn text(typ: u8, value: &str) -> Attribute {
    Attribute::new(typ, value)
}

pub fn prefix(value: &str) -> Attribute {
    Attribute::new(attr::DELEGATED_IPV6_PREFIX, encode_prefix(value.parse().unwrap()))
}

pub fn vsa(vendor: u32, typ: u8, value: &[u8]) -> Attribute {
    let mut out = vendor.to_be_bytes().to_vec();
    out.extend([typ, value.len() as u8 + 2]);
    out.extend_from_slice(value);
    Attribute::new(attr::VENDOR_SPECIFIC, out)
}

/// A client of one socket: sends a request, reads datagrams.
pub struct Asker {
    pub socket: UdpSocket,
    pub to: SocketAddr,
    next: u8,
}

impl Asker {
    pub async fn new(nas: &NasSim) -> Self {
        Self { socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(), to: nas.addr(), next: 0 }
    }

    pub fn request(&mut self, code: u8, attributes: &[Attribute]) -> Vec<u8> {
        self.next = self.next.wrapping_add(1);
        write_request(code, self.next, attributes, true, &secret()).unwrap()
    }

    pub async fn send(&self, request: &[u8]) {
        self.socket.send_to(request, self.to).await.unwrap();
    }

    /// The next datagram, whatever it is.
    pub async fn datagram(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 65_536];
        let (size, from) = tokio::time::timeout(LONG, self.socket.recv_from(&mut buffer)).await.expect("an answer in time").unwrap();
        buffer.truncate(size);
        (buffer, from)
    }

    /// The next authentic answer.
    pub async fn answer(&self, request: &[u8]) -> Packet {
        loop {
            let (bytes, _) = self.datagram().await;
            let ours = |p: &Packet| matches!((request[0], p.code), (code::COA_REQUEST, 44 | 45) | (code::DISCONNECT_REQUEST, 41 | 42));
            if is_authentic_answer(&bytes, request, &secret())
                && let Some(packet) = Packet::decode(&bytes).ok().filter(ours)
            {
                return packet;
            }
        }
    }

    pub async fn ask(&mut self, code: u8, attributes: &[Attribute]) -> Packet {
        let request = self.request(code, attributes);
        self.send(&request).await;
        self.answer(&request).await
    }

    pub async fn coa(&mut self, attributes: &[Attribute]) -> (u8, Option<u32>) {
        outcome(&self.ask(code::COA_REQUEST, attributes).await)
    }

    pub async fn disconnect(&mut self, attributes: &[Attribute]) -> (u8, Option<u32>) {
        outcome(&self.ask(code::DISCONNECT_REQUEST, attributes).await)
    }

    /// Sends what must get no answer, and waits until the NAS has said why it dropped it.
    pub async fn dropped(&self, nas: &NasSim, request: &[u8], why: Dropped) {
        let before = nas.counters().dropped.get(&why).copied().unwrap_or(0);
        self.send(request).await;
        let seen = nas.wait_until(LONG, |n| n.counters().dropped.get(&why).copied().unwrap_or(0) > before).await;
        assert!(seen, "not dropped as {why:?}: {:?}", nas.counters());
    }
}

pub fn outcome(answer: &Packet) -> (u8, Option<u32>) {
    (answer.code, answer.first(attr::ERROR_CAUSE).and_then(Attribute::as_u32))
}

pub const ACK: (u8, Option<u32>) = (code::COA_ACK, None);
pub const GONE: (u8, Option<u32>) = (code::DISCONNECT_ACK, None);

pub fn nak(cause: u32) -> (u8, Option<u32>) {
    (code::COA_NAK, Some(cause))
}

pub fn session_id() -> Attribute {
    text(attr::ACCT_SESSION_ID, "s-1")
}

pub fn user() -> Attribute {
    text(attr::USER_NAME, "anna@isp.example")
}
