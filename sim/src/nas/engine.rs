//! The simulated NAS without sockets: datagrams and times go in, datagrams come out. The same inputs give the same outputs.
//!
//! A request is checked when it arrives, carried out when its delay is over, answered after the answer's delay. So a lost request and
//! a lost answer leave different truths, and a repeat can meet a request that is still under work.

use super::NasError;
use super::behaviour::{Behaviour, Dup, Over, Scripted};
use super::decide::{NasIdentity, named};
use super::log::{Dropped, Log, NasEvent, What};
use super::packet::{Attribute, Packet, attr, read_request};
use super::session::{LoginProfile, NasSession};
use super::table::SessionTable;
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

pub(super) struct Work {
    pub from: SocketAddr,
    pub packet: Packet,
    pub secret: Secret,
    /// The natural verdict is replaced by NAK 506.
    pub over_limit: bool,
    /// Acct-Session-Ids that this request keeps busy.
    pub busy: Vec<String>,
}

pub(super) enum Item {
    Work(Box<Work>),
    Send(Outgoing, Option<Done>),
    Teardown(String),
    Login(String),
}

/// The end of a request: its answer leaves now.
#[derive(Clone)]
pub(super) struct Done {
    pub from: SocketAddr,
    pub identifier: u8,
    pub authenticator: [u8; 16],
    pub code: u8,
    pub causes: Vec<u32>,
    pub named: String,
    pub lost: bool,
    pub answer: Vec<u8>,
}

pub(super) struct Timed {
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

pub(super) struct Remembered {
    pub authenticator: [u8; 16],
    at: Duration,
    pub answer: Option<Outgoing>,
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
    pub(super) clock: Arc<dyn Clock>,
    pub(super) dice: Dice,
    pub(super) heap: BinaryHeap<Timed>,
    pub(super) seq: u64,
    pub(super) at_work: usize,
    pub(super) busy_until: Duration,
    pub(super) remembered: HashMap<(SocketAddr, u8), Remembered>,
    pub(super) order: VecDeque<((SocketAddr, u8), Duration)>,
    pub(super) busy_sessions: BTreeSet<String>,
    pub(super) second: (u64, u32),
    pub(super) session_prefix: String,
    pub(super) next_session: u64,
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

    pub(super) fn drop_it(&mut self, from: SocketAddr, why: Dropped) {
        self.event(What::Dropped { from, why });
    }

    pub(super) fn schedule(&mut self, due: Duration, item: Item) {
        self.seq += 1;
        self.heap.push(Timed { due, seq: self.seq, item });
    }

    /// Nothing is under work, waits to be sent, or is to happen later.
    pub fn is_idle(&self) -> bool {
        self.heap.is_empty()
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
            if let Some((key, at)) = self.order.pop_front()
                && self.remembered.get(&key).is_some_and(|r| r.at == at)
            {
                self.remembered.remove(&key);
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
                        let code = answer.bytes.first().copied().unwrap_or(0);
                        let (identifier, named) = (packet.identifier, named_in(packet));
                        if self.dice.chance(self.behaviour.drop_out) {
                            self.event(What::AnswerLost { identifier, code, named });
                        } else {
                            self.event(What::AnsweredAgain { identifier, code, causes: causes_in(&answer.bytes), named });
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
    pub(super) fn give_up(&mut self, work: &Work, why: Dropped) {
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

    pub(super) fn take_script(&mut self, packet: &Packet) -> Option<Scripted> {
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
        if let Some(known) = self.remembered.get_mut(&(done.from, done.identifier))
            && known.authenticator == done.authenticator
        {
            known.answer = Some(Outgoing { to: done.from, bytes: done.answer, other_socket: outgoing.other_socket });
        }
        if done.lost {
            self.event(What::AnswerLost { identifier: done.identifier, code: done.code, named: done.named });
        } else {
            let Done { from: to, identifier, code, causes, named, .. } = done;
            self.event(What::Answered { to, identifier, code, causes, named });
        }
        !done.lost
    }
}

/// Whom a request names, for the log.
pub(super) fn named_in(packet: &Packet) -> String {
    let named = packet.first(attr::USER_NAME).or_else(|| packet.first(attr::ACCT_SESSION_ID));
    named.map(|a| String::from_utf8_lossy(&a.value).into_owned()).unwrap_or_default()
}

fn causes_in(answer: &[u8]) -> Vec<u32> {
    let packet = Packet::decode(answer).ok();
    packet.iter().flat_map(|packet| packet.all(attr::ERROR_CAUSE)).filter_map(Attribute::as_u32).collect()
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
