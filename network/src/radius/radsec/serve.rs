//! One connection while it lasts: writes asks under free identifiers, reads answers in whatever order they come, watches that the other end lives.

use super::connect::{tls_error, why};
use super::line::Whom;
use super::{Ask, End, secret};
use crate::radius::codec::{Asked, MAX_PACKET, Outgoing, build, judge, status_server};
use noctule_domain::SafeText;
use noctule_domain::nas::SignedAnswers;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::client::TlsStream;

const HEADER: usize = 20;
/// A peer that takes no more octets for so long has gone.
const WRITE: Duration = Duration::from_secs(5);

/// How a connection ended.
pub(super) struct Lost {
    pub why: SafeText,
    /// It carried answers.
    pub answered: bool,
    /// It was silent, or it took the watchdog's question amiss: FreeRADIUS 3.2 closes a connection for CoA on a Status-Server.
    pub by_watchdog: bool,
    /// The other end refused our certificate; with TLS 1.3 that is heard only here.
    pub refused: bool,
}

struct Flight {
    asked: Asked,
    /// `None`: nobody waits any more, or it is the watchdog's.
    ask: Option<Ask>,
}

struct Connection<'a> {
    whom: &'a Whom,
    stream: TlsStream<TcpStream>,
    flights: HashMap<u8, Flight>,
    /// Least recently used first.
    free: VecDeque<u8>,
    buffer: Vec<u8>,
    last_read: Instant,
    /// When the watchdog has asked.
    watched: Option<Instant>,
    answered: bool,
}

/// Serves until the connection is lost (what has no answer is in `waiting` then), or nobody can ask any more (`None`).
pub(super) async fn serve(
    stream: TlsStream<TcpStream>,
    whom: &Whom,
    watch: Duration,
    waiting: &mut VecDeque<Ask>,
    asks: &mut mpsc::Receiver<Ask>,
) -> Option<Lost> {
    let mut connection = Connection {
        whom,
        stream,
        flights: HashMap::new(),
        free: (0..=u8::MAX).collect(),
        buffer: Vec::with_capacity(MAX_PACKET),
        last_read: Instant::now(),
        watched: None,
        answered: false,
    };
    let lost = connection.turn(watch, waiting, asks).await;
    // In the order of their asking: the one that waited longest goes first on the next connection.
    let mut left: Vec<Ask> = connection.flights.drain().filter_map(|(_, flight)| flight.ask).collect();
    left.sort_by_key(|ask| ask.deadline);
    for ask in left.into_iter().rev() {
        waiting.push_front(ask);
    }
    lost
}

impl Connection<'_> {
    async fn turn(&mut self, watch: Duration, waiting: &mut VecDeque<Ask>, asks: &mut mpsc::Receiver<Ask>) -> Option<Lost> {
        loop {
            if let Err(why) = self.write_waiting(waiting).await {
                return Some(self.broken(why).await);
            }
            let now = Instant::now();
            self.expire(now, waiting);
            let busy = self.flights.values().any(|flight| flight.ask.is_some());
            let due = self.watched.unwrap_or(self.last_read) + if self.watched.is_some() { watch / 2 } else { watch };
            if busy && now >= due {
                if self.watched.is_some() {
                    let why = format!("{} is silent on its connection, and to the watchdog (Status-Server) too", self.whom.name);
                    return Some(self.lost(SafeText::from(why)));
                }
                if let Err(why) = self.ask_status(now).await {
                    return Some(self.broken(why).await);
                }
                continue;
            }
            let deadline =
                self.flights.values().filter_map(|flight| flight.ask.as_ref()).chain(waiting.iter()).map(|ask| ask.deadline).min();
            let next = [busy.then_some(due), deadline].into_iter().flatten().min();
            let mut chunk = [0; 4096];
            tokio::select! {
                read = self.stream.read(&mut chunk) => match read {
                    Ok(0) => return Some(self.closed()),
                    Ok(len) => {
                        self.last_read = Instant::now();
                        self.watched = None;
                        self.buffer.extend_from_slice(&chunk[..len]);
                        if !self.take_packets() {
                            let why = format!("{} sent what is no RADIUS packet", self.whom.name);
                            return Some(self.lost(SafeText::from(why)));
                        }
                    }
                    Err(error) => return Some(self.failed(&error)),
                },
                ask = asks.recv() => waiting.push_back(ask?),
                () = async { match next { Some(at) => sleep_until(at).await, None => std::future::pending().await } } => {}
            }
        }
    }

    fn lost(&self, why: SafeText) -> Lost {
        Lost { why, answered: self.answered, by_watchdog: self.watched.is_some(), refused: false }
    }

    fn closed(&self) -> Lost {
        let unread = if self.answered { "" } else { " before it answered anything; it may not accept our client certificate" };
        self.lost(SafeText::from(format!("{} closed the connection{unread}", self.whom.name)))
    }

    fn failed(&self, error: &std::io::Error) -> Lost {
        match tls_error(error) {
            Some(rustls::Error::AlertReceived(_)) => Lost { refused: !self.answered, ..self.lost(SafeText::from(why(error))) },
            Some(_) => self.lost(SafeText::from(why(error))),
            None => self.closed(),
        }
    }

    /// A write failed: what the other end said before it closed may still be there to read.
    async fn broken(&mut self, why: SafeText) -> Lost {
        let mut chunk = [0; 64];
        match timeout(Duration::from_millis(200), self.stream.read(&mut chunk)).await {
            Ok(Err(error)) => self.failed(&error),
            _ => self.lost(why),
        }
    }

    async fn write_waiting(&mut self, waiting: &mut VecDeque<Ask>) -> Result<(), SafeText> {
        if self.flights.is_empty() && !waiting.is_empty() {
            // Silence counts from the first request, not from the last answer of an hour ago.
            self.last_read = Instant::now();
        }
        while let Some(ask) = waiting.front() {
            if ask.reply.is_closed() {
                waiting.pop_front();
                continue;
            }
            let Some(identifier) = self.free.pop_front() else { return Ok(()) };
            let Some(mut ask) = waiting.pop_front() else { return Ok(()) };
            let out = Outgoing { kind: ask.kind, identifier, attributes: &ask.attributes, sign: ask.sign, event_timestamp: ask.timestamp };
            let bytes = match build(&out, &secret()) {
                Ok(bytes) => bytes,
                Err(error) => {
                    self.free.push_front(identifier);
                    let _ = ask.reply.send(End::NotSent(SafeText::from(error.to_string())));
                    continue;
                }
            };
            let Some(asked) = Asked::of(&bytes) else { continue };
            ask.sends += 1;
            // From here on it may have arrived, whatever the write says.
            self.flights.insert(identifier, Flight { asked, ask: Some(ask) });
            self.write(&bytes).await?;
        }
        Ok(())
    }

    async fn ask_status(&mut self, now: Instant) -> Result<(), SafeText> {
        self.watched = Some(now);
        let Some(identifier) = self.free.pop_front() else { return Ok(()) };
        let bytes = status_server(identifier, &rand::random(), &secret());
        if let Some(asked) = Asked::of(&bytes) {
            self.flights.insert(identifier, Flight { asked, ask: None });
        }
        self.write(&bytes).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), SafeText> {
        let sent = timeout(WRITE, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(SafeText::from(why(&error))),
            Err(_) => Err(SafeText::from(format!("{} takes no more octets", self.whom.name))),
        }
    }

    /// Ends what has no time left. Its identifier stays taken on this connection until the answer comes after all.
    fn expire(&mut self, now: Instant, waiting: &mut VecDeque<Ask>) {
        for flight in self.flights.values_mut() {
            if let Some(ask) = flight.ask.take_if(|ask| ask.deadline <= now) {
                let _ = ask.reply.send(End::Silence { sends: ask.sends, note: None });
            }
        }
        let (keep, over): (VecDeque<Ask>, VecDeque<Ask>) = waiting.drain(..).partition(|ask| ask.deadline > now);
        *waiting = keep;
        for ask in over {
            let ended = match ask.sends {
                0 => End::NotSent(SafeText::from(format!("all identifiers towards {} are taken", self.whom.name))),
                sends => End::Silence { sends, note: None },
            };
            let _ = ask.reply.send(ended);
        }
    }

    /// Takes whole packets out of the buffer; false when what came can be none (RFC 6613 section 2.6.4: then the connection is closed).
    fn take_packets(&mut self) -> bool {
        while self.buffer.len() >= 4 {
            let len = usize::from(u16::from_be_bytes([self.buffer[2], self.buffer[3]]));
            if !(HEADER..=MAX_PACKET).contains(&len) {
                return false;
            }
            if self.buffer.len() < len {
                return true;
            }
            let packet: Vec<u8> = self.buffer.drain(..len).collect();
            self.take(&packet);
        }
        true
    }

    fn take(&mut self, packet: &[u8]) {
        let identifier = packet[1];
        let Some(flight) = self.flights.get(&identifier) else { return };
        let signed = flight.ask.as_ref().map_or(SignedAnswers::IfPresent, |ask| ask.signed);
        match judge(packet, &flight.asked, &secret(), signed, chrono::Utc::now().timestamp()) {
            Ok(answer) => {
                let Some(flight) = self.flights.remove(&identifier) else { return };
                self.free.push_back(identifier);
                self.answered = true;
                if let Some(ask) = flight.ask {
                    let _ = ask.reply.send(End::Answer { answer, at: Instant::now(), sends: ask.sends });
                }
            }
            Err(reason) => tracing::warn!(nas = %self.whom.name, %reason, "RADIUS over TLS: dropped a packet that is no authentic answer"),
        }
    }
}
