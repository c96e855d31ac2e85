//! Raw attributes, and the values that the crate `radius` cannot write or read: IPv6 prefixes of any length (97, 123, 170) and vendor
//! attributes with several sub-attributes. Nothing here knows packets or secrets.

use super::error::RadiusError;
use ipnet::Ipv6Net;
use std::net::{IpAddr, Ipv6Addr};

/// Attribute types by number, named as in the RFCs.
pub mod kind {
    pub const USER_NAME: u8 = 1;
    pub const NAS_IP_ADDRESS: u8 = 4;
    pub const FRAMED_IP_ADDRESS: u8 = 8;
    pub const FILTER_ID: u8 = 11;
    pub const VENDOR_SPECIFIC: u8 = 26;
    pub const NAS_IDENTIFIER: u8 = 32;
    pub const ACCT_SESSION_ID: u8 = 44;
    pub const EVENT_TIMESTAMP: u8 = 55;
    pub const MESSAGE_AUTHENTICATOR: u8 = 80;
    pub const NAS_IPV6_ADDRESS: u8 = 95;
    pub const FRAMED_IPV6_PREFIX: u8 = 97;
    pub const ERROR_CAUSE: u8 = 101;
    pub const DELEGATED_IPV6_PREFIX: u8 = 123;
    pub const ROUTE_IPV6_INFORMATION: u8 = 170;
}

/// Longest value of an attribute, and of a vendor sub-attribute inside one.
pub const MAX_VALUE: usize = 253;
pub const MAX_VENDOR_VALUE: usize = 247;

/// One attribute as it stands in a packet, without type and length octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub kind: u8,
    pub value: Vec<u8>,
}

impl Attribute {
    pub fn new(kind: u8, value: impl Into<Vec<u8>>) -> Result<Self, RadiusError> {
        let value = value.into();
        if value.len() > MAX_VALUE {
            return Err(RadiusError::AttributeTooLong { kind, len: value.len(), max: MAX_VALUE });
        }
        Ok(Self { kind, value })
    }

    pub fn text(kind: u8, text: &str) -> Result<Self, RadiusError> {
        Self::new(kind, text.as_bytes())
    }

    pub fn integer(kind: u8, value: u32) -> Self {
        Self { kind, value: value.to_be_bytes().to_vec() }
    }

    pub fn address(kind: u8, address: IpAddr) -> Self {
        let value = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        Self { kind, value }
    }

    /// The long form, which NASes know best: reserved octet, length, all sixteen prefix octets (RFC 3162 section 2.3). Host bits are refused.
    pub fn prefix(kind: u8, prefix: Ipv6Net) -> Result<Self, RadiusError> {
        if prefix.trunc() != prefix {
            return Err(RadiusError::HostBits { prefix: prefix.addr(), len: prefix.prefix_len() });
        }
        let mut value = Vec::with_capacity(18);
        value.extend_from_slice(&[0, prefix.prefix_len()]);
        value.extend_from_slice(&prefix.addr().octets());
        Ok(Self { kind, value })
    }

    /// Reads a prefix in the long or the short form. The reserved octet is ignored, as RFC 3162 asks of a receiver; missing octets, a length
    /// over 128 and host bits are refused.
    pub fn as_prefix(&self) -> Result<Ipv6Net, RadiusError> {
        let bad = RadiusError::Malformed { kind: self.kind, what: "IPv6 prefix" };
        let [_reserved, len, octets @ ..] = self.value.as_slice() else { return Err(bad) };
        if *len > 128 || octets.len() > 16 || octets.len() < usize::from(*len).div_ceil(8) {
            return Err(bad);
        }
        let mut whole = [0u8; 16];
        whole[..octets.len()].copy_from_slice(octets);
        let prefix = Ipv6Net::new(Ipv6Addr::from(whole), *len).map_err(|_| bad)?;
        if prefix.trunc() != prefix {
            return Err(RadiusError::HostBits { prefix: prefix.addr(), len: *len });
        }
        Ok(prefix)
    }

    pub fn as_integer(&self) -> Option<u32> {
        self.value.as_slice().try_into().ok().map(u32::from_be_bytes)
    }

    /// One Vendor-Specific attribute (RFC 2865 section 5.26) holding these sub-attributes in this order.
    pub fn vendor(vendor: u32, parts: &[VendorPart]) -> Result<Self, RadiusError> {
        let mut value = Vec::with_capacity(4 + parts.iter().map(|part| part.value.len() + 2).sum::<usize>());
        value.extend_from_slice(&vendor.to_be_bytes());
        for part in parts {
            if part.value.len() > MAX_VENDOR_VALUE {
                return Err(RadiusError::AttributeTooLong { kind: part.kind, len: part.value.len(), max: MAX_VENDOR_VALUE });
            }
            // At most 249: checked above.
            value.extend_from_slice(&[part.kind, (part.value.len() + 2) as u8]);
            value.extend_from_slice(&part.value);
        }
        Self::new(kind::VENDOR_SPECIFIC, value)
    }

    /// The vendor and its sub-attributes, where the value follows the layout that RFC 2865 recommends.
    pub fn as_vendor(&self) -> Result<(u32, Vec<VendorPart>), RadiusError> {
        let bad = || RadiusError::Malformed { kind: self.kind, what: "vendor attribute" };
        let (id, mut rest) = self.value.split_first_chunk::<4>().ok_or_else(bad)?;
        let mut parts = Vec::new();
        while let [kind, len, ..] = *rest {
            let value = rest.get(2..usize::from(len)).ok_or_else(bad)?;
            parts.push(VendorPart { kind, value: value.to_vec() });
            rest = &rest[usize::from(len)..];
        }
        if !rest.is_empty() || parts.is_empty() {
            return Err(bad());
        }
        Ok((u32::from_be_bytes(*id), parts))
    }
}

/// A sub-attribute of a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorPart {
    pub kind: u8,
    pub value: Vec<u8>,
}

impl VendorPart {
    pub fn text(kind: u8, text: &str) -> Self {
        Self { kind, value: text.as_bytes().to_vec() }
    }

    pub fn integer(kind: u8, value: u32) -> Self {
        Self { kind, value: value.to_be_bytes().to_vec() }
    }
}

/// The bytes of a text behind its tag (RFC 2868 section 3.3): one octet, 1 to 31, before the text.
pub fn tagged_text(tag: u8, text: &str) -> Result<Vec<u8>, RadiusError> {
    check_tag(tag)?;
    let mut value = Vec::with_capacity(1 + text.len());
    value.push(tag);
    value.extend_from_slice(text.as_bytes());
    Ok(value)
}

/// The bytes of an integer whose highest octet is the tag (RFC 2868 section 3.1).
pub fn tagged_integer(tag: u8, value: u32) -> Result<Vec<u8>, RadiusError> {
    check_tag(tag)?;
    if value > 0x00ff_ffff {
        return Err(RadiusError::TaggedTooBig(value));
    }
    Ok((u32::from(tag) << 24 | value).to_be_bytes().to_vec())
}

/// Splits a tag from its text; a first octet above 31 belongs to the text (RFC 2868 section 3.3).
pub fn split_tag(value: &[u8]) -> (Option<u8>, &[u8]) {
    match value {
        [tag @ 0..=31, rest @ ..] => (Some(*tag), rest),
        _ => (None, value),
    }
}

fn check_tag(tag: u8) -> Result<(), RadiusError> {
    if (1..=31).contains(&tag) { Ok(()) } else { Err(RadiusError::BadTag(tag)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn vendor_attributes_hold_several_parts_and_read_back() {
        let parts = [
            VendorPart::text(8, "1M/1M"),
            VendorPart::integer(5, 7),
            VendorPart { kind: 65, value: tagged_text(3, "svc(a)").expect("tag fits") },
            VendorPart { kind: 9, value: tagged_integer(3, 0x01_0203).expect("fits") },
        ];
        let attribute = Attribute::vendor(14988, &parts).expect("fits");
        assert_eq!(&attribute.value[..4], &14988u32.to_be_bytes());
        let (vendor, back) = attribute.as_vendor().expect("reads");
        assert_eq!((vendor, back.as_slice()), (14988, parts.as_slice()));
        assert_eq!(split_tag(&back[2].value), (Some(3), b"svc(a)".as_slice()));
        assert_eq!(back[3].value, [3, 1, 2, 3]);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_cut() {
        assert!(Attribute::text(1, &"x".repeat(253)).is_ok());
        assert!(matches!(Attribute::text(1, &"x".repeat(254)), Err(RadiusError::AttributeTooLong { len: 254, .. })));
        assert!(Attribute::vendor(9, &[VendorPart::text(1, &"x".repeat(247))]).is_ok());
        assert!(Attribute::vendor(9, &[VendorPart::text(1, &"x".repeat(248))]).is_err());
        assert!(Attribute::vendor(9, &[VendorPart::text(1, &"x".repeat(200)), VendorPart::text(1, &"x".repeat(60))]).is_err());
        assert!(tagged_text(0, "x").is_err() && tagged_text(32, "x").is_err());
        assert!(tagged_integer(1, 0x0100_0000).is_err());
        let host: Ipv6Net = "2001:db8::1/64".parse().expect("net");
        assert!(matches!(Attribute::prefix(123, host), Err(RadiusError::HostBits { len: 64, .. })));
    }

    proptest! {
        #[test]
        fn every_prefix_length_reads_back_from_the_long_and_the_short_form(bits in any::<u128>(), len in 0u8..=128) {
            let prefix = Ipv6Net::new(Ipv6Addr::from(bits), len).expect("len").trunc();
            let long = Attribute::prefix(kind::DELEGATED_IPV6_PREFIX, prefix).expect("no host bits");
            prop_assert_eq!(long.value.len(), 18);
            prop_assert_eq!(long.as_prefix().expect("long"), prefix);
            let short = Attribute { kind: 123, value: long.value[..2 + usize::from(len).div_ceil(8)].to_vec() };
            prop_assert_eq!(short.as_prefix().expect("short"), prefix);
        }

        #[test]
        fn reading_never_panics(kind in any::<u8>(), value in proptest::collection::vec(any::<u8>(), 0..260)) {
            let attribute = Attribute { kind, value };
            let _ = (attribute.as_prefix(), attribute.as_vendor(), attribute.as_integer(), split_tag(&attribute.value));
        }
    }
}
