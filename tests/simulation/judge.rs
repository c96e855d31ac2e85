//! The judge: holds what the record says after an operation against the log and the sessions of the simulator. It knows nothing of how the
//! client came to its words.

use crate::weather::{PATIENCE, Weather};
use crate::world::{Person, World};
use noctule_domain::Timestamp;
use noctule_domain::lifecycle::{Enforcement, Ipv6State, OperationKind, OperationStatus, OperationView};
use noctule_domain::nas::Method;
use noctule_domain::subscriber::Subscriber;
use noctule_sim::nas::{What, code};

/// An operation that ended, and what stood before.
pub struct Seen<'a> {
    pub person: &'a Person,
    pub kind: OperationKind,
    pub force: bool,
    pub before: &'a Subscriber,
    pub after: &'a Subscriber,
    pub operation: &'a OperationView,
    /// Events of the NAS from this number on belong to this operation.
    pub since: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub operations: u64,
    pub acknowledged: u64,
    pub refused: u64,
    pub unanswered: u64,
    pub no_session: u64,
    pub not_sent: u64,
    /// Acknowledged, and the NAS does what was wanted.
    pub as_wished: u64,
    /// Acknowledged by a liar: the record says acknowledged, which is what happened, and no more.
    pub claimed_and_false: u64,
    /// Shown as unknown, and the NAS has done it.
    pub done_unseen: u64,
    /// A change that was carried out a second time.
    pub done_again: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.operations += other.operations;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.no_session += other.no_session;
        self.not_sent += other.not_sent;
        self.as_wished += other.as_wished;
        self.claimed_and_false += other.claimed_and_false;
        self.done_unseen += other.done_unseen;
        self.done_again += other.done_again;
    }
}

/// An answer that left the NAS for this person.
struct Left {
    at: Timestamp,
    code: u8,
    causes: Vec<u32>,
}

/// What the NAS did in the time of the operation.
struct Truth {
    answers: Vec<Left>,
    /// Sessions of the person that were changed or ended by a request.
    changes: u64,
    rebooted: bool,
    routes: bool,
    sessions: usize,
    has_prefix: bool,
}

impl World {
    fn truth(&self, seen: &Seen<'_>) -> Truth {
        let user = seen.person.username.as_str();
        let sessions = self.sim.sessions_of(user);
        let mut truth = Truth {
            answers: Vec::new(),
            changes: 0,
            rebooted: false,
            routes: self.sim.routes(user),
            sessions: sessions.len(),
            has_prefix: sessions.iter().all(|session| session.delegated_prefixes == [seen.person.prefix]),
        };
        let of = |named: &str| named == user || self.named_by_session(named, seen.person);
        for event in self.sim.events().into_iter().filter(|event| event.number >= seen.since) {
            match event.what {
                What::Answered { code, causes, named, .. } | What::AnsweredAgain { code, causes, named, .. } if of(&named) => {
                    truth.answers.push(Left { at: event.at, code, causes })
                }
                What::SessionChanged { username, .. } if username == user => truth.changes += 1,
                What::Rebooted => truth.rebooted = true,
                _ => {}
            }
        }
        truth
    }

    /// The session id that the store has of a person; a NAS that is asked by session id alone is asked by this one.
    fn named_by_session(&self, named: &str, person: &Person) -> bool {
        let number = person.username.trim_start_matches("user-").split('@').next().and_then(|n| n.parse().ok());
        number.is_some_and(|n| crate::world::session_id(n) == named)
    }

    /// Panics where the record says more than is true; counts what was met.
    pub fn judge(&self, seen: &Seen<'_>) -> Tally {
        let (operation, record) = (&seen.operation.operation, &seen.after.ipv6);
        let truth = self.truth(seen);
        let steps: Vec<String> =
            seen.operation.steps.iter().map(|step| format!("{} {}: {:?}", step.step, step.status, step.answer)).collect();
        let what = format!("{}: {} of {} (force {})", self.name, seen.kind, seen.person.username, seen.force);
        let told = format!(
            "{what}: {} with state {} and enforcement {} ({:?})\nbefore: {} {}\njournal: {steps:#?}\nanswers: {:?}",
            operation.status,
            record.state,
            record.enforcement,
            record.enforcement_note,
            seen.before.ipv6.state,
            seen.before.ipv6.enforcement,
            truth.answers.iter().map(|left| (left.at, left.code, &left.causes)).collect::<Vec<_>>(),
        );
        let mut tally = Tally { operations: 1, done_again: truth.changes.saturating_sub(1), ..Tally::default() };
        let (ack, nak) = match self.profile.method(seen.kind) {
            Method::DisconnectThenLogin => (code::DISCONNECT_ACK, code::DISCONNECT_NAK),
            _ => (code::COA_ACK, code::COA_NAK),
        };
        let authentic = |code: u8| truth.answers.iter().filter(move |left| self.weather.authentic() && left.code == code);
        assert!(!operation.status.is_open(), "still open: {told}");
        assert_eq!(record.prefix, Some(seen.person.prefix), "the prefix is lost: {told}");

        // Never said: that accounting showed it, or that it is only asked for when it has ended.
        assert!(!matches!(record.enforcement, Enforcement::Observed | Enforcement::Requested), "{told}");
        match record.enforcement {
            Enforcement::Acknowledged if operation.status != OperationStatus::Failed => {
                assert!(authentic(ack).next().is_some(), "no ACK left the NAS: {told}");
                tally.acknowledged = 1;
                self.acknowledged(seen, &truth, &told, &mut tally);
            }
            Enforcement::Refused if operation.status != OperationStatus::Failed => {
                assert!(authentic(nak).next().is_some(), "no NAK left the NAS: {told}");
                let causes: Vec<u32> = authentic(nak).flat_map(|left| left.causes.iter().copied()).collect();
                let note = record.enforcement_note.as_ref().map(|note| note.as_str().to_owned()).unwrap_or_default();
                let told_cause = causes.iter().any(|cause| note.contains(&cause.to_string()));
                assert!(told_cause || causes.is_empty() || note.contains("without"), "the cause is not told: {told}");
                tally.refused = 1;
            }
            Enforcement::Unanswered if operation.status != OperationStatus::Failed => {
                let asked_at = seen.operation.steps.iter().filter(|step| step.step.is_nas()).map(|step| step.started_at).max();
                let asked_at = asked_at.unwrap_or_else(|| panic!("nothing was asked: {told}"));
                // An answer that left in good time was there to be taken.
                let good_time = asked_at + chrono::Duration::from_std(PATIENCE / 2).expect("short");
                let missed = authentic(ack).chain(authentic(nak)).find(|left| left.at >= asked_at && left.at < good_time);
                assert!(missed.is_none(), "an answer that left at {:?} was not taken: {told}", missed.map(|left| left.at));
                tally.unanswered = 1;
                tally.done_unseen = u64::from(self.done(seen, &truth) && !self.was_done(seen));
            }
            Enforcement::None
                if operation.status == OperationStatus::Succeeded && seen.operation.steps.iter().any(|step| step.step.is_nas()) =>
            {
                let said = authentic(nak).any(|left| left.causes.contains(&503));
                assert!(said, "the NAS did not say that there is no session: {told}");
                assert!(truth.sessions == 0, "there is a session: {told}");
                tally.no_session = 1;
            }
            // Nothing could be sent: the record is as it was.
            _ => {
                assert_eq!(operation.status, OperationStatus::Failed, "{told}");
                assert_eq!(record.enforcement, seen.before.ipv6.enforcement, "{told}");
                tally.not_sent = 1;
            }
        }
        self.state(seen, &told);
        tally
    }

    /// The state moved only with a yes, with "no session", or by force.
    fn state(&self, seen: &Seen<'_>, told: &str) {
        let (operation, record) = (&seen.operation.operation, &seen.after.ipv6);
        let wanted = match seen.kind {
            OperationKind::Suspend => Ipv6State::Suspended,
            OperationKind::Revoke => Ipv6State::Revoked,
            _ => Ipv6State::Active,
        };
        let good = matches!(record.enforcement, Enforcement::Acknowledged | Enforcement::None);
        if operation.status == OperationStatus::Succeeded {
            assert_eq!(record.state, wanted, "{told}");
            assert!(good || seen.force, "a success without a yes: {told}");
        } else {
            let stays = if seen.kind == OperationKind::Revoke { Ipv6State::Revoking } else { seen.before.ipv6.state };
            assert_eq!(record.state, stays, "the state moved without a yes: {told}");
            assert!(operation.error.is_some(), "nothing is said: {told}");
        }
    }

    fn acknowledged(&self, seen: &Seen<'_>, truth: &Truth, told: &str, tally: &mut Tally) {
        let done = self.done(seen, truth);
        if self.sim.behaviour().lie_ack {
            tally.claimed_and_false = u64::from(!done);
            return;
        }
        // After a reboot there is no session for a change to be seen on.
        let lost_by_reboot = truth.rebooted && truth.sessions == 0;
        assert!(done || lost_by_reboot, "acknowledged, and not so on the NAS: {told}");
        tally.as_wished = u64::from(done);
    }

    /// True when the NAS is as the operation wants it.
    fn done(&self, seen: &Seen<'_>, truth: &Truth) -> bool {
        match (self.profile.method(seen.kind), seen.kind) {
            (Method::DisconnectThenLogin, _) => truth.sessions == 0,
            (_, OperationKind::Suspend) => !truth.routes,
            (Method::CoaPrefix, _) => truth.sessions > 0 && truth.has_prefix,
            _ => truth.sessions > 0 && truth.routes == truth.has_prefix,
        }
    }

    /// True when the NAS was so before as well: then nothing can be read from it.
    fn was_done(&self, seen: &Seen<'_>) -> bool {
        seen.before.ipv6.enforcement == Enforcement::Unanswered || self.weather == Weather::Reboots
    }
}
