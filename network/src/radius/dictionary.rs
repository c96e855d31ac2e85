//! Names of attributes that a profile may use, with their numbers: standard ones, and those of the vendors whose profiles we bring. A table of
//! our own, held against FreeRADIUS's dictionary by a test. Any other attribute can be written by its numbers.

use noctule_domain::nas::ValueKind;

/// An attribute that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    pub name: &'static str,
    pub vendor: Option<u32>,
    pub number: u8,
    pub kind: ValueKind,
    /// It may carry a tag (RFC 2868).
    pub tagged: bool,
}

pub const CISCO: u32 = 9;
pub const HUAWEI: u32 = 2011;
pub const ERX: u32 = 4874;
pub const NOKIA: u32 = 6527;
pub const MIKROTIK: u32 = 14988;

const fn standard(name: &'static str, number: u8, kind: ValueKind) -> Named {
    Named { name, vendor: None, number, kind, tagged: false }
}

const fn of(vendor: u32, name: &'static str, number: u8, kind: ValueKind) -> Named {
    Named { name, vendor: Some(vendor), number, kind, tagged: false }
}

const fn tagged(vendor: u32, name: &'static str, number: u8, kind: ValueKind) -> Named {
    Named { name, vendor: Some(vendor), number, kind, tagged: true }
}

use ValueKind::{Integer, Ipv4Address, Ipv6Address, Ipv6Prefix, Octets, Text};

/// By vendor and number. Names are those of FreeRADIUS's dictionary.
pub const TABLE: &[Named] = &[
    standard("User-Name", 1, Text),
    standard("NAS-IP-Address", 4, Ipv4Address),
    standard("NAS-Port", 5, Integer),
    standard("Framed-IP-Address", 8, Ipv4Address),
    standard("Filter-Id", 11, Text),
    standard("Framed-Route", 22, Text),
    standard("Class", 25, Octets),
    standard("Session-Timeout", 27, Integer),
    standard("Idle-Timeout", 28, Integer),
    standard("Termination-Action", 29, Integer),
    standard("Called-Station-Id", 30, Text),
    standard("Calling-Station-Id", 31, Text),
    standard("NAS-Identifier", 32, Text),
    standard("Acct-Session-Id", 44, Text),
    standard("Acct-Multi-Session-Id", 50, Text),
    standard("Port-Limit", 62, Integer),
    standard("Acct-Interim-Interval", 85, Integer),
    standard("NAS-Port-Id", 87, Text),
    standard("Framed-Pool", 88, Text),
    standard("Chargeable-User-Identity", 89, Octets),
    standard("NAS-IPv6-Address", 95, Ipv6Address),
    standard("Framed-IPv6-Prefix", 97, Ipv6Prefix),
    standard("Framed-IPv6-Route", 99, Text),
    standard("Framed-IPv6-Pool", 100, Text),
    standard("Delegated-IPv6-Prefix", 123, Ipv6Prefix),
    standard("Framed-IPv6-Address", 168, Ipv6Address),
    standard("DNS-Server-IPv6-Address", 169, Ipv6Address),
    standard("Delegated-IPv6-Prefix-Pool", 171, Text),
    of(CISCO, "Cisco-AVPair", 1, Text),
    of(CISCO, "Cisco-Sub-QoS-Pol-In", 55, Text),
    of(CISCO, "Cisco-Sub-QoS-Pol-Out", 56, Text),
    of(CISCO, "Cisco-Sub-Activate-Service", 60, Text),
    of(CISCO, "Cisco-Sub-Deactivate-Service", 63, Text),
    of(HUAWEI, "Huawei-Input-Average-Rate", 2, Integer),
    of(HUAWEI, "Huawei-Input-Peak-Rate", 3, Integer),
    of(HUAWEI, "Huawei-Output-Average-Rate", 5, Integer),
    of(HUAWEI, "Huawei-Output-Peak-Rate", 6, Integer),
    of(HUAWEI, "Huawei-Qos-Profile-Name", 31, Text),
    of(HUAWEI, "Huawei-Policy-Name", 95, Text),
    of(HUAWEI, "Huawei-Down-QOS-Profile-Name", 182, Text),
    of(HUAWEI, "Huawei-Delegated-IPv6-Prefix-Pool", 191, Text),
    of(ERX, "ERX-Ingress-Policy-Name", 10, Text),
    of(ERX, "ERX-Egress-Policy-Name", 11, Text),
    tagged(ERX, "ERX-Service-Activate", 65, Text),
    of(ERX, "ERX-Service-Deactivate", 66, Text),
    of(ERX, "ERX-IPv6-Ingress-Policy-Name", 106, Text),
    of(ERX, "ERX-IPv6-Egress-Policy-Name", 107, Text),
    of(ERX, "ERX-IPv6-NdRa-Prefix", 129, Ipv6Prefix),
    of(ERX, "ERX-IPv6-Delegated-Pool-Name", 161, Text),
    of(NOKIA, "Alc-Subsc-ID-Str", 11, Text),
    of(NOKIA, "Alc-Subsc-Prof-Str", 12, Text),
    of(NOKIA, "Alc-SLA-Prof-Str", 13, Text),
    of(NOKIA, "Alc-Retail-Serv-Id", 17, Integer),
    of(NOKIA, "Alc-Subscriber-QoS-Override", 126, Text),
    of(NOKIA, "Alc-Delegated-IPv6-Pool", 131, Text),
    of(NOKIA, "Alc-Subscriber-Filter", 134, Text),
    of(MIKROTIK, "Mikrotik-Recv-Limit", 1, Integer),
    of(MIKROTIK, "Mikrotik-Xmit-Limit", 2, Integer),
    of(MIKROTIK, "Mikrotik-Group", 3, Text),
    of(MIKROTIK, "Mikrotik-Rate-Limit", 8, Text),
    of(MIKROTIK, "Mikrotik-Mark-Id", 11, Text),
    of(MIKROTIK, "Mikrotik-Advertise-URL", 12, Text),
    of(MIKROTIK, "Mikrotik-Advertise-Interval", 13, Integer),
    of(MIKROTIK, "Mikrotik-Address-List", 19, Text),
    of(MIKROTIK, "Mikrotik-Delegated-IPv6-Pool", 22, Text),
];

/// What vendors themselves call some of them.
const ALSO: &[(&str, &str)] = &[
    ("Cisco-AV-Pair", "Cisco-AVPair"),
    ("HW-QOS-Profile-Name", "Huawei-Qos-Profile-Name"),
    ("HW-Down-QOS-Profile-Name", "Huawei-Down-QOS-Profile-Name"),
    ("Service-Activate", "ERX-Service-Activate"),
    ("Service-Deactivate", "ERX-Service-Deactivate"),
    ("Alc-SLA-Profile", "Alc-SLA-Prof-Str"),
];

/// By name, large and small letters alike.
pub fn by_name(name: &str) -> Option<&'static Named> {
    let name = ALSO.iter().find(|(also, _)| also.eq_ignore_ascii_case(name)).map_or(name, |(_, name)| *name);
    TABLE.iter().find(|named| named.name.eq_ignore_ascii_case(name))
}

pub fn by_number(vendor: Option<u32>, number: u8) -> Option<&'static Named> {
    TABLE.iter().find(|named| named.vendor == vendor && named.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_numbers_are_unique_and_every_other_name_leads_to_one() {
        let names: BTreeSet<String> = TABLE.iter().map(|named| named.name.to_ascii_lowercase()).collect();
        let numbers: BTreeSet<(Option<u32>, u8)> = TABLE.iter().map(|named| (named.vendor, named.number)).collect();
        assert_eq!((names.len(), numbers.len()), (TABLE.len(), TABLE.len()));
        for (also, name) in ALSO {
            assert_eq!(by_name(also).expect("known").name, *name);
            assert!(!names.contains(&also.to_ascii_lowercase()), "{also}");
        }
        assert_eq!(by_name("mikrotik-rate-limit").and_then(|named| named.vendor), Some(MIKROTIK));
        assert_eq!(by_number(Some(ERX), 65).map(|named| named.tagged), Some(true));
        assert!(by_name("Colour").is_none() && by_number(None, 250).is_none());
    }
}
