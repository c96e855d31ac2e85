//! Builds the attributes of a request from what the profile says, the NAS registry and the subscriber row; never from free text.
//! It sends nothing: a request that cannot be made right is refused here in words.

use super::attribute::{Attribute, VendorPart, kind, tagged_integer, tagged_text};
use super::codec::RequestKind;
use super::error::RadiusError;
use crate::upstream::{NasAsk, Purpose};
use noctule_domain::SafeText;
use noctule_domain::nas::{AttributeTemplate, AttributeValue, Identify, Method, Nas, NasProfile};
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
        change(&mut list, ask.purpose, profile, subscriber)?;
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

fn change(list: &mut Named, purpose: Purpose, profile: &NasProfile, subscriber: &Subscriber) -> Result<(), RadiusError> {
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
                let value = fill(template, |name| value_of(name, subscriber))?;
                list.push(&name_of(template), &shown(&value), attribute_of(template, &value)?);
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

/// Whether templates can be sent at all: known place holders, values that fit, and nothing that the engine adds itself.
pub(super) fn check_templates(templates: &[AttributeTemplate]) -> Result<(), RadiusError> {
    for template in templates {
        let ours = [kind::MESSAGE_AUTHENTICATOR, kind::EVENT_TIMESTAMP, kind::VENDOR_SPECIFIC];
        if template.vendor.is_none() && (template.r#type == 0 || ours.contains(&template.r#type)) {
            return Err(RadiusError::NotPossible(SafeText::from(format!("attribute {} can not stand in a template", template.r#type))));
        }
        let value = fill(template, |name| known(name).then(|| Ok(String::new())))?;
        attribute_of(template, &value)?;
    }
    Ok(())
}

fn known(name: &str) -> bool {
    matches!(name, "prefix" | "username" | "download_kbps" | "upload_kbps")
}

/// `None` for a place holder that there is not; an error for one that this subscriber has no value for.
fn value_of(name: &str, subscriber: &Subscriber) -> Option<Result<String, RadiusError>> {
    let value = match name {
        "prefix" => subscriber.ipv6.prefix.map(|prefix| prefix.to_string()),
        "username" => Some(subscriber.username.as_str().to_owned()),
        "download_kbps" => subscriber.download_kbps.map(|kbps| kbps.to_string()),
        "upload_kbps" => subscriber.upload_kbps.map(|kbps| kbps.to_string()),
        _ => return None,
    };
    let missing = || RadiusError::NotPossible(SafeText::from(format!("the profile sends {{{name}}}, and the subscriber has none")));
    Some(value.ok_or_else(missing))
}

/// Fills the place holders of a template. Filled-in text is not looked at again: a user name with braces stays one.
fn fill(
    template: &AttributeTemplate,
    value_of: impl Fn(&str) -> Option<Result<String, RadiusError>>,
) -> Result<AttributeValue, RadiusError> {
    let AttributeValue::Text(text) = &template.value else { return Ok(template.value.clone()) };
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let unknown = |name: &str| {
            RadiusError::NotPossible(SafeText::from(format!(
                "'{{{name}}}' is no place holder: {{prefix}}, {{username}}, {{download_kbps}} and {{upload_kbps}} are"
            )))
        };
        let (name, tail) = after.split_once('}').ok_or_else(|| unknown(after))?;
        out.push_str(before);
        out.push_str(&value_of(name).ok_or_else(|| unknown(name))??);
        rest = tail;
    }
    out.push_str(rest);
    Ok(AttributeValue::Text(out))
}

fn attribute_of(template: &AttributeTemplate, value: &AttributeValue) -> Result<Attribute, RadiusError> {
    let bytes = match (value, template.tag) {
        (AttributeValue::Text(text), None) => text.as_bytes().to_vec(),
        (AttributeValue::Text(text), Some(tag)) => tagged_text(tag, text)?,
        (AttributeValue::Integer(number), None) => number.to_be_bytes().to_vec(),
        (AttributeValue::Integer(number), Some(tag)) => tagged_integer(tag, *number)?,
    };
    match template.vendor {
        Some(vendor) => Attribute::vendor(vendor, &[VendorPart { kind: template.r#type, value: bytes }]),
        None => Attribute::new(template.r#type, bytes),
    }
}

fn name_of(template: &AttributeTemplate) -> String {
    match (template.vendor, template.r#type) {
        (None, kind::FILTER_ID) => "Filter-Id".into(),
        (None, 27) => "Session-Timeout".into(),
        (None, number) => format!("Attr-{number}"),
        (Some(9), 1) => "Cisco-AVPair".into(),
        (Some(2011), 31) => "HW-Qos-Profile-Name".into(),
        (Some(4874), 65) => "ERX-Service-Activate".into(),
        (Some(4874), 66) => "ERX-Service-Deactivate".into(),
        (Some(6527), 13) => "Alc-SLA-Prof-Str".into(),
        (Some(14988), 8) => "Mikrotik-Rate-Limit".into(),
        (Some(vendor), number) => format!("Attr-26.{vendor}.{number}"),
    }
}

fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::Integer(number) => number.to_string(),
    }
}
