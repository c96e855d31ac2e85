//! The simulated NAS without sockets: datagrams and times go in, datagrams come out. The same inputs give the same outputs.
//!
//! A request is checked when it arrives, carried out when its delay is over, answered after the answer's delay. So a lost request and
//! a lost answer leave different truths, and a repeat can meet a request that is still under work.

use super::NasError;
use super::behaviour::{Behaviour, Dup, Over, Scripted};
use super::decide::{NasIdentity, Verdict, decide, named};
use super::log::{Dropped, EndedBy, Log, NasEvent, What};
use super::noise::{self, Real};
use super::packet::{Attribute, Packet, attr, code, read_request, write_answer};
use super::session::{Change, LoginProfile, NasSession};
use super::table::{SessionTable, Slot};
use crate::dice::Dice;
use noctule_domain::ports::Clock;
use noctule_domain::secret::Secret;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// What RADIUS says when a user logs in again: `None` is a reject.
pub type LoginFn = dyn Fn(&str) -> Option<LoginProfile> + Send + Sync;

/// Identifiers remembered for duplicates; the oldest go first.
const MOST_REMEMBERED: usize = 262_144;

/// A datagram to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
    pub other_socket: bool,
}

struct Work {
    from: SocketAddr,
    packet: Packet,
    secret: Secret,
    /// The natural verdict is replaced by NAK 506.
    over_limit: bool,
    /// Acct-Session-Ids that this request keeps busy.
    busy: Vec<String>,
}

enum Item {
    Work(Box<Work>),
    Send(Outgoing, Option<Done>),
    Teardown(String),
    Login(String),
}

/// The end of a request: its answer leaves now.
#[derive(Clone)]
struct Done {
    from: SocketAddr,
    identifier: u8,
    authenticator: [u8; 16],
    code: u8,
    causes: Vec<u32>,
    lost: bool,
    answer: Vec<u8>,
}

struct Timed {
    due: Duration,
    seq: u64,
    item: Item,
}

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.seq) == (other.due, other.seq)
    }
}
impl Eq for Timed {}
impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Timed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // The heap gives its greatest: the earliest has to be that.
        (other.due, other.seq).cmp(&(self.due, self.seq))
    }
}

struct Remembered {
    authenticator: [u8; 16],
    at: Duration,
    answer: Option<Outgoing>,
}

pub(super) struct Core {
    pub behaviour: Behaviour,
    pub identity: NasIdentity,
    pub clients: HashMap<IpAddr, Secret>,
    pub sessions: SessionTable,
    pub log: Log,
    pub login: Option<Arc<LoginFn>>,
    pub script: HashMap<String, VecDeque<Scripted>>,
    pub fresh: Vec<NasEvent>,
    clock: Arc<dyn Clock>,
    dice: Dice,
    heap: BinaryHeap<Timed>,
    seq: u64,
    at_work: usize,
    busy_until: Duration,
    remembered: HashMap<(SocketAddr, u8), Remembered>,
    order: VecDeque<((SocketAddr, u8), Duration)>,
    busy_sessions: BTreeSet<String>,
    second: (u64, u32),
    session_prefix: String,
    next_session: u64,
}

impl Core {
    pub fn new(behaviour: Behaviour, identity: NasIdentity, clients: HashMap<IpAddr, Secret>, clock: Arc<dyn Clock>, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let session_prefix = format!("{:08x}", dice.next_u64() as u32);
        Self {
            behaviour,
            identity,
            clients,
            sessions: SessionTable::default(),
            log: Log::default(),
            login: None,
            script: HashMap::new(),
            fresh: Vec::new(),
            clock,
            dice,
            heap: BinaryHeap::new(),
            seq: 0,
            at_work: 0,
            busy_until: Duration::ZERO,
            remembered: HashMap::new(),
            order: VecDeque::new(),
            busy_sessions: BTreeSet::new(),
            second: (0, 0),
            session_prefix,
            next_session: 1,
        }
    }

    pub fn wall(&self) -> noctule_domain::Timestamp {
        let offset = chrono::TimeDelta::try_seconds(self.behaviour.clock_offset_s).unwrap_or_default();
        let now = self.clock.now();
        now.checked_add_signed(offset).unwrap_or(now)
    }

    pub fn event(&mut self, what: What) {
        let event = self.log.push(self.clock.now(), what);
        // Taken by the server after each turn; bounded in case nobody does.
        if self.fresh.len() < super::log::KEPT_EVENTS {
            self.fresh.push(event);
        }
    }

    fn drop_it(&mut self, from: SocketAddr, why: Dropped) {
        self.event(What::Dropped { from, why });
    }

    fn schedule(&mut self, due: Duration, item: Item) {
        self.seq += 1;
        self.heap.push(Timed { due, seq: self.seq, item });
    }

    pub fn next_due(&self) -> Option<Duration> {
        self.heap.peek().map(|t| t.due)
    }

    /// A datagram has arrived.
    pub fn receive(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) {
        self.log.counters.received += 1;
        if self.behaviour.down {
            return self.drop_it(from, Dropped::Down);
        }
        if self.dice.chance(self.behaviour.drop_in) {
            return self.drop_it(from, Dropped::LostOnTheWay);
        }
        let Some(secret) = self.clients.get(&from.ip().to_canonical()).cloned() else {
            return self.drop_it(from, Dropped::UnknownClient);
        };
        let (check, require) = (self.behaviour.check_message_authenticator, self.behaviour.require_message_authenticator);
        let packet = match read_request(datagram, &secret, check, require) {
            Ok(packet) => packet,
            Err(error) => return self.drop_it(from, why(&error)),
        };
        if !self.is_timely(&packet) {
            return self.drop_it(from, Dropped::StaleTimestamp);
        }
        if !self.is_new(now, from, &packet) {
            return;
        }
        self.accept(now, Work { from, packet, secret, over_limit: false, busy: Vec::new() });
    }

    fn is_timely(&self, packet: &Packet) -> bool {
        let Some(window) = self.behaviour.timestamp_window else { return true };
        let now = self.wall().timestamp();
        let window = i64::try_from(window.as_secs()).unwrap_or(i64::MAX);
        packet.all(attr::EVENT_TIMESTAMP).all(|a| a.as_u32().is_some_and(|stamp| (now - i64::from(stamp)).abs() <= window))
    }

    /// False when the request is a repeat that has been dealt with.
    fn is_new(&mut self, now: Duration, from: SocketAddr, packet: &Packet) -> bool {
        if self.behaviour.dup == Dup::None {
            return true;
        }
        let window = self.behaviour.dup_window;
        while self.order.front().is_some_and(|(_, at)| *at + window < now) || self.order.len() > MOST_REMEMBERED {
            if let Some((key, at)) = self.order.pop_front() {
                if self.remembered.get(&key).is_some_and(|r| r.at == at) {
                    self.remembered.remove(&key);
                }
            }
        }
        let key = (from, packet.identifier);
        if let Some(known) = self.remembered.get(&key) {
            if known.authenticator == packet.authenticator {
                match (&known.answer, self.behaviour.dup) {
                    (None, _) => {
                        self.drop_it(from, Dropped::DuplicateUnderWork);
                        return false;
                    }
                    (Some(answer), Dup::Strict) => {
                        let answer = answer.clone();
                        self.event(What::AnsweredAgain { identifier: packet.identifier });
                        if !self.dice.chance(self.behaviour.drop_out) {
                            self.schedule(now, Item::Send(answer, None));
                        }
                        return false;
                    }
                    (Some(_), _) => {}
                }
            } else if self.behaviour.strict_window {
                self.drop_it(from, Dropped::IdentifierReused);
                return false;
            }
        }
        self.remembered.insert(key, Remembered { authenticator: packet.authenticator, at: now, answer: None });
        self.order.push_back((key, now));
        true
    }

    fn accept(&mut self, now: Duration, mut work: Work) {
        if let Some(limit) = self.behaviour.pps {
            let second = now.as_secs();
            if self.second.0 != second {
                self.second = (second, 0);
            }
            self.second.1 = self.second.1.saturating_add(1);
            if self.second.1 > limit.per_second {
                match limit.over {
                    Over::Silence => return self.give_up(&work, Dropped::RateLimit),
                    Over::Nak506 => work.over_limit = true,
                }
            }
        }
        if self.at_work >= self.behaviour.queue {
            return self.give_up(&work, Dropped::QueueFull);
        }
        if self.behaviour.one_per_session {
            work.busy = self.named(&work.packet).map(|s| s.acct_session_id.clone()).collect();
            if work.busy.iter().any(|id| self.busy_sessions.contains(id)) {
                return self.give_up(&work, Dropped::SessionBusy);
            }
            self.busy_sessions.extend(work.busy.iter().cloned());
        }
        let mut delay = self.behaviour.delay.draw(&mut self.dice);
        if let Some(Scripted::Slow(more)) = self.peek_script(&work.packet) {
            delay += more;
        }
        let start = if self.behaviour.serial { self.busy_until.max(now) } else { now };
        let due = start + delay;
        if self.behaviour.serial {
            self.busy_until = due;
        }
        self.at_work += 1;
        self.log.counters.most_at_once = self.log.counters.most_at_once.max(self.at_work as u64);
        self.schedule(due, Item::Work(Box::new(work)));
    }

    /// Dropped after its identifier was remembered: a repeat is to be taken as new.
    fn give_up(&mut self, work: &Work, why: Dropped) {
        let key = (work.from, work.packet.identifier);
        if self.remembered.get(&key).is_some_and(|r| r.authenticator == work.packet.authenticator && r.answer.is_none()) {
            self.remembered.remove(&key);
        }
        self.drop_it(work.from, why);
    }

    fn named(&self, packet: &Packet) -> impl Iterator<Item = &NasSession> {
        named(packet, &self.behaviour, &self.sessions).unwrap_or_default().into_iter().filter_map(|slot| self.sessions.get(slot))
    }

    /// A script is kept under the session id or the user name, as the request gives them or as the named session has them.
    fn script_key(&self, packet: &Packet) -> Option<String> {
        let given = |typ| packet.first(typ).and_then(|a| std::str::from_utf8(&a.value).ok());
        let of_sessions = self.named(packet).flat_map(|s| [s.acct_session_id.as_str(), s.username.as_str()]);
        let keys = [given(attr::ACCT_SESSION_ID), given(attr::USER_NAME)].into_iter().flatten().chain(of_sessions);
        keys.map(str::to_owned).find(|key| self.script.contains_key(key))
    }

    fn peek_script(&self, packet: &Packet) -> Option<Scripted> {
        if self.script.is_empty() {
            return None;
        }
        self.script.get(&self.script_key(packet)?)?.front().cloned()
    }

    fn take_script(&mut self, packet: &Packet) -> Option<Scripted> {
        if self.script.is_empty() {
            return None;
        }
        let key = self.script_key(packet)?;
        let queue = self.script.get_mut(&key)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.script.remove(&key);
        }
        next
    }

    /// Does what is due; gives the datagrams to send now.
    pub fn poll(&mut self, now: Duration) -> Vec<Outgoing> {
        let mut out = Vec::new();
        while self.heap.peek().is_some_and(|t| t.due <= now) {
            let Some(Timed { due, item, .. }) = self.heap.pop() else { break };
            match item {
                Item::Work(work) => self.work(due, *work),
                Item::Send(outgoing, done) => {
                    let leaves = match done {
                        Some(done) => self.answered(done, &outgoing),
                        None => true,
                    };
                    if leaves {
                        out.push(outgoing);
                    }
                }
                Item::Teardown(id) => self.teardown(due, &id),
                Item::Login(username) => self.log_in(&username),
            }
        }
        out
    }

    /// The answer leaves: remember it, count it. False when it is lost on its way.
    fn answered(&mut self, done: Done, outgoing: &Outgoing) -> bool {
        if let Some(known) = self.remembered.get_mut(&(done.from, done.identifier)) {
            if known.authenticator == done.authenticator {
                known.answer = Some(Outgoing { to: done.from, bytes: done.answer, other_socket: outgoing.other_socket });
            }
        }
        if done.lost {
            self.event(What::AnswerLost { identifier: done.identifier, code: done.code });
        } else {
            self.event(What::Answered { to: done.from, identifier: done.identifier, code: done.code, causes: done.causes });
        }
        !done.lost
    }

    fn work(&mut self, now: Duration, work: Work) {
        self.at_work = self.at_work.saturating_sub(1);
        for id in &work.busy {
            self.busy_sessions.remove(id);
        }
        if self.behaviour.dup != Dup::None {
            let key = (work.from, work.packet.identifier);
            if self.remembered.get(&key).is_some_and(|r| r.authenticator != work.packet.authenticator) {
                return self.drop_it(work.from, Dropped::Superseded);
            }
        }
        if self.behaviour.down {
            return self.give_up(&work, Dropped::Down);
        }
        let script = self.take_script(&work.packet);
        let by_chance = script.is_none() && self.dice.chance(self.behaviour.nak_probability);
        let mut lie = self.behaviour.lie_ack;
        let mut lost = false;
        let mut ack_causes = Vec::new();
        let mut raw_cause = None;
        let forced: Option<Vec<u32>> = match script {
            Some(Scripted::Silence) => return self.give_up(&work, Dropped::Scripted),
            Some(Scripted::DoneInSilence) => {
                lost = true;
                None
            }
            Some(Scripted::Nak(causes)) => Some(causes),
            Some(Scripted::NakRaw(raw)) => {
                raw_cause = Some(raw);
                Some(Vec::new())
            }
            Some(Scripted::AckWith(causes)) => {
                ack_causes = causes;
                None
            }
            Some(Scripted::LieAck) => {
                lie = true;
                None
            }
            Some(Scripted::Slow(_) | Scripted::Natural) | None if work.over_limit => Some(vec![506]),
            Some(Scripted::Slow(_) | Scripted::Natural) => None,
            None if by_chance && !self.behaviour.nak_causes.is_empty() => Some(vec![*self.dice.pick(&self.behaviour.nak_causes)]),
            None => by_chance.then(Vec::new),
        };
        let disconnect = work.packet.code == code::DISCONNECT_REQUEST;
        let (ack, refused) = if disconnect { (code::DISCONNECT_ACK, code::DISCONNECT_NAK) } else { (code::COA_ACK, code::COA_NAK) };
        let mut with: Vec<Attribute> = Vec::new();
        let (code, causes) = match forced {
            Some(causes) => (refused, causes),
            None => match decide(&work.packet, &self.behaviour, &self.identity, &self.sessions) {
                Verdict::Nak { cause, with: more } => {
                    with = more;
                    (refused, cause.into_iter().collect())
                }
                Verdict::Coa { sessions, changes } => {
                    if !lie && !changes.is_empty() {
                        self.change(&sessions, &changes);
                    }
                    (ack, ack_causes)
                }
                Verdict::Disconnect { sessions } => {
                    if !lie {
                        self.disconnect(now, &sessions);
                    }
                    (ack, ack_causes)
                }
            },
        };
        with.extend(raw_cause.map(|raw| Attribute::new(attr::ERROR_CAUSE, raw)));
        with.extend(causes.iter().map(|cause| Attribute::integer(attr::ERROR_CAUSE, *cause)));
        // RFC 5176 section 3.1: Proxy-State comes back, all of them, in order.
        with.extend(work.packet.all(attr::PROXY_STATE).cloned());
        if code == ack {
            with.extend(work.packet.first(attr::STATE).cloned());
        }
        if self.behaviour.stamp_answers {
            with.push(Attribute::integer(attr::EVENT_TIMESTAMP, u32::try_from(self.wall().timestamp()).unwrap_or(0)));
        }
        self.answer(now, &work, code, causes, &with, lost);
    }

    fn answer(&mut self, now: Duration, work: &Work, code: u8, causes: Vec<u32>, attributes: &[Attribute], lost: bool) {
        let (identifier, authenticator) = (work.packet.identifier, work.packet.authenticator);
        // 4096 octets of Proxy-State leave no room for more: then the answer goes without what does not fit.
        let written = write_answer(code, identifier, &authenticator, attributes, self.behaviour.sign, &work.secret).or_else(|_| {
            let short: Vec<Attribute> = attributes.iter().filter(|a| a.typ == attr::PROXY_STATE).cloned().collect();
            write_answer(code, identifier, &authenticator, &short, super::packet::Sign::No, &work.secret)
        });
        let Ok(mut bytes) = written else { return };
        let real = Real {
            bytes: &bytes.clone(),
            code,
            identifier,
            request_authenticator: &authenticator,
            attributes,
            secret: &work.secret,
            unix: self.wall().timestamp(),
        };
        let due = now + self.behaviour.answer_delay.draw(&mut self.dice);
        let other_socket = self.behaviour.reply_from_other;
        let noise = self.behaviour.noise.clone();
        let lost = lost || self.dice.chance(self.behaviour.drop_out);
        for kind in &noise.before {
            let bytes = noise::make(*kind, &real, &mut self.dice);
            self.log.counters.noise_sent += 1;
            self.schedule(due, Item::Send(Outgoing { to: work.from, bytes, other_socket }, None));
        }
        if let Some(kind) = noise.instead {
            self.log.counters.noise_sent += 1;
            bytes = noise::make(kind, &real, &mut self.dice);
        } else {
            bytes.resize(bytes.len() + noise.padding, 0);
        }
        let done = Done { from: work.from, identifier, authenticator, code, causes, lost, answer: bytes.clone() };
        self.schedule(due, Item::Send(Outgoing { to: work.from, bytes, other_socket }, Some(done)));
        for kind in &noise.after {
            let bytes = noise::make(*kind, &real, &mut self.dice);
            self.log.counters.noise_sent += 1;
            self.schedule(due, Item::Send(Outgoing { to: work.from, bytes, other_socket }, None));
        }
    }

    fn change(&mut self, sessions: &[Slot], changes: &[Change]) {
        for slot in sessions {
            let Some(session) = self.sessions.get_mut(*slot) else { continue };
            let before = session.clone();
            for change in changes {
                session.apply(change);
            }
            let different = *session != before;
            self.event(What::SessionChanged { session: before.acct_session_id, username: before.username, different });
        }
    }

    fn disconnect(&mut self, now: Duration, sessions: &[Slot]) {
        let ids: Vec<String> = sessions.iter().filter_map(|slot| self.sessions.get(*slot)).map(|s| s.acct_session_id.clone()).collect();
        for id in ids {
            if self.behaviour.teardown_delay.is_zero() {
                self.teardown(now, &id);
            } else {
                self.schedule(now + self.behaviour.teardown_delay, Item::Teardown(id));
            }
        }
    }

    fn teardown(&mut self, now: Duration, id: &str) {
        let Some(session) = self.remove(id, EndedBy::Disconnect) else { return };
        if let Some(delay) = self.behaviour.relogin.clone().filter(|_| self.login.is_some()) {
            let due = now + delay.draw(&mut self.dice);
            self.schedule(due, Item::Login(session.username));
        }
    }

    pub fn remove(&mut self, id: &str, by: EndedBy) -> Option<NasSession> {
        let session = self.sessions.remove(id)?;
        self.event(What::SessionEnded { session: session.acct_session_id.clone(), username: session.username.clone(), by });
        Some(session)
    }

    /// The subscriber's equipment dials again: it gets what RADIUS says now.
    pub fn log_in(&mut self, username: &str) {
        if self.behaviour.down || !self.sessions.of_user(username).is_empty() {
            return;
        }
        let Some(profile) = self.login.clone().and_then(|login| login(username)) else {
            return self.event(What::LoginRefused { username: username.to_owned() });
        };
        let mut session = NasSession::new(format!("{}-{:x}", self.session_prefix, self.next_session), username, self.clock.now());
        self.next_session += 1;
        session.framed_ipv4 = profile.framed_ipv4;
        session.framed_prefix = profile.framed_prefix;
        session.delegated_prefixes = profile.delegated_prefixes;
        session.filter = profile.filter;
        session.rate = profile.rate;
        session.services = profile.services;
        let started = What::SessionStarted { session: session.acct_session_id.clone(), username: username.to_owned() };
        self.sessions.insert(session);
        self.event(started);
    }

    /// Power off and on: sessions, kept answers and work are gone, session ids begin anew.
    pub fn reboot(&mut self) {
        for session in self.sessions.take_all() {
            self.event(What::SessionEnded { session: session.acct_session_id, username: session.username, by: EndedBy::Reboot });
        }
        self.heap.clear();
        self.remembered.clear();
        self.order.clear();
        self.busy_sessions.clear();
        self.at_work = 0;
        self.busy_until = Duration::ZERO;
        self.next_session = 1;
        self.session_prefix = format!("{:08x}", self.dice.next_u64() as u32);
        self.event(What::Rebooted);
    }
}

fn why(error: &NasError) -> Dropped {
    match error {
        NasError::UnexpectedCode => Dropped::UnexpectedCode,
        NasError::RequestAuthenticator => Dropped::BadAuthenticator,
        NasError::MessageAuthenticator => Dropped::BadMessageAuthenticator,
        NasError::Unsigned => Dropped::Unsigned,
        _ => Dropped::Malformed,
    }
}
