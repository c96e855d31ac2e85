//! What the engine keeps for one NAS, behind one lock: who waits, who is in flight, how fast it may be asked. No I/O; time comes in as
//! an argument. Waiting is done by the callers, on the channels that are kept here.

use crate::radius::codec::{Answer, Asked, Reason, judge};
use crate::radius::engine::config::{EngineConfig, Priority, Target};
use crate::radius::engine::identifiers::Identifiers;
use crate::radius::engine::stats::{Dropped, NasStats};
use noctule_domain::nas::{NasProfile, SignedAnswers};
use noctule_domain::radius::CauseMeaning;
use noctule_domain::secret::Secret;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The window is halved at most once in this time: one lost burst is one sign of trouble, not sixteen.
const HALVE_EVERY: Duration = Duration::from_millis(500);

pub struct NasState {
    pub address: SocketAddr,
    core: Mutex<Core>,
}

impl NasState {
    pub fn new(target: &Target) -> Self {
        Self { address: target.address, core: Mutex::new(Core::new(target)) }
    }

    pub fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a request is in flight: source port and identifier.
pub type Place = (usize, u8);

/// An authentic answer on its way to the one who asked.
pub struct Delivered {
    pub answer: Answer,
    pub at: Instant,
    pub dropped: Dropped,
}

struct Flight {
    asked: Asked,
    secret: Arc<Secret>,
    signed: SignedAnswers,
    /// `None` once nobody waits any more: an answer is then a late one.
    reply: Option<oneshot::Sender<Delivered>>,
    dropped: Dropped,
    serial: u64,
}

/// Why no identifier can be had now.
pub enum NoPlace {
    /// Everything rests until then.
    Until(Instant),
    /// Everything is in flight.
    Busy,
}

pub struct Core {
    profile: Arc<NasProfile>,
    window: f64,
    halved_at: Option<Instant>,
    in_flight: u32,
    queues: [VecDeque<oneshot::Sender<()>>; 2],
    /// Sessions with a request in flight, and who waits for its end.
    sessions: HashMap<Box<str>, VecDeque<oneshot::Sender<()>>>,
    /// Somebody has the next place in time and has not sent yet.
    pacing: bool,
    next_send: Option<Instant>,
    ports: Vec<Identifiers>,
    cursor: usize,
    flights: HashMap<Place, Flight>,
    late: VecDeque<(Instant, Place, u64)>,
    serial: u64,
    silences: u32,
    pub stats: NasStats,
}

impl Core {
    fn new(target: &Target) -> Self {
        Self {
            window: f64::from(target.profile.window.max(1)),
            profile: Arc::clone(&target.profile),
            halved_at: None,
            in_flight: 0,
            queues: [VecDeque::new(), VecDeque::new()],
            sessions: HashMap::new(),
            pacing: false,
            next_send: None,
            ports: Vec::new(),
            cursor: 0,
            flights: HashMap::new(),
            late: VecDeque::new(),
            serial: 0,
            silences: 0,
            stats: NasStats::new(target.name.clone(), target.address),
        }
    }

    /// The registry may have changed since the last request.
    pub fn refresh(&mut self, target: &Target) {
        if !Arc::ptr_eq(&self.profile, &target.profile) {
            self.profile = Arc::clone(&target.profile);
            self.window = self.window.min(f64::from(self.profile.window.max(1)));
        }
        if self.stats.name != target.name {
            self.stats.name = target.name.clone();
        }
    }

    /// The session is ours (`None`), or will be when the channel says so.
    pub fn enter_session(&mut self, key: &str) -> Option<oneshot::Receiver<()>> {
        match self.sessions.get_mut(key) {
            None => {
                self.sessions.insert(key.into(), VecDeque::new());
                None
            }
            Some(waiting) => {
                let (sender, receiver) = oneshot::channel();
                waiting.push_back(sender);
                Some(receiver)
            }
        }
    }

    pub fn leave_session(&mut self, key: &str) {
        let Some(waiting) = self.sessions.get_mut(key) else { return };
        while let Some(next) = waiting.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
        self.sessions.remove(key);
    }

    /// How many may be in flight now.
    fn limit(&self, config: &EngineConfig) -> u32 {
        if self.tripped(config) { 1 } else { self.window as u32 }
    }

    pub fn tripped(&self, config: &EngineConfig) -> bool {
        config.silences_to_trip > 0 && self.silences >= config.silences_to_trip
    }

    pub fn silences(&self) -> u32 {
        self.silences
    }

    fn may_grant(&self, config: &EngineConfig) -> bool {
        self.in_flight < self.limit(config) && !self.pacing
    }

    fn grant(&mut self) {
        self.in_flight += 1;
        self.pacing = self.profile.rate_per_s.is_some();
    }

    /// A place in the window is ours (`None`), or will be when the channel says so. Interactive requests go before bulk.
    pub fn enter_window(&mut self, priority: Priority, config: &EngineConfig) -> Option<oneshot::Receiver<()>> {
        let ahead = match priority {
            Priority::Interactive => self.queues[0].is_empty(),
            Priority::Bulk => self.queues.iter().all(VecDeque::is_empty),
        };
        if ahead && self.may_grant(config) {
            self.grant();
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        self.queues[priority as usize].push_back(sender);
        Some(receiver)
    }

    pub fn leave_window(&mut self, config: &EngineConfig) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.pump(config);
    }

    /// To be called once after a place in the window was granted. With a rate limit: the moment at which this request may leave; the next
    /// one is not let in before [`Core::paced`].
    pub fn pace(&mut self, now: Instant, config: &EngineConfig) -> Option<Instant> {
        if !self.pacing {
            return None;
        }
        // The profile may have been changed since the grant.
        let Some(rate) = self.profile.rate_per_s.filter(|rate| *rate > 0) else {
            self.paced(config);
            return None;
        };
        let at = self.next_send.map_or(now, |next| next.max(now));
        self.next_send = Some(at + Duration::from_secs_f64(1.0 / f64::from(rate)));
        Some(at)
    }

    /// The request that was waited for has left, or never will.
    pub fn paced(&mut self, config: &EngineConfig) {
        self.pacing = false;
        self.pump(config);
    }

    fn pump(&mut self, config: &EngineConfig) {
        while self.may_grant(config) {
            let Some(next) = self.queues.iter_mut().find_map(VecDeque::pop_front) else { return };
            // A receiver that has gone is somebody who gave up waiting.
            if next.send(()).is_ok() {
                self.grant();
            }
        }
    }

    /// An identifier on some source port; a port not used for this NAS before is taken when the others have none.
    pub fn take_place(&mut self, now: Instant, config: &EngineConfig) -> Result<Place, NoPlace> {
        self.forget_late(now);
        for step in 0..self.ports.len() {
            let port = (self.cursor + step) % self.ports.len();
            if let Some(id) = self.ports[port].take(now) {
                self.cursor = port;
                return Ok((port, id));
            }
        }
        if self.ports.len() < config.max_sockets.max(1) {
            let mut fresh = Identifiers::new();
            let id = fresh.take(now).ok_or(NoPlace::Busy)?;
            self.ports.push(fresh);
            self.cursor = self.ports.len() - 1;
            return Ok((self.cursor, id));
        }
        match self.ports.iter().filter_map(Identifiers::next_ready).min() {
            Some(at) if at > now => Err(NoPlace::Until(at)),
            _ => Err(NoPlace::Busy),
        }
    }

    /// Nothing was sent from this place: it is free at once.
    pub fn return_place(&mut self, place: Place, now: Instant) {
        if let Some(port) = self.ports.get_mut(place.0) {
            port.linger();
            port.give_back(place.1, now);
        }
    }

    /// From now on an answer to this request is waited for.
    pub fn depart(&mut self, place: Place, asked: Asked, target: &Target) -> (u64, oneshot::Receiver<Delivered>) {
        let (reply, receiver) = oneshot::channel();
        self.serial += 1;
        let flight = Flight {
            asked,
            secret: Arc::clone(&target.secret),
            signed: target.profile.signed_answers,
            reply: Some(reply),
            dropped: Dropped::default(),
            serial: self.serial,
        };
        self.flights.insert(place, flight);
        (self.serial, receiver)
    }

    /// Nothing could be sent after all.
    pub fn withdraw(&mut self, place: Place, now: Instant) {
        self.flights.remove(&place);
        self.return_place(place, now);
    }

    /// Nobody waits any more; the identifier stays taken until a late answer is out of the question. `None` if it was answered meanwhile.
    pub fn abandon(&mut self, place: Place, serial: u64, now: Instant, config: &EngineConfig) -> Option<Dropped> {
        let flight = self.flights.get_mut(&place).filter(|flight| flight.serial == serial)?;
        flight.reply = None;
        let dropped = std::mem::take(&mut flight.dropped);
        self.late.push_back((now + config.grace.max(self.rest()), place, serial));
        if let Some(port) = self.ports.get_mut(place.0) {
            port.linger();
        }
        Some(dropped)
    }

    fn forget_late(&mut self, now: Instant) {
        while let Some((_, place, serial)) = self.late.front().copied().filter(|(until, ..)| *until <= now) {
            self.late.pop_front();
            if self.flights.get(&place).is_some_and(|flight| flight.serial == serial) {
                self.flights.remove(&place);
                if let Some(port) = self.ports.get_mut(place.0) {
                    port.give_back(place.1, now);
                }
            }
        }
    }

    fn rest(&self) -> Duration {
        Duration::from_secs(u64::from(self.profile.identifier_rest_s))
    }

    /// A datagram from the address of this NAS came in on source port `port`.
    pub fn receive(&mut self, port: usize, datagram: &[u8], now: Instant, now_unix: i64, config: &EngineConfig) -> Received {
        let place = (port, datagram.get(1).copied().unwrap_or(0));
        let flight = if datagram.len() < 2 { None } else { self.flights.get_mut(&place) };
        let Some(flight) = flight else {
            self.stats.unmatched += 1;
            return Received::Unmatched;
        };
        let answer = match judge(datagram, &flight.asked, &flight.secret, flight.signed, now_unix) {
            Ok(answer) => answer,
            Err(reason) => {
                flight.dropped.add(reason);
                *self.stats.dropped.entry(reason).or_default() += 1;
                return Received::Dropped(reason);
            }
        };
        let Some(flight) = self.flights.remove(&place) else { return Received::Unmatched };
        let ready = now + self.rest();
        if let Some(pool) = self.ports.get_mut(port) {
            if flight.reply.is_some() {
                pool.linger();
            }
            pool.give_back(place.1, ready);
        }
        self.silences = 0;
        match flight.reply {
            None => {
                self.stats.late += 1;
                // It lives: those who waited behind a single probe need not any more.
                self.pump(config);
                Received::Late { ack: answer.ack }
            }
            Some(reply) => {
                self.count(&answer, now);
                // The receiver may have gone this very moment; then the answer is counted all the same.
                let _ = reply.send(Delivered { answer, at: now, dropped: flight.dropped });
                Received::Answer
            }
        }
    }

    /// Whether an authentic answer of this NAS came from another address. It is noted and not taken.
    pub fn receive_elsewhere(&mut self, port: usize, datagram: &[u8], from: SocketAddr, now_unix: i64) -> bool {
        let Some(id) = datagram.get(1) else { return false };
        let Some(flight) = self.flights.get_mut(&(port, *id)) else { return false };
        if judge(datagram, &flight.asked, &flight.secret, flight.signed, now_unix).is_err() {
            return false;
        }
        flight.dropped.answer_from = Some(from);
        self.stats.from_elsewhere += 1;
        true
    }

    /// An authentic answer that came over TLS.
    pub fn answered_over_tls(&mut self, answer: &Answer, sends: u32, round_trip: Duration, now: Instant) {
        self.stats.sent += u64::from(sends);
        self.stats.repeats += u64::from(sends.saturating_sub(1));
        self.stats.record_round_trip(round_trip);
        self.silences = 0;
        self.count(answer, now);
    }

    fn count(&mut self, answer: &Answer, now: Instant) {
        if answer.ack {
            self.stats.acks += 1;
        } else {
            self.stats.naks += 1;
            let cause = answer.causes.first().map_or(0, |cause| cause.0);
            // Bounded: a NAS that invents causes does not fill our memory.
            if self.stats.naks_by_cause.len() < 64 || self.stats.naks_by_cause.contains_key(&cause) {
                *self.stats.naks_by_cause.entry(cause).or_default() += 1;
            }
        }
        if !answer.ack && answer.causes.iter().any(|cause| cause.meaning() == CauseMeaning::Busy) {
            self.halve(now);
        } else {
            self.window = (self.window + 1.0 / self.window).min(f64::from(self.profile.window.max(1)));
        }
    }

    fn halve(&mut self, now: Instant) {
        if self.halved_at.is_none_or(|at| now.duration_since(at) >= HALVE_EVERY) {
            self.window = (self.window / 2.0).max(1.0);
            self.halved_at = Some(now);
        }
    }

    /// An exchange ended without an answer.
    pub fn silence(&mut self, now: Instant) {
        self.stats.timeouts += 1;
        self.silences = self.silences.saturating_add(1);
        self.halve(now);
    }

    pub fn snapshot(&self, config: &EngineConfig) -> NasStats {
        NasStats {
            in_flight: self.in_flight,
            queued: self.queues.iter().map(VecDeque::len).sum(),
            window: self.limit(config),
            silences: self.silences,
            one_at_a_time: self.tripped(config),
            ..self.stats.clone()
        }
    }
}

pub enum Received {
    Answer,
    Late { ack: bool },
    Dropped(Reason),
    Unmatched,
}
