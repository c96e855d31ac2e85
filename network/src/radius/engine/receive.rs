//! One receiving task for each source port. Every datagram is judged here; a bad one is counted and never ends a wait.

use crate::radius::codec::MAX_PACKET;
use crate::radius::engine::exchange::Inner;
use crate::radius::engine::nas::Received;
use crate::radius::engine::sockets::Family;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use tokio::net::UdpSocket;
use tokio::time::Instant;

/// Datagrams read in one go before other tasks get their turn.
const BATCH: usize = 128;

pub(super) async fn run(inner: Weak<Inner>, socket: Arc<UdpSocket>, family: Family, port: usize) {
    // Longer datagrams are cut by the system: what is beyond the longest packet is padding.
    let mut buffer = vec![0u8; MAX_PACKET];
    loop {
        if let Err(error) = socket.readable().await {
            tracing::error!(%error, "RADIUS: a source port can not be read any more");
            return;
        }
        let Some(inner) = inner.upgrade() else { return };
        for _ in 0..BATCH {
            match socket.try_recv_from(&mut buffer) {
                Ok((len, from)) => handle(&inner, &buffer[..len], from, family, port),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                // ICMP errors of other exchanges surface here; they prove nothing and end no wait.
                Err(error) => tracing::debug!(%error, "RADIUS: receiving"),
            }
        }
        drop(inner);
        tokio::task::yield_now().await;
    }
}

fn handle(inner: &Inner, datagram: &[u8], from: SocketAddr, family: Family, port: usize) {
    let (now, now_unix) = (Instant::now(), chrono::Utc::now().timestamp());
    let known = inner.nas_at(&from);
    let received = known.as_ref().map(|nas| (nas.lock().receive(port, datagram, now, now_unix, inner.config()), nas));
    match received {
        Some((Received::Answer, _)) => return,
        Some((Received::Late { ack }, _)) => {
            tracing::info!(nas = %from, ack, "RADIUS: answered late, after the time-out");
            return;
        }
        Some((Received::Dropped(reason), _)) => {
            if inner.may_log(now) {
                tracing::warn!(nas = %from, %reason, "RADIUS: dropped a datagram that is no authentic answer");
            }
            return;
        }
        Some((Received::Unmatched, _)) | None => {}
    }
    for nas in inner.nases(family) {
        if nas.address != from && nas.lock().receive_elsewhere(port, datagram, from, now_unix) {
            if inner.may_log(now) {
                tracing::warn!(nas = %nas.address, %from, "RADIUS: an authentic answer came from another address and was not taken");
            }
            return;
        }
    }
    inner.count_stray();
}
