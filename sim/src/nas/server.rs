//! The simulated NAS on a UDP socket, and the handle by which tests and the demo see and change what is true on it.

use super::NasError;
use super::behaviour::{Behaviour, Scripted};
use super::decide::NasIdentity;
use super::engine::{Core, LoginFn, Outgoing};
use super::log::{Counters, EndedBy, NasEvent, What};
use super::preset::Preset;
use super::session::NasSession;
use ipnet::Ipv6Net;
use noctule_domain::ports::Clock;
use noctule_domain::secret::Secret;
use noctule_domain::{SafeText, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Datagrams taken in one turn before the answers go out.
const TURN: usize = 256;
/// Asked of the system; it gives what it allows.
const SOCKET_BUFFER: usize = 4 << 20;

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }
}

/// How a simulated NAS begins. `NasSimConfig::new` gives one that listens on a free loopback port and knows clients on loopback.
#[derive(Clone)]
pub struct NasSimConfig {
    pub name: String,
    pub bind: SocketAddr,
    /// Where answers come from when `reply_from_other` is on; a free port of the same address unless set.
    pub other_bind: Option<SocketAddr>,
    /// Secret per client address; anybody else gets silence.
    pub clients: HashMap<IpAddr, Secret>,
    pub identity: NasIdentity,
    pub behaviour: Behaviour,
    pub seed: u64,
    /// Wall clock, for Event-Timestamp and the times in the log. Delays run on the runtime's clock.
    pub clock: Arc<dyn Clock>,
    /// What RADIUS says at a login.
    pub login: Option<Arc<LoginFn>>,
    pub sessions: Vec<NasSession>,
    /// Receive buffer; small ones lose bursts, as real devices do.
    pub receive_buffer: usize,
}

impl NasSimConfig {
    pub fn new(preset: Preset, secret: Secret) -> Self {
        let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(std::net::Ipv6Addr::LOCALHOST)];
        Self {
            name: preset.profile_key().to_owned(),
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            other_bind: None,
            clients: loopback.into_iter().map(|ip| (ip, secret.clone())).collect(),
            identity: NasIdentity::default(),
            behaviour: preset.behaviour(),
            seed: 1,
            clock: Arc::new(SystemClock),
            login: None,
            sessions: Vec::new(),
            receive_buffer: SOCKET_BUFFER,
        }
    }

    pub fn session(mut self, session: NasSession) -> Self {
        self.sessions.push(session);
        self
    }

    pub fn behave(mut self, change: impl FnOnce(&mut Behaviour)) -> Self {
        change(&mut self.behaviour);
        self
    }
}

struct Shared {
    core: Mutex<Core>,
    /// The handle changed something: look at the timers again.
    wake: Notify,
    /// Something happened: whoever waits for a condition looks again.
    turned: Notify,
    events: broadcast::Sender<NasEvent>,
    started: Instant,
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells listeners what the core logged.
    fn publish(&self, fresh: Vec<NasEvent>) {
        for event in fresh {
            // No listener is no fault.
            let _ = self.events.send(event);
        }
        self.turned.notify_waiters();
    }

    fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let (out, fresh) = {
            let mut core = self.core();
            let out = change(&mut core);
            (out, std::mem::take(&mut core.fresh))
        };
        self.publish(fresh);
        self.wake.notify_one();
        out
    }
}

/// A running simulated NAS. Clones are handles to the same one; it ends with the last of them.
#[derive(Clone)]
pub struct NasSim {
    name: String,
    addr: SocketAddr,
    other_addr: SocketAddr,
    shared: Arc<Shared>,
    _stop: Arc<DropGuard>,
}

impl std::fmt::Debug for NasSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NasSim").field("name", &self.name).field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl NasSim {
    /// Binds and begins to answer.
    pub async fn start(config: NasSimConfig) -> Result<Self, NasError> {
        let socket = bind(config.bind, config.receive_buffer)?;
        let addr = socket.local_addr().map_err(|source| NasError::Bind { address: config.bind, source })?;
        let other_bind = config.other_bind.unwrap_or(SocketAddr::new(addr.ip(), 0));
        let other = bind(other_bind, config.receive_buffer)?;
        let other_addr = other.local_addr().map_err(|source| NasError::Bind { address: other_bind, source })?;
        let mut core = Core::new(config.behaviour, config.identity, config.clients, config.clock, config.seed);
        core.login = config.login;
        for session in config.sessions {
            core.sessions.insert(session);
        }
        let (events, _) = broadcast::channel(4096);
        let shared =
            Arc::new(Shared { core: Mutex::new(core), wake: Notify::new(), turned: Notify::new(), events, started: Instant::now() });
        let stop = CancellationToken::new();
        tokio::spawn(serve(shared.clone(), socket, other, stop.clone()));
        Ok(Self { name: config.name, addr, other_addr, shared, _stop: Arc::new(stop.drop_guard()) })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where answers come from while `reply_from_other` is on.
    pub fn other_addr(&self) -> SocketAddr {
        self.other_addr
    }

    // --- the truth

    pub fn session(&self, acct_session_id: &str) -> Option<NasSession> {
        let core = self.shared.core();
        core.sessions.slot_of(acct_session_id).and_then(|slot| core.sessions.get(slot)).cloned()
    }

    pub fn sessions_of(&self, username: &str) -> Vec<NasSession> {
        let core = self.shared.core();
        core.sessions.of_user(username).iter().filter_map(|slot| core.sessions.get(*slot)).cloned().collect()
    }

    pub fn sessions(&self) -> Vec<NasSession> {
        self.shared.core().sessions.iter().map(|(_, s)| s.clone()).collect()
    }

    pub fn session_count(&self) -> usize {
        self.shared.core().sessions.len()
    }

    /// True when packets of the user's delegated prefix get through here.
    pub fn routes(&self, username: &str) -> bool {
        let core = self.shared.core();
        let words = &core.behaviour.blocking_words;
        core.sessions.of_user(username).iter().filter_map(|slot| core.sessions.get(*slot)).any(|s| s.routes(words))
    }

    /// Users whose session has a delegated prefix that overlaps this one.
    pub fn holders_of(&self, prefix: Ipv6Net) -> Vec<String> {
        let overlaps = |p: &Ipv6Net| p.contains(&prefix) || prefix.contains(p);
        let core = self.shared.core();
        core.sessions.iter().filter(|(_, s)| s.delegated_prefixes.iter().any(overlaps)).map(|(_, s)| s.username.clone()).collect()
    }

    /// Nothing is under work, on its way or to happen later. A datagram that has not been read yet does not count.
    pub fn is_idle(&self) -> bool {
        self.shared.core().is_idle()
    }

    // --- changes by hand

    /// Adds a session, or puts it in place of the one with the same Acct-Session-Id.
    pub fn insert_session(&self, session: NasSession) {
        self.shared.change(|core| {
            let started = What::SessionStarted { session: session.acct_session_id.clone(), username: session.username.clone() };
            core.sessions.insert(session);
            core.event(started);
        });
    }

    pub fn remove_session(&self, acct_session_id: &str) -> Option<NasSession> {
        self.shared.change(|core| core.remove(acct_session_id, EndedBy::Hand))
    }

    pub fn set_sessions(&self, sessions: Vec<NasSession>) {
        self.shared.change(|core| {
            core.sessions.take_all();
            for session in sessions {
                core.sessions.insert(session);
            }
        });
    }

    /// The user dials in: the session is what the login callback says.
    pub fn log_in(&self, username: &str) {
        self.shared.change(|core| core.log_in(username));
    }

    pub fn set_login(&self, login: Option<Arc<LoginFn>>) {
        self.shared.change(|core| core.login = login);
    }

    pub fn behaviour(&self) -> Behaviour {
        self.shared.core().behaviour.clone()
    }

    /// Turns knobs while it runs.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        self.shared.change(|core| change(&mut core.behaviour));
    }

    /// The next requests that name this session (by Acct-Session-Id or User-Name) get these, one after the other.
    pub fn script(&self, session_or_user: &str, what: impl IntoIterator<Item = Scripted>) {
        let what: VecDeque<Scripted> = what.into_iter().collect();
        self.shared.change(|core| core.script.entry(session_or_user.to_owned()).or_default().extend(what));
    }

    pub fn set_client(&self, address: IpAddr, secret: Option<Secret>) {
        self.shared.change(|core| match secret {
            Some(secret) => {
                core.clients.insert(address, secret);
            }
            None => {
                core.clients.remove(&address);
            }
        });
    }

    pub fn reboot(&self) {
        self.shared.change(Core::reboot);
    }

    // --- what happened

    pub fn counters(&self) -> Counters {
        self.shared.core().log.counters.clone()
    }

    /// The kept events, oldest first.
    pub fn events(&self) -> Vec<NasEvent> {
        self.shared.core().log.events.iter().cloned().collect()
    }

    /// How often a CoA was carried out on sessions of this user, among the kept events.
    pub fn changes_of(&self, user: &str) -> usize {
        let core = self.shared.core();
        core.log.events.iter().filter(|e| matches!(&e.what, What::SessionChanged { username, .. } if username == user)).count()
    }

    /// Events as they happen; a slow listener loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<NasEvent> {
        self.shared.events.subscribe()
    }

    /// Waits until `holds`, looking again whenever something happened; false when `limit` is over first.
    pub async fn wait_until(&self, limit: Duration, mut holds: impl FnMut(&NasSim) -> bool) -> bool {
        let end = Instant::now() + limit;
        loop {
            let turned = self.shared.turned.notified();
            tokio::pin!(turned);
            turned.as_mut().enable();
            if holds(self) {
                return true;
            }
            if tokio::time::timeout_at(end, turned).await.is_err() {
                return holds(self);
            }
        }
    }
}

fn bind(address: SocketAddr, buffer: usize) -> Result<UdpSocket, NasError> {
    let open = || {
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::DGRAM, None)?;
        socket.set_recv_buffer_size(buffer)?;
        socket.set_send_buffer_size(SOCKET_BUFFER)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        UdpSocket::from_std(socket.into())
    };
    open().map_err(|source| NasError::Bind { address, source })
}

async fn serve(shared: Arc<Shared>, socket: UdpSocket, other: UdpSocket, stop: CancellationToken) {
    let mut buffer = vec![0u8; 8192];
    loop {
        let due = shared.core().next_due().map(|due| shared.started + due);
        let timer = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            received = socket.recv_from(&mut buffer) => take(&shared, &socket, received, &mut buffer),
            () = timer => {}
            () = shared.wake.notified() => {}
        }
        let (out, fresh) = {
            let mut core = shared.core();
            let out = core.poll(shared.started.elapsed());
            (out, std::mem::take(&mut core.fresh))
        };
        for Outgoing { to, bytes, other_socket } in out {
            let from = if other_socket { &other } else { &socket };
            if let Err(error) = from.send_to(&bytes, to).await {
                tracing::debug!(target: "sim::nas", "answer not sent: {}", SafeText::new(&error.to_string()));
            }
        }
        shared.publish(fresh);
    }
}

/// Gives what has arrived to the core: the one datagram, and those that wait behind it.
fn take(shared: &Shared, socket: &UdpSocket, first: std::io::Result<(usize, SocketAddr)>, buffer: &mut [u8]) {
    let mut core = shared.core();
    let now = shared.started.elapsed();
    let mut next = first;
    for _ in 0..TURN {
        // An error here is that of an earlier send (port unreachable): nothing was received.
        let Ok((size, from)) = next else { return };
        core.receive(now, from, &buffer[..size]);
        next = socket.try_recv_from(buffer);
    }
    if let Ok((size, from)) = next {
        core.receive(now, from, &buffer[..size]);
    }
}
