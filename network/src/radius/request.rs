//! Builds the attributes of a request from what the profile says, the NAS registry and the subscriber row; never from free text.
//! It sends nothing: a request that cannot be made right is refused here in words.

use super::attribute::{Attribute, kind};
use super::codec::RequestKind;
use super::error::RadiusError;
use super::template::resolve;
use crate::upstream::{NasAsk, Purpose};
use noctule_domain::SafeText;
use noctule_domain::nas::{AttributeTemplate, Identify, IdentifyBy, Method, Nas, NasProfile};
use noctule_domain::subscriber::Subscriber;
use std::net::IpAddr;

/// A request ready for the engine, and its words for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pub request: super::engine::Request,
    pub words: SafeText,
}

/// Makes the request for `ask`. One session's requests share the key, by user name, so that they leave in order.
pub fn prepare(ask: &NasAsk, profile: &NasProfile, nas: &Nas, subscriber: &Subscriber) -> Result<Prepared, RadiusError> {
    let kind = if ask.disconnect { RequestKind::Disconnect } else { RequestKind::Coa };
    let mut list = Named::new(kind);
    identify(&mut list, ask, profile, nas, subscriber)?;
    // A Disconnect-Request holds identification only; anything else is refused by the NAS with 401 (RFC 5176 section 3.6).
    if kind == RequestKind::Coa {
        change(&mut list, ask.purpose, profile, nas, subscriber)?;
    }
    Ok(list.finish(subscriber.username.as_str().to_owned()))
}

/// The request of [`super::RadiusClient::probe`]: a Disconnect for a session that cannot exist, without user name.
pub fn prepare_probe(session_id: &str, profile: &NasProfile, nas: &Nas) -> Result<Prepared, RadiusError> {
    let mut list = Named::new(RequestKind::Disconnect);
    list.text("Acct-Session-Id", kind::ACCT_SESSION_ID, session_id)?;
    identify_nas(&mut list, profile, nas)?;
    Ok(list.finish(session_id.to_owned()))
}

/// The attributes by which the profile names the NAS itself.
pub fn nas_identification(profile: &NasProfile, nas: &Nas) -> Result<Vec<Attribute>, RadiusError> {
    let mut list = Named::new(RequestKind::Disconnect);
    identify_nas(&mut list, profile, nas)?;
    Ok(list.attributes)
}

struct Named {
    kind: RequestKind,
    attributes: Vec<Attribute>,
    words: String,
}

impl Named {
    fn new(kind: RequestKind) -> Self {
        Self { kind, attributes: Vec::new(), words: kind.word().to_owned() }
    }

    fn push(&mut self, name: &str, shown: &str, attribute: Attribute) {
        self.words.push_str(&format!(" {name}={shown}"));
        self.attributes.push(attribute);
    }

    fn text(&mut self, name: &str, kind: u8, text: &str) -> Result<(), RadiusError> {
        self.push(name, text, Attribute::text(kind, text)?);
        Ok(())
    }

    fn finish(self, session_key: String) -> Prepared {
        let request = super::engine::Request { kind: self.kind, attributes: self.attributes, session_key };
        Prepared { request, words: SafeText::from(self.words) }
    }
}

fn identify(list: &mut Named, ask: &NasAsk, profile: &NasProfile, nas: &Nas, subscriber: &Subscriber) -> Result<(), RadiusError> {
    // A session on another NAS says nothing to this one. Without the session id, what else we know of the session may be as stale as it.
    let session = subscriber.session.as_ref().filter(|session| ask.with_session_id && session.nas == nas.id);
    let mut named = false;
    for what in &profile.identify {
        if named && profile.identify_by == IdentifyBy::First {
            break;
        }
        match (what, session) {
            (Identify::SessionId, Some(session)) if !session.acct_session_id.is_empty() => {
                list.text("Acct-Session-Id", kind::ACCT_SESSION_ID, session.acct_session_id.as_str())?;
                named = true;
            }
            (Identify::Username, _) => {
                list.text("User-Name", kind::USER_NAME, subscriber.username.as_str())?;
                named = true;
            }
            (Identify::FramedIpv4, Some(session)) => {
                if let Some(v4) = session.framed_ipv4 {
                    list.push("Framed-IP-Address", &v4.to_string(), Attribute::address(kind::FRAMED_IP_ADDRESS, v4.into()));
                    named = true;
                }
            }
            (Identify::DelegatedPrefix, Some(session)) => {
                if let Some(prefix) = session.delegated_prefix {
                    let attribute = Attribute::prefix(kind::DELEGATED_IPV6_PREFIX, prefix)?;
                    list.push("Delegated-IPv6-Prefix", &prefix.to_string(), attribute);
                    named = true;
                }
            }
            _ => {}
        }
    }
    if !named {
        return Err(RadiusError::NotPossible(SafeText::from(format!(
            "there is no way to name the session: the profile {} does not send User-Name, and no session on {} is known",
            profile.key, nas.name
        ))));
    }
    identify_nas(list, profile, nas)
}

fn identify_nas(list: &mut Named, profile: &NasProfile, nas: &Nas) -> Result<(), RadiusError> {
    for what in &profile.identify {
        match (what, nas.nas_ip, &nas.nas_identifier) {
            (Identify::NasIp, Some(ip), _) => {
                let (name, kind) = match ip {
                    IpAddr::V4(_) => ("NAS-IP-Address", kind::NAS_IP_ADDRESS),
                    IpAddr::V6(_) => ("NAS-IPv6-Address", kind::NAS_IPV6_ADDRESS),
                };
                list.push(name, &ip.to_string(), Attribute::address(kind, ip));
            }
            (Identify::NasIdentifier, _, Some(identifier)) => list.text("NAS-Identifier", kind::NAS_IDENTIFIER, identifier.as_str())?,
            _ => {}
        }
    }
    Ok(())
}

fn change(list: &mut Named, purpose: Purpose, profile: &NasProfile, nas: &Nas, subscriber: &Subscriber) -> Result<(), RadiusError> {
    let method = match purpose {
        Purpose::Activate => profile.activate,
        Purpose::Suspend => profile.suspend,
        Purpose::Resume => profile.resume,
        Purpose::Revoke => Method::DisconnectThenLogin,
    };
    match method {
        Method::CoaPrefix => {
            let prefix = subscriber.ipv6.prefix.ok_or_else(|| RadiusError::NotPossible(SafeText::new("the subscriber has no prefix")))?;
            list.push("Delegated-IPv6-Prefix", &prefix.to_string(), Attribute::prefix(kind::DELEGATED_IPV6_PREFIX, prefix)?);
            Ok(())
        }
        Method::CoaFilter | Method::CoaService => {
            for template in templates(profile, purpose) {
                let resolved = resolve(template)?;
                let (shown, attribute) = resolved.make(|name| value_of(name, nas, subscriber))?;
                list.push(&resolved.name, &shown, attribute);
            }
            Ok(())
        }
        Method::DisconnectThenLogin | Method::None => Err(RadiusError::NotPossible(SafeText::from(format!(
            "the profile {} does not do this by CoA (its method is {method})",
            profile.key
        )))),
    }
}

/// The templates that a purpose sends.
pub(super) fn templates(profile: &NasProfile, purpose: Purpose) -> &[AttributeTemplate] {
    match purpose {
        Purpose::Activate => &profile.activate_attributes,
        Purpose::Suspend => &profile.suspend_attributes,
        Purpose::Resume => &profile.resume_attributes,
        Purpose::Revoke => &[],
    }
}

/// `None` for a place holder that there is not; an error for one that this subscriber has no value for.
fn value_of(name: &str, nas: &Nas, subscriber: &Subscriber) -> Option<Result<String, RadiusError>> {
    let prefix = subscriber.ipv6.prefix;
    let session = subscriber.session.as_ref().filter(|session| session.nas == nas.id);
    let bps = |kbps: Option<u32>| kbps.map(|kbps| (u64::from(kbps) * 1000).to_string());
    let value = match name {
        "prefix" => prefix.map(|prefix| prefix.to_string()),
        "prefix_address" => prefix.map(|prefix| prefix.addr().to_string()),
        "prefix_length" => prefix.map(|prefix| prefix.prefix_len().to_string()),
        "username" => Some(subscriber.username.as_str().to_owned()),
        "subscriber_number" => Some(subscriber.subscriber_number.as_str().to_owned()),
        "acct_session_id" => session.map(|session| session.acct_session_id.as_str().to_owned()).filter(|id| !id.is_empty()),
        "framed_ipv4" => session.and_then(|session| session.framed_ipv4).map(|v4| v4.to_string()),
        "download_kbps" => subscriber.download_kbps.map(|kbps| kbps.to_string()),
        "upload_kbps" => subscriber.upload_kbps.map(|kbps| kbps.to_string()),
        "download_bps" => bps(subscriber.download_kbps),
        "upload_bps" => bps(subscriber.upload_kbps),
        _ => return None,
    };
    let missing = || RadiusError::NotPossible(SafeText::from(format!("the profile sends {{{name}}}, and the subscriber has none")));
    Some(value.ok_or_else(missing))
}

#[cfg(test)]
mod tests {
    use super::super::template::PLACE_HOLDERS;

    #[test]
    fn every_place_holder_has_a_value_somewhere() {
        let text = include_str!("request.rs");
        for holder in PLACE_HOLDERS {
            assert!(text.contains(&format!("\"{}\" =>", holder.name)), "{}", holder.name);
        }
    }
}
