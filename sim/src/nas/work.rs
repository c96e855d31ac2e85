//! The second half of the engine: a request whose delay is over is carried out and answered; sessions end and begin again.

use super::behaviour::{Dup, Scripted};
use super::decide::{Verdict, decide};
use super::engine::{Core, Done, Item, Outgoing, Work, named_in};
use super::log::{Dropped, EndedBy, What};
use super::noise::{self, Real};
use super::packet::{Attribute, Sign, attr, code, write_answer};
use super::session::{Change, NasSession};
use super::table::Slot;
use std::time::Duration;

impl Core {
    pub(super) fn work(&mut self, now: Duration, work: Work) {
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
            write_answer(code, identifier, &authenticator, &short, Sign::No, &work.secret)
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
        let named = named_in(&work.packet);
        let done = Done { from: work.from, identifier, authenticator, code, causes, named, lost, answer: bytes.clone() };
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

    pub(super) fn teardown(&mut self, now: Duration, id: &str) {
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
