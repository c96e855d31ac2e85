//! The packet codec: `build` makes the bytes of a request, `judge` says whether a datagram is the answer to it, raw attributes in and out.
//! The crate `radius` does the framing; authenticators, Message-Authenticator and judging are ours. It knows no socket and no clock,
//! and the crate never sees the secret, because it would keep copies of it.

use super::attribute::{Attribute, MAX_VALUE, kind};
use super::error::RadiusError;
use ::radius::core::{avp::AVP, code::Code, packet::Packet};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use noctule_domain::nas::SignedAnswers;
use noctule_domain::radius::ErrorCause;
use noctule_domain::secret::Secret;
use noctule_domain::words;
use subtle::ConstantTimeEq;

const HEADER: usize = 20;
pub const MAX_PACKET: usize = 4096;
/// How far an Event-Timestamp may be from now, seconds (RFC 5176 section 6.3).
pub const TIMESTAMP_WINDOW: i64 = 300;

words!(
    /// Why a datagram was dropped, or what was odd about one that was accepted.
    Reason {
        Short = "short",
        LengthBelow20 = "length_below_20",
        LengthOver4096 = "length_over_4096",
        Truncated = "truncated",
        Padding = "padding",
        AttrLen0 = "attr_len_0",
        AttrLen1 = "attr_len_1",
        AttrOverrun = "attr_overrun",
        AttrEmpty = "attr_empty",
        BadRequestAuthenticator = "bad_request_authenticator",
        BadResponseAuthenticator = "bad_response_authenticator",
        BadMessageAuthenticator = "bad_message_authenticator",
        TwoMessageAuthenticators = "two_message_authenticators",
        /// The profile demands signed answers and this one is not.
        NoMessageAuthenticator = "no_message_authenticator",
        WrongIdentifier = "wrong_identifier",
        UnexpectedCode = "unexpected_code",
        StaleEventTimestamp = "stale_event_timestamp",
        BadPrefix = "bad_prefix",
        PrefixHostBits = "prefix_host_bits",
        BadErrorCause = "bad_error_cause",
        UnknownErrorCause = "unknown_error_cause",
        TwoErrorCauses = "two_error_causes",
        OddCauseInAck = "odd_cause_in_ack",
        OddCauseInNak = "odd_cause_in_nak",
    }
);

words!(RequestKind { Coa = "CoA-Request", Disconnect = "Disconnect-Request" });

impl RequestKind {
    pub const fn code(self) -> u8 {
        match self {
            Self::Coa => 43,
            Self::Disconnect => 40,
        }
    }

    fn crate_code(self) -> Code {
        match self {
            Self::Coa => Code::CoARequest,
            Self::Disconnect => Code::DisconnectRequest,
        }
    }
}

/// A request to build.
pub struct Outgoing<'a> {
    pub kind: RequestKind,
    pub identifier: u8,
    pub attributes: &'a [Attribute],
    /// Put a Message-Authenticator first.
    pub sign: bool,
    /// Seconds since 1970, appended as Event-Timestamp. A repeat sends the same bytes again, so it is never refreshed.
    pub event_timestamp: Option<u32>,
}

/// The bytes of a request. A Message-Authenticator among the attributes is a place holder: its value is computed here.
pub fn build(out: &Outgoing<'_>, secret: &Secret) -> Result<Vec<u8>, RadiusError> {
    let mut len = HEADER + if out.sign { 18 } else { 0 } + if out.event_timestamp.is_some() { 6 } else { 0 };
    for attribute in out.attributes {
        if attribute.value.len() > MAX_VALUE {
            return Err(RadiusError::AttributeTooLong { kind: attribute.kind, len: attribute.value.len(), max: MAX_VALUE });
        }
        len += 2 + attribute.value.len();
    }
    // The crate counts in u16 and would wrap: the size is settled before it is called.
    if len > MAX_PACKET {
        return Err(RadiusError::PacketTooLong { len });
    }
    let mut packet = Packet::new_with_identifier(out.kind.crate_code(), b"", out.identifier);
    if out.sign {
        packet.add(AVP::from_bytes(kind::MESSAGE_AUTHENTICATOR, &[0; 16]));
    }
    for attribute in out.attributes {
        packet.add(AVP::from_bytes(attribute.kind, &attribute.value));
    }
    if let Some(at) = out.event_timestamp {
        packet.add(AVP::from_u32(kind::EVENT_TIMESTAMP, at));
    }
    let mut bytes = packet.encode().map_err(|_| RadiusError::PacketTooLong { len })?;
    let place = Attributes(&bytes[HEADER..]).flatten().find(|a| a.kind == kind::MESSAGE_AUTHENTICATOR).map(|a| bytes.len() - a.left + 2);
    if let Some(at) = place {
        if bytes.len() < at + 16 {
            return Err(RadiusError::Malformed { kind: kind::MESSAGE_AUTHENTICATOR, what: "Message-Authenticator" });
        }
        // In requests the authenticator field counts as zeros (RFC 5176 section 3.4), and this comes before the packet's own.
        let mac = message_authenticator(&bytes, at, &[0; 16], secret);
        bytes[at..at + 16].copy_from_slice(&mac);
    }
    let authenticator = digest(&bytes, &[0; 16], secret);
    bytes[4..HEADER].copy_from_slice(&authenticator);
    Ok(bytes)
}

/// A Status-Server (RFC 5997): asks a RADIUS server whether it lives, and changes nothing. `random` is its authenticator; it is signed.
pub fn status_server(identifier: u8, random: &[u8; 16], secret: &Secret) -> Vec<u8> {
    const LEN: u8 = (HEADER + 18) as u8;
    let mut bytes = vec![12, identifier, 0, LEN];
    bytes.extend_from_slice(random);
    bytes.extend_from_slice(&[kind::MESSAGE_AUTHENTICATOR, 18]);
    bytes.extend_from_slice(&[0; 16]);
    let mac = message_authenticator(&bytes, HEADER + 2, random, secret);
    bytes[HEADER + 2..].copy_from_slice(&mac);
    bytes
}

/// What an answer is held against: the head of the request that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub code: u8,
    pub identifier: u8,
    pub authenticator: [u8; 16],
}

impl Asked {
    /// `None` for bytes that are no request.
    pub fn of(request: &[u8]) -> Option<Self> {
        let head = request.first_chunk::<HEADER>()?;
        let mut authenticator = [0; 16];
        authenticator.copy_from_slice(&head[4..]);
        Some(Self { code: head[0], identifier: head[1], authenticator })
    }

    /// The codes that answer this request: (yes, no).
    fn answers(self) -> (&'static [u8], &'static [u8]) {
        match self.code {
            1 => (&[2], &[3, 11]),
            4 => (&[5], &[]),
            12 => (&[2, 5], &[]),
            40 => (&[41], &[42]),
            43 => (&[44], &[45]),
            _ => (&[], &[]),
        }
    }
}

/// An authentic answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub ack: bool,
    pub causes: Vec<ErrorCause>,
    /// Oddities that do not make it less authentic.
    pub remarks: Vec<Reason>,
}

/// Judges a datagram as an answer to `asked`. `Err` means: drop it without a word and keep waiting.
///
/// The order is fixed: nothing behind the Response Authenticator is looked at before that has been found right.
pub fn judge(datagram: &[u8], asked: &Asked, secret: &Secret, signed: SignedAnswers, now_unix: i64) -> Result<Answer, Reason> {
    let mut remarks = Vec::new();
    let bytes = cut(datagram, &mut remarks)?;
    if bytes[1] != asked.identifier {
        return Err(Reason::WrongIdentifier);
    }
    let (yes, no) = asked.answers();
    let ack = yes.contains(&bytes[0]);
    if !ack && !no.contains(&bytes[0]) {
        return Err(Reason::UnexpectedCode);
    }
    if !same(&digest(bytes, &asked.authenticator, secret), &bytes[4..HEADER]) {
        return Err(Reason::BadResponseAuthenticator);
    }
    let seen = scan(bytes, &mut remarks)?;
    match check_signature(bytes, &seen, &asked.authenticator, secret)? {
        Signature::Absent if signed == SignedAnswers::Required => return Err(Reason::NoMessageAuthenticator),
        _ => {}
    }
    check_timestamps(&seen, now_unix)?;
    let causes = error_causes(bytes, ack, &mut remarks)?;
    Ok(Answer { ack, causes, remarks })
}

/// Judges a datagram as a NAS would judge a request of ours. Used against the test vectors and by fake NASes in tests.
pub fn judge_request(datagram: &[u8], secret: &Secret, now_unix: i64) -> Result<(RequestKind, Vec<Attribute>), Reason> {
    let mut remarks = Vec::new();
    let bytes = cut(datagram, &mut remarks)?;
    let kind = RequestKind::ALL.iter().copied().find(|kind| kind.code() == bytes[0]).ok_or(Reason::UnexpectedCode)?;
    if !same(&digest(bytes, &[0; 16], secret), &bytes[4..HEADER]) {
        return Err(Reason::BadRequestAuthenticator);
    }
    let seen = scan(bytes, &mut remarks)?;
    check_signature(bytes, &seen, &[0; 16], secret)?;
    check_timestamps(&seen, now_unix)?;
    Ok((kind, attributes(bytes)?))
}

/// The attributes of a packet in wire order, unchecked beyond their framing.
pub fn attributes(datagram: &[u8]) -> Result<Vec<Attribute>, Reason> {
    let bytes = cut(datagram, &mut Vec::new())?;
    Attributes(&bytes[HEADER..]).map(|found| found.map(|a| Attribute { kind: a.kind, value: a.value.to_vec() })).collect()
}

/// The authentic part of a datagram: what its Length field covers.
fn cut<'a>(datagram: &'a [u8], remarks: &mut Vec<Reason>) -> Result<&'a [u8], Reason> {
    if datagram.len() < HEADER {
        return Err(Reason::Short);
    }
    let len = usize::from(u16::from_be_bytes([datagram[2], datagram[3]]));
    if len < HEADER {
        return Err(Reason::LengthBelow20);
    }
    if len > MAX_PACKET {
        return Err(Reason::LengthOver4096);
    }
    let bytes = datagram.get(..len).ok_or(Reason::Truncated)?;
    if datagram.len() > len {
        remarks.push(Reason::Padding);
    }
    Ok(bytes)
}

/// Walks attributes, says what is wrong with the first that does not fit, and ends there.
struct Attributes<'a>(&'a [u8]);

struct Found<'a> {
    kind: u8,
    value: &'a [u8],
    /// Octets from the type octet of this attribute to the end of the packet.
    left: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Found<'a>, Reason>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0;
        let found = match *rest {
            [] => return None,
            [_] => Err(Reason::AttrOverrun),
            [_, 0, ..] => Err(Reason::AttrLen0),
            [_, 1, ..] => Err(Reason::AttrLen1),
            [kind, len, ..] => match rest.get(2..usize::from(len)) {
                Some(value) => Ok(Found { kind, value, left: rest.len() }),
                None => Err(Reason::AttrOverrun),
            },
        };
        self.0 = match &found {
            Ok(found) => &rest[2 + found.value.len()..],
            Err(_) => &[],
        };
        Some(found)
    }
}

/// What the checks need to know of the attributes.
#[derive(Default)]
struct Seen {
    signatures: usize,
    /// Offset of the first Message-Authenticator's value and its length.
    signature: Option<(usize, usize)>,
    timestamps: Vec<Option<u32>>,
}

fn scan(bytes: &[u8], remarks: &mut Vec<Reason>) -> Result<Seen, Reason> {
    let mut seen = Seen::default();
    for found in Attributes(&bytes[HEADER..]) {
        let found = found?;
        if found.value.is_empty() && !remarks.contains(&Reason::AttrEmpty) {
            remarks.push(Reason::AttrEmpty);
        }
        match found.kind {
            kind::MESSAGE_AUTHENTICATOR => {
                seen.signatures += 1;
                seen.signature.get_or_insert((bytes.len() - found.left + 2, found.value.len()));
            }
            kind::EVENT_TIMESTAMP => seen.timestamps.push(found.value.try_into().ok().map(u32::from_be_bytes)),
            _ => {}
        }
    }
    Ok(seen)
}

enum Signature {
    Absent,
    Right,
}

fn check_signature(bytes: &[u8], seen: &Seen, authenticator: &[u8; 16], secret: &Secret) -> Result<Signature, Reason> {
    match (seen.signatures, seen.signature) {
        (0, _) | (_, None) => Ok(Signature::Absent),
        (1, Some((at, 16))) if same(&message_authenticator(bytes, at, authenticator, secret), &bytes[at..at + 16]) => Ok(Signature::Right),
        (1, Some(_)) => Err(Reason::BadMessageAuthenticator),
        _ => Err(Reason::TwoMessageAuthenticators),
    }
}

/// A timestamp that is out of the window, or cannot be read, may belong to a replay.
fn check_timestamps(seen: &Seen, now_unix: i64) -> Result<(), Reason> {
    let fresh = |at: &Option<u32>| at.is_some_and(|at| now_unix.abs_diff(i64::from(at)) <= TIMESTAMP_WINDOW.unsigned_abs());
    if seen.timestamps.iter().all(fresh) { Ok(()) } else { Err(Reason::StaleEventTimestamp) }
}

fn error_causes(bytes: &[u8], ack: bool, remarks: &mut Vec<Reason>) -> Result<Vec<ErrorCause>, Reason> {
    if bytes.len() == HEADER {
        return Ok(Vec::new());
    }
    // Only framed packets come here, and the crate's framing rules are ours (a property test holds them against each other).
    let packet = Packet::decode(bytes, b"").map_err(|_| Reason::AttrOverrun)?;
    let mut causes = Vec::new();
    for avp in packet.lookup_all(kind::ERROR_CAUSE) {
        let Ok(number) = avp.encode_u32() else {
            remarks.push(Reason::BadErrorCause);
            continue;
        };
        let cause = ErrorCause(number);
        if cause.name().is_none() {
            remarks.push(Reason::UnknownErrorCause);
        }
        match (ack, number) {
            (true, 300..) => remarks.push(Reason::OddCauseInAck),
            (false, 200..=299) => remarks.push(Reason::OddCauseInNak),
            _ => {}
        }
        causes.push(cause);
    }
    if causes.len() > 1 {
        remarks.push(Reason::TwoErrorCauses);
    }
    Ok(causes)
}

fn digest(bytes: &[u8], authenticator: &[u8; 16], secret: &Secret) -> [u8; 16] {
    let mut md5 = Md5::new();
    md5.update(&bytes[..4]);
    md5.update(authenticator);
    md5.update(&bytes[HEADER..]);
    md5.update(secret.expose());
    md5.finalize().into()
}

/// HMAC-MD5 over the packet with its own value zeroed and `authenticator` in the header.
fn message_authenticator(bytes: &[u8], at: usize, authenticator: &[u8; 16], secret: &Secret) -> [u8; 16] {
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(secret.expose()) else { unreachable!("HMAC takes keys of every length") };
    mac.update(&bytes[..4]);
    mac.update(authenticator);
    mac.update(&bytes[HEADER..at]);
    mac.update(&[0; 16]);
    mac.update(&bytes[at + 16..]);
    mac.finalize().into_bytes().into()
}

fn same(ours: &[u8; 16], theirs: &[u8]) -> bool {
    ours.as_slice().ct_eq(theirs).into()
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
