//! Prefixes of both families in one form: the address left-aligned in 128 bits, so that masks and ranges are the same for IPv4 and
//! IPv6. Parsing follows what NetBox accepts and refuses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network. Host bits are always zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Net {
    /// 4 or 6. First, as the database sorts by family before the address.
    pub family: u8,
    /// Left-aligned: an IPv4 address stands in the upper 32 bits.
    pub addr: u128,
    pub len: u8,
}

/// Why a text is no prefix, as NetBox would say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadNet {
    Garbage,
    HostBits(Net),
}

impl Net {
    /// Longest mask of the family.
    pub fn max_len(self) -> u8 {
        if self.family == 6 { 128 } else { 32 }
    }

    /// The last address, left-aligned (IPv4: with ones below the 32 bits).
    pub fn end(self) -> u128 {
        self.addr | (u128::MAX.checked_shr(u32::from(self.len)).unwrap_or(0))
    }

    /// Inside or equal.
    pub fn covers(self, other: Net) -> bool {
        self.family == other.family && self.len <= other.len && mask(other.addr, self.len) == self.addr
    }

    /// The network of `len` that holds this one's first address.
    pub fn widen(self, len: u8) -> Net {
        Net { family: self.family, addr: mask(self.addr, len), len }
    }

    pub fn parse(text: &str) -> Result<Net, BadNet> {
        let (addr, len) = match text.split_once('/') {
            Some((addr, len)) => (addr, Some(len)),
            None => (text, None),
        };
        let addr: IpAddr = addr.trim().parse().map_err(|_| BadNet::Garbage)?;
        let (family, bits, max) = match addr {
            IpAddr::V4(v4) => (4, u128::from(u32::from(v4)) << 96, 32),
            IpAddr::V6(v6) => (6, u128::from(v6), 128),
        };
        let len: u8 = match len {
            None => max,
            Some(len) => len.trim().parse().map_err(|_| BadNet::Garbage)?,
        };
        if len > max {
            return Err(BadNet::Garbage);
        }
        let net = Net { family, addr: mask(bits, len), len };
        if net.addr == bits { Ok(net) } else { Err(BadNet::HostBits(net)) }
    }
}

/// `addr` with everything below the first `len` bits cleared.
pub fn mask(addr: u128, len: u8) -> u128 {
    match len {
        0 => 0,
        len => addr & (u128::MAX << (128 - u32::from(len.min(128)))),
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.family == 6 {
            write!(f, "{}/{}", Ipv6Addr::from(self.addr), self.len)
        } else {
            write!(f, "{}/{}", Ipv4Addr::from((self.addr >> 96) as u32), self.len)
        }
    }
}

impl From<ipnet::Ipv6Net> for Net {
    fn from(net: ipnet::Ipv6Net) -> Self {
        Net { family: 6, addr: u128::from(net.network()), len: net.prefix_len() }
    }
}

impl Net {
    /// As an IPv6 network; `None` for IPv4.
    pub fn v6(self) -> Option<ipnet::Ipv6Net> {
        if self.family != 6 {
            return None;
        }
        ipnet::Ipv6Net::new(Ipv6Addr::from(self.addr), self.len).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_canonical_and_host_bits_are_noticed() {
        assert_eq!(Net::parse("2001:0db8:0300:0000::/62").unwrap().to_string(), "2001:db8:300::/62");
        assert_eq!(Net::parse("192.0.2.0/24").unwrap().to_string(), "192.0.2.0/24");
        assert!(matches!(Net::parse("2001:db8:500::1/48"), Err(BadNet::HostBits(n)) if n.to_string() == "2001:db8:500::/48"));
        assert_eq!(Net::parse("bad"), Err(BadNet::Garbage));
    }

    #[test]
    fn covering_is_inside_or_equal_in_one_family() {
        let net = |t| Net::parse(t).unwrap();
        assert!(net("2001:db8::/32").covers(net("2001:db8:1::/48")));
        assert!(net("2001:db8::/32").covers(net("2001:db8::/32")));
        assert!(!net("2001:db8::/48").covers(net("2001:db8::/32")));
        assert!(!net("::/0").covers(net("192.0.2.0/24")));
        assert_eq!(net("192.0.2.0/24").end() >> 96, u128::from(u32::from(Ipv4Addr::new(192, 0, 2, 255))));
    }
}
