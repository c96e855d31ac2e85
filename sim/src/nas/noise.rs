//! Datagrams that are not the answer: forged, damaged, of another request. A client must take none of them for it.

use super::behaviour::NoiseKind;
use super::packet::{Attribute, Sign, attr, code, write_answer};
use crate::dice::Dice;
use noctule_domain::secret::Secret;

/// What noise is made from: the real answer and the facts behind it.
pub(super) struct Real<'a> {
    pub bytes: &'a [u8],
    pub code: u8,
    pub identifier: u8,
    pub request_authenticator: &'a [u8; 16],
    pub attributes: &'a [Attribute],
    pub secret: &'a Secret,
    /// The NAS's clock, seconds since 1970.
    pub unix: i64,
}

pub(super) fn make(kind: NoiseKind, real: &Real<'_>, dice: &mut Dice) -> Vec<u8> {
    let signed = |code: u8, identifier: u8, attributes: &[Attribute], sign: Sign| {
        write_answer(code, identifier, real.request_authenticator, attributes, sign, real.secret).unwrap_or_default()
    };
    let forged = |code: u8, attributes: &[u8], dice: &mut Dice| {
        let mut out = vec![code, real.identifier, 0, (20 + attributes.len()) as u8];
        let mut authenticator = [0; 16];
        dice.fill(&mut authenticator);
        out.extend_from_slice(&authenticator);
        out.extend_from_slice(attributes);
        out
    };
    let (ack, nak, other_ack) = match real.code {
        code::COA_ACK | code::COA_NAK => (code::COA_ACK, code::COA_NAK, code::DISCONNECT_ACK),
        _ => (code::DISCONNECT_ACK, code::DISCONNECT_NAK, code::COA_ACK),
    };
    match kind {
        NoiseKind::ForgedAck => forged(ack, &[], dice),
        NoiseKind::ForgedNak => forged(nak, &[attr::ERROR_CAUSE, 6, 0, 0, 1, 0xf7], dice),
        NoiseKind::Garbage => {
            let mut out = vec![0; 1 + dice.below(200) as usize];
            dice.fill(&mut out);
            out
        }
        NoiseKind::Empty => Vec::new(),
        NoiseKind::WrongIdentifier => signed(real.code, real.identifier.wrapping_add(1 + dice.below(254) as u8), real.attributes, Sign::No),
        NoiseKind::WrongCode => signed(other_ack, real.identifier, real.attributes, Sign::No),
        NoiseKind::AccessAccept => signed(code::ACCESS_ACCEPT, real.identifier, real.attributes, Sign::No),
        NoiseKind::BitFlip => {
            let mut out = real.bytes.to_vec();
            if !out.is_empty() {
                let at = dice.below(out.len() as u64) as usize;
                out[at] ^= 1 << dice.below(8);
            }
            out
        }
        NoiseKind::Truncated => real.bytes[..real.bytes.len().saturating_sub(1 + dice.below(8) as usize)].to_vec(),
        NoiseKind::Oversize => {
            let mut out = real.bytes.to_vec();
            out.resize(5000, 0);
            out[2..4].copy_from_slice(&5000u16.to_be_bytes());
            out
        }
        NoiseKind::BadSignature => {
            let mut attributes = vec![Attribute::new(attr::MESSAGE_AUTHENTICATOR, [0x5a; 16])];
            attributes.extend_from_slice(real.attributes);
            signed(real.code, real.identifier, &attributes, Sign::No)
        }
        NoiseKind::Stale => {
            let mut attributes = real.attributes.to_vec();
            attributes.retain(|a| a.typ != attr::EVENT_TIMESTAMP);
            attributes.push(Attribute::integer(attr::EVENT_TIMESTAMP, u32::try_from(real.unix - 3600).unwrap_or(0)));
            signed(real.code, real.identifier, &attributes, Sign::No)
        }
    }
}
