//! RADIUS packets as the simulated NAS reads and writes them. Written apart from the client's codec, so that each is a check of the
//! other. No policy here: framing, authenticators, Message-Authenticator.

use super::NasError;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use noctule_domain::secret::Secret;
use subtle::ConstantTimeEq;

pub const HEADER: usize = 20;
/// RFC 2865 section 3.
pub const MAX_LENGTH: usize = 4096;

pub mod code {
    pub const ACCESS_ACCEPT: u8 = 2;
    pub const DISCONNECT_REQUEST: u8 = 40;
    pub const DISCONNECT_ACK: u8 = 41;
    pub const DISCONNECT_NAK: u8 = 42;
    pub const COA_REQUEST: u8 = 43;
    pub const COA_ACK: u8 = 44;
    pub const COA_NAK: u8 = 45;
}

/// Attribute types that the simulator knows by name.
pub mod attr {
    pub const USER_NAME: u8 = 1;
    pub const NAS_IP_ADDRESS: u8 = 4;
    pub const NAS_PORT: u8 = 5;
    pub const SERVICE_TYPE: u8 = 6;
    pub const FRAMED_IP_ADDRESS: u8 = 8;
    pub const FILTER_ID: u8 = 11;
    pub const REPLY_MESSAGE: u8 = 18;
    pub const STATE: u8 = 24;
    pub const CLASS: u8 = 25;
    pub const VENDOR_SPECIFIC: u8 = 26;
    pub const SESSION_TIMEOUT: u8 = 27;
    pub const IDLE_TIMEOUT: u8 = 28;
    pub const CALLED_STATION_ID: u8 = 30;
    pub const CALLING_STATION_ID: u8 = 31;
    pub const NAS_IDENTIFIER: u8 = 32;
    pub const PROXY_STATE: u8 = 33;
    pub const ACCT_SESSION_ID: u8 = 44;
    pub const ACCT_TERMINATE_CAUSE: u8 = 49;
    pub const ACCT_MULTI_SESSION_ID: u8 = 50;
    pub const EVENT_TIMESTAMP: u8 = 55;
    pub const PORT_LIMIT: u8 = 62;
    pub const MESSAGE_AUTHENTICATOR: u8 = 80;
    pub const NAS_PORT_ID: u8 = 87;
    pub const FRAMED_POOL: u8 = 88;
    pub const CHARGEABLE_USER_IDENTITY: u8 = 89;
    pub const NAS_IPV6_ADDRESS: u8 = 95;
    pub const FRAMED_INTERFACE_ID: u8 = 96;
    pub const FRAMED_IPV6_PREFIX: u8 = 97;
    pub const ERROR_CAUSE: u8 = 101;
    pub const DELEGATED_IPV6_PREFIX: u8 = 123;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub typ: u8,
    pub value: Vec<u8>,
}

impl Attribute {
    pub fn new(typ: u8, value: impl Into<Vec<u8>>) -> Self {
        Self { typ, value: value.into() }
    }

    pub fn integer(typ: u8, value: u32) -> Self {
        Self::new(typ, value.to_be_bytes())
    }

    pub fn as_u32(&self) -> Option<u32> {
        self.value.as_slice().try_into().ok().map(u32::from_be_bytes)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub code: u8,
    pub identifier: u8,
    pub authenticator: [u8; 16],
    pub attributes: Vec<Attribute>,
}

impl Packet {
    /// Reads a datagram: header, then attributes up to Length; octets beyond it are padding (RFC 2865 section 3).
    pub fn decode(datagram: &[u8]) -> Result<Self, NasError> {
        let body = cut(datagram)?;
        let mut attributes = Vec::new();
        let mut rest = &body[HEADER..];
        while let [typ, length, tail @ ..] = rest {
            let length = usize::from(*length);
            let value = length.checked_sub(2).ok_or(NasError::AttributeLength)?;
            if value > tail.len() {
                return Err(NasError::AttributeOverrun);
            }
            attributes.push(Attribute::new(*typ, &tail[..value]));
            rest = &tail[value..];
        }
        if !rest.is_empty() {
            return Err(NasError::AttributeOverrun);
        }
        let mut authenticator = [0; 16];
        authenticator.copy_from_slice(&body[4..HEADER]);
        Ok(Self { code: body[0], identifier: body[1], authenticator, attributes })
    }

    /// The bytes, with the authenticator as it stands in the struct.
    pub fn encode(&self) -> Result<Vec<u8>, NasError> {
        let mut out = vec![self.code, self.identifier, 0, 0];
        out.extend_from_slice(&self.authenticator);
        for attribute in &self.attributes {
            let length = u8::try_from(attribute.value.len() + 2).map_err(|_| NasError::TooLong)?;
            out.push(attribute.typ);
            out.push(length);
            out.extend_from_slice(&attribute.value);
        }
        if out.len() > MAX_LENGTH {
            return Err(NasError::TooLong);
        }
        let length = (out.len() as u16).to_be_bytes();
        out[2..4].copy_from_slice(&length);
        Ok(out)
    }

    pub fn all(&self, typ: u8) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(move |a| a.typ == typ)
    }

    pub fn first(&self, typ: u8) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.typ == typ)
    }
}

/// The datagram up to its Length.
fn cut(datagram: &[u8]) -> Result<&[u8], NasError> {
    if datagram.len() < HEADER {
        return Err(NasError::Short);
    }
    let length = usize::from(u16::from_be_bytes([datagram[2], datagram[3]]));
    match length {
        l if l < HEADER => Err(NasError::LengthBelow20),
        l if l > MAX_LENGTH => Err(NasError::LengthOver4096),
        l => datagram.get(..l).ok_or(NasError::Truncated),
    }
}

/// MD5 over code, identifier, length, `vector`, attributes and secret: the Request Authenticator with sixteen zeros as `vector` (RFC 5176
/// section 2.3), the Response Authenticator with that of the request.
fn authenticator(packet: &[u8], vector: &[u8; 16], secret: &Secret) -> [u8; 16] {
    let mut hash = Md5::new();
    hash.update(&packet[..4]);
    hash.update(vector);
    hash.update(&packet[HEADER..]);
    hash.update(secret.expose());
    hash.finalize().into()
}

/// HMAC-MD5 over the packet with `vector` in place of the authenticator and the Message-Authenticator's own value zeroed.
fn message_authenticator(packet: &[u8], vector: &[u8; 16], value_at: usize, secret: &Secret) -> Option<[u8; 16]> {
    let mut mac = Hmac::<Md5>::new_from_slice(secret.expose()).ok()?;
    mac.update(&packet[..4]);
    mac.update(vector);
    mac.update(&packet[HEADER..value_at]);
    mac.update(&[0; 16]);
    mac.update(packet.get(value_at + 16..)?);
    Some(mac.finalize().into_bytes().into())
}

/// Where the value of the one Message-Authenticator stands; an error when there are two, or one of the wrong length.
fn find_message_authenticator(packet: &[u8]) -> Result<Option<usize>, NasError> {
    let (mut at, mut found) = (HEADER, None);
    while at + 1 < packet.len() {
        let length = usize::from(packet[at + 1]).max(2);
        if packet[at] == attr::MESSAGE_AUTHENTICATOR && (length != 18 || found.replace(at + 2).is_some()) {
            return Err(NasError::MessageAuthenticator);
        }
        at += length;
    }
    Ok(found)
}

/// Reads a request and checks that who sent it has the secret. `check_signature` off leaves Message-Authenticator unread, as accel-ppp does.
pub fn read_request(datagram: &[u8], secret: &Secret, check_signature: bool, require_signature: bool) -> Result<Packet, NasError> {
    let packet = Packet::decode(datagram)?;
    let body = cut(datagram)?;
    if !matches!(packet.code, code::DISCONNECT_REQUEST | code::COA_REQUEST) {
        return Err(NasError::UnexpectedCode);
    }
    let expected = authenticator(body, &[0; 16], secret);
    if !bool::from(expected.ct_eq(&packet.authenticator)) {
        return Err(NasError::RequestAuthenticator);
    }
    if check_signature {
        match find_message_authenticator(body)? {
            Some(at) => {
                let expected = message_authenticator(body, &[0; 16], at, secret).ok_or(NasError::MessageAuthenticator)?;
                if !bool::from(expected.ct_eq(&body[at..at + 16])) {
                    return Err(NasError::MessageAuthenticator);
                }
            }
            None if require_signature => return Err(NasError::Unsigned),
            None => {}
        }
    }
    Ok(packet)
}

/// How answers are signed with Message-Authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sign {
    #[default]
    No,
    /// RFC 5176 section 3.4: over the Request Authenticator.
    Rfc,
    /// Over sixteen zeros: what FreeRADIUS before 3.2.4 does. By the standard such an answer is dropped.
    Zero,
}

/// The bytes of an answer, signed and with its Response Authenticator.
pub fn write_answer(
    code: u8,
    identifier: u8,
    request_authenticator: &[u8; 16],
    attributes: &[Attribute],
    sign: Sign,
    secret: &Secret,
) -> Result<Vec<u8>, NasError> {
    let mut all = Vec::with_capacity(attributes.len() + 1);
    if sign != Sign::No {
        all.push(Attribute::new(attr::MESSAGE_AUTHENTICATOR, [0; 16]));
    }
    all.extend_from_slice(attributes);
    let mut out = Packet { code, identifier, authenticator: [0; 16], attributes: all }.encode()?;
    if sign != Sign::No {
        let vector = if sign == Sign::Rfc { request_authenticator } else { &[0; 16] };
        let mac = message_authenticator(&out, vector, HEADER + 2, secret).ok_or(NasError::MessageAuthenticator)?;
        out[HEADER + 2..HEADER + 18].copy_from_slice(&mac);
    }
    let authenticator = authenticator(&out, request_authenticator, secret);
    out[4..HEADER].copy_from_slice(&authenticator);
    Ok(out)
}

/// A request with its authenticator: for tests, and for tools that ask a NAS without the client.
pub fn write_request(code: u8, identifier: u8, attributes: &[Attribute], signed: bool, secret: &Secret) -> Result<Vec<u8>, NasError> {
    let mut all = Vec::with_capacity(attributes.len() + 1);
    if signed {
        all.push(Attribute::new(attr::MESSAGE_AUTHENTICATOR, [0; 16]));
    }
    all.extend_from_slice(attributes);
    let mut out = Packet { code, identifier, authenticator: [0; 16], attributes: all }.encode()?;
    if signed {
        let mac = message_authenticator(&out, &[0; 16], HEADER + 2, secret).ok_or(NasError::MessageAuthenticator)?;
        out[HEADER + 2..HEADER + 18].copy_from_slice(&mac);
    }
    let authenticator = authenticator(&out, &[0; 16], secret);
    out[4..HEADER].copy_from_slice(&authenticator);
    Ok(out)
}

/// True when `answer` is an authentic answer to `request` (both whole datagrams): for tests.
pub fn is_authentic_answer(answer: &[u8], request: &[u8], secret: &Secret) -> bool {
    let (Ok(answer), Ok(request)) = (cut(answer), cut(request)) else { return false };
    let mut vector = [0; 16];
    vector.copy_from_slice(&request[4..HEADER]);
    if answer[1] != request[1] || !bool::from(authenticator(answer, &vector, secret).ct_eq(&answer[4..HEADER])) {
        return false;
    }
    match find_message_authenticator(answer) {
        Ok(None) => true,
        Ok(Some(at)) => message_authenticator(answer, &vector, at, secret).is_some_and(|mac| mac == answer[at..at + 16]),
        Err(_) => false,
    }
}
