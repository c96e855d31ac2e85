//! What a NAS makes of an authentic request: pure, from the packet, the behaviour and the sessions. Nothing is changed here; the
//! decision says what is to be.

use super::behaviour::{Behaviour, Several, Unlisted};
use super::packet::{Attribute, Packet, attr, code};
use super::prefix::decode_prefix;
use super::preset::vendor;
use super::session::{AttrKey, Change};
use super::table::{SessionTable, Slot};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What the NAS calls itself. `None` does not look at the attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NasIdentity {
    pub ipv4: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    pub identifier: Option<String>,
}

/// Attributes of RFC 5176 section 3 that name a session.
const IDENTIFICATION: &[u8] = &[
    attr::USER_NAME,
    attr::NAS_PORT,
    attr::FRAMED_IP_ADDRESS,
    attr::CALLED_STATION_ID,
    attr::CALLING_STATION_ID,
    attr::ACCT_SESSION_ID,
    attr::ACCT_MULTI_SESSION_ID,
    attr::NAS_PORT_ID,
    attr::CHARGEABLE_USER_IDENTITY,
    attr::FRAMED_INTERFACE_ID,
    attr::FRAMED_IPV6_PREFIX,
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// To be done to these sessions (by slot), then ACK.
    Coa {
        sessions: Vec<Slot>,
        changes: Vec<Change>,
    },
    Disconnect {
        sessions: Vec<Slot>,
    },
    /// NAK with this cause, and the attributes that go with it.
    Nak {
        cause: Option<u32>,
        with: Vec<Attribute>,
    },
}

fn nak(behaviour: &Behaviour, cause: u32) -> Verdict {
    // accel-ppp gives 403 and 503, and no other cause.
    let given = behaviour.gives_cause || matches!(cause, 403 | 503);
    Verdict::Nak { cause: given.then_some(cause), with: Vec::new() }
}

/// The sessions that all identification attributes of the request name; `None` when there is none such attribute.
pub(super) fn named(packet: &Packet, behaviour: &Behaviour, sessions: &SessionTable) -> Option<Vec<Slot>> {
    let keys: Vec<&Attribute> = packet.attributes.iter().filter(|a| behaviour.identify.contains(&a.typ) && !a.value.is_empty()).collect();
    let enough = behaviour.enough.is_empty() || keys.iter().any(|a| behaviour.enough.contains(&a.typ));
    if keys.is_empty() || !enough {
        return None;
    }
    let fits = |slot: &Slot| sessions.get(*slot).is_some_and(|s| keys.iter().all(|a| s.is_named_by(a.typ, &a.value)));
    let text = |typ| keys.iter().find(|a| a.typ == typ).map(|a| std::str::from_utf8(&a.value).unwrap_or_default());
    // The indexes only narrow the search; every attribute still has to fit.
    Some(match (text(attr::ACCT_SESSION_ID), text(attr::USER_NAME)) {
        (Some(id), _) => sessions.slot_of(id).into_iter().filter(fits).collect(),
        (None, Some(user)) => sessions.of_user(user).iter().copied().filter(fits).collect(),
        (None, None) => sessions.iter().map(|(slot, _)| slot).filter(fits).collect(),
    })
}

pub(super) fn decide(packet: &Packet, behaviour: &Behaviour, me: &NasIdentity, sessions: &SessionTable) -> Verdict {
    if !is_me(packet, me) {
        return nak(behaviour, 403);
    }
    let disconnect = packet.code == code::DISCONNECT_REQUEST;
    if let Some(verdict) = service_type(packet, behaviour, disconnect) {
        return verdict;
    }
    let changes = match changes(packet, behaviour, disconnect) {
        Ok(changes) => changes,
        Err(cause) => return nak(behaviour, cause),
    };
    let Some(mut hit) = named(packet, behaviour, sessions) else {
        return match behaviour.missing_cause {
            Some(cause) => nak(behaviour, cause),
            None => Verdict::Nak { cause: None, with: Vec::new() },
        };
    };
    match (hit.len(), behaviour.several) {
        (0, _) if behaviour.acks_strangers => {}
        (0, _) => return nak(behaviour, 503),
        (1, _) | (_, Several::All) => {}
        (_, Several::First) => hit.truncate(1),
        (_, Several::Refuse) => return nak(behaviour, 508),
        (n, Several::UpTo(most)) if n > most => return nak(behaviour, 501),
        (_, Several::UpTo(_)) => {}
    }
    if disconnect { Verdict::Disconnect { sessions: hit } } else { Verdict::Coa { sessions: hit, changes } }
}

fn is_me(packet: &Packet, me: &NasIdentity) -> bool {
    packet.attributes.iter().all(|a| match a.typ {
        attr::NAS_IP_ADDRESS => me.ipv4.is_none_or(|own| own.octets() == a.value.as_slice()),
        attr::NAS_IPV6_ADDRESS => me.ipv6.is_none_or(|own| own.octets() == a.value.as_slice()),
        attr::NAS_IDENTIFIER => me.identifier.as_ref().is_none_or(|own| own.as_bytes() == a.value),
        _ => true,
    })
}

/// Service-Type: Authorize-Only (17) with State gets NAK 507 and an Access-Request would follow; anything else is not supported.
fn service_type(packet: &Packet, behaviour: &Behaviour, disconnect: bool) -> Option<Verdict> {
    const AUTHORIZE_ONLY: u32 = 17;
    let given = packet.first(attr::SERVICE_TYPE)?;
    if disconnect {
        return Some(nak(behaviour, 401));
    }
    if given.as_u32() != Some(AUTHORIZE_ONLY) || !behaviour.authorize_only {
        return Some(nak(behaviour, 405));
    }
    match packet.first(attr::STATE) {
        None => Some(nak(behaviour, 402)),
        Some(state) => {
            let only_identification = packet.attributes.iter().all(|a| {
                is_neutral(a.typ) || is_nas_identification(a.typ) || a.typ == attr::SERVICE_TYPE || behaviour.identify.contains(&a.typ)
            });
            if !only_identification {
                return Some(nak(behaviour, 401));
            }
            Some(Verdict::Nak { cause: Some(507), with: vec![given.clone(), state.clone()] })
        }
    }
}

/// Attributes that neither name nor change anything. State is only echoed.
fn is_neutral(typ: u8) -> bool {
    matches!(typ, attr::PROXY_STATE | attr::MESSAGE_AUTHENTICATOR | attr::EVENT_TIMESTAMP | attr::STATE)
}

fn is_nas_identification(typ: u8) -> bool {
    matches!(typ, attr::NAS_IP_ADDRESS | attr::NAS_IPV6_ADDRESS | attr::NAS_IDENTIFIER)
}

/// The changes that a request asks for, or the cause why it can not be: all of them or none.
fn changes(packet: &Packet, behaviour: &Behaviour, disconnect: bool) -> Result<Vec<Change>, u32> {
    let mut out: Vec<Change> = Vec::new();
    let mut delegated = Vec::new();
    for attribute in &packet.attributes {
        let typ = attribute.typ;
        if is_neutral(typ) || is_nas_identification(typ) || behaviour.identify.contains(&typ) {
            continue;
        }
        if disconnect {
            // Only identification, and what RFC 5176 section 3.6 allows beside it.
            let allowed = matches!(typ, attr::REPLY_MESSAGE | attr::CLASS | attr::ACCT_TERMINATE_CAUSE);
            if !allowed && behaviour.unlisted == Unlisted::Refuse {
                return Err(401);
            }
            continue;
        }
        let parts = parts(attribute).ok_or(404u32)?;
        for (key, value) in parts {
            if behaviour.refuses.contains(&key) {
                return Err(401);
            }
            if behaviour.ignores.contains(&key) {
                continue;
            }
            if IDENTIFICATION.contains(&typ) || !behaviour.applies.contains(&key) {
                match behaviour.unlisted {
                    Unlisted::Refuse => return Err(401),
                    Unlisted::Ignore => continue,
                }
            }
            if key == AttrKey::standard(attr::DELEGATED_IPV6_PREFIX) {
                let prefix = decode_prefix(value).ok_or(407u32)?;
                let (from, to) = behaviour.prefix_lengths;
                if !(from..=to).contains(&prefix.prefix_len()) {
                    return Err(407);
                }
                delegated.push(prefix);
            } else {
                out.push(change(key, value)?);
            }
        }
    }
    if !delegated.is_empty() {
        out.push(Change::Delegated(delegated));
    }
    // Junos runs all deactivations of one CoA before the activations.
    out.sort_by_key(|c| matches!(c, Change::ServiceOn(_)));
    Ok(out)
}

/// One attribute as keys with values: several, for a vendor's attribute with several inside. `None` when its framing is broken.
fn parts(attribute: &Attribute) -> Option<Vec<(AttrKey, &[u8])>> {
    if attribute.typ != attr::VENDOR_SPECIFIC {
        return Some(vec![(AttrKey::standard(attribute.typ), &attribute.value)]);
    }
    let (id, mut rest) = attribute.value.split_first_chunk::<4>()?;
    let id = u32::from_be_bytes(*id);
    let mut out = Vec::new();
    while let [typ, length, tail @ ..] = rest {
        let size = usize::from(*length).checked_sub(2)?;
        out.push((AttrKey::vendor(id, *typ), tail.get(..size)?));
        rest = &tail[size..];
    }
    (rest.is_empty() && !out.is_empty()).then_some(out)
}

fn change(key: AttrKey, value: &[u8]) -> Result<Change, u32> {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).ok().filter(|t| !t.is_empty()).ok_or(407u32);
    // RFC 2868 section 3.1: a first octet up to 0x1f is a tag.
    let untagged = |value: &[u8]| match value {
        [tag, rest @ ..] if *tag <= 0x1f => text(rest),
        all => text(all),
    };
    let number = || if value.len() == 4 { Ok(()) } else { Err(407) };
    match (key.vendor, key.typ) {
        (None, attr::FILTER_ID) => text(value).map(Change::Filter),
        (None, attr::SESSION_TIMEOUT | attr::IDLE_TIMEOUT | attr::PORT_LIMIT) => number().map(|()| Change::Setting(key, value.to_vec())),
        (Some(vendor::MIKROTIK), vendor::MIKROTIK_RATE_LIMIT) => text(value).map(Change::Rate),
        (Some(vendor::JUNIPER), vendor::JUNIPER_ACTIVATE) => untagged(value).map(Change::ServiceOn),
        (Some(vendor::JUNIPER), vendor::JUNIPER_DEACTIVATE) => untagged(value).map(Change::ServiceOff),
        _ => Ok(Change::Setting(key, value.to_vec())),
    }
}
