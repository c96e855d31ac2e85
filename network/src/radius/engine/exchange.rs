//! One exchange: queue, identifier, bytes, sends, wait. All of it runs in the caller's own future: no task is made for a request, and
//! dropping the future cancels it cleanly.

use crate::radius::codec::{Asked, Outgoing, build};
use crate::radius::engine::config::{EngineConfig, Exchange, Priority, Request, Target};
use crate::radius::engine::nas::{Delivered, NasState, NoPlace};
use crate::radius::engine::receive;
use crate::radius::engine::retransmit::{first_wait, next_wait, seconds};
use crate::radius::engine::sockets::{Family, Sockets, bind};
use crate::radius::engine::stats::{Dropped, NasStats};
use crate::radius::engine::ticket::{Ticket, Turn};
use crate::radius::radsec::{Ask, End, Lines, Whom};
use crate::upstream::NasOutcome;
use noctule_domain::SafeText;
use noctule_domain::nas::Transport;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// The dynamic authorization client towards all NASes. Cheap to clone; the sockets close with the last clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

pub(super) struct Inner {
    config: EngineConfig,
    nases: RwLock<HashMap<SocketAddr, Arc<NasState>>>,
    v4: Sockets,
    v6: Sockets,
    /// Receivers; aborted when this is dropped.
    receivers: Mutex<JoinSet<()>>,
    radsec: Lines,
    stray: AtomicU64,
    logged: Mutex<Option<Instant>>,
}

impl Inner {
    pub(super) fn config(&self) -> &EngineConfig {
        &self.config
    }

    pub(super) fn nas_at(&self, from: &SocketAddr) -> Option<Arc<NasState>> {
        self.nases.read().unwrap_or_else(PoisonError::into_inner).get(&plain(*from)).cloned()
    }

    pub(super) fn nases(&self, family: Family) -> Vec<Arc<NasState>> {
        let all = self.nases.read().unwrap_or_else(PoisonError::into_inner);
        all.values().filter(|nas| Family::of(&nas.address) == family).cloned().collect()
    }

    pub(super) fn count_stray(&self) {
        self.stray.fetch_add(1, Ordering::Relaxed);
    }

    /// At most one warning a second: a flood of forged datagrams must not become a flood of log lines.
    pub(super) fn may_log(&self, now: Instant) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let may = logged.is_none_or(|at| now.duration_since(at) >= Duration::from_secs(1));
        if may {
            *logged = Some(now);
        }
        may
    }
}

/// Answers name the sender without flow label; a registered address is compared without one too.
fn plain(mut address: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(v6) = &mut address {
        v6.set_flowinfo(0);
    }
    address
}

impl Engine {
    /// Checks that the source address is one of this machine's. Sockets are opened by the first request.
    pub fn new(config: EngineConfig) -> io::Result<Self> {
        if let Some(source) = config.source {
            bind(if source.is_ipv4() { Family::V4 } else { Family::V6 }, &config)?;
        }
        let radsec = Lines::new(config.radsec.clone());
        Ok(Self(Arc::new(Inner {
            config,
            radsec,
            nases: RwLock::default(),
            v4: Sockets::new(Family::V4),
            v6: Sockets::new(Family::V6),
            receivers: Mutex::new(JoinSet::new()),
            stray: AtomicU64::new(0),
            logged: Mutex::new(None),
        })))
    }

    /// One request: waits for its turn, sends, repeats as RFC 5080 says, ends with an authentic answer or in silence.
    /// Needs a tokio runtime, always the same one. Dropping the future cancels; what was sent is still matched for the grace period.
    pub async fn exchange(&self, target: &Target, request: &Request, priority: Priority) -> Exchange {
        match self.run(target, request, priority).await {
            Ok(exchange) => exchange,
            Err(why) => Exchange { outcome: NasOutcome::NotSent(why), sends: 0, round_trip: None, dropped: Dropped::default() },
        }
    }

    /// Counters per NAS, by name.
    pub fn stats(&self) -> Vec<NasStats> {
        let all = self.0.nases.read().unwrap_or_else(PoisonError::into_inner);
        let mut stats: Vec<_> = all.values().map(|nas| nas.lock().snapshot(&self.0.config)).collect();
        stats.sort_by(|a, b| a.name.cmp(&b.name).then(a.address.cmp(&b.address)));
        stats
    }

    /// The configured address to send from.
    pub fn source(&self) -> Option<std::net::IpAddr> {
        self.0.config.source
    }

    /// Datagrams that belonged to no NAS we asked.
    pub fn stray(&self) -> u64 {
        self.0.stray.load(Ordering::Relaxed)
    }

    /// Source ports open now, of both families.
    pub fn sockets(&self) -> usize {
        self.0.v4.count() + self.0.v6.count()
    }

    async fn run(&self, target: &Target, request: &Request, priority: Priority) -> Result<Exchange, SafeText> {
        let nas = self.nas(target);
        let mut ticket =
            Ticket { config: &self.0.config, nas: &nas, session: None, window: false, pacing: false, place: None, flight: None };
        self.enter_session(&mut ticket, &request.session_key).await;
        self.enter_window(&mut ticket, target, priority).await?;
        if target.profile.transport == Transport::Radsec {
            return self.over_tls(&nas, target, request).await;
        }
        self.take_place(&mut ticket, target).await?;
        let Some(place) = ticket.place else { return Err(SafeText::new("no identifier could be had")) };
        let socket = self.socket(target, place.0)?;
        let out = Outgoing {
            kind: request.kind,
            identifier: place.1,
            attributes: &request.attributes,
            sign: target.profile.sign_requests,
            event_timestamp: target.profile.event_timestamp.then(|| u32::try_from(chrono::Utc::now().timestamp()).unwrap_or(u32::MAX)),
        };
        let bytes = build(&out, &target.secret).map_err(|error| SafeText::from(error.to_string()))?;
        let asked = Asked::of(&bytes).ok_or_else(|| SafeText::new("the request could not be built"))?;
        let (serial, mut reply) = nas.lock().depart(place, asked, target);
        ticket.flight = Some(serial);
        let waited = match self.send_and_wait(&ticket, &socket, target, &bytes, &mut reply).await {
            Ok(waited) => waited,
            Err(why) => {
                (ticket.place, ticket.flight) = (None, None);
                nas.lock().withdraw(place, Instant::now());
                return Err(why);
            }
        };
        Ok(self.conclude(ticket, target, waited, reply))
    }

    /// The same over the line of this NAS; the ticket keeps session and window meanwhile.
    async fn over_tls(&self, nas: &NasState, target: &Target, request: &Request) -> Result<Exchange, SafeText> {
        let profile = &target.profile;
        let started = Instant::now();
        let (reply, end) = oneshot::channel();
        let ask = Ask {
            kind: request.kind,
            attributes: request.attributes.clone(),
            sign: profile.sign_requests,
            timestamp: profile.event_timestamp.then(|| u32::try_from(chrono::Utc::now().timestamp()).unwrap_or(u32::MAX)),
            signed: profile.signed_answers,
            deadline: started + seconds(profile.retransmit.mrd_s).max(Duration::from_millis(1)),
            reply,
            sends: 0,
        };
        let whom = Whom {
            name: target.name.clone(),
            address: target.address,
            tls_name: target.tls_name.clone(),
            watch: (seconds(profile.retransmit.irt_s) * 4).max(Duration::from_millis(200)),
        };
        let end = self.0.radsec.ask(whom, ask, end).await;
        let now = Instant::now();
        let mut core = nas.lock();
        match end {
            End::NotSent(why) => Err(why),
            End::Answer { answer, at, sends } => {
                core.answered_over_tls(&answer, sends, at.duration_since(started), now);
                let outcome =
                    if answer.ack { NasOutcome::Ack { causes: answer.causes } } else { NasOutcome::Nak { causes: answer.causes } };
                Ok(Exchange { outcome, sends, round_trip: Some(at.duration_since(started)), dropped: Dropped::default() })
            }
            End::Silence { sends, note } => {
                core.stats.sent += u64::from(sends);
                core.silence(now);
                let seconds = now.duration_since(started).as_secs_f64().round() as u64;
                Ok(Exchange { outcome: NasOutcome::Silence { seconds, note }, sends, round_trip: None, dropped: Dropped::default() })
            }
        }
    }

    fn nas(&self, target: &Target) -> Arc<NasState> {
        let address = plain(target.address);
        if let Some(nas) = self.0.nas_at(&address) {
            nas.lock().refresh(target);
            return nas;
        }
        let mut all = self.0.nases.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(address).or_insert_with(|| Arc::new(NasState::new(&Target { address, ..target.clone() }))))
    }

    async fn enter_session(&self, ticket: &mut Ticket<'_>, key: &str) {
        let waiting = ticket.nas.lock().enter_session(key);
        if let Some(turn) = waiting {
            let mut turn = Turn { turn, undo: Some(|| ticket.nas.lock().leave_session(key)) };
            turn.wait().await;
        }
        ticket.session = Some(key.into());
    }

    async fn enter_window(&self, ticket: &mut Ticket<'_>, target: &Target, priority: Priority) -> Result<(), SafeText> {
        let config = &self.0.config;
        let waiting = ticket.nas.lock().enter_window(priority, config);
        if let Some(turn) = waiting {
            let mut turn = Turn {
                turn,
                undo: Some(|| {
                    let mut core = ticket.nas.lock();
                    core.paced(config);
                    core.leave_window(config);
                }),
            };
            let patience = seconds(target.profile.retransmit.mrd_s).max(Duration::from_secs(1));
            let mut since = Instant::now();
            while timeout_at(since + patience, turn.wait()).await.is_err() {
                let (tripped, silences) = {
                    let core = ticket.nas.lock();
                    (core.tripped(config), core.silences())
                };
                if tripped {
                    return Err(SafeText::from(format!(
                        "{} has not answered {silences} requests in a row and is asked one at a time; this one waited {} s for its turn and was not sent",
                        target.name,
                        patience.as_secs()
                    )));
                }
                since = Instant::now();
            }
        }
        (ticket.window, ticket.pacing) = (true, true);
        let leave_at = ticket.nas.lock().pace(Instant::now(), config);
        if let Some(at) = leave_at {
            sleep_until(at).await;
            ticket.nas.lock().paced(config);
        }
        ticket.pacing = false;
        Ok(())
    }

    async fn take_place(&self, ticket: &mut Ticket<'_>, target: &Target) -> Result<(), SafeText> {
        // Longer than the longest rest there is, so this ends.
        let patience = Duration::from_secs(u64::from(target.profile.identifier_rest_s)) + self.0.config.grace + Duration::from_secs(60);
        let give_up = Instant::now() + patience;
        loop {
            let now = Instant::now();
            let taken = ticket.nas.lock().take_place(now, &self.0.config);
            let wait = match taken {
                Ok(place) => {
                    ticket.place = Some(place);
                    return Ok(());
                }
                Err(NoPlace::Until(at)) => at.duration_since(now),
                Err(NoPlace::Busy) => Duration::from_millis(5),
            };
            if now >= give_up {
                return Err(SafeText::from(format!("all identifiers towards {} rest; it can take no more requests just now", target.name)));
            }
            sleep(wait.clamp(Duration::from_millis(1), Duration::from_millis(100))).await;
        }
    }

    fn socket(&self, target: &Target, port: usize) -> Result<Arc<UdpSocket>, SafeText> {
        let family = Family::of(&target.address);
        let sockets = if family == Family::V4 { &self.0.v4 } else { &self.0.v6 };
        let (socket, opened) =
            sockets.get(port, &self.0.config).map_err(|error| SafeText::from(format!("no socket to send from: {error}")))?;
        for (index, socket) in opened {
            let mut receivers = self.0.receivers.lock().unwrap_or_else(PoisonError::into_inner);
            receivers.spawn(receive::run(Arc::downgrade(&self.0), socket, family, index));
        }
        Ok(socket)
    }

    async fn send_and_wait(
        &self,
        ticket: &Ticket<'_>,
        socket: &UdpSocket,
        target: &Target,
        bytes: &[u8],
        reply: &mut oneshot::Receiver<Delivered>,
    ) -> Result<Waited, SafeText> {
        let retransmit = &target.profile.retransmit;
        let started = Instant::now();
        let deadline = started + seconds(retransmit.mrd_s).max(Duration::from_millis(1));
        let mut wait = first_wait(retransmit);
        let mut sends = 0;
        loop {
            if let Err(error) = send(socket, bytes, target.address).await {
                if sends == 0 {
                    return Err(SafeText::from(format!("{} can not be reached from here: {error}", target.address)));
                }
                tracing::debug!(nas = %target.name, %error, "RADIUS: a repeat could not be sent");
            }
            sends += 1;
            {
                let stats = &mut ticket.nas.lock().stats;
                stats.sent += 1;
                stats.repeats += u64::from(sends > 1);
            }
            let until = (Instant::now() + seconds(wait)).min(deadline);
            match timeout_at(until, &mut *reply).await {
                Ok(Ok(delivered)) => return Ok(Waited { delivered: Some(delivered), sends, started }),
                Ok(Err(_)) => return Ok(Waited { delivered: None, sends, started }),
                Err(_) if until >= deadline || (retransmit.mrc > 0 && sends >= retransmit.mrc) => {
                    return Ok(Waited { delivered: None, sends, started });
                }
                Err(_) => wait = next_wait(wait, retransmit),
            }
        }
    }

    fn conclude(&self, mut ticket: Ticket<'_>, target: &Target, waited: Waited, mut reply: oneshot::Receiver<Delivered>) -> Exchange {
        let now = Instant::now();
        let mut core = ticket.nas.lock();
        let mut delivered = waited.delivered;
        let mut left = None;
        if delivered.is_none() {
            if let (Some(place), Some(serial)) = (ticket.place, ticket.flight) {
                left = core.abandon(place, serial, now, &self.0.config);
            }
            // The answer may have come between the time-out and the lock.
            delivered = reply.try_recv().ok();
        }
        ticket.place = None;
        ticket.flight = None;
        let sends = waited.sends;
        match delivered {
            Some(Delivered { answer, at, dropped }) => {
                let round_trip = at.duration_since(waited.started);
                core.stats.record_round_trip(round_trip);
                let outcome =
                    if answer.ack { NasOutcome::Ack { causes: answer.causes } } else { NasOutcome::Nak { causes: answer.causes } };
                Exchange { outcome, sends, round_trip: Some(round_trip), dropped }
            }
            None => {
                let was_tripped = core.tripped(&self.0.config);
                core.silence(now);
                let silences = core.silences();
                let one_at_a_time = core.tripped(&self.0.config);
                if one_at_a_time && !was_tripped {
                    tracing::warn!(nas = %target.name, silences, "RADIUS: no answer; this NAS is asked one request at a time from now on");
                }
                drop(core);
                let dropped = left.unwrap_or_default();
                let mut notes: Vec<String> = dropped.words().into_iter().collect();
                if one_at_a_time {
                    notes.push(format!("{silences} requests in a row without an answer: this NAS is asked one at a time until it answers"));
                }
                let note = if notes.is_empty() { None } else { Some(SafeText::from(notes.join("; "))) };
                let seconds = now.duration_since(waited.started).as_secs_f64().round() as u64;
                Exchange { outcome: NasOutcome::Silence { seconds, note }, sends, round_trip: None, dropped }
            }
        }
    }
}

struct Waited {
    delivered: Option<Delivered>,
    sends: u32,
    started: Instant,
}

async fn send(socket: &UdpSocket, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
    let sent = match socket.try_send_to(bytes, to) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.send_to(bytes, to).await?,
        other => other?,
    };
    if sent == bytes.len() { Ok(()) } else { Err(io::Error::new(io::ErrorKind::WriteZero, "the datagram was cut")) }
}
