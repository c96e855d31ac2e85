//! Delegated-IPv6-Prefix and Framed-IPv6-Prefix: RFC 3162 section 2.3, RFC 4818 section 3.

use ipnet::Ipv6Net;
use std::net::Ipv6Addr;

/// Reads the value: a reserved octet (ignored), the length, up to sixteen octets of prefix, no bit set beyond the length.
pub fn decode_prefix(value: &[u8]) -> Option<Ipv6Net> {
    let [_reserved, length, octets @ ..] = value else { return None };
    if *length > 128 || octets.len() > 16 || octets.len() < usize::from(*length).div_ceil(8) {
        return None;
    }
    let mut address = [0; 16];
    address[..octets.len()].copy_from_slice(octets);
    let net = Ipv6Net::new(Ipv6Addr::from(address), *length).ok()?;
    (net.trunc().addr() == net.addr()).then_some(net)
}

/// The long form: always sixteen octets, as most devices send and expect it.
pub fn encode_prefix(net: Ipv6Net) -> Vec<u8> {
    let mut out = vec![0, net.prefix_len()];
    out.extend_from_slice(&net.trunc().addr().octets());
    out
}
