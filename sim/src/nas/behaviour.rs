//! The knobs of a simulated NAS: how it decides, how it errs, how slow it is. Plain data; presets are in `preset`.

use super::packet::Sign;
use super::session::AttrKey;
use crate::dice::Dice;
use std::collections::BTreeSet;
use std::time::Duration;

/// How a NAS behaves. Every field may be changed while it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    // --- what it understands
    /// Identification attributes that this NAS looks at.
    pub identify: BTreeSet<u8>,
    /// Of `identify`, those that are enough on their own; a request without any of them is refused with `missing_cause`. Empty: any will do.
    pub enough: BTreeSet<u8>,
    /// Error-Cause when no session is named; `None` is a NAK without a cause.
    pub missing_cause: Option<u32>,
    /// Change attributes that are carried out.
    pub applies: BTreeSet<AttrKey>,
    pub unlisted: Unlisted,
    /// Change attributes that get NAK 401 even where others are ignored.
    pub refuses: BTreeSet<AttrKey>,
    /// Change attributes that are acknowledged but never carried out.
    pub ignores: BTreeSet<AttrKey>,
    /// ACK, and nothing is carried out: neither change nor disconnect.
    pub lie_ack: bool,
    /// ACK for a session that this NAS does not have: for a simulator without sessions of its own.
    pub acks_strangers: bool,
    pub several: Several,
    /// NAKs carry an Error-Cause (accel-ppp, JunosE and old FreeRADIUS often give none, but for 403 and 503).
    pub gives_cause: bool,
    pub authorize_only: bool,
    /// Delegated lengths that can be set; outside them NAK 407.
    pub prefix_lengths: (u8, u8),
    /// A session with a filter, service, rate or profile whose name contains one of these words does not route.
    pub blocking_words: Vec<String>,

    // --- who may ask
    pub check_message_authenticator: bool,
    pub require_message_authenticator: bool,
    /// Packets whose Event-Timestamp is further off are dropped; `None` does not look.
    pub timestamp_window: Option<Duration>,
    /// Added to the NAS's own clock, seconds.
    pub clock_offset_s: i64,

    // --- repeats
    pub dup: Dup,
    /// How long an answer is kept and an identifier remembered.
    pub dup_window: Duration,
    /// RFC 5176 section 6.3: an identifier of a source port is taken once within the window, so at most 256 requests in it.
    pub strict_window: bool,
    /// A second request for a session that is being worked on is dropped without answer.
    pub one_per_session: bool,

    // --- scripted refusals beside the script of a session
    pub nak_probability: f64,
    pub nak_causes: Vec<u32>,

    // --- load and loss
    pub down: bool,
    /// Share of requests lost before the NAS sees them.
    pub drop_in: f64,
    /// Share of answers lost after the NAS has done the work.
    pub drop_out: f64,
    /// From arrival to the change of the session.
    pub delay: Delay,
    /// From the change to the answer's leaving.
    pub answer_delay: Delay,
    /// One request at a time: each waits for the one before.
    pub serial: bool,
    /// Requests under work or waiting; more are dropped.
    pub queue: usize,
    pub pps: Option<PpsLimit>,

    // --- answers
    pub sign: Sign,
    /// Put Event-Timestamp into answers.
    pub stamp_answers: bool,
    /// Answers leave from the second socket.
    pub reply_from_other: bool,
    pub noise: Noise,

    // --- after a Disconnect
    /// From the ACK to the session's end.
    pub teardown_delay: Duration,
    /// The subscriber logs in again so long after the session ended; `None` is never.
    pub relogin: Option<Delay>,
}

/// What becomes of a change attribute that is in neither list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// NAK 401, nothing changed: what RFC 5176 asks for.
    Refuse,
    /// Acknowledged and not looked at.
    Ignore,
}

/// When the identification fits several sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Several {
    /// NAK 508.
    Refuse,
    /// All or none.
    All,
    /// All up to so many, else NAK 501.
    UpTo(usize),
    First,
}

/// Detection of duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dup {
    /// A repeat of an answered request gets the kept answer, one under work is dropped (RFC 5080 section 2.2.2).
    Strict,
    /// A repeat under work is dropped; after the answer it is done again.
    Inflight,
    /// Each copy is done again.
    None,
}

/// A distribution of delays.
#[derive(Debug, Clone, PartialEq)]
pub enum Delay {
    None,
    Fixed(Duration),
    Between(Duration, Duration),
    /// Mostly the first, with this probability the second: a NAS that hangs now and then.
    Tail {
        usual: Duration,
        rare: Duration,
        probability: f64,
    },
}

impl Delay {
    pub(super) fn draw(&self, dice: &mut Dice) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Fixed(d) => *d,
            Self::Between(from, to) => *from + to.saturating_sub(*from).mul_f64(dice.unit()),
            Self::Tail { usual, rare, probability } => {
                if dice.chance(*probability) {
                    *rare
                } else {
                    *usual
                }
            }
        }
    }
}

/// A limit of requests per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PpsLimit {
    pub per_second: u32,
    pub over: Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Silence,
    /// NAK with Error-Cause 506.
    Nak506,
}

/// Datagrams that are not the answer, around it or in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Noise {
    pub before: Vec<NoiseKind>,
    pub after: Vec<NoiseKind>,
    /// Sent in place of the answer.
    pub instead: Option<NoiseKind>,
    /// Octets after the end of the real answer: to be ignored by the receiver.
    pub padding: usize,
}

impl Noise {
    /// Every kind before and after the real answer.
    pub fn all_around() -> Self {
        Self { before: NoiseKind::ALL.to_vec(), after: NoiseKind::ALL.to_vec(), instead: None, padding: 3 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoiseKind {
    /// An ACK with a made-up authenticator: what a forger without the secret can send.
    ForgedAck,
    /// A NAK 503 with a made-up authenticator.
    ForgedNak,
    Garbage,
    Empty,
    /// The real answer with another identifier, rightly authenticated.
    WrongIdentifier,
    /// An ACK of the other kind, rightly authenticated.
    WrongCode,
    /// The real answer as Access-Accept, rightly authenticated.
    AccessAccept,
    BitFlip,
    Truncated,
    /// A Length of 5000.
    Oversize,
    /// The real answer with a wrong Message-Authenticator under a right authenticator.
    BadSignature,
    /// The real answer with an Event-Timestamp of an hour ago.
    Stale,
}

impl NoiseKind {
    pub const ALL: &'static [Self] = &[
        Self::ForgedAck,
        Self::ForgedNak,
        Self::Garbage,
        Self::Empty,
        Self::WrongIdentifier,
        Self::WrongCode,
        Self::AccessAccept,
        Self::BitFlip,
        Self::Truncated,
        Self::Oversize,
        Self::BadSignature,
        Self::Stale,
    ];
}

/// What the next requests that name one session get, instead of the natural answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scripted {
    /// Dropped; nothing is done.
    Silence,
    /// Done, but no answer leaves.
    DoneInSilence,
    /// NAK with these causes: none, one, two, unknown ones. Nothing is done.
    Nak(Vec<u32>),
    /// NAK with one Error-Cause of these raw octets.
    NakRaw(Vec<u8>),
    /// ACK with these causes, done (201: residual context removed).
    AckWith(Vec<u32>),
    /// ACK; nothing is done.
    LieAck,
    /// The natural answer, so much later.
    Slow(Duration),
    /// The natural answer: holds a place in a sequence.
    Natural,
}
