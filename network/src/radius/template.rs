//! Attribute templates of profiles: what a name stands for, place holders, and the bytes. It knows no subscriber; values come in by a
//! function.

use super::attribute::{Attribute, MAX_VALUE, MAX_VENDOR_VALUE, VendorPart, kind, tagged_integer, tagged_text};
use super::dictionary::{self, Named};
use super::error::RadiusError;
use noctule_domain::SafeText;
use noctule_domain::nas::{AttributeTemplate, ValueKind};

/// Attributes that one operation may send.
pub const MOST_ATTRIBUTES: usize = 32;
/// Octets that they may fill, with the longest of our own beside them a request then still goes in one unfragmented datagram.
pub const MOST_OCTETS: usize = 1000;

/// A place holder, what it is, and a value to try a profile with.
pub struct PlaceHolder {
    pub name: &'static str,
    pub meaning: &'static str,
    pub sample: &'static str,
}

const fn holder(name: &'static str, meaning: &'static str, sample: &'static str) -> PlaceHolder {
    PlaceHolder { name, meaning, sample }
}

pub const PLACE_HOLDERS: &[PlaceHolder] = &[
    holder("prefix", "the delegated prefix", "2001:db8:1234:5600::/56"),
    holder("prefix_address", "its address, without the length", "2001:db8:1234:5600::"),
    holder("prefix_length", "its length", "56"),
    holder("username", "the RADIUS user name", "anna.virtanen@isp.example"),
    holder("subscriber_number", "the number of the subscriber", "S-100001"),
    holder("acct_session_id", "the session id, of a session on this NAS", "8a3f0001"),
    holder("framed_ipv4", "the IPv4 address of that session", "192.0.2.10"),
    holder("download_kbps", "the downstream rate, kbit/s", "100000"),
    holder("upload_kbps", "the upstream rate, kbit/s", "20000"),
    holder("download_bps", "the downstream rate, bit/s", "100000000"),
    holder("upload_bps", "the upstream rate, bit/s", "20000000"),
];

/// A template with its numbers known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<'a> {
    pub name: String,
    vendor: Option<u32>,
    number: u8,
    tag: Option<u8>,
    kind: ValueKind,
    text: &'a str,
}

fn not_possible(words: String) -> RadiusError {
    RadiusError::NotPossible(SafeText::bounded(&words, 400))
}

/// Finds out what a template means.
pub fn resolve(template: &AttributeTemplate) -> Result<Resolved<'_>, RadiusError> {
    let named = template.name.as_deref().and_then(dictionary::by_name);
    let known = match (named, template.r#type) {
        (Some(named), None) if template.vendor.is_none() => Some(named),
        (Some(named), Some(number)) if (named.vendor, named.number) == (template.vendor, number) => Some(named),
        (Some(named), _) => {
            return Err(not_possible(format!("{} is {}: leave the numbers out, or correct them", named.name, numbers(named))));
        }
        (None, Some(number)) => dictionary::by_number(template.vendor, number),
        (None, None) => return Err(unknown_name(template)),
    };
    let (vendor, number) = known.map_or((template.vendor, template.r#type.unwrap_or(0)), |named| (named.vendor, named.number));
    let ours = [kind::MESSAGE_AUTHENTICATOR, kind::EVENT_TIMESTAMP, kind::VENDOR_SPECIFIC];
    if vendor.is_none() && (number == 0 || ours.contains(&number)) {
        return Err(not_possible(format!("attribute {number} can not stand in a template: the client writes it itself")));
    }
    if template.tag.is_some() && known.is_some_and(|named| !named.tagged) {
        return Err(not_possible(format!("{} carries no tag: leave tag out", name_of(template, known, vendor, number))));
    }
    let kind = template.value.kind.or(known.map(|named| named.kind)).unwrap_or(ValueKind::Text);
    Ok(Resolved { name: name_of(template, known, vendor, number), vendor, number, tag: template.tag, kind, text: &template.value.text })
}

fn numbers(named: &Named) -> String {
    match named.vendor {
        Some(vendor) => format!("vendor {vendor}, type {}", named.number),
        None => format!("type {}", named.number),
    }
}

fn name_of(template: &AttributeTemplate, known: Option<&Named>, vendor: Option<u32>, number: u8) -> String {
    match (known, &template.name, vendor) {
        (Some(named), ..) => named.name.to_owned(),
        (None, Some(name), _) => name.clone(),
        (None, None, None) => format!("Attr-{number}"),
        (None, None, Some(vendor)) => format!("Attr-26.{vendor}.{number}"),
    }
}

fn unknown_name(template: &AttributeTemplate) -> RadiusError {
    let Some(name) = &template.name else {
        return not_possible("an attribute is given by name, or by type (and vendor)".to_owned());
    };
    let wanted = name.to_ascii_lowercase();
    let near = dictionary::TABLE.iter().map(|named| (strsim::damerau_levenshtein(&named.name.to_ascii_lowercase(), &wanted), named.name));
    let hint = near.min().filter(|(distance, _)| *distance <= 4).map(|(_, near)| format!(" Did you mean {near}?")).unwrap_or_default();
    not_possible(format!("no attribute of the name {name} is known: give its numbers (type, and vendor) beside the name.{hint}"))
}

/// Fills the place holders of a text; `value_of` gives `None` for one that there is not. `{{` and `}}` are braces. Filled-in text is not looked
/// at again: a user name with braces stays one.
pub fn fill(text: &str, value_of: impl Fn(&str) -> Option<Result<String, RadiusError>>) -> Result<String, RadiusError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        out.push_str(before);
        rest = &brace[1..];
        let open = brace.starts_with('{');
        if rest.starts_with(if open { '{' } else { '}' }) {
            out.push_str(&brace[..1]);
            rest = &rest[1..];
        } else if open {
            let unknown = |name: &str| {
                let known: Vec<String> = PLACE_HOLDERS.iter().map(|holder| format!("{{{}}}", holder.name)).collect();
                not_possible(format!("'{{{name}}}' is no place holder; these are: {}. A brace itself is written twice", known.join(", ")))
            };
            let (name, tail) = rest.split_once('}').ok_or_else(|| unknown(rest))?;
            out.push_str(&value_of(name).ok_or_else(|| unknown(name))??);
            rest = tail;
        } else {
            return Err(not_possible("a '}' without its '{': a brace itself is written twice".to_owned()));
        }
    }
    out.push_str(rest);
    Ok(out)
}

impl Resolved<'_> {
    /// The filled-in value and the attribute.
    pub fn make(&self, value_of: impl Fn(&str) -> Option<Result<String, RadiusError>>) -> Result<(String, Attribute), RadiusError> {
        let text = fill(self.text, value_of)?;
        let attribute = self.encode(&text)?;
        Ok((text, attribute))
    }

    fn encode(&self, text: &str) -> Result<Attribute, RadiusError> {
        let is_not = |what: &str| not_possible(format!("{} wants {what}, and '{text}' is none", self.name));
        let integer = || text.parse::<u32>().map_err(|_| is_not("a whole number up to 4294967295"));
        let bytes = match (self.kind, self.tag) {
            (ValueKind::Text, None) => text.as_bytes().to_vec(),
            (ValueKind::Text, Some(tag)) => tagged_text(tag, text)?,
            (ValueKind::Integer, None) => integer()?.to_be_bytes().to_vec(),
            (ValueKind::Integer, Some(tag)) => tagged_integer(tag, integer()?)?,
            (kind, Some(_)) => {
                return Err(not_possible(format!("{}: a tag stands before a text or an integer, not before {kind}", self.name)));
            }
            (ValueKind::Ipv4Address, None) => text.parse::<std::net::Ipv4Addr>().map_err(|_| is_not("an IPv4 address"))?.octets().to_vec(),
            (ValueKind::Ipv6Address, None) => text.parse::<std::net::Ipv6Addr>().map_err(|_| is_not("an IPv6 address"))?.octets().to_vec(),
            (ValueKind::Ipv6Prefix, None) => {
                let prefix = text.parse().map_err(|_| is_not("an IPv6 prefix with its length"))?;
                Attribute::prefix(self.number, prefix)?.value
            }
            (ValueKind::Octets, None) => hex(text).ok_or_else(|| is_not("pairs of hexadecimal digits"))?,
        };
        if bytes.is_empty() {
            return Err(not_possible(format!("{} would be empty", self.name)));
        }
        let max = if self.vendor.is_some() { MAX_VENDOR_VALUE } else { MAX_VALUE };
        if bytes.len() > max {
            return Err(not_possible(format!("{} would hold {} octets, and it holds at most {max}", self.name, bytes.len())));
        }
        match self.vendor {
            Some(vendor) => Attribute::vendor(vendor, &[VendorPart { kind: self.number, value: bytes }]),
            None => Attribute::new(self.number, bytes),
        }
    }
}

/// `0x` may stand in front; a place holder in octets is given as its text's digits, so an even number of digits is all that is asked.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16);
    digits.chunks_exact(2).map(|pair| Some((value(pair[0])? * 16 + value(pair[1])?) as u8)).collect()
}

/// Whether the templates of one operation can be sent at all, tried with sample values. The error names which one, counted from 0.
pub fn check(templates: &[AttributeTemplate]) -> Result<(), (usize, RadiusError)> {
    if templates.len() > MOST_ATTRIBUTES {
        return Err((MOST_ATTRIBUTES, not_possible(format!("one operation sends at most {MOST_ATTRIBUTES} attributes"))));
    }
    let sample = |name: &str| PLACE_HOLDERS.iter().find(|holder| holder.name == name).map(|holder| Ok(holder.sample.to_owned()));
    let mut octets = 0;
    for (index, template) in templates.iter().enumerate() {
        let (_, attribute) = resolve(template).and_then(|resolved| resolved.make(sample)).map_err(|error| (index, error))?;
        octets += attribute.value.len() + 2;
        if octets > MOST_OCTETS {
            return Err((
                index,
                not_possible(format!("with this attribute the operation sends {octets} octets; it may send {MOST_OCTETS}")),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use noctule_domain::nas::AttributeValue;
    use proptest::prelude::*;

    fn template(text: &str) -> AttributeTemplate {
        toml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn made(text: &str) -> Result<(String, Attribute), String> {
        let sample = |name: &str| PLACE_HOLDERS.iter().find(|holder| holder.name == name).map(|holder| Ok(holder.sample.to_owned()));
        resolve(&template(text))
            .and_then(|resolved| resolved.make(sample).map(|(_, a)| (resolved.name.clone(), a)))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn a_name_and_its_numbers_make_the_same_attribute() {
        let by_name = made("name = \"mikrotik-rate-limit\"\nvalue = \"{upload_kbps}k/{download_kbps}k\"").expect("good");
        let by_numbers = made("vendor = 14988\ntype = 8\nvalue = { text = \"{upload_kbps}k/{download_kbps}k\" }").expect("good");
        let by_both = made("name = \"Mikrotik-Rate-Limit\"\nvendor = 14988\ntype = 8\nvalue = \"20000k/100000k\"").expect("good");
        assert_eq!(by_name, by_numbers);
        assert_eq!(by_name, by_both);
        assert_eq!(by_name.1.as_vendor().expect("vendor").1[0].value, b"20000k/100000k");
        // A name of one's own, beside the numbers, is the one of the journal.
        let own = made("name = \"Acme-Speed\"\nvendor = 99999\ntype = 4\nvalue = { integer = \"{download_kbps}\" }").expect("good");
        assert_eq!(
            (own.0.as_str(), own.1.as_vendor().expect("vendor").1[0].value.as_slice()),
            ("Acme-Speed", &100_000u32.to_be_bytes()[..])
        );
        assert_eq!(made("type = 250\nvalue = 7").expect("good").0, "Attr-250");
        assert_eq!(made("vendor = 99999\ntype = 4\nvalue = 7").expect("good").0, "Attr-26.99999.4");
    }

    #[test]
    fn values_are_written_as_the_name_asks() {
        assert_eq!(made("name = \"Session-Timeout\"\nvalue = 60").expect("good").1.value, 60u32.to_be_bytes());
        assert_eq!(made("name = \"Session-Timeout\"\nvalue = \"60\"").expect("good").1.value, 60u32.to_be_bytes());
        let prefix = made("name = \"ERX-IPv6-NdRa-Prefix\"\nvalue = \"{prefix}\"").expect("good").1;
        assert_eq!(prefix.as_vendor().expect("vendor").1[0].value[..6], [0, 56, 0x20, 0x01, 0x0d, 0xb8]);
        let tagged = made("name = \"ERX-Service-Activate\"\ntag = 3\nvalue = \"slow({prefix_address},{prefix_length})\"").expect("good").1;
        assert_eq!(tagged.as_vendor().expect("vendor").1[0].value, b"\x03slow(2001:db8:1234:5600::,56)");
        assert_eq!(made("name = \"Class\"\nvalue = \"0x0aFF\"").expect("good").1.value, [0x0a, 0xff]);
        assert_eq!(made("name = \"Framed-IP-Address\"\nvalue = \"{framed_ipv4}\"").expect("good").1.value, [192, 0, 2, 10]);
        assert_eq!(made("name = \"Filter-Id\"\nvalue = \"{{{username}}}\"").expect("good").1.value, b"{anna.virtanen@isp.example}");
        let rate = made("name = \"Huawei-Output-Average-Rate\"\nvalue = \"{download_bps}\"").expect("good").1;
        assert_eq!(rate.as_vendor().expect("vendor").1[0].value, 100_000_000u32.to_be_bytes());
    }

    #[test]
    fn what_can_not_be_sent_is_refused_with_what_to_do() {
        for (text, expected) in [
            ("name = \"Mikrotik-Rate-Limt\"\nvalue = \"1k\"", "Did you mean Mikrotik-Rate-Limit?"),
            ("name = \"Mikrotik-Rate-Limit\"\ntype = 9\nvalue = \"1k\"", "is vendor 14988, type 8"),
            ("value = \"1k\"", "by name, or by type"),
            ("type = 80\nvalue = \"x\"", "the client writes it itself"),
            ("type = 26\nvalue = \"x\"", "the client writes it itself"),
            ("name = \"Filter-Id\"\ntag = 1\nvalue = \"x\"", "carries no tag"),
            ("vendor = 4874\ntype = 65\ntag = 40\nvalue = \"x\"", "tag is 1 to 31"),
            ("vendor = 99999\ntype = 65\ntag = 1\nvalue = { ipv6_prefix = \"{prefix}\" }", "not before ipv6_prefix"),
            ("name = \"Filter-Id\"\nvalue = \"{colour}\"", "'{colour}' is no place holder; these are: {prefix}, "),
            ("name = \"Filter-Id\"\nvalue = \"{username\"", "is no place holder"),
            ("name = \"Filter-Id\"\nvalue = \"a}b\"", "without its '{'"),
            ("name = \"Filter-Id\"\nvalue = \"\"", "would be empty"),
            ("name = \"Session-Timeout\"\nvalue = \"{username}\"", "wants a whole number"),
            ("name = \"Delegated-IPv6-Prefix\"\nvalue = \"{prefix_address}\"", "wants an IPv6 prefix"),
            ("name = \"Class\"\nvalue = \"0x123\"", "hexadecimal"),
        ] {
            let error = made(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
        let long = AttributeTemplate {
            name: Some("Cisco-AVPair".into()),
            r#type: None,
            vendor: None,
            tag: None,
            value: AttributeValue::text("x".repeat(248)),
        };
        assert!(check(std::slice::from_ref(&long)).expect_err("too long").1.to_string().contains("at most 247"));
        let fits = AttributeTemplate { value: AttributeValue::text("x".repeat(200)), ..long };
        let (index, error) = check(&vec![fits.clone(); 8]).expect_err("too many octets");
        assert!(index == 4 && error.to_string().contains("may send 1000"), "{index}: {error}");
        assert_eq!(check(&vec![fits; 40]).expect_err("too many").0, MOST_ATTRIBUTES);
        assert!(toml::from_str::<AttributeTemplate>("type = 11\nvalue = -4").is_err());
        assert!(toml::from_str::<AttributeTemplate>("type = 11\nvalue = { colour = \"x\" }").is_err());
        assert!(toml::from_str::<AttributeTemplate>("type = 11\nvalue = { text = \"x\", integer = 4 }").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_filling_or_writing_panic(text in "[a{}x:/0-9é]{0,40}", number in any::<u8>(), kind in 0usize..6, tag in proptest::option::of(any::<u8>())) {
            let value = AttributeValue { kind: Some(ValueKind::ALL[kind]), text };
            let template = AttributeTemplate { name: None, r#type: Some(number), vendor: Some(99_999), tag, value };
            let _ = check(&[template]);
        }
    }
}
